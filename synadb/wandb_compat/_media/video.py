"""`wandb.Video`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, ClassVar

from synadb.wandb_compat import _arrays
from synadb.wandb_compat._media._sources import FileMedia, captions, is_path, missing
from synadb.wandb_compat._media.base import BatchableMedia, Sink
from synadb.wandb_compat._term import termwarn

__all__ = ["Video"]


class Video(FileMedia, BatchableMedia):
    """A video: a path, a binary stream with its format, or frames.

    Frames are (time, channels, height, width), or a batch of such, whose videos are shown side by
    side. They become a GIF, or with `format` an MP4, WebM or Ogg file, at 4 frames per second.
    """

    _log_type: ClassVar[str | None] = "video-file"
    _folder: ClassVar[str] = "media/videos"
    EXTS: ClassVar[tuple[str, ...]] = ("gif", "mp4", "webm", "ogg")

    def __init__(
        self,
        data_or_path: Any,
        caption: str | None = None,
        fps: int | None = None,
        format: str | None = None,
    ) -> None:
        super().__init__(caption)
        self._width: int | None = None
        self._height: int | None = None
        self._channels: int | None = None
        if is_path(data_or_path):
            path = str(data_or_path)
            self._format = self._checked(os.path.splitext(path)[1][1:].lower())
            self._set_file(path)
        elif hasattr(data_or_path, "read"):
            if format is None:
                raise ValueError(
                    "wandb.Video requires a `format` argument when initializing with raw bytes "
                    f"(an io object): one of {', '.join(self.EXTS)}"
                )
            self._format = self._checked(format)
            self._set_content(_rest_of(data_or_path), f".{format}")
        else:
            self._format = self._checked("gif" if format is None else format)
            self._set_frames(data_or_path, fps or 4)
            return
        if fps:
            termwarn("wandb.Video: `fps` argument does not affect a file or raw bytes, only arrays")

    def _checked(self, format: str) -> str:
        if format not in self.EXTS:
            raise ValueError(f"wandb.Video accepts {', '.join(self.EXTS)} formats, not {format!r}")
        return format

    def _set_frames(self, data: Any, fps: float) -> None:
        import numpy as np

        from synadb.media.video import check_frames

        frames = _arrays.as_numpy(data)
        if frames is None and hasattr(data, "numpy"):
            frames = data.numpy()
        if not isinstance(frames, np.ndarray):
            raise ValueError(
                "wandb.Video accepts a file path or numpy like data as input, "
                f"not {type(data).__name__}"
            )
        check_frames(frames)
        if not fps > 0:
            raise ValueError(f"wandb.Video(fps={fps}): a video needs a positive frame rate")
        if frames.dtype != np.uint8:
            import logging

            logging.getLogger(__name__).warning("Converting video data to uint8")
        with np.errstate(all="ignore"):
            self.data = frames.astype(np.uint8)
        self._fps = fps
        count = frames.shape[0] if frames.ndim == 5 else 1
        rows = 1 << (count.bit_length() - 1) // 2
        columns = (1 << (count - 1).bit_length()) // rows
        self._channels = frames.shape[-3]
        self._height = frames.shape[-2] * rows
        self._width = frames.shape[-1] * columns
        self._extension = f".{self._format}"
        if self._format != "gif":
            from synadb.media.video import ffmpeg

            if ffmpeg() is None:
                missing(f'wandb.Video(format="{self._format}") of an array', "imageio-ffmpeg")

    def encode(self, fps: int = 4) -> None:
        """Encode the frames now, at this rate."""
        self._fps = fps
        self._content = None
        self._content = self._encode()[0]  # type: ignore[assignment]

    def _encode(self) -> tuple[bytes | str, str]:
        if self._file is not None or self._content is not None:
            return super()._encode()
        from synadb.media.video import encode_ffmpeg, encode_gif, tile

        frames = tile(self.data)
        if self._format == "gif":
            return encode_gif(frames, self._fps), ".gif"
        return encode_ffmpeg(frames, self._fps, self._format), self._extension

    def _facts(self) -> dict[str, Any]:
        facts = super()._facts()
        if self._width is not None:
            facts |= {"width": self._width, "height": self._height}
        return facts

    @classmethod
    def _from_file(cls, path: str, json_obj: dict[str, Any]) -> Video:
        found = cls(path, json_obj.get("caption"))
        found._width, found._height = json_obj.get("width"), json_obj.get("height")
        return found

    @classmethod
    def _list_to_run_value(cls, items: Sequence[Any], sink: Sink, key: str, step: int | str) -> Any:
        return {
            "_type": "videos",
            "count": len(items),
            "videos": cls._each_to_run_value(items, sink, key, step),
            "captions": captions(items),
        }


def _rest_of(stream: Any) -> bytes:
    """What is left to read of a stream; all of it, if nothing is."""
    content = stream.read()
    if not content and hasattr(stream, "seek"):
        stream.seek(0)
        content = stream.read()
    if not isinstance(content, bytes | bytearray):
        raise ValueError("wandb.Video: a stream has to give bytes; open the file in binary mode")
    return bytes(content)
