"""What differs between operating systems: locks, fork hooks, block reservation, file systems."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator

from synadb.errors import StoreBusyError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["FileLock", "after_fork_in_child", "host", "is_network_path", "reserve", "warn"]

# File systems on which WAL's shared memory or a shared mapping cannot be trusted between hosts.
_NETWORK_TEXT = """\
nfs nfs4 cifs smb2 smb3 smbfs lustre gpfs beegfs glusterfs ceph afs 9p ncpfs webdav fuse.sshfs
fuse.glusterfs fuse.ceph fuse.wekafs wekafs fuse.s3fs fuse.gcsfuse fuse.rclone orangefs panfs
osxfuse macfuse
"""
NETWORK_TYPES = frozenset(_NETWORK_TEXT.split())

_warned: set[str] = set()


def warn(message: str, *, once: str | None = None) -> None:
    """Say something to the person on stderr; with `once`, a second call with that key is silent."""
    if once is not None:
        if once in _warned:
            return
        _warned.add(once)
    # A closed or broken stderr must not turn a warning into a failure of the training script.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"synadb: {message}\n")


def host() -> str:
    """The name of this machine, as runs and journals record it."""
    if hasattr(os, "uname"):
        return os.uname().nodename
    import platform

    return platform.node()


def after_fork_in_child(function: Callable[[], None]) -> None:
    """Call `function` in every forked child; does nothing where there is no fork."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=function)


def reserve(fd: int, size: int) -> None:
    """Give the file `size` bytes of real blocks, reading as zeros.

    Touching a hole in a mapped file on a full disk is SIGBUS; this raises OSError instead.
    """
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(fd, 0, size)
        except OSError as error:
            if error.errno not in _NOT_SUPPORTED:
                raise
        else:
            return
    zeros = bytes(65536)
    written = 0
    while written < size:
        written += os.write(fd, zeros[: size - written])
    os.lseek(fd, 0, os.SEEK_SET)


_NOT_SUPPORTED = (22, 95, 45, 102)  # EINVAL, EOPNOTSUPP on Linux, ENOTSUP and EOPNOTSUPP on macOS


def is_network_path(path: str | os.PathLike[str]) -> bool:
    """Whether `path` (which need not exist yet) lies on a network file system."""
    kind = _file_system_type(os.path.abspath(path))
    return kind in NETWORK_TYPES


def _file_system_type(path: str) -> str | None:
    if not sys.platform.startswith("linux"):
        if sys.platform == "win32":
            return None
        return _file_system_type_psutil(path)
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return None
    target = os.path.realpath(path)
    best, kind = "", None
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        mount = before.split()[4].replace("\\040", " ")
        prefix = mount.rstrip("/") + "/"
        if (target + "/").startswith(prefix) and len(prefix) >= len(best):
            best, kind = prefix, after.split()[0]
    return kind


def _file_system_type_psutil(path: str) -> str | None:
    import psutil

    target = os.path.realpath(path)
    best, kind = "", None
    for part in psutil.disk_partitions(all=True):
        prefix = part.mountpoint.rstrip("/") + "/"
        if (target + "/").startswith(prefix) and len(prefix) >= len(best):
            best, kind = prefix, part.fstype
    return kind


# Held while a lock file is open and its descriptor in no one's keeping: a fork in between would
# leave the child with a lock that it does not know of.
_opening = threading.RLock()


def _before_fork() -> None:
    _opening.acquire()


def _after_fork_in_parent() -> None:
    _opening.release()


def _after_fork_in_child() -> None:
    global _opening
    _opening = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )


class FileLock:
    """An exclusive lock between processes, on a file of its own; also excludes threads.

    The file may be removed by its holder (`remove`): who acquires a lock on a file that has lost
    its name starts again. A forked child never holds its parent's lock.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self._fd: int | None = None
        self._thread_lock = threading.RLock()
        self._depth = 0
        self.unsupported = False

    def acquire(self, timeout: float = 60.0) -> bool:
        """Take the lock, waiting up to `timeout` seconds; returns whether it was taken."""
        deadline = time.monotonic() + timeout
        if not self._thread_lock.acquire(timeout=max(0.0, timeout)):
            return False
        if self._depth:
            self._depth += 1
            return True
        pause = 0.0002
        while True:
            try:
                if self._try():
                    self._depth = 1
                    return True
            except BaseException:
                self._thread_lock.release()
                raise
            if time.monotonic() >= deadline:
                self._thread_lock.release()
                return False
            time.sleep(pause * (0.5 + os.urandom(1)[0] / 256))
            pause = min(pause * 1.5, 0.01)

    def _try(self) -> bool:
        with _opening:
            return self._try_once()

    def _try_once(self) -> bool:
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            return False
        try:
            if not self._lock_fd(fd):
                os.close(fd)
                return False
            if sys.platform != "win32" and not _same_file(fd, self.path):
                os.close(fd)
                return False
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        return True

    def _lock_fd(self, fd: int) -> bool:
        try:
            if sys.platform == "win32":
                msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        except OSError as error:
            if error.errno in (37, 38, *_NOT_SUPPORTED):  # ENOLCK, ENOSYS: locks not offered here
                self.unsupported = True
                return True
            raise
        return True

    def release(self) -> None:
        """Give the lock back."""
        self._depth -= 1
        if self._depth == 0:
            self.drop()
        self._thread_lock.release()

    def try_hold(self) -> bool:
        """Take the lock for the process, not a thread, without waiting; `drop` gives it back."""
        return self._fd is not None or self._try()

    def drop(self) -> None:
        """Give back what `try_hold` took, from any thread."""
        with _opening:
            fd, self._fd = self._fd, None
            if fd is not None:
                os.close(fd)

    def remove(self) -> None:
        """Remove the lock file while holding the lock."""
        with contextlib.suppress(OSError):
            os.unlink(self.path)

    def abandon(self) -> None:
        """In a forked child: let go of the inherited descriptor without unlocking the parent's."""
        fd, self._fd = self._fd, None
        self._depth = 0
        self._thread_lock = threading.RLock()
        if fd is not None:
            with contextlib.suppress(OSError):
                os.close(fd)

    @contextlib.contextmanager
    def held(self, timeout: float = 60.0) -> Iterator[None]:
        """Hold the lock for a `with` block; StoreBusyError when it cannot be had in time."""
        if not self.acquire(timeout):
            raise StoreBusyError(
                f"{self.path} has been locked by another process for {timeout:.0f} s; "
                "if that process is stopped or stuck, end it and try again"
            )
        try:
            yield
        finally:
            self.release()


def _same_file(fd: int, path: str) -> bool:
    try:
        named = os.stat(path)
    except FileNotFoundError:
        return False
    mine = os.fstat(fd)
    return (mine.st_ino, mine.st_dev) == (named.st_ino, named.st_dev)
