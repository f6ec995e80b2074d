"""gymnasium and gym: the videos that their recorders write are logged."""

from __future__ import annotations

import functools
import os
import re
from typing import Any

import synadb.wandb_compat as wandb
from synadb.wandb_compat.util import get_module

__all__ = ["monitor"]

# Where a recorder is, by release, newest first: module, class, the method that ends a video.
_RECORDERS = (
    ("gymnasium.wrappers", "RecordVideo", "stop_recording"),
    ("gymnasium.wrappers.monitoring.video_recorder", "VideoRecorder", "close"),
    ("gym.wrappers.monitoring.video_recorder", "VideoRecorder", "close"),
    ("gym.wrappers.monitoring.video_recorder", "ImageEncoder", "close"),
)


def monitor() -> None:
    """Log each video that gymnasium, or gym, records from now on: under the key `videos`.

    A recorder of old releases of gym that numbers its videos gets keys `video.<number>`. Raises
    Error where neither library is installed.
    """
    for module, name, method in _RECORDERS:
        recorder = getattr(get_module(module, lazy=False), name, None)
        if hasattr(recorder, method):
            _follow(recorder, method)
            place = f"{module}.{name}", method
            if list(place) not in wandb.patched["gym"]:
                wandb.patched["gym"].append(list(place))
            return
    raise wandb.Error(
        "Couldn't import the gymnasium python package, install with `pip install gymnasium`"
    )


def _follow(recorder: Any, method: str) -> None:
    """Replace the method by one that logs the video, too; once."""
    original = getattr(recorder, method)
    if hasattr(original, "_synadb_follows"):
        return

    @functools.wraps(original)
    def ended(self: Any, *args: Any, **kwargs: Any) -> Any:
        path = _video(self)
        result = original(self, *args, **kwargs)
        # One that is closed again has nothing new, and neither has one without frames.
        if path is not None and wandb.run is not None and os.path.isfile(path):
            found = re.match(r".+(video\.\d+).+", path)
            wandb.log({found[1] if found else "videos": wandb.Video(path)})
        return result

    ended._synadb_follows = True  # type: ignore[attr-defined]
    setattr(recorder, method, ended)


def _video(recorder: Any) -> str | None:
    """The file that a recorder is about to finish."""
    own = vars(recorder)
    if "_video_name" in own:
        name = own["_video_name"]
        if name is None or not own.get("recorded_frames"):
            return None
        return os.path.join(own["video_folder"], f"{name}.mp4")
    path = own.get("path", own.get("output_path"))
    if path is None or not own.get("enabled", True) or own.get("_closed"):
        return None
    return str(path)
