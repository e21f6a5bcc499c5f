"""The steps of `guided`, each on arrays small enough to know the answer."""

import gc
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from SparseAnnotateLib import PREDICTORS, LabelClass, SparseAnnotation, Volume, run
from SparseAnnotateLib.predictors.guided.carry import carry, one_hot, sharpened
from SparseAnnotateLib.predictors.guided.classifier import Corrector
from SparseAnnotateLib.predictors.guided.decision import class_weights, joined, weighted
from SparseAnnotateLib.predictors.guided.distance_maps import DistanceMaps, ellipsoid_shrinking, interpolated, shrink
from SparseAnnotateLib.predictors.guided.edges import smoothed_along_edges, strengths
from SparseAnnotateLib.predictors.guided.expected_dice import POWER, ExpectedDice
from SparseAnnotateLib.predictors.guided.flow import AdjacentFlow
from SparseAnnotateLib.predictors.guided.fusion import exponents, fused
from SparseAnnotateLib.predictors.guided.gaps import CARRIED_BYTES, Gap, _begun_with, gaps_of
from SparseAnnotateLib.predictors.guided.images import Images, structure_region
from SparseAnnotateLib.predictors.guided.patches import PatchSearch, disc_offsets, runs
from SparseAnnotateLib.predictors.guided.pool import INSIDE, adapted_weights, pooled
from SparseAnnotateLib.predictors.guided.priors import Bracket
from SparseAnnotateLib.predictors.guided.probabilities import largest_two, margin_to_rest
from SparseAnnotateLib.predictors.guided.threads import mapped, warning_kept_back
from SparseAnnotateLib.predictors.guided.trust import trust_below


def a_disc(rows=40, columns=40, row=20.0, column=20.0, radius=8.0):
    grid = np.mgrid[:rows, :columns]
    return ((grid[0] - row) ** 2 + (grid[1] - column) ** 2 < radius**2).astype(np.uint8)


def textured_planes(shifts, size=48):
    """One texture, moved by (0, shift) on each plane."""
    noise = np.random.default_rng(0).normal(size=(size, size + 40)).astype(np.float32)
    import cv2

    texture = cv2.GaussianBlur(noise, (0, 0), 2) * 10
    return np.stack([texture[:, 20 - shift : 20 - shift + size] for shift in shifts])


def images_of(planes):
    everything = slice(0, planes.shape[1]), slice(0, planes.shape[2])
    return Images(Volume.from_array(planes), everything)


def maps_of(labels, spacing_mm=(1.0, 1.0), ends=None, class_count=1, clicked=(), scan_planes=100):
    ends = ends or dict.fromkeys(range(1, class_count + 1), (-1, scan_planes))
    return DistanceMaps(labels, class_count, spacing_mm, ends, clicked, scan_planes)


class TestImages:
    def test_what_they_keep_goes_with_them_and_does_not_wait_for_the_garbage_collector(self):
        images = images_of(textured_planes([0, 2, 4]))
        flow, search = AdjacentFlow(images), PatchSearch(images, 2)
        flow.between(1, 2)
        search.fuse(1, [(2, one_hot(a_disc(48, 48), 1), 1.0)])
        assert images.smoothed(1, 0) is images.smoothed(1, 0)
        gone = [weakref.ref(one) for one in (images, flow, search)]
        gc.disable()
        try:
            del images, flow, search
            assert [one() for one in gone] == [None] * 3
        finally:
            gc.enable()

    def test_the_region_is_the_labels_with_a_margin_in_steps_of_16_pixels_inside_the_plane(self):
        labels = np.zeros((3, 60, 50), np.uint8)
        labels[1, 28:33, 3:8] = 1
        region = structure_region(SparseAnnotation.from_painted_planes(labels))
        assert region == (slice(16, 48), slice(0, 32))
        labels[1, 33:50, 3:38] = 1
        region = structure_region(SparseAnnotation.from_painted_planes(labels))
        assert region == (slice(16, 60), slice(0, 50))

    def test_a_large_constant_background_does_not_count(self):
        planes = np.zeros((4, 20, 20), np.float32)
        planes[:, 5:15, 5:15] = np.random.default_rng(0).normal(100, 10, (4, 10, 10))
        inside = images_of(planes).smoothed(1, 0)[5:15, 5:15]
        assert abs(inside.mean()) < 0.2
        assert abs(inside.std() - 1) < 0.2

    def test_planes_beyond_the_ends_repeat(self):
        images = images_of(textured_planes([0, 1, 2]))
        assert np.array_equal(images.smoothed(-2, 1), images.smoothed(0, 1))
        assert np.array_equal(images.smoothed(5, 0), images.smoothed(2, 0))


