"""Addresses and answers of wandb's service: text about it, which nothing is sent to."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

__all__ = ["api_to_app_url", "app_url", "parse_backend_error_messages"]

_SERVICE = "https://forge.coreweave.com/wandb"
_SERVICE_HOSTS = ("api.wandb.ai", "api.forge.coreweave.com")


def app_url(api_url: str) -> str:
    """The address of the pages that go with an API's; WANDB_APP_URL, where it is set."""
    return os.environ.get("WANDB_APP_URL", "").rstrip("/") or api_to_app_url(api_url)


def api_to_app_url(api_url: str) -> str:
    """The address of the pages that go with an API's: `app.` instead of `api.`."""
    if urlsplit(api_url.strip()).hostname in _SERVICE_HOSTS:
        return _SERVICE
    if "://api." not in api_url:
        return api_url
    return api_url.replace("://api.", "://app.").rstrip("/")


def parse_backend_error_messages(response: Any) -> list[str]:
    """The messages in the JSON of a response: that of `error`, or those of `errors`."""
    try:
        content = response.json()
    except ValueError:
        return []
    if not isinstance(content, dict):
        return []
    single = _message(content.get("error"))
    if single is not None:
        return [single]
    errors = content.get("errors")
    several = errors if isinstance(errors, list) else []
    return [text for text in map(_message, several) if text is not None]


def _message(error: Any) -> str | None:
    text = error.get("message") if isinstance(error, dict) else error
    return text if isinstance(text, str) else None
