"""What the parsers of all commands have in common."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import Any, TypeAlias

__all__ = [
    "Subparsers",
    "add_command",
    "add_database",
    "add_runs",
    "take_database",
    "whole_number",
]

# In quotes: the class takes no parameter at run time.
Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_command(
    subparsers: Subparsers,
    name: str,
    run: Callable[[argparse.Namespace], int],
    description: str,
    examples: str,
    **options: Any,
) -> argparse.ArgumentParser:
    """Add a command whose help ends with `examples`; its namespace has `func` and `parser`."""
    parser = subparsers.add_parser(
        name,
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        **options,
    )
    parser.set_defaults(func=run, parser=parser)
    return parser


def add_database(parser: argparse.ArgumentParser, *, positional: bool = True) -> None:
    """Let the database be named as FILE, after all other words, and as --db FILE."""
    if positional:
        parser.add_argument(
            "file", metavar="FILE", nargs="?", help="the database (default: the nearest)"
        )
    parser.add_argument("--db", metavar="FILE", help="the database, as an option")


def add_runs(parser: argparse.ArgumentParser, nargs: str = "+") -> None:
    """Let runs be named, and the database: see `take_database`, which `run` has to call."""
    parser.add_argument(
        "runs",
        metavar="RUN",
        nargs=nargs,
        help="ids, how they begin, or names; a last word that is a file names the database",
    )
    parser.set_defaults(file=None)
    add_database(parser, positional=False)


def take_database(args: argparse.Namespace, least: int = 1) -> None:
    """Tell the database, as the last word, from the runs, of which there are `least` or more."""
    words = args.runs if args.file is None else [*args.runs, args.file]
    args.file = None
    if not args.db and len(words) > least and _is_database(words[-1]):
        *words, args.file = words
    args.runs = words


def _is_database(word: str) -> bool:
    return word.endswith((".db", ".sqlite")) or os.path.isfile(word)


def whole_number(text: str) -> int:
    """A number of things, as the type of an argument."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"takes a whole number, not {text!r}")
    return int(text)
