"""What all data types share: a value that becomes JSON in a row, and usually a file beside it.

A data type captures what it is given when it is constructed, so that later changes of an array or
a file handle do not matter. Encoding happens later, once, and may happen in another thread:
`_to_run_value` is called with a `Sink`, which keeps the file and says where.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple, Protocol

from synadb.media.value import Stored, clean_key, moved
from synadb.wandb_compat._media import custom
from synadb.wandb_compat._values import history_value

__all__ = [
    "ArtifactSink",
    "BatchableMedia",
    "InArtifact",
    "Media",
    "Place",
    "Sink",
    "Stored",
    "WBValue",
    "captured",
    "clean_key",
    "is_artifact",
]

# Where the classes are that an artifact may hold; a module is imported when it does.
_HOMES = {
    "audio-file": "audio",
    "bokeh-file": "bokeh",
    "bounding-boxes": "image",
    "classes": "image",
    "eval-table": "table",
    "graph-file": "graph",
    "histogram": "histogram",
    "html-file": "html",
    "image-file": "image",
    "joined-table": "table",
    "mask": "image",
    "molecule-file": "molecule",
    "object3D-file": "object_3d",
    "partitioned-table": "table",
    "plotly-file": "plotly",
    "table": "table",
    "video-file": "video",
    "wb_trace_tree": "trace_tree",
}


class Place(NamedTuple):
    """What names a file of a run: the row that logs the value first."""

    token: object  # that of the sink
    key: str
    step: int | str


class Sink(Protocol):
    """What keeps the files of one run."""

    run_id: str
    token: object  # another one as soon as files that were put are given up

    def put(
        self, folder: str, key: str, step: int | str, content: bytes | str, extension: str
    ) -> Stored:
        """Keep `content` (bytes, or the path of a file) as
        `<folder>/<key>_<step>_<first 20 of its SHA-256><extension>`.
        """

    def put_artifact(self, name: str, type: str, files: dict[str, bytes]) -> str:
        """Keep files as the next version of an artifact; returns its client id."""

    def set_config(self, key: str, name: str, value: Any) -> None:
        """Set `config._wandb[key][name]`."""


class ArtifactSink:
    """What keeps the files of media in an artifact, each under its digest."""

    def keep(self, folder: str, content: bytes | str, end: str) -> Stored:
        """Keep `content` (bytes, or the path of a file) as `<folder>/<20 of its digest><end>`.

        `end` is an extension, and the digest is the MD5; or a slash and the name of a file of the
        script, and the digest is the SHA-256. So are wandb's, and an artifact's digest is one of
        the paths in it, too.
        """
        import hashlib

        if isinstance(content, str):
            with open(content, "rb") as file:
                content = file.read()
        named = digest = hashlib.sha256(content).hexdigest()
        if not end.startswith("/"):
            named = hashlib.md5(content, usedforsecurity=False).hexdigest()
        path = f"{folder}/{named[:20]}{end}"
        self.add(path, content)
        return Stored(path, digest, len(content))

    def add(self, path: str, content: bytes) -> None:
        """Keep a file at this very path, unless there is one."""
        raise NotImplementedError

    def is_free(self, path: str, content: bytes) -> bool:
        """Whether no other content is kept at this path."""
        raise NotImplementedError

    def refer(self, folder: str, address: str) -> str:
        """Keep an address of another machine; returns its path."""
        raise NotImplementedError


def md5_base64(content: bytes) -> str:
    """The MD5 of content, as artifacts spell it."""
    import hashlib

    from synadb.artifact_records import b64_md5

    return b64_md5(hashlib.md5(content, usedforsecurity=False).digest())


class InArtifact(ArtifactSink):
    """The sink of an artifact that a script is building."""

    def __init__(self, artifact: Any) -> None:
        self.artifact = artifact

    def add(self, path: str, content: bytes) -> None:
        """Keep a file at this very path, unless there is one."""
        self.artifact._add_bytes(path, content)

    def is_free(self, path: str, content: bytes) -> bool:
        """Whether no other content is kept at this path."""
        entry = self.artifact.manifest.entries.get(path)
        return entry is None or entry.digest == md5_base64(content)

    def refer(self, folder: str, address: str) -> str:
        """Keep an address of another machine; returns its path."""
        import hashlib

        digest = hashlib.sha256(address.encode()).hexdigest()
        path = f"{folder}/{digest[:20]}/{address.rpartition('/')[2]}"
        if path not in self.artifact.manifest.entries:
            self.artifact.add_reference(address, name=path, checksum=False)
        return path


def is_artifact(value: Any) -> bool:
    """Whether this is an artifact, which takes files by their names."""
    return hasattr(value, "new_file") and hasattr(value, "manifest")


class _InArtifact:
    """An artifact, and the name of a value in it."""

    def __init__(self, artifact: Any, name: str | None = None) -> None:
        self.artifact = artifact
        self.name = name


class WBValue:
    """A value that a row keeps as a JSON object with a `_type`."""

    _log_type: ClassVar[str | None] = None
    _classes_by_type: ClassVar[dict[str, type[WBValue]]] = {}
    _is_custom: ClassVar[bool] = False  # a script's own, by wandb's methods
    _artifact_source: _InArtifact | None = None
    _artifact_target: _InArtifact | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        kind = cls.__dict__.get("_log_type")
        if kind is not None:
            WBValue._classes_by_type.setdefault(kind, cls)
        custom.adapt(cls)

    def _to_run_value(self, sink: Sink, key: str, step: int | str) -> Any:
        """The JSON of this value under the last key of its path; files go to `sink`."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        from synadb.wandb_compat._media._showing import shown

        return shown(self)

    def _artifact_json(self, sink: ArtifactSink) -> dict[str, Any]:
        """The JSON of this value in an artifact; files go to `sink`."""
        raise NotImplementedError

    def _run_json(self, run: Any) -> dict[str, Any]:
        raise NotImplementedError

    def to_json(self, run_or_artifact: Any) -> dict[str, Any]:
        """The JSON of this value in a run that it is bound to, or in an artifact, which then has
        its files.
        """
        if is_artifact(run_or_artifact):
            json: dict[str, Any] = custom.built_in(self, "_artifact_json")(
                InArtifact(run_or_artifact)
            )
            return json
        if not hasattr(type(run_or_artifact), "_sink"):
            raise TypeError(
                f"{type(self).__name__}.to_json accepts wandb_run.Run or "
                f"wandb_artifact.Artifact, not {type(run_or_artifact).__name__}"
            )
        return self._run_json(run_or_artifact)

    @classmethod
    def from_json(cls, json_obj: dict[str, Any], source_artifact: Any) -> WBValue:
        """The value whose JSON this is, with its files from the artifact."""
        raise NotImplementedError(f"a {cls.__name__} cannot be read from an artifact")

    @staticmethod
    def init_from_json(json_obj: dict[str, Any], source_artifact: Any) -> WBValue | None:
        """The value of whatever class this JSON is of; None if it is of none."""
        kind = json_obj.get("_type")
        found = WBValue._class_of(kind) if isinstance(kind, str) else None
        return None if found is None else found.from_json(json_obj, source_artifact)

    @staticmethod
    def type_mapping() -> dict[str, type[WBValue]]:
        """The classes by the `_type` of their JSON."""
        for kind in _HOMES:
            WBValue._class_of(kind)
        return dict(WBValue._classes_by_type)

    @staticmethod
    def _class_of(kind: str) -> type[WBValue] | None:
        home = _HOMES.get(kind)
        if kind not in WBValue._classes_by_type and home is not None:
            import importlib

            importlib.import_module(f"{__package__}.{home}")
        return WBValue._classes_by_type.get(kind)

    @classmethod
    def with_suffix(cls, name: str, filetype: str = "json") -> str:
        """The name of the file that an artifact keeps the JSON of such a value in."""
        suffix = filetype if cls._log_type is None else f"{cls._log_type}.{filetype}"
        return name if name.endswith(suffix) else f"{name}.{suffix}"

    def _set_artifact_source(self, artifact: Any, name: str | None = None) -> None:
        self._artifact_source = _InArtifact(artifact, name)

    def _set_artifact_target(self, artifact: Any, name: str | None = None) -> None:
        self._artifact_target = _InArtifact(artifact, name)


