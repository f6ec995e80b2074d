"""The folder of a run, and the files that a script puts there or saves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import synadb.wandb_compat as wandb
from synadb.tracker import ExperimentTracker
from synadb.wandb_compat._run_dir import _yaml
from tests.conftest import RunScript

QUIET = wandb.Settings(silent=True, x_disable_stats=True)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working folder."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    wandb.teardown()


def stored(db_path: Path, run_id: str) -> dict[str, bytes]:
    """What the database has of a run's files."""
    with ExperimentTracker(db_path) as tracker:
        return {
            file.name: tracker.open_file(run_id, file.name).read()
            for file in tracker.list_files(run_id)
        }


def mine(files: dict[str, bytes]) -> dict[str, bytes]:
    """Without the files that every run has."""
    own = {"config.yaml", "wandb-summary.json", "wandb-metadata.json", "requirements.txt"}
    return {name: data for name, data in files.items() if name not in own | {"output.log"}}


# -- the folder ----------------------------------------------------------------------------------


def test_what_other_tools_read(folder: Path, db_path: Path) -> None:
    run = wandb.init(project="p", id="abc", config={"lr": 1e-5, "n": {"x": [1, None]}})
    print("printed")
    latest = folder / "wandb" / "latest-run"
    assert latest.is_symlink()
    assert not os.path.isabs(os.readlink(latest))
    assert os.path.samefile(latest, run.sync_dir)
    assert os.path.samefile(latest / "files", run.dir)
    assert (latest / "run-abc.wandb").exists()
    assert (latest / "logs").is_dir()
    run.log({"loss": 0.5, "d": {"e": 1}})
    run.finish()
    files = latest / "files"
    config = yaml.safe_load((files / "config.yaml").read_text())
    assert config["lr"] == {"value": 1e-5}
    assert config["n"] == {"value": {"x": [1, None]}}
    summary = json.loads((files / "wandb-summary.json").read_text())
    assert summary["loss"] == 0.5
    assert summary["d"] == {"e": 1}
    assert summary["_step"] == 0
    metadata = json.loads((files / "wandb-metadata.json").read_text())
    assert metadata["host"]
    assert metadata["python"].startswith("CPython")
    assert (files / "output.log").read_text() == "printed\n"
    lines = (files / "requirements.txt").read_text().splitlines()
    assert any(line.startswith("pytest==") for line in lines)
    assert set(stored(db_path, "abc")) == {path.name for path in files.iterdir()}


def test_each_run_has_a_folder_of_its_own(folder: Path) -> None:
    """Also two of one id in the same second."""
    places = []
    for _ in range(3):
        run = wandb.init(id="abc", resume="allow", settings=QUIET)
        places.append(run.sync_dir)
        run.finish()
    assert len(set(places)) == 3
    assert os.path.samefile(folder / "wandb" / "latest-run", places[-1])


def test_the_link_can_be_left_out(folder: Path) -> None:
    wandb.init(settings=wandb.Settings(symlink=False, silent=True)).finish()
    assert not (folder / "wandb" / "latest-run").is_symlink()


