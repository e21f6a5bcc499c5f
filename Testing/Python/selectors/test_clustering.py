"""The clustering engine of Payer et al. 2023, and the selectors kmeans and histogram."""

import numpy as np
import pytest
from selector_tester import SelectorTester
from SparseAnnotateLib import SELECTORS, SparseAnnotation, Volume
from SparseAnnotateLib.selectors.clustering import cluster, share_out
from SparseAnnotateLib.selectors.histogram import histograms
from SparseAnnotateLib.selectors.kmeans import embed


def three_groups(sizes=(12, 6, 2)) -> Volume:
    """Planes of three brightnesses, the groups one after the other; their noise is far below the steps."""
    levels = np.repeat([0.0, 100.0, 1000.0], sizes)
    return Volume.from_array(levels[:, None, None] + np.random.default_rng(0).normal(0, 1, (sum(sizes), 9, 8)))


def select(name, volume, count, painted=(), seed=0):
    labels = np.zeros(volume.shape, np.uint8)
    annotation = SparseAnnotation.from_painted_planes(labels, [], empty=painted)
    return SELECTORS.create(name).select(volume, annotation, count, np.random.default_rng(seed))


class TestKMeans(SelectorTester):
    name = "kmeans"

    def test_each_group_gets_as_many_planes_whatever_its_size(self):
        groups = np.digitize([s.plane for s in select("kmeans", three_groups(), 3)], (12, 18))
        assert groups.tolist() == [0, 1, 2]

    def test_the_reason_names_the_group_and_its_size(self):
        reasons = [s.reason for s in select("kmeans", three_groups((12, 7, 1)), 3)]
        assert reasons[0] == "group 1 of 3: 12 similar planes"
        assert reasons[2] == "group 3 of 3: unlike any other plane"

    def test_a_group_that_is_painted_is_left_to_the_others(self):
        for seed in range(10):
            planes = [s.plane for s in select("kmeans", three_groups((10, 10, 10)), 2, painted=(3,), seed=seed)]
            assert np.digitize(planes, (10, 20)).tolist() == [1, 2]

    def test_another_seed_draws_other_planes(self):
        volume = three_groups()
        assert len({tuple(s.plane for s in select("kmeans", volume, 4, seed=seed)) for seed in range(10)}) > 5

    def test_the_coordinates_keep_all_distances(self):
        vectors = np.random.default_rng(2).normal(-500, 300, (30, 20_000)).astype(np.float32)
        coordinates = embed(vectors)
        wanted = np.linalg.norm(vectors[:, None].astype(float) - vectors[None], axis=2)
        found = np.linalg.norm(coordinates[:, None] - coordinates[None], axis=2)
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-3)


class TestHistogram(SelectorTester):
    name = "histogram"

    def test_the_bins_are_those_of_numpy(self):
        planes = np.random.default_rng(3).normal(200, 500, (4, 50, 60)).astype(np.float32)
        low, high = float(planes.min()), float(planes.max())
        wanted = [np.histogram(plane, bins=255, range=(low, high))[0] / plane.size for plane in planes.astype(float)]
        np.testing.assert_array_equal(histograms(planes, low, high), wanted)

    def test_where_the_structures_lie_does_not_matter(self):
        left, right = np.zeros((10, 8)), np.zeros((10, 8))
        left[:, :2], right[:, 6:] = 50, 50
        volume = Volume.from_array(np.stack([left, right, left, np.full((10, 8), 50.0), right]))
        reasons = {s.plane: s.reason for s in select("histogram", volume, 2)}
        assert reasons[3] == "group 2 of 2: unlike any other plane"


def on_a_line(*positions) -> np.ndarray:
    return np.array(positions, float)[:, None]


def shares_of(sizes, count, painted=None, centres=None):
    sizes = np.array(sizes)
    painted = np.zeros_like(sizes) if painted is None else np.array(painted)
    return share_out(sizes, painted, count, on_a_line(*range(len(sizes))) if centres is None else centres)


def test_every_cluster_gives_the_same_number_whatever_its_size():
    assert shares_of((20, 40, 5), 9) == [3, 3, 3]


def test_what_is_left_over_goes_to_the_largest_clusters():
    assert shares_of((10, 30, 20), 8) == [2, 3, 3]


def test_what_a_small_cluster_lacks_is_taken_from_the_most_similar_one():
    assert shares_of((10, 10, 1), 9, centres=on_a_line(0, 9, 1)) == [5, 3, 1]
    assert shares_of((10, 10, 1), 9, centres=on_a_line(9, 0, 1)) == [3, 5, 1]


def test_what_the_most_similar_one_lacks_too_is_taken_from_the_next():
    assert shares_of((10, 4, 1), 12, centres=on_a_line(0, 9, 8)) == [7, 4, 1]


def test_painted_planes_are_taken_off_what_their_cluster_gives():
    assert shares_of((10, 10), 4, painted=(4, 0)) == [0, 4]
    assert shares_of((10, 10), 4, painted=(2, 0)) == [1, 3]


def test_a_cluster_painted_beyond_the_same_number_gets_nothing():
    assert shares_of((5, 10, 10), 5, painted=(5, 0, 0))[0] == 0


def test_shares_always_sum_to_the_count_and_fit_into_their_clusters():
    rng = np.random.default_rng(4)
    for _ in range(500):
        sizes = rng.integers(1, 30, int(rng.integers(1, 16)))
        painted = rng.integers(0, sizes + 1)
        free = int((sizes - painted).sum())
        if not free:
            continue
        count = int(rng.integers(1, free + 1))
        shares = share_out(sizes, painted, count, rng.normal(size=(len(sizes), 3)))
        assert sum(shares) == count
        assert all(0 <= share <= left for share, left in zip(shares, sizes - painted, strict=True))


def test_clusters_are_numbered_by_their_first_plane():
    members, centres = cluster(on_a_line(7, 7, 1, 1, 4, 7), 3, np.random.default_rng(0))
    assert members.tolist() == [0, 0, 1, 1, 2, 0]
    np.testing.assert_allclose(centres[:, 0], [7, 1, 4])


@pytest.mark.filterwarnings("error")
def test_there_are_no_more_clusters_than_planes_that_differ():
    members, centres = cluster(on_a_line(5, 5, 5, 2), 4, np.random.default_rng(0))
    assert members.tolist() == [0, 0, 0, 1]
    assert len(centres) == 2


@pytest.mark.parametrize("name", ["kmeans", "histogram", "ssim"])
def test_planes_that_are_equal_are_in_the_same_group(name):
    levels = np.repeat([100.0, 120.0, 900.0], (2, 8, 10))
    volume = Volume.from_array((levels[:, None, None] + np.arange(16) % 3 + np.zeros((16, 16))).astype(np.float32))
    reasons = {suggestion.reason for suggestion in select(name, volume, 9)}
    assert reasons == {f"group {n} of 3: {size} similar planes" for n, size in ((1, 2), (2, 8), (3, 10))}