class TestDistanceMaps:
    def test_an_absent_class_is_as_far_away_as_it_is_large(self):
        maps = maps_of({0: a_disc(radius=8), 10: np.zeros((40, 40), np.uint8)})
        radius = maps.of_plane(0)[1].max()
        assert np.all(maps.of_plane(10)[1] == -radius)
        assert np.all(maps.of_plane(10)[0] == radius)

    def test_cardinal_weights_sum_to_one_and_follow_a_straight_line(self):
        maps = maps_of({z: a_disc() for z in (2, 5, 11, 14)})
        for plane in (3, 7, 12):
            weights = maps.cardinal_weights(plane)
            assert sum(weights.values()) == pytest.approx(1)
            assert sum(z * w for z, w in weights.items()) == pytest.approx(plane)

    def test_a_plane_left_out_has_no_weight(self):
        maps = maps_of({z: a_disc() for z in (2, 5, 8, 11)})
        assert set(maps.cardinal_weights(5, left_out=5)) == {2, 8, 11}

    def test_a_class_that_one_side_lacks_ends_half_way_however_far_other_borders_are(self):
        labels = {0: a_disc(radius=6), 10: np.zeros((40, 40), np.uint8)}
        maps = maps_of(labels)
        present = []
        for plane in range(1, 10):
            vanishing = maps.vanishing(plane, 0, 10)
            map_ = interpolated(maps.of_plane(0), maps.of_plane(10), plane / 10, vanishing)
            present.append(bool((map_.argmax(axis=0) == 1).any()))
        assert present == [True] * 4 + [False] * 5

    def test_a_class_range_says_where_it_ends(self):
        labels = {0: a_disc(radius=6), 10: np.zeros((40, 40), np.uint8)}
        maps = maps_of(labels, ends={1: (-1, 8)})
        map_ = interpolated(maps.of_plane(0), maps.of_plane(10), 0.6, maps.vanishing(6, 0, 10))
        assert (map_.argmax(axis=0) == 1).any()

    def test_a_class_range_that_ends_at_the_next_painted_plane_says_so_too(self):
        labels = {0: a_disc(radius=6), 10: np.zeros((40, 40), np.uint8)}
        maps = maps_of(labels, ends={1: (-1, 10)})
        map_ = interpolated(maps.of_plane(0), maps.of_plane(10), 0.8, maps.vanishing(8, 0, 10))
        assert (map_.argmax(axis=0) == 1).any()

    def test_beyond_the_end_it_closes_like_an_ellipsoid(self):
        maps = maps_of({10: a_disc(radius=10)}, ends={1: (-1, 20)})
        areas = [
            (shrink(maps.of_plane(10), maps.cap_mm(plane, 10)).argmax(axis=0) == 1).sum() for plane in (10, 15, 19)
        ]
        assert areas[1] == pytest.approx(areas[0] * 0.75, rel=0.08)
        assert areas[2] == pytest.approx(areas[0] * 0.19, rel=0.25)

    def test_a_structure_that_kept_its_size_tapers_to_its_clicked_end_unless_the_scan_ends_there(self):
        labels = {12: a_disc(radius=10), 21: a_disc(radius=10)}
        radius = maps_of(labels).radii_mm(21)[1]

        def shrunk(clicked, scan_planes):
            maps = maps_of(labels, ends={1: (-1, 26)}, clicked=clicked, scan_planes=scan_planes)
            return maps.cap_mm(24, 21)[1]

        assert shrunk(clicked=[1], scan_planes=30) == pytest.approx(0.2 * radius)
        assert shrunk(clicked=[1], scan_planes=26) == 0
        assert shrunk(clicked=[], scan_planes=30) == 0

    def test_where_its_clicked_end_is_cut_off_inside_the_scan_it_keeps_its_size(self):
        def shrunk(plane, source, clicked):
            discs = {12: a_disc(radius=10), 21: a_disc(radius=6)}
            ends = {1: (3, 26)}
            return DistanceMaps(discs, 1, (1.0, 1.0), ends, clicked, 30, [26]).cap_mm(plane, source)[1]

        assert shrunk(25, 21, [1]) == 0
        assert shrunk(25, 21, []) > 0
        assert shrunk(4, 12, [1]) > 0

    def test_a_small_structure_reaches_as_far_as_was_clicked_beside_a_large_one(self):
        ends = {1: (-1, 20), 2: (-1, 20)}

        def there(labels, clicked):
            maps = maps_of({10: labels}, ends=ends, class_count=2, clicked=clicked)
            shown = [shrink(maps.of_plane(10), maps.cap_mm(plane, 10)).argmax(axis=0) == 2 for plane in range(10, 20)]
            return [bool(one.any()) for one in shown]

        apart, touching = a_disc(row=14, column=14, radius=10), a_disc(row=14, column=14, radius=10)
        apart[30:35, 30:35] = 2
        touching[12:17, 23:28] = 2
        # It shrinks by the radius of the large one, and is gone after two thirds of its way.
        assert there(apart, clicked=()) == [True] * 7 + [False] * 3
        assert there(apart, clicked=(1, 2)) == [True] * 10
        assert there(apart, clicked=(1,)) == there(apart, clicked=())
        # What touches keeps its common border.
        assert there(touching, clicked=(1, 2)) == there(touching, clicked=())

    def test_an_ellipsoid_is_whole_at_its_middle_and_gone_at_its_end(self):
        assert ellipsoid_shrinking(5, 5, 9) == 0
        assert ellipsoid_shrinking(9, 5, 9) == 1
        assert ellipsoid_shrinking(11, 5, 9) == 1.5


