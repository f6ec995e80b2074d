"""Frames as a GIF by Pillow, or through ffmpeg as MP4, WebM or Ogg."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["FFmpegError", "NoFFmpegError", "check_frames", "encode_ffmpeg", "encode_gif", "tile"]

_CODECS: Final = {"mp4": "libx264", "webm": "libvpx", "ogg": "libtheora"}


class NoFFmpegError(Exception):
    """There is no ffmpeg on this machine."""


class FFmpegError(Exception):
    """ffmpeg did not make a file of these frames."""


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
    rows = 1 << (count.bit_length() - 1) // 2
    places = 1 << (count - 1).bit_length()
    if places > count:
        black = np.zeros((places - count, t, c, h, w), frames.dtype)
        frames = np.concatenate([frames, black])
    columns = places // rows
    grid = frames.reshape(rows, columns, t, c, h, w).transpose(2, 0, 4, 1, 5, 3)
    return np.ascontiguousarray(grid.reshape(t, rows * h, columns * w, c))


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
