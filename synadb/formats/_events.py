"""What the records of a TensorBoard event file say: events, and the values of their summaries.

The messages are those of tensorboard/compat/proto (event.proto, summary.proto, tensor.proto,
histogram.proto) and of the hparams plugin. A value tells by its `metadata` which plugin it is of;
writers may give that with the first value of a tag only.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from synadb.formats._protobuf import Field, Message, decode, message
from synadb.media.value import FileValue, Sink

__all__ = [
    "Curve",
    "Event",
    "Images",
    "Plugins",
    "Sound",
    "ValueProblem",
    "array",
    "begins_a_file",
    "decode_event",
    "decode_summary",
    "decode_tensor",
    "histogram_json",
    "hparams",
    "read_value",
    "shortest",
    "tensor_numbers",
    "text",
]

MOST_BINS = 512  # of a histogram; wandb takes no more

_TENSOR = message(
    {
        1: Field("dtype", "int"),
        2: Field(
            "shape",
            message(
                {
                    2: Field("dim", message({1: Field("size", "int")}), repeated=True),
                    3: Field("unknown_rank", "bool"),
                }
            ),
        ),
        4: Field("content", "bytes"),
        5: Field("float", "float", repeated=True),
        6: Field("double", "double", repeated=True),
        7: Field("int", "int", repeated=True),
        8: Field("string", "bytes", repeated=True),
        10: Field("int64", "int", repeated=True),
        11: Field("bool", "bool", repeated=True),
        13: Field("half", "int", repeated=True),
        16: Field("uint32", "int", repeated=True),
        17: Field("uint64", "int", repeated=True),
    }
)
_METADATA = message(
    {1: Field("plugin", message({1: Field("name", "string"), 2: Field("content", "bytes")}))}
)
_VALUE = message(
    {
        1: Field("tag", "string"),
        2: Field("simple_value", "float"),
        4: Field(
            "image",
            message(
                {
                    1: Field("height", "int"),
                    2: Field("width", "int"),
                    4: Field("content", "bytes"),
                }
            ),
        ),
        5: Field(
            "histo",
            message(
                {
                    1: Field("min", "double"),
                    2: Field("max", "double"),
                    6: Field("limit", "double", repeated=True),
                    7: Field("count", "double", repeated=True),
                }
            ),
        ),
        6: Field(
            "audio",
            message({4: Field("content", "bytes"), 5: Field("content_type", "string")}),
        ),
        8: Field("tensor", _TENSOR),
        9: Field("metadata", _METADATA),
    }
)
_SUMMARY = message({1: Field("value", _VALUE, repeated=True)})
_EVENT = message(
    {
        1: Field("wall_time", "double"),
        2: Field("step", "int"),
        3: Field("file_version", "string"),
        5: Field("summary", _SUMMARY),
        7: Field("session", message({1: Field("status", "int")})),
    }
)
_SESSION_START = 1
_FILE_VERSION = "brain.Event:"

# google.protobuf.Value
_ANY: Message = message(
    {
        1: Field("null", "int"),
        2: Field("number", "double"),
        3: Field("string", "string"),
        4: Field("bool", "bool"),
    }
)
_ANY |= message({6: Field("list", message({1: Field("values", _ANY, repeated=True)}))})
_HPARAMS = message(
    {
        3: Field(
            "start",
            message(
                {
                    1: Field(
                        "hparams",
                        message({1: Field("key", "string"), 2: Field("value", _ANY)}),
                        repeated=True,
                    ),
                    4: Field("group", "string"),
                }
            ),
        ),
        4: Field("end", message({1: Field("status", "int")})),
    }
)


class ValueProblem(ValueError):
    """A value of a summary cannot be made sense of."""


class Event(NamedTuple):
    """One record; `values` are those of its summary, as dicts of their fields."""

    wall_time: float
    step: int
    values: list[dict[str, Any]]
    version: str = ""  # of the file, in its first event
    restarted: bool = False  # what was written for this step and later ones does not count


class Plugins:
    """The plugin of each tag of one file."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, value: dict[str, Any]) -> str:
        """The plugin that a value is of; an empty text for none."""
        tag = value.get("tag", "")
        name: str = value.get("metadata", {}).get("plugin", {}).get("name", "")
        if name:
            self._known[tag] = name
            return name
        return self._known.get(tag, "")


def decode_event(data: bytes) -> Event:
    """Read the payload of a record; DecodeError when it is no event."""
    found = decode(_EVENT, data)
    return Event(
        found.get("wall_time", 0.0),
        found.get("step", 0),
        found.get("summary", {}).get("value", []),
        found.get("file_version", ""),
        found.get("session", {}).get("status") == _SESSION_START,
    )


