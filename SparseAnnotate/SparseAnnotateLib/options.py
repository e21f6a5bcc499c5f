"""Options of selectors and predictors: frozen dataclasses that the panel, the command line and job files share."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import InputError


@dataclass(frozen=True, kw_only=True)
class Options:
    """Base of all options; a subclass checks its values in `validate`."""

    def __post_init__(self):
        self.validate()

    def validate(self) -> None:
        """Raise InputError with a sentence for the user where a value makes no sense."""

    def check_files(self) -> None:
        """Raise InputError where a file that an option names is missing, or is seen to be of another kind.

        For commands, before they read a scan. What takes long to find out is left for later.
        """

    def to_dict(self) -> dict[str, Any]:
        """The options as JSON can hold them."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]):
        """Build from names and values; text is turned into the type that the option has (as on the command line).

        Raises
        ------
        InputError
            For an unknown name or a value of the wrong type.
        """
        hints = typing.get_type_hints(cls)
        names = [field.name for field in dataclasses.fields(cls)]
        unknown = [name for name in values if name not in names]
        if unknown:
            advice = f"choose among {', '.join(names)}" if names else "there are none to set"
            raise InputError(f"there is no option {unknown[0]!r}: {advice}")
        return cls(**{name: _coerce(name, value, hints[name]) for name, value in values.items()})


def _coerce(name: str, value: Any, hint: Any) -> Any:
    """`value` as the type `hint`; only text, and whole numbers for float, are converted."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _coerce_union(name, value, arguments)
    if origin is typing.Literal:
        if value not in arguments:
            raise InputError(f"{name} is {value!r}: choose among {', '.join(map(str, arguments))}")
        return value
    if origin is tuple:
        items = value.split(",") if isinstance(value, str) else value
        return tuple(_coerce(name, item, arguments[0]) for item in items)
    if hint is bool:
        return _coerce_bool(name, value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, hint) and not (isinstance(value, bool) and hint is int):
        return value
    if isinstance(value, str):
        try:
            return hint(value)
        except ValueError:
            pass
    raise InputError(f"{name} is {value!r}: give {_article(hint)}")


def _coerce_union(name: str, value: Any, arguments: tuple) -> Any:
    if type(None) in arguments and (value is None or (isinstance(value, str) and value.lower() in ("none", ""))):
        return None
    choices = [argument for argument in arguments if argument is not type(None)]
    for number, choice in enumerate(choices):
        try:
            return _coerce(name, value, choice)
        except InputError:
            if number == len(choices) - 1:
                raise
    raise AssertionError("a union has at least one member")


def _coerce_bool(name: str, value: Any) -> bool:
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise InputError(f"{name} is {value!r}: give true or false")


def _article(hint: type) -> str:
    return {int: "a whole number", float: "a number", str: "a text"}.get(hint, str(hint))
