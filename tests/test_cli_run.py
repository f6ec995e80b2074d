"""`synadb run`, and what all commands have in common."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

import pytest

from synadb import cli
from synadb.cli.run import split
from synadb.errors import SynaDBError
from synadb.wandb_compat._install import overlay_dir
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

posix = pytest.mark.skipif(os.name == "nt", reason="a POSIX matter")


class Synadb(Protocol):
    """Runs the `synadb` command; what the `synadb` fixture returns."""

    def __call__(
        self,
        *args: str,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[str]: ...


def command_line(*args: str) -> list[str]:
    return [sys.executable, "-m", "synadb", *args]


def environment(env: Mapping[str, str] | None = None) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}


@pytest.fixture
def synadb(tmp_path: Path) -> Synadb:
    def run(
        *args: str,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command_line(*args),
            cwd=cwd or tmp_path,
            env=environment(env),
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script that shows how it was started."""
    path = tmp_path / "train.py"
    source = """
    import os, sys
    print(sys.argv[1:])
    print(os.environ["SYNADB_PATH"])
    print(sys.path[0])
    import wandb
    assert wandb.__version__ == "0.31.0" and "synadb" in wandb.__file__
    sys.exit(int(os.environ.get("CODE", 0)))
    """
    path.write_text(textwrap.dedent(source))
    return path


def write_program(path: Path, text: str, mode: int = 0o755) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


# --- what is run --------------------------------------------------------------------------------


def test_a_script_runs_with_its_arguments(synadb: Synadb, script: Path) -> None:
    arguments = ["--epochs", "3", "--db", "mine", "-m", "--", "-h", "", "a b"]
    done = synadb("run", "train.py", *arguments)
    assert done.returncode == 0, done.stderr
    shown, _, folder = done.stdout.splitlines()
    assert shown == str(arguments)
    assert folder == str(script.parent)
    assert done.stderr == ""


@pytest.mark.parametrize("code", [0, 1, 2, 77])
def test_the_exit_code_is_the_scripts(synadb: Synadb, script: Path, code: int) -> None:
    assert synadb("run", str(script), env={"CODE": str(code)}).returncode == code


@pytest.mark.parametrize("option", [["-m", "package.train"], ["-mpackage.train"]])
def test_a_module(synadb: Synadb, script: Path, option: list[str]) -> None:
    (script.parent / "package").mkdir()
    script.rename(script.parent / "package" / "train.py")
    done = synadb("run", *option, "-m", "--db")
    assert done.stdout.splitlines()[0] == "['-m', '--db']"
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("dashes", [["--"], []])
def test_a_command(synadb: Synadb, script: Path, dashes: list[str]) -> None:
    done = synadb("run", *dashes, sys.executable, "-u", str(script), "--", "x")
    assert done.stdout.splitlines()[0] == "['--', 'x']"
    assert done.returncode == 0, done.stderr


@posix
def test_a_command_is_looked_up_in_path(synadb: Synadb, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    write_program(folder / "launch", '#!/bin/sh\necho "launched $*"\n')
    env = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    assert synadb("run", "--", "launch", "a", "b", env=env).stdout == "launched a b\n"


@posix
def test_the_wandb_program_of_a_command(synadb: Synadb) -> None:
    done = synadb("run", "--", "sh", "-c", "wandb login && exec wandb sync")
    assert "needs no account" in done.stderr
    assert "'wandb sync' is not supported" in done.stderr
    assert done.returncode == 2


@posix
def test_an_executable_script_after_dashes_is_run_as_it_stands(
    synadb: Synadb, tmp_path: Path
) -> None:
    write_program(tmp_path / "tool.py", "#!/bin/sh\necho shell\n")
    assert synadb("run", "--", "./tool.py").stdout == "shell\n"


def test_a_plain_script_after_dashes_runs_with_python(synadb: Synadb, script: Path) -> None:
    assert synadb("run", "--", "train.py", "x").stdout.startswith("['x']")


def test_run_inside_run(synadb: Synadb, script: Path) -> None:
    nested = [sys.executable, "-m", "synadb", "run", "-m", "synadb", "run", "train.py"]
    show = "import os; print(os.environ['PYTHONPATH'].count('_overlay'))"
    script.write_text(script.read_text().replace("import os, sys", f"import sys; {show}"))
    done = synadb("run", "--", *nested)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "1"


# --- the process --------------------------------------------------------------------------------


@posix
def test_the_script_takes_the_place_of_the_command(tmp_path: Path) -> None:
    (tmp_path / "who.py").write_text("import os; print(os.getpid(), os.getpgid(0))")
    command = command_line("run", "who.py")
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        out, _ = process.communicate(timeout=60)
    assert out.split() == [str(process.pid), str(os.getpgid(0))]


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGPIPE])
def test_a_signal_that_ends_the_command(synadb: Synadb, number: signal.Signals) -> None:
    # SIGPIPE among them: Python ignores it, and a command would inherit that.
    done = synadb("run", "--", "sh", "-c", f"kill -{number.value} $$; echo alive")
    assert done.returncode == -number
    assert done.stdout == ""