def decode_summary(data: bytes) -> list[dict[str, Any]]:
    """The values of a summary that comes without an event; DecodeError."""
    values: list[dict[str, Any]] = decode(_SUMMARY, data).get("value", [])
    return values


def decode_tensor(data: bytes) -> dict[str, Any]:
    """A TensorProto; DecodeError."""
    return decode(_TENSOR, data)


def begins_a_file(event: Event) -> bool:
    """Whether this is what the first record of an event file holds."""
    return event.version.startswith(_FILE_VERSION)


# -- values --------------------------------------------------------------------------------------


def read_value(value: dict[str, Any], plugin: str) -> Any:
    """What a row has of a value: a float, a histogram's JSON, text, `Images`, `Sound`, `Curve`.

    None for what is no data of the run: graphs, layouts, the hparams plugin, tensors of plugins
    that are not known.

    Raises:
        ValueProblem: the value is not what its plugin writes.
    """
    if plugin in ("", "scalars") and "simple_value" in value:
        return shortest(value["simple_value"])
    reader = _READERS.get(plugin)
    if reader is not None:
        return reader(value)
    for name in ("histo", "image", "audio") if plugin == "" else ():
        if name in value:
            return _READERS[_PLUGIN_OF[name]](value)
    return None


def _scalar(value: dict[str, Any]) -> float:
    numbers, _ = tensor_numbers(_tensor_of(value, "a scalar"))
    if len(numbers) != 1:
        raise ValueProblem(f"a scalar that is a tensor of {len(numbers)} numbers")
    return numbers[0]


def _histogram(value: dict[str, Any]) -> dict[str, Any] | None:
    if "histo" in value:
        return _histogram_of_buckets(value["histo"])
    numbers, shape = tensor_numbers(_tensor_of(value, "a histogram"))
    if not numbers:
        return None
    if len(shape) != 2 or shape[1] != 3:
        raise ValueProblem(f"a histogram of shape {shape}; it is rows of left, right and count")
    lefts, rights, counts = numbers[::3], numbers[1::3], numbers[2::3]
    return histogram_json([*lefts, rights[-1]], counts)


def _histogram_of_buckets(histo: dict[str, Any]) -> dict[str, Any] | None:
    limits, counts = histo.get("limit", []), histo.get("count", [])
    if not limits or len(limits) != len(counts):
        raise ValueProblem(f"a histogram of {len(counts)} counts and {len(limits)} limits")
    # The first bucket reaches down to minus infinity: it is left out when it is empty, and
    # otherwise begins with the least value.
    if not counts[0]:
        return histogram_json(limits, counts[1:])
    least = histo.get("min", 0.0)
    if not least < limits[0]:
        raise ValueProblem(f"a histogram whose least value {least} is not below {limits[0]}")
    return histogram_json([least, *limits], counts)


def histogram_json(edges: Sequence[float], counts: Sequence[float]) -> dict[str, Any] | None:
    """The JSON of a histogram, with neighbouring bins merged where there are too many."""
    if not counts:
        return None
    if len(counts) > MOST_BINS:
        edges, counts = _fewer_bins(edges, counts)
    return {"_type": "histogram", "values": [*counts], "bins": [*edges]}


def _fewer_bins(edges: Sequence[float], counts: Sequence[float]) -> tuple[list[float], list[float]]:
    """The same counts over MOST_BINS bins, whose edges are spread over the old ones evenly.

    A bin that a new edge cuts gives each side its part of the count.
    """
    bins = len(counts)
    fresh = [edges[0]]
    for number in range(1, MOST_BINS):
        index, rest = divmod(number * bins, MOST_BINS)
        low, high = edges[index], edges[index + 1]
        fresh.append(low + (high - low) * (rest / MOST_BINS))
    fresh.append(edges[bins])
    merged = [0.0] * MOST_BINS
    old = 0
    for number in range(MOST_BINS):
        right = fresh[number + 1]
        while old < bins and edges[old + 1] < right:
            merged[number] += counts[old]
            old += 1
        if old < bins and right <= edges[old + 1]:
            width = edges[old + 1] - edges[old]
            part = (right - edges[old]) / width if width else 1.0
            merged[number] += part * counts[old]
            merged[min(number + 1, MOST_BINS - 1)] += (1.0 - part) * counts[old]
            old += 1
    return fresh, merged


