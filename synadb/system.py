"""What differs between operating systems: locks, fork hooks, block reservation, file systems."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Protocol

from synadb.errors import ReadOnlyStoreError, StoreBusyError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = [
    "FileLock",
    "ForkGate",
    "after_fork_in_child",
    "birth",
    "host",
    "is_network_path",
    "lives",
    "renew_after_fork",
    "reserve",
    "sync_file",
    "warn",
]

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
    # A closed or broken stderr must not turn a warning into a failure of the training script; nor
    # must one in use (RuntimeError), when a signal handler warns in the middle of a write.
    with contextlib.suppress(OSError, ValueError, AttributeError, RuntimeError):
        sys.stderr.write(f"synadb: {message}\n")


def host() -> str:
    """The name of this machine, as runs and journals record it."""
    if hasattr(os, "uname"):
        return os.uname().nodename
    import platform

    return platform.node()


def birth(pid: int) -> str:
    """What tells a process from a later one with its pid; empty where that cannot be told."""
    if not sys.platform.startswith("linux"):
        return ""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
        with open(f"/proc/{pid}/stat", "rb") as stat:
            # The name, in parentheses, may hold anything; the start time is field 22.
            ticks = stat.read().rpartition(b")")[2].split()[19].decode()
    except (OSError, ValueError, IndexError):
        return ""
    return f"{boot}:{ticks}"


def lives(pid: int, born: str) -> bool:
    """Whether the process of this machine with that pid, and that `birth` if known, runs still."""
    if sys.platform == "win32":
        import psutil

        return bool(psutil.pid_exists(pid))
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    now = birth(pid)
    return not (born and now and born != now)


def after_fork_in_child(function: Callable[[], None]) -> None:
    """Call `function` in every forked child; does nothing where there is no fork."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=function)


class Forkable(Protocol):
    """What holds locks, threads or descriptors that a forked child must have anew."""

    def _after_fork(self) -> None: ...


_forkable: weakref.WeakSet[Forkable] = weakref.WeakSet()


def renew_after_fork(thing: Forkable) -> None:
    """Call `thing._after_fork` in every forked child, for as long as somebody holds it."""
    _forkable.add(thing)


def _renew_all() -> None:
    for thing in list(_forkable):
        thing._after_fork()


after_fork_in_child(_renew_all)


FORK_SECONDS = 2.0  # a fork waits so long at most for those that are inside a gate


