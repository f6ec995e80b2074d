"""`wandb.Artifact` and what runs do with it, over real files, databases and processes."""

from __future__ import annotations

import datetime
import http.server
import os
import pickle
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import synadb.wandb_compat as wandb
from synadb.tracker import ExperimentTracker
from synadb.wandb_compat._artifacts.entry import ArtifactManifestEntry
from synadb.wandb_compat._artifacts.errors import ArtifactFinalizedError, ArtifactNotLoggedError
from synadb.wandb_compat._artifacts.manifest import ArtifactManifestV1
from synadb.wandb_compat._artifacts.names import parse_path, valid_metadata
from tests.conftest import RunScript

QUIET = wandb.Settings(silent=True, x_disable_stats=True)
HEAD = """
import os, sys
import synadb.wandb_compat as wandb
QUIET = wandb.Settings(silent=True, x_disable_stats=True)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working folder, whose database is sound at the end."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    wandb.teardown()
    if (tmp_path / "experiments.db").exists():
        with ExperimentTracker(tmp_path / "experiments.db") as tracker:
            assert tracker.check().problems == ()


@pytest.fixture
def run(folder: Path) -> Any:
    """An active run of project p."""
    return wandb.init(project="p", entity="me", settings=QUIET)


def made(name: str = "data", type: str = "dataset", **files: str) -> Any:
    """A draft with files of that content."""
    artifact = wandb.Artifact(name, type)
    for path, text in (files or {"a.txt": "a"}).items():
        with artifact.new_file(path) as file:
            file.write(text)
    return artifact


def contents(root: str | Path) -> dict[str, str]:
    """The files below a folder."""
    root = Path(root)
    return {
        str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()
    }


# -- from run to run -----------------------------------------------------------------------------


def test_what_one_script_logs_another_uses(folder: Path, run_script: RunScript) -> None:
    run_script(
        HEAD
        + """
open("model.txt", "w").write("weights")
with wandb.init(project="p", settings=QUIET) as run:
    artifact = wandb.Artifact("model", type="model", metadata={"acc": 0.5}, description="d")
    artifact.add_file("model.txt")
    run.log_artifact(artifact, aliases=["best"])
"""
    )
    os.unlink("model.txt")
    used = run_script(
        HEAD
        + """
