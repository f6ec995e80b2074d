"""`synadb compare`: what is recorded beside rows, and which differences have a reason."""

from __future__ import annotations

import importlib.util
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from synadb.bench.compare import compare
from synadb.bench.contents import Content, Filler, content_of, in_words, pixels
from synadb.bench.diff import diff
from synadb.bench.difference import MISSING, Difference
from synadb.bench.reasons import AGAIN, AT_ONCE, LOST, REASONS, VARIES
from synadb.bench.recorded import Recorded, RecordedRun, plain, timeless
from synadb.bench.report import Comparison

needs_wandb = pytest.mark.skipif(
    importlib.util.find_spec("wandb") is None, reason="wandb is not installed"
)


def reasons(function: str) -> str:
    """The reason that a rule gives."""
    [found] = [text for text, rule in REASONS.items() if rule.__name__ == function]
    return found


def encoded(array: np.ndarray[Any, Any], **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, "png", **options)
    return file.getvalue()


def content(data: bytes, name: str = "media/images/a_0_1.png", part: str = "media") -> Content:
    found = content_of(name, lambda _: data, part)
    assert found is not None
    return found


def of_history(*rows: dict[str, Any], **fields: Any) -> Recorded:
    return Recorded([RecordedRun(history=list(rows), **fields)])


# --- contents -------------------------------------------------------------------------------------

NOISE = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)


def test_pictures_are_compared_by_their_pixels() -> None:
    small, large = encoded(NOISE, compress_level=9), encoded(NOISE, compress_level=0)
    assert small != large
    assert diff(of_history({"x": content(small)}), of_history({"x": content(large)})) == []
    changed = NOISE.copy()
    changed[2, 3] = changed[2, 3] ^ 1
    [found] = diff(of_history({"x": content(small)}), of_history({"x": content(encoded(changed))}))
    assert (found.path, found.part, found.reason) == ("runs[0].history[0].x", "media", "")
    assert found.detail == "1 of 63 pixels differ, by up to 1"


def test_of_a_picture_that_moves_every_frame_counts() -> None:
    def moving(last: int) -> bytes:
        frames = [Image.fromarray(np.full((2, 2, 3), n, np.uint8)) for n in (1, last)]
        file = io.BytesIO()
        frames[0].save(file, "png", save_all=True, append_images=frames[1:])
        return file.getvalue()

    assert content(moving(2)).digest == content(moving(2)).digest
    assert content(moving(2)).digest != content(moving(3)).digest


def test_gray_is_the_same_in_color() -> None:
    gray = NOISE[..., 0]
    color = np.stack([gray] * 3, axis=-1)
    assert content(encoded(gray)).digest == content(encoded(color)).digest
    assert content(encoded(gray)).digest != content(encoded(gray.T)).digest


def test_what_is_no_picture_is_compared_by_its_bytes() -> None:
    assert pixels(b"no picture") is None
    a, b = content(b"no picture"), content(b"no picturf")
    assert (a.kind, in_words(a, b)) == ("bytes", "")
    assert a.digest != b.digest
    assert content_of("gone.png", lambda _: None, "files") is None


def test_a_table_is_compared_cell_by_cell() -> None:
    def table(value: Any, indent: int | None) -> Content:
        tree = {"columns": ["a", "b"], "data": [[1, 2], [3, value]]}
        return content(json.dumps(tree, indent=indent).encode(), "t.table.json", "tables")

    left = of_history({"t": table(4, None)})
    assert diff(left, of_history({"t": table(4.0, 2)})) == []
    [found] = diff(left, of_history({"t": table("4", 2)}))
    assert str(found) == "runs[0].history[0].t.data[1][1]: 4 / '4'"
    assert found.part == "tables"


@given(st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=3))
def test_rows_without_files_stay_as_they_are(row: dict[str, Any]) -> None:
    def no_file(name: str) -> bytes | None:
        raise AssertionError(name)

    assert Filler(no_file).row(row) is row
    assert Filler(no_file).row({"deep": row, "list": [row]}) == {"deep": row, "list": [row]}


