"""Planes of another axis, painted completely, pull the outlines that they cross."""

import numpy as np
import pytest
from SparseAnnotateLib import PREDICTORS, LabelClass, SparseAnnotation, run
from SparseAnnotateLib.volume import Volume

CLASSES = (LabelClass(1, "small"), LabelClass(2, "other"))


def leaning_tube():
    """A tube whose middle moves back and forth: planes 0 and 20 say nothing about where it is between."""
    truth = np.zeros((21, 40, 60), np.uint8)
    rows, columns = np.mgrid[:40, :60]
    for plane in range(21):
        middle = 15 + 10 * np.sin(np.pi * plane / 20)
        truth[plane] = (rows - 20) ** 2 + (columns - middle) ** 2 <= 64
    return truth


TRUTH = leaning_tube()
VOLUME = Volume.from_array(TRUTH * 100.0 + np.random.default_rng(0).normal(0, 10, TRUTH.shape))


def painted(along=True):
    annotation = SparseAnnotation.from_painted_planes(TRUTH, [0, 20])
    return annotation.with_painted_along(1, [20], TRUTH) if along else annotation


def dice(labels):
    return 2 * np.count_nonzero(labels & TRUTH) / (np.count_nonzero(labels) + np.count_nonzero(TRUTH))


@pytest.mark.parametrize(
    ("name", "before", "after"), [("nearest", 0.6, 0.85), ("shape", 0.6, 0.85), ("guided", 1, 0.95)]
)
def test_one_plane_along_the_rows_brings_the_tube_to_its_place(name, before, after):
    predictor = PREDICTORS.create(name)
    assert dice(run(predictor, VOLUME, painted(along=False)).labels) <= before
    labels = run(predictor, VOLUME, painted()).labels
    assert dice(labels) >= after
    assert np.array_equal(labels[:, 20], TRUTH[:, 20])


def test_a_prediction_that_is_right_on_the_crossing_plane_stays_as_it_is():
    labels = np.zeros((9, 20, 20), np.uint8)
    labels[:, 4:16, 4:16] = 1
    annotation = SparseAnnotation.from_painted_planes(labels, [0, 8])
    volume = Volume.from_array(np.zeros(labels.shape))
    crossed = annotation.with_painted_along(2, [10], labels)
    one, other = (run(PREDICTORS.create("shape"), volume, given).labels for given in (annotation, crossed))
    assert np.array_equal(one, other)


def test_a_structure_that_only_the_crossing_plane_shows_appears_beside_it():
    labels = np.zeros((15, 30, 30), np.uint8)
    labels[[0, 14], 2:6, 2:6] = 2
    whole = labels.copy()
    whole[5:10, 10:20, 10:20] = 1
    annotation = SparseAnnotation.from_painted_planes(whole, [0, 14], classes=CLASSES)
    predicted = run(
        PREDICTORS.create("shape"),
        Volume.from_array(np.zeros(whole.shape)),
        annotation.with_painted_along(1, [15], whole),
    ).labels
    assert np.array_equal(predicted[:, 15], whole[:, 15])
    assert (predicted[5:10, 14:17, 11:19] == 1).all()
    assert not (predicted[:4] == 1).any()
