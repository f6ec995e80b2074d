"""Artifacts before they are logged: names, manifests, digests, errors. And logging them."""

from __future__ import annotations

import datetime
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.parity.play import See, differs
from tests.parity.scripts._wandb import wandb

UTC = datetime.timezone.utc


def _tree() -> None:
    Path("d/sub/deep").mkdir(parents=True)
    Path("d/empty").mkdir()
    for name, text in (("d/a.txt", "a"), ("d/.hidden", "h"), ("d/sub/deep/b", "b"), ("f", "f")):
        Path(name).write_text(text)


def _draft() -> Any:
    return wandb.Artifact("n", "t")


def _entries(artifact: Any) -> dict[str, Any]:
    found: dict[str, Any] = artifact.manifest.to_manifest_json()["contents"]
    return dict(sorted(found.items()))


def before_init(see: See) -> None:
    for name in ("log_artifact", "use_artifact", "log_model", "use_model", "link_model"):
        with see.error(name, f"You must call wandb.init() before wandb.{name}()"):
            getattr(wandb, name)("x")


def names_and_types(see: See) -> None:
    for number, name in enumerate(("a", "a.b-c_d", "..", "x" * 128)):
        see(f"name {number}", wandb.Artifact(name, "t").name)
    wrong: list[Any] = ["", "a b", "a/b", "a:b", "é", "x" * 129, None, 3]
    for number, value in enumerate(wrong):
        with see.error(f"no name {number}", "Artifact name"):
            wandb.Artifact(value, "t")
    for number, kind in enumerate(("", "a/b", "é", "code", "run_table", "x" * 200)):
        see(f"type {number}", wandb.Artifact("n", kind).type)
    for pair in ("n job", "n wandb-x", "run-x run_table", "source-x code"):
        with see.error(f"no type {pair}", "is reserved for internal use"):
            wandb.Artifact(*pair.split())
    with see.error("None is no type"):
        wandb.Artifact("n", None)


def metadata(see: See) -> None:
    given: list[Any] = [
        {"nan": float("nan"), "tuple": (1, 2), "class": int, "set": {1}, "nested": {"x": [None]}},
        {"array": np.arange(3), "float32": np.float32(1.5), "nan": np.float64("nan")},
        {"date": datetime.date(2020, 1, 2), "time": datetime.datetime(2020, 1, 2, tzinfo=UTC)},
        {1: 2, None: 3, 1.5: 4},
        '{"a": 1}',
        "",
        None,
        {str(number): number for number in range(100)},
    ]
    for number, value in enumerate(given):
        see(f"metadata {number}", wandb.Artifact("n", "t", metadata=value).metadata)
    refused: list[Any] = [
        {"x": float("inf")},
        "[1]",
        "x",
        3,
        [],
        {"x": object()},
        {str(n): 0 for n in range(101)},
    ]
    for number, value in enumerate(refused):
        with see.error(f"no metadata {number}"):
            wandb.Artifact("n", "t", metadata=value)
    artifact = _draft()
    artifact.metadata = {"a": (1,)}
    artifact.description = "text"
    see("set", [artifact.metadata, artifact.description])
    with see.error("set to a number"):
        artifact.metadata = 3


def adding_files(see: See) -> None:
    _tree()
    artifact = _draft()
    see("empty", [artifact.digest, artifact.size, len(artifact.manifest)])
    entry = artifact.add_file("f")
    see("entry", [entry.path, entry.digest, entry.size, entry.ref, entry.skip_cache])
    see("json", {key: entry.to_json()[key] for key in ("path", "digest", "size", "extra")})
    see("again", artifact.add_file("f").digest)
    for number, name in enumerate(("x/y", "./q/./r", "a\\b", "is/a.b.c")):
        see(f"as {number}", artifact.add_file(Path("f"), name, is_tmp=number == 3).path)
    see("policies", [artifact.add_file("f", "g", policy=p).path for p in (None, "immutable")])
    with see.error("other content", "Cannot add the same path twice: 'f'"):
        artifact.add_file("d/a.txt", "f")
    artifact.add_file("d/a.txt", "f", overwrite=True)
    for number, path in enumerate(("d", "absent", "")):
        with see.error(f"no file {number}", "Path is not a file"):
            artifact.add_file(path)
    for number, name in enumerate(("../x", "/x", "a/../../x", "a\\..\\b", "C:/b", "c:x", ".")):
        with see.error(f"no path {number}", "Invalid artifact path"):
            artifact.add_file("f", name)
    with see.error("policy", "Invalid policy"):
        artifact.add_file("f", "p", policy="sometimes")
    see("manifest", _entries(artifact))
    see("digest", [artifact.digest, artifact.size])
    see("added", [artifact.get_added_local_path_name(path) for path in ("f", "d/a.txt", "./f", "")])
    for use in ("parent_artifact", "ref_target", "ref_url"):
        with see.error(use):
            getattr(entry, use)()


