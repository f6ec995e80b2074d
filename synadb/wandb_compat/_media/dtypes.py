"""The types of a table's columns, and what becomes of them when a value arrives.

A type is asked to `assign` a value and answers with the type that holds it as well: itself, a wider
one, or an InvalidType when the value does not fit.

    type                takes                                  becomes
    UnknownType         anything but None                      the type of the value
    AnyType             anything but None                      itself
    OptionalType(T)     None, and what T takes                 T's answer, or None
    UnionType([...])    what the first of its types takes      that one's answer beside the others
    ListType(T)         sequences of what T takes              T's answer after the last item
    TypedDictType({})   dicts without other keys               the answers, key by key
    ConstType(v)        v
    any other           its own kind, with equal parameters    itself

A float that is NaN counts as None.
"""

from __future__ import annotations

import datetime
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

__all__ = [
    "AnyType",
    "BooleanType",
    "ConstType",
    "InvalidType",
    "ListType",
    "NDArrayType",
    "NoneType",
    "NumberType",
    "OptionalType",
    "PythonObjectType",
    "StringType",
    "TimestampType",
    "Type",
    "TypeRegistry",
    "TypedDictType",
    "UnionType",
    "UnknownType",
    "assign_all",
    "goes_by_class",
    "is_odd",
]


class TypeRegistry:
    """Which type stands for which class, and for which name in JSON."""

    _by_name: ClassVar[dict[str, type[Type]]] = {}
    _by_class: ClassVar[dict[type, type[Type]]] = {}
    _has_numpy: ClassVar[bool] = False

    @staticmethod
    def types_by_name() -> dict[str, type[Type]]:
        """The types by the name that they have in JSON, old names included."""
        return TypeRegistry._by_name

    @staticmethod
    def types_by_class() -> dict[type, type[Type]]:
        """The types by the exact class of the values that they stand for."""
        if not TypeRegistry._has_numpy and "numpy" in sys.modules:
            TypeRegistry._has_numpy = True
            _add_numpy(TypeRegistry._by_class)
        return TypeRegistry._by_class

    @staticmethod
    def add(wb_type: type[Type]) -> None:
        """Make a type known under its names and its classes."""
        assert issubclass(wb_type, Type)
        for name in (wb_type.name, *wb_type.legacy_names):
            TypeRegistry._by_name[name] = wb_type
        for kind in wb_type.types:
            TypeRegistry._by_class[kind] = wb_type

    @staticmethod
    def type_of(py_obj: Any) -> Type:
        """The type of one value."""
        kind = py_obj.__class__
        if kind is float and math.isnan(py_obj):
            return NoneType()
        if (isinstance(py_obj, str) and py_obj.startswith("wandb-artifact://")) or (
            isinstance(py_obj, dict) and py_obj.get("_type") == "artifactVersion"
        ):
            return ArtifactVersionType()
        return (_handler(kind) or PythonObjectType).from_obj(py_obj)

    @staticmethod
    def type_from_dict(json_dict: Mapping[str, Any], artifact: Any = None) -> Type:
        """The type that `Type.to_json` has written."""
        name = json_dict.get("wb_type")
        if name is None:
            raise TypeError("the JSON of a type must contain `wb_type`")
        wb_type = TypeRegistry._by_name.get(name)
        if wb_type is None:
            raise TypeError(f"missing type handler for {name}")
        return wb_type.from_json(json_dict, artifact)

    @staticmethod
    def type_from_dtype(dtype: Any) -> Type:
        """The type that is meant by a type, a class, a list or dict of these, or a constant."""
        if isinstance(dtype, Type):
            return dtype
        if isinstance(dtype, type):
            if issubclass(dtype, Type):
                return dtype()
            handler = _handler(dtype)
            return PythonObjectType.from_obj(dtype) if handler is None else handler()
        if isinstance(dtype, list):
            if len(dtype) > 1:
                return UnionType([TypeRegistry.type_from_dtype(part) for part in dtype])
            return ListType(TypeRegistry.type_from_dtype(dtype[0]) if dtype else None)
        if isinstance(dtype, dict):
            return TypedDictType(dtype)
        return ConstType(dtype)