def test_names_of_files_give_way_to_what_they_hold() -> None:
    read: list[str] = []

    def reader(name: str) -> bytes | None:
        read.append(name)
        return encoded(NOISE) if name.endswith(".png") else None

    filler = Filler(reader)
    name = "media/images/k_0_12ab.png"
    image = {"_type": "image-file", "path": name, "sha256": "12ab", "size": 3, "width": 7}
    row = filler.row({"k": image, "all": {"_type": "images/separated", "filenames": [name, "no"]}})
    assert row["k"].keys() == {"_type", "path", "width", "content"}
    assert row["k"]["path"] == "media/images/*.png"
    assert row["all"]["filenames"] == ["media/images/*.png", "*"]
    assert row["all"]["content"] == [row["k"]["content"], None]
    assert read == [name, "no"], "each is read once"


def test_a_name_that_the_script_gave_a_file_counts() -> None:
    def picture(path: str) -> Any:
        return Filler(lambda name: encoded(NOISE)).value({"_type": "image-file", "path": path})

    digest = "f701c76ac7fb684490c5"
    plain_name = picture(f"media/images/{digest}.png")["path"]
    assert picture(f"media/images/{digest}/key_0_{digest}.png")["path"] == plain_name
    for kept in (f"{digest}/cat.png", f"{digest}/cat_{digest[::-1]}.png", "cat/key_0_cat.png"):
        assert picture(f"media/images/{kept}")["path"] != plain_name


@pytest.mark.parametrize(
    ("path", "same"),
    [
        ("0-1795488666646.t.table.json", True),
        ("0-1795488666647.t.table.json", True),
        ("None-1795488666646.t.table.json", True),
        ("1-1795488666646.t.table.json", False),
        ("0-1795488666646.u.table.json", False),
        ("0-17.t.table.json", False),
        ("None.t.table.json", False),
    ],
)
def test_of_the_name_of_a_part_only_the_time_is_left_aside(path: str, same: bool) -> None:
    known = "0-1795488666000.t.table.json"
    assert (timeless(path) == timeless(known)) is same
    assert (
        plain(f"wandb-client-artifact://ab/{path}") == plain(f"wandb-client-artifact://cd/{known}")
    ) is same
    assert plain(path) == path, "a text of the script's"


# --- reasons --------------------------------------------------------------------------------------


@pytest.mark.parametrize("low", [0, -1])
def test_a_picture_of_floats_has_a_reason(low: int) -> None:
    floats = np.linspace(low, 1, 64).reshape(8, 8)
    cast = floats.astype(np.int64).astype(np.uint8)  # what wandb 0.31 stores
    scaled = ((floats - low) / (1 - low) * 255).astype(np.uint8)
    [found] = diff(
        of_history({"x": content(encoded(cast))}), of_history({"x": content(encoded(scaled))})
    )
    assert found.reason == reasons("_float_picture")
    [other] = diff(
        of_history({"x": content(encoded(cast))}), of_history({"x": content(encoded(255 - scaled))})
    )
    assert other.reason == ""
    black = content(encoded(np.zeros((8, 8), np.uint8)))
    [lost] = diff(of_history({"x": content(encoded(scaled))}), of_history({"x": black}))
    assert lost.reason == "", "black on our side is no better picture"


@pytest.mark.parametrize(
    ("left", "right", "explained"),
    [
        ("took 0.31 s", "took 0.02 s", True),
        ("took 12 s", "took 3 s", True),
        ("[00:01<00:00, 9it/s]", "[00:00<00:00, 812.5it/s]", True),
        ("step 3", "step 4", False),
        ("3 rows", "4 rows", False),
        ("loss 0.5 at step 3", "loss 0.5 at step 4", False),
        ("loss 0.5", "loss 0.7", False),
        ("[00:00<?, ?it/s]", "[00:00<00:01, 9it/s]", False),
        ("[00:00<00:01, ?it/s]", "[00:00<00:01, 9it/s]", True),
        ("run None", "run brisk-otter-1", True),
        ("run None", "run mine", False),
        ("url None", "url file:///a/b.db", True),
        ("a", "b", False),
    ],
)
def test_printed_lines(left: str, right: str, explained: bool) -> None:
    [found] = diff(
        of_history(console={"stdout": ["same", left]}),
        of_history(console={"stdout": ["same", right]}),
    )
    assert found.path == "runs[0].console.stdout[1]"
    assert (found.part, bool(found.reason)) == ("console", explained)


