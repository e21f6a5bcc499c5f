"""Structures on planes of their own, strokes, planes of other axes and ranges in any combination."""

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from SparseAnnotateLib import PREDICTORS, SparseAnnotation, run
from SparseAnnotateLib.jobs import Job
from SparseAnnotateLib.jobs.folder import read_job, write_job
from SparseAnnotateLib.volume import Volume

SHAPE = (9, 8, 10)
TRUTH = np.zeros(SHAPE, np.uint8)
TRUTH[1:8, 1:6, 1:5], TRUTH[0:7, 2:7, 5:9] = 1, 2
VOLUME = Volume.from_array(100.0 * TRUTH + np.random.default_rng(0).normal(0, 10, SHAPE))
PLANES = st.sets(st.integers(0, SHAPE[0] - 1), min_size=1, max_size=4)


@st.composite
def paintings(draw):
    """An annotation of two blocks, each painted on any planes, with whatever else may be said."""
    complete = {number: draw(PLANES) for number in (1, 2)}
    labels = np.zeros_like(TRUTH)
    for number, ones in complete.items():
        labels[sorted(ones)] += TRUTH[sorted(ones)] * (TRUTH[sorted(ones)] == number)
    for plane in draw(st.sets(st.integers(0, SHAPE[0] - 1), max_size=2)):
        labels[plane, 3, 2:7] = TRUTH[plane, 3, 2:7]
    assume((labels == 1).any() and (labels == 2).any())
    annotation = SparseAnnotation.from_painted_planes(labels).with_range(0, SHAPE[0] - 1).with_complete(complete)
    axis, one = draw(st.sampled_from([(1, 3), (2, 3), (2, 6), None])) or (None, None)
    if axis:
        annotation = annotation.with_painted_along(axis, [one], TRUTH)
    if draw(st.booleans()):
        number = draw(st.integers(1, 2))
        planes = np.flatnonzero((annotation.labels == number).any(axis=(1, 2)))
        annotation = annotation.with_class_ranges({number: (int(planes[0]), int(planes[-1]))})
    return annotation


@pytest.mark.parametrize("name", ["nearest", "shape", "morphology"])
@given(annotation=paintings())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_nothing_stands_where_it_cannot_be(name, annotation):
    labels = run(PREDICTORS.create(name), VOLUME, annotation).labels
    assert np.array_equal(labels[annotation.known], annotation.labels[annotation.known])
    for number in (1, 2):
        mine, painted = labels == number, annotation.labels == number
        for plane in annotation.complete_planes_of(number):
            assert np.array_equal(mine[plane], painted[plane]), "complete, and more of it stands there"
        first, last = annotation.class_ranges.get(number, annotation.plane_range)
        assert not mine[:first].any()
        assert not mine[last + 1 :].any()
    for axis, ones in annotation.painted_along.items():
        assert np.array_equal(np.take(labels, ones, axis), np.take(annotation.labels, ones, axis))


@given(annotation=paintings())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_a_job_holds_all_of_it(annotation):
    with tempfile.TemporaryDirectory() as folder:
        write_job(Job(predictor="nearest", volume=VOLUME, annotation=annotation), Path(folder) / "job")
        back = read_job(Path(folder) / "job").annotation
        for field in dataclasses.fields(annotation):
            np.testing.assert_array_equal(getattr(back, field.name), getattr(annotation, field.name))
