"""Slicer's contour interpolator in place of ITK's package."""

import numpy as np
import pytest
from SparseAnnotateLib.annotation import SparseAnnotation
from SparseAnnotateLib.predictors import run
from SparseAnnotateLib.predictors.morphology import Morphology
from SparseAnnotateLib.volume import Volume
from SparseAnnotateSlicer.interpolator import slicer_interpolation, use_slicers_interpolator


@pytest.fixture
def gap():
    labels = np.zeros((7, 24, 30), np.uint8)
    labels[0, 5:12, 6:14] = 1
    labels[-1, 8:19, 9:22] = 1
    labels[0, 15:20, 20:26] = 2
    labels[-1, 1:6, 20:28] = 2
    return labels


def test_fills_a_gap_between_what_is_painted(gap):
    filled = slicer_interpolation(gap)
    assert np.array_equal(filled[[0, -1]], gap[[0, -1]])
    for number in (1, 2):
        areas = (filled == number).sum(axis=(1, 2))
        low, high = sorted((areas[0], areas[-1]))
        assert (areas >= 0.8 * low).all()
        assert (areas <= 1.2 * high).all()


def test_serves_the_predictor_morphology(gap, monkeypatch):
    monkeypatch.setattr(Morphology, "backend", staticmethod(lambda labels: labels))
    assert use_slicers_interpolator()
    volume = Volume.from_array(np.zeros(gap.shape, np.float32))
    prediction = run(Morphology(), volume, SparseAnnotation.from_painted_planes(gap))
    assert Morphology.backend is slicer_interpolation
    inside = prediction.labels[1:-1] > 0
    assert np.array_equal(inside, slicer_interpolation(gap)[1:-1] > 0)
