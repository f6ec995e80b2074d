"""A stranger who has only docs/format.md reads what the tracker and the drop-in have written.

The reader is the one that stands in the document; it knows SQLite, zlib and numpy.
"""

from __future__ import annotations

import hashlib
import json
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synadb import ExperimentTracker, media
from synadb.storage.codec import encode_column, encode_json
from tests.conftest import ROOT, RunScript
from tests.test_docs import blocks

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = ROOT / "docs" / "format.md"


@pytest.fixture(scope="module")
def source() -> str:
    (text,) = (each.text for each in blocks(FORMAT) if each.marks.get("file") == "reader.py")
    return text


@pytest.fixture(scope="module")
def reader(source: str) -> ModuleType:
    module = ModuleType("reader")
    exec(compile(source, "reader.py", "exec"), module.__dict__)
    return module


def test_the_reader_needs_nothing_of_synadb(source: str, run_script: RunScript) -> None:
    run_script(f"{source}\nimport sys\nassert 'synadb' not in sys.modules\n")


READ = """
import hashlib
import json
import sqlite3
import sys

import reader

db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
print(json.dumps({
    "runs": {
        run_id: [reader.document(config), reader.document(summary), reader.rows(db, run_id)]
        for run_id, config, summary in db.execute("select run_id, config, summary from runs")
    },
    "files": {
        path: hashlib.sha256(reader.run_file(db, run_id, path)).hexdigest()
        for run_id, path in db.execute(
            "select run_id, a.name from artifacts a join runs r on r.id = a.run where kind = 'file'"
        )
    },
    "model": {
        path: data.decode() for path, data in reader.version_files(db, "p", "model", "best").items()
    },
}))
"""


def read(path: Path, source: str, run_script: RunScript) -> dict[str, Any]:
    """Everything in the database, as a process sees it that only has the reader."""
    (path.parent / "reader.py").write_text(source, encoding="utf-8")
    found: dict[str, Any] = json.loads(run_script(READ, path).stdout)
    return found


def text(value: Any) -> str:
    """Equal for equal values: NaN is like itself, and 1 not like 1.0 or true."""
    return json.dumps(value, sort_keys=True)


def test_everything_a_native_run_has(db_path: Path, source: str, run_script: RunScript) -> None:
    config = {"lr": 0.1, "net": {"depth": 3}, "limit": float("inf"), "$x": {"$float": "no"}}
    with ExperimentTracker(db_path) as tracker:
        with tracker.run("p", run_id="r", config=config) as run:
            for i in range(70_000):  # more than a chunk takes
                run.log({"loss": 1 / (1 + i), "n": -i * 3, "even": i % 2 == 0})
            run.log({"loss": float("nan"), "half": np.float32(0.1), "big": 1 << 70}, step=5)
            run.log({"tree": {"a": 1, "b": {"c": 2.5}}, "text": "é"}, step=5)
            run.log({"tree": {"b": {"c": 3}}, "dot.ted": 1, "$odd": {"$dict": []}}, step=5)
            run.log({"picture": media.Image(np.eye(8), "gone"), "list": [None]}, step=70_000)
            run.log({"picture": media.Image(np.ones((4, 4)))}, step=70_000)
            tracker.log_file("r", "notes/large.bin", bytes(3_000_000))
        for state in (b"old", b"new"):
            content = {"w.txt": state, "empty": b""}
            tracker.artifacts.log("model", content, project="p", aliases=["best"])
        # The tracker still has the database open.
        found = read(db_path, source, run_script)
        record = tracker.get_run("r")
        wanted = [record.config, record.summary, list(tracker.rows("r"))]
        assert text(found["runs"]["r"]) == text(wanted)
        assert found["files"] == {
            file.name: hashlib.sha256(tracker.open_file("r", file.name).read()).hexdigest()
            for file in tracker.list_files("r")
        }
        assert len(found["files"]) == 3
    assert found["model"] == {"empty": "", "w.txt": "new"}


WANDB = """
import numpy as np

import synadb.wandb_compat as wandb

with wandb.init(project="p", id="w", config={"lr": 0.1}) as run:
    for i in range(10):
        run.log({"train/loss": 1 / (1 + i), "i": i})
    run.log({"image": wandb.Image(np.zeros((4, 4, 3), np.uint8)), "text": "x"}, commit=False)
    run.log({"table": wandb.Table(columns=["a"], data=[[1]]), "counts": wandb.Histogram([1, 2])})
    model = wandb.Artifact("model", "model")
    with model.new_file("deep/w.txt") as file:
        file.write("hello")
    run.log_artifact(model, aliases=["best"])
with wandb.init(project="p", id="v") as run:
    run.link_artifact(run.use_artifact("model:best"), "p/shown", aliases=["best"])
"""


def test_everything_a_run_of_the_drop_in_has(
    db_path: Path, source: str, reader: ModuleType, run_script: RunScript
) -> None:
    run_script(WANDB)
    found = read(db_path, source, run_script)
    with ExperimentTracker(db_path) as tracker:
        for run_id in ("w", "v"):
            record = tracker.get_run(run_id)
            wanted = [record.config, record.summary, list(tracker.rows(run_id))]
            assert text(found["runs"][run_id]) == text(wanted)
        names = {file.name for run in "wv" for file in tracker.list_files(run)}
    assert found["files"].keys() == names
    (image, *_) = (row["image"] for row in found["runs"]["w"][2] if "image" in row)
    assert found["files"][image["path"]] == image["sha256"]
    assert found["model"] == {"deep/w.txt": "hello"}


@given(
    values=st.lists(st.integers(-(1 << 63), (1 << 63) - 1), min_size=1, max_size=50),
    repeat=st.integers(1, 100),
)
def test_any_column(reader: ModuleType, values: list[int], repeat: int) -> None:
    data = np.array(values * repeat, "<i8")
    for delta in (False, True):
        encoded = encode_column(data.tobytes(), 8, delta=delta)
        assert reader.column(encoded, len(data), "<i8") == data.tolist()
    encoded = encode_column((data & 1).astype("?").tobytes(), 1)
    assert reader.column(encoded, len(data), "?") == [value % 2 == 1 for value in data.tolist()]


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(),
        lambda below: st.lists(below) | st.dictionaries(st.text("$ab"), below),
    )
)
def test_any_document(reader: ModuleType, value: Any) -> None:
    assert reader.document(encode_json(value)) == value
