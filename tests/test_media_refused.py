"""What a call says of a value that cannot be stored: which it is, and what to pass instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

import synadb.wandb_compat as wandb
from synadb import ExperimentTracker, Run, media
from synadb.errors import InvalidValueError

PIXELS = np.zeros((4, 4, 3), np.uint8)


@pytest.fixture
def native(db_path: Path) -> Iterator[Run]:
    with ExperimentTracker(db_path) as tracker, tracker.run("e") as run:
        yield run


def pillow() -> Any:
    return Pillow.fromarray(PIXELS)


def matplotlib_figure() -> Any:
    return pytest.importorskip("matplotlib.figure").Figure()


def plotly_figure() -> Any:
    return pytest.importorskip("plotly.graph_objects").Figure()


def dataframe() -> Any:
    return pytest.importorskip("pandas").DataFrame({"a": [1]})


OTHERS = [
    (pillow, "Image"),
    (matplotlib_figure, "Figure"),
    (plotly_figure, "Figure"),
    (dataframe, "Table"),
]


@pytest.mark.parametrize(("make", "name"), OTHERS)
def test_log_names_the_key_and_the_class_to_use(native: Run, make: Any, name: str) -> None:
    use = re.escape(f"use synadb.media.{name}(...)")
    image = media.Image(PIXELS)
    for row, place in (
        ({"k": make()}, "k"),
        ({"a": 1, "deep": {"k": make()}}, "deep.k"),
        ({"k": [1, make()]}, "k[1]"),
        ({"fine": image, "k": make()}, "k"),
    ):
        with pytest.raises(TypeError, match=f"^'{re.escape(place)}' cannot be kept: .*{use}$"):
            native.log(row)
    assert native.step == 0
    native.log({"k": getattr(media, name)(make())})  # it is as the message says


def test_log_says_where_media_may_stand(native: Run) -> None:
    image = media.Image(PIXELS)
    with pytest.raises(
        TypeError, match=r"^'k\[0\]\.a' cannot be kept: .* under a key of their own"
    ):
        native.log({"k": [{"a": image}]})
    with pytest.raises(TypeError, match=r"use synadb\.media\.Image"):
        native.log({"k": wandb.Image(PIXELS)})
    with pytest.raises(TypeError, match=r"^'k' cannot be kept: .* numbers, text, lists or dicts"):
        native.log({"fine": image, "k": object()})


@pytest.mark.parametrize(
    "make", [lambda: media.Image(PIXELS), lambda: wandb.Image(PIXELS), pillow, matplotlib_figure]
)
def test_media_are_logged_and_not_set(native: Run, make: Any) -> None:
    with pytest.raises(
        TypeError, match=r"^'b' cannot be kept: .*media are logged, not set: run\.log"
    ):
        native.set_summary({"a": 1, "b": make()})


def test_log_table_names_row_and_column(native: Run) -> None:
    rows: list[list[Any]] = [[1, 2], [3, pillow()]]
    with pytest.raises(InvalidValueError, match=r"row 1, column 'b' .*use synadb\.media\.Image"):
        native.log_table("t", rows, columns=["a", "b"])
    with pytest.raises(InvalidValueError, match=r"row 0, column 'a' .*use synadb\.media\.Image"):
        native.log_table("t", [[[1, pillow()], 2]], columns=["a", "b"])
    with pytest.raises(InvalidValueError, match=r"row 0, column 1 .*numbers, text, lists or dicts"):
        native.log_table("t", [[1, object()]], columns=[0, 1])


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (wandb.Image(PIXELS), "synadb.wandb_compat.*Image"),
        (pillow(), "PIL.Image.Image"),
        (5, "int"),
    ],
)
def test_log_media_names_the_module_of_what_it_got(native: Run, value: Any, name: str) -> None:
    with pytest.raises(InvalidValueError, match=f"such as Image\\(array\\), not {name}$"):
        native.log_media("w", value)


@pytest.mark.parametrize(
    ("value", "use"),
    [
        (pillow, "wandb.Image(...)"),
        (lambda: [pillow()], "wandb.Image(...)"),
        (lambda: [matplotlib_figure()], "wandb.Image(...)"),
        (lambda: [plotly_figure()], "wandb.Plotly(...)"),
        (lambda: [dataframe()], "wandb.Table(dataframe=...)"),
        (lambda: [3, wandb.Image(PIXELS)], "in a list of nothing else"),
        (object, "numbers, text, lists or dicts first"),
    ],
)
def test_the_drop_in_names_the_class_to_use(run: Any, value: Any, use: str) -> None:
    with pytest.raises(TypeError, match=f"is not JSON serializable; .*{re.escape(use)}"):
        run.log({"k": value()})


@pytest.mark.parametrize(("other", "name"), [(3, "int"), (pillow(), "PIL.Image.Image")])
def test_a_list_of_media_of_the_drop_in_holds_nothing_else(run: Any, other: Any, name: str) -> None:
    with pytest.raises(TypeError, match=f"type Image is not .* 'k', which holds {name} too"):
        run.log({"k": [wandb.Image(PIXELS), other]})
