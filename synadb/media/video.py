"""Frames as a GIF by Pillow, or through ffmpeg as MP4, WebM or Ogg."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any, ClassVar, Final

from synadb.errors import InvalidValueError, MissingPackageError
from synadb.media.value import FileValue, refusing

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = [
    "FFmpegError",
    "NoFFmpegError",
    "Video",
    "check_frames",
    "encode_ffmpeg",
    "encode_gif",
    "grid",
    "tile",
]

_CODECS: Final = {"mp4": "libx264", "webm": "libvpx", "ogg": "libtheora"}
_FORMATS: Final = ("gif", *_CODECS)


class NoFFmpegError(Exception):
    """There is no ffmpeg on this machine."""


class FFmpegError(Exception):
    """ffmpeg did not make a file of these frames."""


class Video(FileValue):
    """A video: the path of a GIF, MP4, WebM or Ogg file, or frames.

    Frames are (time, channels, height, width), or a batch of such, whose videos are shown side by
    side. They become a GIF of `fps` frames a second, or with `format` (gif, mp4, webm, ogg) one of
    the others, which needs ffmpeg.
    """

    _type: ClassVar[str] = "video-file"
    _folder: ClassVar[str] = "media/videos"

    def __init__(
        self, value: Any, fps: float = 4, format: str | None = None, caption: str | None = None
    ) -> None:
        self._frames: Array | None = None
        self._fps = fps
        if isinstance(value, str | os.PathLike):
            extension = os.path.splitext(os.fspath(value))[1]
            self._format = _checked_format(extension[1:].lower())
            super().__init__(extension, caption)
            self._from_path(value)
            return
        self._format = _checked_format("gif" if format is None else format)
        super().__init__(f".{self._format}", caption)
        import numpy as np

        with refusing("Video"), np.errstate(all="ignore"):
            if not fps > 0:
                raise ValueError(f"fps is a positive number, not {fps}")
            if hasattr(value, "detach"):
                value = value.detach().cpu()
            frames = np.asarray(value)
            check_frames(frames)
            self._frames = frames.astype(np.uint8)  # a copy in any case
        if self._format != "gif" and ffmpeg() is None:
            raise MissingPackageError(
                f'Video(format="{self._format}") of an array needs ffmpeg. '
                "To get it, run: pip install imageio-ffmpeg"
            )

    def _source(self) -> bytes | str:
        if self._frames is None:
            return super()._source()
        frames = tile(self._frames)
        if self._format == "gif":
            return encode_gif(frames, self._fps)
        return encode_ffmpeg(frames, self._fps, self._format)

    def _facts(self) -> dict[str, Any]:
        facts = super()._facts()
        if self._frames is not None:
            rows, columns = grid(len(self._frames) if self._frames.ndim == 5 else 1)
            height, width = self._frames.shape[-2:]
            facts |= {"width": width * columns, "height": height * rows}
        return facts

    @property
    def _held(self) -> int:
        return super()._held if self._frames is None else int(self._frames.nbytes)

    def _repr_html_(self) -> str:
        from synadb.media import show

        return show.player(self.encode(), self.extension, "video", self.caption)


def _checked_format(format: str) -> str:
    if format not in _FORMATS:
        raise InvalidValueError(f"a Video is {', '.join(_FORMATS)}, not {format!r}")
    return format


def grid(count: int) -> tuple[int, int]:
    """Rows and columns in which a batch of so many videos is shown."""
    rows = 1 << (count.bit_length() - 1) // 2
    return rows, (1 << (count - 1).bit_length()) // rows


def check_frames(frames: Array) -> None:
    """Raise ValueError for what is no video of shape (t, c, h, w) or (b, t, c, h, w)."""
    if frames.ndim < 4:
        raise ValueError(
            "Video must be at least 4 dimensions: time, channels, height, width; "
            f"this array has the shape {frames.shape}"
        )
    if frames.ndim > 5:
        raise ValueError(
            "a video has 5 dimensions at most: batch, time, channels, height, width; "
            f"this array has the shape {frames.shape}"
        )
    if 0 in frames.shape:
        raise ValueError(f"a video needs a frame and a pixel; the shape is {frames.shape}")
    if frames.dtype.kind not in "biufO":
        raise ValueError(f"the pixels of a video are numbers, not of type {frames.dtype}")
    if not 1 <= frames.shape[-3] <= 4:
        raise ValueError(
            f"a video has 1 to 4 channels, not {frames.shape[-3]}: the shape is (time, channels, "
            f"height, width), this array has {frames.shape}"
        )


def tile(frames: Array) -> Array:
    """A video that `check_frames` lets pass as (t, h, w, c).

    The videos of a batch stand side by side, in rows as many as the largest power of two that is
    no more than the root of their number; black ones fill up the last row.
    """
    import numpy as np

    if frames.ndim == 4:
        frames = frames[np.newaxis]
    count, t, c, h, w = frames.shape
    rows, columns = grid(count)
    if rows * columns > count:
        black = np.zeros((rows * columns - count, t, c, h, w), frames.dtype)
        frames = np.concatenate([frames, black])
    placed = frames.reshape(rows, columns, t, c, h, w).transpose(2, 0, 4, 1, 5, 3)
    return np.ascontiguousarray(placed.reshape(t, rows * h, columns * w, c))


def encode_gif(frames: Array, fps: float) -> bytes:
    """The GIF of uint8 frames (t, h, w, c), in an endless loop; alpha is left out.

    Each frame has a palette of 256 colours. Frames alike become one that stands longer.
    """
    from PIL import Image

    height, width = frames.shape[1:3]
    if max(height, width) > 0xFFFF:
        raise ValueError(f"a GIF is 65535 pixels wide and high at most, not {width}x{height}")
    first, *others = (Image.fromarray(frame) for frame in _as_rgb(frames))
    buffer = io.BytesIO()
    duration = min(1000 / fps, 655350.0)  # in ms; the file has hundredths of a second in 16 bits
    first.save(buffer, "GIF", save_all=True, append_images=others, duration=duration, loop=0)
    return buffer.getvalue()


def _as_rgb(frames: Array) -> Array:
    import numpy as np

    if frames.shape[-1] in (1, 2):
        return np.repeat(frames[..., :1], 3, axis=-1)
    return np.ascontiguousarray(frames[..., :3])


def ffmpeg() -> str | None:
    """The program to run: `FFMPEG_BINARY`, the one of imageio-ffmpeg, or one on the path."""
    import importlib
    import shutil

    named = os.environ.get("FFMPEG_BINARY", "")
    if os.path.isfile(named):
        return named
    try:
        program: str = importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe()
    except (ImportError, RuntimeError):  # it is not there, or it came without the program
        return shutil.which("ffmpeg")
    return program


def encode_ffmpeg(frames: Array, fps: float, format: str) -> bytes:
    """The MP4, WebM or Ogg file of uint8 frames (t, h, w, c); WebM keeps alpha.

    NoFFmpegError, FFmpegError.
    """
    import subprocess
    import tempfile

    import numpy as np

    program = ffmpeg()
    if program is None:
        raise NoFFmpegError
    alpha = format == "webm" and frames.shape[-1] == 4
    frames = np.ascontiguousarray(frames) if alpha else _as_rgb(frames)
    height, width = frames.shape[1:3]
    with tempfile.TemporaryDirectory(prefix="synadb-") as folder:
        path = os.path.join(folder, f"video.{format}")
        command = [
            *(program, "-y", "-loglevel", "error", "-f", "rawvideo", "-vcodec", "rawvideo"),
            *("-s", f"{width}x{height}", "-pix_fmt", "rgba" if alpha else "rgb24"),
            *("-r", f"{fps:.2f}", "-an", "-i", "-", "-vcodec", _CODECS[format]),
            *("-preset", "medium", *_pixels(format, width, height, alpha=alpha)),
            *("-fflags", "+bitexact", path),  # no random ids: the same frames, the same file
        ]
        done = subprocess.run(
            command, input=frames.data.cast("B"), capture_output=True, check=False
        )
        if done.returncode or not os.path.exists(path):
            said = done.stderr.decode("utf-8", "replace").strip()
            raise FFmpegError(f"ffmpeg made no {format} of {width}x{height} frames: {said}")
        with open(path, "rb") as file:
            return file.read()


def _pixels(format: str, width: int, height: int, *, alpha: bool) -> tuple[str, ...]:
    """How colours are stored; the default where nothing else is said."""
    if alpha:
        return "-pix_fmt", "yuva420p", "-auto-alt-ref", "0"
    if format == "ogg" or (format == "mp4" and width % 2 == height % 2 == 0):
        return "-pix_fmt", "yuv420p"  # what every player shows
    return ()
