"""`save`, `restore`, `log_code`: files of a run."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any

from synadb.wandb_compat._term import termwarn
from synadb.wandb_compat.errors import CommError

if TYPE_CHECKING:
    from synadb.tracker import ExperimentTracker
    from synadb.wandb_compat._run import Run

__all__ = ["code_files", "restore", "save"]

_POLICIES = ("now", "live", "end")
_REMOTE = ("gs://", "s3://")


def save(
    run: Run,
    glob_str: Any,
    base_path: Any = None,
    policy: str = "live",
    glob: bool = True,
) -> list[str]:
    """Link files into `run.dir`, from where they are stored; the paths there."""
    if policy not in _POLICIES:
        raise ValueError(f"wandb.save(policy=) is one of {', '.join(_POLICIES)}, not {policy!r}")
    pattern = _text("glob_str", glob_str)
    if pattern.startswith(_REMOTE):
        termwarn(f"{pattern} is in a bucket and is not saved: only local files are")
        return []
    if base_path is not None:
        base = _text("base_path", base_path)
    elif os.path.isabs(pattern):
        # One folder above the file is kept, as part of its name.
        base = os.path.dirname(os.path.dirname(pattern))
    else:
        base = "."
    inside = os.path.relpath(pattern, base)
    if inside == ".." or inside.startswith(".." + os.sep):
        raise ValueError(
            f"wandb.save({pattern!r}): files above {os.path.abspath(base)} cannot be saved; give a "
            "base_path that holds them"
        )
    matches = dict.fromkeys(map(os.path.normpath, _matches(os.path.join(base, inside), glob=glob)))
    if not _below(base, run.sync_dir):
        # What a pattern such as **/* finds in the folders of runs is not meant.
        runs = run._settings.wandb_dir
        matches = {path: None for path in matches if not _below(path, runs)}
    saved = [_link(run.dir, base, path) for path in matches]
    if policy != "end":
        run._store_files([os.path.relpath(path, run.dir) for path in saved])
    return saved


def _text(what: str, value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, str | os.PathLike):
        path = os.fspath(value)
        return path if isinstance(path, str) else os.fsdecode(path)
    raise TypeError(f"wandb.save({what}=) takes a str, bytes or path, not {value!r}")


def _matches(path: str, *, glob: bool) -> Iterator[str]:
    if glob:
        from glob import iglob

        found = sorted(iglob(path, recursive=True))
    else:
        found = [path] if os.path.lexists(path) else []
    for place in found:
        if os.path.isdir(place):
            for folder, _, names in os.walk(place):
                paths = (os.path.join(folder, name) for name in sorted(names))
                yield from filter(os.path.isfile, paths)
        elif os.path.isfile(place):
            yield place


def _below(path: str, folder: str) -> bool:
    path, folder = os.path.realpath(path), os.path.realpath(folder)
    return path == folder or path.startswith(folder + os.sep)


def _link(folder: str, base: str, source: str) -> str:
    real = os.path.abspath(source)
    if _below(os.path.dirname(real), folder):
        return real  # it is there already
    target = os.path.join(folder, os.path.relpath(source, base))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(target)
    try:
        # A link, so that what is written to the file until the end of the run counts too.
        os.symlink(real, target)
    except (OSError, NotImplementedError):
        shutil.copy2(real, target)
    return target


def restore(
    name: str,
    run_path: str | None,
    replace: bool,
    root: str | None,
    *,
    run: Run | None,
    open_tracker: Callable[[], ExperimentTracker],
) -> IO[str] | None:
    """A file of a run, written below `root` unless it is there, opened for reading."""
    if run_path is None:
        if run is None:
            raise ValueError(
                "wandb.restore(run_path=) is needed without an active run: give 'project/id'"
            )
        run_id, tracker = run._native.run_id, run._tracker
    else:
        tracker = open_tracker()
        run_id = _stored_id(tracker, run_path)
    if root is None:
        root = run.dir if run is not None else os.getcwd()
    target = os.path.join(root, name)
    if os.path.exists(target) and not replace:
        return open(target, encoding="utf-8")
    from synadb.errors import ArtifactNotFoundError, RunNotFoundError

    os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
    try:
        tracker.download_file(run_id, name, target)
    except RunNotFoundError as error:
        raise CommError(f"Could not find run {run_path}") from error
    except ArtifactNotFoundError as error:
        raise ValueError(f"File {name} not found in {run_path or root}.") from error
    return open(target, encoding="utf-8")


def _stored_id(tracker: ExperimentTracker, run_path: str) -> str:
    """The id under which a run of `[[entity/]project/]id` is stored."""
    from synadb.errors import RunNotFoundError

    parts = [part for part in run_path.split("/") if part and part != "runs"]
    if len(parts) > 1:
        # Where another project has a run of this id.
        with contextlib.suppress(RunNotFoundError):
            return tracker.get_run("/".join(parts[-2:])).run_id
    return parts[-1] if parts else run_path


def _is_code(path: str, root: str) -> bool:
    name = os.path.basename(path)
    return (
        name.endswith(".py") or name == "requirements.txt" or name.lower().startswith("dockerfile")
    )


def _is_run_folder(path: str, root: str) -> bool:
    parts = os.path.relpath(path, root).split(os.sep)
    return parts[0] in ("wandb", ".wandb")


def code_files(
    root: str,
    include_fn: Callable[..., bool] | None,
    exclude_fn: Callable[..., bool] | None,
) -> dict[str, str]:
    """The files of code below a folder: name there -> path."""
    root = os.path.abspath(root)
    include = _two_arguments(include_fn or _is_code)
    exclude = _two_arguments(exclude_fn or _is_run_folder)
    found = {}
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            if include(path, root) and not exclude(path, root):
                found[os.path.relpath(path, root).replace(os.sep, "/")] = path
    return found


def _two_arguments(function: Callable[..., bool]) -> Callable[[str, str], bool]:
    """Functions of a path alone are accepted beside those of path and root."""
    import inspect

    try:
        count = len(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        count = 2
    return function if count >= 2 else lambda path, root: function(path)