run = wandb.init(project="p", settings=QUIET)
artifact = run.use_artifact("model:best", type="model")
print(artifact.name, artifact.version, artifact.metadata, artifact.description, artifact.aliases)
print(artifact.download(), open(artifact.download() + "/model.txt").read())
"""
    )
    assert used.stdout.splitlines() == [
        "model:v0 v0 {'acc': 0.5} d ['best', 'latest']",
        f"{folder}/artifacts/model:v0 weights",
    ]


def test_everything_of_it_is_there_when_it_has_been_logged(run: Any) -> None:
    artifact = made(a="1", b="22")
    digest = artifact.digest
    assert run.log_artifact(artifact) is artifact
    assert artifact.wait() is artifact
    assert (artifact.name, artifact.version, artifact.type) == ("data:v0", "v0", "dataset")
    assert artifact.qualified_name == artifact.source_qualified_name == "me/p/data:v0"
    assert (artifact.entity, artifact.project, artifact.source_version) == ("me", "p", "v0")
    assert (artifact.state, artifact.is_draft(), artifact.is_link) == ("COMMITTED", False, False)
    assert (artifact.digest, artifact.size, artifact.file_count) == (digest, 3, 2)
    assert artifact.aliases == ["latest"]
    assert artifact.created_at.endswith("Z")
    assert artifact.updated_at >= artifact.created_at
    assert artifact.url.startswith("file://")
    assert artifact.source_artifact is artifact
    assert artifact.linked_artifacts == []
    assert artifact.history_step == 0
    assert artifact.json_encode()["sequenceName"] == "data"
    assert repr(artifact) == f"<Artifact {artifact.id}>"
    assert sorted(artifact.manifest.entries) == ["a", "b"]
    with pytest.raises(ArtifactFinalizedError):
        artifact.add_file(__file__)


def test_versions_and_aliases(run: Any) -> None:
    first = run.log_artifact(made(a="1"), aliases=["best", "x"])
    again = run.log_artifact(made(a="1"), aliases="y")
    assert again.id == first.id
    assert again.aliases == ["best", "latest", "x", "y"]
    second = run.log_artifact(made(a="2"), aliases=["best"])
    assert second.version == "v1"
    assert run.use_artifact("data:v0").aliases == ["x", "y"]
    assert run.use_artifact("data:best").id == run.use_artifact("data").id == second.id
    back = run.log_artifact(made(a="1"))
    assert back.version == "v2"
    assert back.digest == first.digest


def test_an_alias_that_looks_like_a_version_is_left_out(
    run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    artifact = run.log_artifact(made(), aliases=["v7", "", "best"])
    assert artifact.aliases == ["best", "latest"]


def test_forms_of_names(run: Any) -> None:
    made_there = run.log_artifact(made())
    for name in (
        *("data", "data:v0", "data:latest", "p/data:v0", "me/p/data:v0", "/p/data", "other/p/data"),
        *("wandb-artifact://p/data:v0", f"wandb-artifact://{made_there.id}"),
        f"{made_there.name}:latest",
    ):
        assert run.use_artifact(name).id == made_there.id, name
    assert run.use_artifact("other/p/data").qualified_name == "other/p/data:v0"
    run.finish()
    with wandb.init(project="q", settings=QUIET) as other:
        with pytest.raises(wandb.CommError, match="not found in 'q'"):
            other.use_artifact("data")
        assert other.use_artifact("p/data").id == made_there.id


def test_what_cannot_be_used(run: Any) -> None:
    run.log_artifact(made())
    for name in ("absent", "data:v1", "data:best", "q/data:v0", "a/b/c/d", "", "//"):
        with pytest.raises(wandb.CommError):
            run.use_artifact(name)
    with pytest.raises(wandb.Error, match="of type 'dataset'"):
        run.use_artifact("data", type="model")
    with pytest.raises(ValueError, match="You must pass an artifact name"):
        run.use_artifact(3)
    with pytest.raises(ValueError, match="already exists with type 'dataset'"):
        run.log_artifact(made(type="model", a="other"))


def test_drafts_that_are_used_are_logged(run: Any) -> None:
    artifact = run.use_artifact(made(), aliases=["x"])
    assert artifact.version == "v0"
    assert [used.name for used in run.used_artifacts()] == ["data:v0"]
    assert [logged.name for logged in run.logged_artifacts()] == ["data:v0"]


def test_lineage(run: Any) -> None:
    artifact = run.log_artifact(made())
    run.log({"x": 1})
    run.log_artifact(made("later"))
    run.finish()
    with wandb.init(project="q", settings=QUIET) as user:
        used = user.use_artifact("p/data")
        assert [found.id for found in used.used_by()] == [user.id]
        assert used.logged_by().id == run.id
        assert user.use_artifact("p/later").history_step == 0
    assert artifact.used_by()[0].project == "q"


def test_artifacts_in_the_config_are_inputs(folder: Path) -> None:
    with wandb.init(project="p", settings=QUIET) as run:
        artifact = run.log_artifact(made())
    with wandb.init(
        project="p", config={"data": artifact, "lr": 1, "s": "wandb-artifact://p/data:v0"}
    ) as run:
        assert run.config.data.id == run.config["s"].id == artifact.id
        assert run.config.lr == 1
        run.config["more"] = run.log_artifact(made("other"))
        with pytest.raises(ValueError, match="top level"):
            run.config["deep"] = {"x": artifact}
        assert [used.name for used in run.used_artifacts()] == ["data:v0", "other:v0"]
    with ExperimentTracker("experiments.db") as tracker:
        stored = tracker.get_run(run.id).config
        assert stored["data"] == artifact.json_encode()
        assert stored["more"]["version"] == "v0"
        assert tracker.open_file(run.id, "config.yaml").read().count(b"artifactVersion") == 3


# -- content -------------------------------------------------------------------------------------


def test_content_is_that_of_the_call_that_added_it(run: Any) -> None:
    artifact = wandb.Artifact("data", "t")
    for name, size in (("small", 10), ("large", 3 << 20)):
        Path(name).write_bytes(b"x" * size)
        artifact.add_file(name)
        Path(name).write_bytes(b"changed")
    Path("gone").write_text("gone")
    artifact.add_file("gone")
    Path("gone").unlink()
    run.log_artifact(artifact)
    root = Path(artifact.download())
    assert [(root / name).stat().st_size for name in ("small", "large", "gone")] == [10, 3 << 20, 4]


def test_a_draft_from_before_the_run_and_one_for_another_database(folder: Path) -> None:
    Path("large").write_bytes(os.urandom(3 << 20))
    before = wandb.Artifact("before", "t")
    before.add_file("large")
    os.makedirs("elsewhere")
    run = wandb.init(project="p", settings=QUIET)
    within = wandb.Artifact("within", "t")
    within.add_file("large")
    run.log_artifact(before)
    run.finish()
    with wandb.init(project="p", dir="elsewhere", settings=QUIET) as other:
        other.log_artifact(within)
        data = Path(within.download("out"), "large").read_bytes()
    assert data == Path("large").read_bytes() == Path(before.download("out2"), "large").read_bytes()
    with ExperimentTracker("elsewhere/experiments.db") as tracker:
        assert tracker.check().problems == ()
        assert [version.name for version in tracker.artifacts.list()] == ["within:v0"]


def test_changed_files_that_were_called_immutable_are_refused(folder: Path) -> None:
    Path("f").write_text("one")
    artifact = wandb.Artifact("data", "t")
    artifact.add_file("f", policy="immutable")
    Path("f").write_text("two")
    with (
        wandb.init(project="p", settings=QUIET) as run,
        pytest.raises(ValueError, match="has changed"),
    ):
        run.log_artifact(artifact)


def test_download(run: Any, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    files = {"a.txt": "a", "sub/b.txt": "b", "sub/deep/c.txt": "c"}
    artifact = run.log_artifact(made(**files))
    assert artifact.download() == str(folder / "artifacts" / "data:v0")
    assert contents(artifact.download()) == files
    Path("artifacts/data:v0/a.txt").write_text("changed")
    Path("artifacts/data:v0/sub/b.txt").unlink()
    Path("artifacts/data:v0/mine").write_text("mine")
    assert contents(artifact.download()) == {**files, "mine": "mine"}
    assert artifact.download(root="out", path_prefix="sub/") == "out"
    assert sorted(contents("out")) == ["sub/b.txt", "sub/deep/c.txt"]
    assert artifact.download(root=Path("out2"), skip_cache=True, multipart=True) == "out2"
    assert contents("out2") == files
    monkeypatch.setenv("WANDB_ARTIFACT_DIR", str(folder / "below"))
    assert artifact.download() == str(folder / "below" / "data:v0")


def test_a_download_can_be_edited(run: Any) -> None:
    artifact = run.log_artifact(made(a="1"))
    path = Path(artifact.download(), "a")
    path.write_text("edited")
    assert Path(artifact.download("other"), "a").read_text() == "1"
    assert path.stat().st_nlink == 1


def test_a_link_in_the_way_is_not_followed(run: Any, folder: Path) -> None:
    artifact = run.log_artifact(made(**{"sub/a": "new"}))
    outside = folder / "outside"
    outside.mkdir()
    (outside / "a").write_text("kept")
    os.makedirs("root")
    os.symlink(outside, "root/sub")
    with pytest.raises(ValueError, match="sub"):
        artifact.download("root")
    assert (outside / "a").read_text() == "kept"


def test_entries_and_single_files(run: Any, folder: Path) -> None:
    artifact = run.log_artifact(made(**{"a": "1", "s/b": "2"}))
    entry = artifact.get_entry("s/b")
    assert entry.download() == str(folder / "artifacts/data:v0/s/b")
    assert Path(entry.download("there")).read_text() == "2"
    assert entry.parent_artifact() is artifact
    assert entry.ref_url() == f"wandb-artifact://{artifact.id}/s/b"
    assert artifact.get_path("a").size == 1
    assert artifact.manifest.entries["a"].download("x") == "x/a"
    with pytest.raises(KeyError, match="not contained"):
        artifact.get_entry("c")
    with pytest.raises(ValueError, match="more than one file"):
        artifact.file()
    assert artifact.get("a") is None
    single = run.log_artifact(made("single", only="x"))
    assert Path(single.file()) == Path("artifacts/single:v0/only")
    assert Path(single.file("y")).read_text() == "x"


def test_checkout_and_verify(run: Any) -> None:
    artifact = run.log_artifact(made(a="1", b="2"))
    root = artifact.checkout("co")
    artifact.verify(root)
    Path("co/extra").write_text("x")
    with pytest.raises(ValueError, match="not a member of artifact data:v0"):
        artifact.verify("co")
    artifact.checkout("co")
    assert contents("co") == {"a": "1", "b": "2"}
    Path("co/a").write_text("z")
    with pytest.raises(ValueError, match="Digest mismatch for file: a"):
        artifact.verify("co")
    Path("co/a").unlink()
    with pytest.raises(ValueError, match="Digest mismatch for file: a"):
        artifact.verify("co")


def test_files(run: Any) -> None:
    artifact = run.log_artifact(made(a="1", b="22"))
    assert [(file.name, file.size) for file in artifact.files()] == [("a", 1), ("b", 2)]
    assert [file.name for file in artifact.files(names=["b"])] == ["b"]


def test_a_draft_can_be_changed_until_it_is_logged(run: Any) -> None:
    artifact = made(a="1", b="2", c="3")
    artifact.remove("a")
    with artifact.new_file("a", "w") as file:
        file.write("anew")
    artifact.remove(artifact.manifest.entries["b"])
    Path("d").write_text("by hand")
    artifact.manifest.add_entry(
        ArtifactManifestEntry(
            path="d", digest=made(d="by hand").manifest.entries["d"].digest, local_path="d"
        )
    )
    run.log_artifact(artifact)
    assert contents(artifact.download()) == {"a": "anew", "c": "3", "d": "by hand"}


def test_a_refused_folder_leaves_the_draft_as_it_was(run: Any) -> None:
    os.makedirs("d")
    Path("d/a").write_text("1")
    Path("d/b").write_text("2")
    artifact = made(b="other")
    with pytest.raises(ValueError, match="same path twice: 'b'"):
        artifact.add_dir("d")
    assert list(artifact.manifest.entries) == ["b"]
    Path("d/a").write_text("11")
    artifact.add_file("d/a")
    run.log_artifact(artifact)
    assert contents(artifact.download()) == {"a": "11", "b": "other"}


def test_paths_that_are_not_plain(run: Any) -> None:
    names = ("ä b.txt", "a\\b", "-x", "#1", "%41", "it's")
    artifact = made(**dict.fromkeys(names, "x"))
    digest = artifact.digest
    run.log_artifact(artifact)
    assert artifact.digest == digest == artifact.manifest.digest()
    assert sorted(contents(artifact.download())) == sorted(names)


# -- objects -------------------------------------------------------------------------------------


def rich_image() -> Any:
    return wandb.Image(
        np.arange(12, dtype=np.uint8).reshape(2, 2, 3),
        caption="cap",
        grouping=2,
        masks={"m": {"mask_data": np.eye(2, dtype=np.uint8), "class_labels": {0: "a", 1: "b"}}},
        boxes={
            "p": {
                "class_labels": {0: "a", 1: "b"},
                "box_data": [
                    {
                        "position": {"minX": 0, "maxX": 1, "minY": 0, "maxY": 1},
                        "class_id": 1,
                    }
                ],
            }
        },
    )


def pixels(image: Any) -> bytes:
    found: bytes = image.image.tobytes()
    return found


def test_objects_come_back(run: Any) -> None:
    artifact = wandb.Artifact("data", "t")
    image = rich_image()
    table = wandb.Table(
        ["i", "n", "when", "a", "h"],
        [
            [
                image,
                1.5,
                datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc),
                np.arange(8).reshape(2, 2, 2),
                wandb.Html("<p>"),
            ]
        ],
    )
    words = wandb.Table(["k", "v"], [["a", 1]])
    words.set_pk("k")
    keyed = wandb.Table(["r"], [["a"]])
    keyed.set_fk("r", words, "k")
    artifact.add(table, "t")
    artifact.add(image, "i")
    artifact["h"] = wandb.Html("<b>bold</b>", inject=False)
    artifact.add(keyed, "keyed")
    artifact.add(wandb.JoinedTable(wandb.Table(["k"], [["x"]]), words, "k"), "j")
    run.log_artifact(artifact)
    found = run.use_artifact("data").get("t")
    assert found.columns == table.columns
    (row,) = found.data
    assert pixels(row[0]) == pixels(image)
    assert row[0]._caption == "cap"
    assert row[1:3] == [1.5, table.data[0][2]]
    assert np.array_equal(row[3], table.data[0][3])
    assert row[4].html == table.data[0][4].html
    alone = artifact.get("i")
    assert (alone._grouping, list(alone._masks), list(alone._boxes)) == (2, ["m"], ["p"])
    assert {one["name"] for one in alone._classes._class_set} == {"a", "b"}
    assert artifact["h"].html == "<b>bold</b>"
    assert artifact.get("keyed").data == [["a"]]
    assert artifact.get("j")._table2.data == [["a", 1]]
    assert artifact.get("absent") is None
    assert artifact.get_entry("t").path == "t.table.json"
    run.log({"again": alone, "found": found})


def test_classes_and_joined_tables_in_cells_come_back(run: Any) -> None:
    def classes(*names: str) -> Any:
        return wandb.Classes([{"id": place, "name": name} for place, name in enumerate(names)])

    artifact = wandb.Artifact("tables", "t")
    animals = wandb.Table(["a", "b"], [[classes("cat", "dog"), classes("tree")], [1, 0]])
    artifact.add(animals, "animals")
    parts = wandb.data_types.PartitionedTable("parts")
    joined = wandb.JoinedTable(parts, wandb.Table(["k"], [["x"]]), "k")
    artifact.add(wandb.Table(["j"], [[joined]]), "cell")
    artifact.add(joined, "alone")
    run.log_artifact(artifact).wait()
    run.finish()

    found = wandb.Api().artifact("p/tables:latest")
    animals = found.get("animals")
    assert animals.data == [[classes("cat", "dog"), classes("tree")], [1, 0]]
    animals.add_data(0, None)
    with pytest.raises(TypeError):
        animals.add_data(0, 1)  # a tree is 0
    for back in (found.get("cell").data[0][0], found.get("alone")):
        assert back._table1 == parts
        assert back._table2.data == [["x"]]
        assert back._join_key == "k"


def test_objects_of_artifacts_are_added_as_references(run: Any) -> None:
    first = wandb.Artifact("first", "t")
    table = wandb.Table(["i"], [[rich_image()]])
    first.add(table, "t")
    run.log_artifact(first)
    second = wandb.Artifact("second", "t")
    second.add(run.use_artifact("first").get("t"), "fetched")
    second.add(table, "added")
    run.log_artifact(second)
    for name in ("fetched", "added"):
        entry = second.get_entry(name)
        assert entry.ref == f"wandb-artifact://{first.id}/t.table.json"
        assert entry.size == 0
        assert pixels(second.get(name).data[0][0]) == pixels(table.data[0][0])
        assert (
            Path(entry.download()).read_bytes()
            == Path(first.get_entry("t").download()).read_bytes()
        )
    assert sorted(contents(second.download("out"))) == ["added.table.json", "fetched.table.json"]


def test_a_reference_to_a_draft_lasts(folder: Path, run_script: RunScript) -> None:
    run_script(
        HEAD
        + """
