"""The less common names of `wandb.util`, import hooks, and questions at a terminal.

Answers that depend on the arguments alone are compared with real wandb's in `tests/parity`.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from synadb.wandb_compat import util
from synadb.wandb_compat.errors import WandbCoreNotAvailableError, term
from synadb.wandb_compat.sdk.lib import import_hooks
from tests.conftest import RunScript

NAMES = ("hooked_module", "second_module", "broken_module")


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with modules that can be imported, and are forgotten again."""
    for name in NAMES[:2]:
        (tmp_path / f"{name}.py").write_text("VALUE = 1\n")
    (tmp_path / "broken_module.py").write_text("raise RuntimeError('broken')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    import_hooks.unregister_all_post_import_hooks()
    for name in NAMES:
        sys.modules.pop(name, None)


# -- calls ---------------------------------------------------------------------------------------


def test_a_call_in_a_thread_of_its_own() -> None:
    def where(*args: int, **kwargs: int) -> Any:
        return threading.current_thread(), args, kwargs

    call = util.async_call(where)
    found, thread = call(1, key=2)
    assert found == (thread, (1,), {"key": 2})
    assert thread is not threading.current_thread()
    assert call.__name__ == "where"


def test_a_call_that_is_not_waited_for() -> None:
    go_on = threading.Event()
    found, thread = util.async_call(go_on.wait, timeout=0.01)()
    assert found is None
    assert thread.is_alive()
    go_on.set()
    thread.join()


def test_an_error_in_the_thread_is_raised() -> None:
    def fail() -> None:
        raise KeyError("k")

    with pytest.raises(KeyError, match="k"):
        util.async_call(fail, timeout=60)()


# -- modules -------------------------------------------------------------------------------------


def test_a_module_runs_at_its_first_use(modules: Path) -> None:
    (modules / "hooked_module.py").write_text("import os\nos.environ['RAN'] = '1'\nVALUE = 7\n")
    try:
        module = util.import_module_lazy("hooked_module")
        assert type(module) is util.LazyModule
        assert "RAN" not in os.environ
        assert sys.modules["hooked_module"] is module
        assert module.VALUE == 7
        assert os.environ.pop("RAN") == "1"
        assert type(module) is ModuleType
        assert util.import_module_lazy("hooked_module") is module
    finally:
        os.environ.pop("RAN", None)
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        util.import_module_lazy("no_such_module")


def test_setting_a_name_runs_a_module_first(modules: Path) -> None:
    first: Any = util.import_module_lazy(NAMES[0])
    second: Any = util.import_module_lazy(NAMES[1])
    first.VALUE = 5
    assert first.VALUE == 5
    del second.VALUE
    assert not hasattr(second, "VALUE")


def test_a_module_that_fails_can_be_asked_again(modules: Path) -> None:
    module = util.import_module_lazy("broken_module")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="broken"):
            _ = module.VALUE
    (modules / "broken_module.py").write_text("VALUE = 'mended'\n")
    importlib.invalidate_caches()
    assert module.VALUE == "mended"


def test_hooks_of_a_module_that_is_imported_later(modules: Path) -> None:
    seen: list[tuple[str, Any]] = []

    def saying(text: str) -> Callable[[Any], None]:
        return lambda module: seen.append((text, module.VALUE))

    for hook_id, text in (("a", "replaced"), ("b", "second"), ("a", "first")):
        import_hooks.register_post_import_hook(saying(text), hook_id, "hooked_module")
    import_hooks.register_post_import_hook(saying("never"), "a", "second_module")
    import_hooks.unregister_post_import_hook("second_module", "a")
    import_hooks.unregister_post_import_hook("never_known", None)
    assert seen == []
    module, _ = map(importlib.import_module, NAMES[:2])
    assert sorted(seen) == [("first", 1), ("second", 1)]
    assert type(module.__loader__).__name__ == "SourceFileLoader"
    assert module.__spec__ is not None
    assert module.__spec__.loader is module.__loader__
    importlib.reload(module)
    assert len(seen) == 2


def test_a_hook_of_a_module_that_is_there_runs_at_once(modules: Path) -> None:
    seen: list[ModuleType] = []
    import_hooks.register_post_import_hook(seen.append, "a", "sys")
    assert seen == [sys]
    import_hooks.register_post_import_hook("builtins:repr", "a", "sys")


