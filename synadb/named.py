"""`NamedTuple` as `typing` has it, whose classes take less time to define.

The start of every training script pays for the definition of each class of ops and records, and
`typing.NamedTuple` compiles a constructor for each. Here one constructor serves all: a little
slower to call, fifteen times as fast to define.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from collections.abc import Iterable
    from operator import itemgetter
    from typing import Any

    class _Definition(type):
        def __new__(
            mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]
        ) -> _Definition:
            namespace["__slots__"] = ()
            if name != "NamedTuple":
                fields = tuple(namespace["__annotations__"])
                defaults = {field: namespace[field] for field in fields if field in namespace}
                for number, field in enumerate(fields):
                    namespace[field] = property(itemgetter(number))
                namespace["_fields"] = namespace["__match_args__"] = fields
                namespace["_field_defaults"] = defaults
            return type.__new__(mcls, name, bases, namespace)

    class NamedTuple(tuple, metaclass=_Definition):
        """A tuple whose items have names; see the module."""

        def __new__(cls, *args: Any, **named: Any) -> NamedTuple:
            """Take the fields in order or by name; TypeError."""
            fields = cls._fields
            if len(args) != len(fields) or named:
                values = {**cls._field_defaults, **named, **dict(zip(fields, args, strict=False))}
                if (
                    len(args) > len(fields)
                    or values.keys() != {*fields}
                    or not named.keys().isdisjoint(fields[: len(args)])
                ):
                    raise TypeError(
                        f"{cls.__name__}() takes {', '.join(fields)}; given are {len(args)} by "
                        f"position and {', '.join(named) or 'none'} by name"
                    )
                args = tuple(values[field] for field in fields)
            return tuple.__new__(cls, args)

        @classmethod
        def _make(cls, values: Iterable[Any]) -> NamedTuple:
            return cls(*values)

        def _asdict(self) -> dict[str, Any]:
            return dict(zip(self._fields, self, strict=True))

        def _replace(self, **changed: Any) -> NamedTuple:
            return type(self)(**{**self._asdict(), **changed})

        def __getnewargs__(self) -> tuple[Any, ...]:
            return tuple(self)

        def __repr__(self) -> str:
            shown = ", ".join(f"{name}={value!r}" for name, value in self._asdict().items())
            return f"{type(self).__name__}({shown})"


__all__ = ["NamedTuple"]
