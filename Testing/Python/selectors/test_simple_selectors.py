"""random, block and keep-n."""

import math
from fractions import Fraction

import numpy as np
import pytest
from selector_tester import SelectorTester
from SparseAnnotateLib import SELECTORS, SparseAnnotation, Volume


class TestRandom(SelectorTester):
    name = "random"

    def test_every_plane_is_as_likely(self):
        counts = np.zeros(self.planes)
        for seed in range(950):
            counts[self.suggest_planes(4, seed=seed)] += 1
        # 950 draws of 4 out of 19 planes: 200 each, standard deviation 12.6; 5 of those.
        assert counts[2:21].min() > 137
        assert counts[2:21].max() < 263


class TestBlock(SelectorTester):
    name = "block"

    @pytest.mark.parametrize("seed", range(30))
    def test_the_planes_are_neighbours(self, seed):
        planes = self.suggest_planes(5, seed=seed)
        assert planes == list(range(planes[0], planes[0] + 5))

    @pytest.mark.parametrize("seed", range(30))
    def test_painted_planes_are_stepped_over(self, seed):
        free = [plane for plane in range(2, 21) if plane not in (7, 8, 14)]
        planes = self.suggest_planes(6, seed=seed, painted=(7, 8, 14))
        start = free.index(planes[0])
        assert planes == free[start : start + 6]

    def test_it_reaches_both_ends_of_the_range(self):
        planes = [self.suggest_planes(5, seed=seed) for seed in range(60)]
        assert min(p[0] for p in planes) == 2
        assert max(p[-1] for p in planes) == 20


def keep_n(count, planes, plane_range, painted=()):
    annotation = SparseAnnotation.from_painted_planes(
        np.zeros((planes, 1, 1), np.uint8), [], empty=painted, plane_range=plane_range
    )
    volume = Volume.from_array(np.zeros((planes, 1, 1)))
    suggestions = SELECTORS.create("keep-n").select(volume, annotation, count, np.random.default_rng(0))
    return [suggestion.plane for suggestion in suggestions]


class TestKeepN(SelectorTester):
    name = "keep-n"

    @pytest.mark.parametrize("length", [1, 2, 3, 7, 10, 49, 155])
    def test_planes_lie_where_the_formula_says(self, length):
        for count in range(1, length + 1):
            expected = [math.floor(11 + Fraction(2 * i + 1, 2) * Fraction(length, count)) for i in range(count)]
            assert keep_n(count, length + 20, (11, 10 + length)) == expected

    def test_three_planes_of_ten(self):
        assert keep_n(3, 10, (0, 9)) == [1, 5, 8]

    def test_one_more_plane_halves_the_widest_gap(self):
        assert keep_n(1, 40, (0, 39), painted=(5, 15, 35)) == [25]

    def test_the_planes_of_one_gap_split_it_evenly(self):
        assert keep_n(3, 41, (0, 40), painted=(0, 40)) == [10, 20, 30]

    def test_an_end_of_the_range_counts_as_half_a_gap(self):
        # Plane 4 stands 4.5 planes from the range's start, as in an even spacing of 9; to plane 14 it is 10.
        assert keep_n(1, 19, (0, 18), painted=(4, 14)) == [9]
        # 6.5 planes to the start are as good as a spacing of 13.
        assert keep_n(1, 21, (0, 20), painted=(6, 16)) == [2]

    def test_painted_planes_that_are_evenly_spaced_stay_so(self):
        painted = keep_n(5, 45, (0, 44))
        assert painted == [4, 13, 22, 31, 40]
        assert sorted(painted + keep_n(10, 45, (0, 44), painted)) == keep_n(15, 45, (0, 44))

    def test_painted_planes_outside_the_range_do_not_count(self):
        annotation = SparseAnnotation.from_painted_planes(np.zeros((20, 1, 1), np.uint8), [], empty=(1, 18))
        annotation = annotation.with_range(5, 14)
        volume = Volume.from_array(np.zeros((20, 1, 1)))
        suggestions = SELECTORS.create("keep-n").select(volume, annotation, 2, np.random.default_rng(0))
        assert [s.plane for s in suggestions] == [7, 12]

    def test_any_count_fits_around_any_painted_planes(self):
        rng = np.random.default_rng(1)
        for _ in range(200):
            length = int(rng.integers(3, 60))
            painted = sorted(rng.choice(length, int(rng.integers(1, length)), replace=False).tolist())
            free = length - len(painted)
            count = int(rng.integers(1, free + 1))
            planes = keep_n(count, length, (0, length - 1), painted)
            assert len(set(planes)) == count
            assert planes == sorted(planes)
            assert not set(planes) & set(painted)