@pytest.mark.parametrize(
    ("text", "number", "explained"),
    [
        ("[2.5]", 2.5, True),
        ("[[2.5]]", 2.5, True),
        ("tensor([2.5], device='cpu')", 2.5, True),
        ("[2.5]", 3.5, False),
        ("[2.5 3.5]", 2.5, False),
        ("2.5", 2.5, False),
        ("[x]", 2.5, False),
    ],
)
def test_an_array_of_one_in_the_config(text: str, number: float, explained: bool) -> None:
    [found] = diff(of_history(config={"a": text}), of_history(config={"a": number}))
    assert found.reason == (reasons("_array_of_one") if explained else "")
    [in_row] = diff(of_history({"a": text}), of_history({"a": number}))
    assert in_row.reason == ""


def test_what_an_earlier_picture_left_in_the_summary() -> None:
    image = {"_type": "image-file", "width": 3}
    right = of_history({"x": image}, summary={"x": image})
    left = of_history({"x": image}, summary={"x": {**image, "caption": "first"}})
    [found] = diff(left, right)
    assert (found.path, found.right) == ("runs[0].summary.x.caption", MISSING)
    assert found.reason == reasons("_left_over")
    second = of_history({"x": image}, summary={"x": {**image, "caption": "second"}})
    [other] = diff(left, second)
    assert other.reason == ""
    logged = {"x": {**image, "caption": "first"}}
    [lost] = diff(of_history(logged, summary=logged), of_history(logged, summary={"x": image}))
    assert lost.reason == "", "the last picture has it: nothing is left over"


def test_statistics_of_what_is_no_number() -> None:
    def summaries(theirs: Any, ours: dict[str, Any], *rows: dict[str, Any]) -> list[str]:
        left = of_history(*rows, summary={"x": theirs})
        return [one.reason for one in diff(left, of_history(*rows, summary=ours))]

    reason = reasons("_of_no_number")
    nothing = {"max": 0, "mean": math.nan}
    image = {"_type": "image-file", "width": 8}
    of_fields = {"_type": nothing, "width": {"max": 8, "mean": 8}, "size": {"max": 9, "mean": 9}}
    assert summaries(nothing, {}, {"x": "text"}) == [reason]
    assert summaries({"y": nothing}, {"x": {}}, {"x": {"y": [1]}}) == [reason]
    assert summaries(of_fields, {"x": image}, {"x": image}) == [reason] * 3
    assert summaries(nothing, {}, {"x": 0}, {"x": "text"}) == [""], "there was a number"
    assert summaries({"max": 1}, {}, {"x": "text"}) == [""]
    assert summaries(of_fields, {"x": image}, {"x": {**image, "width": 9}}) == [""] * 3
    assert summaries({**of_fields, "width": 8}, {"x": image}, {"x": image}) == [""] * 2


def test_texts_of_tensorboard() -> None:
    row = {"a/text_summary": "x"}
    [found] = diff(of_history({}), of_history(row))
    assert found.reason == reasons("_text_of_tensorboard")
    [lost] = diff(of_history(row), of_history({}))
    assert lost.reason == ""


