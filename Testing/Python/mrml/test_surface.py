"""What is painted and predicted as a surface in the 3-D views: whole, in the segment's colour, whatever that is."""

import numpy as np
import pytest
import slicer
from nodes import add_segmentation, add_volume, ids_of, paint
from SparseAnnotateLib.jobs import InlineRunner
from SparseAnnotateSlicer.scene import preview, surface
from SparseAnnotateSlicer.scene.volumes import ijk_to_ras
from SparseAnnotateSlicer.session.prediction import submit
from SparseAnnotateSlicer.session.session import AnnotationSession

SHAPE = (12, 24, 24)
RED, GREEN = (0.9, 0.1, 0.1), (0.1, 0.9, 0.1)


@pytest.fixture
def predicted(scene):
    volume_node = add_volume(scene, shape=SHAPE, dtype=np.float32)
    node = add_segmentation(scene, volume_node, ("liver",))
    node.GetSegmentation().GetSegment(ids_of(node)[0]).SetColor(*RED)
    mask = np.zeros(SHAPE, bool)
    mask[[2, 9], 6:18, 6:18] = True
    paint(node, ids_of(node)[0], volume_node, mask)
    session = AnnotationSession.start(volume_node, node, "k")
    with InlineRunner() as runner:
        submit(session, runner, "nearest").wait()
    yield session
    session.close()


def shown(session):
    node = surface.add_surface(session.segmentation_node, session.volume_node)
    labels = session.review.everything(session.look())
    surface.show(node, session.volume_node, session.volume, labels, session.segmentation_node, session.segment_ids)
    return node


def test_it_holds_what_is_painted_and_what_is_predicted(predicted):
    labels = predicted.review.everything(predicted.look())
    assert np.flatnonzero(labels.any(axis=(1, 2))).tolist() == list(range(2, 10))
    node = shown(predicted)
    polydata = node.GetClosedSurfaceInternalRepresentation(predicted.segment_ids[0])
    bounds = np.array(polydata.GetBounds()).reshape(3, 2)
    assert polydata.GetNumberOfPoints() > 100
    assert (bounds[:, 1] - bounds[:, 0] > 0).all()


def test_it_is_made_a_structure_at_a_time_and_shown_at_once(predicted):
    predicted.segmentation_node.GetSegmentation().AddEmptySegment("spleen", "spleen")
    node = surface.add_surface(predicted.segmentation_node, predicted.volume_node)
    labels = np.zeros(SHAPE, np.uint8)
    labels[3:6, 3:9, 3:9], labels[3:6, 12:20, 12:20] = 1, 2
    volume_node, volume, ids = predicted.volume_node, predicted.volume, predicted.segment_ids
    steps = surface.showing(node, volume_node, volume, labels, predicted.segmentation_node, ids)
    assert [node.GetSegmentation().GetNumberOfSegments() for _step in steps] == [0, 0]
    assert node.GetSegmentation().GetNumberOfSegments() == 2


def test_a_large_structure_has_a_coarser_surface_at_the_same_place(scene, monkeypatch):
    volume_node = add_volume(scene, shape=(20, 150, 150), dtype=np.uint8)
    mask = np.zeros((20, 150, 150), bool)
    mask[2:18, 10:140, 20:131] = True
    bounds, points = [], []
    kind = slicer.vtkSegmentationConverter.GetClosedSurfaceRepresentationName()
    for limit in (10**9, 15_000):
        monkeypatch.setattr(surface, "_POINTS", limit)
        polydata = surface._surface_segment(mask, ijk_to_ras(volume_node)).GetRepresentation(kind)
        bounds.append(polydata.GetBounds())
        points.append(polydata.GetNumberOfPoints())
    assert points[0] > 2 * points[1] > 0
    assert points[1] <= 15_000
    assert np.allclose(bounds[0], bounds[1], atol=np.abs(ijk_to_ras(volume_node)[:3, :3]).max() * 1.5)


def test_what_was_painted_on_top_counts(predicted):
    before = predicted.review.everything(predicted.look())
    predicted.review.accept()
    assert np.array_equal(predicted.review.everything(predicted.look()), before)


def test_it_is_neither_listed_nor_saved_nor_drawn_in_slices_and_there_is_one(predicted):
    node = shown(predicted)
    assert node.GetHideFromEditors()
    assert not node.GetSaveWithScene()
    assert not node.GetDisplayNode().GetVisibility2D()
    again = shown(predicted)
    assert node.GetScene() is None
    assert again.GetScene() is not None


def test_it_is_drawn_in_the_segments_colour_also_after_that_was_changed(predicted, headless):
    rendering = pytest.importorskip("rendering")
    view = rendering.SpaceView(headless, size=(120, 120))
    try:
        node = shown(predicted)

        def colour():
            middle = view.image()[50:70, 50:70].reshape(-1, 3).mean(axis=0)
            return middle / 255

        red = colour()
        assert red[0] > 0.3
        assert red[0] > 2 * red[1]
        segment = predicted.segmentation_node.GetSegmentation().GetSegment(predicted.segment_ids[0])
        segment.SetColor(*GREEN)
        preview.follow(node, predicted.segmentation_node)
        green = colour()
        assert green[1] > 0.3
        assert green[1] > 2 * green[0]
    finally:
        view.close()


def test_it_lies_under_the_transform_of_the_volume(predicted):
    node = shown(predicted)
    assert node.GetParentTransformNode() is predicted.volume_node.GetParentTransformNode()
    kind = slicer.vtkSegmentationConverter.GetClosedSurfaceRepresentationName()
    assert node.GetDisplayNode().GetPreferredDisplayRepresentationName3D() == kind
