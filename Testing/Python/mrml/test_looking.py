"""A look at a segmentation is kept until something changes, and no change is missed."""

import numpy as np
import pytest
import slicer
from nodes import add_linear_transform, add_segmentation, add_volume, ids_of, paint
from SparseAnnotateSlicer.scene import segments
from SparseAnnotateSlicer.session import annotated
from SparseAnnotateSlicer.session.session import AnnotationSession
from vtkmodules.util.numpy_support import vtk_to_numpy

SHAPE = (6, 12, 12)


@pytest.fixture
def session(scene):
    volume_node = add_volume(scene, shape=SHAPE, dtype=np.float32)
    node = add_segmentation(scene, volume_node, ("liver", "spleen"))
    mask = np.zeros(SHAPE, bool)
    mask[2, 3:8, 3:8] = True
    paint(node, ids_of(node)[0], volume_node, mask)
    session = AnnotationSession.start(volume_node, node, "k")
    yield session
    session.close()


@pytest.fixture
def reads(session, monkeypatch):  # noqa: ARG001 - which reads when it starts
    """How often the segments are read."""
    counted = []

    def read(*given):
        counted.append(1)
        return segments.read_segments(*given)

    monkeypatch.setattr(annotated, "read_segments", read)
    return counted


def test_an_unchanged_segmentation_is_read_once(session, reads):
    assert session.look().contents == session.look().contents
    assert reads == []


def test_a_painted_segment_is_read_anew(session, reads):
    before = session.look().contents
    mask = np.zeros(SHAPE, bool)
    mask[4, 3:8, 3:8] = True
    paint(session.segmentation_node, session.segment_ids[1], session.volume_node, mask)
    assert session.look().contents != before
    assert len(reads) == 1


def test_voxels_that_a_script_changes_in_place_are_read_anew(session):
    before = session.look().contents
    segment = session.segmentation_node.GetSegmentation().GetSegment(session.segment_ids[0])
    layer = segment.GetRepresentation(segments.BINARY_LABELMAP)
    array = layer.GetPointData().GetScalars()
    vtk_to_numpy(array)[:] = 0
    array.Modified()
    assert session.look().contents != before


def test_an_undo_is_noticed(session):
    history = slicer.vtkSegmentationHistory()
    history.SetSegmentation(session.segmentation_node.GetSegmentation())
    history.SaveState()
    paint(session.segmentation_node, session.segment_ids[0], session.volume_node, np.zeros(SHAPE, bool))
    assert session.look().contents[2] == ""
    history.RestorePreviousState()
    assert session.look().contents[2] != ""


@pytest.mark.parametrize("change", ["segment removed", "segment added", "transform", "volume moved"])
def test_everything_else_that_can_change_it_is_noticed(session, reads, change):
    segmentation = session.segmentation_node.GetSegmentation()
    if change == "segment removed":
        segmentation.RemoveSegment(session.segment_ids[0])
    elif change == "segment added":
        segmentation.AddEmptySegment("new", "new")
    elif change == "transform":
        add_linear_transform(session.scene, session.segmentation_node, shift=(0, 0, 1.0))
    else:
        session.volume_node.SetOrigin(1.0, 2.0, 3.0)
    session.look()
    assert len(reads) == 1


def test_a_transform_that_moves_is_noticed(session, reads):
    transform = add_linear_transform(session.scene, session.segmentation_node, shift=(0, 0, 0))
    session.look()
    matrix = slicer.util.arrayFromTransformMatrix(transform)
    matrix[2, 3] += 3
    slicer.util.updateTransformMatrixFromArray(transform, matrix)
    session.look()
    assert len(reads) == 2
