"""Reads the SQLite databases of other programs."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any
from urllib.parse import quote

from synadb.errors import NotADatabaseError

__all__ = ["read_foreign"]


def read_foreign(path: str, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of a query; the file is not written to. NotADatabaseError."""
    address = f"file:{quote(os.path.abspath(path))}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as db:
            # Texts of any bytes are better than none.
            db.text_factory = lambda content: content.decode("utf-8", "replace")
            return db.execute(query, parameters).fetchall()
    except (sqlite3.Error, UnicodeError) as error:  # a message may quote bytes of a broken file
        raise NotADatabaseError(f"{path}: {error}") from error