def _handler(kind: type) -> type[Type] | None:
    return TypeRegistry.types_by_class().get(kind) or _media_handler(kind)


def _media_handler(kind: type) -> type[Type] | None:
    """The type for one of our own media classes, by its name; they need not know of types."""
    if kind.__module__.startswith("synadb.wandb_compat._media."):
        found = _MEDIA.get(kind.__name__)
        if found is not None:
            TypeRegistry._by_class[kind] = found
        return found
    return None


def _add_numpy(by_class: dict[type, type[Type]]) -> None:
    import numpy as np

    for code in np.typecodes["AllInteger"] + np.typecodes["AllFloat"]:
        by_class[np.dtype(code).type] = NumberType
    by_class[np.bool_] = BooleanType
    by_class[np.datetime64] = TimestampType
    by_class[np.ndarray] = NDArrayType


def assign_all(wb_type: Type, values: Sequence[Any]) -> tuple[Type, int]:
    """Assign one value after the other: the last answer, and how many values it holds for.

    The answer to the value behind those is an InvalidType.
    """
    settled: set[type] = set()
    for number, value in enumerate(values):
        kind = value.__class__
        if kind in settled and not is_odd(value):
            continue
        assigned = wb_type.assign(value)
        if isinstance(assigned, InvalidType):
            return wb_type, number
        wb_type = assigned
        if kind in PLAIN and not is_odd(value):
            settled.add(kind)
        if not goes_by_class(wb_type):
            settled.clear()
    return wb_type, len(values)


PLAIN = frozenset((int, float, bool, str, type(None)))
"""Classes all of whose values have the same type, but for those that `is_odd`."""


def is_odd(value: Any) -> bool:
    """Whether a value of a plain class has another type than most: NaN, names of artifacts."""
    if value.__class__ is float:
        return math.isnan(value)
    return value.__class__ is str and value.startswith("wandb-artifact://")


def goes_by_class(wb_type: Type) -> bool:
    """Whether a type that has taken a value takes all of that type, and stays what it then is."""
    if isinstance(wb_type, UnionType):
        return all(map(goes_by_class, wb_type.params["allowed_types"]))
    return isinstance(wb_type, _BY_CLASS)


class Type:
    """A type; subclasses differ in what they assign and have parameters in `params`."""

    name: ClassVar[str] = ""
    legacy_names: ClassVar[list[str]] = []
    types: ClassVar[list[type]] = []

    _params: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    @property
    def params(self) -> dict[str, Any]:
        """What this type has beside its name."""
        found = self.__dict__.get("_params")
        if found is None:
            found = self._params = {}
        return found

    def assign(self, py_obj: Any = None) -> Type:
        """The type that takes this value, too; an InvalidType when there is none."""
        return self.assign_type(TypeRegistry.type_of(py_obj))

    def assign_type(self, wb_type: Type) -> Type:
        """The same for a value that is known by its type."""
        if isinstance(wb_type, self.__class__) and self.params == wb_type.params:
            return self
        return InvalidType()

    def to_json(self, artifact: Any = None) -> dict[str, Any]:
        """As JSON; what belongs to it as a file goes into `artifact`."""
        json: dict[str, Any] = {"wb_type": self.name}
        params = _params_json(self.params, artifact)
        if params:
            json["params"] = params
        return json

    @classmethod
    def from_json(cls, json_dict: Mapping[str, Any], artifact: Any = None) -> Type:
        """The opposite of `to_json`."""
        return cls(**_params_from_json(json_dict.get("params", {}), artifact))

    @classmethod
    def from_obj(cls, py_obj: Any = None) -> Type:
        """The type of a value of one of its classes."""
        return cls()

    def explain(self, other: Any, depth: int = 0) -> str:
        """Why a value cannot be assigned; only for one that cannot."""
        value = "" if depth else f"{other} of type "
        return f"{_tabs(depth)}{value}{TypeRegistry.type_of(other)} is not assignable to {self}"

    def __repr__(self) -> str:
        inner = ", ".join(f"{key}:{value}" for key, value in self.params.items())
        return self.name.capitalize() + (f"({inner})" if inner else "")

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Type) and self.name == other.name and self.params == other.params
        )

    __hash__ = None  # type: ignore[assignment]