class TestFlow:
    def test_it_finds_the_shift_of_a_texture_and_composes_steps(self):
        flow = AdjacentFlow(images_of(textured_planes([0, 2, 4])))
        both = flow.compose(flow.between(2, 1), flow.between(1, 0))
        assert np.median(both[10:-10, 10:-10, 0]) == pytest.approx(-4, abs=0.3)
        assert np.median(both[10:-10, 10:-10, 1]) == pytest.approx(0, abs=0.3)

    def test_warping_at_some_pixels_equals_warping_everywhere(self):
        flow = AdjacentFlow(images_of(textured_planes([0, 2])))
        field = flow.between(1, 0)
        maps = np.random.default_rng(0).normal(size=(2, 48, 48)).astype(np.float32)
        pixels = np.array([5, 77, 1000, 2303])
        whole = np.stack([flow.warp(m, field).ravel()[pixels] for m in maps])
        assert np.allclose(flow.warp_at(maps, field, pixels), whole, atol=1e-3)

    def test_no_pixels_need_no_warping(self):
        flow = AdjacentFlow(images_of(textured_planes([0, 2])))
        maps = np.zeros((2, 48, 48), np.float32)
        assert flow.warp_at(maps, flow.between(1, 0), np.zeros(0, np.int64)).shape == (2, 0)

    @pytest.mark.parametrize("fine", [False, True])
    def test_what_moved_by_two_pixels_is_found_there_at_either_scale(self, fine):
        field = AdjacentFlow(images_of(textured_planes([0, 2])), fine).between(1, 0)
        assert np.allclose(field[10:-10, 10:-10].reshape(-1, 2).mean(axis=0), [-2, 0], atol=0.1)

    def test_planes_too_small_for_flow_are_taken_as_unmoved(self):
        assert not AdjacentFlow(images_of(textured_planes([0, 2], size=8))).between(0, 1).any()


