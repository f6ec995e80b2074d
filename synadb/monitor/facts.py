"""Facts about where a run takes place: host, Python, program, git checkout, installed packages.

Nothing here raises: what cannot be found out is left out. git's files are read directly, since a
process costs more than all the rest; only a diff needs the program `git`.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from synadb import system

if TYPE_CHECKING:
    from subprocess import Popen

__all__ = ["git_diff", "git_facts", "metadata", "program", "project_from_git", "requirements"]

NO_MAIN_FILE = "<python with no main file>"
_MAX_PROJECT = 128
_NOT_IN_PROJECT = "/\\#?%:"
_MAX_DIFF = 10 * 1024 * 1024
_MAX_GIT_FILE = 16 * 1024 * 1024  # packed-refs of the largest repositories stay below this

_T = TypeVar("_T")


def _quiet(call: Callable[[], _T], default: _T) -> _T:
    """What `call` returns, or `default` where it fails for whatever reason."""
    try:
        return call()
    # A fact that cannot be had must not disturb training.
    except Exception:  # noqa: BLE001
        return default


# --- program ---------------------------------------------------------------------------------


def program(notebook: str | None = None) -> str:
    """How this Python was started: a script's full path, `-m pkg.mod`, or a notebook's name.

    `notebook` names a notebook that cannot be recognised. Without a script, a module or a notebook
    the answer is `<python with no main file>`.
    """
    return _quiet(lambda: _program(notebook), NO_MAIN_FILE)


def _program(notebook: str | None) -> str:
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None and getattr(spec, "name", None):
        return f"-m {spec.name}"
    path = getattr(main, "__file__", None)
    if isinstance(path, str) and path:
        return path if os.path.isabs(path) or path.startswith("<") else os.path.abspath(path)
    if "ipykernel" in sys.modules:
        # VS Code tells the kernel in a variable, Jupyter by a name in its environment.
        for name in (
            notebook,
            getattr(main, "__vsc_ipynb_file__", None),
            os.environ.get("JPY_SESSION_NAME"),
        ):
            if isinstance(name, str) and name:
                return name
    return notebook or NO_MAIN_FILE


def _relative(path: str, start: str) -> str | None:
    """`path` seen from the folder `start`, with forward slashes; None where it is not below."""
    folder, name = os.path.split(path)
    path = os.path.join(os.path.realpath(folder), name) if name else os.path.realpath(folder)
    try:
        relative = os.path.relpath(path, os.path.realpath(start))
    except ValueError:  # another drive
        return None
    if relative == os.pardir or relative.startswith(os.pardir + os.sep):
        return None
    return relative.replace(os.sep, "/")


# --- git -------------------------------------------------------------------------------------


def git_facts(folder: str | None = None, remote: str = "origin") -> dict[str, str | None] | None:
    """`remote` (its URL without credentials), `commit`, `branch` and `root` of the checkout.

    `folder` may be any folder of the checkout, the current one if None. The answer is None outside
    of a checkout; single values are None without such a remote, without a commit, and without a
    branch (detached HEAD).
    """
    return _quiet(lambda: _git_facts(folder, remote), None)


def _git_facts(folder: str | None, remote: str) -> dict[str, str | None] | None:
    found = _find_checkout(folder)
    if found is None:
        return None
    root, git_dir = found
    common = _common_dir(git_dir)
    url = _quiet(lambda: _remote_url(os.path.join(common, "config"), remote), None)
    unknown: tuple[str | None, str | None] = (None, None)
    commit, branch = _quiet(lambda: _head(root, git_dir, common), unknown)
    return {
        "remote": None if url is None else _without_credentials(url),
        "commit": commit,
        "branch": branch,
        "root": root,
    }


def _find_checkout(folder: str | None) -> tuple[str, str] | None:
    """The root of the checkout around `folder`, and its git folder."""
    place = os.path.realpath(folder if folder is not None else os.getcwd())
    while True:
        git_dir = _git_dir(place)
        if git_dir is not None:
            return place, git_dir
        above = os.path.dirname(place)
        if above == place:
            return None
        place = above


def _git_dir(place: str) -> str | None:
    path = os.path.join(place, ".git")
    if os.path.isfile(path):  # a worktree or a submodule: its git folder is elsewhere
        text = _quiet(lambda: _read(path).strip(), "")
        if not text.startswith("gitdir:"):
            return None
        path = os.path.join(place, text[len("gitdir:") :].strip())
    return path if os.path.isfile(os.path.join(path, "HEAD")) else None


def _common_dir(git_dir: str) -> str:
    """Where branches and settings are; a worktree shares those of the first checkout."""
    try:
        return os.path.join(git_dir, _read(os.path.join(git_dir, "commondir")).strip())
    except OSError:
        return git_dir


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(_MAX_GIT_FILE)


def _head(root: str, git_dir: str, common: str) -> tuple[str | None, str | None]:
    """Commit and branch of HEAD."""
    if os.path.isdir(os.path.join(common, "reftable")):  # a binary format, read by git alone
        commit = _run_git(["rev-parse", "--verify", "-q", "HEAD"], root, 5.0, 256).strip()
        branch = _run_git(["symbolic-ref", "-q", "--short", "HEAD"], root, 5.0, 4096).strip()
        return commit or None, branch or None
    text = _read(os.path.join(git_dir, "HEAD")).strip()
    branch = ""
    for _ in range(5):  # a reference may name another one, but not in a circle
        if not text.startswith("ref:"):
            break
        ref = text[len("ref:") :].strip()
        branch = branch or ref.removeprefix("refs/heads/")
        text = _ref(ref, git_dir, common)
    return text if _is_commit(text) else None, branch or None


def _ref(ref: str, git_dir: str, common: str) -> str:
    for place in (git_dir, common):
        try:
            return _read(os.path.join(place, ref)).strip()
        except OSError:
            continue
    try:
        packed = _read(os.path.join(common, "packed-refs"))
    except OSError:  # a repository before its first commit
        return ""
    for line in packed.splitlines():
        commit, _, name = line.partition(" ")
        if name == ref:
            return commit
    return ""


def _is_commit(text: str) -> bool:
    return len(text) in {40, 64} and not set(text) - set("0123456789abcdef")


def _remote_url(config: str, remote: str) -> str | None:
    url = None
    inside = False
    for line in _read(config).splitlines():
        line = line.strip()
        if line.startswith("["):
            section, _, rest = line[1:].partition("]")
            kind, _, name = section.partition(" ")
            name = name.strip().removeprefix('"').removesuffix('"')
            inside = kind.lower() == "remote" and _unescape(name) == remote
            line = rest.strip()
        key, equals, value = line.partition("=")
        if inside and equals and key.strip().lower() == "url" and url is None:
            url = _config_value(value)
    return url or None


def _config_value(text: str) -> str:
    """The value of a line of git's configuration: quotes, backslashes, a comment behind it."""
    value: list[str] = []
    quoted = escaped = False
    end = 0  # blanks at the end count only inside quotes
    for sign in text.strip():
        if escaped:
            value.append({"n": "\n", "t": "\t", "b": "\b"}.get(sign, sign))
            escaped = False
        elif sign == "\\":
            escaped = True
            continue
        elif sign == '"':
            quoted = not quoted
        elif sign in "#;" and not quoted:
            break
        else:
            value.append(sign)
        if quoted or not sign.isspace():
            end = len(value)
    return "".join(value[:end])


