"""What `guided` computes in a faster way equals what it stands for."""

import gc
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from SparseAnnotateLib import Volume
from SparseAnnotateLib.distances import signed_distance_mm
from SparseAnnotateLib.predictors.guided import gaps, patches
from SparseAnnotateLib.predictors.guided.carry import one_hot
from SparseAnnotateLib.predictors.guided.distance_maps import inscribed_radius_mm
from SparseAnnotateLib.predictors.guided.images import CLIP_PERCENTILES, Images
from SparseAnnotateLib.predictors.guided.patches import PatchSearch, most_probable
from SparseAnnotateLib.predictors.guided.threads import imported_beside_work

ROWS, COLUMNS = 53, 70


@pytest.fixture
def images():
    planes = np.random.default_rng(0).normal(size=(3, ROWS, COLUMNS)).astype(np.float32)
    return Images(Volume.from_array(planes), (slice(0, ROWS), slice(0, COLUMNS)))


def three_structures():
    labels = np.zeros((ROWS, COLUMNS), np.uint8)
    labels[:9, 2:14], labels[20:45, 30:41], labels[44:, 50:] = 1, 2, 3
    return one_hot(labels, 3)


@pytest.mark.parametrize("columns", [1, 40])
def test_how_a_plane_is_packed_changes_nothing(images, monkeypatch, columns):
    source = [(0, three_structures(), 1.0)]
    at_once = PatchSearch(images, 3).fuse(1, source)
    monkeypatch.setattr(patches, "_PACK_COLUMNS", columns)
    assert np.allclose(PatchSearch(images, 3).fuse(1, source), at_once, atol=1e-5)


def test_packing_takes_all_open_pixels_and_no_others(images):
    probabilities = three_structures()
    search = PatchSearch(images, 3)
    is_open = search._open_pixels([probabilities])
    fused = search.fuse(1, [(0, probabilities, 1.0)])
    assert (fused[:, ~is_open] == probabilities[:, ~is_open]).all()
    assert (fused[:, is_open] != probabilities[:, is_open]).any(axis=0).mean() > 0.9
    assert np.allclose(fused.sum(axis=0), 1, atol=1e-5)


@pytest.mark.parametrize("classes", [1, 2, 7])
def test_the_most_probable_class_is_the_first_of_the_largest(classes):
    probabilities = np.random.default_rng(0).integers(0, 4, (classes, 30, 30)).astype(np.float32)
    assert (most_probable(probabilities) == probabilities.argmax(axis=0)).all()


def test_an_inscribed_radius_is_that_of_the_whole_plane():
    mask = np.zeros((40, 60), bool)
    mask[:7, 50:], mask[15:30, 10:31] = True, True
    for spacing_mm in ((1.0, 1.0), (0.5, 1.2)):
        assert inscribed_radius_mm(mask, spacing_mm) == signed_distance_mm(mask, spacing_mm).max()


def test_planes_are_clipped_at_the_percentiles_of_what_is_no_background():
    planes = np.random.default_rng(0).integers(0, 50, (4, 30, 30)).astype(np.float32)
    planes[:2] = -7
    found = Images(Volume.from_array(planes), (slice(0, 30), slice(0, 30)))
    low, high = np.percentile(planes[2:], CLIP_PERCENTILES)
    inside = np.clip(planes[2:], low, high)
    inside = inside[inside > low]
    expected = tuple((bound - inside.mean()) / inside.std() for bound in (low, high))
    assert found.normalised_range == pytest.approx(expected, rel=1e-5)


def test_an_import_beside_work_leaves_the_garbage_collector_as_it_was():
    before = gc.get_threshold()
    imported_beside_work("wave")
    assert "wave" in sys.modules
    assert gc.get_threshold() == before
    with pytest.raises(ModuleNotFoundError):
        imported_beside_work("no_such_module_at_all")
    assert gc.get_threshold() == before


@pytest.mark.parametrize("planes_ahead", [0, 3, 1000])
def test_flows_begun_ahead_are_those_of_their_gap(monkeypatch, planes_ahead):
    class Worker:
        flow_bytes = 1

        def steps(self, source, targets):
            return source, list(targets)

    monkeypatch.setattr(gaps, "STEPS_BYTES", planes_ahead)
    between = gaps.gaps_of([2, 6, 7], (0, 9))
    with ThreadPoolExecutor(2) as executor:
        ahead = gaps._StepsAhead(Worker(), between, executor)
        for gap in between:
            upward, downward = (None if future is None else future.result() for future in ahead.of(gap))
            assert upward == (None if gap.below is None else (gap.below, list(gap.upward())))
            assert downward == (None if gap.above is None else (gap.above, list(gap.downward())))
        assert ahead.of(gaps.Gap(20, 30, 21, 29)) == (None, None)
