"""What a row says of media that scripts define, change or log again while others are encoded."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import synadb.media
import synadb.wandb_compat as wandb
from synadb.media.value import captured
from synadb.wandb_compat._media.pipeline import MediaStore
from tests.conftest import rows_of
from tests.media_sink import MemorySink

PIXELS = np.zeros((4, 4, 3), np.uint8)


def test_a_caption_changed_after_log_does_not_reach_the_row(
    run: Any, db_path: Path, held_back: threading.Event
) -> None:
    image = wandb.Image(PIXELS, caption="then")
    run.log({"image": image})
    image._caption = "now"
    image._grouping = 3
    held_back.set()
    run.log({"image": image})
    run.finish()
    told = [
        (row["image"]["caption"], row["image"].get("grouping")) for row in rows_of(db_path, run)
    ]
    assert told == [("then", None), ("now", 3)]


@pytest.mark.parametrize("kind", [wandb.Image, wandb.Html])
def test_lists_that_share_their_values_each_name_their_own_files(
    run: Any, db_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    values = [kind(PIXELS), kind(PIXELS)] if kind is wandb.Image else [kind("a"), kind("b")]
    put = MediaStore.put

    def overtaken(self: Any, folder: str, key: str, step: Any, *rest: Any) -> Any:
        stored = put(self, folder, key, step, *rest)
        end = time.monotonic() + 30
        # The first list is at its second value until the second list has stored the first anew.
        while step == 0 and values[0]._stored and time.monotonic() < end:
            if "list_1_" in values[0]._stored.path:
                break
            time.sleep(0.001)
        return stored

    monkeypatch.setattr(MediaStore, "put", overtaken)
    run.log({"list": values})
    run.log({"list": values[:1]})
    run.finish()
    for step, row in enumerate(rows_of(db_path, run)):
        value = row["list"]
        paths = value.get("filenames") or [page["path"] for page in value["html"]]
        assert all(f"list_{step}_" in path for path in paths)


def test_the_methods_of_a_mixin_are_asked(run: Any, db_path: Path) -> None:
    class Signed:
        def to_json(self, run: Any) -> dict[str, Any]:
            return {**super().to_json(run), "signed": True}  # type: ignore[misc]

    class Picture(Signed, wandb.Image):  # type: ignore[misc]
        pass

    run.log({"picture": Picture(PIXELS)})
    run.finish()
    assert rows_of(db_path, run)[0]["picture"]["signed"] is True


@pytest.mark.parametrize("in_list", [False, True])
def test_the_methods_of_a_table_are_asked(run: Any, db_path: Path, in_list: bool) -> None:
    class Signed(wandb.Table):  # type: ignore[misc]
        def to_json(self, run: Any) -> dict[str, Any]:
            return {**super().to_json(run), "signed": True}

    table = Signed(columns=["a"], data=[[1]])
    run.log({"table": [table] if in_list else table})
    run.finish()
    found = rows_of(db_path, run)[0]["table"]
    found = found[0] if in_list else found
    assert (found["signed"], found["nrows"]) == (True, 1)


@pytest.mark.timeout(30)
def test_a_mask_may_ask_for_the_json_of_what_still_waits(run: Any, db_path: Path) -> None:
    others: list[Any] = [wandb.Image(PIXELS + shade) for shade in range(40)]

    class Mask(wandb.data_types.ImageMask):  # type: ignore[misc]
        def to_json(self, run: Any) -> dict[str, Any]:
            paths = [other.to_json(run)["path"] for other in others]
            return {**super().to_json(run), "others": paths}

    def masked() -> Any:
        mask = Mask({"mask_data": PIXELS[..., 0]}, "m")
        return wandb.Image(PIXELS, masks={"m": mask})

    run.log({f"o{n}": one for n, one in enumerate(others)})
    run.log({"one": masked(), "two": masked()})
    run.finish()
    before, row = rows_of(db_path, run)
    paths = [before[f"o{n}"]["path"] for n in range(40)]
    assert row["one"]["masks"]["m"]["others"] == row["two"]["masks"]["m"]["others"] == paths


@pytest.mark.timeout(30)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_signal_handler_logs_what_is_just_being_captured(
    run: Any, db_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"sound")
    sound = wandb.Audio(str(path))
    rest = [True]

    def interrupted(*args: Any) -> Any:
        if rest:
            rest.pop()
            signal.raise_signal(signal.SIGUSR1)
        return captured(*args)

    monkeypatch.setattr("synadb.media.value.captured", interrupted)
    before = signal.signal(signal.SIGUSR1, lambda *_: run.log({"inside": sound}))
    try:
        run.log({"outside": sound})
    finally:
        signal.signal(signal.SIGUSR1, before)
    run.finish()
    inside, outside = rows_of(db_path, run)
    assert inside["inside"]["sha256"] == outside["outside"]["sha256"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
@pytest.mark.parametrize("value", [lambda: wandb.Image(PIXELS), lambda: wandb.Html("<p>a</p>")])
def test_a_forked_child_leaves_the_files_of_its_parent(value: Callable[[], Any]) -> None:
    shown = value()
    path = shown._path
    child = os.fork()
    if child == 0:
        del shown
        os._exit(0)
    os.waitpid(child, 0)
    assert Path(path).is_file()
    del shown
    assert not Path(path).exists()


FORKING = """
import os
import synadb.wandb_compat as wandb