first = wandb.Artifact("first", "t")
table = wandb.Table(["a"], [[1]])
first.add(table, "t")
first.finalize()
second = wandb.Artifact("second", "t")
second.add(table, "t")
with wandb.init(project="p", settings=QUIET) as run:
    run.log_artifact(first)
    run.log_artifact(second)
"""
    )
    with wandb.init(project="p", settings=QUIET) as run:
        assert run.use_artifact("second").get("t").data == [[1]]


def test_tables_of_a_run_are_artifacts(run: Any) -> None:
    run.log({"t": wandb.Table(["i", "n"], [[rich_image(), 1]])})
    run.log({"a/b c": wandb.Table(["n"], [[1]], log_mode="MUTABLE")})
    run.log({"a/b c": wandb.Table(["n"], [[2]], log_mode="MUTABLE")})
    table = wandb.Table(["n"], [[1]], log_mode="INCREMENTAL")
    for number in (2, 3):
        run.log({"inc": table})
        table.add_data(number)
    artifact = run.use_artifact(f"run-{run.id}-t:v0")
    assert artifact.type == "run_table"
    assert artifact.logged_by().id == run.id
    assert pixels(artifact.get("t").data[0][0]) == pixels(rich_image())
    names = [logged.name for logged in run.logged_artifacts()]
    versions = {name.partition(":")[0] for name in names}
    assert len(versions) == 3
    assert sum(name.endswith(":v1") for name in names) == 2
    where = run.summary["t"]["artifact_path"]
    assert where == f"wandb-client-artifact://{artifact.id}/t.table.json"
    user = wandb.Artifact("user", "t")
    user.add_reference(where, "copy.table.json")
    run.log_artifact(user)
    assert user.get("copy").data[0][1] == 1


def test_rows_that_are_all_the_same_make_one_version(run: Any) -> None:
    for _ in range(3):
        run.log({"t": wandb.Table(["n"], [[1]])})
    names = [logged.name for logged in run.logged_artifacts()]
    assert names == [f"run-{run.id}-t:v0"]


# -- references ----------------------------------------------------------------------------------


def test_references_to_files(run: Any, folder: Path) -> None:
    os.makedirs("data/sub")
    Path("data/a").write_text("a")
    Path("data/sub/b").write_text("b")
    artifact = wandb.Artifact("data", "t")
    assert len(artifact.add_reference((folder / "data").as_uri(), name="d")) == 2
    run.log_artifact(artifact)
    assert contents(artifact.download()) == {"d/a": "a", "d/sub/b": "b"}
    assert artifact.size == 2
    entry = artifact.get_entry("d/a")
    assert entry.ref_target() == (folder / "data/a").as_uri()
    Path("data/a").write_text("changed")
    with pytest.raises(ValueError, match="has changed"):
        artifact.download("other")
    Path("data/a").unlink()
    with pytest.raises(FileNotFoundError):
        artifact.download("other")
    assert artifact.download("other", allow_missing_references=True) == "other"
    assert contents("other") == {"d/sub/b": "b"}


@pytest.fixture
def site(folder: Path) -> Iterator[str]:
    """The address of a web server with the file page.txt."""
    os.makedirs("site")
    Path("site/page.txt").write_text("page")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, directory=str(folder / "site"), **kwargs)

        def log_message(self, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_references_elsewhere_are_visited_when_they_are_downloaded(site: str, run: Any) -> None:
    artifact = wandb.Artifact("data", "t")
    artifact.add_reference(f"{site}/page.txt")
    artifact.add_reference(f"{site}/absent", name="absent")
    artifact.add_reference("s3://bucket/key/x.bin")
    artifact.add_reference("gs://bucket/y.bin", name="z")
    run.log_artifact(artifact)
    entries = artifact.manifest.entries
    assert {path: entry.ref for path, entry in entries.items()} == {
        "absent": f"{site}/absent",
        "key/x.bin": "s3://bucket/key/x.bin",
        "page.txt": f"{site}/page.txt",
        "z": "gs://bucket/y.bin",
    }
    assert Path(artifact.get_entry("page.txt").download()).read_text() == "page"
    with pytest.raises(FileNotFoundError):
        artifact.get_entry("absent").download()


def test_references_to_entries(run: Any) -> None:
    first = run.log_artifact(made("first", a="1"))
    second = wandb.Artifact("second", "t")
    (entry,) = second.add_reference(first.get_entry("a"), "b")
    assert (entry.digest, entry.size) == (first.get_entry("a").digest, 0)
    run.log_artifact(second)
    third = wandb.Artifact("third", "t")
    (entry,) = third.add_reference(second.get_entry("b"))
    assert entry.ref == f"wandb-artifact://{first.id}/a"  # the file itself
    run.log_artifact(third)
    assert contents(third.download()) == {"a": "1"}
    with pytest.raises(ValueError, match="there is no such artifact"):
        wandb.Artifact("x", "t").add_reference("wandb-artifact://0123/a")


# -- changes of what is stored -------------------------------------------------------------------


def test_saved_changes(run: Any) -> None:
    artifact = run.log_artifact(made())
    artifact.description = "text"
    artifact.metadata["x"] = 1
    artifact.aliases = ["one", "two"]
    artifact.tags.append("tag")
    artifact.ttl = datetime.timedelta(days=2)
    artifact.save()
    found = run.use_artifact("data:one")
    assert (found.description, found.metadata, found.tags) == ("text", {"x": 1}, ["tag"])
    assert set(found.aliases) == {"latest", "one", "two"}
    assert found.ttl == datetime.timedelta(days=2)
    found.aliases.remove("one")
    found.ttl = None
    found.save()
    assert run.use_artifact("data:two").ttl is None
    with pytest.raises(wandb.CommError):
        run.use_artifact("data:one")


def test_what_has_been_deleted_meanwhile_is_an_error_of_wandb(folder: Path) -> None:
    with wandb.init(project="p", settings=QUIET) as run:
        artifact = run.log_artifact(made())
        wandb.Api().artifact("p/data").delete()
        artifact.tags = ["late"]
        for call in (
            artifact.save,
            artifact.delete,
            artifact.download,
            artifact.file,
            lambda: list(artifact.files()),
            artifact.logged_by,
            artifact.new_draft,
            lambda: artifact.link("elsewhere"),
            lambda: artifact.manifest,
            lambda: run.log_artifact(artifact),
            lambda: run.use_artifact(artifact),
        ):
            with pytest.raises(wandb.CommError, match="has been deleted"):
                call()
        run_id = run.id
    known = wandb.Api().run(f"p/{run_id}")
    wandb.Api().run(f"p/{run_id}").delete()
    for late in (known.files, known.logged_artifacts):
        with pytest.raises(wandb.CommError):
            list(late())


def test_saving_without_a_run_begins_one(folder: Path) -> None:
    artifact = made()
    artifact.save(project="q", settings=QUIET)
    assert artifact.qualified_name == f"{wandb.Api().default_entity}/q/data:v0"
    assert artifact.logged_by().job_type == "auto"
    assert wandb.run is None
    with wandb.init(project="p", settings=QUIET) as run:
        other = made("other")
        other.save()
        assert other.logged_by().id == run.id


def test_new_drafts_and_increments(run: Any) -> None:
    first = run.log_artifact(made(a="1", b="2"))
    draft = first.new_draft()
    assert (draft.state, draft.digest, draft.name) == ("PENDING", first.digest, "data")
    draft.remove("a")
    with draft.new_file("c") as file:
        file.write("3")
    run.log_artifact(draft)
    assert (draft.version, sorted(draft.manifest.entries)) == ("v1", ["b", "c"])
    more = wandb.Artifact("data", "dataset", incremental=True)
    with more.new_file("d") as file:
        file.write("4")
    run.log_artifact(more)
    assert contents(more.download()) == {"b": "2", "c": "3", "d": "4"}
    assert contents(first.download()) == {"a": "1", "b": "2"}
    run.finish()
    with (
        wandb.init(project="q", settings=QUIET) as other,
        pytest.raises(ValueError, match="can't be moved"),
    ):
        other.log_artifact(first.new_draft())


def test_deleting(run: Any) -> None:
    first = run.log_artifact(made(a="1"), aliases=["best"])
    second = run.log_artifact(made(a="2"))
    with pytest.raises(wandb.CommError, match="best"):
        first.delete()
    first.delete(delete_aliases=True)
    assert first.state == "DELETED"
    with pytest.raises(wandb.CommError):
        run.use_artifact("data:v0")
    second.delete()
    assert run.log_artifact(made(a="3")).version == "v2"


def test_links(run: Any) -> None:
    artifact = run.log_artifact(made())
    link = run.link_artifact(artifact, "wandb-registry-models/data-set", aliases=["prod"])
    assert link.is_link
    assert link.qualified_name == "me/wandb-registry-models/data-set:v0"
    assert link.source_qualified_name == artifact.qualified_name
    assert link.aliases == ["latest", "prod"]
    assert link.source_artifact.id == link.id == artifact.id
    assert link.linked_at is not None
    assert [found.qualified_name for found in artifact.linked_artifacts] == [link.qualified_name]
    used = run.use_artifact("wandb-registry-models/data-set:prod")
    assert contents(used.download()) == {"a.txt": "a"}
    assert used.download().endswith("data:v0")
    draft = run.link_artifact(made("other"), "target")
    assert draft.qualified_name == "me/p/target:v0"
    with pytest.raises(ValueError, match="not a linked artifact"):
        artifact.unlink()
    with pytest.raises(ValueError, match="TTL"):
        link.ttl = None
    link.unlink()
    assert artifact.linked_artifacts == []
    draft.delete()
    assert run.use_artifact("other").name == "other:v0"


def test_models(run: Any, folder: Path) -> None:
    Path("model.bin").write_text("weights")
    os.makedirs("many")
    for name in ("a", "b"):
        Path("many", name).write_text(name)
    assert run.log_model("model.bin", "net", aliases=["x"]) is None
    assert run.use_model("net:x") == str(folder / "artifacts/net:v0/model.bin")
    run.log_model(Path("many"))
    assert run.use_model(f"run-{run.id}-many:latest").endswith(":v0")
    link = run.link_model("model.bin", "registered", "net", aliases=["prod"])
    assert (link.qualified_name, link.source_name) == ("me/model-registry/registered:v0", "net:v0")
    run.log_artifact(made("set"))
    with pytest.raises(AssertionError, match="'model' artifacts"):
        run.use_model("set")
    with pytest.raises(AssertionError, match="'model' artifacts"):
        run.link_model("model.bin", "r", "set")


def test_code(run: Any) -> None:
    os.makedirs("src/wandb")
    for name in ("src/a.py", "src/wandb/b.py", "src/c.txt", "src/requirements.txt"):
        Path(name).write_text(name)
    code = run.log_code("src")
    assert (code.type, sorted(code.manifest.entries)) == ("code", ["a.py", "requirements.txt"])
    assert code.name.startswith("source-p-")
    everything = run.log_code("src", "all", lambda path: True, lambda path, root: False)
    assert len(everything.manifest.entries) == 4
    assert run.log_code("artifacts") is None


# -- several at once -----------------------------------------------------------------------------


def test_one_version_of_several_writers(folder: Path, run_script: RunScript) -> None:
    for number in range(3):
        run_script(
            HEAD
            + f"""