def fused_directly(images, plane, source, labels, radius):
    """The weights of the formula, pixel by pixel, away from the border."""
    from SparseAnnotateLib.predictors.guided import patches

    reach = patches.PATCH_PIXELS // 2
    result = np.zeros(labels.shape)
    channels = [(images.smoothed(plane, s), images.smoothed(source, s)) for s in patches.SMOOTHINGS]
    for row, column in np.ndindex(labels.shape):
        if min(row, column, *(n - 1 - i for n, i in zip(labels.shape, (row, column), strict=True))) < radius + reach:
            continue
        total = share = 0.0
        for down, right in disc_offsets(radius):
            here = slice(row - reach, row + reach + 1), slice(column - reach, column + reach + 1)
            there = tuple(slice(s.start + step, s.stop + step) for s, step in zip(here, (down, right), strict=True))
            ssd = sum(((a[here] - b[there]) ** 2).mean() for a, b in channels)
            weight = np.exp(-ssd / patches.SIMILARITY_SCALE - (down**2 + right**2) / (2 * patches.DISTANCE_SIGMA**2))
            total += weight
            share += weight * labels[row + down, column + right]
        result[row, column] = share / total
    return result


class TestPatches:
    def test_the_weights_are_those_of_the_formula(self):
        images = images_of(textured_planes([0, 1], size=24))
        labels = a_disc(24, 24, 12, 12, 5)
        ours = PatchSearch(images, 2).fuse(1, [(0, one_hot(labels, 1), 1.0)])[1]
        direct = fused_directly(images, 1, 0, labels, 2)
        assert np.allclose(ours[5:-5, 5:-5], direct[5:-5, 5:-5], atol=2e-4)

    def test_labels_follow_the_texture(self):
        images = images_of(textured_planes([0, 3]))
        labels = a_disc(48, 48, 24, 20)
        found = PatchSearch(images, 4).fuse(1, [(0, one_hot(labels, 1), 1.0)])
        expected = a_disc(48, 48, 24, 23)
        assert np.mean((found.argmax(axis=0) == 1) == (expected == 1)) > 0.985
        assert np.allclose(found.sum(axis=0), 1, atol=1e-5)

    def test_columns_far_apart_are_worked_on_apart(self):
        hit = np.zeros(200, bool)
        hit[[3, 9, 20, 100, 101]] = True
        assert runs(hit, 10) == [slice(3, 10), slice(20, 21), slice(100, 102)]
        assert runs(hit, 11) == [slice(3, 21), slice(100, 102)]
        assert runs(np.zeros(5, bool), 10) == []

    def test_far_from_all_borders_nothing_is_weighed(self):
        images = images_of(textured_planes([0, 0]))
        found = PatchSearch(images, 3).fuse(1, [(0, one_hot(a_disc(48, 48, 24, 24, 12), 1), 1.0)])
        assert found[1, 24, 24] == 1
        assert found[0, 2, 2] == 1

    def test_of_two_sources_the_share_decides_where_both_look_the_same(self):
        images = images_of(np.zeros((3, 24, 24), np.float32))
        inside, outside = one_hot(np.ones((24, 24), np.uint8), 1), one_hot(np.zeros((24, 24), np.uint8), 1)
        found = PatchSearch(images, 2).fuse(1, [(0, inside, 0.25), (2, outside, 0.75)])
        assert np.allclose(found[1], 0.25, atol=1e-4)


class TestCarry:
    def test_labels_travel_with_the_texture_over_many_planes(self):
        images = images_of(textured_planes([0, 2, 4, 6]))
        labels = a_disc(48, 48, 24, 18)
        flow = AdjacentFlow(images)
        carried = carry(0, labels, 1, range(1, 4), flow, PatchSearch(images, 3), flow.steps(0, range(1, 4)))
        found = carried[3].probabilities().argmax(axis=0) == 1
        expected = a_disc(48, 48, 24, 24) == 1
        assert 2 * (found & expected).sum() / (found.sum() + expected.sum()) > 0.95
        assert list(carried) == [1, 2, 3]

    def test_sharpening_keeps_certainty_and_sums_to_one(self):
        probabilities = np.array([[0.8, 0.5, 1.0], [0.2, 0.5, 0.0]], np.float32).reshape(2, 1, 3)
        doubtful, doubts = sharpened(probabilities)
        probabilities = probabilities[:, 0]
        assert doubtful.tolist() == [0, 1]
        assert np.array_equal(doubts, probabilities[:, :2])
        assert probabilities[:, 1].tolist() == [0.5, 0.5]
        assert probabilities[:, 2].tolist() == [1, 0]
        assert 0.8 < probabilities[0, 0] < 0.9


