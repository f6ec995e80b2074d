"""`wandb.integration.tensorboard.log`: summaries that a script has in its hands."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import Any

from synadb.formats._events import (
    Curve,
    ValueProblem,
    array,
    decode_summary,
    decode_tensor,
    read_value,
)
from synadb.formats._protobuf import DecodeError
from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._term import termwarn

__all__ = [
    "history_image_key",
    "make_ndarray",
    "namespaced_tag",
    "reset_state",
    "tf_summary_to_dict",
]

IGNORE_KINDS = ["graphs"]
RATE_LIMIT_SECONDS: float | None = None  # the least time between two rows of `_log`
STEPS: dict[str, dict[str, Any]] = {}

_NUMBERED = re.compile(r"(.+)/(\d+)\Z")


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)


def reset_state() -> None:
    """Forget the steps that `_log` has seen."""
    STEPS.clear()
    STEPS.update({"": {"step": 0}, "global": {"step": 0, "last_log": None}})


reset_state()


def namespaced_tag(tag: str, namespace: str = "") -> str:
    """The key of a tag."""
    return f"{namespace}/{tag}" if namespace else tag


def history_image_key(key: str, namespace: str = "") -> str:
    """The key of the tag of an image: slashes could not stand in the name of its file."""
    return namespaced_tag(re.sub(r"[/\\]", "_", key), namespace)


def make_ndarray(tensor: Any) -> Any:
    """The numpy array of a TensorProto; None for one of objects."""
    return array(decode_tensor(tensor.SerializeToString()))


def tf_summary_to_dict(tf_summary_str_or_pb: Any, namespace: str = "") -> dict[str, Any] | None:
    """The values of a summary, to be logged: a Summary, an Event, one's bytes, or a list of bytes.

    None for a summary without values.
    """
    given = tf_summary_str_or_pb
    found: dict[str, Any] = {}
    if hasattr(given, "summary"):
        found[namespaced_tag("global_step", namespace)] = given.step
        found["_timestamp"] = given.wall_time
        given = given.summary
    values = _summary_values(given)
    if not values:
        return None
    for value in values:
        try:
            _add(found, value, namespace)
        except (ValueProblem, DecodeError) as error:
            key = namespaced_tag(value.get("tag", ""), namespace)
            termwarn(f"Not logging key {key!r}: {error}", repeat=False)
    return found


def _summary_values(given: Any) -> list[dict[str, Any]]:
    if isinstance(given, str):
        given = given.encode("latin-1")
    if isinstance(given, bytes | bytearray):
        return decode_summary(bytes(given))
    if hasattr(given, "SerializeToString"):
        return decode_summary(given.SerializeToString())
    if isinstance(given, Iterable):
        return [value for one in given for value in _summary_values(one)]
    return []


def _add(found: dict[str, Any], value: dict[str, Any], namespace: str) -> None:
    from synadb.wandb_compat._media.histogram import Histogram

    tag = value.get("tag", "")
    key = namespaced_tag(tag, namespace)
    plugin = value.get("metadata", {}).get("plugin", {}).get("name", "")
    if "simple_value" in value:
        found[key] = value["simple_value"]
    elif "tensor" in value and plugin in ("", "scalars"):
        found[key] = array(value["tensor"])
    elif "image" in value or ("tensor" in value and plugin == "images"):
        _add_images(found, tag, read_value(value, plugin or "images").contents, namespace)
    elif "histo" in value:
        limits, counts = value["histo"].get("limit", []), value["histo"].get("count", [])
        if len(limits) < 3:
            raise ValueProblem("a histogram with only 2 bins")
        # The outermost edges, which are infinite, are as far off as their neighbours.
        first = 2 * limits[0] - limits[1]
        last = 2 * limits[-2] - limits[-3]
        _add_histogram(found, key, (counts, [first, *limits[:-1], last]))
    elif "tensor" in value and plugin == "histograms":
        made = read_value(value, plugin)
        if made is not None:
            found[key] = Histogram(np_histogram=(made["values"], made["bins"]))
    elif "tensor" in value and plugin == "pr_curves":
        found[key] = _chart(key, read_value(value, plugin))


def _add_histogram(found: dict[str, Any], key: str, parts: Any) -> None:
    from synadb.wandb_compat._media.histogram import Histogram

    try:
        found[key] = Histogram(np_histogram=parts)
    except ValueError as error:
        raise ValueProblem(
            f"Histograms must have fewer than {Histogram.MAX_LENGTH} bins: {error}"
        ) from error


def _add_images(found: dict[str, Any], tag: str, contents: list[bytes], namespace: str) -> None:
    import io

    from PIL import Image as Pictures

    from synadb.wandb_compat._media.image import Image
    from synadb.wandb_compat._media.video import Video

    made = [
        Video(io.BytesIO(content), format="gif")
        if content.startswith(b"GIF")
        else Image(Pictures.open(io.BytesIO(content)))
        for content in contents
    ]
    numbered = _NUMBERED.match(tag)
    if numbered:
        found.setdefault(history_image_key(numbered[1], namespace), []).extend(made)
    else:
        found[history_image_key(tag, namespace)] = made


def _chart(key: str, curve: Curve) -> Any:
    from synadb.wandb_compat._media.table import Table
    from synadb.wandb_compat.plot.custom_chart import plot_table

    rows = [row for row in curve.rows if any(row)]
    rows.sort(key=lambda row: (row[0], -row[1]))
    return plot_table(
        "wandb/line/v0",
        Table(data=rows, columns=["recall", "precision"]),
        {"x": "recall", "y": "precision"},
        {"title": f"{key} Precision v. Recall"},
    )


def _log(
    tf_summary_str_or_pb: Any,
    history: Any = None,
    step: int = 0,
    namespace: str = "",
    **kwargs: Any,
) -> None:
    """Log a summary to the active run; a row ends when the step of its namespace grows."""
    import sys

    commit = STEPS.get(namespace, {"step": 0})["step"] < step
    row = tf_summary_to_dict(tf_summary_str_or_pb, namespace)
    if row is None:
        return
    everywhere = STEPS["global"]
    now = row.get("_timestamp", time.time())
    if everywhere["last_log"] is None:
        everywhere["last_log"] = now
    if step == everywhere["step"]:
        commit = False  # another namespace has begun this step
    everywhere["step"] = max(everywhere["step"], step)
    if namespace:
        row["global_step"] = everywhere["step"]
    STEPS[namespace] = {"step": step}
    run = sys.modules[__name__.partition(".integration")[0]].run
    if run is None:
        return
    if commit:
        if RATE_LIMIT_SECONDS is None or now - everywhere["last_log"] >= RATE_LIMIT_SECONDS:
            run.log({}, commit=True)
        everywhere["last_log"] = now
    run.log(row, commit=False)