with wandb.init(project="p", group="g", settings=QUIET) as run:
    part = wandb.Artifact("all", "t")
    with part.new_file("part-{number}") as file:
        file.write("{number}")
    run.upsert_artifact(part)
    assert part.wait().state == "PENDING"
"""
        )
    with wandb.init(project="p", group="g", settings=QUIET) as run:
        with pytest.raises(wandb.CommError):
            run.use_artifact("all")
        last = made("all", "t", last="x")
        run.finish_artifact(last)
        assert last.version == "v0"
        assert sorted(contents(last.download())) == ["last", "part-0", "part-1", "part-2"]
        mine = made("other", "t")
        run.upsert_artifact(mine)
        run.finish_artifact(made("other", "t", b="2"))
        assert mine.wait().name == "other:v0"
        assert sorted(mine.manifest.entries) == ["a.txt", "b"]


def test_processes_that_log_at_once(folder: Path, run_script: RunScript) -> None:
    run_script(
        HEAD
        + """
import subprocess
child = '''
import sys
import synadb.wandb_compat as wandb
with wandb.init(project="p", settings=wandb.Settings(silent=True, x_disable_stats=True)) as run:
    for number in range(3):
        artifact = wandb.Artifact("data", "t")
        with artifact.new_file("f") as file:
            file.write(sys.argv[1] + str(number))
        run.log_artifact(artifact, aliases=[sys.argv[1]])
'''
children = [subprocess.Popen([sys.executable, "-c", child, f"p{n}"]) for n in range(4)]
assert [c.wait() for c in children] == [0] * 4
""",
        timeout=100,
    )
    with ExperimentTracker("experiments.db") as tracker:
        versions = tracker.artifacts.list("data")
        assert sorted(version.number for version in versions) == list(range(12))
        assert len({version.digest for version in versions}) == 12


def test_threads_that_add_and_log_at_once(run: Any) -> None:
    shared = wandb.Artifact("shared", "t")

    def work(number: int) -> None:
        path = f"f{number}"
        Path(path).write_text(path)
        shared.add_file(path)
        run.log_artifact(made("own", f=path))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.log_artifact(shared)
    assert len(contents(shared.download())) == 8
    assert {a.version for a in run.logged_artifacts() if a.name.startswith("own")} == {
        f"v{number}" for number in range(8)
    }


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_logs_what_its_parent_began(folder: Path, run_script: RunScript) -> None:
    run_script(
        HEAD
        + """
