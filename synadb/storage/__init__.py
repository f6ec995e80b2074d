"""Databases. The only place that names an engine, and the only one with SQL."""

from __future__ import annotations

import os

from synadb.storage.base import JournalMark, Store

__all__ = ["JournalMark", "Store", "open_store"]


def open_store(path: str | os.PathLike[str], *, read_only: bool = False) -> Store:
    """Open a database, creating it if there is none.

    Read-only media are opened read-only by themselves. Errors: NotADatabaseError,
    NewerSchemaError, ReadOnlyStoreError, StoreFullError, StoreBusyError.
    """
    from synadb.storage.sqlite import SQLiteStore

    return SQLiteStore(os.fspath(path), read_only=read_only)
