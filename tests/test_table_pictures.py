"""Pictures in the cells of tables that the drop-in logged, as the native interface has them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

import synadb.wandb_compat as wandb
from synadb import ArtifactNotFoundError, ExperimentTracker, media
from synadb.artifacts import Artifacts
from synadb.cli import main
from synadb.errors import CorruptStoreError
from tests.conftest import ROOT, sound

KEY = "val/predictions"
PICTURE = {"_type": "image-file", "path": "media/images/a.png"}


@pytest.fixture
def tracker(db_path: Path) -> Iterator[ExperimentTracker]:
    with ExperimentTracker(db_path) as tracker:
        yield tracker
        sound(tracker)


def pixels(number: int) -> Any:
    return np.full((4, 4, 3), 10 * number, np.uint8)


def table_of(*numbers: int, **options: Any) -> Any:
    table = wandb.Table(columns=["id", "image"], **options)
    for number in numbers:
        table.add_data(number, wandb.Image(pixels(number), caption=f"no. {number}"))
    return table


def assert_pictures(tracker: ExperimentTracker, run_id: str, rows: Any, *numbers: int) -> None:
    """The rows are those of `table_of`, and their cells lead to the pictures."""
    assert [row[0] for row in rows] == list(numbers)
    for number, cell in rows:
        assert (cell["_type"], cell["caption"]) == ("image-file", f"no. {number}")
        with tracker.open_file(run_id, cell["path"]) as file:
            assert (np.asarray(Pillow.open(file)) == pixels(number)).all()


def written(tracker: ExperimentTracker, run_id: str, folder: Path) -> list[Any]:
    """The tables that `show --media` writes, once every picture that they name is there."""
    assert main(["show", run_id, "--db", tracker.path, "--media", str(folder)]) == 0
    tables = [json.loads(path.read_bytes()) for path in sorted(folder.rglob("*.table.json"))]
    for table in tables:
        for number, cell in table["data"]:
            assert (np.asarray(Pillow.open(folder / cell["path"])) == pixels(number)).all()
    return tables


@pytest.mark.parametrize("read_only", [False, True])
def test_a_cell_leads_to_its_picture(
    run: Any, db_path: Path, tmp_path: Path, read_only: bool
) -> None:
    run.log({KEY: table_of(1, 2)})
    run.finish()
    with ExperimentTracker(db_path, read_only=read_only) as tracker:
        table = tracker.get_table(run.id, KEY)
        assert table.columns == ["id", "image"]
        assert_pictures(tracker, run.id, table.rows, 1, 2)
        target = tmp_path / "picture.png"
        path = table.rows[0][1]["path"]
        assert tracker.download_file(run.id, path, target) == str(target)
        assert (np.asarray(Pillow.open(target)) == pixels(1)).all()
        into = Path(tracker.download_file(run.id, path, tmp_path))
        assert into == tmp_path / Path(path).name
        assert into.read_bytes() == target.read_bytes()


def test_the_call_of_the_document_writes_the_picture(
    run: Any, tracker: ExperimentTracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.log({KEY: table_of(1)})
    run.finish()
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "media.md").read_text("utf-8")
    (call,) = re.findall(r"`(tracker\.download_file\(.+\))`", text)
    names = {"tracker": tracker, "run_id": run.id, "table": tracker.get_table(run.id, KEY)}
    assert eval(call, names) == "picture.png"
    assert (np.asarray(Pillow.open("picture.png")) == pixels(1)).all()


def test_each_row_names_its_own_state_of_a_table_that_grows(
    run: Any, tracker: ExperimentTracker, tmp_path: Path
) -> None:
    grows = table_of(log_mode="MUTABLE")
    for number in (1, 2):
        grows.add_data(number, wandb.Image(pixels(number), caption=f"no. {number}"))
        run.log({"grows": grows})
    run.finish()
    assert_pictures(tracker, run.id, tracker.get_table(run.id, "grows", 0).rows, 1)
    assert_pictures(tracker, run.id, tracker.get_table(run.id, "grows", 1).rows, 1, 2)
    tables = written(tracker, run.id, tmp_path / "out")
    assert [[row[0] for row in table["data"]] for table in tables] == [[1], [1, 2]]


def test_parts_of_a_table_are_joined_with_their_pictures(
    run: Any, tracker: ExperimentTracker, tmp_path: Path
) -> None:
    parts = table_of(log_mode="INCREMENTAL")
    for number in (1, 2, 3):
        parts.add_data(number, wandb.Image(pixels(number), caption=f"no. {number}"))
        run.log({"parts": parts})
    run.finish()
    assert_pictures(tracker, run.id, tracker.get_table(run.id, "parts").rows, 1, 2, 3)
    assert_pictures(tracker, run.id, tracker.get_table(run.id, "parts", 1).rows, 1, 2)
    tables = written(tracker, run.id, tmp_path / "out")
    assert [[row[0] for row in table["data"]] for table in tables] == [[1], [2], [3]]


def test_two_equal_tables_in_one_row_have_their_own_pictures(
    run: Any, tracker: ExperimentTracker
) -> None:
    first, second = table_of(1), wandb.Table(columns=["id", "image"])
    second.add_data(1, wandb.Image(pixels(9), caption="no. 1"))
    run.log({"first": first, "second": second})
    run.finish()
    (one,), (other,) = (tracker.get_table(run.id, key).rows for key in ("first", "second"))
    assert one[1]["path"] != other[1]["path"]
    assert_pictures(tracker, run.id, [one], 1)
    with tracker.open_file(run.id, other[1]["path"]) as file:
        assert (np.asarray(Pillow.open(file)) == pixels(9)).all()


def test_only_the_media_of_a_cell_are_spelled_as_in_the_version(
    run: Any, tracker: ExperimentTracker
) -> None:
    day = date(2026, 1, 2)
    cells = [day, b"ab", np.arange(3), {"a": [wandb.Image(pixels(1))]}, "Image"]
    run.log({"t": wandb.Table(columns=list("abcde"), data=[cells], allow_mixed_types=True)})
    run.finish()
    ((when, raw, array, nested, text),) = tracker.get_table(run.id, "t").rows
    assert (when, raw, array, text) == ("2026-01-02", [97, 98], [0, 1, 2], "Image")
    assert nested["a"][0]["_type"] == "image-file"


def test_a_table_that_is_longer_than_its_file_has_all_rows(
    run: Any, tracker: ExperimentTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wandb.Table, "MAX_ROWS", 2)
    run.log({KEY: table_of(1, 2, 3)})
    run.finish()
    assert_pictures(tracker, run.id, tracker.get_table(run.id, KEY).rows, 1, 2, 3)


def test_without_its_version_a_table_is_what_its_file_holds(
    run: Any, tracker: ExperimentTracker, tmp_path: Path
) -> None:
    run.log({KEY: table_of(1)})
    run.finish()
    (cell,) = (row[1] for row in tracker.get_table(run.id, KEY).rows)
    (version,) = tracker.artifacts.outputs(run.id)
    tracker.artifacts.delete(version, delete_aliases=True)
    assert tracker.get_table(run.id, KEY).rows == [(1, "Image")]
    with pytest.raises(ArtifactNotFoundError):
        tracker.open_file(run.id, cell["path"])
    with pytest.raises(ArtifactNotFoundError):
        tracker.download_file(run.id, cell["path"], tmp_path / "picture.png")
    assert not (tmp_path / "picture.png").exists()
    assert main(["show", run.id, "--db", tracker.path, "--media", str(tmp_path / "out")]) == 0
    (file,) = (path for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert json.loads(file.read_bytes())["data"] == [[1, "Image"]]


@pytest.mark.parametrize(
    "address",
    [
        7,
        "wandb-client-artifact://",
        "wandb-client-artifact://nobody/t.table.json",
        "https://example.org/t.table.json",
    ],
)
def test_a_row_that_names_no_version_takes_nothing_from_a_table(
    tracker: ExperimentTracker, address: Any
) -> None:
    run_id = tracker.start_run("p")
    tracker.log_file(run_id, "media/t.json", media.Table([[1]], columns=["a"]).encode())
    with tracker.run("p", run_id=run_id, resume=True) as run:
        run.log({"t": {"_type": "table-file", "path": "media/t.json", "artifact_path": address}})
    assert tracker.get_table(run_id, "t").rows == [(1,)]
    with pytest.raises(ArtifactNotFoundError):
        tracker.open_file(run_id, "media/images/none.png")


def test_a_fork_has_the_pictures_too(run: Any, tracker: ExperimentTracker) -> None:
    run.log({KEY: table_of(1)})
    run.finish()
    with tracker.fork_run(run.id, 0) as fork:
        pass
    assert_pictures(tracker, fork.run_id, tracker.get_table(fork.run_id, KEY).rows, 1)


def test_files_are_written_where_the_written_table_names_them_and_left_alone_then(
    run: Any, tracker: ExperimentTracker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run.log({KEY: table_of(1, 2), "plain": wandb.Table(columns=["a"], data=[[1]])})
    run.finish()
    out = tmp_path / "out"
    assert main(["show", run.id, "--db", tracker.path, "--media", str(out)]) == 0
    (record,) = tracker.media(run.id, KEY)
    table = json.loads((out / record.path).read_bytes())
    for number, cell in table["data"]:
        assert (np.asarray(Pillow.open(out / cell["path"])) == pixels(number)).all()
    (plain,) = tracker.media(run.id, "plain")
    with tracker.open_file(run.id, plain.path) as file:
        assert (out / plain.path).read_bytes() == file.read()
    capsys.readouterr()
    assert main(["show", run.id, "--db", tracker.path, "--media", str(out)]) == 0
    assert capsys.readouterr().out == f"0 files, 0 bytes written to {out}, 4 there already\n"


def test_a_version_that_cannot_be_read_is_told_and_the_rest_is_written(
    run: Any,
    tracker: ExperimentTracker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run.log({KEY: table_of(1, 2)})
    run.finish()

    def damaged(self: Artifacts, version: Any, path: str) -> bytes:
        raise CorruptStoreError(f"{path} is damaged")

    monkeypatch.setattr(Artifacts, "read", damaged)
    assert main(["show", run.id, "--db", tracker.path, "--media", str(tmp_path / "out")]) == 1
    printed, told = capsys.readouterr()
    assert f"{KEY}.table.json is damaged" in told
    assert printed.splitlines()[-1].startswith("2 files, ")
    with pytest.raises(CorruptStoreError):
        tracker.get_table(run.id, KEY)


def test_a_table_of_the_native_interface_leads_to_its_pictures_by_the_same_call(
    tracker: ExperimentTracker, tmp_path: Path
) -> None:
    run_id = tracker.start_run("p")
    table = media.Table([[n, media.Image(pixels(n), f"no. {n}")] for n in (1, 2)], ["id", "image"])
    tracker.log_table(run_id, KEY, table)
    tracker.end_run(run_id)
    assert_pictures(tracker, run_id, tracker.get_table(run_id, KEY).rows, 1, 2)
    (out,) = written(tracker, run_id, tmp_path / "out")
    assert len(out["data"]) == 2


def as_in_the_file(cell: Any) -> Any:
    if cell == PICTURE:
        return "Image"
    if isinstance(cell, dict):
        return {key: as_in_the_file(inner) for key, inner in cell.items()}
    return [*map(as_in_the_file, cell)] if isinstance(cell, list) else cell


@given(
    st.lists(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text() | st.just(PICTURE),
            lambda cells: (
                st.lists(cells, max_size=3) | st.dictionaries(st.text(), cells, max_size=3)
            ),
            max_leaves=8,
        ),
        max_size=4,
    ),
    st.integers(0, 4),
)
def test_a_file_and_its_version_become_one_table(cells: list[Any], known: int) -> None:
    """Those rows that the version has, in whatever cell the picture is; the others as they are."""
    file = media.Table([[as_in_the_file(cell)] for cell in cells], ["a"]).encode()
    version = media.Table([[cell] for cell in cells[:known]], ["a"]).encode()
    rest = [(as_in_the_file(cell),) for cell in cells[known:]]
    found = media.Table.decode(file, version).rows
    assert found == [(cell,) for cell in cells[:known]] + rest