run = wandb.init(project="p", settings=QUIET)
open("large", "wb").write(b"x" * (3 << 20))
artifact = wandb.Artifact("data", "t")
artifact.add_file("large")
pid = os.fork()
if not pid:
    artifact.add_file(__file__, "script")
    run.log_artifact(artifact)
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
run.log_artifact(artifact, aliases=["parent"])
run.finish()
"""
    )
    with wandb.init(project="p", settings=QUIET) as run:
        assert sorted(run.use_artifact("data:v0").manifest.entries) == ["large", "script"]
        assert Path(run.use_artifact("data:parent").download(), "large").stat().st_size == 3 << 20


# -- the end of a process ------------------------------------------------------------------------


def test_what_has_been_logged_survives_a_kill(folder: Path, run_script: RunScript) -> None:
    done = run_script(
        HEAD
        + """
import signal
run = wandb.init(project="p", settings=QUIET)
open("large", "wb").write(b"x" * (5 << 20))
artifact = wandb.Artifact("data", "t")
artifact.add_file("large")
run.log_artifact(artifact)
os.kill(os.getpid(), signal.SIGKILL)
""",
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    with wandb.init(project="p", settings=QUIET) as run:
        artifact = run.use_artifact("data")
        assert Path(artifact.download(), "large").stat().st_size == 5 << 20
        assert artifact.logged_by().state == "crashed"


def test_a_kill_before_it_is_logged_leaves_no_version(folder: Path, run_script: RunScript) -> None:
    run_script(
        HEAD
        + """