def _images(value: dict[str, Any]) -> Images:
    if "image" in value:
        image = value["image"]
        contents = [image.get("content", b"")]
        return Images(contents, image.get("width", 0), image.get("height", 0))
    strings = _tensor_of(value, "an image").get("string", [])
    if len(strings) < 3:
        raise ValueProblem(f"images that are {len(strings)} texts: width, height and an image each")
    try:
        width, height = int(strings[0]), int(strings[1])
    except ValueError as error:
        raise ValueProblem(f"images whose size is no number: {error}") from error
    return Images(strings[2:], width, height)


def _sound(value: dict[str, Any]) -> Sound:
    if "audio" in value:
        return Sound(value["audio"].get("content", b""))
    strings = _tensor_of(value, "audio").get("string", [])
    if not strings:
        raise ValueProblem("audio without content")
    return Sound(strings[0])  # each clip is followed by its label; a row shows the first


def _text(value: dict[str, Any]) -> Any:
    return text(_tensor_of(value, "text"))


def text(tensor: dict[str, Any]) -> str | list[str]:
    """The text of a tensor, or the list of its texts."""
    texts = [item.decode("utf-8", "replace") for item in tensor.get("string", [])]
    return texts[0] if len(texts) == 1 else texts


def _curve(value: dict[str, Any]) -> Curve:
    numbers, shape = tensor_numbers(_tensor_of(value, "a PR curve"))
    if len(shape) != 2 or shape[0] < 2:
        raise ValueProblem(f"a PR curve of shape {shape}; its last rows are precision and recall")
    width = shape[1]
    return Curve(numbers[-2 * width : len(numbers) - width], numbers[len(numbers) - width :])


_READERS: dict[str, Any] = {
    "scalars": _scalar,
    "histograms": _histogram,
    "images": _images,
    "audio": _sound,
    "text": _text,
    "pr_curves": _curve,
}
_PLUGIN_OF = {"histo": "histograms", "image": "images", "audio": "audio"}


