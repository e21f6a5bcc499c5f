"""Thin structures moved from one painted plane to the next, and when that is taken instead of the prediction."""

import numpy as np
import pytest
from SparseAnnotateLib import SparseAnnotation
from SparseAnnotateLib.interpolation import fill
from SparseAnnotateLib.predictors.guided import displaced as module
from SparseAnnotateLib.predictors.guided.displaced import displaced, left_out_dice
from SparseAnnotateLib.predictors.guided.either import changes_too_much, is_better_displaced, stands_still

ROWS, COLUMNS = np.mgrid[:24, :40]
SPACING = (1.0, 1.0, 1.0)


def bars(*columns, width=2, rows=(8, 10)):
    """A bar on every plane, from its first column; several where a plane gets several columns."""
    planes = np.zeros((len(columns), *ROWS.shape), np.uint8)
    for plane, starts in enumerate(columns):
        for start in np.atleast_1d(starts):
            planes[plane, rows[0] : rows[1], start : start + width] = 1
    return planes


def moved(truth, painted, spacing=SPACING):
    annotation = SparseAnnotation.from_painted_planes(truth, painted)
    interpolated = np.zeros_like(truth)
    list(fill(interpolated, annotation, spacing))
    return displaced(annotation, np.where(annotation.known, truth, interpolated), 1, spacing).mask


@pytest.mark.parametrize("step", [1, 2, 3, 5])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_what_moves_evenly_is_found_with_a_pixel_more_at_most(step, width):
    truth = bars(*(2 + step * np.arange(7)), width=width, rows=(8, 8 + width)) == 1
    found = moved(truth.astype(np.uint8), [0, 3, 6])
    assert found[truth].all()
    assert (found & ~truth).any(axis=1).sum(axis=1).max() <= (width == 3)


def test_it_ends_where_its_own_end_was_clicked():
    truth = bars(*(2 + np.arange(9)))
    annotation = SparseAnnotation.from_painted_planes(truth, [3, 5]).with_class_ranges({1: (2, 6)})
    everywhere = np.ones_like(truth)
    found = displaced(annotation, everywhere, 1, SPACING)
    assert found.mask.any(axis=(1, 2)).tolist() == [False] * 2 + [True] * 5 + [False] * 2


def test_what_stands_still_stays():
    truth = bars(*[9] * 9)
    assert np.array_equal(moved(truth, [0, 8]), truth == 1)


def test_what_other_structures_take_from_its_outlines_is_still_moved():
    truth = bars(9, 9, 9, 9, 9)
    annotation = SparseAnnotation.from_painted_planes(truth, [0, 4])
    nothing = np.where(annotation.known, truth, 0)
    assert np.array_equal(displaced(annotation, nothing, 1, SPACING).mask, truth == 1)


def test_at_the_edge_of_the_image_nothing_is_lost():
    truth = np.zeros((5, 6, 7), np.uint8)
    for plane in range(5):
        truth[plane, 5, 2 + plane] = 1
    assert np.array_equal(moved(truth, [0, 4]), truth == 1)


def test_what_branches_goes_to_both_branches():
    truth = bars(20, *([20 - 4 * k, 20 + 4 * k] for k in range(1, 5)))
    for one in (truth, truth[::-1]):
        found = moved(one, [0, 4])
        for plane in (1, 2, 3):
            apart = 4 * (plane if one is truth else 4 - plane)
            columns = np.flatnonzero(found[plane, 8])
            assert np.abs(columns[:, None] - [20 - apart, 21 - apart, 20 + apart, 21 + apart]).min(axis=0).max() <= 1
            assert len(columns) <= 6


def test_a_sheet_moves_as_a_whole():
    truth = bars(*(4 + 3 * np.arange(5)), width=1, rows=(2, 22))
    assert np.array_equal(moved(truth, [0, 4]), truth == 1)


def test_half_a_pixel_paints_both():
    found = moved(bars(9, 9, 10, width=1, rows=(8, 9)), [0, 2])
    assert np.flatnonzero(found[1, 8]).tolist() == [9, 10]


def test_it_does_not_taper_beyond_its_planes_nor_towards_one_that_lacks_it():
    truth = bars(*[9] * 10)
    truth[6:] = 0
    found = moved(truth, [2, 5, 9])
    assert [int(plane.sum()) for plane in found] == [4] * 8 + [0, 0]