def test_results_come_in_order_however_many_there_are():
    with ThreadPoolExecutor(2) as executor:
        assert list(mapped(executor, lambda number: number**2, iter(range(20)))) == [n * n for n in range(20)]


def test_one_warning_is_kept_back_others_are_not_and_the_filters_come_back():
    def warn():
        with warning_kept_back("known"):
            warnings.resetwarnings()
            for text in ("a known one", "another"):
                warnings.warn(text, UserWarning, stacklevel=1)

    before = list(warnings.filters)
    with pytest.warns(UserWarning, match="another") as given:
        warn()
    assert [str(each.message) for each in given] == ["another"]
    assert warnings.filters == before


def test_trust_goes_to_the_side_that_explains_the_image():
    good, bad = np.zeros((20, 20), np.float32), np.ones((20, 20), np.float32)
    assert np.all(trust_below(0.5, good, bad) > 0.95)
    assert np.allclose(trust_below(0.25, good, good), 0.75)


def test_margins_are_to_the_largest_of_the_others():
    values = np.array([[1.0, 5.0], [3.0, 2.0], [2.0, 5.0]])
    assert np.array_equal(margin_to_rest(values), [[-2, 0], [1, -3], [-1, 0]])
    assert [part.tolist() for part in largest_two(values)] == [[3, 5], [2, 5]]