def _tabs(depth: int) -> str:
    return "\t" * depth


def _params_json(params: Any, artifact: Any) -> Any:
    if isinstance(params, Type):
        return params.to_json(artifact)
    if params.__class__ is dict:
        return {key: _params_json(value, artifact) for key, value in params.items()}
    if params.__class__ in (list, set, tuple, frozenset):
        return [_params_json(value, artifact) for value in params]
    return params


def _params_from_json(json: Any, artifact: Any) -> Any:
    if json.__class__ is dict:
        if "wb_type" in json:
            return TypeRegistry.type_from_dict(json, artifact)
        return {key: _params_from_json(value, artifact) for key, value in json.items()}
    if json.__class__ is list:
        return [_params_from_json(value, artifact) for value in json]
    return json


class InvalidType(Type):
    """What an assignment that fails gives; it takes nothing."""

    name = "invalid"

    def assign_type(self, wb_type: Type) -> Type:
        """Nothing can be assigned."""
        return self


class AnyType(Type):
    """Takes everything but None."""

    name = "any"

    def assign_type(self, wb_type: Type) -> Type:
        """Itself, or invalid for None."""
        return InvalidType() if isinstance(wb_type, NoneType | InvalidType) else self


class UnknownType(Type):
    """Becomes what is assigned first; None does not count."""

    name = "unknown"

    def assign_type(self, wb_type: Type) -> Type:
        """The type that was assigned, or invalid for None."""
        return InvalidType() if isinstance(wb_type, NoneType) else wb_type


class NoneType(Type):
    """Takes None, and NaN."""

    name = "none"
    types: ClassVar[list[type]] = [type(None)]


class StringType(Type):
    """Takes text."""

    name = "string"
    types: ClassVar[list[type]] = [str]


class NumberType(Type):
    """Takes whole, real and complex numbers, Python's and numpy's."""

    name = "number"
    types: ClassVar[list[type]] = [int, float]


class TimestampType(Type):
    """Takes dates, with and without a time."""

    name = "timestamp"
    types: ClassVar[list[type]] = [datetime.datetime, datetime.date]


class BooleanType(Type):
    """Takes True and False."""

    name = "boolean"
    types: ClassVar[list[type]] = [bool]


class ArtifactVersionType(Type):
    """Takes references to artifacts."""

    name = "artifactVersion"


class PythonObjectType(Type):
    """Takes values of one class, known by the class's name."""

    name = "pythonObject"
    legacy_names: ClassVar[list[str]] = ["object"]

    def __init__(self, class_name: str) -> None:
        self.params["class_name"] = class_name

    @classmethod
    def from_obj(cls, py_obj: Any = None) -> Type:
        """The type of a value of any class."""
        return cls(py_obj.__class__.__name__)


class ConstType(Type):
    """Takes one value alone."""

    name = "const"

    def __init__(self, val: Any = None, is_set: bool | None = False) -> None:
        if is_set or isinstance(val, set):
            assert isinstance(val, set | list)
            val, is_set = set(val), True
        self.params.update({"val": val, "is_set": is_set})

    def assign(self, py_obj: Any = None) -> Type:
        """Itself for its own value."""
        return self.assign_type(ConstType(py_obj))

    @classmethod
    def from_obj(cls, py_obj: Any = None) -> Type:
        """The type of this value alone."""
        return cls(py_obj)

    def __repr__(self) -> str:
        return str(self.params["val"])


