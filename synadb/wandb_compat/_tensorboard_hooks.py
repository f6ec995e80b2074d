"""Notices where TensorBoard's writers write: those of tensorboard and torch, tensorboardX,
TensorFlow.

A writer library that is loaded is hooked at once, another one when it is imported; none is imported
from here. The classes themselves are changed, so that it does not matter who has imported them.
"""

from __future__ import annotations

import functools
import os
import re
import sys
import threading
import weakref
from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from synadb.system import after_fork_in_child
from synadb.wandb_compat._term import termwarn
from synadb.wandb_compat.sdk.lib.import_hooks import (
    register_post_import_hook,
    unregister_post_import_hook,
)

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["patch", "patch_once", "unpatch", "writers_of"]

# What wandb hooks: module, and name in it.
_FUNCTION = ("tensorflow.python.ops.gen_summary_ops", "create_summary_file_writer")
_CLASSES = (
    ("tensorflow.python.summary.writer.writer", "EventFileWriter"),
    ("tensorboard.summary.writer.event_file_writer", "EventFileWriter"),
    ("torch.utils.tensorboard.writer", "EventFileWriter"),
    ("tensorboardX.writer", "EventFileWriter"),
)
_HOOK_ID = "synadb: TensorBoard"
_PACKAGE = __name__.rpartition(".")[0]
_lock = threading.RLock()


def _renew_lock() -> None:
    global _lock
    _lock = threading.RLock()  # a thread that is gone in the child may have held it


after_fork_in_child(_renew_lock)


class _State:
    """What `patch` was given, and what undoes it."""

    save = True
    root_logdir = ""
    seen: ClassVar[set[str]] = set()  # log folders
    undo: ClassVar[list[Callable[[], None]]] = []
    writers: ClassVar[weakref.WeakSet[Any]] = weakref.WeakSet()


def patch(
    save: bool = True,
    tensorboard_x: bool | None = None,
    pytorch: bool | None = None,
    root_logdir: str = "",
) -> None:
    """Log what TensorBoard's writers write from now on to the run that is active then.

    `save` keeps the event files with the run. Keys begin with the part of a writer's folder that is
    below `root_logdir`. With `tensorboard_x` or `pytorch` TensorFlow's own writers are left alone.
    ValueError when it has been called before.
    """
    patched = _patched()
    with _lock:
        if patched["tensorboard"]:
            raise ValueError(
                "Tensorboard already patched. wandb.tensorboard.patch() takes one call; "
                "wandb.tensorboard.unpatch() takes it back, as it does sync_tensorboard=True of "
                "wandb.init()"
            )
        wanted = [*_CLASSES]
        if not pytorch and not tensorboard_x:
            wanted.insert(0, _FUNCTION)
        there = [place for place in wanted if _is_installed(place[0])]
        if not there:
            termwarn(
                "TensorBoard's files cannot be logged: no library that writes them is installed "
                "(torch with tensorboard, tensorboardX or tensorflow)"
            )
            return
        _State.save, _State.root_logdir = save, os.fspath(root_logdir or "")
        _State.seen.clear()
        patched["tensorboard"] = [[*place] for place in there]
        for module, name in there:
            register_post_import_hook(partial(_hook_loaded, name=name), _HOOK_ID, module)
            _State.undo.append(partial(unregister_post_import_hook, module, _HOOK_ID))


def patch_once() -> None:
    """`patch`, unless that has been done."""
    with _lock:
        if not _patched()["tensorboard"]:
            patch()


def unpatch() -> None:
    """Leave TensorBoard's writers alone from now on."""
    with _lock:
        for undo in reversed(_State.undo):
            undo()
        _State.undo.clear()
        _patched()["tensorboard"] = []


def writers_of(folders: Collection[str]) -> list[Any]:
    """The writers of this process that write to one of these folders."""
    with _lock:
        writers = list(_State.writers)
    return [writer for writer in writers if writer._synadb_folder in folders]


def _patched() -> dict[str, list[Any]]:
    patched: dict[str, list[Any]] = sys.modules[_PACKAGE].patched
    return patched


def _is_installed(module: str) -> bool:
    from importlib.util import find_spec

    top = module.partition(".")[0]
    try:
        return top in sys.modules or find_spec(top) is not None
    except (ImportError, ValueError):
        return False


def _hook_loaded(module: ModuleType, name: str) -> None:
    with _lock:
        if _patched()["tensorboard"]:
            _hook(module, name)


def _hook(module: ModuleType, name: str) -> None:
    found = getattr(module, name, None)
    if isinstance(found, type):
        _hook_class(found)
    elif found is not None:
        _hook_function(module, name, found)


def _hook_class(kind: Any) -> None:
    own = kind.__init__
    if hasattr(own, "_synadb"):
        return  # known by another name already

    @functools.wraps(own)
    def begin(self: Any, logdir: Any, *args: Any, **kwargs: Any) -> None:
        folder = _notice(logdir)
        own(self, logdir, *args, **kwargs)
        if folder:
            self._synadb_folder = folder
            with _lock:
                _State.writers.add(self)

    begin._synadb = True  # type: ignore[attr-defined]
    kind.__init__ = begin

    def undo() -> None:
        if kind.__init__ is begin:
            kind.__init__ = own

    _State.undo.append(undo)


def _hook_function(module: Any, name: str, own: Callable[..., Any]) -> None:
    if hasattr(own, "_synadb"):
        return

    @functools.wraps(own)
    def create(*args: Any, **kwargs: Any) -> Any:
        logdir: Any = kwargs.get("logdir", args[1] if len(args) > 1 else None)
        if hasattr(logdir, "numpy"):  # an eager tensor
            logdir = logdir.numpy()
        _notice(logdir)
        return own(*args, **kwargs)

    create._synadb = True  # type: ignore[attr-defined]
    setattr(module, name, create)

    def undo() -> None:
        if getattr(module, name) is create:
            setattr(module, name, own)

    _State.undo.append(undo)


def _notice(logdir: Any) -> str:
    """Tell the active run that a writer is about to write to `logdir`; its absolute path."""
    try:
        path = os.fsdecode(logdir)
    except TypeError:
        return ""  # a graph's tensor, whose value nobody knows yet
    folder = os.path.abspath(path)
    root = _State.root_logdir
    _State.seen.add(folder)
    if len(_State.seen) > 1 and not root:
        termwarn(
            "When using several event log directories, call "
            '`wandb.tensorboard.patch(root_logdir="...")` before `wandb.init`: it says which part '
            "of their paths the keys begin with",
            repeat=False,
        )
    import socket

    default = re.search(rf"-\d+_{re.escape(socket.gethostname())}", path)
    if default:
        root = path[: default.end()]  # a folder that the writer has named itself
    elif root and os.path.relpath(folder, root).partition(os.sep)[0] == os.pardir:
        termwarn(
            "Found log directory outside of given root_logdir, which is dropped for the event "
            f"files in {path}"
        )
        root = ""
    run = sys.modules[_PACKAGE].run
    callback = getattr(run, "_tensorboard_callback", None)
    if callback is not None:
        callback(path, save=_State.save, root_logdir=root)
    return folder