import signal
run = wandb.init(project="p", settings=QUIET)
open("large", "wb").write(os.urandom(9 << 20))
artifact = wandb.Artifact("data", "t")
artifact.add_file("large")
os.kill(os.getpid(), signal.SIGKILL)
""",
        check=False,
    )
    with ExperimentTracker("experiments.db") as tracker:
        assert list(tracker.artifacts.list()) == []
        tracker.gc()
        assert tracker.check().problems == ()
    assert [path.name for path in folder.glob("*") if "synadb" in path.name] == []


def test_an_artifact_outlives_its_run(folder: Path) -> None:
    run = wandb.init(project="p", settings=QUIET)
    artifact = run.log_artifact(made())
    run.finish()
    assert contents(artifact.download()) == {"a.txt": "a"}
    artifact.aliases.append("late")
    artifact.save()
    assert run.logged_artifacts()[0].aliases == ["late", "latest"]
    with pytest.raises(wandb.UsageError, match="is finished"):
        run.log_artifact(made("more"))


def test_pickled_artifacts(run: Any, run_script: RunScript) -> None:
    logged = run.log_artifact(made())
    draft = made("draft", a="1")
    draft.add_reference("foo://x", name="r")
    Path("both").write_bytes(pickle.dumps((logged, draft)))
    copy = pickle.loads(Path("both").read_bytes())[1]
    assert (copy.digest, copy.state) == (draft.digest, "PENDING")
    run.finish()
    run_script(
        HEAD
        + """