class UnionType(Type):
    """Takes what one of several types takes."""

    name = "union"

    def __init__(self, allowed_types: list[Any] | None = None) -> None:
        assert allowed_types is None or allowed_types.__class__ is list
        parts = _flat([TypeRegistry.type_from_dtype(part) for part in allowed_types or ()])
        self.params["allowed_types"] = sorted(parts, key=str)

    def assign(self, py_obj: Any = None) -> Type:
        """The first type that takes the value, with the others as they are."""
        return self._assigned(py_obj, by_type=False)

    def assign_type(self, wb_type: Type) -> Type:
        """The same for a type; for a union, with each of its types in turn."""
        if not isinstance(wb_type, UnionType):
            return self._assigned(wb_type, by_type=True)
        result: Type = self
        for part in wb_type.params["allowed_types"]:
            if not isinstance(result, UnionType):
                break
            result = result._assigned(part, by_type=True)
        return result

    def _assigned(self, value: Any, *, by_type: bool) -> Type:
        allowed: list[Type] = self.params["allowed_types"]
        # What is not known yet gives way to every type that is.
        for place, part in enumerate(allowed):
            if isinstance(part, UnknownType):
                continue
            answer = part.assign_type(value) if by_type else part.assign(value)
            if answer is part:
                return self
            if not isinstance(answer, InvalidType):
                return self._with(place, answer)
        for place, part in enumerate(allowed):
            if isinstance(part, UnknownType):
                answer = value if by_type else part.assign(value)
                return answer if isinstance(answer, InvalidType) else self._with(place, answer)
        return InvalidType()

    def _with(self, place: int, part: Type) -> Type:
        allowed = self.params["allowed_types"]
        return self.__class__([*allowed[:place], part, *allowed[place + 1 :]])

    def explain(self, other: Any, depth: int = 0) -> str:
        """Why none of the types takes the value."""
        parts = [part.explain(other, depth + 1) for part in self.params["allowed_types"]]
        return super().explain(other, depth) + "\n" + f"\n{_tabs(depth)}and\n".join(parts)

    def __repr__(self) -> str:
        return " or ".join(map(str, self.params["allowed_types"]))


def _flat(parts: list[Type]) -> list[Type]:
    flat: list[Type] = []
    for part in parts:
        flat += _flat(part.params["allowed_types"]) if isinstance(part, UnionType) else [part]
    return flat


def OptionalType(dtype: Any) -> UnionType:
    """A type that takes None as well."""
    return UnionType([TypeRegistry.type_from_dtype(dtype), NoneType()])


class ListType(Type):
    """Takes sequences of one type, of any length."""

    name = "list"
    types: ClassVar[list[type]] = [list, tuple, set, frozenset]

    def __init__(self, element_type: Any = None, length: int | None = None) -> None:
        known = (
            UnknownType() if element_type is None else TypeRegistry.type_from_dtype(element_type)
        )
        self.params.update({"element_type": known, "length": length})

    @classmethod
    def from_obj(cls, py_obj: Any = None) -> Type:
        """The type of a sequence; items that do not go together make it one of InvalidType."""
        if py_obj is None or not hasattr(py_obj, "__iter__"):
            raise TypeError("ListType.from_obj expects a list or another sequence")
        items = py_obj.tolist() if hasattr(py_obj, "tolist") else list(py_obj)
        element: Type = UnknownType()
        if any(item is None for item in items):
            element = OptionalType(element)
        element, count = assign_all(element, items)
        return cls(element if count == len(items) else InvalidType(), len(items))

    def assign(self, py_obj: Any = None) -> Type:
        """With the type of the items after the last one."""
        if not hasattr(py_obj, "__iter__"):
            return InvalidType()
        items = list(py_obj)
        element, count = assign_all(self.params["element_type"], items)
        if count < len(items):
            return InvalidType()
        if element is self.params["element_type"] and len(items) == self.params["length"]:
            return self
        return ListType(element, len(items))

    def assign_type(self, wb_type: Type) -> Type:
        """With the type of the items of both; the length remains only if it is the same."""
        if not isinstance(wb_type, ListType):
            return InvalidType()
        element = self.params["element_type"].assign_type(wb_type.params["element_type"])
        if isinstance(element, InvalidType):
            return element
        length = self.params["length"]
        same = length == wb_type.params["length"]
        if same and element is self.params["element_type"]:
            return self
        return ListType(element, length if same else None)

    def explain(self, other: Any, depth: int = 0) -> str:
        """Which item is the first that does not fit."""
        said = super().explain(other, depth)
        if isinstance(other, list | tuple | set | frozenset):
            items = list(other)
            element, count = assign_all(self.params["element_type"], items)
            if count < len(items):
                why = element.explain(items[count], depth + 1)
                said += f"\n{_tabs(depth)}Index {count}:\n{why}"
        return said

    def __repr__(self) -> str:
        return f"{self.params['element_type']}[]"