class Media(WBValue):
    """A value with a file. Subclasses say how it is encoded and what the row says of it."""

    _folder: ClassVar[str] = "media"
    _versioned: ClassVar[bool] = False  # whether logging it makes a version of an artifact
    _given: ClassVar[tuple[str, ...]] = ("_caption",)  # what a row says as the script put it
    _original: Media | None = None  # of `_as_it_is`: whose files these are

    def __init__(self, caption: str | None = None) -> None:
        self._caption = caption
        self._file: str | None = None  # the path of what the script gave
        self._is_tmp = False
        self._extension = ""
        self._stored: Stored | None = None
        self._stored_at: Place | None = None
        self._place: Place | None = None  # where the next row finds its file
        self._storing = threading.RLock()

    def _encode(self) -> tuple[bytes | str, str]:
        """The content, or the path of a file that holds it, and the extension with its dot."""
        if self._file is None:
            raise NotImplementedError
        return self._file, self._extension

    def _set_file(self, path: str, is_tmp: bool = False, extension: str | None = None) -> None:
        """Let this be the file. A run that has it removes one that `is_tmp`."""
        if extension is not None and not path.endswith(extension):
            raise AssertionError(
                f'Media file extension "{extension}" must occur at the end of path "{path}".'
            )
        with open(path, "rb"):
            pass  # that there is such a file
        self._file, self._is_tmp = path, is_tmp
        self._extension = os.path.splitext(path)[1] if extension is None else extension

    @property
    def _path(self) -> str | None:
        """Where the file is."""
        return self._file

    @property
    def _sha256(self) -> str:
        """The digest of the file."""
        if self._stored is not None:
            return self._stored.sha256
        import hashlib

        return hashlib.sha256(self._bytes()).hexdigest()

    @property
    def _size(self) -> int | None:
        """That of the file, in bytes."""
        return len(self._bytes()) if self._stored is None else self._stored.size

    def _bytes(self) -> bytes:
        content, _ = self._encode()
        if isinstance(content, bytes):
            return content
        with open(content, "rb") as file:
            return file.read()

    def _facts(self) -> dict[str, Any]:
        """What a row says of it beside path, size and digest."""
        return {} if self._caption is None else {"caption": self._caption}

    def _make_plain(self) -> None:
        """Make data that nobody else has of what the script says of it.

        TypeError for what has no JSON, UnicodeDecodeError for bytes that are no UTF-8.
        """
        for name in self._given:
            value = getattr(self, name, None)
            if value is not None:
                setattr(self, name, history_value(value))

    def _to_run_value(self, sink: Sink, key: str, step: int | str) -> Any:
        _, key, step = self._claim(sink, key, step)
        return self._row_json(sink, key, step, self._facts())

    def _row_json(
        self, sink: Sink, key: str, step: int | str, facts: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The JSON of this value in a row that says `facts` of it; its file is that of a key and
        step.
        """
        stored = self._store(sink, key, step)
        return {"_type": self._log_type or "file", **facts, **stored.as_json()}

    def _as_it_is(self) -> Media:
        """What a row says of this value by now; the file is the same."""
        if self._is_custom:
            return self
        found = object.__new__(type(self))
        found.__dict__ = {**self.__dict__, "_original": self}
        return found

    def _encoder(self, sink: Sink, key: str, step: int | str) -> Callable[[], Any]:
        """What makes the JSON later, which says of this value what is so by now."""
        if type(self)._to_run_value is not Media._to_run_value:
            return partial(self._to_run_value, sink, key, step)
        return partial(self._row_json, sink, key, step, self._facts())

    def _claim(self, sink: Sink, key: str, step: int | str, anew: bool = False) -> Place:
        """Where its file belongs: the place of the first time that a run logs it, until a list has
        it, which gives each value a place of its own (`anew`).

        `log` asks for this in the thread of the script: which of several rows is encoded first is
        chance.
        """
        place = self._place
        if anew or place is None or place.token is not sink.token:
            self._place = place = Place(sink.token, key, step)
        return place

    def _store(self, sink: Sink, key: str, step: int | str) -> Stored:
        """Its file with this key and step, which may be there already."""
        if self._original is not None:
            return self._original._store(sink, key, step)
        place = Place(sink.token, key, step)
        with self._storing:
            if self._stored is None or self._stored_at != place:
                self._stored = self._put(sink, key, step)
                self._stored_at = place
            return self._stored

    def _store_in_list(self, sink: Sink, key: str, step: int | str) -> Stored:
        if self._is_custom:
            self._claim(sink, key, step, anew=True)
        return self._store(sink, key, step)

    def _listed_json(self, sink: Sink, key: str, step: int | str) -> dict[str, Any]:
        """The JSON of a value of a list, which has this place since the list was logged."""
        if not self._is_custom:
            return self._row_json(sink, key, step, self._facts())
        self._store_in_list(sink, key, step)
        json: dict[str, Any] = self._to_run_value(sink, key, step)
        return json

    def _put(self, sink: Sink, key: str, step: int | str) -> Stored:
        content, extension = self._encode()
        stored = sink.put(self.get_media_subdir(), key, step, content, extension)
        if self._is_tmp and self._file is not None:
            self._is_tmp = False
            self._file = moved(self._file, self)
        return stored

    def _artifact_json(self, sink: ArtifactSink) -> dict[str, Any]:
        content, extension = self._encode()
        stored = sink.keep(self.get_media_subdir(), content, self._artifact_end(extension))
        facts = {"path": stored.path, "sha256": stored.sha256}
        return {"_type": self._log_type, **self._facts(), **facts}

    def _artifact_end(self, extension: str) -> str:
        """The end of the file's path in an artifact."""
        # A file of the script keeps its name.
        given = self._file is not None and not self._is_tmp
        return f"/{os.path.basename(str(self._file))}" if given else extension

    def _run_json(self, run: Any) -> dict[str, Any]:
        if self._place is None:
            raise AssertionError(
                f"Value of type {type(self).__name__} must be bound to a run with bind_to_run() "
                "before being serialized to JSON."
            )
        if self._place.token is not run._sink.token:
            raise AssertionError(
                f"This {type(self).__name__} is in another run: log it to {run.id} as well."
            )
        # One that waits is encoded here: an encoder that asks must not wait for its own pool.
        json: dict[str, Any] = custom.built_in(self, "_to_run_value")(run._sink, "", "")
        return json

    def bind_to_run(
        self,
        run: Any,
        key: int | str,
        step: int | str,
        id_: int | str | None = None,
        ignore_copy_err: bool | None = None,
    ) -> None:
        """Keep the file of this value in a run, as `log` would do it; `id_` goes into its name."""
        if not hasattr(type(run), "_sink"):
            raise TypeError(f"bind_to_run accepts wandb.Run, not {type(run).__name__}")
        self._bind(run._sink, str(key), step if id_ is None else f"{step}_{id_}")

    def _bind(self, sink: Sink, key: str, step: int | str) -> None:
        captured(self)
        self._claim(sink, key, step, anew=True)
        custom.built_in(self, "_to_run_value")(sink, key, step)

    def is_bound(self) -> bool:
        """Whether its file is in a run, or on the way there."""
        return self._place is not None

    @classmethod
    def from_json(cls, json_obj: dict[str, Any], source_artifact: Any) -> Media:
        """The value whose JSON this is, with its files from the artifact."""
        return cls._from_file(_downloaded(json_obj, source_artifact), json_obj)

    @classmethod
    def _from_file(cls, path: str, json_obj: dict[str, Any]) -> Media:
        raise NotImplementedError(f"a {cls.__name__} cannot be read from an artifact")

    @classmethod
    def get_media_subdir(cls) -> str:
        """The folder of such files inside a run."""
        if cls._folder == Media._folder:
            raise NotImplementedError(f"a {cls.__name__} has no files of its own")
        return cls._folder

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, type(self)) or not (self._has_file and other._has_file):
            return False
        return self._sha256 == other._sha256

    def __hash__(self) -> int:
        return id(self)

    @property
    def _has_file(self) -> bool:
        return self._file is not None or type(self)._encode is not Media._encode

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_storing"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._storing = threading.RLock()