def test_rows_of_processes_take_turns() -> None:
    a = [{"_step": n, f"rank{n % 2}": n // 2} for n in range(6)]
    b = [{"_step": n, **row} for n, row in enumerate([*a[::2], *a[1::2]])]
    b = [{**row, "_step": n} for n, row in enumerate(b)]
    [found] = diff(of_history(*a), of_history(*b))
    assert (found.reason, found.part) == (AT_ONCE, "history")
    moved = [*b[:-1], {**b[-1], "_step": 7}]
    assert all(one.reason == "" for one in diff(of_history(*a), of_history(*moved))), "a step"
    [*late] = diff(of_history(*a), of_history(*a[:-1], {**a[-1], "_step": 7}))
    assert {one.reason for one in late} == {""}
    b[0], b[1] = {**b[1], "_step": 0}, {**b[0], "_step": 1}
    assert all(one.reason == "" for one in diff(of_history(*a), of_history(*b))), "one is not first"


def test_rows_that_take_turns_are_compared_by_what_they_hold() -> None:
    def rows(cell: int, first: dict[str, Any]) -> list[dict[str, Any]]:
        table = content(json.dumps([cell]).encode(), "t.table.json", "tables")
        return [{"_step": 0, **first}, {"_step": 1, "t": table, "nan": float("nan")}]

    left = of_history(*rows(1, {"a": {"x": 1, "y": 2}}))

    def turned(cell: int) -> Recorded:
        one, other = rows(cell, {"a": {"y": 2, "x": 1.0}})
        return of_history({**other, "_step": 0}, {**one, "_step": 1})

    [found] = diff(left, turned(1))
    assert found.reason == AT_ONCE, "of one value, in another order"
    assert {one.reason for one in diff(left, turned(2))} == {""}, "JSON of as many bytes"


def test_rows_that_wandb_loses_of_a_process() -> None:
    ours = [{"_step": n, f"rank{n % 2}": n // 2} for n in range(6)]
    both = [ours[1], ours[0], ours[2], ours[3]]
    theirs = [{**row, "_step": n} for n, row in enumerate(both)]

    def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
        return {key: value for row in rows for key, value in row.items()}

    found = diff(
        of_history(*theirs, summary=summary(theirs)), of_history(*ours, summary=summary(ours))
    )
    assert [one.path.partition(".")[2] for one in found] == [
        "summary._step",
        "summary.rank1",
        "summary.rank0",
        "history",
    ]
    assert {one.reason for one in found} == {LOST}
    back = diff(of_history(*ours), of_history(*theirs))
    assert {one.reason for one in back} == {""}, "losing rows has no excuse"
    [*more] = diff(of_history(*ours[:4]), of_history(*ours))
    assert {one.reason for one in more} == {""}, "one process: the rows of wandb are the first ones"


def table_value(cell: int) -> dict[str, Any]:
    tree = {"columns": ["a"], "data": [[cell]]}
    held = content(json.dumps(tree).encode(), "t.table.json", "tables")
    return {"_type": "table-file", "path": "media/table/*.table.json", "content": held}


def two_runs(second: list[dict[str, Any]], *cells: int) -> Recorded:
    """The first run logs a table of 1; `second` are the rows of the other, `cells` its tables."""
    first = [{"_step": 0, "t": table_value(1)}]
    runs = []
    for name, rows in (("a", first), ("b", [{"_step": n, **row} for n, row in enumerate(second)])):
        summary = {key: value for row in rows for key, value in row.items()}
        runs.append(RecordedRun(name=name, history=rows, summary=summary))
    tables = {"p/run-a-t:v0": 1, **{f"p/run-b-t:v{n}": cell for n, cell in enumerate(cells)}}
    artifacts = {
        name: {"type": "run_table", "files": {"t.table.json": table_value(cell)["content"]}}
        for name, cell in tables.items()
    }
    return Recorded(runs, artifacts=artifacts)


LOSS: list[dict[str, Any]] = [{"loss": 1}, {"loss": 2}]


def test_a_table_that_is_logged_again_in_another_run() -> None:
    ours = two_runs([LOSS[0], {"t": table_value(1), "x": 7}, LOSS[1]], 1)
    found = diff(two_runs(LOSS), ours)
    assert {one.path for one in found} == {
        "runs[1].summary._step",
        "runs[1].summary.t",
        "runs[1].summary.x",
        "runs[1].history",
        "artifacts['p/run-b-t:v0']",
    }
    assert {one.reason for one in found} == {AGAIN}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        pytest.param([*LOSS, {"t": table_value(1)}], LOSS, id="ours is lost"),
        pytest.param(LOSS, [*LOSS, {"t": table_value(2)}], id="another table"),
        pytest.param(LOSS, [*LOSS, {"x": 1}], id="no table"),
        pytest.param(LOSS, [LOSS[0], {"t": table_value(1)}, {"loss": 3}], id="a value is another"),
        pytest.param(LOSS, [LOSS[0], {"t": table_value(1)}], id="a row is lost beside it"),
        pytest.param(LOSS, [*LOSS, {"t": table_value(1)}, {"x": 1}], id="a row more beside it"),
    ],
)
def test_what_is_not_logged_again_has_no_excuse(
    theirs: list[dict[str, Any]], ours: list[dict[str, Any]]
) -> None:
    found = diff(two_runs(theirs), two_runs(ours))
    assert AGAIN not in {one.reason for one in found}
    assert any(one.part == "history" for one in found)
    found = diff(two_runs([LOSS[0]]), two_runs([{**LOSS[0], "_step": 5}, {"t": table_value(1)}]))
    assert AGAIN not in {one.reason for one in found}, "its step is another"


def test_an_artifact_more_is_no_table_that_is_logged_again() -> None:
    again = [*LOSS, {"t": table_value(1)}]
    left, right = two_runs(LOSS), two_runs(again, 2)
    reason = {one.path: one.reason for one in diff(left, right)}
    assert (reason["runs[1].history"], reason["artifacts['p/run-b-t:v0']"]) == (AGAIN, "")
    right = two_runs(again, 1)
    right.artifacts["p/run-a-t:v0"]["files"]["more.table.json"] = table_value(1)["content"]
    reason = {one.path: one.reason for one in diff(left, right)}
    assert reason["artifacts['p/run-a-t:v0'].files['more.table.json']"] == ""
    assert reason["artifacts['p/run-b-t:v0']"] == AGAIN
    assert {one.reason for one in diff(left, two_runs(LOSS, 1))} == {""}, "no row goes with it"


# --- counterparts ---------------------------------------------------------------------------------


def test_runs_that_start_at_once_are_compared_by_what_they_are() -> None:
    runs = [RecordedRun(name=f"rank {n}", summary={"x": n}) for n in range(3)]
    assert diff(Recorded(runs), Recorded(runs[::-1])) == []
    changed = RecordedRun(name="rank 1", summary={"x": 7})
    [found] = diff(Recorded(runs), Recorded([runs[2], changed, runs[0]]))
    assert str(found) == "runs[1].summary.x: 1 / 7"
    [more] = diff(Recorded(runs[:1]), Recorded(runs[:2]))
    assert (more.path, more.left) == ("runs[1]", MISSING)


def test_a_printed_line_more_moves_no_other() -> None:
    lines = [f"line {n}" for n in range(5)]
    [found] = diff(
        of_history(console={"stdout": lines}),
        of_history(console={"stdout": [*lines[:2], "more", *lines[2:]]}),
    )
    assert str(found) == "runs[0].console.stdout[2]: (missing) / 'more'"


def test_what_is_explained_is_no_fault() -> None:
    explained = Difference("p", 1, 2, "media", reason="why")
    bad = Difference("q", 1, 2, "media")
    recorded = of_history({"_step": 0})

    def good(*differences: Difference) -> bool:
        both = {"wandb": recorded, "SynaDB": recorded}
        return Comparison(["s.py"], {}, {}, both, [list(differences)]).good

    assert good()
    assert good(explained)
    assert not good(explained, bad)


# --- through real processes -----------------------------------------------------------------------

ALWAYS = ("runs", "rows", "values", "config values", "summary values")
EVERYTHING = """
import sys
from pathlib import Path
import numpy as np
import wandb

ours = "synadb" in wandb.init.__module__
run = wandb.init(project="all")
run.define_metric("val/*", step_metric="epoch", summary="max")
run.define_metric("loss", summary="min,max", hidden=True)
random = np.random.default_rng(0)
picture = random.integers(0, 256, (6, 5, 3), np.uint8)
table = wandb.Table(columns=["n", "picture"])
table.add_data(1, wandb.Image(picture))
run.log({"image": wandb.Image(picture, caption="c"), "val/x": 2, "epoch": 1, "loss": 0.5})
run.log({"table": table, "pages": wandb.Html("<p>&"), "both": [wandb.Image(picture)] * 2})
Path("data").mkdir(exist_ok=True)
Path("data", "a.txt").write_text("a")
artifact = wandb.Artifact("data", "dataset", description="d", metadata={"n": [1, 2]})
artifact.add_dir("data")
artifact.add_reference("https://example.com/x", name="far", checksum=False)
run.log_artifact(artifact, aliases=["best"])
run.save("data/a.txt", base_path=".")
print("id", run.id, "in", run.dir)
print("to stderr", file=sys.stderr)
for number in range(3):
    print(f"\\rstep {number}", end="")
print()
exec(sys.argv[1])
run.finish()
"""


@needs_wandb
@pytest.mark.slow
def test_everything_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "script.py").write_text(EVERYTHING, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    found = compare(["script.py", "pass"], repeat=1)
    assert found.differences == [[]]
    assert found.good
    assert {one.name: one.counts for one in found.compared if one.name not in ALWAYS} == {
        "media files": (3, 3),
        "tables": (1, 1),
        "artifact versions": (2, 2),
        "metric definitions": (2, 2),
        "saved files": (1, 1),
        "lines of output": (3, 3),
    }


CHANGES = {
    "run.log({'more': wandb.Image(picture + ours)})": (
        "media",
        ["runs[0].history[2].more.content", "runs[0].summary.more.content"],
    ),
    "run.log({'more': wandb.Table(columns=['c'], data=[[1 + ours]])})": (
        "tables",
        [
            "artifacts['all/run-RUN0-more:v0'].files['more.table.json'].data[0][0]",
            "runs[0].history[2].more.content.data[0][0]",
            "runs[0].summary.more.content.data[0][0]",
        ],
    ),
    "run.define_metric('acc', summary='min' if ours else 'max')": (
        "metrics",
        ["runs[0].metrics.acc.summary[0]"],
    ),
    "print('ours' if ours else 'theirs')": ("console", ["runs[0].console.stdout[2]"]),
    "Path(run.dir, 'b.txt').write_text('ab'[ours]);"
    "run.save(run.dir + '/b.txt', base_path=run.dir)": (
        "files",
        ["runs[0].files['b.txt']"],
    ),
    "more = wandb.Artifact('more', 'model', metadata={'m': 1 + ours});"
    "Path('m.txt').write_text('mn'[ours]); more.add_file('m.txt');"
    "run.log_artifact(more, aliases=['yours', 'ours'][ours])": (
        "artifacts",
        [
            "artifacts['all/more:v0'].aliases[0]",
            "artifacts['all/more:v0'].files['m.txt']",
            "artifacts['all/more:v0'].metadata.m",
        ],
    ),
}


@needs_wandb
@pytest.mark.slow
@pytest.mark.parametrize("line", CHANGES)
def test_a_difference_is_found_where_it_is(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "script.py").write_text(EVERYTHING, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    found = compare(["script.py", line], repeat=1)
    part, paths = CHANGES[line]
    assert sorted(one.path for one in found.different) == paths
    assert {one.part for one in found.different} == {part}
    assert not found.good


@needs_wandb
@pytest.mark.slow
def test_tables_and_pictures_below_a_glob(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("script.py").write_text(
        "import numpy as np, wandb\n"
        "run = wandb.init(project='p')\n"
        "run.define_metric('val/*', summary='max,mean')\n"
        "picture = wandb.Image(np.zeros((4, 4), np.uint8))\n"
        "for cell in (1, 1, 1.5, 1):\n"
        "    table = wandb.Table(columns=['a'], data=[[cell]])\n"
        "    run.log({'table': table, 'val/text': 'x', 'val/picture': picture, 'val/x': cell})\n"
        "run.finish()\n"
    )
    found = compare(["script.py"], repeat=1)
    assert found.different == []
    assert list(found.explained) == [reasons("_of_no_number")]
    [versions] = [one.counts for one in found.compared if one.name == "artifact versions"]
    assert versions == (3, 3), "a table that is equal to the one before makes no version"


# A script that does on one side what no reason may excuse.
LIES = {
    "for key in ('ba' if ours else 'ab'): run.log({key: 1})": "runs[0].history",
    "run.log({'x': wandb.Image(picture % 255 * np.uint8(ours))})": "runs[0].history[0].x.content",
    "print('loss', 0.7 if ours else 0.5)": "runs[0].console.stdout[0]",
    "print('at', os.urandom(4).hex(), 'ours' if ours else 'theirs')": "runs[0].console.stdout[0]",
}


@needs_wandb
@pytest.mark.slow
def test_what_may_be_excused_is_not_without_a_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("script.py").write_text(
        "import os, numpy as np, wandb\n"
        "ours = 'synadb' in wandb.init.__module__\n"
        "picture = np.random.default_rng(0).integers(0, 256, (6, 5, 3), np.uint8)\n"
        + "".join(
            f"with wandb.init(project='p', name='{n}') as run:\n    {line}\n"
            for n, line in enumerate(LIES)
        )
        + "wandb.init(project='p', id='training' if ours else 'resnet50').finish()\n"
    )
    told: list[str] = []
    found = compare(["script.py"], repeat=2, tell=told.append)
    assert found.explained == {}
    assert [line.partition(":")[0] for line in told] == [
        f"run {number} of 2 under {side}"
        for number, sides in ((1, "SynaDB wandb"), (2, "wandb SynaDB"))
        for side in sides.split()
    ]
    assert found.differences is not None
    wrong = {one.path for one in found.differences[-1]}
    for number, path in enumerate((*LIES.values(), "runs[0].run_id")):
        assert path.replace("runs[0]", f"runs[{number}]") in wrong


@needs_wandb
@pytest.mark.slow
def test_keys_and_threads_of_every_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("script.py").write_text(
        "import threading, wandb\n"
        "run = wandb.init(project='p')\n"
        "table = lambda: wandb.Table(columns=['a'], data=[[1]])\n"
        "run.log({'by class': table(), 'val/(all) x': table(), 'in': {'a b': table()}})\n"
        "def work(key):\n"
        "    for n in range(20): run.log({key: n})\n"
        "threads = [threading.Thread(target=work, args=(key,)) for key in 'ab']\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "run.finish()\n"
    )
    found = compare(["script.py"], repeat=1)
    assert found.good, [str(one) for one in found.different]
    assert found.explained.keys() <= {AT_ONCE}
    assert {name.partition(":")[0] for name in found.recorded["SynaDB"].artifacts} == {
        f"p/run-RUN0-{key}" for key in ("by class", "val/(all) x", "a b")
    }


@needs_wandb
@pytest.mark.slow
def test_floats_and_times_are_told_and_excused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("script.py").write_text(
        "import os, numpy as np, wandb\n"
        "run = wandb.init(project='p')\n"
        "run.log({'x': wandb.Image(np.linspace(0, 1, 64).reshape(8, 8))})\n"
        "print(os.urandom(4).hex())\n"
        "run.finish()\n"
    )
    found = compare(["script.py"], repeat=2)
    assert found.good
    assert {reason: len(each) for reason, each in found.explained.items()} == {
        reasons("_float_picture"): 2,
        VARIES: 1,
    }


@needs_wandb
@pytest.mark.slow
def test_parts_pictures_and_tables_that_are_logged_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    script = (
        "import numpy as np, wandb\n"
        "ours = 'synadb' in wandb.init.__module__\n"
        "LIE = False\n"
        "table = wandb.Table(columns=['a'], data=[[1]])\n"
        "parts = wandb.Table(columns=['a'], log_mode='INCREMENTAL')\n"
        "picture = wandb.Image(np.zeros((4, 4), np.uint8))\n"
        "other = wandb.Image(np.full((4, 4), 9 * (ours and LIE), np.uint8))\n"
        "with wandb.init(project='p', name='a') as run:\n"
        "    run.log({'t': table, 'picture': picture, 'pictures': [other, picture]})\n"
        "    run.log({'cells': wandb.Table(columns=['a'], data=[[picture], [other]])})\n"
        "    for n in range(3):\n"
        "        parts.add_data(n + (n == 1 and ours and LIE))\n"
        "        run.log({'parts': parts})\n"
        "with wandb.init(project='p', name='b') as run:\n"
        "    for number, key in enumerate(('t', 'picture', 't')):\n"
        "        try:\n"
        "            run.log({key: {'t': table, 'picture': picture}[key]})\n"
        "        except AssertionError:\n"
        "            pass\n"
        "        run.log({'loss': number + (ours and LIE)})\n"
    )
    Path("script.py").write_text(script)
    found = compare(["script.py"], repeat=1)
    assert found.different == []
    assert list(found.explained) == [AGAIN]
    Path("script.py").write_text(script.replace("LIE = False", "LIE = True"))
    found = compare(["script.py"], repeat=1)
    assert found.explained == {}
    wrong = {one.path.replace("'", "") for one in found.different}
    assert {
        "artifacts[p/run-RUN(a)-cells:v0].files[cells.table.json].data[1][0].content",
        "artifacts[p/run-RUN(a)-incr-parts:v1].files[1-TIME.parts.table.json].data[0][0]",
        "artifacts[p/run-RUN(b)-t:v0]",
        "runs[1].history[3]",
    } <= wrong


def test_a_file_of_the_runs_folder_that_is_saved_is_there_twice_under_wandb() -> None:
    there, other = content(b"hi", "best.txt", "files"), content(b"ho", "best.txt", "files")
    printed = "DATA/wandb/run/files/best.txt"

    def found(ours: Content, line: str) -> list[str]:
        left = of_history(
            files={"best.txt": there, "files/best.txt": there},
            console={"stdout": [printed.replace("/files/", "/files/files/")]},
        )
        right = of_history(files={"best.txt": ours}, console={"stdout": [line]})
        return [difference.reason for difference in diff(left, right)]

    known = reasons("_saved_again")
    assert found(there, printed) == [known, known]
    assert known not in found(other, printed)
    assert found(there, printed.replace("best", "last")).count(known) == 1