run = wandb.init(project="p", settings={"silent": True, "console": "off"})
tables = [wandb.Table(columns=["a", "b"], data=[[n, m] for m in range(3000)]) for n in range(20)]
for table in tables:
    run.log({"table": table})
child = os.fork()
if child == 0:
    run.log({"table": wandb.Table(columns=["a"], data=[[-1]])})
    run._settle()
    os._exit(0)
os.waitpid(child, 0)
path = f"p/{run.id}"
run.finish()
print(len(list(wandb.Api().run(path).logged_artifacts())))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_a_forked_child_leaves_the_tables_that_wait_to_its_parent(db_path: Path) -> None:
    env = {**os.environ, "SYNADB_PATH": str(db_path), "SYNADB_RUN_DIR": "0"}
    done = subprocess.run(
        [sys.executable, "-c", FORKING],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "21\n", done.stderr


def drop_in_values() -> list[Any]:
    mask = {"m": {"mask_data": PIXELS[..., 0]}}
    return [
        wandb.Image(PIXELS, masks=mask),
        wandb.Html("<p>"),
        wandb.Audio(np.zeros(80), 8000),
        wandb.Object3D(np.zeros((4, 3))),
    ]


@pytest.mark.parametrize("kind", range(4))
def test_the_order_of_encoding_decides_no_name(run: Any, kind: int) -> None:
    told = []
    for order in permutations(range(5)):
        value = drop_in_values()[kind]
        sink: Any = MediaStore(run._tracker, run._native.run_id)
        waiting = [
            sink.convert(value, "first", 0),
            sink.convert([value], "list", 1),
            sink.convert(value, "second", 2),
            sink.convert([value, value], "lists", 3),
            sink.convert(value, "last", 4),
        ]
        jsons = {at: waiting[at].encode() for at in order}
        told.append(json.dumps([jsons[at] for at in range(5)]))
    assert len(set(told)) == 1
    assert all(name in told[0] for name in ("/first_0_", "/list_1_", "/lists_3_"))
    assert "/second_" not in told[0]
    assert "/last_" not in told[0]


def test_the_order_of_encoding_decides_no_name_of_native_media() -> None:
    told = []
    for order in permutations(range(4)):
        picture = synadb.media.Image(PIXELS, caption="c")
        table = synadb.media.Table([[picture]], columns=["picture"])
        logged = {"table": table, "one": picture, "two": picture, "again": table}
        sink = MemorySink()
        encoders = [
            value._encoder(sink, key, step) for step, (key, value) in enumerate(logged.items())
        ]
        picture.caption = "later"
        jsons = {at: encoders[at]() for at in order}
        told.append(json.dumps([jsons[at] for at in range(4)]))
    assert len(set(told)) == 1
    assert '"caption": "c"' in told[0]
    assert "later" not in told[0]
    assert "one_1" not in told[0]