class ForkGate:
    """Keeps `fork` out of blocks of code: it waits for the threads inside.

    A child has the gate anew, with nobody in it. Any number of threads may be inside at once, and
    a thread more than once.
    """

    def __init__(self) -> None:
        self._renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._before_fork,
                after_in_parent=self._after_fork_in_parent,
                # The other threads are gone, and with them whoever was inside.
                after_in_child=self._renew,
            )

    def _renew(self) -> None:
        self._changed = threading.Condition()
        self._inside: dict[int, int] = {}  # thread -> nested calls
        self._forking = False
        self._alone: int | None = None  # the thread that has the gate for itself

    def __enter__(self) -> None:
        me = threading.get_ident()
        with self._changed:
            while me not in self._inside and (self._forking or self._alone not in (None, me)):
                self._changed.wait(FORK_SECONDS)
            self._inside[me] = self._inside.get(me, 0) + 1

    def __exit__(self, *_: object) -> None:
        me = threading.get_ident()
        with self._changed:
            self._inside[me] -= 1
            if not self._inside[me]:
                del self._inside[me]
                self._changed.notify_all()

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Keep all other threads out of the block; False when one of them is inside already."""
        me = threading.get_ident()
        with self._changed:
            alone = self._alone is None and self._inside.keys() <= {me}
            if alone:
                self._alone = me
        try:
            yield alone
        finally:
            if alone:
                with self._changed:
                    self._alone = None
                    self._changed.notify_all()

    def _before_fork(self) -> None:
        deadline = time.monotonic() + FORK_SECONDS
        self._changed.acquire()
        self._forking = True
        while self._inside.keys() - {threading.get_ident()}:
            rest = deadline - time.monotonic()
            if rest <= 0 or not self._changed.wait(rest):
                break

    def _after_fork_in_parent(self) -> None:
        self._forking = False
        self._changed.notify_all()
        self._changed.release()


def sync_file(path: str) -> None:
    """Have a file, or the names in a folder, written to the disk; OSError.

    Not for a file that SQLite locks: closing it here would end the locks of this process.
    """
    if os.path.isdir(path) and sys.platform == "win32":
        return  # a folder cannot be opened there
    fd = os.open(path, os.O_RDONLY if sys.platform != "win32" else os.O_RDWR)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


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


_NOT_SUPPORTED = (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP)
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, *_NOT_SUPPORTED)


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
    its name starts again. A forked child never holds its parent's lock. A signal handler may
    acquire what the frame below it holds, or is waiting for.

    Where the file system offers no locks, every attempt succeeds and `unsupported` is set.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self._fd: int | None = None
        self._thread_lock = threading.RLock()
        self._depth = 0
        self._trying = False
        self.unsupported = False

    def __del__(self) -> None:
        # Of a run that nobody holds any more: what it left behind is another's to bring in.
        if getattr(self, "_fd", None) is not None:
            self.drop()

    def acquire(self, timeout: float = 60.0) -> bool:
        """Take the lock, waiting up to `timeout` seconds; returns whether it was taken."""
        deadline = time.monotonic() + timeout
        if not self._thread_lock.acquire(timeout=max(0.0, timeout)):
            return False
        self._depth += 1
        pause = 0.0002
        taken = False
        try:
            while True:
                # A handler may have come while this waited, and has then left the lock to it.
                taken = self._fd is not None or self._try()
                if taken or self._trying or time.monotonic() >= deadline:
                    break
                time.sleep(pause * (0.5 + os.urandom(1)[0] / 256))
                pause = min(pause * 1.5, 0.01)
        finally:
            if not taken:
                self.release()
        return taken

    def _try(self) -> bool:
        with _opening:
            if self._trying:
                return False  # in a signal handler, over a frame that may hold the file already
            self._trying = True
            try:
                return self._try_once()
            finally:
                self._trying = False

    def _try_once(self) -> bool:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        try:
            fd = os.open(self.path, flags, 0o666)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            try:
                fd = os.open(self.path, flags, 0o666)
            except FileNotFoundError:  # whoever closes the database removes its empty folder
                return False
        try:
            if not self._lock_fd(fd) or not _same_file(fd, self.path):
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
            if error.errno in _NO_LOCKS:
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

    def hold(self, note: str) -> bool:
        """As `try_hold`, on the file that has the name now, and for a moment patiently.

        The file gets `note` as its content, unless the disk is full.
        """
        for _ in range(100):
            fd = self._fd
            if fd is not None and _same_file(fd, self.path):
                return True
            self.drop()
            if self._try():
                self._note(note.encode())
                return True
            if self._trying:
                break
            time.sleep(0.001)  # one that looked whether the owner lives is gone at once
        return False

    def _note(self, text: bytes) -> None:
        fd = self._fd
        if fd is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(fd, os.write(fd, text))

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
        self._trying = False
        self._thread_lock = threading.RLock()
        if fd is not None:
            with contextlib.suppress(OSError):
                os.close(fd)

    @contextlib.contextmanager
    def held(self, timeout: float = 60.0) -> Iterator[None]:
        """Hold the lock for a `with` block; StoreBusyError when it cannot be had in time."""
        try:
            taken = self.acquire(timeout)
        except PermissionError as error:
            raise ReadOnlyStoreError(
                f"{self.path} belongs to another user; make it and its folder writable"
            ) from error
        if not taken:
            raise StoreBusyError(
                f"{self.path} has been locked by another process for {timeout:.0f} s; "
                "if that process is stopped or stuck, end it and try again"
            )
        try:
            yield
        finally:
            self.release()


def _same_file(fd: int, path: str) -> bool:
    if sys.platform == "win32":
        return True  # an open file keeps its name there
    try:
        named = os.stat(path)
    except FileNotFoundError:
        return False
    mine = os.fstat(fd)
    return (mine.st_ino, mine.st_dev) == (named.st_ino, named.st_dev)
