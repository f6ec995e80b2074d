"""`import wandb` is SynaDB's drop-in, wherever and however it is asked for.

Each test runs real interpreters: what is looked at is the state of a whole process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import venv
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

import synadb.wandb_compat
from synadb.wandb_compat._install import overlay_dir, overlay_environment
from synadb.wandb_compat._support import REFUSED_COMMANDS
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = "0.31.0"
OVERLAY = overlay_dir()


class Run(Protocol):
    """Runs source text under the overlay; what the `run` fixture returns."""

    def __call__(
        self,
        source: str,
        *args: str,
        python: str = sys.executable,
        env: Mapping[str, str] | None = None,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Write `source` to train.py in an empty folder and run it there, by default in the overlay."""

    def run_source(
        source: str,
        *args: str,
        python: str = sys.executable,
        env: Mapping[str, str] | None = None,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        script = tmp_path / "train.py"
        script.write_text(textwrap.dedent(source), encoding="utf-8")
        return execute([python, str(script), *args], tmp_path, env, check)

    return run_source


def execute(
    command: list[str], cwd: Path, env: Mapping[str, str] | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=overlay_environment(os.environ) if env is None else env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if check and done.returncode != 0:
        pytest.fail(f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def without_overlay() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def make_environment(folder: Path, wandb: str | None = None) -> str:
    """Make a virtual environment, with a "real" wandb of that version in it; return its python."""
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    [site] = [path for path in folder.rglob("site-packages") if path.is_dir()]
    if wandb is not None:
        package = site / "wandb"
        (package / "sdk").mkdir(parents=True)
        (package / "__init__.py").write_text(f"__version__ = '{wandb}'\nreal = True\n")
        (package / "sdk" / "__init__.py").write_text("real = True\n")
        info = site / f"wandb-{wandb}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: wandb\nVersion: {wandb}\n")
    return str(folder / ("Scripts" if os.name == "nt" else "bin") / "python")


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter that has no wandb."""
    return make_environment(tmp_path_factory.mktemp("bare"))


@pytest.fixture(scope="module")
def other_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter that has another version of wandb."""
    return make_environment(tmp_path_factory.mktemp("other"), wandb="0.20.1")


@pytest.fixture(params=["this", "bare", "other"])
def python(request: pytest.FixtureRequest) -> str:
    """This interpreter, one without wandb, and one with another wandb."""
    if request.param == "this":
        return sys.executable
    path: str = request.getfixturevalue(f"{request.param}_python")
    return path


# --- how libraries look for wandb ---------------------------------------------------------------


def test_is_found_before_and_after_the_import(run: Run, python: str) -> None:
    run(
        """
        import importlib.util, sys
        before = importlib.util.find_spec("wandb")
        assert before is not None and before.origin and before.loader, before
        assert "wandb" not in sys.modules
        import wandb
        assert importlib.util.find_spec("wandb") is wandb.__spec__ is not None
        assert wandb.__version__ == "0.31.0"
        assert not hasattr(wandb, "real")
        assert wandb.run is None and hasattr(wandb, "run")
        import synadb.wandb_compat
        assert wandb is synadb.wandb_compat is sys.modules["wandb"]
        assert wandb.__name__ == wandb.__spec__.name == "synadb.wandb_compat"
        """,
        python=python,
    )


def test_the_distribution_answers(run: Run, python: str) -> None:
    run(
        """
        from importlib import metadata
        assert metadata.version("wandb") == "0.31.0", metadata.version("wandb")
        assert metadata.metadata("wandb")["Name"] == "wandb"
        found = metadata.distribution("wandb")
        assert found.read_text("INSTALLER").strip() == "synadb"
        # pip refuses to uninstall what has no list of files, and these files are SynaDB's.
        assert found.files is None
        assert {point.name for point in found.entry_points} == {"wandb", "wb"}
        if hasattr(metadata, "packages_distributions"):
            assert set(metadata.packages_distributions()["wandb"]) == {"wandb"}
        """,
        python=python,
    )


def test_every_place_that_names_the_version_agrees(run: Run) -> None:
    [info] = OVERLAY.glob("*.dist-info")
    assert info.name == f"wandb-{VERSION}.dist-info"
    assert metadata.PathDistribution(info).version == VERSION
    assert synadb.wandb_compat.__version__ == VERSION
    assert f"version {VERSION} " in execute([program("wandb"), "--version"], ROOT).stdout


def test_synadb_in_site_packages_and_only_the_overlay_on_the_path(run: Run, tmp_path: Path) -> None:
    python = make_environment(tmp_path / "env")
    [site] = (tmp_path / "env").rglob("site-packages")
    (site / "synadb.pth").write_text(f"{ROOT}\n")
    env = {**os.environ, "PYTHONPATH": str(OVERLAY)}
    run("import wandb, synadb\nassert wandb.__version__ == '0.31.0'", python=python, env=env)


def test_an_interpreter_that_has_no_synadb(run: Run, bare_python: str) -> None:
    env = {**os.environ, "PYTHONPATH": str(OVERLAY)}
    done = run(
        """
        import sys
        before = list(sys.path)
        import wandb, synadb.errors
        assert sys.path == before
        print(synadb.errors.__file__)
        """,
        python=bare_python,
        env=env,
    )
    assert Path(done.stdout.strip()) == ROOT / "synadb" / "errors.py"


def test_somebody_elses_synadb_is_named(run: Run, bare_python: str, tmp_path: Path) -> None:
    (tmp_path / "synadb").mkdir()
    (tmp_path / "synadb" / "__init__.py").write_text("")
    env = {**os.environ, "PYTHONPATH": str(OVERLAY)}
    done = run("import wandb", python=bare_python, env=env, check=False)
    assert done.returncode == 1
    assert f"ImportError: the package 'synadb' in {tmp_path}" in done.stderr


# --- one module, two names ----------------------------------------------------------------------

EVERY_MODULE = """
    import importlib, pkgutil, sys
    import {first}
    import synadb.wandb_compat as package
    names = [
        module.name.removeprefix("synadb.wandb_compat.")
        for module in pkgutil.walk_packages(package.__path__, "synadb.wandb_compat.")
    ]
    assert "_install" in names
    for number, name in enumerate(names):
        spellings = ["wandb." + name, "synadb.wandb_compat." + name]
        # The order of the two imports must not matter.
        try:
            one, two = map(importlib.import_module, spellings[:: 1 if number % 2 else -1])
        except ModuleNotFoundError as error:
            # What wandb ships for a library that is not installed.
            assert not error.name.startswith(("synadb", "wandb")), error
            continue
        assert one is two is sys.modules[spellings[0]] is sys.modules[spellings[1]], name
        # wandb.keras is wandb.integration.keras itself, and all reports are of one version.
        name = spellings[1].removesuffix(".v1").removesuffix(".v2")
        kept = name, name.replace("compat.", "compat.integration.")
        assert one.__name__ == one.__spec__.name and one.__name__ in kept, one.__spec__
        spec = importlib.util.find_spec(spellings[0])
        assert spec is one.__spec__
"""


@pytest.mark.parametrize("first", ["wandb", "synadb.wandb_compat, wandb"])
def test_every_module_is_the_same_under_both_names(run: Run, first: str) -> None:
    run(EVERY_MODULE.format(first=first))


def test_every_module_is_the_same_after_install(run: Run) -> None:
    first = "synadb.wandb_compat as drop_in; drop_in.install(); import wandb"
    run(EVERY_MODULE.format(first=first), env=without_overlay())


def test_a_spec_is_found_without_importing_the_module(run: Run) -> None:
    run(
        """
        import importlib.util, sys
        spec = importlib.util.find_spec("wandb._surface")
        assert spec.name == "wandb._surface" and spec.origin.endswith("_surface.py"), spec
        assert "wandb._surface" not in sys.modules
        assert "synadb.wandb_compat._surface" not in sys.modules
        """
    )


def test_names_can_be_imported_from_it(run: Run) -> None:
    run(
        """
        from wandb import Error, Settings, finish, init, log, login
        import synadb.wandb_compat as package
        assert Settings is package.Settings and Error is package.Error and init is package.init
        """
    )


def test_the_submodules_need_no_other_library(run: Run, bare_python: str) -> None:
    run(
        """
        import sys
        import wandb.util, wandb.env, wandb.wandb_run, wandb.errors.term
        import wandb.sdk.lib.runid, wandb.sdk.lib.filesystem, wandb.sdk.wandb_setup
        from wandb.sdk.lib.config_util import ConfigError
        from wandb.sdk.lib import RunDisabled, SummaryDisabled
        assert wandb.util.json_dumps_safer({"a": [1, None]}) == '{"a":[1,null]}'
        assert wandb.wandb_run.Run is wandb.sdk.wandb_run.Run is wandb.Run
        assert issubclass(ConfigError, wandb.errors.Error) and callable(RunDisabled())
        assert not {"numpy", "yaml", "psutil"} & set(sys.modules)
        """,
        python=bare_python,
    )


def test_classes_pickle_under_both_names(run: Run) -> None:
    run(
        """
        import pickle
        import wandb
        assert pickle.loads(pickle.dumps(wandb.Settings)) is wandb.Settings
        # As real wandb wrote it, or a process that knows only the one name.
        assert pickle.loads(b"cwandb\\nSettings\\n.") is wandb.Settings
        assert pickle.loads(b"csynadb.wandb_compat\\nSettings\\n.") is wandb.Settings
        error = pickle.loads(pickle.dumps(wandb.Error("text")))
        assert type(error) is wandb.Error and str(error) == "text"
        """
    )


SPAWN = """
    import multiprocessing, sys
    {setup}
    import wandb

    def child(error):
        import synadb.wandb_compat
        assert sys.modules["wandb"] is synadb.wandb_compat
        assert type(error) is wandb.Error is synadb.wandb_compat.Error
        return wandb.Settings, wandb.Error("back")

    if __name__ == "__main__":
        with multiprocessing.get_context({method!r}).Pool(1) as pool:
            settings, error = pool.apply(child, [wandb.Error("there")])
        assert settings is wandb.Settings and type(error) is wandb.Error
"""
METHODS = ["spawn"] if os.name == "nt" else ["spawn", "forkserver", "fork"]


@pytest.mark.parametrize("method", METHODS)
def test_objects_travel_to_worker_processes(run: Run, method: str) -> None:
    run(SPAWN.format(setup="", method=method))


@pytest.mark.parametrize("method", METHODS)
def test_objects_travel_to_worker_processes_after_install(run: Run, method: str) -> None:
    setup = "import synadb.wandb_compat; synadb.wandb_compat.install()"
    run(SPAWN.format(setup=setup, method=method), env=without_overlay())


def test_reload_keeps_the_module(run: Run) -> None:
    run(
        """
        import importlib, sys
        import wandb
        import wandb._surface
        assert importlib.reload(wandb) is wandb is sys.modules["wandb"]
        assert importlib.reload(wandb) is sys.modules["synadb.wandb_compat"]
        assert importlib.reload(wandb._surface) is sys.modules["wandb._surface"]
        import wandb._install
        assert wandb._install is sys.modules["synadb.wandb_compat._install"]
        """
    )


def test_an_import_in_many_threads_at_once(run: Run) -> None:
    run(
        """
        import sys, threading
        sys.setswitchinterval(1e-6)
        start, found = threading.Barrier(8), []

        def look():
            start.wait()
            import wandb
            from wandb import _surface
            found.append((wandb.init, wandb.__version__, _surface))

        threads = [threading.Thread(target=look) for _ in range(8)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert len(found) == 8 and len(set(found)) == 1, found
        """
    )


def test_a_lazy_loader(run: Run) -> None:
    run(
        """
        import importlib.util, sys
        spec = importlib.util.find_spec("wandb")
        spec.loader = importlib.util.LazyLoader(spec.loader)
        module = importlib.util.module_from_spec(spec)
        sys.modules["wandb"] = module
        spec.loader.exec_module(module)
        assert "synadb.wandb_compat" not in sys.modules
        assert module.__version__ == "0.31.0"
        import synadb.wandb_compat as package
        assert module.init is package.init and module.run is None
        package.run = "rebound"
        assert module.run == "rebound"
        import wandb._surface
        assert sys.modules["wandb._surface"] is package._surface
        """
    )


def test_patching_reaches_both_names(run: Run) -> None:
    run(
        """
        from unittest import mock
        import synadb.wandb_compat as package
        real = package.init
        with mock.patch("wandb.init") as fake:
            assert package.init is fake
            import wandb
            wandb.init(project="x")
            fake.assert_called_once_with(project="x")
        assert package.init is real
        """
    )


# --- what must not be disturbed -----------------------------------------------------------------


@pytest.mark.parametrize("setup", ["", "import synadb.wandb_compat as w; w.install()"])
def test_wandb_switched_off_stays_off(run: Run, setup: str) -> None:
    run(
        f"""
        import importlib.util, sys
        sys.modules["wandb"] = None
        {setup}
        assert sys.modules["wandb"] is None
        assert importlib.util.find_spec("wandb") is None
        try:
            import wandb
        except ModuleNotFoundError:
            pass
        else:
            raise AssertionError("imported")
        # And back, as monkeypatch does it.
        del sys.modules["wandb"]
        import wandb
        assert wandb.__version__ == "0.31.0"
        """
    )


def test_switching_off_after_the_import(run: Run) -> None:
    run(
        """
        import sys
        from unittest import mock
        import wandb
        with mock.patch.dict(sys.modules, {"wandb": None}):
            try:
                import wandb as again
            except ModuleNotFoundError:
                pass
            else:
                raise AssertionError("imported")
        import wandb as again
        assert again is wandb
        del sys.modules["wandb"]
        import wandb as again
        assert again is wandb
        """
    )


def test_a_folder_of_run_files_is_no_package(run: Run, tmp_path: Path, python: str) -> None:
    (tmp_path / "wandb" / "sdk").mkdir(parents=True)
    run("import wandb\nassert wandb.__version__ == '0.31.0'", python=python)
    source = "import wandb; assert wandb.__version__ == '0.31.0'"
    execute([python, "-c", source], tmp_path)


def test_the_probe_of_a_missing_module_is_answered_with_none(run: Run) -> None:
    run(
        """
        import importlib.util, wandb
        assert importlib.util.find_spec("wandb.no_such_module") is None
        assert importlib.util.find_spec("wandb.proto") is None  # wandb has it
        """
    )


# --- names that are not there -------------------------------------------------------------------

# Names that this project will hardly ever have, and wandb has.
UNSUPPORTED = [
    ("import wandb.proto", "ModuleNotFoundError", "wandb.proto exists in wandb"),
    ("import wandb.sdk.launch", "ModuleNotFoundError", "exists in wandb"),
    ("from wandb import proto", "ModuleNotFoundError", "wandb.proto exists in wandb"),
    ("from wandb import _Sentry", "ImportError", "wandb._Sentry exists in wandb"),
    ("import wandb; wandb._Sentry", "NotYetSupportedError", "wandb._Sentry exists in wandb"),
]
UNKNOWN = [
    ("import wandb.nonesuch", "ModuleNotFoundError", "No module named 'wandb.nonesuch'"),
    ("from wandb import nonesuch", "ImportError", "cannot import name 'nonesuch'"),
    ("import wandb; wandb.nonesuch", "AttributeError", "module 'wandb' has no attribute 'nonesuch"),
]


@pytest.mark.parametrize(("statement", "error", "text"), UNSUPPORTED + UNKNOWN)
def test_a_missing_name_is_named(run: Run, statement: str, error: str, text: str) -> None:
    done = run(statement, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1
    assert f"{error}: " in last
    assert text in last


def test_a_missing_name_is_not_there(run: Run) -> None:
    run(
        """
        import wandb
        assert not hasattr(wandb, "_Sentry") and getattr(wandb, "_Sentry", 7) == 7
        assert not hasattr(wandb, "nonesuch")
        try:
            wandb._Sentry
        except NotImplementedError as error:
            assert isinstance(error, AttributeError)
        """
    )


# --- child processes and the program ------------------------------------------------------------


def program(name: str) -> str:
    return str(OVERLAY / "bin" / (f"{name}.cmd" if os.name == "nt" else name))


CHILDREN = """
    import os, subprocess, sys
    {setup}
    check = "import wandb; assert wandb.__version__ == '0.31.0' and not hasattr(wandb, 'real')"
    os.makedirs("elsewhere"); os.chdir("elsewhere")
    subprocess.run([sys.executable, "-c", check], check=True)
    grandchild = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {{check!r}}])"
    subprocess.run([sys.executable, "-c", grandchild], check=True)
    subprocess.run("wandb login --relogin key", shell=True, check=True)
"""


def test_child_processes_inherit_it(run: Run, other_python: str) -> None:
    done = run(CHILDREN.format(setup=""), python=other_python)
    assert "needs no account" in done.stderr


def test_child_processes_inherit_install(run: Run, other_python: str) -> None:
    setup = "import synadb.wandb_compat; synadb.wandb_compat.install()"
    done = run(CHILDREN.format(setup=setup), python=other_python, env=without_overlay())
    assert "needs no account" in done.stderr


@pytest.mark.parametrize(
    "arguments", [["login"], ["login", "key"], ["offline"], ["online"], ["enabled"], ["disabled"]]
)
def test_harmless_commands_say_that_they_do_nothing(arguments: list[str], tmp_path: Path) -> None:
    done = execute([program("wandb"), *arguments], tmp_path)
    assert done.stderr.startswith("wandb: ")
    assert "SynaDB" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_status_names_the_database(tmp_path: Path) -> None:
    env = {**overlay_environment(os.environ), "SYNADB_PATH": str(tmp_path / "here.db")}
    assert str(tmp_path / "here.db") in execute([program("wb"), "status"], tmp_path, env).stderr


@pytest.mark.parametrize("command", [*REFUSED_COMMANDS, "nonesuch"])
def test_any_other_command_is_refused_by_name(command: str, tmp_path: Path) -> None:
    done = execute([program("wandb"), command, "--flag"], tmp_path, check=False)
    assert done.returncode == 2
    assert f"'wandb {command}' is not supported" in done.stderr
    assert REFUSED_COMMANDS.get(command, "it knows: ") in done.stderr


def test_the_program_of_an_interpreter_without_synadb(bare_python: str, tmp_path: Path) -> None:
    stand_in = str(overlay_dir() / "wandb" / "__main__.py")
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    refused = execute([bare_python, stand_in, "verify"], tmp_path, env, check=False)
    assert REFUSED_COMMANDS["verify"] in refused.stderr
    status = execute([bare_python, stand_in, "status"], tmp_path, env)
    assert str(tmp_path / "experiments.db") in status.stderr


def test_the_program_is_a_module_too(tmp_path: Path, python: str) -> None:
    (tmp_path / "wandb").mkdir()
    assert "usage: wandb" in execute([python, "-m", "wandb", "--help"], tmp_path).stdout
    assert execute([python, "-m", "wandb", "sync"], tmp_path, check=False).returncode == 2


# --- install ------------------------------------------------------------------------------------


def test_install_is_the_same_as_the_overlay(run: Run, other_python: str) -> None:
    run(
        """
        import importlib.util, os, sys
        from importlib import metadata
        import synadb.wandb_compat as package
        script_folder = sys.path[0]
        package.install()
        state = list(sys.path), list(sys.meta_path), dict(os.environ)
        package.install()
        assert state == (sys.path, sys.meta_path, dict(os.environ)), "not idempotent"
        import wandb
        assert wandb is package and importlib.util.find_spec("wandb") is package.__spec__
        assert metadata.version("wandb") == "0.31.0"
        assert sys.path[0] == script_folder == os.path.dirname(os.path.abspath(__file__))
        package.install()
        assert state == (sys.path, sys.meta_path, dict(os.environ)), "not idempotent"
        """,
        python=other_python,
        env=without_overlay(),
    )


def test_install_under_the_overlay_changes_nothing(run: Run) -> None:
    run(
        """
        import os, sys
        before = list(sys.path), dict(os.environ)
        import wandb
        wandb.install()
        assert before == (sys.path, dict(os.environ))
        """
    )


@pytest.mark.parametrize(
    "first",
    [
        "import wandb",
        "import wandb.sdk, sys; del sys.modules['wandb']",
        "import sys, types; sys.modules['wandb'] = types.ModuleType('wandb')",
        "import sys; from unittest import mock; sys.modules['wandb'] = mock.MagicMock()",
    ],
)
def test_install_after_the_import_of_another_wandb(run: Run, other_python: str, first: str) -> None:
    done = run(
        f"""
        {first}
        import sys
        before = dict(sys.modules)
        import synadb.wandb_compat as package
        from synadb.errors import SynaDBError
        try:
            package.install()
        except RuntimeError as error:
            assert isinstance(error, SynaDBError)
            print(error)
        assert sys.modules.get("wandb") is before.get("wandb")
        """,
        python=other_python,
        env=without_overlay(),
    )
    assert "is already imported" in done.stdout
    assert "before the first import of wandb" in done.stdout


def test_install_over_a_folder_of_run_files(run: Run, bare_python: str, tmp_path: Path) -> None:
    (tmp_path / "wandb" / "run-1").mkdir(parents=True)
    run(
        """
        import wandb  # an empty namespace package
        assert not hasattr(wandb, "__version__")
        import synadb.wandb_compat
        synadb.wandb_compat.install()
        import wandb
        assert wandb.__version__ == "0.31.0"
        """,
        python=bare_python,
        env=without_overlay(),
    )


# --- the environment of children ----------------------------------------------------------------


def test_the_environment_is_a_copy_with_the_overlay_in_front() -> None:
    given = {"PATH": "/usr/bin", "PYTHONPATH": "/lib/mine", "OTHER": "kept"}
    child = overlay_environment(given)
    assert given == {"PATH": "/usr/bin", "PYTHONPATH": "/lib/mine", "OTHER": "kept"}
    assert child["OTHER"] == "kept"
    assert child["PATH"].split(os.pathsep) == [str(OVERLAY / "bin"), "/usr/bin"]
    assert child["PYTHONPATH"].split(os.pathsep)[:2] == [str(OVERLAY), "/lib/mine"]
    assert child["SYNADB_PYTHON"] == sys.executable


def test_the_environment_of_the_environment_is_the_same() -> None:
    once = overlay_environment({"PATH": os.environ["PATH"]})
    assert overlay_environment(once) == once
    moved = {**once, "PYTHONPATH": os.pathsep.join(["/first", once["PYTHONPATH"]])}
    paths = overlay_environment(moved)["PYTHONPATH"].split(os.pathsep)
    assert paths[:2] == [str(OVERLAY), "/first"]
    assert paths.count(str(OVERLAY)) == 1


def test_no_path_at_all() -> None:
    child = overlay_environment({})
    assert str(OVERLAY) in child["PYTHONPATH"].split(os.pathsep)
    assert len(child["PATH"].split(os.pathsep)) > 1, "the system's default path must stay"
