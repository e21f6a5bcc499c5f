"""Blocks: none is empty, each is where it was drawn, and what is unknown stays unknown."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from cohort.scans import a_scan, tiny_settings  # noqa: E402
from SparseAnnotateLib.cohort.training.blocks import BlockSource, Place, cut  # noqa: E402
from SparseAnnotateLib.cohort.training.cohort import prepare  # noqa: E402
from SparseAnnotateLib.learning.augmentation import Augmentation  # noqa: E402


@pytest.fixture
def scan():
    return prepare([a_scan(shape=(30, 24, 24), painted=(14, 17))], tiny_settings()).training[0]


def test_a_part_beyond_the_array_goes_on_with_its_last_voxel_or_with_nothing():
    array = np.arange(4).reshape(1, 1, 4)
    assert cut(array, (0, 0, -2), (1, 1, 8), "edge")[0, 0].tolist() == [0, 0, 0, 1, 2, 3, 3, 3]
    assert cut(array, (0, 0, 2), (1, 1, 4), "constant")[0, 0].tolist() == [2, 3, 0, 0]


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_every_block_holds_a_painted_or_border_plane(scan, share):
    source = BlockSource([scan], (4, 8, 8), True, structure_share=share)
    for place in source.draw(50, np.random.default_rng(0)):
        planes = range(place.start[0], place.start[0] + 4)
        assert set(planes) & set(scan.anchors.tolist())


def test_blocks_around_structures_hold_a_labelled_voxel(scan):
    source = BlockSource([scan], (4, 8, 8), True, structure_share=1.0)
    blocks = source.batch(source.draw(30, np.random.default_rng(0)))
    assert blocks.labels.flatten(1).any(dim=1).all()


def test_border_planes_are_known_to_be_empty(scan):
    painted, borders = {14, 17}, set(scan.anchors.tolist()) - {14, 17}
    assert len(borders) == 2
    assert all(scan.known[plane].all() and not scan.labels[plane].any() for plane in borders)
    assert painted < set(scan.anchors.tolist())


def test_a_block_without_change_is_a_part_of_its_scan(scan):
    source = BlockSource([scan], (4, 8, 8), True)
    (place,) = source.validation(1)
    blocks = source.batch([place])
    where = tuple(slice(first, first + side) for first, side in zip(place.start, (4, 8, 8), strict=True))
    np.testing.assert_array_equal(blocks.inputs[0, 0], scan.image[where].astype(np.float32))
    np.testing.assert_array_equal(blocks.labels[0], scan.labels[where])
    np.testing.assert_array_equal(blocks.known[0], scan.known[where])
    assert not blocks.inputs[0, 1].any()  # as in a scan that nobody has painted


def test_half_of_the_training_blocks_show_their_known_mask(scan):
    source = BlockSource([scan], (4, 8, 8), True)
    blocks = source.batch(source.draw(60, np.random.default_rng(1)))
    shown = [
        bool(torch.equal(mask, known.float())) for mask, known in zip(blocks.inputs[:, 1], blocks.known, strict=True)
    ]
    hidden = [not mask.any() for mask in blocks.inputs[:, 1]]
    assert all(one or other for one, other in zip(shown, hidden, strict=True))
    assert 15 < sum(shown) < 45


def test_validation_blocks_cover_every_painted_voxel(scan):
    source = BlockSource([scan], (4, 8, 8), False)
    covered = np.zeros(scan.image.shape, bool)
    for place in source.validation(1000):
        covered[tuple(slice(first, first + side) for first, side in zip(place.start, (4, 8, 8), strict=True))] = True
    assert covered[[14, 17]].all()


def test_a_scan_smaller_than_the_block_lies_in_its_middle_and_nothing_is_known_around_it():
    small = prepare([a_scan(shape=(12, 20, 20))], tiny_settings()).training[0]
    source = BlockSource([small], (16, 32, 32), False)
    (place,) = source.validation(10)
    blocks = source.batch([place])
    assert place.start == (-2, -6, -6)
    assert not blocks.known[0, :2].any()
    np.testing.assert_array_equal(blocks.known[0, 2:14, 6:26, 6:26], small.known)


def test_changed_blocks_know_no_more_than_their_scan(scan):
    """Known planes stay whole planes: a block is turned in its planes only."""
    source = BlockSource([scan], (8, 16, 16), True, augmentation=Augmentation())
    for place in source.draw(10, np.random.default_rng(2)):
        blocks = source.batch([place])
        planes = range(place.start[0], place.start[0] + 8)
        for number, plane in enumerate(planes):
            if not scan.known[plane].any():
                assert not blocks.known[0, number].any()
        assert not blocks.labels[~blocks.known].any()


def test_what_becomes_of_a_block_does_not_depend_on_its_batch(scan):
    source = BlockSource([scan], (8, 16, 16), True, augmentation=Augmentation())
    places = source.draw(3, np.random.default_rng(3))
    together = source.batch(places)
    for number, place in enumerate(places):
        alone = source.batch([place])
        torch.testing.assert_close(alone.inputs[0], together.inputs[number], rtol=0, atol=0)
        assert torch.equal(alone.labels[0], together.labels[number])


def test_blocks_tell_which_structures_a_plane_is_complete_for():
    """The ball is complete on plane 14, a sliver on 17; beyond the scan nothing is said."""
    whole = a_scan(shape=(30, 24, 24), painted=(14, 17))
    own = replace(whole, annotation=whole.annotation.with_complete({1: [14]}))
    source = BlockSource([prepare([own], tiny_settings()).training[0]], (40, 24, 24), False)
    blocks = source.batch([Place(0, (-5, 0, 0))])
    ball = blocks.open_classes[0, 1].tolist()
    assert (ball[5 + 14], ball[5 + 17], ball[0]) == (False, True, True)
    assert blocks.open_classes[0, 0].all()
    assert blocks.known[0, 5 + 14].all()
    assert torch.equal(blocks.known[0, 5 + 17], blocks.labels[0, 5 + 17] > 0)