class NDArrayType(Type):
    """Takes arrays of one shape, and lists."""

    name = "ndarray"

    def __init__(
        self, shape: Sequence[int], serialization_path: dict[str, str] | None = None
    ) -> None:
        self.params["shape"] = list(shape)
        self._serialization_path = serialization_path

    @classmethod
    def from_obj(cls, py_obj: Any = None) -> Type:
        """The type of an array, or of nested lists by the first item of each."""
        if _is_array(py_obj):
            return cls(py_obj.shape)
        if not isinstance(py_obj, list):
            raise TypeError(
                f"NDArrayType.from_obj expects an ndarray or a list, not {type(py_obj).__name__}"
            )
        shape: list[int] = []
        while isinstance(py_obj, list):
            shape.append(len(py_obj))
            py_obj = py_obj[0] if py_obj else None
        return cls(shape)

    def assign(self, py_obj: Any = None) -> Type:
        """Itself for an array of its shape."""
        if _is_array(py_obj) or isinstance(py_obj, list):
            return self.assign_type(self.from_obj(py_obj))
        return InvalidType()

    def assign_type(self, wb_type: Type) -> Type:
        """Itself for its shape, and for lists."""
        if isinstance(wb_type, NDArrayType):
            return self if self.params["shape"] == wb_type.params["shape"] else InvalidType()
        return self if isinstance(wb_type, ListType) else InvalidType()

    def to_json(self, artifact: Any = None) -> dict[str, Any]:
        """With where the arrays are kept; null while they are not."""
        where = self._serialization_path
        return {
            "wb_type": self.name,
            "params": {"shape": self.params["shape"], "serialization_path": where},
        }


def _is_array(value: Any) -> bool:
    return isinstance(value, getattr(sys.modules.get("numpy"), "ndarray", ()))


class TypedDictType(Type):
    """Takes dicts, with a type for each key."""

    name = "typedDict"
    legacy_names: ClassVar[list[str]] = ["dictionary"]
    types: ClassVar[list[type]] = [dict]

    def __init__(self, type_map: Mapping[Any, Any] | None = None) -> None:
        self.params["type_map"] = {
            key: TypeRegistry.type_from_dtype(dtype) for key, dtype in (type_map or {}).items()
        }

    @classmethod
    def from_obj(cls, py_obj: Any = None) -> Type:
        """The type of a dict."""
        if not isinstance(py_obj, dict):
            raise TypeError("TypedDictType.from_obj expects a dict")
        return cls({key: TypeRegistry.type_of(value) for key, value in py_obj.items()})

    def assign(self, py_obj: Any = None) -> Type:
        """Key by key; one that is missing counts as None."""
        types = self.params["type_map"]
        if not isinstance(py_obj, dict) or not py_obj.keys() <= types.keys():
            return InvalidType()
        return self._answers({key: types[key].assign(py_obj.get(key)) for key in types})

    def assign_type(self, wb_type: Type) -> Type:
        """Key by key; one that is missing counts as unknown."""
        types = self.params["type_map"]
        if not isinstance(wb_type, TypedDictType):
            return InvalidType()
        others = wb_type.params["type_map"]
        if not others.keys() <= types.keys():
            return InvalidType()
        return self._answers(
            {key: types[key].assign_type(others.get(key) or UnknownType()) for key in types}
        )

    def _answers(self, answers: dict[Any, Type]) -> Type:
        if any(isinstance(answer, InvalidType) for answer in answers.values()):
            return InvalidType()
        types = self.params["type_map"]
        if all(answer is types[key] for key, answer in answers.items()):
            return self
        return TypedDictType(answers)

    def explain(self, other: Any, depth: int = 0) -> str:
        """Which keys do not fit."""
        said = super().explain(other, depth)
        if not isinstance(other, dict):
            return said
        types = self.params["type_map"]
        extra = [str(key) for key in other if key not in types]
        if extra:
            said += f"\n{_tabs(depth)}Found extra keys: {','.join(extra)}"
        for key, wb_type in types.items():
            value = other.get(key)
            if isinstance(wb_type.assign(value), InvalidType):
                said += f"\n{_tabs(depth)}Key '{key}':\n{wb_type.explain(value, depth + 1)}"
        return said

    def __repr__(self) -> str:
        return str(self.params["type_map"])


