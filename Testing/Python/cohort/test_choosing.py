"""Which planes of which scans are asked for next."""

import numpy as np
import pytest
from SparseAnnotateLib import InputError
from SparseAnnotateLib.cohort.choosing import ScoredScan, choose, natural_distance


def a_scan(scores, painted=(), outside=()) -> ScoredScan:
    masks = np.zeros((2, len(scores)), bool)
    masks[0, list(painted)] = True
    masks[1] = True
    masks[1, list(outside)] = False
    return ScoredScan(np.array(scores, float), *masks)


def test_the_lowest_of_all_scans_come_first():
    scans = {"a": a_scan([0.9, 0.2, 0.8, 0.7]), "b": a_scan([0.1, 0.9, 0.9, 0.3])}
    assert choose(scans, 3, distance=1).planes == (("b", 0), ("a", 1), ("b", 3))


def test_what_is_painted_or_outside_is_left_out():
    scans = {"a": a_scan([0.1, 0.2, 0.3, 0.4], painted=[0], outside=[1])}
    assert choose(scans, 9, distance=1).planes == (("a", 2), ("a", 3))


def test_planes_of_a_scan_keep_a_distance_to_painted_and_chosen_ones_but_not_to_other_scans():
    scores = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    scans = {"a": a_scan(scores, painted=[0]), "b": a_scan(scores)}
    choice = choose(scans, 4, distance=3)
    assert choice.planes == (("b", 0), ("a", 3), ("b", 3), ("a", 6))
    assert choice.distance == 3


def test_the_distance_becomes_smaller_where_too_few_planes_are_left():
    choice = choose({"a": a_scan([0.1, 0.2, 0.3, 0.4, 0.5])}, 3, distance=3)
    assert choice.planes == (("a", 0), ("a", 3), ("a", 1))
    assert (choice.distance, choice.wanted) == (1, 3)


def test_no_more_than_so_many_of_a_scan_and_the_distance_stays():
    scans = {"a": a_scan([0.1, 0.2, 0.3, 0.4]), "b": a_scan([0.9] * 4)}
    choice = choose(scans, 8, per_scan=1, distance=2)
    assert choice.planes == (("a", 0), ("b", 0))
    assert choice.distance == 2


def test_the_natural_distance_is_half_of_that_of_even_planes():
    scans = {"a": a_scan(np.zeros(40), painted=[0, 20]), "b": a_scan(np.zeros(24), outside=range(20, 24))}
    assert natural_distance(scans, 4) == 5  # 60 planes, 6 of them: 10 apart
    assert natural_distance(scans, 100) == 1
    assert choose(scans, 4).wanted == 5


@pytest.mark.parametrize(("count", "more"), [(0, {}), (1, {"per_scan": 0}), (1, {"distance": 0})])
def test_numbers_below_one_are_refused(count, more):
    with pytest.raises(InputError, match="at least 1"):
        choose({"a": a_scan([1, 2])}, count, **more)


def test_nothing_left_is_said():
    with pytest.raises(InputError, match="nothing left"):
        choose({"a": a_scan([1, 2], painted=[0, 1])}, 1)
