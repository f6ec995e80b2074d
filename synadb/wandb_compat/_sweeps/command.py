"""The command line of a trial: a list of words with macros in it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["DEFAULT_COMMAND", "build", "macros"]

DEFAULT_COMMAND = ("${env}", "${interpreter}", "${program}", "${args}")
JSON_FILE = "${args_json_file}"
_VARIABLE = re.compile(r"\$\{envvar:([A-Za-z0-9_]*)\}")


def macros(params: Mapping[str, Any], program: str | None, json_file: str) -> dict[str, list[str]]:
    """What each macro stands for: a list of words.

    `interpreter` is the Python that runs the agent, so that a trial finds what the agent finds.
    """
    flags = [(str(name), value) for name, value in params.items()]
    plain = [f"{name}={value}" for name, value in flags]
    return {
        "env": [] if sys.platform == "win32" else ["/usr/bin/env"],
        "interpreter": [sys.executable or "python"],
        "program": [program] if program else [],
        "args": [f"--{flag}" for flag in plain],
        "args_no_hyphens": plain,
        "args_no_equals": [word for name, value in flags for word in (f"--{name}", str(value))],
        "args_no_boolean_flags": [
            f"--{name}" if value is True else f"--{name}={value}"
            for name, value in flags
            if value is not False
        ],
        "args_json": [json.dumps(dict(params))],
        "args_json_file": [json_file],
        "args_append_hydra": [f"+{flag}" for flag in plain],
        "args_override_hydra": [f"++{flag}" for flag in plain],
    }


def build(
    command: Sequence[Any] | None,
    words: Mapping[str, Sequence[str]],
    environ: Mapping[str, str],
) -> list[str]:
    """The words of the command line.

    A macro replaces a whole word, an unknown one by nothing. `${envvar:NAME}` is replaced anywhere
    in a word; a variable that is not set gives its name.
    """
    line: list[str] = []
    for item in command or DEFAULT_COMMAND:
        word = _VARIABLE.sub(lambda found: environ.get(found[1], found[1]), str(item))
        if word.startswith("${") and word.endswith("}"):
            line.extend(words.get(word[2:-1], ()))
        else:
            line.append(word)
    return line
