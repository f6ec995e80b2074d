"""Runs parity scripts under whatever `wandb` is, and writes down what they see.

    python -m tests.parity.play FOLDER NAME ...     one after the other, in this process
    python -m tests.parity.play FOLDER --alone NAME nothing is caught, and the process ends as it
                                                    ends

A name is `module.function`, the module one of `tests.parity.scripts`, or `lines.NAME`. A script
works in the folder FOLDER/NAME. There it leaves `seen.jsonl` with the pairs of what it saw,
`runs.json` with the folders of real wandb's runs, and `told.json` with what its decorators say.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

Script = Callable[["See"], None]

GONE = "(missing)"  # what `differs` says of a value that only wandb's side has


def differs(path: str, ours: Any, why: str) -> Callable[[Script], Script]:
    """Say that at `path` (`seen.NAME`, or a path of the recording) ours is another, on purpose.

    The path `runs` is for what wandb records by chance: ours is then [project, exit code, rows] of
    each run, whatever wandb's is.
    """
    assert why

    def mark(script: Script) -> Script:
        known = script.__dict__.setdefault("known", {})
        known[path] = ours
        return script

    return mark


def any_order(script: Script) -> Script:
    """Say that which row a value is in is chance: the values of each key are compared, in order."""
    script.__dict__["any_order"] = True
    return script


def any_step(script: Script) -> Script:
    """Say that which steps the rows get is chance as well."""
    script.__dict__["any_step"] = True
    return any_order(script)


def alone(script: Script) -> Script:
    """Say that a script needs a process of its own: its end, or its terminal, is looked at."""
    return script  # found by its name in the source, without running it


class See:
    """What a script notes: values, errors, what was printed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, name: str, value: Any) -> None:
        """Note a value."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([name, plain(value)]) + "\n")

    @contextlib.contextmanager
    def error(self, name: str, *phrases: str) -> Iterator[None]:
        """Note which except clauses would catch what the block raises, and who has the phrases."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what we want to see
            found = {phrase: phrase in str(error) for phrase in phrases}
            self(name, [_caught_by(error), found])
        else:
            self(name, "no error")

    @contextlib.contextmanager
    def printed(self, name: str, *phrases: str) -> Iterator[None]:
        """Note which phrases the block writes to stderr, and how often."""
        text = io.StringIO()
        with contextlib.redirect_stderr(text):
            yield
        self(name, {phrase: text.getvalue().count(phrase) for phrase in phrases})


def _caught_by(error: Exception) -> list[str]:
    from tests.parity.scripts._wandb import wandb

    classes = {
        "Error": wandb.Error,
        "UsageError": wandb.UsageError,
        "CommError": wandb.CommError,
        **{
            kind.__name__: kind
            for kind in (
                AttributeError,
                KeyError,
                OSError,
                RuntimeError,
                TypeError,
                ValueError,
            )
        },
    }
    return [name for name, kind in classes.items() if isinstance(error, kind)]


def plain(value: Any) -> Any:
    """A value as JSON that tells apart what scripts tell apart."""
    if isinstance(value, bool | str | int | None):
        return value if type(value) in (bool, str, int, type(None)) else [_name(type(value)), value]
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, tuple):
        return {"tuple": [plain(inner) for inner in value]}
    if isinstance(value, type):
        return f"class {_name(value)}"
    return f"<{_name(type(value))}>"


def _name(kind: type) -> str:
    return kind.__qualname__


@contextlib.contextmanager
def environment(values: Mapping[str, str | None]) -> Iterator[None]:
    """Other environment variables, for a wandb that reads them when it is first used."""
    from tests.parity.scripts._wandb import wandb

    wandb.teardown()
    before = {name: os.environ.get(name) for name in values}
    _set(values)
    try:
        yield
    finally:
        wandb.finish()  # real wandb's teardown would leave it as it is, and unusable
        wandb.teardown()
        _set(before)


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def find(name: str) -> Script:
    """The script of a name."""
    module, _, rest = name.partition(".")
    found = importlib.import_module(f"tests.parity.scripts.{module}")
    if module != "lines":
        script: Script = getattr(found, rest)
        return script

    def lines(see: See) -> None:
        from tests.parity.scripts._wandb import wandb

        exec(found.BEGINNING + found.LINES[rest], {"wandb": wandb, "__name__": "lines"})

    lines.__dict__["known"] = found.KNOWN.get(rest, {})
    return lines


def _tell(script: Script, place: Path) -> None:
    told = {
        "known": script.__dict__.get("known", {}),
        "any_order": hasattr(script, "any_order"),
        "any_step": hasattr(script, "any_step"),
    }
    (place / "told.json").write_text(json.dumps(plain(told)), encoding="utf-8")


def play(name: str, folder: Path) -> None:
    """Run one script in this process, and leave everything as it was."""
    from tests.parity.scripts._wandb import wandb

    place = folder / name
    place.mkdir()
    script = find(name)
    _tell(script, place)
    see = See(place / "seen.jsonl")
    there = _run_folders(folder)
    before = dict(os.environ)
    streams = sys.stdout, sys.stderr
    os.environ["SYNADB_PATH"] = str(place / "experiments.db")
    os.chdir(place)
    try:
        script(see)
    except BaseException:  # noqa: BLE001 - shown as a difference, whatever it is
        see("raised", traceback.format_exc())
    try:
        _finish_all(wandb)
    except Exception:  # noqa: BLE001 - the same, and the next script needs no run of this one
        see("raised", traceback.format_exc())
        wandb.teardown()
        wandb.run = None
    finally:
        sys.stdout, sys.stderr = streams
        os.chdir(folder)
        for variable in set(os.environ) - set(before):
            del os.environ[variable]
        os.environ.update(before)
    (place / "runs.json").write_text(json.dumps(sorted(_run_folders(folder) - there)))


def _finish_all(wandb: Any) -> None:
    while wandb.run is not None:
        active = wandb.run
        active.finish()
        if wandb.run is active:  # disabled ones stay
            break
    # Those beside the global one.
    wandb.init(mode="disabled", reinit="finish_previous")
    wandb.finish()


def _run_folders(folder: Path) -> set[str]:
    return {str(path.parent) for path in folder.rglob("run-*.wandb") if path.stat().st_size}


def main() -> None:
    """Run what the command line names."""
    folder = Path(sys.argv[1])
    if sys.argv[2] == "--alone":
        name = sys.argv[3]
        place = folder / name
        place.mkdir()
        script = find(name)
        _tell(script, place)
        os.chdir(place)
        script(See(place / "seen.jsonl"))
        return
    for name in sys.argv[2:]:
        play(name, folder)
    shutil.rmtree(folder / "cache", ignore_errors=True)


if __name__ == "__main__":
    # Scripts import this module by its name: there must be one of it.
    sys.modules["tests.parity.play"] = sys.modules["__main__"]
    main()
