"""`wandb.Object3D`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from synadb.wandb_compat import _arrays
from synadb.wandb_compat._media._sources import FileMedia, is_path, read
from synadb.wandb_compat._media.base import BatchableMedia, Sink

__all__ = ["Object3D"]

_EXTENSION = ".pts.json"


class Object3D(FileMedia, BatchableMedia):
    """A cloud of points as a numpy array (n, 3), (n, 4) or (n, 6), a scene as a dict, or a file.

    A scene is {"type": "lidar/beta", "points": ..., "boxes": ..., "vectors": ...}. A file object
    without a name needs `file_type`.
    """

    _log_type: ClassVar[str | None] = "object3D-file"
    _folder: ClassVar[str] = "media/object3D"
    SUPPORTED_TYPES: ClassVar[set[str]] = {"obj", "gltf", "glb", "babylon", "stl", "pts.json"}
    SUPPORTED_POINT_CLOUD_TYPES: ClassVar[set[str]] = {"lidar/beta"}

    def __init__(self, data_or_path: Any, caption: str | None = None, **kwargs: Any) -> None:
        super().__init__(caption)
        self._points: Any = None
        self._scene: tuple[str, Any, Any, Any] | None = None
        if not is_path(data_or_path) and isinstance(getattr(data_or_path, "name", None), str):
            data_or_path = data_or_path.name
        if hasattr(data_or_path, "read"):
            kind = kwargs.get("file_type")
            if kind is None:
                raise ValueError(
                    "wandb.Object3D: must pass file type keyword argument when using io objects, "
                    f"file_type= one of {self._types()}"
                )
            if kind not in self.SUPPORTED_TYPES:
                raise ValueError(
                    "wandb.Object3D: Object 3D only supports numpy arrays or files of the type: "
                    f"{self._types()}, not {kind!r}"
                )
            self._set_content(read(data_or_path), f".{kind}")
        elif is_path(data_or_path):
            path = str(data_or_path)
            self._set_file(path, extension=self._extension_of(path))
        elif isinstance(data_or_path, dict) and "type" in data_or_path:
            self._set_scene(data_or_path)
        else:
            self._set_points(data_or_path)

    def _types(self) -> str:
        return ", ".join(sorted(self.SUPPORTED_TYPES))

    def _extension_of(self, path: str) -> str:
        for kind in self.SUPPORTED_TYPES:
            if path.endswith(f".{kind}"):
                return f".{kind}"
        raise ValueError(
            f"wandb.Object3D: file {path!r} is not compatible with Object3D: "
            f"supported types are: {self._types()}"
        )

    def _set_scene(self, scene: dict[str, Any]) -> None:
        if scene["type"] not in self.SUPPORTED_POINT_CLOUD_TYPES:
            raise ValueError(
                "wandb.Object3D: type not supported, only 'lidar/beta' is currently supported, "
                f"not {scene['type']!r}"
            )
        points, boxes, vectors = (
            _copied(scene.get(name, ())) for name in ("points", "boxes", "vectors")
        )
        self._scene = scene["type"], points, boxes, vectors
        self._extension = _EXTENSION

    def _set_points(self, points: Any) -> None:
        import numpy as np

        from synadb.media.object3d import check_points

        if not isinstance(points, np.ndarray):
            raise ValueError(
                "wandb.Object3D: data must be a numpy array, dict or a file object, not "
                f"{type(points).__name__}; convert it with numpy.asarray(data)"
            )
        check_points(points)
        self._points = points.copy()
        self._extension = _EXTENSION

    @classmethod
    def from_file(cls, data_or_path: Any, file_type: str | None = None) -> Object3D:
        """An object from a path, or from a file object of this type."""
        return cls(data_or_path, file_type=file_type)

    @classmethod
    def from_numpy(cls, data: Any) -> Object3D:
        """A cloud of points: rows of x, y, z and perhaps a category or a colour."""
        import numpy as np

        if not isinstance(data, np.ndarray):
            raise ValueError(
                f"wandb.Object3D.from_numpy: `data` must be a numpy array, not {type(data)}"
            )
        return cls(data)

    @classmethod
    def from_point_cloud(
        cls,
        points: Any,
        boxes: Any,
        vectors: Any = None,
        point_cloud_type: str = "lidar/beta",
    ) -> Object3D:
        """A scene: points, boxes as `wandb.box3d` makes them, and vectors."""
        if point_cloud_type not in cls.SUPPORTED_POINT_CLOUD_TYPES:
            raise ValueError(
                "wandb.Object3D.from_point_cloud: point cloud type not supported: "
                f"{point_cloud_type!r}; it has to be 'lidar/beta'"
            )
        import numpy as np

        return cls(
            {
                "type": point_cloud_type,
                "points": np.array(points),
                "boxes": np.array(boxes),
                "vectors": np.array([] if vectors is None else vectors),
            }
        )

    def _encode(self) -> tuple[bytes | str, str]:
        from synadb.media.object3d import encode_points, encode_scene

        if self._points is not None:
            return encode_points(self._points), _EXTENSION
        if self._scene is not None:
            return encode_scene(*self._scene), _EXTENSION
        return super()._encode()

    @classmethod
    def _list_to_run_value(cls, items: Sequence[Any], sink: Sink, key: str, step: int | str) -> Any:
        objects = cls._each_to_run_value(items, sink, key, step)
        return {
            "_type": "object3D",
            "filenames": [json["path"].removeprefix(f"{cls._folder}/") for json in objects],
            "count": len(objects),
            "objects": objects,
        }


def _copied(values: Any) -> Any:
    """A part of a scene as lists that nobody else has."""
    import copy

    array = _arrays.as_numpy(values)
    if array is not None:
        # Elements of an array of objects, such as boxes, are still the caller's.
        return copy.deepcopy(array.tolist()) if array.dtype.hasobject else array.tolist()
    return copy.deepcopy(list(values))