def test_of_equal_ways_the_shortest_in_mm_is_taken():
    truth = bars([4, 20], [0], [12, 12], width=1, rows=(8, 9))
    truth[2, 8] = 0
    truth[2, [8, 8], [5, 21]] = 1
    found = moved(truth, [0, 2], (1.0, 1.0, 3.0))
    assert set(np.flatnonzero(found[1, 8]).tolist()) <= {4, 5, 20, 21}


def test_planes_of_very_many_pixels_keep_their_interpolated_outlines(monkeypatch):
    truth = bars(*(2 + 3 * np.arange(5)))
    whole = moved(truth, [0, 4])
    monkeypatch.setattr(module, "_MOST_PIXELS", 3)
    assert not np.array_equal(moved(truth, [0, 4]), whole)


def test_what_is_painted_is_never_changed():
    truth = bars(3, 9, 4, 20, 5)
    found = moved(truth, [0, 1, 2, 4])
    assert np.array_equal(found[[0, 1, 2, 4]], truth[[0, 1, 2, 4]] == 1)


@pytest.mark.parametrize(("step", "painted"), [(1, [0, 4, 8]), (2, [0, 8]), (0, [0, 8]), (1, [0, 3, 8])])
def test_it_promises_about_what_it_keeps(step, painted):
    truth = bars(*(9 + step * np.arange(9)))
    annotation = SparseAnnotation.from_painted_planes(truth, painted)
    interpolated = np.zeros_like(truth)
    list(fill(interpolated, annotation, SPACING))
    found = displaced(annotation, np.where(annotation.known, truth, interpolated), 1, SPACING)
    per_plane, whole = found.told(np.full(9, np.nan), annotation, 1)
    true = 2 * (found.mask & (truth == 1)).sum() / (found.mask.sum() + truth.sum())
    assert true - 0.45 < whole < true + 0.1
    assert np.isfinite(per_plane).sum() == 9 - len(painted)


def test_what_nothing_is_told_of_is_as_the_model_says():
    truth = bars(*[9] * 9)
    annotation = SparseAnnotation.from_painted_planes(truth, [2, 4])
    found = displaced(annotation, truth, 1, SPACING)
    per_plane, whole = found.told(np.full(9, 0.5), annotation, 1)
    assert per_plane[[0, 1, 5, 8]].tolist() == [0.5] * 4
    assert whole == pytest.approx((2 + found.expected_dice[3] + 6 * 0.5) / 9)


