"""`wandb.sdk.data_types.trace_tree`: what a chain of model and tool calls did, as a tree."""

from __future__ import annotations

import enum
import math
import sys
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from synadb.wandb_compat._media.base import Media, Sink, WBValue

__all__ = ["Result", "Span", "SpanKind", "StatusCode", "Trace", "TraceAttribute", "WBTraceTree"]


class StatusCode(str, enum.Enum):
    """How a span ended."""

    SUCCESS = "SUCCESS"
    ERROR = "ERROR"

    def __str__(self) -> str:
        return self.value


class SpanKind(str, enum.Enum):
    """What a span is a call of."""

    LLM = "LLM"
    CHAIN = "CHAIN"
    AGENT = "AGENT"
    TOOL = "TOOL"

    def __str__(self) -> str:
        return self.value


@dataclass
class Result:
    """What went into a call and what came out."""

    inputs: dict[str, Any] | None = None
    outputs: dict[str, Any] | None = None


@dataclass
class Span:
    """One call, with those that it made."""

    span_id: str | None = None
    name: str | None = None
    start_time_ms: int | None = None
    end_time_ms: int | None = None
    status_code: StatusCode | None = None
    status_message: str | None = None
    attributes: dict[str, Any] | None = None
    results: list[Result] | None = None
    child_spans: list[Span] | None = None
    span_kind: SpanKind | None = None

    def add_attribute(self, key: str, value: Any) -> None:
        """Set an attribute."""
        self.attributes = {} if self.attributes is None else self.attributes
        self.attributes[key] = value

    def add_named_result(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
        """Add a result."""
        self.results = [] if self.results is None else self.results
        self.results.append(Result(inputs, outputs))

    def add_child_span(self, span: Span) -> None:
        """Add a call that this one made."""
        self.child_spans = [] if self.child_spans is None else self.child_spans
        self.child_spans.append(span)


class WBTraceTree(Media):
    """A tree of spans, kept in the row as text, with a description of the model beside it."""

    _log_type: ClassVar[str | None] = "wb_trace_tree"
    _folder: ClassVar[str] = "media/wb_trace_tree"

    def __init__(self, root_span: Span, model_dict: dict[str, Any] | None = None) -> None:
        super().__init__()
        self._root_span = root_span
        self._model_dict = model_dict

    def _snapshot(self) -> WBValue:
        return _Tree(self._json())

    def _json(self) -> dict[str, Any]:
        json: dict[str, Any] = {"_type": self._log_type}
        if self._model_dict is not None:
            import hashlib

            text = _dumps(self._model_dict)
            digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
            json |= {"model_hash": digest[:16], "model_dict_dumps": text}
        json["root_span_dumps"] = _dumps(asdict(self._root_span))
        return json

    def _to_run_value(self, sink: Sink, key: str, step: int | str) -> Any:
        return self._json()


class _Tree(WBValue):
    """A tree as it was when it was logged."""

    def __init__(self, json: dict[str, Any]) -> None:
        self._as_json = json

    def _to_run_value(self, sink: Sink, key: str, step: int | str) -> Any:
        return self._as_json


def _dumps(value: Any) -> str:
    """JSON text in which what has no JSON is named in its place; {} where that does not help."""
    import json

    try:
        return json.dumps(_plain(value), skipkeys=True, default=_placeholder)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return "{}"


def _plain(value: Any) -> Any:
    """Arrays as lists, times as milliseconds, NaN as null, at any depth."""
    if type(value) is dict:
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if value is None or isinstance(value, str | int):
        return value
    if hasattr(value, "tolist"):
        inner = value.tolist()
        if type(value).__name__ == "datetime64" and isinstance(inner, int):
            return inner / 1e6  # nanoseconds
        return str(inner) if type(inner) is type(value) else _plain(inner)
    if hasattr(value, "isoformat") and hasattr(value, "year"):
        return _milliseconds(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, set | frozenset):
        return [_plain(inner) for inner in value]
    if type(value).__name__ == "Decimal":
        return float(value)
    if callable(value) and hasattr(value, "__qualname__") and hasattr(value, "__module__"):
        return f"{value.__module__}.{value.__qualname__}"
    return value


def _milliseconds(value: Any) -> int:
    import datetime

    zone = getattr(value, "tzinfo", None) or datetime.timezone.utc
    time = value.timetz() if isinstance(value, datetime.datetime) else datetime.time()
    moment = datetime.datetime.combine(value, time.replace(tzinfo=zone))
    return int(moment.timestamp() * 1000)


def _placeholder(value: Any) -> str:
    return f"<<non-serializable: {type(value).__qualname__}>>"


class TraceAttribute:
    """An attribute of a Trace that is one of its span."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Trace, owner: type) -> Any:
        return getattr(instance._span, self.name)

    def __set__(self, instance: Trace, value: Any) -> None:
        setattr(instance._span, self.name, value)


class Trace:
    """A span with those below it, and `log`.

    AssertionError for a kind or status that is none, and for parts that are no dicts.
    """

    name = TraceAttribute()
    status_code = TraceAttribute()
    status_message = TraceAttribute()
    start_time_ms = TraceAttribute()
    end_time_ms = TraceAttribute()

    def __init__(
        self,
        name: str,
        kind: str | None = None,
        status_code: str | None = None,
        status_message: str | None = None,
        metadata: dict[str, Any] | None = None,
        start_time_ms: int | None = None,
        end_time_ms: int | None = None,
        inputs: dict[str, Any] | None = None,
        outputs: dict[str, Any] | None = None,
        model_dict: dict[str, Any] | None = None,
    ) -> None:
        parts = {
            "Inputs": inputs,
            "Outputs": outputs,
            "Metadata": metadata,
            "Model dict": model_dict,
        }
        for part, value in parts.items():
            if value is not None and not isinstance(value, dict):
                raise AssertionError(f"Trace: {part} must be a dictionary, not {type(value)}")
        self._model_dict = model_dict
        self._span = Span(
            name=name,
            span_kind=None if kind is None else _kind(kind),
            status_code=None if status_code is None else _status(status_code),
            status_message=status_message,
            attributes=metadata,
            start_time_ms=start_time_ms,
            end_time_ms=end_time_ms,
            results=[Result(inputs, outputs)] if inputs or outputs else None,
        )

    def add_child(self, child: Trace) -> Trace:
        """Put the span of `child` below this one; returns this."""
        self._span.add_child_span(child._span)
        if self._model_dict is not None and child._model_dict is not None:
            self._model_dict[str(child.name)] = child._model_dict
        return self

    def add_inputs_and_outputs(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> Trace:
        """Add a result; returns this."""
        self._span.add_named_result(inputs, outputs)
        return self

    def add_metadata(self, metadata: dict[str, Any]) -> Trace:
        """Add attributes; returns this."""
        self.metadata = metadata
        return self

    @property
    def metadata(self) -> dict[str, Any] | None:
        """The attributes; what is set here is added to them."""
        return self._span.attributes

    @metadata.setter
    def metadata(self, value: dict[str, Any]) -> None:
        if self._span.attributes is None:
            self._span.attributes = value
        else:
            self._span.attributes.update(value)

    @property
    def inputs(self) -> dict[str, Any] | None:
        """Those of the last result; what is set here is another result with the same outputs."""
        return self._span.results[-1].inputs if self._span.results else None

    @inputs.setter
    def inputs(self, value: dict[str, Any]) -> None:
        self._span.add_named_result(value, self.outputs if self._span.results else {})  # type: ignore[arg-type]

    @property
    def outputs(self) -> dict[str, Any] | None:
        """Those of the last result; what is set here is another result with the same inputs."""
        return self._span.results[-1].outputs if self._span.results else None

    @outputs.setter
    def outputs(self, value: dict[str, Any]) -> None:
        self._span.add_named_result(self.inputs if self._span.results else {}, value)  # type: ignore[arg-type]

    @property
    def kind(self) -> str | None:
        """LLM, CHAIN, AGENT or TOOL."""
        return self._span.span_kind.value if self._span.span_kind else None

    @kind.setter
    def kind(self, value: str) -> None:
        self._span.span_kind = _kind(value)

    def log(self, name: str) -> None:
        """Log the tree to the active run under this key; AssertionError if there is none."""
        run = getattr(sys.modules["synadb.wandb_compat"], "run", None)
        if run is None:
            raise AssertionError("You must call wandb.init() before logging a trace")
        if not name.strip():
            raise AssertionError("You must provide a valid name to log the trace")
        run.log({name: WBTraceTree(self._span, self._model_dict)})


def _kind(text: str) -> SpanKind:
    if text.upper() not in SpanKind.__members__:
        raise AssertionError(
            f"Invalid span kind {text!r}, can be one of 'LLM', 'AGENT', 'CHAIN', 'TOOL'"
        )
    return SpanKind(text.upper())


def _status(text: str) -> StatusCode:
    if text.upper() not in StatusCode.__members__:
        raise AssertionError(f"Invalid status code {text!r}, can be one of 'SUCCESS' or 'ERROR'")
    return StatusCode(text.upper())
