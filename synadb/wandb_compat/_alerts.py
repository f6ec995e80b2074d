"""`wandb.alert` and `wandb.AlertLevel`."""

from __future__ import annotations

import time
from enum import Enum
from typing import Any

__all__ = ["AlertLevel", "as_alert"]

WAIT_SECONDS = 60.0  # until the same alert may be sent again, where the script says nothing


class AlertLevel(Enum):
    """How urgent an alert is."""

    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


def as_alert(title: str, text: str, level: Any, wait_duration: Any) -> dict[str, Any]:
    """An alert as it is stored; ValueError for an unknown level, TypeError for a bad duration."""
    for what, value in (("title", title), ("text", text)):
        if not isinstance(value, str):
            raise TypeError(f"wandb.alert({what}=) takes a str, not {type(value).__name__}")
    if level is None:
        word = "INFO"
    else:
        word = level.value if isinstance(level, AlertLevel) else str(level)
        if word not in AlertLevel.__members__:
            raise ValueError(
                f"wandb.alert(level=) is one of {', '.join(AlertLevel.__members__)}, not {level!r}"
            )
    if wait_duration is not None and not isinstance(wait_duration, int | float):
        seconds = getattr(wait_duration, "total_seconds", None)
        if seconds is None:
            raise TypeError(
                "wandb.alert(wait_duration=) takes seconds or a timedelta, "
                f"not {type(wait_duration).__name__}"
            )
        wait_duration = seconds()
    return {
        "title": str(title),
        "text": str(text),
        "level": word,
        "wait_duration": int((wait_duration or WAIT_SECONDS) * 1000),  # milliseconds, as wandb's
        "time": time.time(),
    }