@posix
def test_a_signal_reaches_the_script(tmp_path: Path) -> None:
    (tmp_path / "wait.py").write_text(
        textwrap.dedent(
            """
            import sys, time
            try:
                print("ready", flush=True)
                time.sleep(60)
            except KeyboardInterrupt:
                sys.exit(7)
            """
        )
    )
    with subprocess.Popen(
        command_line("run", "wait.py"),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 7


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("rows", [0, 3000])
def test_a_script_that_a_signal_ends_is_seen_to_end_by_it(
    tmp_path: Path, number: signal.Signals, rows: int
) -> None:
    # A shell's loop around the command ends with it only then; an exit code of 1 or 130 is no
    # reason to end it.
    (tmp_path / "wait.py").write_text(
        textwrap.dedent(
            f"""
            import time, wandb
            wandb.init(project="p")
            for i in range({rows}):
                wandb.log({{"a": i, "b": i / 2, "t": str(i)}})
            print("ready", flush=True)
            # In short: Python may not see a signal that comes right before a sleep until its end.
            while True:
                time.sleep(0.05)
            """
        )
    )
    with subprocess.Popen(
        command_line("run", "wait.py"),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        process.communicate(timeout=60)
    assert process.returncode == -number


def test_standard_input_is_the_scripts(synadb: Synadb, tmp_path: Path) -> None:
    (tmp_path / "read.py").write_text("print(input()[::-1])")
    assert synadb("run", "read.py", stdin="abc\n").stdout == "cba\n"


# --- which database -----------------------------------------------------------------------------


def recorded_to(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[1]


def test_the_database_is_fixed_for_children_that_change_folder(
    synadb: Synadb, script: Path, tmp_path: Path
) -> None:
    # git stops the search for an existing file here, whatever lies above the temporary folder.
    (tmp_path / ".git").mkdir()
    assert recorded_to(synadb("run", "train.py")) == str(tmp_path / "experiments.db")
    assert not (tmp_path / "experiments.db").exists(), "only named, and not made"


@pytest.mark.parametrize("option", [["--db", "my.db"], ["--db=my.db"]])
def test_the_database_of_the_option(
    synadb: Synadb, script: Path, tmp_path: Path, option: list[str]
) -> None:
    done = synadb("run", *option, "train.py", env={"SYNADB_PATH": "other.db"})
    assert recorded_to(done) == str(tmp_path / "my.db")


def test_the_database_of_the_environment_becomes_absolute(
    synadb: Synadb, script: Path, tmp_path: Path
) -> None:
    done = synadb("run", "train.py", env={"SYNADB_PATH": "sub/other.db"})
    assert recorded_to(done) == str(tmp_path / "sub" / "other.db")


def test_an_address_of_a_server_stays_as_it_is(synadb: Synadb, script: Path) -> None:
    url = "postgresql://user@host/name"
    assert recorded_to(synadb("run", "--db", url, "train.py")) == url
    assert recorded_to(synadb("run", "train.py", env={"SYNADB_PATH": url})) == url


# --- what goes wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["nonesuch.py"], 2, "synadb run: there is no script nonesuch.py\n"),
        (["./nonesuch.py"], 2, "synadb run: there is no script ./nonesuch.py\n"),
        (["."], 2, "synadb run: . is a folder; name a script in it\n"),
        (["nonesuch"], 127, "synadb: nonesuch: command not found"),
        (["--", "nonesuch-command"], 127, "synadb: nonesuch-command: command not found"),
        (["--", "./nonesuch"], 127, "synadb: ./nonesuch: no such file"),
        (["--"], 2, "nothing to run"),
        ([], 2, "nothing to run"),
        (["-m"], 2, "which module?"),
        (["--nonesuch", "train.py"], 2, "synadb run: error: unrecognized arguments: --nonesuch"),
        (["--db"], 2, "--db"),
    ],
)
@posix
def test_what_cannot_be_run(synadb: Synadb, arguments: list[str], code: int, text: str) -> None:
    done = synadb("run", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert text in done.stderr
    assert "Traceback" not in done.stderr


@posix
def test_what_cannot_be_executed(synadb: Synadb, tmp_path: Path) -> None:
    write_program(tmp_path / "plain", "#!/bin/sh\n", mode=0o644)
    write_program(tmp_path / "garbage", "\0\1\2")
    write_program(tmp_path / "orphan", f"#!{tmp_path}/no-interpreter\n")
    (tmp_path / "folder").mkdir()
    by_path = {"./plain": 126, "./garbage": 126, "./folder": 126, "./orphan": 127}
    for name, code in by_path.items():
        done = synadb("run", "--", name)
        assert (done.returncode, done.stdout) == (code, ""), name
        assert done.stderr.startswith(f"synadb: {name}: ")
        assert len(done.stderr.splitlines()) == 1
    env = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    assert synadb("run", "--", "plain", env=env).returncode == 126
    assert synadb("run", "--", "folder", env=env).returncode == 127


@pytest.mark.parametrize(
    ("line", "own", "rest"),
    [
        ("train.py --db x", "", "train.py --db x"),
        ("--db x train.py -m y", "--db x", "train.py -m y"),
        ("--db=x -m module -m", "--db=x -m", "module -m"),
        ("-mmodule x", "-m", "module x"),
        ("--help", "--help", ""),
        ("-- --db x", "", "-- --db x"),
        ("--db x -- a -- b", "--db x", "-- a -- b"),
        ("--db", "--db", ""),
        ("", "", ""),
    ],
)
def test_split(line: str, own: str, rest: str) -> None:
    assert split(line.split()) == (own.split(), rest.split())


# --- all commands -------------------------------------------------------------------------------


def test_help_lists_every_command(synadb: Synadb) -> None:
    done = synadb("--help")
    assert done.returncode == 0
    listed = " ".join(done.stdout.split())  # older argparse breaks the line after a long name
    for command in cli.COMMANDS:
        assert f" {command.name} {command.help} " in listed
    assert "synadb run train.py" in done.stdout
    assert synadb().stdout == done.stdout


def test_help_of_run(synadb: Synadb) -> None:
    done = synadb("run", "--help")
    assert done.returncode == 0
    assert "torchrun" in done.stdout
    assert "--db" in done.stdout


@pytest.mark.parametrize("module", ["synadb", "synadb.cli"])
def test_version(tmp_path: Path, module: str) -> None:
    command = [sys.executable, "-m", module, "--version"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "synadb 0.1.0\n"


def test_an_unknown_command(synadb: Synadb) -> None:
    done = synadb("nonesuch")
    assert done.returncode == 2
    assert "nonesuch" in done.stderr
    assert "compare" in done.stderr


def test_only_the_chosen_command_is_imported(tmp_path: Path) -> None:
    source = """
    import sys
    from synadb.cli import COMMANDS, main
    try:
        main(["run", "--help"])
    except SystemExit:
        pass
    loaded = {name for name in sys.modules if name.startswith("synadb.cli.")}
    assert loaded == {"synadb.cli._parsing", "synadb.cli.run"}, loaded
    """
    command = [sys.executable, "-c", textwrap.dedent(source)]
    subprocess.run(command, cwd=tmp_path, env=environment(), check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def fake_command(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A command `fake`; a test gives its module a `run`."""
    module = ModuleType("synadb.cli.fake")

    def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        parser = subparsers.add_parser("fake")
        parser.add_argument("--number", type=int, default=0)
        parser.set_defaults(func=module.run)

    module.add_parser = add_parser  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    commands = (
        *cli.COMMANDS,
        cli.Command("fake", module.__name__, "nothing"),
        cli.Command("gone", "synadb.cli.gone", "a file that is not there"),
    )
    monkeypatch.setattr(cli, "COMMANDS", commands)
    return module


def test_a_command_gets_its_arguments(fake_command: ModuleType) -> None:
    fake_command.run = lambda args: args.number  # type: ignore[attr-defined]
    assert cli.main(["fake", "--number", "5"]) == 5
    assert cli.main(["fake"]) == 0


def test_a_missing_file_spoils_only_its_command(
    fake_command: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["gone"]) == 1
    message = capsys.readouterr().err
    assert message.startswith("synadb: the command 'gone' is not part of this installation")
    fake_command.run = lambda args: 3  # type: ignore[attr-defined]
    assert cli.main(["fake"]) == 3


def test_our_errors_are_one_line(
    fake_command: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(args: argparse.Namespace) -> int:
        raise SynaDBError("no such run: 'x'\ntry another")

    fake_command.run = fail  # type: ignore[attr-defined]
    assert cli.main(["fake"]) == 1
    assert capsys.readouterr().err == "synadb: no such run: 'x' try another\n"


@posix
def test_a_reader_that_has_gone_is_no_error(tmp_path: Path) -> None:
    source = """
    import sys, types
    from synadb import cli

    def add_parser(subparsers):
        subparsers.add_parser("fake").set_defaults(func=lambda args: print("text") or 0)

    sys.modules["fake"] = types.ModuleType("fake")
    sys.modules["fake"].add_parser = add_parser
    cli.COMMANDS = (cli.Command("fake", "fake", ""),)
    sys.exit(cli.main(["fake"]))
    """
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source)],
        cwd=tmp_path,
        env=environment(),
        stdout=write_end,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (141, "")


def test_the_overlay_is_the_first_thing_a_command_finds(synadb: Synadb, tmp_path: Path) -> None:
    (tmp_path / "show.py").write_text("import os; print(os.environ['PYTHONPATH'])")
    done = synadb("run", "show.py", env={"PYTHONPATH": f"{ROOT}{os.pathsep}/elsewhere"})
    assert done.stdout.strip().split(os.pathsep) == [str(overlay_dir()), str(ROOT), "/elsewhere"]
