"""What every selector is, and the rules that all of them share."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from ..annotation import SparseAnnotation
from ..errors import InputError
from ..options import Options
from ..registry import Registry
from ..same_grid import check_same_grid
from ..volume import Volume

SELECTORS: Registry[SelectorBase] = Registry(__package__, "selector")


@dataclass(frozen=True)
class Suggestion:
    """A plane to paint, and why.

    Attributes
    ----------
    plane : its number
    score : how strongly it is suggested; higher is stronger
    reason : in a few words, for the panel
    structures : class numbers of those to paint there; empty if the selector does not distinguish them: paint all
    optional : class numbers of others that can cross the plane, which gain nothing from being painted there
    """

    plane: int
    score: float
    reason: str
    structures: tuple[int, ...] = ()
    optional: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SelectorOptions(Options):
    """Options that all selectors have: none. (The seed comes as a Generator.)"""


class Selector(Protocol):
    """Suggests planes to paint."""

    name: ClassVar[str]

    def select(
        self, volume: Volume, annotation: SparseAnnotation, count: int, rng: np.random.Generator
    ) -> list[Suggestion]: ...


class SelectorBase(abc.ABC):
    """Base of our selectors: checks the input once and leaves them the one thing that differs, `_choose`."""

    name: ClassVar[str]
    summary: ClassVar[str]
    # Names that it had before, by which scenes and tables may still call it.
    aliases: ClassVar[tuple[str, ...]] = ()
    Options: ClassVar[type[SelectorOptions]] = SelectorOptions
    # Whether it looks at predictions: it suggests better planes once some are painted.
    is_active: ClassVar[bool] = False
    # Whether it looks at each structure, those that are painted nowhere yet, too: it says which ones to paint.
    tells_structures: ClassVar[bool] = False
    # Modules that the core install does not bring, and the extra that does.
    needs: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str] = "deep"

    def __init__(self, options: SelectorOptions | None = None):
        self.options = self.Options() if options is None else options

    def select(
        self, volume: Volume, annotation: SparseAnnotation, count: int, rng: np.random.Generator
    ) -> list[Suggestion]:
        """Suggest planes inside the range that are not painted yet, in the order in which to paint them.

        Parameters
        ----------
        count : how many; fewer come back where fewer are left
        rng : of all random numbers

        Raises
        ------
        InputError
            Where image and annotation do not fit, the count is not positive, or this selector cannot work here.
        """
        check_same_grid(volume, annotation)
        if count < 1:
            raise InputError(f"{count} planes are asked for: ask for at least 1")
        candidates = np.array(self._candidates(annotation), dtype=int)
        count = min(count, len(candidates))
        return self._choose(volume, annotation, candidates, count, rng) if count else []

    def _candidates(self, annotation: SparseAnnotation) -> list[int]:
        """The planes that may be suggested, ascending."""
        return annotation.unpainted_planes

    @abc.abstractmethod
    def _choose(
        self,
        volume: Volume,
        annotation: SparseAnnotation,
        candidates: np.ndarray,
        count: int,
        rng: np.random.Generator,
    ) -> list[Suggestion]:
        """Exactly `count` (at least 1) of the `candidates`, which are ascending."""


def count_for(fraction: float, planes: int) -> int:
    """How many planes a fraction stands for: max(2, round(fraction * planes)), but never more than there are.

    Raises
    ------
    InputError
        For a fraction that is not in 0..1.
    """
    if not 0 < fraction <= 1:
        raise InputError(f"the fraction is {fraction:g}: give a number above 0 and at most 1, such as 0.2")
    # Half rounds up: Python's round(2.5) is 2, which nobody expects of "10 % of 25".
    return min(planes, max(2, int(np.floor(fraction * planes + 0.5))))
