"""`wandb.util` here and in real wandb: the same answers for many arguments."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from queue import Queue
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synadb.wandb_compat import _surface
from synadb.wandb_compat import util as ours

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("wandb") is None, reason="real wandb is not installed"
)

_PACKAGES = ("wandb", "synadb.wandb_compat")
_URLS = [
    *("https://api.wandb.ai", "https://api.wandb.ai/graphql", "http://localhost:8080/", ""),
    *("http://api.foo.com/", "http://api.x.y:90/a/", "HTTPS://API.wandb.ai", "x", "http://api./"),
    *("https://my.api.wandb.ai", "http://apis.x/", "http://api.foo.com/a?q=1/", "//api.foo.com"),
    *("https://api.forge.coreweave.com/api/wandb", "http://api.wandb.ai:443/x?y#z"),
]
_IMAGES = [
    *("nginx", "nginx:latest", "library/nginx", "gcr.io/a/b:1", "localhost:5000/x", "UPPER/x"),
    *("a b", "", "-it", "/x", "x@y", "wandb/deepo:all", "a//b", "host.com/", "foo:tag:x", "3"),
    *("__x__", "a--b..c", "-a-", "a___b", "...", "x" * 200, "gcr.io/Foo/bar:1@sha256", "Ünï"),
]
_COMMANDS = [
    *("run -it nginx bash", "-it --rm -v /a:/b wandb/deepo python", "--foo=bar img:1", "", "-it"),
    *("-e A=b img", "run --gpus all gcr.io/a/b", "--runtime nvidia img cmd", "--name foo ubuntu"),
    *("-p 80:80 localhost:5000/x", "--privileged --tty x/y", "run --network host a/b:c"),
]
_PATHS = [
    *("/a/b", "a/../b", "./a", "..", "a/./b", "//x", "a//b/", "/", "", "a:b", "...", "a/.../b"),
    *("~x", ".hidden", "a/..", "a\\..\\b"),
]
_SHAPES = [(), (5,), (2, 3), (28, 28, 3), (1, 28, 28), (9, 8, 8, 1), (9, 8, 8, 2), (9, 8, 8, 3)]
_SHAPES += [(9, 8, 8, 4), (9, 8, 8, 5), (1, 2, 3, 4, 5)]
_ARTIFACTS = [
    *("wandb-artifact://_id/abc", "wandb-artifact://e/p/n:v0", "wandb-artifact://h.com/e/p/n:v0"),
    *("wandb-artifact://p/n:v0", "wandb-artifact://abc/def:latest", "x", "", "e/p/n:v0"),
    *("http://a/b/c", "wandb-artifact://_id/", "a/b/c/d/e", "wandb-artifact://"),
]
_RESPONSES = [
    *('{"errors":[{"message":"a"},{"message":"b"}]}', '{"error":"x"}', '{"error":{"message":"z"}}'),
    *('{"errors":["s"]}', '{"errors":[{}]}', "[]", "x", '"s"', '{"error":{}}', '{"errors":"abc"}'),
    *('{"errors":[{"message":3}]}', '{"error":{"message":"a"},"errors":[{"message":"b"}]}', "{}"),
    *('{"errors":[],"error":"y"}', '{"error":["q"]}', '{"errors":[null,"a",{"message":"m"}]}'),
]
_NESTED: list[dict[str, Any]] = [
    {},
    {"a": 1},
    {"a": "wandb-artifact://x/y:z"},
    {"a": {"b": "wandb-artifact://x/y:z"}},
    {"a": ["wandb-artifact://x/y:z"]},
    {"a": {"_type": "artifactVersion", "id": "x"}},
    {"a": {"b": {"_type": "artifactVersion", "id": "x"}}},
    {"a": {"b": {"c": {"d": "wandb-artifact://x/y:z"}}}},
]
_ARRAYS: list[Any] = [
    *(np.arange(3), np.arange(32), np.arange(33), np.arange(200.0).reshape(2, 100), np.array(3)),
    *(np.zeros(400, "f4"), np.float32(1), [1] * 100, {"a": 1}, "text", np.array([])),
]
_CLASSES = [
    *(("tensorflow.python", "EagerTensor"), ("tensorflow.v", "Variable"), ("torch", "Tensor")),
    *(("torch.cuda", "FloatTensor"), ("pandas.core.frame", "DataFrame"), ("numpy", "ndarray")),
    *(("fastai.torch_core", "TensorImage"), ("jaxlib.xla", "Array"), ("plotly.x", "Figure")),
]


@pytest.fixture(scope="module")
def theirs() -> Any:
    return importlib.import_module("wandb.util")


def _answer(call: Callable[[], Any]) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return call()
    except Exception as error:  # noqa: BLE001 - whatever it is, the other side must raise it too
        return type(error)


def _cases() -> Iterator[tuple[str, tuple[Any, ...]]]:
    for url in _URLS:
        yield "api_to_app_url", (url,)
        yield "app_url", (url,)
    for name in _IMAGES:
        yield "make_docker_image_name_safe", (name,)
    for path in _PATHS:
        yield "make_file_path_upload_safe", (path,)
    for shape in _SHAPES:
        yield "guess_data_type", (shape,)
        yield "guess_data_type", (shape, True)
    for text in _ARTIFACTS:
        yield "parse_artifact_string", (text,)
    for nested in _NESTED:
        yield "check_dict_contains_nested_artifact", (nested,)
        yield "check_dict_contains_nested_artifact", (nested, True)
    for module, name in _CLASSES:
        yield "get_h5_typename", (type(name, (), {"__module__": module})(),)
    for value in _ARRAYS:
        yield "get_h5_typename", (value,)
    for files in (["a"], [], ["x/wandb-metadata.json"], ["wandb-metadata.json", "a"]):
        yield "check_and_warn_old", (files,)


_CASES = list(_cases())


@pytest.mark.parametrize("name", sorted({name for name, _ in _CASES}))
def test_the_same_answers(name: str, theirs: Any) -> None:
    for arguments in (arguments for known, arguments in _CASES if known == name):
        mine = _answer(partial(getattr(ours, name), *arguments))
        assert mine == _answer(partial(getattr(theirs, name), *arguments)), arguments


def test_the_address_that_the_environment_has(theirs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_APP_URL", "http://app.z/")
    real = _answer(partial(theirs.app_url, "http://localhost:8080"))
    assert ours.app_url("http://localhost:8080") == real == "http://app.z"


def test_images_and_command_lines(theirs: Any) -> None:
    for image in _IMAGES:
        mine, real = ours.docker_image_regex(image), theirs.docker_image_regex(image)
        assert (mine is None) == (real is None), image
        if mine is not None:
            assert (mine.group(0), mine.groups()) == (real.group(0), real.groups())
    for line in _COMMANDS:
        mine, real = (util.image_from_docker_args(line.split()) for util in (ours, theirs))
        assert mine == real, line
    # wandb takes these switches for options with a value.
    for line in ("-ti a/b c", "--read-only a/b c", "-P a/b c", "-dit a/b"):
        assert ours.image_from_docker_args(line.split()) == "a/b"


def test_what_a_summary_keeps(theirs: Any) -> None:
    for value in _ARRAYS:
        kind = theirs.get_h5_typename(value)
        (mine, changed), (real, really) = (
            util.maybe_compress_summary(value, kind) for util in (ours, theirs)
        )
        assert changed == really
        if changed:
            assert mine == pytest.approx(real)
        else:
            assert mine is value


@given(st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=5), max_size=4))
def test_the_configuration_of_a_job(config: dict[str, Any]) -> None:
    theirs = importlib.import_module("wandb.util")
    before = os.environ.get("TF_CONFIG")
    try:
        for text in (json.dumps(config), json.dumps(config)[:-1]):
            os.environ["TF_CONFIG"] = text
            assert ours.parse_tfjob_config() == theirs.parse_tfjob_config()
    finally:
        os.environ.pop("TF_CONFIG")
        if before is not None:
            os.environ["TF_CONFIG"] = before


def _response(text: str) -> Any:
    requests = pytest.importorskip("requests")
    response = requests.Response()
    response._content = text.encode()
    response.status_code = 400
    return response


def test_messages_of_a_response(theirs: Any) -> None:
    for text in _RESPONSES:
        mine = ours.parse_backend_error_messages(_response(text))
        assert mine == theirs.parse_backend_error_messages(_response(text)), text


def test_samples(theirs: Any) -> None:
    xs, ys = list(range(3000)), [[number, -number] for number in range(3000)]
    answers = []
    for util in (ours, theirs):
        np.random.seed(5)
        answers.append(util.sample_with_exponential_decay_weights(xs, ys, None, 50))
        answers.append(util.sample_with_exponential_decay_weights([1, 2], [[3], [4]]))
    assert answers[:2] == answers[2:]
    places, rows, keys = ours.sample_with_exponential_decay_weights([1, 2], [3, 4], ["a", "b"], 9)
    assert set(zip(places, rows, keys, strict=True)) <= {(1, 3, "a"), (2, 4, "b")}


def test_tar_files_are_equal_to_the_byte(theirs: Any, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "below").mkdir(parents=True)
    (source / "a.txt").write_text("hello")
    (source / "below" / "b.txt").write_text("b")

    def without_b(entry: Any) -> Any:
        return None if entry.name.endswith("b.txt") else entry

    for wanted in (None, without_b):
        packed = []
        for util, name in ((ours, "ours.tgz"), (theirs, "theirs.tgz")):
            util.make_tarfile(str(tmp_path / name), str(source), "inside", wanted)
            packed.append((tmp_path / name).read_bytes())
        assert packed[0] == packed[1]
    with pytest.raises(FileNotFoundError):
        ours.make_tarfile(str(tmp_path / "none.tgz"), str(tmp_path / "missing"), "inside")


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # by wandb
def test_what_runs_a_program(theirs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = {
        "train.py": "x",
        "with_line.py": "#!/usr/bin/env python3 -u\n",
        "script": "#!/usr/bin/env perl -w\n",
        "plain.txt": "hello\n",
        "empty": "",
        "runs.sh": "#!/bin/sh\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "runs.sh").chmod(0o755)
    for name in (*files, "missing.py", "ls", str(tmp_path)):
        assert ours.find_runner(name) == theirs.find_runner(name), name
    (tmp_path / "binary").write_bytes(b"\x00\xff\n")
    assert ours.find_runner("binary") is None


def test_what_is_in_a_queue(theirs: Any) -> None:
    for util in (ours, theirs):
        queue: Queue[int] = Queue()
        for number in range(5):
            queue.put(number)
        assert util.read_many_from_queue(queue, 3, 0.01) == [0, 1, 2, 3]
        assert util.read_many_from_queue(queue, 9, 0.01) == [4]
        assert util.read_many_from_queue(queue, 9, 0.01) == []


def test_figures(theirs: Any) -> None:
    pytest.importorskip("plotly")
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    (line,) = axes.plot([1, 2, 4])
    pictures = pyplot.figure()
    pictures.add_subplot().imshow(np.zeros((3, 3)))
    for value in (figure, axes, pyplot, line, 3, "x", [line], None):
        assert ours.ensure_matplotlib_figure(value) is theirs.ensure_matplotlib_figure(value)
    for value in (figure, axes, pictures, pyplot):
        mine, real = (util.matplotlib_contains_images(value) for util in (ours, theirs))
        assert mine == real
    mine, real = (_answer(partial(util.convert_plots, figure)) for util in (ours, theirs))
    assert mine.keys() == real.keys()
    assert mine["_type"] == real["_type"] == "plotly"
    drawn, really = (found["plot"]["data"][0] for found in (mine, real))
    assert {**drawn, "x": [*drawn["x"]], "y": [*drawn["y"]]} == really
    assert ours.convert_plots(ours.matplotlib_to_plotly(figure)) == mine
    assert ours.convert_plots(3) == theirs.convert_plots(3) == 3
    pyplot.close("all")


def test_digests(tmp_path: Path) -> None:
    theirs = importlib.import_module("wandb.sdk.lib.hashutil")
    mine = importlib.import_module("synadb.wandb_compat.sdk.lib.hashutil")
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"abc" * 900_000)
    second.write_bytes(b"")
    for name in ("md5_file_b64", "md5_file_hex", "xxh128_file_b64", "xxh128_file_hex"):
        if name.startswith("xxh") and importlib.util.find_spec("xxhash") is None:
            continue
        for paths in ((), (first,), (str(second),), (first, second), (second, first)):
            assert getattr(mine, name)(*paths) == getattr(theirs, name)(*paths)
    for text in ("", "é", "x" * 1000):
        assert mine.md5_string(text) == theirs.md5_string(text)
        digest = theirs.md5_string(text)
        assert mine.b64_to_hex_id(digest) == theirs.b64_to_hex_id(digest)
        assert mine.hex_to_b64_id(mine.b64_to_hex_id(digest)) == digest
    assert mine.hex_to_b64_id(b"aa01") == theirs.hex_to_b64_id(b"aa01")
    with pytest.raises(FileNotFoundError):
        mine.md5_file_hex(tmp_path / "missing")


def test_names_of_registries() -> None:
    names = ("nginx", "a/b", "gcr.io/a/b:1", "localhost:5000/x", "localhost/x", "a/b@sha256:12")
    for place in ("docker", "docker.names"):
        theirs, mine = (importlib.import_module(f"{top}.{place}") for top in _PACKAGES)
        calls = {
            "docker": ("parse", "parse_repository_tag"),
            "docker.names": ("resolve_repository_name", "split_repo_name"),
        }[place]
        for call in calls:
            for name in (*names, "host.io/x/y:t@q", "", "host.io:80/x", "a:b"):
                assert getattr(mine, call)(name) == getattr(theirs, call)(name), (call, name)
    for url in ("https://a.b/c", "http://x:80", "index.docker.io", "https://index.docker.io/v1/"):
        assert mine.convert_to_hostname(url) == theirs.convert_to_hostname(url)
        assert mine.resolve_index_name(url) == theirs.resolve_index_name(url)
    for name in ("http://a/b", "-a.b/c", "a.b-/c"):
        for module in (theirs, mine):
            with pytest.raises(module.InvalidRepositoryError):
                module.resolve_repository_name(name)


def test_events() -> None:
    for package in _PACKAGES:
        trigger = importlib.import_module(f"{package}.trigger")
        seen: list[Any] = []
        trigger.register("saved", seen.append)
        trigger.call("saved", 1)
        trigger.call("never heard of", 2)
        trigger.unregister("saved", seen.append)
        trigger.call("saved", 3)
        with pytest.raises(ValueError, match="not in list"):
            trigger.unregister("saved", seen.append)
        trigger.register("saved", seen.append)
        trigger.reset()
        trigger.call("saved", 4)
        with pytest.raises(KeyError):
            trigger.unregister("saved", seen.append)
        assert seen == [1]


def _modules_of_wandb() -> Iterator[str]:
    """The public modules of real wandb, without the leading "wandb."."""
    base = Path(importlib.import_module("wandb").__path__[0])
    for path in sorted(base.rglob("*.py")):
        parts = path.relative_to(base).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        if parts and not any(part.startswith("_") for part in parts):
            yield ".".join(parts)


def test_every_public_module_is_here_or_says_why_not() -> None:
    names = sorted(set(_modules_of_wandb()))
    assert len(names) > 150
    for name in names:
        try:
            importlib.import_module(f"synadb.wandb_compat.{name}")
        except ModuleNotFoundError as error:
            if not str(error.name).startswith("synadb.wandb_compat"):
                continue  # the library that it is for is not installed
            refusal = _surface.missing_import(f"wandb.{name}")
            assert refusal is not None, name
            assert f"wandb.{name} exists in wandb and is not supported by SynaDB: " in str(refusal)
