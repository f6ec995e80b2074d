"""Media and tables in artifacts, and back: `to_json`, `from_json` and what libraries call."""

from __future__ import annotations

import base64
import datetime
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import synadb.wandb_compat as wandb
from synadb.wandb_compat._artifacts.artifact import Artifact
from synadb.wandb_compat._artifacts.of_run import log_artifact
from synadb.wandb_compat._media.base import WBValue
from synadb.wandb_compat._media.graph import Graph
from synadb.wandb_compat._media.image import BoundingBoxes2D, Classes, ImageMask
from synadb.wandb_compat._media.table import JoinedTable, PartitionedTable


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def pixels(shade: int = 7) -> Any:
    return np.full((4, 4, 3), shade, np.uint8)


def rich_image() -> Any:
    box = {"position": {"minX": 0, "maxX": 1, "minY": 0, "maxY": 1}, "class_id": 0}
    labels = {0: "sky", 1: "cat"}
    mask = np.array([[0, 1], [1, 0]], np.uint8)
    return wandb.Image(
        pixels(),
        caption="c",
        boxes={"b": {"box_data": [box], "class_labels": labels}},
        masks={"m": {"mask_data": mask, "class_labels": labels}},
        classes=[{"id": 5, "name": "dog"}],
    )


def sound() -> Any:
    Path("sound.wav").write_bytes(b"RIFF")
    return wandb.Audio("sound.wav", caption="hum")


MAKERS: dict[str, Callable[[], Any]] = {
    "Image": rich_image,
    "Audio": sound,
    "Audio of samples": lambda: wandb.Audio(np.zeros(10), sample_rate=8000),
    "Video": lambda: wandb.Video(io.BytesIO(b"gif"), format="gif", caption="v"),
    "Object3D": lambda: wandb.Object3D(np.zeros((3, 3))),
    "Html": lambda: wandb.Html("<p>hello"),
    "Molecule": lambda: wandb.Molecule(io.StringIO("x"), file_type="pdb"),
    "Classes": lambda: Classes([{"id": 0, "name": "x"}]),
    "Table": lambda: wandb.Table(columns=["a", 7], data=[[1, "x"], [None, "y"]]),
    "PartitionedTable": lambda: PartitionedTable("parts"),
    "JoinedTable": lambda: JoinedTable(
        wandb.Table(columns=["k", "x"], data=[["a", 1]]),
        wandb.Table(columns=["k", "y"], data=[["a", 2]]),
        "k",
    ),
}


def there_and_back(run: Any, value: Any, name: str = "value") -> Any:
    artifact = Artifact("things", "data")
    artifact.add(value, name)
    return log_artifact(run, artifact).get(name)


@pytest.mark.parametrize("name", MAKERS)
def test_there_and_back(run: Any, name: str) -> None:
    value = MAKERS[name]()
    found = there_and_back(run, value)
    assert type(found) is type(value)
    assert found == value
    assert getattr(found, "_caption", None) == getattr(value, "_caption", None)


def test_an_image_with_all_that_is_laid_over_it(run: Any) -> None:
    value = rich_image()
    found = there_and_back(run, value)
    assert np.array_equal(np.asarray(found.image), pixels())
    assert found._boxes["b"]._val == value._boxes["b"]._val
    assert (found._boxes["b"]._key, found._masks["m"]._key) == ("b", "m")
    run.log({"image": found})
    json = run.summary["image"]
    assert json["boxes"]["b"]["_type"] == "boxes2D"
    assert json["masks"]["m"]["_type"] == "mask"


def test_the_cells_of_a_table(run: Any) -> None:
    when = datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc)
    spread = wandb.Histogram(np_histogram=([1, 2], [0, 1, 2]))
    inner = wandb.Table(columns=["z"], data=[[1]])
    array = np.arange(6.0).reshape(2, 3)
    row = [rich_image(), 1.5, when, array, [1.0, 2.0], {"a": 1}, spread, inner, None]
    table = wandb.Table(columns=[*"abcdefgh", 9], data=[row])
    found = there_and_back(run, table)
    (cells,) = found.data
    assert cells[0] == row[0]
    assert (cells[1], cells[2], cells[4], cells[5], cells[8]) == (
        1.5,
        when,
        [1.0, 2.0],
        {"a": 1},
        None,
    )
    assert np.array_equal(cells[3], array)
    assert (cells[6].histogram, cells[6].bins) == ([1, 2], [0, 1, 2])
    assert cells[7] == inner
    assert found.columns == table.columns
    found.add_data(*row)  # the types are known again
    with pytest.raises(TypeError):
        found.add_data(*["x"] * len(row))


def test_keys_between_tables(run: Any) -> None:
    names = wandb.Table(columns=["name"], data=[["a"], ["b"]])
    names.set_pk("name")
    uses = wandb.Table(columns=["who", "n"], data=[["a", 1]])
    uses.set_fk("who", names, "name")
    found = there_and_back(run, uses)
    assert found._fk_cols == {"who"}
    assert found.data[0][0]._table.data == [["a"], ["b"]]