def test_no_folder_on_demand(folder: Path, db_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNADB_RUN_DIR", "0")
    run = wandb.init(id="a", settings=QUIET)
    print("printed")
    run.finish()
    assert not (folder / "wandb").exists()
    run = wandb.init(id="b", settings=QUIET)
    place = Path(run.dir)
    assert place.is_dir()
    assert folder not in place.parents
    (place / "model.txt").write_text("weights")
    run.finish()
    assert not place.exists()
    assert not (folder / "wandb").exists()
    assert mine(stored(db_path, "b")) == {"model.txt": b"weights"}
    assert b"pytest==" in stored(db_path, "a")["requirements.txt"]
    with ExperimentTracker(db_path) as tracker:
        assert [line.line for line in tracker.console("a")] == ["printed"]


def test_a_folder_that_cannot_be_made(
    folder: Path, db_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "wandb").write_text("a file")
    run = wandb.init(id="a")
    assert "temporary folder" in capsys.readouterr().err
    Path(run.dir, "x.txt").write_text("x")
    run.log({"x": 1})
    run.finish()
    assert mine(stored(db_path, "a")) == {"x.txt": b"x"}


# Permissions bind root as well once it has given up the capability to pass them by.
BOUND = """
import ctypes, os
class Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]
class Sets(ctypes.Structure):
    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32),
                ("inheritable", ctypes.c_uint32)]
if os.geteuid() == 0:
    ctypes.CDLL(None).capset(ctypes.byref(Header(0x20080522, 0)), (Sets * 2)())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="capabilities")
def test_a_read_only_working_folder(tmp_path: Path, run_script: RunScript) -> None:
    place = tmp_path / "closed"
    place.mkdir()
    (tmp_path / "open").mkdir()
    database = tmp_path / "open" / "runs.db"
    script = f"""{BOUND}
os.chdir("closed")
import synadb.wandb_compat as wandb
try:
    run = wandb.init(id="a")
except wandb.Error as error:
    print(error)
    assert wandb.run is None
else:
    open(os.path.join(run.dir, "x"), "w").write("y")
    run.log({{"x": 1}})
    run.finish()
"""
    place.chmod(0o555)
    try:
        done = run_script(script, env={"SYNADB_PATH": str(database)})
        assert done.stdout == ""
        assert "temporary folder" in done.stderr
        assert mine(stored(database, "a")) == {"x": b"y"}
        done = run_script(script)
        assert "SYNADB_PATH" in done.stdout
    finally:
        place.chmod(0o755)


# -- config.yaml ---------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_yaml_reads_back_equal(config: dict[str, Any]) -> None:
    read = yaml.safe_load(_yaml(config)) or {}
    assert read == {key: {"value": value} for key, value in config.items()}


@given(st.text("ab\U0001f600\x7f\n\"'", min_size=900, max_size=3000), st.integers(0, 3))
def test_yaml_of_long_texts(text: str, depth: int) -> None:
    value: Any = text
    for _ in range(depth):
        value = {text: [value]}
    assert yaml.safe_load(_yaml({text: value, "z": 1})) == {
        text: {"value": value},
        "z": {"value": 1},
    }


def test_yaml_of_what_json_has_no_word_for() -> None:
    read = yaml.safe_load(_yaml({"a": [float("nan"), float("inf"), -float("inf"), "\ud800"]}))
    values = read["a"]["value"]
    assert values[0] != values[0]
    assert values[1:3] == [float("inf"), -float("inf")]
    assert values[3] == "?"


# -- files of the script -------------------------------------------------------------------------


def test_what_lies_in_the_folder_is_stored(folder: Path, db_path: Path) -> None:
    run = wandb.init(id="a", settings=wandb.Settings(ignore_globs=["*.tmp", "skip/*"], silent=True))
    place = Path(run.dir)
    big = os.urandom(1 << 16) * 320  # 20 MB
    (place / "big.bin").write_bytes(big)
    (place / "sub" / "deep").mkdir(parents=True)
    (place / "sub" / "deep" / "small.txt").write_text("small")
    (place / "empty").write_bytes(b"")
    (place / "ümläut ☃").write_text("snow")
    (place / "left.tmp").write_text("no")
    (place / "skip").mkdir()
    (place / "skip" / "x").write_text("no")
    (folder / "outside.txt").write_text("outside")
    (place / "link.txt").symlink_to(folder / "outside.txt")
    (place / "broken").symlink_to(folder / "absent")
    os.mkfifo(place / "pipe")
    for number in range(40):
        (place / f"m{number:02}").write_bytes(bytes([number]) * 1_000_000)
    run.finish()
    files = mine(stored(db_path, "a"))
    assert files.pop("big.bin") == big
    for number in range(40):
        assert files.pop(f"m{number:02}") == bytes([number]) * 1_000_000
    assert files == {
        "sub/deep/small.txt": b"small",
        "empty": b"",
        "ümläut ☃": b"snow",
        "link.txt": b"outside",
    }


def test_files_of_each_way_a_run_ends(folder: Path, db_path: Path, run_script: RunScript) -> None:
    for run_id, end in (("a", ""), ("b", "raise ValueError"), ("c", "os.kill(os.getpid(), 15)")):
        run_script(
            f"""
import os, synadb.wandb_compat as wandb
run = wandb.init(id={run_id!r})
open(run.dir + "/mine.txt", "w").write("mine")
{end}
""",
            check=False,
        )
        assert mine(stored(db_path, run_id)) == {"mine.txt": b"mine"}


@pytest.fixture
def tree(folder: Path) -> Path:
    """Some files to save."""
    for name in ("a.txt", "sub/b.txt", "sub/deep/c.txt", "w[1].txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


HERE = "{here}"

# As wandb 0.31.0 does it, apart from directories and `**`, which it takes as `*`.
SAVES: list[tuple[Any, dict[str, Any], list[str]]] = [
    ("a.txt", {}, ["a.txt"]),
    (b"a.txt", {}, ["a.txt"]),
    (Path("a.txt"), {}, ["a.txt"]),
    ("./a.txt", {}, ["a.txt"]),
    ("sub/../a.txt", {}, ["a.txt"]),
    ("sub/*.txt", {}, ["sub/b.txt"]),
    ("sub/deep/*", {}, ["sub/deep/c.txt"]),
    ("sub", {}, ["sub/b.txt", "sub/deep/c.txt"]),
    ("**/*.txt", {}, ["a.txt", "sub/b.txt", "sub/deep/c.txt", "w[1].txt"]),
    (f"{HERE}/sub/b.txt", {}, ["sub/b.txt"]),
    (f"{HERE}/sub/deep/*", {}, ["deep/c.txt"]),
    (f"{HERE}/sub/deep/c.txt", {"base_path": HERE}, ["sub/deep/c.txt"]),
    ("sub/b.txt", {"base_path": "sub"}, ["b.txt"]),
    ("sub/deep/c.txt", {"base_path": "sub/deep/.."}, ["deep/c.txt"]),
    ("w[1].txt", {}, []),
    ("w[1].txt", {"glob": False}, ["w[1].txt"]),
    ("nothing*", {}, []),
    ("s3://bucket/x", {}, []),
    ("gs://bucket/x", {}, []),
    ("a.txt", {"policy": "now"}, ["a.txt"]),
    ("a.txt", {"policy": "end"}, ["a.txt"]),
]


@pytest.mark.parametrize(("what", "choice", "names"), SAVES, ids=str)
def test_save(
    tree: Path, db_path: Path, what: Any, choice: dict[str, Any], names: list[str]
) -> None:
    run = wandb.init(id="a", settings=QUIET)
    if isinstance(what, str):
        what = what.replace(HERE, str(tree))
    choice = {k: v.replace(HERE, str(tree)) if isinstance(v, str) else v for k, v in choice.items()}
    saved = run.save(what, **choice)
    assert sorted(os.path.relpath(path, run.dir) for path in saved) == names
    assert all(os.path.isfile(path) for path in saved)
    at_once = stored(db_path, "a")
    assert sorted(at_once) == ([] if choice.get("policy") == "end" else names)
    run.finish()
    files = mine(stored(db_path, "a"))
    assert sorted(files) == names
    assert all(
        name.endswith(data.decode()) or data.decode().endswith(name) for name, data in files.items()
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("../x",), ValueError),
        (("b.txt", "sub"), ValueError),
        (("/etc/hostname", "/tmp"), ValueError),
        (("a.txt", None, "never"), ValueError),
        ((3,), TypeError),
        (("a.txt", 3), TypeError),
    ],
)
def test_save_says_what_is_wrong(tree: Path, arguments: Any, error: type[Exception]) -> None:
    run = wandb.init(settings=QUIET)
    with pytest.raises(error, match=r"wandb\.save"):
        run.save(*arguments)
    assert os.listdir(run.dir) in ([], ["output.log"])
    run.finish()


def test_a_saved_file_is_followed_until_the_end(tree: Path, db_path: Path) -> None:
    run = wandb.init(id="a", settings=QUIET)
    (saved,) = run.save("a.txt")
    wandb.save("sub/b.txt", policy="end")
    (tree / "a.txt").write_text("later")
    assert Path(saved).read_text() == "later"
    (tree / "w[1].txt").write_text("gone")
    run.save("w[1].txt", glob=False)
    (tree / "w[1].txt").unlink()
    own = Path(run.dir, "own.txt")
    own.write_text("own")
    assert run.save(str(own)) == [str(own)]
    assert own.read_text() == "own"
    assert not own.is_symlink()
    assert run.save("a.txt") == [saved]  # again
    run.finish()
    assert mine(stored(db_path, "a")) == {
        "a.txt": b"later",
        "sub/b.txt": b"sub/b.txt",
        "w[1].txt": b"gone",
        "own.txt": b"own",
    }


def test_restore(tree: Path) -> None:
    run = wandb.init(project="p", id="a", settings=QUIET)
    run.save("a.txt")
    run.save("sub/b.txt")
    os.unlink(os.path.join(run.dir, "a.txt"))
    with run.restore("a.txt") as file:
        assert file.read() == "a.txt"
        assert file.name == os.path.join(run.dir, "a.txt")
    run.finish()
    with pytest.raises(ValueError, match="run_path"):
        wandb.restore("a.txt")
    for path in ("p/a", "entity/p/a", "/entity/p/runs/a", "a"):
        with wandb.restore("sub/b.txt", run_path=path, root="there", replace=True) as file:
            assert file.read() == "sub/b.txt"
            assert file.name == os.path.join("there", "sub/b.txt")
    (tree / "there" / "sub" / "b.txt").write_text("mine")
    with wandb.restore("sub/b.txt", run_path="p/a", root="there") as file:
        assert file.read() == "mine"
    with wandb.restore("sub/b.txt", "p/a", True, "there") as file:
        assert file.read() == "sub/b.txt"
    with pytest.raises(ValueError, match="absent"):
        wandb.restore("absent", run_path="p/a")
    with pytest.raises(wandb.CommError, match="Could not find run"):
        wandb.restore("a.txt", run_path="p/nobody", root="else")


def test_restore_from_the_project_that_is_named(folder: Path) -> None:
    for project in ("p", "q"):
        run = wandb.init(project=project, id="same", settings=QUIET)
        Path(run.dir, "which.txt").write_text(project)
        run.finish()
    for project in ("p", "q"):
        with wandb.restore("which.txt", run_path=f"{project}/same", replace=True) as file:
            assert file.read() == project


def test_log_code(tree: Path, db_path: Path) -> None:
    for name in ("train.py", "sub/lib.py", "requirements.txt", "Dockerfile", "data.csv"):
        (tree / name).write_text(name)
    run = wandb.init(id="a", project="p", settings=QUIET)
    code = run.log_code()
    assert code.type == "code"
    root = Path(code.download(tree.parent / "out"))
    assert {n: (root / n).read_text() for n in code.manifest.entries} == {
        n: n for n in ("train.py", "sub/lib.py", "requirements.txt", "Dockerfile")
    }
    some = run.log_code("sub", include_fn=lambda path: path.endswith((".py", ".txt")))
    assert sorted(some.manifest.entries) == ["b.txt", "deep/c.txt", "lib.py"]
    rows = run.log_code(".", include_fn=lambda path, root: path.endswith(".csv"))
    assert list(rows.manifest.entries) == ["data.csv"]
    named = run.log_code(exclude_fn=lambda path: "sub" in path or "wandb" in path, name="x")
    assert named.name == "x:v0"
    assert sorted(named.manifest.entries) == ["Dockerfile", "requirements.txt", "train.py"]
    run.finish()


def test_save_code(tmp_path: Path, run_script: RunScript, db_path: Path) -> None:
    source = "import synadb.wandb_compat as wandb\nwandb.init(id='a', save_code=True)\n"
    run_script(source)
    assert stored(db_path, "a")["code/script_1.py"].decode() == source
    with ExperimentTracker(db_path) as tracker:
        assert tracker.get_run("a").config["_wandb"]["code_path"] == "code/script_1.py"
    for command in (["-c", source.replace("'a'", "'b'")], ["-"]):
        env = {**os.environ, "PYTHONPATH": str(Path(wandb.__file__).parents[2])}
        subprocess.run(
            [sys.executable, *command],
            input=source.replace("'a'", "'c'"),
            cwd=tmp_path,
            env=env,
            text=True,
            check=True,
            capture_output=True,
        )
    assert not any(name.startswith("code/") for name in stored(db_path, "b"))
    assert not any(name.startswith("code/") for name in stored(db_path, "c"))


def test_alerts_are_kept(folder: Path, db_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import datetime

    run = wandb.init(id="a")
    run.alert("t", "x")
    wandb.alert("t", "x", "ERROR", 5)
    run.alert("t", "x", wandb.AlertLevel.WARN, datetime.timedelta(minutes=2))
    run.alert("t", "x", wait_duration=0)
    for level in ("info", "BAD"):
        with pytest.raises(ValueError, match="level"):
            run.alert("t", "x", level)
    with pytest.raises(TypeError, match="wait_duration"):
        run.alert("t", "x", wait_duration="long")
    run.finish()
    with ExperimentTracker(db_path) as tracker:
        alerts = tracker.get_run("a").metadata["alerts"]
    assert [(alert["level"], alert["wait_duration"]) for alert in alerts] == [
        ("INFO", 60000),
        ("ERROR", 5000),
        ("WARN", 120000),
        ("INFO", 60000),
    ]
    assert capsys.readouterr().err.count("t: x") == 4
