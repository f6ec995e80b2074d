"""`wandb.Graph`: the layers of a model and how they are connected."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from synadb.wandb_compat._media._sources import FileMedia
from synadb.wandb_compat._media.base import WBValue

__all__ = ["Edge", "Graph", "Node", "TorchGraph"]

_EXTENSION = ".graph.json"


class _Attribute:
    """A part of the JSON of a node or an edge."""

    def __init__(self, default: Callable[[], Any] = lambda: None) -> None:
        self._default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        found = instance._attributes.get(self._name, self)
        return self._default() if found is self else found

    def __set__(self, instance: Any, value: Any) -> None:
        instance._attributes[self._name] = value


class Edge(WBValue):
    """A connection of two nodes."""

    name = _Attribute()
    from_node = _Attribute()
    to_node = _Attribute()

    def __init__(self, from_node: Node, to_node: Node) -> None:
        self._attributes: dict[str, Any] = {}
        self.from_node = from_node
        self.to_node = to_node

    def __repr__(self) -> str:
        shown = {} if self.name is None else {"name": self.name}
        return str({**shown, "from_id": self.from_node.id, "to_id": self.to_node.id})

    def to_json(self, run: Any = None) -> Any:
        """The ids of the two nodes."""
        return [self.from_node.id, self.to_node.id]


class Node(WBValue):
    """A layer of a model."""

    id = _Attribute()
    name = _Attribute()
    class_name = _Attribute()
    functions = _Attribute(list)
    parameters = _Attribute(list)
    output_shape = _Attribute()
    is_output = _Attribute()
    num_parameters = _Attribute()
    child_parameters = _Attribute()
    is_constant = _Attribute()

    def __init__(
        self,
        id: Any = None,
        name: str | None = None,
        class_name: str | None = None,
        size: Any = None,
        parameters: Any = None,
        output_shape: Any = None,
        is_output: bool | None = None,
        num_parameters: Any = None,
        node: Node | None = None,
    ) -> None:
        self._attributes: dict[str, Any] = {"name": None}
        self.in_edges: dict[Any, Any] = {}
        self.out_edges: dict[Any, Any] = {}
        self.obj: Any = None
        if node is not None:
            self._attributes |= node._attributes
            self._attributes.pop("id", None)
            self.obj = node.obj
        given = {
            "id": id,
            "name": name,
            "class_name": class_name,
            "size": size,
            "parameters": parameters,
            "output_shape": output_shape,
            "is_output": is_output,
            "num_parameters": num_parameters,
        }
        for key, value in given.items():
            if value is not None:
                setattr(self, key, value)

    @property
    def size(self) -> Any:
        """The shape of a tensor."""
        return self._attributes.get("size")

    @size.setter
    def size(self, value: Iterable[int]) -> None:
        self._attributes["size"] = tuple(value)

    def to_json(self, run: Any = None) -> dict[str, Any]:
        """What is known of the layer."""
        return self._attributes

    def __repr__(self) -> str:
        return repr(self._attributes)

    @classmethod
    def from_keras(cls, layer: Any) -> Node:
        """The node of a layer of keras."""
        node = cls(
            id=layer.name,
            name=layer.name,
            class_name=type(layer).__name__,
            output_shape=getattr(layer, "output_shape", ["multiple"]),
        )
        node.num_parameters = layer.count_params()
        return node


class Graph(FileMedia):
    """A graph of layers. What is logged is the graph as it is when it is logged first."""

    _log_type: ClassVar[str | None] = "graph-file"
    _folder: ClassVar[str] = "media/graph"

    def __init__(self, format: str = "keras") -> None:
        super().__init__()
        self.format = format
        self.nodes: list[Node] = []
        self.nodes_by_id: dict[Any, Node] = {}
        self.edges: list[Edge] = []
        self.loaded = False
        self.criterion: Any = None
        self.criterion_passed = False
        self.root: Node | None = None

    def __getitem__(self, nid: Any) -> Node:
        return self.nodes_by_id[nid]

    def _to_graph_json(self, run: Any = None) -> dict[str, Any]:
        return {
            "format": self.format,
            "nodes": [node.to_json() for node in self.nodes],
            "edges": [edge.to_json() for edge in self.edges],
        }

    def _snapshot(self) -> Graph:
        with self._storing:
            if self._stored is None and self._content is None:
                self._set_content(self._graph_file(), _EXTENSION)
        return self

    def _encode(self) -> tuple[bytes | str, str]:
        if self._content is None:
            return self._graph_file(), _EXTENSION
        return super()._encode()

    def _graph_file(self) -> bytes:
        from synadb.media.jsontext import dumps

        return dumps(self._to_graph_json())

    @classmethod
    def _from_file(cls, path: str, json_obj: dict[str, Any]) -> Graph:
        import json

        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        graph = cls(content["format"])
        for attributes in content["nodes"]:
            node = Node()
            node._attributes = dict(attributes)
            graph.add_node(node)
        for start, end in content["edges"]:
            graph.add_edge(graph[start], graph[end])
        return graph

    def pprint(self) -> None:
        """Print edges and nodes."""
        import pprint

        for part in (*self.edges, *self.nodes):
            pprint.pprint(part)  # noqa: T203

    def add_node(self, node: Node | None = None, **node_kwargs: Any) -> Node:
        """Add a node, or the one that these arguments make."""
        if node is None:
            node = Node(**node_kwargs)
        elif node_kwargs:
            raise ValueError(
                f"Graph.add_node: only pass one of either node ({node}) or other keyword "
                f"arguments ({node_kwargs})"
            )
        self.nodes.append(node)
        self.nodes_by_id[node.id] = node
        return node

    def add_edge(self, from_node: Node, to_node: Node) -> Edge:
        """Connect two nodes."""
        edge = Edge(from_node, to_node)
        self.edges.append(edge)
        return edge

    @classmethod
    def from_keras(cls, model: Any) -> Graph:
        """The graph of a model of keras 2, which knows how its layers were called."""
        graph = cls()
        depths = getattr(model, "_nodes_by_depth", None) or {}
        calls = [call for calls in depths.values() for call in calls]
        for layer in model.layers:
            node = Node.from_keras(layer)
            for call in getattr(layer, "_inbound_nodes", ()):
                if calls and call not in calls:
                    continue  # the layer was called outside of this model, too
                for source in _listed(call.inbound_layers):
                    if source.name not in graph.nodes_by_id:
                        graph.add_node(Node.from_keras(source))
                    graph.add_edge(graph.nodes_by_id[source.name], node)
            graph.add_node(node)
        return graph


def _listed(layers: Any) -> list[Any]:
    if isinstance(layers, list | tuple):
        return [layer for inner in layers for layer in _listed(inner)]
    return [layers]


class TorchGraph(Graph):
    """The graph of a torch module: its layers in the order in which they run."""

    def __init__(self) -> None:
        super().__init__("torch")
        self._graph_hooks: set[int] = set()

    def watch(
        self, model: Any, criterion: Any = None, done: Callable[[TorchGraph], None] | None = None
    ) -> list[Any]:
        """Take a node of each layer when it runs for the first time, then call `done`.

        A layer is a child that is no container, by its name in the model. Returns the handles of
        the hooks. A layer that is a scripted module, which takes no hooks, is left out.
        """
        if criterion is not None:
            self.criterion = criterion
            self.criterion_passed = True
        handles: list[Any] = []
        for name, layer in _layers(model, ""):
            try:
                handles.append(layer.register_forward_hook(_LayerHook(self, name, done)))
            except RuntimeError:
                continue
            self._graph_hooks.add(id(layer))
        return handles

    def _layer_ran(
        self, name: str, done: Callable[[TorchGraph], None] | None, layer: Any, output: Any
    ) -> None:
        if id(layer) not in self._graph_hooks:
            return
        self._add_layer(name, layer, output)
        self._graph_hooks.discard(id(layer))
        if not self._graph_hooks and done is not None:
            done(self)

    def _add_layer(self, name: str, layer: Any, output: Any) -> None:
        outputs = output if isinstance(output, tuple) else (output,)
        shapes = [(part, [*parameter.size()]) for part, parameter in layer.named_parameters()]
        node = self.add_node(
            id=id(layer),
            name=name,
            class_name=str(layer),
            output_shape=_shape(outputs),
            parameters=shapes,
            num_parameters=[_product(shape) for _, shape in shapes],
        )
        for parameter in layer.parameters():
            self.nodes_by_id[id(parameter)] = node
        first: Any = outputs[0] if outputs else None
        if isinstance(first, list) and first:
            first = first[0]
        if not self.criterion_passed and hasattr(first, "grad_fn"):
            self.criterion = first.grad_fn


class _LayerHook:
    """Runs after each forward pass of a layer."""

    def __init__(
        self, graph: TorchGraph, name: str, done: Callable[[TorchGraph], None] | None
    ) -> None:
        self._graph = graph
        self._name = name
        self._done = done

    def __call__(self, layer: Any, inputs: Any, output: Any) -> None:
        self._graph._layer_ran(self._name, self._done, layer, output)

    def __reduce__(self) -> tuple[Any, ...]:
        # A model is copied and saved with its hooks; in a copy this one does nothing, also where
        # this package is not. So a function of the standard library with three parameters.
        import contextlib

        return getattr, (contextlib.nullcontext(), "__exit__")


def _layers(module: Any, prefix: str) -> Iterable[tuple[str, Any]]:
    for name, child in module.named_children():
        path = f"{prefix}.{name}" if prefix else name
        if type(child).__name__ in ("Sequential", "ModuleList", "ModuleDict", "Container"):
            yield from _layers(child, path)
        else:
            yield path, child


def _product(shape: list[int]) -> int:
    product = 1
    for length in shape:
        product *= length
    return product


def _shape(value: Any) -> Any:
    """The shape of a tensor, or of each in a list or dict of them; [] for anything else."""
    if hasattr(value, "size") and callable(value.size):
        return [*value.size()]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [_shape(inner) for inner in value]
    return []