def _unescape(text: str) -> str:
    return text.replace('\\"', '"').replace("\\\\", "\\")


def _without_credentials(url: str) -> str:
    """`url` without a password, and without a user except for ssh.

    The user of an https URL can itself be a token; that of ssh is needed to use the URL.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url  # a path, or host:path, which has no place for a password
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    if at and "ssh" in scheme.lower():
        host = f"{user.partition(':')[0]}@{host}"
    return f"{scheme}://{host}{slash}{path}"


def git_diff(folder: str | None = None, timeout: float = 5.0, max_bytes: int = _MAX_DIFF) -> str:
    """The changes to tracked files since the last commit, as a patch from the checkout's root.

    Empty without changes, without git, without a commit, and when git takes longer than `timeout`
    seconds. A patch beyond `max_bytes` is cut behind a line and says so in its last line.
    """
    return _quiet(lambda: _git_diff(folder, timeout, max_bytes), "")


def _git_diff(folder: str | None, timeout: float, max_bytes: int) -> str:
    found = _find_checkout(folder)
    if found is None:
        return ""
    command = ["diff", "HEAD", "--no-color", "--no-ext-diff", "--no-textconv", "--submodule=short"]
    text = _run_git(command, found[0], timeout, max_bytes + 1, strict=True)
    data = text.encode("utf-8")
    if len(data) <= max_bytes:
        return text
    kept = data[: max(0, data.rfind(b"\n", 0, max_bytes) + 1)]
    return (
        f"{kept.decode('utf-8', 'ignore')}# cut here: the patch is longer than {max_bytes} bytes\n"
    )


def _run_git(
    arguments: Sequence[str], folder: str, timeout: float, limit: int, *, strict: bool = False
) -> str:
    """Up to `limit` bytes of what git prints; empty when it fails or takes too long."""
    import subprocess
    import threading

    # fsmonitor would start a program that the repository names, and leave it running.
    command = ["git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", *arguments]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=_git_environment(os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # to end it with the filters it may have started
    )
    late = threading.Event()

    def expire() -> None:
        late.set()
        _kill(process)

    timer = threading.Timer(timeout, expire)
    timer.daemon = True
    timer.start()
    try:
        assert process.stdout is not None
        data = process.stdout.read(limit)
        full = len(data) >= limit
    finally:
        timer.cancel()
        if process.poll() is None:
            # At the end of its output git is about to exit; otherwise nobody wants the rest.
            _quiet(lambda: process.wait(0 if late.is_set() else 0.2), None)
        if process.poll() is None:
            _kill(process)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    if late.is_set() or (process.returncode != 0 and not (strict and full)):
        return ""
    return data.decode("utf-8", "replace")


def _git_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """No questions, no locks, no downloads; and the folder decides which repository it is."""
    kept = {
        name: value
        for name, value in environment.items()
        if name
        not in {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_EXTERNAL_DIFF"}
    }
    kept.update(
        GIT_OPTIONAL_LOCKS="0",
        GIT_TERMINAL_PROMPT="0",
        GIT_NO_LAZY_FETCH="1",
        GIT_PAGER="cat",
        LC_ALL="C",
    )
    return kept


def _kill(process: Popen[bytes]) -> None:
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, 9)
        else:
            process.kill()
    except OSError:
        return  # it ended by itself


def project_from_git(folder: str | None = None, program_path: str | None = None) -> str | None:
    """The project's name when none is given: `repo-sub_dir` for a program in `repo/sub/dir`.

    `repo` is the name of the checkout's folder. Where the program is no file (`-c`, `-m`, a
    notebook) `folder` stands in for its place; a program outside of the checkout adds nothing.
    Signs that a project may not have become `_`, and the name ends after 128. None outside of git.
    """
    return _quiet(lambda: _project_from_git(folder, program_path), None)


def _project_from_git(folder: str | None, program_path: str | None) -> str | None:
    place = folder if folder is not None else os.getcwd()
    found = _find_checkout(place)
    if found is None:
        return None
    root = found[0]
    path = os.path.join(place, program_path if program_path is not None else program())
    if os.path.isfile(path):
        place = os.path.dirname(path)
    below = _relative(os.path.join(place, ""), root)
    name = os.path.basename(root)
    if below not in {None, "."}:
        name = f"{name}-{below}"
    name = "".join("_" if sign in _NOT_IN_PROJECT else sign for sign in name)
    return name[:_MAX_PROJECT] or None


# --- packages --------------------------------------------------------------------------------


def requirements() -> list[str]:
    """`name==version` of each installed package, sorted; of two with one name the first found."""
    return _quiet(_requirements, [])


def _requirements() -> list[str]:
    found: dict[str, str] = {}
    # By hand: importing importlib.metadata alone takes longer than looking at all packages.
    for place in sys.path:
        with contextlib.suppress(Exception):
            for name, version in _installed(place or "."):
                found.setdefault(name, version)
    return sorted((f"{name}=={version}" for name, version in found.items()), key=str.lower)


def _installed(folder: str) -> Iterator[tuple[str, str]]:
    """Name and version of each package whose metadata lies in a folder of `sys.path`."""
    if not os.path.isdir(folder):
        return  # an archive, or nothing at all
    for entry in sorted(os.listdir(folder)):
        if not entry.endswith((".dist-info", ".egg-info")):
            continue
        for inside in ("METADATA", "PKG-INFO", ""):
            path = os.path.join(folder, entry, inside).rstrip(os.sep)
            if os.path.isfile(path):
                with (
                    contextlib.suppress(OSError),
                    open(path, encoding="utf-8", errors="replace") as file,
                ):
                    # The headers come first; a package's readme may follow.
                    name, version = _name_and_version(file.read(4096))
                    if name and version:
                        yield name, version
                break


def _name_and_version(text: str) -> tuple[str, str]:
    name = version = ""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        line = text[start : end if end >= 0 else len(text)].rstrip("\r")
        if not line:  # the headers end here
            break
        key, _, value = line.partition(":")
        if key.lower() == "name":
            name = value.strip()
        elif key.lower() == "version":
            version = value.strip()
        if (name and version) or end < 0:
            break
        start = end + 1
    return name, version


# --- metadata --------------------------------------------------------------------------------


def metadata(
    *,
    started_at: float | None = None,
    program_path: str | None = None,
    root: str | None = None,
    host: str | None = None,
    email: str | None = None,
    username: str | None = None,
    docker: str | None = None,
    git: bool = True,
    git_remote: str = "origin",
    hardware: bool = True,
    disk_paths: Sequence[str] = ("/",),
) -> dict[str, Any]:
    """What wandb-metadata.json holds, ready for JSON; keys without a value are left out.

    Arguments that are None are found out where that is possible. `hardware` asks for processors,
    memory, disks and GPUs, and imports psutil for it. Byte counts are strings, as in wandb's file.
    """
    cwd = _quiet(os.getcwd, None)
    path = program_path if program_path is not None else program()
    no_args: list[str] = []
    no_facts: dict[str, Any] = {}
    checkout = git_facts(cwd, git_remote) if git and cwd is not None else None
    facts: dict[str, Any] = {
        "os": _quiet(_platform, None),
        "python": _quiet(_python, None),
        "startedAt": _quiet(
            lambda: _iso_time(time.time() if started_at is None else started_at), None
        ),
        "docker": docker,
        "args": _quiet(_arguments, no_args),
        "program": path,
        **_quiet(lambda: _code_paths(path, cwd, checkout), no_facts),
        "git": _git_entry(checkout),
        "email": email,
        "root": root if root is not None else cwd,
        "host": host if host is not None else _quiet(system.host, None),
        "username": username,
        "executable": getattr(sys, "executable", None),
    }
    if hardware:
        for probe in (_processors, _memory, lambda: _disks(disk_paths), _gpus):
            facts.update(_quiet(probe, no_facts))
    facts["slurm"] = _slurm(os.environ)
    facts["writerId"] = os.urandom(16).hex()
    return {key: value for key, value in facts.items() if value not in (None, "", [], {})}


def _platform() -> str:
    import platform

    return platform.platform()


def _python() -> str:
    import platform

    return f"{platform.python_implementation()} {platform.python_version()}"


def _iso_time(seconds: float) -> str:
    micros = round(seconds * 1_000_000)
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(micros // 1_000_000))
    return f"{whole}.{micros % 1_000_000:06d}Z"


def _arguments() -> list[str]:
    return [str(argument) for argument in getattr(sys, "argv", [])[1:]]


def _code_paths(
    path: str, cwd: str | None, checkout: Mapping[str, str | None] | None
) -> dict[str, str | None]:
    """Where the program stands in the checkout (else in the current folder), and in that folder."""
    if not os.path.isfile(path):
        return {}
    local = None if cwd is None else _relative(path, cwd)
    root = checkout["root"] if checkout is not None else None
    return {
        "codePath": local if root is None else _relative(path, root),
        "codePathLocal": local,
    }


def _git_entry(checkout: Mapping[str, str | None] | None) -> dict[str, str]:
    values = {key: (checkout or {}).get(key) for key in ("remote", "commit")}
    return {key: value for key, value in values.items() if value is not None}


def _processors() -> dict[str, Any]:
    import psutil

    logical = psutil.cpu_count(logical=True) or os.cpu_count()
    facts: dict[str, Any] = {
        "cpu_count": psutil.cpu_count(logical=False) or logical,
        "cpu_count_logical": logical,
    }
    model = _quiet(_cpu_model, None)
    if model:
        facts["cpu"] = {"model": model}
    return facts


def _cpu_model() -> str | None:
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return None


def _memory() -> dict[str, Any]:
    import psutil

    return {"memory": {"total": str(psutil.virtual_memory().total)}}


def _disks(paths: Sequence[str]) -> dict[str, Any]:
    import psutil

    disks: dict[str, Any] = {}
    for path in paths:
        usage = _quiet(lambda path=path: psutil.disk_usage(path), None)  # type: ignore[misc]
        if usage is not None:
            disks[path] = {"total": str(usage.total), "used": str(usage.used)}
    return {"disk": disks}


def _gpus() -> dict[str, Any]:
    from synadb.monitor.system_metrics import open_nvml

    nvml = open_nvml()
    try:
        handles = [
            nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())
        ]
        if not handles:
            return {}
        cards = [dict(_gpu(nvml, handle)) for handle in handles]
        cuda = _quiet(nvml.nvmlSystemGetCudaDriverVersion, None)
        facts: dict[str, Any] = {
            "gpu": cards[0].get("name"),
            "gpu_count": len(cards),
            "gpu_nvidia": cards,
        }
        if cuda:
            facts["cudaVersion"] = f"{cuda // 1000}.{cuda % 1000 // 10}"
        return facts
    finally:
        _quiet(nvml.nvmlShutdown, None)


def _gpu(nvml: Any, handle: Any) -> Iterator[tuple[str, Any]]:
    readings: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("name", lambda: _text(nvml.nvmlDeviceGetName(handle))),
        ("memoryTotal", lambda: str(nvml.nvmlDeviceGetMemoryInfo(handle).total)),
        ("cudaCores", lambda: int(nvml.nvmlDeviceGetNumGpuCores(handle))),
        ("architecture", lambda: _architecture(nvml, nvml.nvmlDeviceGetArchitecture(handle))),
        ("uuid", lambda: _text(nvml.nvmlDeviceGetUUID(handle))),
    )
    for key, read in readings:
        value = _quiet(read, None)
        if value is not None:
            yield key, value


def _text(value: str | bytes) -> str:
    # Older releases of the bindings answer in bytes.
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _architecture(nvml: Any, number: int) -> str | None:
    prefix = "NVML_DEVICE_ARCH_"
    for name in dir(nvml):
        if name.startswith(prefix) and getattr(nvml, name) == number:
            return name[len(prefix) :].capitalize()
    return None


def _slurm(environment: Mapping[str, str]) -> dict[str, str]:
    prefix = "SLURM_"
    return {
        name[len(prefix) :].lower(): value
        for name, value in sorted(environment.items())
        if name.startswith(prefix)
    }