def adding_folders(see: See) -> None:
    _tree()
    artifact = _draft()
    see("returns", artifact.add_dir("d"))
    artifact.add_dir("d", "pre/fix")
    artifact.add_dir("d", ".")
    see("paths", sorted(artifact.manifest.entries))
    see("digest", artifact.digest)
    Path("d/a.txt").write_text("changed")
    with see.error("changed", "Cannot add the same path twice: 'a.txt'"):
        artifact.add_dir("d")
    artifact.add_dir("d", merge=True)
    see("merged", artifact.digest)
    for number, path in enumerate(("f", "absent")):
        with see.error(f"no folder {number}", "Path is not a directory"):
            artifact.add_dir(path)
    for number, name in enumerate(("..", "/x")):
        with see.error(f"no prefix {number}", "Invalid artifact path"):
            artifact.add_dir("d", name)
    with see.printed("said", "Adding directory to artifact (d)... Done."):
        artifact.add_dir("d", "said")


def adding_links(see: See) -> None:
    _tree()
    os.symlink("a.txt", "d/link.txt")
    os.symlink(os.path.abspath("d/sub"), "d/linked")
    artifact = _draft()
    artifact.add_dir("d")
    see("paths", sorted(artifact.manifest.entries))
    see("digest", artifact.digest)


def new_files(see: See) -> None:
    artifact = _draft()

    def write(name: str, text: Any, mode: str = "x", **options: Any) -> None:
        with artifact.new_file(name, mode, **options) as file:
            see(f"file {name}", os.path.basename(file.name))
            file.write(text)

    write("one", "1")
    with see.error("again", "File with name 'one' already exists"):
        write("one", "2")
    write("one", "22", "w")
    write("one", "3", "a")
    write("deep/two", b"\0", "wb")
    write("three", "é", "w", encoding="latin-1")
    with see.error("encoding"):
        write("four", "é", "w", encoding="ascii")
    with see.error("own error"), artifact.new_file("five") as file:
        file.read()
    for number, name in enumerate(("../x", "/x", ".")):
        with see.error(f"no path {number}", "Invalid artifact path"):
            write(name, "x")
    see("manifest", _entries(artifact))
    see("digest", artifact.digest)


def removing(see: See) -> None:
    _tree()
    artifact = _draft()
    artifact.add_dir("d")
    artifact.add_dir("d", "more")
    artifact.remove("a.txt")
    artifact.remove(Path("more/sub"))
    artifact.remove(artifact.manifest.entries["more/a.txt"])
    see("left", sorted(artifact.manifest.entries))
    for name in ("a.txt", "absent", "mor"):
        with see.error(f"no {name}", "No such file or directory"):
            artifact.remove(name)
    artifact.add_file("f", "a.txt")
    see("anew", [artifact.manifest.entries["a.txt"].size, artifact.digest])
    see("below", [entry.path for entry in artifact.manifest.get_entries_in_directory("more")])
    see("by path", artifact.manifest.get_entry_by_path("absent"))


def references(see: See) -> None:
    _tree()
    here = Path.cwd().as_uri()
    artifact = _draft()

    def shown(*arguments: Any, **options: Any) -> Any:
        found = artifact.add_reference(*arguments, **options)
        return sorted(
            [e.path, e.digest, str(e.ref).replace(here, ""), e.size, e.extra] for e in found
        )

    see("file", shown(f"{here}/f", "r/f"))
    see("no name", shown(f"{here}/f"))
    see("folder", shown(f"{here}/d", "rd"))
    see("folder with slash", shown(f"{here}/d/"))
    see("http", shown("http://host/x/y.txt?q=1", checksum=False))
    see("https", shown("https://host/x", name="z", checksum=False))
    see("unknown", shown("foo://host/x", name="un"))
    see("digest", len(artifact.digest))
    see("size", artifact.size)
    refused: list[tuple[str, dict[str, Any]]] = [
        ("f", {}),
        ("/f", {}),
        ("file:///absent", {}),
        ("foo://host/x", {}),
        (f"{here}/d", {"name": "m", "max_objects": 1}),
        (f"{here}/d/a.txt", {"name": "f"}),
        ("foo://host/x", {"name": "../up"}),
    ]
    for number, (uri, options) in enumerate(refused):
        with see.error(f"none {number}", "References must be URIs", "Exceeded 1 objects"):
            artifact.add_reference(uri, **options)
    plain = _draft()
    plain.add_reference("foo://host/x", name="a")
    plain.add_reference("http://host/y", name="b", checksum=False)
    see("digest of addresses", plain.digest)
    see("target", [e.ref_target() for e in plain.manifest.entries.values()])


