"""Facts about the environment, in real git checkouts and real child processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synadb.monitor import facts
from tests.conftest import ROOT


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.email=a@b.c", "-c", "user.name=n", *arguments]
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def python(folder: Path, *arguments: str, stdin: str = "", **environment: str) -> str:
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=env,
        input=stdin,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "repo"
    (folder / "sub" / "dir").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    (folder / "a.txt").write_text("one\ntwo\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    git(folder, "remote", "add", "origin", "https://me:secret@example.com/org/name.git")
    return folder


def known(folder: Path) -> dict[str, str | None]:
    found = facts.git_facts(str(folder))
    assert found is not None
    return found


# --- git -------------------------------------------------------------------------------------


def test_a_checkout_from_a_folder_inside(repo: Path) -> None:
    assert known(repo / "sub" / "dir") == {
        "remote": "https://example.com/org/name.git",
        "commit": git(repo, "rev-parse", "HEAD"),
        "branch": "main",
        "root": str(repo),
    }


def test_no_process_is_started(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert known(repo)["commit"]


def test_packed_references(repo: Path) -> None:
    commit = git(repo, "rev-parse", "HEAD")
    git(repo, "pack-refs", "--all")
    assert not (repo / ".git/refs/heads/main").exists()
    assert known(repo)["commit"] == commit


def test_detached_head(repo: Path) -> None:
    git(repo, "checkout", "-q", "--detach")
    assert known(repo)["commit"] == git(repo, "rev-parse", "HEAD")
    assert known(repo)["branch"] is None


def test_before_the_first_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "feature/x")
    assert known(tmp_path)["commit"] is None
    assert known(tmp_path)["branch"] == "feature/x"
    assert known(tmp_path)["remote"] is None
    assert facts.git_diff(str(tmp_path)) == ""


def test_a_worktree_has_its_own_head_and_the_shared_remote(repo: Path) -> None:
    other = repo.parent / "other"
    git(repo, "worktree", "add", "-q", "-b", "topic", str(other))
    (other / "b.txt").write_text("b")
    git(other, "add", "-A")
    git(other, "commit", "-q", "-m", "second")
    found = known(other)
    assert found["commit"] == git(other, "rev-parse", "HEAD") != git(repo, "rev-parse", "HEAD")
    assert (found["branch"], found["root"]) == ("topic", str(other))
    assert found["remote"] == "https://example.com/org/name.git"


def test_a_submodule_is_a_checkout_of_its_own(repo: Path) -> None:
    above = repo.parent / "above"
    above.mkdir()
    git(above, "init", "-q")
    git(above, "-c", "protocol.file.allow=always", "submodule", "-q", "add", str(repo), "libs/in")
    assert (above / "libs/in/.git").is_file()
    found = known(above / "libs/in/sub/..")
    assert found["root"] == str(above / "libs/in")
    assert found["commit"] == git(repo, "rev-parse", "HEAD")
    assert found["remote"] == str(repo)


@pytest.mark.parametrize(
    "damage",
    [
        lambda git_dir: (git_dir / "HEAD").write_bytes(b"\xff\xfe\0"),
        lambda git_dir: (git_dir / "HEAD").write_text("ref: HEAD"),
        lambda git_dir: (git_dir / "refs/heads/main").write_text("no commit"),
        lambda git_dir: (git_dir / "config").write_bytes(b'[remote "origin"\n\xff = ['),
        lambda git_dir: (git_dir / "config").unlink(),
    ],
)
def test_a_damaged_checkout_gives_what_can_be_read(repo: Path, damage: Any) -> None:
    whole = known(repo)
    damage(repo / ".git")
    found = known(repo)
    assert found["root"] == str(repo)
    assert found != whole
    assert isinstance(facts.git_diff(str(repo)), str)


@pytest.mark.parametrize("content", ["", "gitdir: /nowhere/at/all", "gitdir:", "noise\0"])
def test_a_broken_git_file_is_no_checkout(tmp_path: Path, content: str) -> None:
    (tmp_path / ".git").write_text(content)
    assert facts.git_facts(str(tmp_path)) is None
    assert facts.project_from_git(str(tmp_path)) is None
    assert facts.git_diff(str(tmp_path)) == ""


def test_an_empty_git_folder_is_passed_over(repo: Path) -> None:
    (repo / "sub/.git").mkdir()
    assert known(repo / "sub/dir")["root"] == str(repo)


@pytest.mark.parametrize(
    ("config", "url"),
    [
        ('[remote "origin"]\n\turl = git@host:o/n.git\n', "git@host:o/n.git"),
        ('[remote "other"]\nurl = x\n[remote "origin"]\nURL=y # comment\n', "y"),
        ('[REMOTE "origin"] url = "a b;c" ; comment\n', "a b;c"),
        ('[remote "origin"]\nurl = one\nurl = two\n', "one"),
        ('[remote "origin"]\nfetch = z\n[core]\nurl = no\n', None),
        ('[remote "origin"]\nurl = C:\\\\repo\\\\x\n', "C:\\repo\\x"),
    ],
)
def test_the_remote_is_read_from_the_configuration(
    repo: Path, config: str, url: str | None
) -> None:
    (repo / ".git/config").write_text("[core]\n\trepositoryformatversion = 0\n" + config)
    assert known(repo)["remote"] == url
    if url is not None:
        assert git(repo, "config", "--get-all", "remote.origin.url").splitlines()[0] == url


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://host/a.git", "https://host/a.git"),
        ("https://token@host:8443/a.git", "https://host:8443/a.git"),
        ("https://user:p@ss@host/a", "https://host/a"),
        ("ssh://git:pw@host:22/a.git", "ssh://git@host:22/a.git"),
        ("git@host:o/n.git", "git@host:o/n.git"),
        ("/local/with@sign.git", "/local/with@sign.git"),
        ("https://host/a@b", "https://host/a@b"),
        ("https://u:p@host", "https://host"),
    ],
)
def test_credentials_are_removed(repo: Path, url: str, clean: str) -> None:
    git(repo, "remote", "set-url", "origin", url)
    assert known(repo)["remote"] == clean


SECRET = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=12).map(
    "S!{}".format
)


@given(SECRET, SECRET, st.sampled_from(["https", "http", "ftp"]))
def test_no_secret_survives(user: str, password: str, scheme: str) -> None:
    clean = facts._without_credentials(f"{scheme}://{user}:{password}@example.com/o/n")
    assert clean == f"{scheme}://example.com/o/n"


@given(st.text(max_size=60))
def test_any_text_can_stand_in_a_configuration(text: str) -> None:
    assert isinstance(facts._config_value(text), str)
    assert isinstance(facts._without_credentials(text), str)


def test_the_diff_can_be_applied(repo: Path) -> None:
    assert facts.git_diff(str(repo)) == ""
    (repo / "a.txt").write_text("one\nzwölf\n")
    (repo / "staged.txt").write_text("new\n")
    git(repo, "add", "staged.txt")
    patch = facts.git_diff(str(repo / "sub"))
    assert "+zwölf" in patch
    assert "staged.txt" in patch
    git(repo, "reset", "-q", "--hard")
    (repo.parent / "p").write_text(patch, encoding="utf-8")
    git(repo, "apply", str(repo.parent / "p"))
    assert (repo / "a.txt").read_text() == "one\nzwölf\n"
    assert (repo / "staged.txt").read_text() == "new\n"


def test_a_long_diff_is_cut_and_says_so(repo: Path) -> None:
    (repo / "a.txt").write_text("".join(f"line {i}\n" for i in range(200_000)))
    patch = facts.git_diff(str(repo), max_bytes=5000)
    assert patch.endswith("# cut here: the patch is longer than 5000 bytes\n")
    assert 4000 < len(patch) < 5100
    assert "line 199999" in facts.git_diff(str(repo))


def test_a_diff_that_takes_too_long_is_given_up(repo: Path) -> None:
    (repo / ".gitattributes").write_text("*.txt filter=slow\n")
    git(repo, "config", "filter.slow.clean", "sleep 1000; cat")
    (repo / "a.txt").write_text("changed\n")
    # Waiting for the filter instead would run into the time limit of a test.
    assert facts.git_diff(str(repo), timeout=0.3) == ""


def test_the_diff_takes_no_lock_and_starts_no_foreign_program(repo: Path) -> None:
    trace = repo.parent / "ran"
    for name in ("diff.external", "core.fsmonitor", "core.pager"):
        git(repo, "config", name, f"sh -c 'echo {name} >> {trace}'")
    (repo / "a.txt").write_text("changed\n")
    (repo / ".git/index.lock").touch()
    assert "+changed" in facts.git_diff(str(repo))
    assert not trace.exists()


def test_without_git_there_is_no_diff(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo / "a.txt").write_text("changed\n")
    monkeypatch.setenv("PATH", "")
    assert facts.git_diff(str(repo)) == ""


# --- project ---------------------------------------------------------------------------------


def test_the_project_names_repository_and_folder_of_the_program(repo: Path) -> None:
    script = repo / "sub/dir/train.py"
    script.touch()
    cases = {
        (repo, script): "repo-sub_dir",
        (repo / "sub", script): "repo-sub_dir",
        (repo / "sub", Path("dir/train.py")): "repo-sub_dir",
        (repo, repo / "top.py"): "repo",
        (repo / "sub/dir", Path("-m pkg.mod")): "repo-sub_dir",
        (repo / "sub", Path(facts.NO_MAIN_FILE)): "repo-sub",
        (repo / "sub", Path(sys.executable)): "repo",  # a program outside adds nothing
    }
    for (folder, program), project in cases.items():
        assert facts.project_from_git(str(folder), str(program)) == project


def test_a_project_name_is_always_allowed(tmp_path: Path) -> None:
    folder = tmp_path / "we#ird%na:me?x" / ("s" * 200)
    folder.mkdir(parents=True)
    git(folder.parent, "init", "-q")
    name = facts.project_from_git(str(folder), "-c")
    assert name == ("we_ird_na_me_x-" + "s" * 200)[:128]


def test_outside_of_git_there_is_no_project(tmp_path: Path, repo: Path) -> None:
    script = repo / "x.py"
    script.touch()
    assert facts.project_from_git(str(tmp_path), str(script)) is None


# --- program ---------------------------------------------------------------------------------

SHOW = "from synadb.monitor import facts; print(facts.program())\n"


def test_how_the_program_was_started(tmp_path: Path) -> None:
    folder = tmp_path.resolve() / "pkg"
    folder.mkdir()
    for name in ("__init__.py", "__main__.py", "mod.py"):
        (folder / name).write_text("" if name == "__init__.py" else SHOW)
    assert python(folder.parent, "pkg/mod.py") == str(folder / "mod.py")
    assert python(folder.parent, "-m", "pkg.mod", "arg") == "-m pkg.mod"
    assert python(folder.parent, "-m", "pkg") == "-m pkg.__main__"
    assert python(folder.parent, "-c", SHOW) == "<python with no main file>"
    assert python(folder.parent, stdin=SHOW) == "<stdin>"


def test_a_notebook_is_named_by_its_kernel(tmp_path: Path) -> None:
    kernel = "import sys, types; sys.modules['ipykernel'] = types.ModuleType('ipykernel')\n"
    assert python(tmp_path, "-c", kernel + SHOW, JPY_SESSION_NAME="/x/a.ipynb") == "/x/a.ipynb"
    vscode = kernel + "__vsc_ipynb_file__ = '/y/b.ipynb'\n"
    assert python(tmp_path, "-c", vscode + SHOW) == "/y/b.ipynb"
    # A child of a notebook inherits its environment, and is no notebook.
    assert python(tmp_path, "-c", SHOW, JPY_SESSION_NAME="/x/a.ipynb") == facts.NO_MAIN_FILE


# --- packages --------------------------------------------------------------------------------


def test_requirements_are_those_of_importlib() -> None:
    found = facts.requirements()
    assert set(found) == {f"{d.metadata['Name']}=={d.version}" for d in distributions()}
    assert found == sorted(found, key=str.lower)
    assert len(found) == len(set(found))


def test_broken_packages_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "good-1.dist-info": "License: x\r\nName: Good.Name\r\nVersion: 1\r\n\r\nName: no",
        "empty-1.dist-info": "",
        "cut-1.dist-info": "Name: cut",
        "body-1.dist-info": "Name: body\n\nVersion: 7",
        "bytes-1.dist-info": "Name: \udcff",
    }.items():
        (tmp_path / name).mkdir()
        data = text.encode("utf-8", "surrogateescape")
        (tmp_path / name / "METADATA").write_bytes(data)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert facts.requirements() == ["Good.Name==1"]


# --- metadata --------------------------------------------------------------------------------


def test_the_metadata_of_a_script(repo: Path) -> None:
    script = repo / "sub/dir/train.py"
    script.write_text(
        "import json\nfrom synadb.monitor import facts\n"
        "print(json.dumps(facts.metadata(started_at=1795439214.243756, email='e@x')))\n"
    )
    environment = {"SLURM_JOB_ID": "5", "SLURM_CLUSTER_NAME": "c", "SLURMD_NODENAME": "n"}
    output = python(repo / "sub", "dir/train.py", "--x", "a b", **environment)
    found = json.loads(output)
    assert found["startedAt"] == "2026-11-23T13:06:54.243756Z"
    assert found["args"] == ["--x", "a b"]
    assert found["program"] == str(script)
    assert found["codePath"] == "sub/dir/train.py"
    assert found["codePathLocal"] == "dir/train.py"
    assert found["git"] == {
        "remote": "https://example.com/org/name.git",
        "commit": git(repo, "rev-parse", "HEAD"),
    }
    assert found["root"] == str(repo / "sub")
    assert found["email"] == "e@x"
    assert found["executable"] == sys.executable
    assert found["python"].startswith(("CPython 3.", "PyPy 3."))
    assert found["slurm"] == {"job_id": "5", "cluster_name": "c"}
    assert found["cpu_count_logical"] >= found["cpu_count"] >= 1
    assert int(found["memory"]["total"]) > 0
    assert int(found["disk"]["/"]["total"]) > int(found["disk"]["/"]["used"]) > 0
    assert {"os", "host", "writerId"} <= set(found)
    assert "username" not in found
    assert "docker" not in found


def test_metadata_without_git_and_hardware(repo: Path) -> None:
    script = repo / "sub/x.py"
    script.touch()
    found = facts.metadata(program_path=str(script), git=False, hardware=False, root="/r")
    assert "git" not in found
    assert not {"cpu_count", "memory", "disk", "gpu"} & set(found)
    assert found["root"] == "/r"


def test_a_deleted_folder_and_no_argv(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    code = (
        "import os, sys, json; os.rmdir(os.getcwd())\n"
        "from synadb.monitor import facts\n"
        "del sys.argv; sys.executable = None; sys.modules.pop('__main__')\n"
        "print(json.dumps([facts.metadata(), facts.git_facts(), facts.git_diff(),\n"
        "    facts.project_from_git(), facts.program()]))\n"
    )
    found, *rest = json.loads(python(gone, "-c", code))
    assert rest == [None, "", None, "<python with no main file>"]
    assert found["program"] == "<python with no main file>"
    assert not {"root", "args", "executable", "git"} & set(found)
    assert found["cpu_count"] >= 1


def test_gpus_are_described(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.test_system_metrics import FakeNvml

    nvml = FakeNvml(pids=[])
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    found = facts.metadata()
    card = {
        "name": "Card 0",
        "memoryTotal": str(80 * 2**30),
        "cudaCores": 6912,
        "architecture": "Ampere",
        "uuid": "GPU-0",
    }
    assert found["gpu"] == "Card 0"
    assert found["gpu_count"] == 2
    assert found["gpu_nvidia"] == [card, {**card, "name": "Card 1", "uuid": "GPU-1"}]
    assert found["cudaVersion"] == "12.4"
    assert nvml.opened == 0
