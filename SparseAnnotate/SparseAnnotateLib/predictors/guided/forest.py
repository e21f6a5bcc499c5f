"""Step 7, once the trees are learnt: asking them."""

from __future__ import annotations

import logging

import numpy as np

from .bins import Bins
from .threads import openmp_threads

logger = logging.getLogger(__name__)

# Leaves of a tree, each a bit.
MOST_LEAVES = 32

# Pixels at once: what they need stays in the processor's cache (10,000: 12 ns a pixel and tree, 33,000: 10, more: 10).
_PIXELS = 1 << 15

_ALL_BITS = (1 << MOST_LEAVES) - 1

# The highest five bits of this number times a power of two tell which one (a de Bruijn sequence).
_WHICH_POWER, _ITS_SHIFT = np.uint32(0x077CB531), np.uint32(27)

_TABLE = 256


class Forest:
    """Boosted trees of scikit-learn, asked through tables of bits.

    QuickScorer (Lucchese et al., SIGIR 2015): each split rules leaves out; those that no feature rules out begin with
    the one that the tree leads to. Which leaves a feature rules out is looked up by its bin, for all splits of a tree
    at once. The sums are those of scikit-learn to the last bit, in a third of its time, and a tenth where memory is
    busy, for it goes through rows of 64-bit floats once a tree.

    Parameters
    ----------
    model : a `HistGradientBoostingClassifier` of two classes, fitted to the numbers of bins
    bins : of the features

    Raises
    ------
    AttributeError, LookupError, TypeError, ValueError : it looks otherwise inside than those that are known
    """

    def __init__(self, model, bins: Bins):
        self._bins = bins
        self._start = float(np.ravel(model._baseline_prediction)[0])
        self._trees = [_Tree(stage[0].nodes) for stage in model._predictors]

    @property
    def nbytes(self) -> int:
        """Of all tables."""
        return self._bins.nbytes + sum(tree.nbytes for tree in self._trees)

    def probability(self, table: np.ndarray) -> np.ndarray:
        """Of the second class; `table` is float16 (features, pixels)."""
        from scipy.special import expit

        parts = range(0, table.shape[1], _PIXELS)
        return np.concatenate([np.zeros(0), *(expit(self._sums(table[:, at : at + _PIXELS])) for at in parts)])

    def _sums(self, table: np.ndarray) -> np.ndarray:
        bins = self._bins.of(table)
        sums = np.full(table.shape[1], self._start)
        scratch = _Scratch(table.shape[1])
        for tree in self._trees:
            tree.add_to(sums, bins, scratch)
        return sums


class _Scratch:
    """Arrays that every tree needs."""

    def __init__(self, pixels: int):
        self.leaves, self.looked_up = (np.empty((1, pixels), np.int32) for _ in range(2))
        self.places, self.values = np.empty((1, pixels), np.uint8), np.empty((1, pixels))


class _Tree:
    """One tree: for each feature that it splits, bin -> bits of the leaves that remain; and the leaves' values."""

    def __init__(self, nodes: np.ndarray):
        names = ("is_leaf", "value", "feature_idx", "num_threshold", "left", "right")
        self._remaining: dict[int, np.ndarray] = {}
        self._leaves: list[float] = []
        self._add(list(zip(*(nodes[name].tolist() for name in names), strict=True)), 0)
        if len(self._leaves) > MOST_LEAVES:
            raise ValueError(f"a tree has {len(self._leaves)} leaves")
        self._tables = [(feature, bits.view(np.int32)[None]) for feature, bits in self._remaining.items()]
        self._values = np.zeros((1, _TABLE))
        for leaf, value in enumerate(self._leaves):
            self._values[0, _place_of(leaf)] = value

    @property
    def nbytes(self) -> int:
        return self._values.nbytes + sum(table.nbytes for _, table in self._tables)

    def _add(self, nodes: list[tuple], number: int) -> int:
        """A node and those below it; returns the bits of its leaves, which count from left to right."""
        is_leaf, value, feature, threshold, left, right = nodes[number]
        if is_leaf:
            self._leaves.append(value)
            return 1 << (len(self._leaves) - 1)
        to_the_left = self._add(nodes, left)
        bits = self._remaining.setdefault(feature, np.full(_TABLE, _ALL_BITS, np.uint32))
        # Bins up to the threshold, which lies between two of them, go to the left.
        bits[int(threshold) + 1 :] &= np.uint32(_ALL_BITS & ~to_the_left)
        return to_the_left | self._add(nodes, right)

    def add_to(self, sums: np.ndarray, bins: np.ndarray, scratch: _Scratch) -> None:
        """Add what the tree says of each pixel."""
        import cv2

        if not self._tables:
            sums += self._leaves[0]
            return
        leaves, looked_up = scratch.leaves, scratch.looked_up
        (feature, table), *rest = self._tables
        cv2.LUT(bins[feature][None], table, dst=leaves)
        for feature, table in rest:
            cv2.LUT(bins[feature][None], table, dst=looked_up)
            np.bitwise_and(leaves, looked_up, out=leaves)
        np.negative(leaves, out=looked_up)
        np.bitwise_and(leaves, looked_up, out=leaves)
        lowest = leaves.view(np.uint32)
        np.multiply(lowest, _WHICH_POWER, out=lowest)
        np.right_shift(lowest, _ITS_SHIFT, out=lowest)
        np.copyto(scratch.places, lowest, casting="unsafe")
        cv2.LUT(scratch.places, self._values, dst=scratch.values)
        sums += scratch.values[0]


def _place_of(leaf: int) -> int:
    return ((1 << leaf) * int(_WHICH_POWER) & _ALL_BITS) >> int(_ITS_SHIFT)


class AskedAsItIs:
    """The same, asked as scikit-learn does it."""

    def __init__(self, model, bins: Bins):
        self._model, self._bins = model, bins

    @property
    def nbytes(self) -> int:
        """Of the bins' tables; of the trees next to nothing more."""
        return self._bins.nbytes

    def probability(self, table: np.ndarray) -> np.ndarray:
        """See `Forest`."""
        with openmp_threads(1):
            return self._model.predict_proba(self._bins.of(table).T.astype(np.float64))[:, 1]


def forest_of(model, bins: Bins, some: np.ndarray) -> Forest | AskedAsItIs:
    """A model as tables, if those say the same as the model of `some` pixels (features, pixels).

    scikit-learn shows its trees to nobody; that they are read nevertheless must not make a prediction wrong, or fail.
    """
    as_it_is = AskedAsItIs(model, bins)
    try:
        forest = Forest(model, bins)
        if np.allclose(forest.probability(some), as_it_is.probability(some), rtol=0, atol=1e-9):
            return forest
        why = "they say something else"
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        why = str(error)
    logger.warning("scikit-learn's trees cannot be read (%s): predictions take longer", why)
    return as_it_is