def _image(**options: Any) -> Any:
    return wandb.Image(np.arange(48, dtype=np.uint8).reshape(4, 4, 3), **options)


_MASKS = {
    "m": {"mask_data": np.array([[0, 1], [1, 0]], np.uint8), "class_labels": {0: "a", 1: "b"}}
}
_BOX = {
    "class_labels": {0: "a", 1: "b"},
    "box_data": [
        {
            "position": {"minX": 0, "maxX": 1, "minY": 0, "maxY": 1},
            "class_id": 1,
            "scores": {"acc": 0.5},
        }
    ],
}


def _keyed_table() -> Any:
    words = wandb.Table(["k", "v"], [["a", 1], ["b", 2]])
    words.set_pk("k")
    rows = wandb.Table(["r", "w"], [["a", 1]])
    rows.set_fk("r", words, "k")
    return rows


def _row_numbers() -> Any:
    words = wandb.Table(["k", "v"], [["a", 1], ["b", 2]])
    return wandb.Table(["r"], [[number] for number in words.get_index()])


_OBJECTS: dict[str, Callable[[], Any]] = {
    "image": _image,
    "captioned": lambda: _image(caption="c", grouping=3),
    "image of a file": lambda: wandb.Image("a.png"),
    "masks": lambda: _image(masks=_MASKS),
    "boxes": lambda: _image(boxes={"p": _BOX}),
    "classes of an image": lambda: _image(classes=[{"id": 0, "name": "cat"}]),
    "classes": lambda: wandb.Classes([{"id": 0, "name": "cat"}]),
    "set of boxes": lambda: wandb.data_types.BoundingBoxes2D(_BOX, "p"),
    "mask": lambda: wandb.data_types.ImageMask(_MASKS["m"], "m"),
    "html": lambda: wandb.Html("<p>x</p>"),
    "html as it is": lambda: wandb.Html("<p>x</p>", inject=False),
    "page": lambda: wandb.Html("a.html"),
    "sound": lambda: wandb.Audio("a.wav", caption="c"),
    "film": lambda: wandb.Video("a.mp4", caption="c"),
    "points": lambda: wandb.Object3D(np.zeros((3, 3))),
    "molecule": lambda: wandb.Molecule("a.pdb"),
    "table": lambda: wandb.Table(["a", "b"], [[1, "x"], [2, None]]),
    "table of images": lambda: wandb.Table(["i"], [[_image()], [wandb.Image("a.png")]]),
    "table of labels": lambda: wandb.Table(["i"], [[_image(masks=_MASKS, boxes={"p": _BOX})]]),
    "table of files": lambda: wandb.Table(["h", "v"], [[wandb.Html("<b>"), wandb.Video("a.mp4")]]),
    "table of arrays": lambda: wandb.Table(["a"], [[np.zeros((2, 2, 2))]]),
    "table of embeddings": lambda: wandb.Table(["a"], [[np.zeros(20)]]),
    "table of tables": lambda: wandb.Table(["t"], [[wandb.Table(["a"], [[1]])]]),
    "table of lists": lambda: wandb.Table(["l"], [[[_image(), _image()]]]),
    "table of dicts": lambda: wandb.Table(["d"], [[{"x": _image()}]]),
    "keys": _keyed_table,
    "row numbers": _row_numbers,
    "parts": lambda: wandb.data_types.PartitionedTable("parts"),
}


def objects(see: See) -> None:
    from PIL import Image

    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save("a.png")
    Path("a.html").write_text("<p>hi</p>")
    Path("a.pdb").write_text("ATOM\n")
    Path("a.mp4").write_bytes(b"\0\0\0 ftypisom")
    Path("a.wav").write_bytes(b"RIFFxxxx")
    for name, make in _OBJECTS.items():
        artifact = _draft()
        entry = artifact.add(make(), "dir/x")
        see(name, [entry.path, _entries(artifact), artifact.digest])