class BatchableMedia(Media):
    """Media of which a list is one value."""

    @classmethod
    def _list_to_run_value(cls, items: Sequence[Any], sink: Sink, key: str, step: int | str) -> Any:
        """The JSON of a list of such values, all of this class."""
        raise NotImplementedError

    @classmethod
    def _list_encoder(
        cls, items: Sequence[Any], sink: Sink, key: str, step: int | str
    ) -> Callable[[], Any]:
        """What makes the JSON of a list later, which says of its values what is so by now."""
        for item in items[: getattr(cls, "MAX_ITEMS", len(items))]:
            if not item._is_custom:
                item._claim(sink, key, step, anew=True)
        return partial(
            cls._list_to_run_value, [item._as_it_is() for item in items], sink, key, step
        )

    @staticmethod
    def _each_to_run_value(
        items: Sequence[Any], sink: Sink, key: str, step: int | str
    ) -> list[dict[str, Any]]:
        """The JSON of each value of a list."""
        return [item._listed_json(sink, key, step) for item in items]

    @classmethod
    def seq_to_json(cls, seq: Sequence[Any], run: Any, key: str, step: int | str) -> dict[str, Any]:
        """The JSON of a list of such values, which are kept in the run."""
        for item in seq[: getattr(cls, "MAX_ITEMS", len(seq))]:
            item._claim(run._sink, key, step, anew=True)
        json: dict[str, Any] = custom.built_in(cls, "_list_to_run_value")(seq, run._sink, key, step)
        return json


def captured(value: Any) -> Any:
    """A value as it is now, where it may still change; `log` calls this in the script's thread.

    The errors are those of what cannot be logged: afterwards there is nobody to raise them to.
    """
    snapshot = getattr(value, "_snapshot", None)
    found = value if snapshot is None else snapshot()
    if isinstance(found, Media):
        found._make_plain()
    return found


def _downloaded(json_obj: dict[str, Any], source_artifact: Any) -> str:
    """The file that the JSON of a value names, on this machine."""
    path: str = source_artifact.get_entry(json_obj["path"]).download()
    return path
