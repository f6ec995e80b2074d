"""The completion scripts, asked by the shells themselves."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from synadb.cli import COMMANDS, full_parser, main
from synadb.cli._completing import words_of
from synadb.tracker import ExperimentTracker
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there are no such shells")

IN_BASH = """\
source ./script
COMP_WORDS=(%s)
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_synadb
printf '%%s\\n' "${COMPREPLY[@]}"
"""

IN_ZSH = """\
fpath=($PWD/functions $fpath); autoload -Uz compinit; compinit -u -D; bindkey -e
zstyle ':completion:*' list-colors ''; LISTMAX=1000; PROMPT='> '; print rea''dy
"""
ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x07")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with two databases and a program `synadb`."""
    with ExperimentTracker(tmp_path / "experiments.db") as tracker:
        tracker.end_run(tracker.start_run("e", run_id="some-run"))
    with ExperimentTracker(tmp_path / "other.db") as tracker:
        tracker.end_run(tracker.start_run("e", run_id="another"))
    program = tmp_path / "bin" / "synadb"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m synadb "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return tmp_path


def script_of(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


def environment(place: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "HOME": str(place),
        "PATH": f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "TERM": "xterm",
    }


def offered_by(shell: str, place: Path, line: str) -> set[str]:
    """What bash or fish, which has the script, offers at the end of the line."""
    if shell == "bash":
        words = " ".join(f"'{word}'" for word in line.split(" "))
        command = ["bash", "-uc", IN_BASH % words]
    else:
        command = ["fish", "--no-config", "-c", f"source ./script; complete -C '{line}'"]
    done = subprocess.run(
        command,
        cwd=place,
        env=environment(place),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return {offered.split("\t")[0] for offered in done.stdout.splitlines() if offered}


@pytest.mark.parametrize("shell", ["bash", "fish"])
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("synadb comp", {"compare", "compare-runs", "completion"}),
        ("synadb runs --js", {"--json"}),
        ("synadb import wan", {"wandb"}),
        ("synadb import csv --st", {"--step"}),
        ("synadb merge --clash re", {"rename", "replace"}),
        ("synadb show so", {"some-run"}),
        ("synadb show --db other.db an", {"another"}),
        ("synadb completion f", {"fish"}),
        ("synadb runs --nope", set()),
    ],
)
def test_a_shell_completes(
    shell: str, line: str, offered: set[str], place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "script").write_text(script_of(shell, capsys), encoding="utf-8")
    assert offered_by(shell, place, line) == offered


def shown_until(terminal: int, wanted: bytes) -> bytes:
    """What comes from a terminal up to these bytes, or in half a minute."""
    shown = b""
    while wanted not in shown and select.select([terminal], [], [], 30)[0]:
        shown = ESCAPES.sub(b"", shown + os.read(terminal, 65536))
    return shown


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("synadb comp", "print a script for a shell's completion"),
        ("synadb import csv --", "the column of the steps"),
        ("synadb merge --clash r", "rename   replace"),
        ("synadb show --db other.db an", "another"),
    ],
)
def test_zsh_completes(
    line: str, wanted: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # What zsh would offer is seen on a terminal only.
    import pty

    functions = place / "functions"
    functions.mkdir()
    (functions / "_synadb").write_text(script_of("zsh", capsys), encoding="utf-8")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        ["zsh", "-f", "-i"],
        cwd=place,
        env=environment(place),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        os.write(ours, IN_ZSH.encode())
        assert b"ready" in shown_until(ours, b"ready")
        os.write(ours, f"{line}\t\t".encode())
        assert wanted.encode() in shown_until(ours, wanted.encode())
        process.kill()
    os.close(ours)


def test_every_command_and_option_is_known_to_every_script(
    capsys: pytest.CaptureFixture[str],
) -> None:
    every = words_of(full_parser(), {command.name: command.help for command in COMMANDS})
    paths = {words.path for words in every}
    assert {(command.name,) for command in COMMANDS} <= paths
    assert ("import", "wandb") in paths
    for shell in ("bash", "zsh", "fish"):
        assert main(["completion", shell]) == 0
        text = capsys.readouterr().out
        for words in every:
            names = [name for option in words.options for name in option.names]
            spelled = [
                f"-l {name[2:]} " if name[:2] == "--" else f"-s {name[1:]}" for name in names
            ]
            missing = [name for name in (spelled if shell == "fish" else names) if name not in text]
            assert missing == [], (shell, words.path)