class TestGaps:
    def test_the_planes_between_before_and_after_the_painted_ones(self):
        assert gaps_of([3, 6, 7], (1, 9)) == [Gap(None, 3, 1, 2), Gap(3, 6, 4, 5), Gap(6, 7, 7, 6), Gap(7, None, 8, 9)]

    def test_what_is_carried_between_painted_planes_reaches_the_other_one(self):
        gap = Gap(3, 6, 4, 5)
        assert list(gap.upward()) == [4, 5, 6]
        assert list(gap.downward()) == [5, 4, 3]
        assert list(Gap(None, 3, 1, 2).downward()) == [2, 1]

    def test_gaps_are_begun_ahead_of_time_unless_that_takes_too_much_memory(self):
        gaps = gaps_of([0, 10, 20, 30], (0, 30))
        a_flow = CARRIED_BYTES // (2 * 2 * 10)  # of both ways through ten planes
        assert list(_begun_with(gaps, 4, a_flow // 3)) == [4, 5, 6]
        assert list(_begun_with(gaps, 4, a_flow // 2)) == [4, 5]
        assert list(_begun_with(gaps, 4, a_flow * 9)) == [4]

    def test_a_bracket_knows_its_nearer_side(self):
        assert Bracket(5, 3, 9).share == pytest.approx(1 / 3)
        assert Bracket(5, 3, 9).gap_planes == (2, 4)
        assert Bracket(5, None, 9).sides == (9, 9)


class TestPool:
    def test_a_class_that_is_not_allowed_gets_nothing(self):
        logs = np.log(np.full((4, 3, 5), 1 / 3, np.float32))
        pool = pooled(logs, INSIDE, np.array([True, False, True]))
        assert np.allclose(pool, [[0.5] * 5, [0] * 5, [0.5] * 5])

    def test_weights_move_to_the_prior_that_is_right(self):
        rng = np.random.default_rng(0)
        truth = rng.integers(0, 2, 2000)
        right = np.where(truth, 0.9, 0.1)
        wrong = rng.uniform(0.05, 0.95, 2000)
        logs = np.log(np.stack([np.stack([1 - p, p]) for p in (right, wrong, wrong, wrong)]))
        weights = adapted_weights([(logs, truth)] * 4, np.random.default_rng(0))
        assert weights[0] > INSIDE[0] + 0.2
        assert np.all(weights[1:] < INSIDE[1:])

    def test_one_left_out_plane_is_not_enough_to_change_them(self):
        logs = np.zeros((4, 2, 10))
        assert adapted_weights([(logs, np.zeros(10, int))], np.random.default_rng(0)) is INSIDE


class TestFusion:
    def test_trees_and_pool_are_multiplied(self):
        trees, pool = np.array([[0.2], [0.8]]), np.array([[0.5], [0.5]])
        assert fused(trees, pool, (1.0, 1.0), np.ones(2, bool))[1, 0] == pytest.approx(0.426 / 0.54)

    def test_what_neither_sees_gets_nothing_however_many_pixels_there_are(self):
        neither = np.array([[0.7], [0.3], [0.0]], np.float32)
        assert fused(neither, neither, (0.75, 0.75), np.ones(3, bool))[2, 0] < 1e-6

    def test_neither_has_a_veto(self):
        trees, pool = np.array([[0.0], [1.0]], np.float32), np.array([[1.0], [0.0]], np.float32)
        assert fused(trees, pool, (0.75, 0.75), np.ones(2, bool))[1, 0] == pytest.approx(0.5)

    def test_with_few_planes_trees_say_nothing_beyond_the_ends(self):
        assert exponents(3, at_end=True)[0] == 0
        assert exponents(3, at_end=False)[0] < exponents(12, at_end=False)[0]

    def test_with_the_network_they_are_heard_there_from_three_planes_on(self):
        assert exponents(3, at_end=True, network=True) == exponents(3, at_end=False)
        assert exponents(2, at_end=True, network=True)[0] == 0


class TestExpectedDice:
    def test_certain_planes_promise_one(self):
        dice = ExpectedDice(2, 1)
        dice.add_certain(0, np.array([[0, 1], [1, 1]]))
        assert dice.per_class().tolist() == [1]
        assert np.isnan(dice.per_plane()).all()

    def test_more_is_lost_than_the_probabilities_promise(self):
        dice = ExpectedDice(1, 1)
        dice.add(0, np.array([1, 1, 0]), np.array([[0.2, 0.4, 0.7], [0.8, 0.6, 0.3]]))
        assert dice.promised()[0] == pytest.approx(2 * 1.4 / (2 + 1.7))
        lost = 1 - (2 * 1.4 / (2 + 1.7)) ** POWER
        assert dice.per_class()[0] == pytest.approx(1 - lost)
        assert lost < 1 - dice.per_plane()[0] == pytest.approx(lost**0.9)

    def test_other_labels_promise_what_they_would_have_promised_at_once(self):
        probabilities = np.array([[0.2, 0.4, 0.7], [0.8, 0.6, 0.3]])
        at_once, changed = ExpectedDice(1, 1), ExpectedDice(1, 1)
        at_once.add(0, np.array([1, 1, 1]), probabilities)
        changed.add(0, np.array([1, 1, 0]), probabilities)
        changed.relabel(0, np.array([1, 1, 0]), np.array([1, 1, 1]), probabilities)
        assert changed.promised()[0] == pytest.approx(at_once.promised()[0])

    @pytest.mark.parametrize(("structures", "counted"), [(8, 1000 * 0.01), (9, 0)])
    def test_next_to_nothing_in_many_places_counts_unless_there_are_many_structures(self, structures, counted):
        dice, many = ExpectedDice(1, structures), 1000
        rest = np.zeros((structures - 1, 1 + many))
        dice.add(0, np.r_[1, np.zeros(many, int)], np.r_[np.c_[[0.2, 0.8], np.tile([[0.99], [0.01]], many)], rest])
        assert dice.promised()[0] == pytest.approx(2 * 0.8 / (1 + 0.8 + counted))


class TestSmoothing:
    def test_a_ragged_outline_becomes_smooth_where_the_image_is_even(self):
        probabilities = one_hot(np.array([[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1]]), 1)
        smooth = smoothed_along_edges(probabilities, np.zeros((4, 5), np.float32), np.ones(1))
        assert smooth[1, 1, 2] < 0.5 < smooth[1, 2, 2]
        assert np.allclose(smooth.sum(axis=0), 1)

    def test_an_outline_along_an_edge_of_the_image_stays(self):
        labels = np.repeat([[0, 0, 1, 1]], 6, axis=0)
        probabilities = one_hot(labels, 1)
        smooth = smoothed_along_edges(probabilities, 3 * labels.astype(np.float32), np.ones(1))
        assert np.abs(smooth - probabilities).max() < 0.02

    def test_nothing_changes_without_a_share(self):
        probabilities = one_hot(np.random.default_rng(0).integers(0, 3, (8, 8)), 2)
        smooth = smoothed_along_edges(probabilities, np.zeros((8, 8), np.float32), np.zeros(2))
        assert np.array_equal(smooth, probabilities)

    def test_thin_structures_are_smoothed_by_half(self):
        assert strengths(np.array([0.5, 2.0, 9.0, np.nan])).tolist() == [0.5, 0.75, 1.0, 0.0]


class TestDecision:
    def test_a_structure_is_decided_at_half_the_dice_that_it_promises(self):
        probabilities = np.array([[0.69, 0.71, 0.59, 0.61], [0.31, 0.29, 0.41, 0.39]])
        assert weighted(probabilities, class_weights(np.array([0.6]))).argmax(axis=0).tolist() == [1, 0, 1, 1]
        assert weighted(probabilities, class_weights(np.array([0.8]))).argmax(axis=0).tolist() == [0, 0, 1, 0]

    def test_a_certain_structure_or_an_absent_one_is_decided_at_one_half(self):
        assert class_weights(np.array([1.0, np.nan])).tolist() == [1, 1, 1]

    def test_neighbours_that_agree_outvote_a_doubtful_plane(self):
        own, seen = np.array([[0.6], [0.4]]), np.array([[0.0], [1.0]])
        alike, different = np.zeros(1), np.full(1, 3.0)
        assert joined(own, [(seen, alike), (seen, alike)], np.ones(2, bool))[1, 0] > 0.5
        assert joined(own, [(seen, alike), (1 - seen, alike)], np.ones(2, bool))[1, 0] < 0.5
        assert joined(own, [(seen, different), (seen, different)], np.ones(2, bool))[1, 0] < 0.5

    def test_neighbours_bring_no_class_to_a_plane_where_it_is_not_allowed(self):
        found = joined(np.array([[1.0], [0.0]]), [(np.array([[0.0], [1.0]]), np.zeros(1))], np.array([True, False]))
        assert found[:, 0].tolist() == [1, 0]

    def test_it_raises_the_expected_dice(self):
        inside = np.random.default_rng(0).random(500) ** 3
        probabilities = np.stack([1 - inside, inside])
        dice = []
        for labels in (probabilities.argmax(axis=0), None):
            expected = ExpectedDice(1, 1)
            if labels is None:
                labels = weighted(probabilities, class_weights(dice[0])).argmax(axis=0)
            expected.add(0, labels, probabilities)
            dice.append(expected.promised())
        assert dice[1] > dice[0]


def test_trees_are_left_out_where_there_is_nothing_to_learn_from():
    corrector = Corrector(2, seed=0, painted_on=[1, 1, 1])
    with ThreadPoolExecutor(1) as executor:
        assert list(corrector.fit([], executor))[-1] == 1
    volume, labels = a_moving_disc()
    annotation = SparseAnnotation.from_painted_planes(labels, [6], plane_range=(2, 10))
    predicted = run(PREDICTORS.create("guided"), volume, annotation).labels
    assert 2 * (predicted & labels).sum() / (predicted[2:11].sum() + labels[2:11].sum()) > 0.8


def a_moving_disc(planes=13, drift=1.5):
    """A bright disc that wanders across the planes, in noise."""
    labels = np.stack([a_disc(48, 64, 24, 20 + drift * z, 9) for z in range(planes)])
    noise = np.random.default_rng(0).normal(0, 0.4, labels.shape)
    return Volume.from_array(labels + noise), labels


def test_a_structure_that_moves_is_followed_better_than_distances_alone_do():
    volume, labels = a_moving_disc(25)
    annotation = SparseAnnotation.from_painted_planes(labels, [2, 12, 22], plane_range=(0, 24))
    scores = {}
    for name in ("guided", "shape", "nearest"):
        predicted = run(PREDICTORS.create(name), volume, annotation).labels
        scores[name] = 2 * (predicted & labels).sum() / (predicted.sum() + labels.sum())
    assert scores["guided"] > scores["shape"] > scores["nearest"]
    assert scores["guided"] > 0.95


def test_probabilities_agree_with_labels_and_known_voxels():
    volume, labels = a_moving_disc()
    annotation = SparseAnnotation.from_painted_planes(labels, [2, 7, 11], plane_range=(1, 12)).with_partly_painted([7])
    result = run(PREDICTORS.create("guided", {"keep_probabilities": True}), volume, annotation)
    assert result.probabilities.shape == (2, *volume.shape)
    assert np.array_equal(result.probabilities.argmax(axis=0), result.labels)
    assert np.allclose(result.probabilities.astype(np.float32).sum(axis=0), 1, atol=2e-3)


@pytest.mark.parametrize("room", [0, 30_000])
def test_going_through_planes_twice_saves_memory_and_changes_nothing(monkeypatch, room):
    from SparseAnnotateLib.predictors.guided import predictor

    volume, labels = a_moving_disc()
    annotation = SparseAnnotation.from_painted_planes(labels, [2, 7, 11], plane_range=(1, 12)).with_partly_painted([7])
    once = run(PREDICTORS.create("guided"), volume, annotation)
    again, walk = [], predictor.walk

    def seen(worker, gaps, executor, planes, learning):
        if not learning:
            again.extend(sorted(planes))
        return walk(worker, gaps, executor, planes, learning)

    monkeypatch.setattr(predictor, "walk", seen)
    monkeypatch.setattr(predictor, "ROWS_BYTES", room)
    twice = run(PREDICTORS.create("guided"), volume, annotation)
    predicted = [1, 3, 4, 5, 6, 7, 8, 9, 10, 12]
    assert again == predicted[-len(again) :]
    assert (len(again) == len(predicted)) == (room == 0)
    assert np.array_equal(once.labels, twice.labels)
    assert once.expected_dice == twice.expected_dice


def test_expected_dice_is_told_for_predicted_planes_only():
    volume, labels = a_moving_disc()
    annotation = SparseAnnotation.from_painted_planes(labels, [2, 7, 11], plane_range=(1, 12))
    result = run(PREDICTORS.create("guided"), volume, annotation)
    assert np.flatnonzero(np.isfinite(result.expected_dice_per_plane)).tolist() == annotation.unpainted_planes
    assert 0.5 < result.expected_dice < 1


def test_dozens_of_classes_are_kept_apart():
    labels = np.zeros((9, 27, 70), np.uint8)
    for number in range(12):
        row, column = 4 + 11 * (number // 6), 4 + 11 * (number % 6)
        labels[:, row : row + 8, column : column + 8] = number + 1
    volume = Volume.from_array(labels + np.random.default_rng(0).normal(0, 0.3, labels.shape))
    annotation = SparseAnnotation.from_painted_planes(labels, [1, 4, 7], plane_range=(0, 8))
    assert annotation.class_count == 12
    predicted = run(PREDICTORS.create("guided"), volume, annotation).labels
    assert np.mean(predicted[[2, 3, 5, 6]] == labels[[2, 3, 5, 6]]) > 0.99


def test_structures_named_but_painted_nowhere_leave_everything_empty():
    volume, labels = a_moving_disc()
    empty = SparseAnnotation.from_painted_planes(np.zeros_like(labels), [], empty=[3], classes=[LabelClass(1, "a")])
    assert not run(PREDICTORS.create("guided"), volume, empty).labels.any()


@pytest.mark.slow
def test_on_real_hippocampi_it_beats_nearest_and_shape(real_data):
    from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
    from SparseAnnotateLib.io import read_image, read_labels
    from SparseAnnotateLib.metrics import dice_per_class

    folder = real_data / "MSD_hippocampus_056"
    volume = read_image(folder / "image.nii.gz", axis="k")
    expert = SimulatedExpert(read_labels(folder / "label.nii.gz", volume).labels)
    annotation = expert.paint([10, 20, 31])
    scores = {}
    for name in ("guided", "shape", "nearest"):
        labels = run(PREDICTORS.create(name), volume, annotation).labels
        scores[name] = dice_per_class(labels, expert.reference, annotation.class_count).mean()
    assert scores["guided"] > max(scores["shape"], scores["nearest"]) + 0.1
    assert scores["guided"] > 0.78
