"""Questions at a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from synadb.wandb_compat.errors.term import termerror, terminput, termlog

__all__ = ["prompt_choices"]


def prompt_choices(choices: Sequence[str], input_timeout: float | None = None) -> str:
    """Ask the user for one of several; a single one is the answer without a question.

    NotATerminalError where nobody can be asked, TimeoutError when nobody answers in time.
    """
    if len(choices) == 1:
        return choices[0]
    for number, choice in enumerate(choices, start=1):
        termlog(f"({number}) {choice}")
    while True:
        answer = terminput("wandb: Enter your choice: ", timeout=input_timeout)
        if answer.isdecimal() and 1 <= int(answer) <= len(choices):
            return choices[int(answer) - 1]
        termerror(f"{answer!r} is not a number from 1 to {len(choices)}")