def names_of_objects(see: See) -> None:
    def table(value: int = 1) -> Any:
        return wandb.Table(["a"], [[value]])

    artifact = _draft()
    first = table()
    see("added", [artifact.add(first, "x").path, artifact.add(first, "y").path])
    see("other object", artifact.add(table(2), "x").digest)
    see("overwritten", artifact.add(table(3), "x", overwrite=True).digest)
    artifact["z"] = table()
    see("suffix", artifact.add(table(4), "t.table.json").path)
    see("among tables", artifact.add(table(5), "media/tables/t").path)
    see("paths", sorted(artifact.manifest.entries))
    for number, value in enumerate((3, "x", None, np.zeros(3), wandb.Histogram([1, 2]))):
        with see.error(f"no object {number}", "Found object of type"):
            artifact.add(value, "o")
    for number, name in enumerate(("../x", "/x")):
        with see.error(f"no path {number}", "Invalid artifact path"):
            artifact.add(table(6), name)
    artifact.finalize()
    other = _draft()
    entry = other.add(first, "w")
    see("of another", [entry.path, entry.digest, entry.size, str(entry.ref).partition(":")[0]])
    see("digest of another", other.digest)


_LOGGED = (
    *("aliases", "collection", "commit_hash", "created_at", "entity", "file_count", "history_step"),
    *("linked_artifacts", "linked_at", "project", "qualified_name", "source_artifact"),
    *("source_collection", "source_entity", "source_project", "source_qualified_name"),
    *("source_version", "tags", "ttl", "updated_at", "url", "version"),
)
_CALLS: dict[str, Callable[[Any], Any]] = {
    **{
        name: lambda artifact, name=name: getattr(artifact, name)()  # type: ignore[misc]
        for name in (
            *("wait", "download", "checkout", "verify", "file", "files", "delete", "unlink"),
            *("used_by", "logged_by", "json_encode", "new_draft"),
        )
    },
    "get": lambda artifact: artifact.get("x"),
    "get_entry": lambda artifact: artifact.get_entry("x"),
    "get_path": lambda artifact: artifact.get_path("x"),
    "item": lambda artifact: artifact["x"],
    "set aliases": lambda artifact: setattr(artifact, "aliases", ["x"]),
    "set tags": lambda artifact: setattr(artifact, "tags", ["x"]),
}


def drafts(see: See) -> None:
    artifact = wandb.Artifact("n", "t", description="d")
    plain = (
        "name",
        "type",
        "description",
        "state",
        "digest",
        "size",
        "id",
        "is_link",
        "incremental",
    )
    see(
        "has", {name: getattr(artifact, name) for name in (*plain, "source_name", "distributed_id")}
    )
    see("draft", [artifact.is_draft(), repr(artifact), len(artifact.manifest)])
    for name in _LOGGED:
        with see.error(name, "used prior to logging artifact"):
            getattr(artifact, name)
    for name, call in _CALLS.items():
        with see.error(name, "used prior to logging artifact"):
            call(artifact)
    see("pickled", repr(pickle.loads(pickle.dumps(artifact))))
    module = __import__("wandb.sdk.artifacts.exceptions", fromlist=["x"])
    with see.error("class"):
        try:
            artifact.wait()
        except module.ArtifactNotLoggedError as error:
            see("error", [error.name, isinstance(error, module.ArtifactStatusError)])
            raise


def final_drafts(see: See) -> None:
    _tree()
    artifact = _draft()
    artifact.add_file("f")
    artifact.finalize()
    calls: dict[str, Callable[[], Any]] = {
        "add_file": lambda: artifact.add_file("f"),
        "add_dir": lambda: artifact.add_dir("d"),
        "add_reference": lambda: artifact.add_reference("foo://x", "n"),
        "add": lambda: artifact.add(wandb.Table(), "x"),
        "remove": lambda: artifact.remove("f"),
        "new_file": lambda: artifact.new_file("x").__enter__(),
        "item": lambda: artifact.__setitem__("x", wandb.Table()),
    }
    for name, call in calls.items():
        with see.error(name, "used on logged artifact. Can't modify finalized artifact"):
            call()
    artifact.description = "still"
    artifact.metadata = {"a": 1}
    see("changed", [artifact.description, artifact.metadata, artifact.is_draft()])