import pickle
logged, draft = pickle.load(open("both", "rb"))
assert logged.name == "data:v0" and open(logged.download() + "/a.txt").read() == "a"
with wandb.init(project="p", settings=QUIET) as run:
    assert run.log_artifact(draft).version == "v0"
    assert open(draft.get_entry("a").download()).read() == "1"
"""
    )


# -- pure ----------------------------------------------------------------------------------------

_PART = st.text(st.characters(exclude_characters="/:", exclude_categories=["Cs"]), min_size=1)


@given(
    entity=st.none() | _PART,
    project=_PART,
    name=_PART,
    alias=st.none() | _PART,
    short=st.booleans(),
)
def test_paths_are_taken_apart(
    entity: str | None, project: str, name: str, alias: str | None, short: bool
) -> None:
    project_given = None if short else project
    parts = [part for part in (None if short else entity, project_given, name) if part is not None]
    text = "/".join(parts) + ("" if alias is None else f":{alias}")
    found = parse_path(text)
    assert found == (None if short else entity, project_given, name, alias)
    assert parse_path(f"wandb-artifact://{text}") == found


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_infinity=False) | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.tuples(inner),
            max_leaves=5,
        ),
        max_size=5,
    )
)
def test_metadata_is_what_json_has_and_stays_so(metadata: dict[str, Any]) -> None:
    clean = valid_metadata(metadata)
    assert list(clean) == list(metadata)
    assert valid_metadata(clean) == clean


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,3}(/[a-z]{1,3})?", fullmatch=True), st.binary(), max_size=6
    )
)
def test_digests_do_not_depend_on_the_order(files: dict[str, bytes]) -> None:
    one, other = wandb.Artifact("a", "t"), wandb.Artifact("b", "u")
    for path, data in files.items():
        one._add_bytes(path, data)
    for path, data in reversed(files.items()):
        other._add_bytes(path, data)
    assert one.digest == other.digest
    read = ArtifactManifestV1.from_manifest_json(one.manifest.to_manifest_json())
    assert (read.digest(), read.size()) == (one.digest, sum(map(len, files.values())))


def test_a_draft_says_what_it_lacks() -> None:
    artifact = made()
    with pytest.raises(ArtifactNotLoggedError, match="prior to logging"):
        artifact.download()
    assert not hasattr(artifact, "version")
