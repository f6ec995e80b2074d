"""`synadb compare`: one script under real wandb and under SynaDB, side by side."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from synadb.cli._parsing import Subparsers, add_command

if TYPE_CHECKING:
    from synadb.bench.trial import Trial

SCRIPT_FAILED = 2
DIFFERENT = 1

USAGE = """\
synadb compare SCRIPT [ARGS...] [--repeat N] [--html FILE] [--json FILE] [--plot FILE.png]
                      [--keep DIR] [--timeout SECONDS]
       synadb compare [OPTIONS] SCRIPT -- ARGS..."""

DESCRIPTION = """\
Run a script, unmodified, alternately under real wandb (offline) and under SynaDB. Report what each
costs in time, memory and disk, and whether both recorded the same: rows, summary, config, media
(pictures by their pixels), tables, artifacts, metric definitions, saved files, printed lines, name,
id, project and exit code. A difference that is known, such as a picture that wandb stores black, is
told with its reason, and so are calls that have no effect under SynaDB. Where wandb is not
installed (pip install '.[compare]' in the checkout gets it), SynaDB runs alone. What either records
goes to a temporary folder."""

EXAMPLE = """\
examples:
  synadb compare train.py --epochs 3
  synadb compare train.py --epochs 3 --repeat 5 --plot times.png
  synadb compare train.py --html report.html --timeout 600
  synadb compare --repeat 5 train.py -- --json the-script-s-own

Options may stand before SCRIPT or at the very end; what follows a -- is the script's alone.

exit code: 0 recorded the same, but for what is explained, 1 recorded differently, or nothing
recorded, or a recording that cannot be read in full, 2 the script failed, took too long or cannot
be run"""

_OPTIONS = ("--repeat", "--html", "--json", "--plot", "--keep", "--timeout")


def add_parser(subparsers: Subparsers) -> None:
    """Add the command's own arguments; the script and what follows it come apart in `split`."""
    parser = add_command(
        subparsers, "compare", run, DESCRIPTION, EXAMPLE, usage=USAGE, allow_abbrev=False
    )
    parser.add_argument(
        "--repeat",
        metavar="N",
        type=_positive,
        default=3,
        help="runs on each side (default 3); figures are medians over them",
    )
    parser.add_argument(
        "--html", metavar="FILE", help="write the report to FILE: one page that needs no other file"
    )
    parser.add_argument("--json", metavar="FILE", help="write every figure to FILE")
    parser.add_argument("--plot", metavar="FILE.png", help="draw two bar charts (needs matplotlib)")
    parser.add_argument("--keep", metavar="DIR", help="keep what the last runs recorded in DIR")
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        help="end a run of the script that takes longer, and say how far it got (default: none)",
    )
    parser.set_defaults(rest=[])


def _positive(text: str) -> int:
    if not (text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"takes a whole number from 1 on, not {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < threading.TIMEOUT_MAX:
        raise argparse.ArgumentTypeError(f"takes a number of seconds above 0, not {text!r}")
    return seconds


def split(argv: list[str]) -> tuple[list[str], list[str]]:
    """Split what follows `compare` into our options and the script with its arguments.

    Ours stand before the script or at the end of the line. The first "--" is dropped: what
    follows it is the script's, options that look like ours included.
    """
    position = 0
    while position < len(argv) and argv[position].startswith("-") and argv[position] != "--":
        position += 2 if argv[position] in _OPTIONS else 1
    own, rest = argv[:position], argv[position:]
    if rest[:1] == ["--"]:
        return own, rest[1:]
    if "--" in rest:
        place = rest.index("--")
        return own, rest[:place] + rest[place + 1 :]
    end = len(rest)
    while end > 1:
        if end > 2 and rest[end - 2] in _OPTIONS:
            end -= 2
        elif rest[end - 1].startswith(tuple(f"{option}=" for option in _OPTIONS)):
            end -= 1
        else:
            break
    return own + rest[end:], rest[:end]


def run(args: argparse.Namespace) -> int:
    """Compare, print the report and say by the exit code how it went."""
    from synadb.bench.compare import ScriptFailedError, compare
    from synadb.bench.page import page
    from synadb.bench.plot import check_matplotlib, draw
    from synadb.bench.report import document
    from synadb.bench.terminal import table
    from synadb.bench.trial import CompareError
    from synadb.errors import SynaDBError

    script: list[str] = args.rest
    if not script:
        args.parser.error("which script?")
    if not Path(script[0]).is_file():
        return _fail(f"there is no script {script[0]}")
    try:
        if args.plot:
            check_matplotlib()
        keep = Path(args.keep) if args.keep else None
        comparison = compare(script, args.repeat, keep, tell=_tell, timeout=args.timeout)
        print(f"\n{table(comparison)}")
        if args.html:
            text = page(comparison)
            Path(args.html).write_text(text, encoding="utf-8", errors="backslashreplace")
        if args.json:
            text = json.dumps(document(comparison), indent=2)
            Path(args.json).write_text(text + "\n", encoding="utf-8")
        if args.plot:
            draw(comparison, args.plot)
    except ScriptFailedError as error:
        return _script_failed(error.trials, str(error))
    except (CompareError, SynaDBError, OSError) as error:
        return _fail(str(error))
    if comparison.failure is not None:
        text = "the script failed under wandb; under SynaDB it ended well, and was measured alone"
        return _script_failed([comparison.failure], text)
    return 0 if comparison.good else DIFFERENT


def _script_failed(trials: Sequence[Trial], text: str) -> int:
    for trial in trials:
        print(f"--- standard error under {trial.side}:\n{trial.stderr}", file=sys.stderr)
    return _fail(text)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _fail(text: str) -> int:
    print(f"synadb compare: {text}", file=sys.stderr)
    return SCRIPT_FAILED
