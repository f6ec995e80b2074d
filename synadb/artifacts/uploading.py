"""Long content on its way from a draft into the database."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synadb.artifacts.staging import Content
from synadb.artifacts.streams import Hashes, Readable, batches
from synadb.errors import StorageError
from synadb.storage.drafts import Incoming

if TYPE_CHECKING:
    from synadb.artifact_records import EntryRecord
    from synadb.storage import Store

__all__ = ["Upload", "incoming"]

LONG_PIECES = 32  # content from here on is worth what `Store.bulk` costs


class Upload:
    """A stream on its way into the database, in transactions of a few MiB.

    With `owner` the draft's row is made first.
    """

    def __init__(self, store: Store, uid: str, owner: Mapping[str, Any] | None) -> None:
        self._store = store
        self._uid = uid
        self._owner = owner
        self._content: int | None = None

    def __enter__(self) -> Upload:
        with self._store.versions(write=True) as tables:
            if self._owner is not None:
                tables.drafts.begin(self._uid, self._owner, time.time())
            self._content = tables.drafts.begin_upload(self._uid, time.time())
        return self

    def run(self, stream: Readable) -> Content:
        """Read it to the end."""
        hashes = Hashes()
        position = 0
        assert self._content is not None
        with contextlib.ExitStack() as stack:
            for batch in batches(stream, hashes):
                if position < LONG_PIECES <= position + len(batch):
                    stack.enter_context(self._store.bulk())
                with self._store.versions(write=True) as tables:
                    tables.drafts.upload(self._uid, self._content, position, batch)
                position += len(batch)
        return Content(hashes.sha256, hashes.md5, hashes.size)

    def finish(self, entry: EntryRecord, content: Content) -> None:
        """Put it under the path."""
        assert self._content is not None
        with self._store.versions(write=True) as tables:
            tables.drafts.end_upload(self._uid, self._content, incoming(entry, content))
        self._content = None

    def __exit__(self, *_: object) -> None:
        if self._content is not None:
            # What cannot be dropped goes with the draft; the error under way is the one to tell.
            with (
                contextlib.suppress(StorageError),
                self._store.versions(write=True) as tables,
            ):
                tables.drafts.drop_upload(self._uid, self._content)


def incoming(entry: EntryRecord, content: Content) -> Incoming:
    """What the database is to have under the path of an entry."""
    return Incoming(
        entry.path,
        content.sha256,
        content.md5,
        content.size,
        content.pieces,
        None,
        None,
        entry.extra,
    )
