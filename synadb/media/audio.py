"""Sound as a WAV file.

A file is 44 bytes of header and 16-bit samples, the channels of a frame side by side. Other
samples are brought to 16 bits the way libsndfile does it, which is what wandb writes its files
with: floats are multiplied by 2**31 - 1, rounded to even and cut to 32 bits, of which the upper
half is kept. So -1 .. 1 is the full range, what lies beyond is clipped, and NaN, which libsndfile
leaves to the processor, is silence.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Any, ClassVar, Final

from synadb.errors import InvalidValueError
from synadb.media.value import FileValue, refusing

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["Audio", "check_samples", "encode_wav"]

MOST_CHANNELS: Final = 1024
_TYPES: Final = ("float32", "float64", "int16", "int32")


class Audio(FileValue):
    """A sound: the path of a file of any format, or samples with their rate.

    Samples are (frames,) or (frames, channels), floats in -1 .. 1 or integers of 16 or 32 bits,
    and become a WAV file of 16 bits; they need `sample_rate`, frames a second.
    """

    _type: ClassVar[str] = "audio-file"
    _folder: ClassVar[str] = "media/audio"

    def __init__(
        self, value: Any, sample_rate: int | None = None, caption: str | None = None
    ) -> None:
        self._samples: Array | None = None
        self._rate = 0
        if isinstance(value, str | os.PathLike):
            super().__init__(os.path.splitext(os.fspath(value))[1], caption)
            self._from_path(value)
            return
        super().__init__(".wav", caption)
        import operator

        import numpy as np

        if sample_rate is None:
            raise InvalidValueError("Audio of samples needs sample_rate, as in sample_rate=44100")
        with refusing("Audio"):
            self._rate = operator.index(sample_rate)
            if hasattr(value, "detach"):
                value = value.detach().cpu()
            self._samples = np.array(value)
            check_samples(self._samples, self._rate)

    def _source(self) -> bytes | str:
        if self._samples is None:
            return super()._source()
        return encode_wav(self._samples, self._rate)

    @property
    def _held(self) -> int:
        return super()._held if self._samples is None else int(self._samples.nbytes)

    def _repr_html_(self) -> str:
        from synadb.media import show

        return show.player(self.encode(), self.extension, "audio", self.caption)


def check_samples(samples: Array, sample_rate: int) -> None:
    """Raise ValueError for samples or a rate that a WAV file cannot have."""
    if samples.ndim not in (1, 2):
        raise ValueError(
            f"sound is (frames,) or (frames, channels), not an array of shape {samples.shape}"
        )
    if samples.dtype.name not in _TYPES:
        raise ValueError(
            f"sound has to have a dtype of {', '.join(_TYPES)}, not {samples.dtype}; "
            "convert it with .astype(), floats being -1 .. 1"
        )
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    if not 1 <= channels <= MOST_CHANNELS:
        raise ValueError(
            f"sound has 1 to {MOST_CHANNELS} channels, not {channels}: the shape is "
            f"(frames, channels), this array has {samples.shape}; transpose it with .T"
        )
    if not 1 <= sample_rate < 1 << 31:
        raise ValueError(f"a sample rate lies between 1 and 2**31 - 1, not at {sample_rate}")
    if samples.size * 2 > (1 << 32) - 64:
        raise ValueError("a WAV file holds 4 GiB at most; cut the sound into pieces")


def encode_wav(samples: Array, sample_rate: int) -> bytes:
    """The WAV file of samples that `check_samples` lets pass."""
    data = _as_int16(samples).tobytes()
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + len(data),
        b"WAVE",
        b"fmt ",
        16,
        1,  # linear PCM
        channels,
        sample_rate,
        sample_rate * channels * 2 & 0xFFFFFFFF,
        channels * 2,
        16,
        b"data",
        len(data),
    )
    return header + data


def _as_int16(samples: Array) -> Array:
    import numpy as np

    name = samples.dtype.name
    if name == "int16":
        return samples.astype("<i2", copy=False)
    if name == "int32":
        halves: Array = samples >> 16
        return halves.astype("<i2")
    with np.errstate(all="ignore"):
        wide = samples * samples.dtype.type(1 << 31)
        wide = np.nan_to_num(wide.astype("f8"), copy=False, nan=0.0, posinf=2.0**31)
        wide = np.clip(np.rint(wide), -(2.0**31), 2.0**31 - 1)
    upper: Array = wide.astype("i8") >> 16
    return upper.astype("<i2")
