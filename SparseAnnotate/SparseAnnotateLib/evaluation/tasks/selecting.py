"""The planes that selectors choose on one case: each selection made once, each matrix computed once."""

from __future__ import annotations

import importlib

import numpy as np

from ...selectors.base import SelectorBase
from ...selectors.clustering import ClusterSelector
from ..grid.methods import Method
from ..grid.result import Selection
from ..simulation.loading import LoadedCase
from .stopwatch import Stopwatch


class SharedSelections:
    """The selections of one case, kept for whoever asks for the same again."""

    def __init__(self, case: LoadedCase):
        self._case = case
        self._selectors: dict[Method, _Timed] = {}
        self._made: dict[tuple[Method, int, int], Selection] = {}

    def select(self, method: Method, count: int, seed: int) -> Selection:
        """`count` planes, nothing being painted yet."""
        key = method, count, seed
        if key not in self._made:
            if method not in self._selectors:
                self._selectors[method] = _Timed(method.create())
            self._made[key] = self._selectors[method].select(self._case, count, np.random.default_rng(seed))
        return self._made[key]


class _Timed:
    """A selector whose planes' features, the same for every count and seed of a case, are computed once.

    The seconds of a selection count them in full each time: that is what it costs somebody who makes one.
    """

    def __init__(self, selector: SelectorBase):
        self._selector = selector
        self._features_took = Stopwatch()
        if isinstance(selector, ClusterSelector):
            # Imported before anything is timed.
            importlib.import_module("sklearn.cluster")
            selector._features = self._remembered(selector._features)

    def select(self, case: LoadedCase, count: int, rng: np.random.Generator) -> Selection:
        before = self._features_took
        with Stopwatch() as took:
            suggestions = self._selector.select(case.volume, case.expert.paint([]), count, rng)
        planes = tuple(sorted(one.plane for one in suggestions))
        return Selection(planes, took.seconds + before.seconds, took.processor_s + before.processor_s)

    def _remembered(self, compute):
        kept: list[np.ndarray] = []

        def features(volume, annotation):
            if not kept:
                with Stopwatch() as took:
                    kept.append(compute(volume, annotation))
                self._features_took = took
            return kept[0]

        return features
