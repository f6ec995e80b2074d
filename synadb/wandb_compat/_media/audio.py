"""`wandb.Audio`."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, ClassVar

from synadb.wandb_compat import _arrays
from synadb.wandb_compat._media._sources import FileMedia, is_path, is_reference
from synadb.wandb_compat._media.base import BatchableMedia, Sink

__all__ = ["Audio"]


class Audio(FileMedia, BatchableMedia):
    """A sound: the path of a file of any format, or samples with their rate.

    Samples are (frames,) or (frames, channels), floats in -1 .. 1 or integers of 16 or 32 bits,
    and become a WAV file of 16 bits.
    """

    _log_type: ClassVar[str | None] = "audio-file"
    _folder: ClassVar[str] = "media/audio"

    def __init__(
        self, data_or_path: Any, sample_rate: int | None = None, caption: str | None = None
    ) -> None:
        super().__init__(caption)
        self._sample_rate = sample_rate
        self._duration: float | None = None
        self._samples: Any = None
        if is_path(data_or_path):
            path = str(data_or_path)
            if is_reference(path):
                self._file = path
            else:
                self._set_file(path)
        else:
            self._set_samples(data_or_path, sample_rate)

    def _set_samples(self, data: Any, sample_rate: int | None) -> None:
        import numpy as np

        from synadb.media.audio import check_samples

        if sample_rate is None:
            raise ValueError(
                'wandb.Audio: argument "sample_rate" is required with raw data: '
                "wandb.Audio(samples, sample_rate=44100)"
            )
        rate = operator.index(sample_rate)
        array = _arrays.as_numpy(data)
        samples = np.array(data if array is None else array)
        check_samples(samples, rate)
        self._samples = samples
        self._extension = ".wav"
        self._duration = len(samples) / float(rate)

    def _snapshot(self) -> Audio:
        self._check_here()
        super()._snapshot()
        return self

    def _check_here(self) -> None:
        if self._file is not None and is_reference(self._file):
            raise ValueError(
                f"wandb.Audio({self._file!r}): a reference to external storage cannot currently "
                "be added to a run; download the file and pass its path"
            )

    def _encode(self) -> tuple[bytes | str, str]:
        self._check_here()
        if self._samples is None:
            return super()._encode()
        from synadb.media.audio import encode_wav

        return encode_wav(self._samples, operator.index(self._sample_rate)), ".wav"  # type: ignore[arg-type]

    @classmethod
    def _list_to_run_value(cls, items: Sequence[Any], sink: Sink, key: str, step: int | str) -> Any:
        value = {
            "_type": "audio",
            "count": len(items),
            "audio": cls._each_to_run_value(items, sink, key, step),
            "sampleRates": cls.sample_rates(items),
            "durations": cls.durations(items),
        }
        captions = cls.captions(items)
        return {**value, "captions": captions} if captions else value

    @classmethod
    def durations(cls, audio_list: Sequence[Any]) -> list[float | None]:
        """Seconds of each; None for files."""
        return [item._duration for item in audio_list]

    @classmethod
    def sample_rates(cls, audio_list: Sequence[Any]) -> list[int | None]:
        """The rate of each, as it was passed."""
        return [item._sample_rate for item in audio_list]

    @classmethod
    def captions(cls, audio_list: Sequence[Any]) -> bool | list[str]:
        """The caption of each, "" where there is none; False when none has one."""
        found = [item._caption for item in audio_list]
        if all(caption is None for caption in found):
            return False
        return ["" if caption is None else caption for caption in found]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Audio) or self._caption != other._caption:
            return False
        paths = (self._file, other._file)
        if any(path is not None and is_reference(path) for path in paths):
            return paths[0] == paths[1]
        return super().__eq__(other)

    def __hash__(self) -> int:
        return id(self)
