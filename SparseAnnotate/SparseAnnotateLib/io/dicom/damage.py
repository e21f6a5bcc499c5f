"""What is wrong with damaged files as one sentence; our own mistakes stay what they are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...errors import InputError

if TYPE_CHECKING:
    import pydicom

_OURS = __name__.partition(".")[0]
_THEIRS = ("pydicom", "highdicom")


class UnusableValueError(ValueError):
    """An attribute that lacks its value, or has none of its kind."""


@contextlib.contextmanager
def told(what: object) -> Iterator[None]:
    """While it lasts, damage to `what` (a file, or "it") becomes an InputError.

    Damage is what pydicom or highdicom raise, or what they call, and attributes without a usable value. They raise
    whatever Python does (AttributeError, struct.error, TypeError), and so do mistakes of ours: only where an error
    comes from tells them apart.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        if not isinstance(error, UnusableValueError) and not is_theirs(error):
            raise
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".:")
        raise InputError(
            f"{what} cannot be read ({reason}), it may be damaged or truncated: get a fresh copy of it"
        ) from error


def is_theirs(error: Exception) -> bool:
    """Whether an error was raised by pydicom or highdicom, or by what they call, and not by us."""
    modules = []
    trace = error.__traceback__
    while trace is not None:
        modules.append(str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0])
        trace = trace.tb_next
    ours = max((number for number, name in enumerate(modules) if name == _OURS), default=-1)
    return any(name in _THEIRS for name in modules[ours + 1 :])


def whole_number(dataset: pydicom.Dataset, name: str, default: int | None = None) -> int:
    """An attribute that is a whole number; `default` where it is absent or empty.

    Raises
    ------
    UnusableValueError
        Where it is no number, or absent without a default.
    """
    return int(decimal(dataset, name, default))


def decimal(dataset: pydicom.Dataset, name: str, default: float | None = None) -> float:
    """An attribute that is a number; see `whole_number`."""
    value = dataset.get(name)
    if value is None or str(value) == "":
        if default is None:
            raise UnusableValueError(f"{name} is missing")
        return default
    try:
        number = float(str(value))
    except ValueError:
        raise UnusableValueError(f"{name} is {value}, no number") from None
    if number - number:  # NaN or infinite
        raise UnusableValueError(f"{name} is {value}")
    return number


def items(dataset: pydicom.Dataset, name: str) -> list[pydicom.Dataset]:
    """The items of a sequence; none where it is absent or empty.

    Raises
    ------
    UnusableValueError
        Where it is no sequence.
    """
    from pydicom.sequence import Sequence

    found = dataset.get(name)
    if not found:
        return []
    if not isinstance(found, Sequence):
        raise UnusableValueError(f"{name} is no sequence")
    return list(found)