def test_keys_refer_to_the_table_of_the_same_artifact(run: Any) -> None:
    names = wandb.Table(columns=["name"], data=[["a"], ["b"]])
    names.set_pk("name")
    uses = wandb.Table(columns=["who", "row"], data=[["a", names.index_ref(0)]])
    uses.set_fk("who", names, "name")
    artifact = Artifact("things", "data")
    artifact.add(names, "names")
    artifact.add(uses, "uses")
    assert sorted(artifact.manifest.entries) == ["names.table.json", "uses.table.json"]
    run.log_artifact(artifact).wait()
    found = run.use_artifact("things:latest").get("uses")
    assert found.data[0][0]._table.data == [["a"], ["b"]]
    assert found.data[0][1].get_row() == {"name": "a"}


def test_files_that_are_the_same_are_kept_once(run: Any) -> None:
    artifact = Artifact("things", "data")
    first = wandb.Image(pixels()).to_json(artifact)
    assert wandb.Image(pixels()).to_json(artifact) == first
    assert [*artifact.manifest.entries] == [first["path"]]
    (entry,) = artifact.manifest.entries.values()
    assert first["path"] == f"media/images/{base64.b64decode(entry.digest).hex()[:20]}.png"
    json = sound().to_json(artifact)
    assert json["path"] == f"media/audio/{json['sha256'][:20]}/sound.wav"


def test_a_table_is_written_with_its_media(run: Any) -> None:
    artifact = Artifact("things", "data")
    table = wandb.Table(columns=["i"], data=[[rich_image()]])
    (cell,) = table.to_json(artifact)["data"][0]
    assert {cell["path"], cell["masks"]["m"]["path"], cell["classes"]["path"]} == {
        *artifact.manifest.entries
    }


def test_every_class_is_known_by_the_type_of_its_json() -> None:
    known = WBValue.type_mapping()
    for kind in (wandb.Image, wandb.Table, JoinedTable, PartitionedTable, wandb.Html, Classes):
        assert known[str(kind._log_type)] is kind
        assert kind.with_suffix("n") == f"n.{kind._log_type}.json"
    assert wandb.Table.with_suffix("n.table.json") == "n.table.json"
    assert known["bounding-boxes"] is BoundingBoxes2D
    assert known["mask"] is ImageMask
    assert WBValue.init_from_json({"_type": "unheard-of"}, None) is None


def test_bound_to_a_run(run: Any) -> None:
    image = wandb.Image(pixels())
    with pytest.raises(AssertionError, match="bind_to_run"):
        image.to_json(run)
    assert not image.is_bound()
    image.bind_to_run(run, "k/l", 3)
    assert image.is_bound()
    assert image.to_json(run)["path"].startswith("media/images/k/l_3_")
    image.bind_to_run(run, "other", "summary", id_=5)
    assert image.to_json(run)["path"].startswith("media/images/other_summary_5")
    table = wandb.Table(columns=["a"], data=[[1]])
    table.bind_to_run(run, "t", 0)
    assert table.is_bound()
    assert table.to_json(run)["_type"] == "table-file"
    page = wandb.Html("<p>")
    page.bind_to_run(run, "page", 1)
    assert page.to_json(run)["_type"] == "html-file"
    for value in (image, table, page):
        with pytest.raises(TypeError, match="to_json accepts"):
            value.to_json(3)
    with pytest.raises(TypeError):
        page.bind_to_run(None, "page", 1)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: wandb.Image(pixels()), "images/separated"),
        (sound, "audio"),
        (lambda: wandb.Video(io.BytesIO(b"x"), format="gif"), "videos"),
        (lambda: wandb.Html("<p>"), "html"),
        (lambda: wandb.Molecule(io.StringIO("x"), file_type="pdb"), "molecule"),
        (lambda: wandb.Object3D(np.zeros((2, 3))), "object3D"),
    ],
)
def test_a_list_by_hand(run: Any, make: Callable[[], Any], kind: str) -> None:
    value = make()
    assert type(value).seq_to_json([value, make()], run, "k", 1)["_type"] == kind


def test_folders() -> None:
    assert wandb.Image.get_media_subdir() == "media/images"
    assert ImageMask.get_media_subdir() == "media/images/mask"
    assert wandb.Table.get_media_subdir() == "media/table"
    with pytest.raises(NotImplementedError):
        Classes.get_media_subdir()


def test_a_joined_table_of_names(run: Any) -> None:
    artifact = Artifact("things", "data")
    joined = JoinedTable("a.table.json", "a.table.json", "k")
    with pytest.raises(ValueError, match="not found in artifact"):
        joined.to_json(artifact)
    artifact.add(wandb.Table(columns=["k"], data=[["x"]]), "a")
    assert joined.to_json(artifact)["table1"] == "a.table.json"


def test_a_graph(run: Any) -> None:
    graph = Graph("torch")
    one, two = graph.add_node(id=1, name="a"), graph.add_node(id=2, name="b")
    graph.add_edge(one, two)
    artifact = Artifact("things", "data")
    json = graph.to_json(artifact)
    logged = log_artifact(run, artifact)
    found: Any = WBValue.init_from_json(json, logged)
    assert found._to_graph_json() == graph._to_graph_json()


def test_plotly_figures_come_back_without_plotly(run: Any) -> None:
    artifact = Artifact("things", "data")
    with artifact.new_file("f.plotly.json") as file:
        json.dump({"data": [], "layout": {}}, file)
    logged = log_artifact(run, artifact)
    found: Any = WBValue.init_from_json({"_type": "plotly-file", "path": "f.plotly.json"}, logged)
    assert json.loads(found._encode()[0]) == {"data": [], "layout": {}}