# -- media ---------------------------------------------------------------------------------------


class AudioFileType(Type):
    """Takes Audio."""

    name = "audio-file"


class BokehFileType(Type):
    """Takes Bokeh."""

    name = "bokeh-file"


class HtmlFileType(Type):
    """Takes Html."""

    name = "html-file"


class Object3DFileType(Type):
    """Takes Object3D."""

    name = "object3D-file"


class TraceTreeType(Type):
    """Takes WBTraceTree."""

    name = "wb_trace_tree"


class VideoFileType(Type):
    """Takes Video."""

    name = "video-file"


class ImageFileType(Type):
    """Takes images, and collects the layers of boxes and masks and the classes they have."""

    name = "image-file"
    legacy_names: ClassVar[list[str]] = ["wandb.Image"]

    def __init__(
        self,
        box_layers: Any = None,
        box_score_keys: Any = None,
        mask_layers: Any = None,
        box_class_maps: Any = None,
        mask_class_maps: Any = None,
        class_map: Any = None,
        **kwargs: Any,
    ) -> None:
        given = {
            "box_layers": box_layers,
            "box_score_keys": box_score_keys,
            "mask_layers": mask_layers,
            "box_class_maps": box_class_maps,
            "mask_class_maps": mask_class_maps,
            "class_map": class_map,
        }
        for name, value in given.items():
            value = value.params["val"] if isinstance(value, ConstType) else value
            if name == "box_score_keys":
                if value is not None and not isinstance(value, list | set):
                    raise TypeError(f"{name} must be a list or a set")
                value = set(value or ())
            elif value is not None and not isinstance(value, dict):
                raise TypeError(f"{name} must be a dict")
            elif name.endswith("_layers"):
                value = {key: set(ids) for key, ids in (value or {}).items()}
            elif name.endswith("_maps"):
                value = {str(key): _labels(names) for key, names in (value or {}).items()}
            self.params[name] = ConstType(value or {} if name != "box_score_keys" else value)

    def assign_type(self, wb_type: Type) -> Type:
        """With the layers and classes of both; what was there first keeps its name."""
        if not isinstance(wb_type, ImageFileType):
            return InvalidType()
        if self == wb_type:
            return self
        ours, theirs = (
            {name: const.params["val"] for name, const in kind.params.items()}
            for kind in (self, wb_type)
        )
        merged: dict[str, Any] = {
            "box_score_keys": ours["box_score_keys"] | theirs["box_score_keys"],
            "class_map": {**theirs["class_map"], **ours["class_map"]},
        }
        for name in ("box_layers", "mask_layers"):
            merged[name] = {
                key: ours[name].get(key, set()) | theirs[name].get(key, set())
                for key in {**ours[name], **theirs[name]}
            }
        for name in ("box_class_maps", "mask_class_maps"):
            merged[name] = {
                key: {**theirs[name].get(key, {}), **ours[name].get(key, {})}
                for key in {**ours[name], **theirs[name]}
            }
        return ImageFileType(**merged)

    @classmethod
    def from_obj(cls, py_obj: Any = None) -> Type:
        """The type of an image, by its `_boxes`, `_masks` and `_classes`."""
        boxes = getattr(py_obj, "_boxes", None) or {}
        masks = {
            str(key): (getattr(mask, "_val", None) or {}).get("class_labels")
            for key, mask in (getattr(py_obj, "_masks", None) or {}).items()
        }
        classes = getattr(py_obj, "_classes", None)
        return cls(
            box_layers={str(key): set(box._class_labels) for key, box in boxes.items()},
            box_score_keys={
                name for box in boxes.values() for one in box._val for name in one.get("scores", {})
            },
            mask_layers={key: set(labels or ()) for key, labels in masks.items()},
            box_class_maps={key: box._class_labels for key, box in boxes.items()},
            mask_class_maps={key: labels for key, labels in masks.items() if labels is not None},
            class_map={str(one["id"]): one["name"] for one in getattr(classes, "_class_set", ())},
        )