def times_to_live(see: See) -> None:
    artifact = _draft()
    artifact.ttl = datetime.timedelta(days=1, microseconds=5)
    see("a day", artifact.ttl.total_seconds())
    artifact.ttl = None
    see("none", artifact.ttl)
    for number, value in enumerate((datetime.timedelta(0), datetime.timedelta(days=-1), 3)):
        with see.error(f"not {number}"):
            artifact.ttl = value
    artifact.ttl = wandb.ArtifactTTL.INHERIT
    with see.error("inherited"):
        _ = artifact.ttl


@differs("seen.names", ["q:v0", "q:v0", "q:v0", "dd:v0"], "the version is there at once")
@differs("seen.code", ["ab-gGxc0w:v0", "code", ["a.py"]], "the version is there at once")
def logging(see: See) -> None:
    _tree()
    Path("a.py").write_text("1")
    run = wandb.init(project="p")
    made = []
    for aliases in (None, "one", ["one", "two", "one", "latest"]):
        artifact = wandb.Artifact("q", "t")
        see(
            f"same {aliases}", run.log_artifact(artifact, aliases=aliases, tags=["a b"]) is artifact
        )
        made.append(artifact.name)
    of_file = run.log_artifact("f")
    see("of a file", [of_file.name.startswith(f"run-{run.id}-f"), of_file.type])
    made.append(run.log_artifact(Path("d"), name="dd", type="k").name)
    see("names", made)
    for number, no_alias in enumerate((["a/b"], "a:b", 3)):
        with see.error(f"no alias {number}", "Aliases must not contain"):
            run.log_artifact(wandb.Artifact("q", "t"), aliases=no_alias)
    for number, tags in enumerate((["a "], [""], ["a/b"])):
        with see.error(f"no tag {number}", "Invalid tag"):
            run.log_artifact(wandb.Artifact("q", "t"), tags=tags)
    for number, what in enumerate((3, None, "absent", "foo://x")):
        with see.error(f"nothing {number}", "You must pass an instance of wandb.Artifact"):
            run.log_artifact(what)
    with see.error("after"):
        artifact.add_file("f")
    see("again", run.log_artifact(artifact) is artifact)
    see("model", run.log_model("f", "m"))
    for name in ("upsert_artifact", "finish_artifact"):
        with see.error(name, "unless run is in a group or distributed_id is provided"):
            getattr(run, name)("f")
    see("upserted", run.upsert_artifact("f", "u", distributed_id="x").distributed_id)
    code = run.log_code(".", name="a b")
    see("code", [code.name, code.type, sorted(map(str, code.manifest.entries))])
    see("no code", run.log_code("d"))
    with see.error("model's name"):
        run.link_model("f", "a/b")
    run.finish()
    for name in ("log_artifact", "use_artifact", "log_code", "log_model", "link_artifact"):
        with see.error(f"finished {name}", "is finished"):
            getattr(run, name)(*("f", "t")[: 2 if name == "link_artifact" else 1])


def disabled(see: See) -> None:
    run = wandb.init(mode="disabled")
    logged = run.log_artifact(wandb.Artifact("n", "t"))
    see("logged", logged.wait().version is logged)
    see("none", [run.use_artifact("n"), run.log_code("."), run.log_model("n"), run.use_model("n")])
    see("links", [run.link_artifact(None, "x"), run.link_model("n", "m")])
    run.finish()


def modules(see: See) -> None:
    from importlib import import_module

    found = {
        "artifact": "Artifact",
        "artifact_manifest": "ArtifactManifest",
        "artifact_manifest_entry": "ArtifactManifestEntry",
        "artifact_manifests.artifact_manifest_v1": "ArtifactManifestV1",
        "artifact_state": "ArtifactState",
        "artifact_ttl": "ArtifactTTL",
        "exceptions": "ArtifactNotLoggedError",
        "artifact_file_cache": "get_artifact_file_cache",
    }
    for module, name in found.items():
        see(module, hasattr(import_module(f"wandb.sdk.artifacts.{module}"), name))
    see("same", import_module("wandb.sdk.artifacts.artifact").Artifact is wandb.Artifact)
    manifest = import_module("wandb.sdk.artifacts.artifact_manifest").ArtifactManifest
    artifact = _draft()
    artifact.add_reference("foo://x", "a")
    json = artifact.manifest.to_manifest_json()
    see("manifest", json)
    read = manifest.from_manifest_json(json)
    see("read", [read.digest() == artifact.digest, read.size(), list(read.entries), read.version()])
    for number, wrong in enumerate(({}, {"version": 2})):
        with see.error(f"wrong {number}"):
            manifest.from_manifest_json(wrong)