class TestEither:
    @pytest.fixture
    def case(self):
        truth = bars(*(2 + 2 * np.arange(13)), width=3, rows=(4, 20))
        annotation = SparseAnnotation.from_painted_planes(truth, [0, 4, 8, 12])
        image = truth * 60.0 + np.random.default_rng(3).normal(0, 10, truth.shape)
        return truth == 1, annotation, image

    def better(self, case, predicted, by_planes, expected_dice=None, alone=False):
        _, annotation, image = case
        masks = predicted & ~annotation.known, by_planes & ~annotation.known
        told = {"spacing_mm": SPACING, "expected_dice": expected_dice, "alone": alone}
        return is_better_displaced(image, annotation, 1, *masks, **told)

    def test_the_one_that_lies_on_what_the_image_shows_is_taken(self, case):
        truth = case[0]
        off = np.roll(truth, 2, axis=2)
        assert self.better(case, off, truth)
        assert not self.better(case, truth, off)

    def test_the_prediction_stays_where_both_are_about_as_good(self, case):
        truth = case[0]
        almost = truth.copy()
        almost[1, 4, :] = False
        assert not self.better(case, almost, almost)

    def test_a_prediction_that_lacks_much_needs_to_be_clearly_better(self, case):
        truth = case[0]
        half = truth.copy()
        half[:, ::2] = False
        off = truth.copy()
        off[:, 4] = np.roll(truth[:, 4], 20, axis=1)
        assert self.better(case, half, off)

    @pytest.mark.parametrize("seed", [1, 2, 3])
    @pytest.mark.parametrize("contrast", [10, -10, 14])
    def test_where_the_image_shows_it_faintly_the_left_out_planes_are_asked(self, case, seed, contrast):
        truth, annotation, _ = case
        predicted = truth.copy()
        predicted[1:4, 12:] = np.roll(truth[1:4, 12:], 1, axis=2)  # where chance shows it
        noise = np.random.default_rng(seed).normal(0, 10, truth.shape)
        faint = truth, annotation, contrast * np.where(annotation.known, truth, predicted) + noise
        assert left_out_dice(annotation, 1, SPACING) == [1.0, 1.0]
        assert self.better(faint, predicted, truth, expected_dice=0.8)
        assert self.better(faint, predicted, truth, expected_dice=0.97)

    @pytest.mark.parametrize("expected_dice", [0.8, 0.97])
    def test_where_it_shows_it_clearly_they_are_not(self, case, expected_dice):
        truth, annotation, _ = case
        predicted = np.roll(truth, 1, axis=2)
        clear = truth, annotation, 100.0 * np.where(annotation.known, truth, predicted)
        assert not self.better(clear, predicted, truth, expected_dice=expected_dice)

    @pytest.mark.parametrize(
        ("expected_dice", "alone", "taken"), [(0.9, False, False), (0.9, True, True), (0.97, True, False)]
    )
    def test_of_what_stands_alone_gaps_half_as_wide_lack_half_as_much(self, expected_dice, alone, taken):
        columns = [2, 4, 6, 8, 11, 12, 14, 16, 18, 20, 22, 24, 26]
        truth = bars(*columns, width=3, rows=(4, 20))
        annotation = SparseAnnotation.from_painted_planes(truth, [0, 4, 8, 12])
        assert left_out_dice(annotation, 1, SPACING) == pytest.approx([2 / 3, 5 / 6], abs=0.2)
        predicted = truth == 1
        predicted[1:4, 12:] = np.roll(truth[1:4, 12:], 1, axis=2)
        noise = np.random.default_rng(1).normal(0, 10, truth.shape)
        faint = truth == 1, annotation, 10 * predicted + noise
        assert self.better(faint, predicted, truth == 1, expected_dice, alone) is taken

    @pytest.mark.parametrize("painted", [[0], [0, 8]])
    def test_where_no_plane_can_be_left_out_the_one_that_looks_better_is_taken(self, painted):
        truth = bars(*(2 + 2 * np.arange(9)), width=3, rows=(4, 20)) == 1
        annotation = SparseAnnotation.from_painted_planes(truth.astype(np.uint8), painted, plane_range=(0, 8))
        image = 60.0 * truth + np.random.default_rng(3).normal(0, 10, truth.shape)
        off = np.roll(truth, 1, axis=2)
        case = truth, annotation, image
        assert self.better(case, off, truth, expected_dice=0.99)
        assert not self.better(case, truth, off, expected_dice=0.5)


class TestLeftOut:
    @pytest.mark.parametrize(("step", "painted"), [(1, [0, 4, 8]), (2, [0, 3, 6, 8]), (0, [0, 1, 8])])
    def test_what_moves_evenly_is_found(self, step, painted):
        annotation = SparseAnnotation.from_painted_planes(bars(*(4 + step * np.arange(9))), painted)
        assert left_out_dice(annotation, 1, SPACING) == [1.0] * (len(painted) - 2)

    @pytest.mark.parametrize("jump", [6, 9, -4])
    def test_what_jumps_is_not(self, jump):
        columns = [9, 9, 9 + jump, 9, 9]
        annotation = SparseAnnotation.from_painted_planes(bars(*columns), [0, 2, 4])
        assert left_out_dice(annotation, 1, SPACING) == [0.0]

    @pytest.mark.parametrize("painted", [[0], [0, 4], [0, 4, 8]])
    def test_planes_without_neighbours_that_have_it_are_not_asked(self, painted):
        truth = bars(*(4 + np.arange(9)))
        truth[5:] = 0
        assert left_out_dice(SparseAnnotation.from_painted_planes(truth, painted), 1, SPACING) == []


def test_what_stands_still_is_told_by_its_painted_planes():
    for columns, still in ((np.full(5, 9), True), (9 + np.arange(5), False)):
        truth = bars(*columns)
        assert stands_still(SparseAnnotation.from_painted_planes(truth, [0, 2, 4]), 1) is still


def test_what_outlines_do_not_find_changes_too_much():
    assert changes_too_much(0.1, 0.6)
    assert not changes_too_much(0.5, 0.6)
    assert not changes_too_much(0.0, 0.4)