def _labels(names: Mapping[Any, str]) -> dict[str, str]:
    return {str(number): name for number, name in names.items()}


class ClassesIdType(Type):
    """Takes the ids of a Classes object."""

    name = "classesId"
    legacy_names: ClassVar[list[str]] = ["wandb.Classes_id"]

    def __init__(self, classes_obj: Any = None, valid_ids: Any = None) -> None:
        if classes_obj is not None:
            if not hasattr(classes_obj, "_class_set"):
                raise TypeError("classes_obj must be an instance of Classes")
            valid_ids = [one["id"] for one in classes_obj._class_set]
        if valid_ids is None:
            valid_ids = []
        if isinstance(valid_ids, list):
            valid_ids = UnionType([ConstType(one) for one in valid_ids])
        if not isinstance(valid_ids, UnionType):
            raise TypeError("valid_ids must be None, a list, or a UnionType")
        self.wb_classes_obj_ref = classes_obj
        self.params["valid_ids"] = valid_ids

    def assign(self, py_obj: Any = None) -> Type:
        """Itself for one of the ids."""
        return self.assign_type(ConstType(py_obj))

    def assign_type(self, wb_type: Type) -> Type:
        """Itself for one of the ids."""
        valid = self.params["valid_ids"].assign_type(wb_type)
        return valid if isinstance(valid, InvalidType) else self

    @classmethod
    def from_json(cls, json_dict: Mapping[str, Any], artifact: Any = None) -> Type:
        """With the classes, which the artifact has as a file of their own."""
        params = json_dict.get("params", {})
        named = params.get("classes_obj") or {}
        if named.get("type") == "classes-file" and artifact is not None:
            return cls(artifact.get(named["path"]))
        return cls(None, _params_from_json(params.get("valid_ids"), artifact))

    @classmethod
    def from_obj(cls, py_obj: Any = None) -> Type:
        """The type of the ids of a Classes object."""
        return cls(py_obj)

    def to_json(self, artifact: Any = None) -> dict[str, Any]:
        """With the classes, which are a file of their own in an artifact."""
        json = super().to_json(artifact)
        classes = self.wb_classes_obj_ref
        if classes is not None:
            found = classes.to_json() if artifact is None else artifact.classes_json(classes)
            json.setdefault("params", {})["classes_obj"] = found
        return json


_BY_CLASS = (
    *(AnyType, ArtifactVersionType, BooleanType, InvalidType, NoneType, NumberType),
    *(PythonObjectType, StringType, TimestampType, UnknownType),
)

_MEDIA: dict[str, type[Type]] = {
    "Audio": AudioFileType,
    "Bokeh": BokehFileType,
    "Classes": ClassesIdType,
    "Html": HtmlFileType,
    "Image": ImageFileType,
    "Object3D": Object3DFileType,
    "Video": VideoFileType,
    "WBTraceTree": TraceTreeType,
}

for _type in (
    *(AnyType, ArtifactVersionType, BooleanType, ConstType, InvalidType, ListType, NDArrayType),
    *(NoneType, NumberType, PythonObjectType, StringType, TimestampType, TypedDictType),
    *(UnionType, UnknownType, *_MEDIA.values()),
):
    TypeRegistry.add(_type)
