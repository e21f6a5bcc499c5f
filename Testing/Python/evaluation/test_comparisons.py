"""The tests between methods."""

import itertools

import numpy as np
import pytest
from evaluation.examples import done, predictors, selectors, tasks
from SparseAnnotateLib.evaluation.grid.store import ResultStore
from SparseAnnotateLib.evaluation.report.comparisons import compare_predictors, compare_selectors, holm, signed_rank_p
from SparseAnnotateLib.evaluation.report.results import Method, Results, Spread


class TestSignedRank:
    def test_the_p_is_that_of_counting_all_signs(self):
        differences = [0.3, -0.1, 0.5, 0.7, 0.2, 0.4, -0.6]
        ranks = np.argsort(np.argsort(np.abs(differences))) + 1
        observed = min(ranks[np.array(differences) > 0].sum(), ranks[np.array(differences) < 0].sum())
        smaller = [
            min(ranks @ np.array(signs), ranks.sum() - ranks @ np.array(signs)) <= observed
            for signs in itertools.product((0, 1), repeat=7)
        ]
        assert signed_rank_p(differences) == pytest.approx(np.mean(smaller))

    def test_no_difference_at_all_is_no_evidence(self):
        assert signed_rank_p([0.0] * 8) == 1.0

    def test_which_is_first_does_not_matter(self):
        differences = [0.3, -0.1, 0.5, 0.0, 0.2, 0.4, -0.6]
        assert signed_rank_p(differences) == pytest.approx(signed_rank_p([-one for one in differences]))


class TestHolm:
    def test_the_example_by_hand(self):
        # .01 x 4, .02 x 3, .03 x 2 raised to the one before, .5 x 1.
        assert holm([0.5, 0.01, 0.03, 0.02]) == pytest.approx([0.5, 0.04, 0.06, 0.06])

    def test_nothing_exceeds_one(self):
        assert holm([0.6, 0.9]) == [1.0, 1.0]

    def test_no_tests_no_numbers(self):
        assert holm([]) == []


@pytest.fixture
def results(tmp_path):
    """Eight cases; keep-n is better than random by 0.1 with both predictors, shape better than nearest by 0.05."""
    store = ResultStore(tmp_path / "results.sqlite")
    gain = {"keep-n": 0.1, "random": 0.0, "nearest": 0.0, "shape": 0.05}
    for task in tasks(
        8, seeds=(0, 1), selectors=selectors("random", "keep-n"), predictors=predictors("nearest", "shape")
    ):
        case = int(task.case.name[-1])
        dice = 0.5 + 0.01 * case + gain[task.selector.name] + gain[task.predictor.name] + 0.02 * task.seed
        store.add(task, done(task, dice))
    yield Results.from_rows(store.rows())
    store.close()


class TestComparisons:
    def test_selectors_are_compared_with_the_same_predictor_over_cases(self, results):
        found = compare_selectors(results)
        assert len(found) == 4
        for one in found:
            assert one.first == Method(one.fixed, "keep-n")
            assert (one.cases, one.wins, one.losses) == (8, 8, 0)
            assert one.difference == pytest.approx(0.1)
            assert one.p == pytest.approx(2 / 2**8)
            assert one.p_corrected == pytest.approx(2 * 2 / 2**8)

    def test_predictors_are_compared_on_the_same_planes(self, results):
        found = compare_predictors(results)
        assert [(one.fixed, one.fraction) for one in found] == [
            ("keep-n", 0.1),
            ("keep-n", 0.2),
            ("random", 0.1),
            ("random", 0.2),
        ]
        assert {round(one.difference, 6) for one in found} == {-0.05}

    def test_only_cases_that_both_have_count_and_five_are_too_few(self, results):
        few = [row for row in results.done if row["predictor"] == "shape" or row["case_name"] < "case5"]
        assert compare_predictors(Results(few, [])) == []
        assert {one.fixed for one in compare_selectors(Results(few, []))} == {"shape"}


def test_seeds_are_averaged_before_cases_are_counted(results):
    values = results.per_case(Method("nearest", "random"), 0.1, "dice_all")
    assert values["case3"] == pytest.approx(0.5 + 0.03 + 0.01)
    spread = Spread.of(values.values())
    assert spread.count == 8
    assert spread.deviation == pytest.approx(np.std(0.01 * np.arange(8), ddof=1))


def test_of_a_cell_done_with_two_versions_the_newer_result_counts(tmp_path, monkeypatch):
    store = ResultStore(tmp_path / "results.sqlite")
    (old, *_) = tasks(1)
    store.add(old, done(old, 0.3))
    monkeypatch.setattr(
        "SparseAnnotateLib.evaluation.grid.planner.decisive_versions", lambda: {"sparse-annotate": "99"}
    )
    (new, *_) = tasks(1)
    store.add(new, done(new, 0.6))
    assert [row["dice_all"] for row in Results.from_rows(store.rows()).done] == [0.6]
    assert [row["dice_all"] for row in Results.from_rows(store.rows(), {old.key}).done] == [0.3]
    store.close()