def hparams(value: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """(hyperparameters, status at the end) that a value of the hparams plugin tells.

    The status is 1 for success, 2 for failure, 0 if it is not told.

    Raises:
        DecodeError: the plugin's data are no message.
    """
    data = decode(_HPARAMS, value.get("metadata", {}).get("plugin", {}).get("content", b""))
    told = data.get("start", {}).get("hparams", [])
    values = {item["key"]: _plain(item.get("value", {})) for item in told if item.get("key")}
    status: int = data.get("end", {}).get("status", 0)
    return values, status


def _plain(value: dict[str, Any]) -> Any:
    if "list" in value:
        return [_plain(item) for item in value["list"].get("values", [])]
    if "number" in value:
        return _number(value["number"])  # the format has no integers
    return value.get("string", value.get("bool"))


def _number(number: float) -> float:
    """A whole number as an int: it is shorter."""
    return int(number) if number.is_integer() and abs(number) < 1 << 53 else number


# -- numbers -------------------------------------------------------------------------------------


_SMALLEST_NORMAL = 2.0**-126  # below it a float32 has fewer digits


def shortest(number: float) -> float:
    """The number that is written for a float32: 0.1, and not the 0.10000000149011612 next to it."""
    if not math.isfinite(number):
        return number
    packed = _F.pack(number)
    for digits in (6, 7, 8) if abs(number) >= _SMALLEST_NORMAL else range(1, 9):
        short = float(f"{number:.{digits}g}")
        try:
            if _F.pack(short) == packed:
                return short
        except OverflowError:  # rounded up, past the greatest float32
            continue
    return float(f"{number:.9g}")


_F = struct.Struct("<f")

# Of each type of tensors: the letter of its bytes, and the field that may have the numbers instead.
_TYPES: dict[int, tuple[str, str]] = {
    1: ("f", "float"),
    2: ("d", "double"),
    3: ("i", "int"),
    4: ("B", "int"),
    5: ("h", "int"),
    6: ("b", "int"),
    9: ("q", "int64"),
    10: ("?", "bool"),
    14: ("bfloat16", "half"),
    17: ("H", "int"),
    19: ("e", "half"),
    22: ("I", "uint32"),
    23: ("Q", "uint64"),
}
_MOST_NUMBERS = 1 << 24  # of one tensor, whose shape may claim any


def _tensor_of(value: dict[str, Any], what: str) -> dict[str, Any]:
    if "tensor" not in value:
        raise ValueProblem(f"{what} without a tensor")
    tensor: dict[str, Any] = value["tensor"]
    return tensor


def tensor_numbers(tensor: dict[str, Any]) -> tuple[list[float], list[int]]:
    """The numbers of a tensor in row-major order, and its shape; ValueProblem."""
    kind = tensor.get("dtype", 0)
    if kind not in _TYPES:
        raise ValueProblem(f"a tensor of type {kind}, which has no numbers")
    letter, field = _TYPES[kind]
    shape = [dim.get("size", 0) for dim in tensor.get("shape", {}).get("dim", [])]
    if tensor.get("shape", {}).get("unknown_rank") or any(size < 0 for size in shape):
        raise ValueProblem("a tensor of unknown shape")
    count = math.prod(shape)
    if count > _MOST_NUMBERS:
        raise ValueProblem(f"a tensor of shape {shape}")
    content = tensor.get("content", b"")
    if content:
        numbers = _from_bytes(letter, content)
    else:
        numbers = [*tensor.get(field, [])]
        if field == "half":
            halves = struct.pack(f"<{len(numbers)}H", *(int(number) & 0xFFFF for number in numbers))
            numbers = _from_bytes(letter, halves)
        elif letter == "Q":
            numbers = [number % (1 << 64) for number in numbers]
        if len(numbers) < count:
            # Values that are left out are like the last one; zeros if there is none.
            numbers += (numbers[-1:] or [0]) * (count - len(numbers))
    if len(numbers) != count:
        raise ValueProblem(f"a tensor of shape {shape} with {len(numbers)} numbers")
    return [float(number) for number in numbers], shape


def _from_bytes(letter: str, content: bytes) -> list[float]:
    if letter == "bfloat16":  # the upper half of a float32
        halves = struct.unpack(f"<{len(content) // 2}H", content[: len(content) // 2 * 2])
        return [
            *struct.unpack(
                f"<{len(halves)}f",
                struct.pack(f"<{len(halves)}I", *(half << 16 for half in halves)),
            )
        ]
    size = struct.calcsize("<" + letter)
    count, rest = divmod(len(content), size)
    if rest:
        raise ValueProblem(f"a tensor of {len(content)} bytes, {size} a number")
    return [*struct.unpack(f"<{count}{letter}", content)]


# -- media ---------------------------------------------------------------------------------------

_PICTURES = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"))
_SOUNDS = ((b"RIFF", ".wav"), (b"OggS", ".ogg"), (b"fLaC", ".flac"), (b"ID3", ".mp3"))


class Images(FileValue):
    """The images of one value, as they were encoded."""

    _type: ClassVar[str] = "images/separated"
    _folder: ClassVar[str] = "media/images"

    def __init__(self, contents: Sequence[bytes], width: int, height: int) -> None:
        kinds = [next((k for m, k in _PICTURES if c.startswith(m)), "") for c in contents]
        self.contents = [c for c, kind in zip(contents, kinds, strict=True) if kind]
        if not self.contents:
            raise ValueProblem("an image that is neither PNG nor JPEG nor GIF")
        self.format = next(filter(None, kinds))
        super().__init__(f".{self.format}")
        self.width, self.height = width, height

    def _to_run_value(self, sink: Sink, key: str, step: int | str) -> Any:
        put = [sink.put(self._folder, key, step, c, self.extension) for c in self.contents]
        return {
            "_type": self._type,
            "width": self.width,
            "height": self.height,
            "format": self.format,
            "count": len(put),
            "filenames": [stored.path for stored in put],
        }

    @property
    def _held(self) -> int:
        return sum(map(len, self.contents))


class Sound(FileValue):
    """A piece of audio, as it was encoded."""

    _type: ClassVar[str] = "audio-file"
    _folder: ClassVar[str] = "media/audio"

    def __init__(self, content: bytes) -> None:
        super().__init__(next((end for m, end in _SOUNDS if content.startswith(m)), ".wav"))
        self._content = content


class Curve(FileValue):
    """Precision over recall, as a table."""

    _type: ClassVar[str] = "table-file"
    _folder: ClassVar[str] = "media/table"

    def __init__(self, precision: Sequence[float], recall: Sequence[float]) -> None:
        from synadb.media.jsontext import dumps

        super().__init__(".table.json")
        self.rows = [[_number(r), _number(p)] for r, p in zip(recall, precision, strict=True)]
        self._content = dumps({"columns": ["recall", "precision"], "data": self.rows})

    def _facts(self) -> dict[str, Any]:
        return {"ncols": 2, "nrows": len(self.rows)}


def array(tensor: dict[str, Any]) -> Any:
    """A tensor as a numpy array of its type; None for one of objects; ValueProblem."""
    import numpy as np

    kind = tensor.get("dtype", 0)
    if kind not in _TYPES:
        return None
    numbers, shape = tensor_numbers(tensor)
    letter = _TYPES[kind][0]
    return np.array(numbers, dtype="f4" if letter == "bfloat16" else letter).reshape(shape)