def test_a_module_that_fails_calls_no_hook_yet(modules: Path) -> None:
    seen: list[ModuleType] = []
    import_hooks.register_post_import_hook(seen.append, "a", "broken_module")
    with pytest.raises(RuntimeError, match="broken"):
        importlib.import_module("broken_module")
    assert seen == []
    (modules / "broken_module.py").write_text("VALUE = 'mended'\n")
    importlib.invalidate_caches()
    importlib.import_module("broken_module")
    assert [module.VALUE for module in seen] == ["mended"]


def test_a_hook_of_a_module_that_is_found_by_nobody(modules: Path) -> None:
    import_hooks.register_post_import_hook("builtins:repr", "a", "nowhere_to_be_found")
    with pytest.raises(ModuleNotFoundError, match="nowhere_to_be_found"):
        importlib.import_module("nowhere_to_be_found")


def test_functions_called_after_an_import(modules: Path) -> None:
    seen: list[str] = []
    util.add_import_hook("hooked_module", lambda: seen.append("one"))
    util.add_import_hook("hooked_module", lambda: seen.append("two"))
    util.add_import_hook("sys", lambda: seen.append("is there already"))
    importlib.import_module("hooked_module")
    assert seen == ["one", "two"]

    hook = util.ImportMetaHook()
    hook.add("second_module", lambda: seen.append("three"))
    hook.install()
    module = importlib.import_module("second_module")
    assert seen[2:] == ["three"]
    assert hook.get_modules() == ("second_module",)
    assert hook.get_module("second_module") is module
    hook.add("broken_module", lambda: seen.append("never"))
    hook.uninstall()
    (modules / "broken_module.py").write_text("VALUE = 1\n")
    importlib.import_module("broken_module")
    assert len(seen) == 3


# -- the terminal --------------------------------------------------------------------------------

_ASK = """
from synadb.wandb_compat import util
from synadb.wandb_compat.errors import term
print(util.prompt_choices(["red", "green"]), term.confirm("Sure?"), term.confirm("And now?"))
try:
    term.terminput("again? ", timeout=0.05)
except TimeoutError as error:
    print("late:", error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pty")
def test_questions_at_a_terminal(tmp_path: Path) -> None:
    import pty
    import subprocess

    ours, its = pty.openpty()
    environment = {name: text for name, text in os.environ.items() if name != "WANDB_SILENT"}
    process = subprocess.Popen(
        [sys.executable, "-c", _ASK],
        stdin=its,
        stderr=its,
        stdout=subprocess.PIPE,
        env={**environment, "TERM": "xterm"},
        cwd=tmp_path,
    )
    os.close(its)
    try:
        os.write(ours, b"blue\n3\n2\ny\n\n")
        answered, _ = process.communicate(timeout=60)
    finally:
        os.close(ours)
    assert answered.decode().splitlines() == ["green True False", "late: no answer after 0.05 s"]


def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert util.prompt_choices(["only"]) == "only"
    with pytest.raises(term.NotATerminalError):
        util.prompt_choices(["red", "green"])
    with pytest.raises(term.NotATerminalError):
        term.confirm("Sure?")
    with pytest.raises(ValueError, match="takes no timeout"):
        term.terminput("password: ", timeout=1, hide=True)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("WANDB_SILENT", raising=False)
    assert term.can_use_terminput()
    monkeypatch.setenv("WANDB_SILENT", "true")
    assert not term.can_use_terminput()
    monkeypatch.delenv("WANDB_SILENT")
    monkeypatch.setenv("TERM", "dumb")
    assert not term.can_use_terminput()


# -- what is other here --------------------------------------------------------------------------


def test_there_is_no_helper_program() -> None:
    with pytest.raises(WandbCoreNotAvailableError, match=r"wandb\.util\.get_core_path\(\)"):
        util.get_core_path()
    assert util.image_id_from_k8s() is None


def test_an_artifact_in_a_config(run_script: RunScript) -> None:
    run_script(
        """
import synadb.wandb_compat as wandb
artifact = wandb.Artifact("data", "set")
try:
    wandb.util.artifact_to_json(artifact)
except AttributeError as error:
    assert "log" in str(error)
else:
    raise AssertionError
with wandb.init(project="p") as run:
    run.log_artifact(artifact).wait()
    found = wandb.util.artifact_to_json(artifact)
assert found["_type"] == "artifactVersion" and found["_version"] == "v0", found
assert found["sequenceName"] == "data" and found["version"] == "v0" and found["id"], found
assert wandb.util.check_dict_contains_nested_artifact({"a": {"b": artifact}})
assert not wandb.util.check_dict_contains_nested_artifact({"a": artifact})
"""
    )
