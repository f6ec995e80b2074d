"""Every error SynaDB raises.

::

    SynaDBError
    ├── StorageError                the database file or what lies beside it
    │   ├── NotADatabaseError       the path holds something else
    │   ├── NewerSchemaError        written by a newer SynaDB
    │   ├── ReadOnlyStoreError      the file or its folder cannot be written
    │   ├── StoreFullError          no space left on the device
    │   ├── StoreBusyError          another process held the lock for too long
    │   └── CorruptStoreError       bytes that do not match their digest or format
    ├── NotFoundError (KeyError)
    │   ├── RunNotFoundError
    │   ├── MetricNotFoundError
    │   ├── SweepNotFoundError
    │   └── ArtifactNotFoundError
    ├── RunExistsError (ValueError)
    ├── RunEndedError
    ├── SweepStateError             the sweep is not in a state that allows it
    ├── InvalidValueError (ValueError, TypeError)
    ├── InstallError (RuntimeError) the drop-in came too late
    ├── MissingPackageError (ImportError)   an optional package is not installed
    ├── NotALogError (ValueError)   a file that is not in the format it was opened as
    └── NotYetSupportedError (AttributeError, NotImplementedError)
"""

from __future__ import annotations


class SynaDBError(Exception):
    """Base of every error raised by SynaDB."""


class StorageError(SynaDBError):
    """The database or a file beside it cannot be used; the message names path and mend."""


class NotADatabaseError(StorageError):
    """The path holds something that is not a SynaDB database."""


class NewerSchemaError(StorageError):
    """The database was written by a newer version of SynaDB."""


class ReadOnlyStoreError(StorageError):
    """The database or its folder is read-only and a write was asked for."""


class StoreFullError(StorageError):
    """The device that holds the database is full."""


class StoreBusyError(StorageError):
    """Another process or thread held the database for longer than the time-out."""


class CorruptStoreError(StorageError):
    """Stored bytes do not match their digest or format."""


class NotFoundError(SynaDBError, KeyError):
    """Something asked for by name or id is not in the database."""

    def __str__(self) -> str:
        # KeyError shows repr(args[0]); a sentence reads better without quotes.
        return str(self.args[0]) if self.args else ""


class RunNotFoundError(NotFoundError):
    """No run has this id."""


class MetricNotFoundError(NotFoundError):
    """The run has no metric of this name."""


class SweepNotFoundError(NotFoundError):
    """No sweep has this id."""


class ArtifactNotFoundError(NotFoundError):
    """There is no artifact, version, table or file of this name."""


class RunExistsError(SynaDBError, ValueError):
    """A run with this id is there already."""


class RunEndedError(SynaDBError):
    """The run has ended and takes no more data."""


class SweepStateError(SynaDBError):
    """The sweep has ended, or is in another state that does not allow what was asked for."""


class InvalidValueError(SynaDBError, ValueError, TypeError):
    """A name or value of the wrong kind; the message says which and what is accepted."""


class MissingPackageError(SynaDBError, ImportError):
    """A value needs a package that is not installed; the message has the command."""


class InstallError(SynaDBError, RuntimeError):
    """The real wandb is imported already: the drop-in cannot take its place here."""


class NotALogError(SynaDBError, ValueError):
    """A file is not in the format it was opened as."""


class NotYetSupportedError(SynaDBError, AttributeError, NotImplementedError):
    """A name that exists in wandb and not yet in the drop-in.

    An AttributeError, so that `hasattr` and `getattr` with a default see a name that is not there,
    and library code that copes with an older wandb copes with this one.
    """
