"""Media that several runs have, and files that go or change after they are logged."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import synadb.media
import synadb.wandb_compat as wandb
from synadb import ExperimentTracker
from tests.conftest import rows_of

PIXELS = np.zeros((4, 4, 3), np.uint8)


@pytest.fixture(autouse=True)
def _place(db_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNADB_PATH", str(db_path))
    monkeypatch.setenv("SYNADB_RUN_DIR", "0")


def files_of(db_path: Path) -> list[set[str]]:
    """Of each run that is stored, the newest first: that all files its rows name are there."""
    with ExperimentTracker(db_path) as tracker:
        found = []
        for record in tracker.list_runs():
            there = {file.name for file in tracker.list_files(record.run_id)}
            named = {one.path for one in tracker.media(record.run_id)}
            assert named <= there
            found.append(named)
    return found


def begun(**given: Any) -> Any:
    settings = {"silent": True, "console": "off", "x_disable_stats": True}
    return wandb.init(project="p", settings=settings, reinit="create_new", **given)


def test_a_run_begun_anew_under_its_id_gets_the_files_again(db_path: Path) -> None:
    image, table = wandb.Image(PIXELS), wandb.Table(columns=["a"], data=[[1]])
    for _ in range(2):
        run = begun(id="x")
        run.log({"list": [image]})
        run.log({"alone": image, "table": table})
        run.finish()
    assert [len(paths) for paths in files_of(db_path)] == [2, 2]


def test_the_same_id_in_two_databases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image, table = wandb.Image(PIXELS), wandb.Table(columns=["a"], data=[[1]])
    for name in ("one.db", "two.db"):
        monkeypatch.setenv("SYNADB_PATH", str(tmp_path / name))
        run = begun(id="x")
        run.log({"image": image, "list": [image], "table": table})
        run.finish()
        assert len(files_of(tmp_path / name)[0]) == 3


@pytest.mark.parametrize("as_list", [False, True])
def test_a_second_run_has_the_content_of_the_first(
    db_path: Path, tmp_path: Path, as_list: bool
) -> None:
    clip, mask = tmp_path / "clip.mp4", tmp_path / "mask.png"
    clip.write_bytes(b"first")
    Image.fromarray(PIXELS[..., 0]).save(mask)
    video = wandb.Video(str(clip))
    image = wandb.Image(PIXELS, masks={"m": {"path": str(mask)}})
    for _ in range(2):
        run = begun()
        run.log({"video": [video] if as_list else video, "image": [image] if as_list else image})
        run.finish()
        clip.write_bytes(b"second")
        mask.write_bytes(b"no picture")
    first, second = files_of(db_path)
    assert first == second
    assert len(first) == 3


def test_a_second_native_run_has_the_content_of_the_first(db_path: Path, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"first")
    video = synadb.media.Video(clip)
    with ExperimentTracker(db_path) as tracker:
        for _ in range(2):
            with tracker.run("p") as run:
                run.log({"video": video})
            clip.write_bytes(b"second")
            path = tracker.media(run.run_id)[0].path
            assert tracker.open_file(run.run_id, path).read() == b"first"


def test_what_is_bound_is_safe_from_then_on(run: Any, db_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path)
    image, moved = wandb.Image(str(path)), wandb.Image(PIXELS)
    moved._set_file(str(path), is_tmp=True)
    for one in (image, moved):
        one.bind_to_run(run, "bound", 7)
    assert not path.exists()
    run.log({"list": [image, moved]})
    run.log({"image": image, "moved": moved})
    run.finish()
    _, row = rows_of(db_path, run)
    assert row["image"]["path"].startswith("media/images/list_0_")
    assert row["moved"]["path"].startswith("media/images/list_0_")
    files_of(db_path)


def test_boxes_and_masks_are_bound_with_their_image(run: Any) -> None:
    image = wandb.Image(PIXELS, masks={"m": {"mask_data": PIXELS[..., 0]}})
    mask = image._masks["m"]
    assert not mask.is_bound()
    run.log({"a": image})
    assert mask.to_json(run)["path"].startswith("media/images/mask/a_0_")
    image.bind_to_run(run, "b", 5)
    assert mask.to_json(run)["path"].startswith("media/images/mask/b_5_")


def test_a_mask_of_a_scripts_own_is_bound_wherever_its_image_goes(run: Any, db_path: Path) -> None:
    bound = []

    class Mask(wandb.data_types.ImageMask):  # type: ignore[misc]
        def bind_to_run(self, run: Any, key: Any, step: Any, *rest: Any) -> None:
            bound.append((key, step))
            super().bind_to_run(run, key, step, *rest)

    image = wandb.Image(PIXELS, masks={"m": Mask({"mask_data": PIXELS[..., 0]}, "m")})
    run.log({"a": image})
    run.log({"list": [image]})
    run.log({"b": image})
    run.finish()
    assert bound == [("a", 0), ("list", 1)]
    first, _, last = rows_of(db_path, run)
    assert first["a"]["masks"]["m"]["path"].startswith("media/images/mask/a_0_")
    assert last["b"]["masks"]["m"]["path"].startswith("media/images/mask/list_1_")


def test_the_json_of_another_runs_value_is_refused(db_path: Path) -> None:
    one, other = begun(), begun()
    image = wandb.Image(PIXELS)
    one.log({"a": image})
    with pytest.raises(AssertionError, match=f"log it to {other.id}"):
        image.to_json(other)
    other.log({"b": image})
    assert image.to_json(other)["path"].startswith("media/images/b_0_")
    one.finish()
    other.finish()
    files_of(db_path)


def test_captions_of_a_list_are_those_of_the_moment(
    run: Any, db_path: Path, held_back: threading.Event
) -> None:
    image, page = wandb.Image(PIXELS, caption="then"), wandb.Html("<p>")
    page._caption = "then"
    run.log({"images": [image], "pages": [page]})
    image._caption = page._caption = "now"
    held_back.set()
    run.log({"images": [image]})
    run.finish()
    first, second = rows_of(db_path, run)
    assert (first["images"]["captions"], second["images"]["captions"]) == (["then"], ["now"])
    assert first["pages"]["html"][0]["caption"] == "then"


def test_a_file_that_was_given_up_is_stored_when_it_is_logged_again(
    run: Any, db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = wandb.Image(PIXELS)
    store = run._media.store

    def refuse(*_: Any) -> None:
        raise ValueError("not this time")

    with monkeypatch.context() as patch:
        patch.setattr(run._tracker, "log_files", refuse)
        run.log({"a": image})
        store.settle()
    run.log({"b": image})
    run.finish()
    lost, row = rows_of(db_path, run)
    assert "a" not in lost
    assert row["b"]["path"].startswith("media/images/b_1_")
    files_of(db_path)


@pytest.mark.timeout(60)
def test_native_log_does_not_wait_for_the_encoder_of_the_same_value(
    db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoding, logged = threading.Event(), threading.Event()
    encode = synadb.media.Image._source

    def slow(self: Any) -> Any:
        encoding.set()
        assert logged.wait(30)
        return encode(self)

    monkeypatch.setattr(synadb.media.Image, "_source", slow)
    picture = synadb.media.Image(PIXELS)
    table = synadb.media.Table([[picture]], columns=["picture"])
    with ExperimentTracker(db_path) as tracker, tracker.run("p") as run:
        run.log({"a": picture})
        assert encoding.wait(30)
        run.log({"b": picture, "table": table})
        logged.set()
    assert len(files_of(db_path)[0]) == 2
