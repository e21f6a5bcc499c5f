"""The trees of `guided`: their bins, and how they are asked."""

import logging

import numpy as np
import pytest
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier
from SparseAnnotateLib.predictors.guided import forest
from SparseAnnotateLib.predictors.guided.bins import MOST_BINS, Bins
from SparseAnnotateLib.predictors.guided.classifier import _boosted_trees

SETTING = {"max_iter": 12, "max_bins": MOST_BINS, "max_features": 0.5, "early_stopping": False, "random_state": 3}
MODERN = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 9)


def a_table(rows=3000, seed=0):
    """Float16 (features, rows): smooth, beyond 16 bits, few values, one value, both zeros; and what is to be learnt."""
    rng = np.random.default_rng(seed)
    smooth = rng.normal(size=rows)
    table = [smooth, np.exp(3 * rng.normal(size=rows)), rng.integers(0, 5, rows), np.ones(rows)]
    table.append(np.where(rng.random(rows) < 0.5, -0.0, rng.normal(size=rows).round(1)))
    truth = smooth + 0.3 * table[2] + rng.normal(size=rows) > 0.7
    with np.errstate(over="ignore"):
        return np.array(table).astype(np.float16), truth


def learnt(table, truth, **more):
    bins = Bins(table)
    model = _boosted_trees(bins.counts)(**{**SETTING, **more})
    return model.fit(bins.of(table).T.astype(np.float64), truth), bins


class TestBins:
    def test_many_values_are_shared_out_evenly(self):
        table = np.arange(0, 630, dtype=np.float16)[None]
        counts = np.bincount(Bins(table).of(table)[0])
        assert len(counts) == MOST_BINS
        assert 9 <= counts.min() <= counts.max() <= 11

    def test_few_values_have_a_bin_each_and_what_lies_between_goes_to_the_nearer_one(self):
        bins = Bins(np.array([[3, -1, 3, 7]], np.float16))
        assert bins.counts.tolist() == [3]
        assert bins.of(np.array([[-np.inf, -1, 0.9, 1.1, 3, 5, 5.1, np.inf]], np.float16)).tolist() == [
            [0, 0, 0, 1, 1, 1, 2, 2]
        ]

    def test_both_zeros_are_the_same(self):
        bins = Bins(np.array([[-0.0, 0.0, 1, -1]], np.float16))
        assert bins.counts.tolist() == [3]
        assert bins.of(np.array([[-0.0, 0.0]], np.float16)).tolist() == [[1, 1]]

    @pytest.mark.skipif(not MODERN, reason="scikit-learn before 1.9 puts borders elsewhere")
    def test_trees_are_the_same_as_those_that_scikit_learn_bins_itself(self):
        table, truth = a_table()
        model, bins = learnt(table, truth)
        peer = HistGradientBoostingClassifier(**SETTING).fit(table.T.astype(np.float64), truth)
        others = a_table(seed=1)[0]
        own = model.predict_proba(bins.of(others).T.astype(np.float64))
        np.testing.assert_array_equal(own, peer.predict_proba(others.T.astype(np.float64)))

    def test_scikit_learn_finds_the_same_where_it_looks_for_bins_itself(self):
        table, truth = a_table()
        model, bins = learnt(table, truth)
        numbers = bins.of(table).T.astype(np.float64)
        peer = HistGradientBoostingClassifier(**SETTING).fit(numbers, truth)
        np.testing.assert_array_equal(model.predict_proba(numbers), peer.predict_proba(numbers))


class TestForest:
    def test_it_says_what_the_model_says_to_the_last_bit(self):
        table, truth = a_table()
        model, bins = learnt(table, truth)
        others = a_table(rows=70_000, seed=1)[0]
        told = forest.forest_of(model, bins, table[:, :9])
        assert isinstance(told, forest.Forest)
        np.testing.assert_array_equal(
            told.probability(others), model.predict_proba(bins.of(others).T.astype(np.float64))[:, 1]
        )

    def test_a_tree_of_as_many_leaves_as_there_are_bits(self):
        table, truth = a_table()
        model, bins = learnt(table, truth, max_leaf_nodes=32, min_samples_leaf=5, max_iter=3)
        assert max(stage[0].get_n_leaf_nodes() for stage in model._predictors) == 32
        told = forest.Forest(model, bins).probability(table)
        np.testing.assert_array_equal(told, model.predict_proba(bins.of(table).T.astype(np.float64))[:, 1])

    def test_trees_that_split_nothing(self):
        table, truth = a_table(rows=30)
        model, bins = learnt(table, truth, min_samples_leaf=40)
        told = forest.Forest(model, bins).probability(table)
        np.testing.assert_array_equal(told, model.predict_proba(bins.of(table).T.astype(np.float64))[:, 1])

    def test_no_pixels(self):
        table, truth = a_table()
        assert forest.forest_of(*learnt(table, truth), table[:, :9]).probability(table[:, :0]).shape == (0,)

    @pytest.mark.parametrize("change", ["gone", "another meaning", "more leaves"])
    def test_trees_that_cannot_be_read_are_asked_as_they_are_and_that_is_told(self, change, caplog):
        table, truth = a_table()
        model, bins = learnt(table, truth, max_leaf_nodes=40 if change == "more leaves" else 31, min_samples_leaf=5)
        if change == "another meaning":
            model.predict_proba = lambda rows: np.tile([0.25, 0.75], (len(rows), 1))
        expected = model.predict_proba(bins.of(table).T.astype(np.float64))[:, 1]
        if change == "gone":
            model = _Hidden(model)
        with caplog.at_level(logging.WARNING):
            told = forest.forest_of(model, bins, table[:, :9])
        assert "cannot be read" in caplog.text
        np.testing.assert_array_equal(told.probability(table), expected)


class _Hidden:
    """A model that shows nothing but its public side."""

    def __init__(self, model):
        self.predict_proba = model.predict_proba
