"""Pictures: painted and predicted can be told apart, and nobody needs a display for it."""

import numpy as np
import pytest
import slicer
from nodes import add_segmentation, add_volume, ids_of, middle_of, paint
from SparseAnnotateLib.jobs import InlineRunner
from SparseAnnotateSlicer.scene.volumes import ijk_to_ras
from SparseAnnotateSlicer.session.prediction import submit
from SparseAnnotateSlicer.session.session import AnnotationSession

SHAPE = (7, 20, 20)


@pytest.fixture
def view(headless, scene):  # noqa: ARG001 - emptied before the view adds its nodes
    rendering = pytest.importorskip("rendering")
    view = rendering.SliceView(headless, size=(100, 100))
    yield view
    view.close()


def test_predicted_planes_look_paler_than_painted_ones(scene, view):
    volume_node = add_volume(scene, shape=SHAPE, dtype=np.float32)
    volume_node.GetImageData().GetPointData().GetScalars().Fill(0)
    node = add_segmentation(scene, volume_node, ("liver",))
    node.GetSegmentation().GetSegment(ids_of(node)[0]).SetColor(1, 0, 0)
    mask = np.zeros(SHAPE, bool)
    mask[[1, 5], 5:15, 5:15] = True
    paint(node, ids_of(node)[0], volume_node, mask)
    session = AnnotationSession.start(volume_node, node, "k")
    with InlineRunner() as runner:
        submit(session, runner, "nearest").wait()

    def red_in_the_middle(plane):
        middle = middle_of(volume_node)
        middle[2] = (ijk_to_ras(volume_node) @ (0, 0, plane, 1.0))[2]
        image = view.show(volume_node, middle).image()
        return int(image[50, 50, 0]) - int(image[50, 50, 1])

    painted, predicted = red_in_the_middle(5), red_in_the_middle(3)
    assert painted > predicted > 20
    assert abs(red_in_the_middle(0)) < 5
    session.review.accept()
    assert red_in_the_middle(3) == painted
    session.close()


def test_views_are_told_of_what_comes_back_into_the_preview(scene):
    """Slicer's slice views draw when a node is displayed otherwise; that its labels changed they do not notice."""
    volume_node = add_volume(scene, shape=SHAPE, dtype=np.float32)
    node = add_segmentation(scene, volume_node, ("liver",))
    mask = np.zeros(SHAPE, bool)
    mask[[1, 5], 5:15, 5:15] = True
    paint(node, ids_of(node)[0], volume_node, mask)
    session = AnnotationSession.start(volume_node, node, "k")
    with InlineRunner() as runner:
        submit(session, runner, "nearest").wait()
    session.review.accept()
    told = []
    session.preview_node.AddObserver(slicer.vtkMRMLDisplayableNode.DisplayModifiedEvent, lambda *_: told.append(1))
    session.review.undo()
    assert told
    del told[:]
    session.review.refresh()
    assert not told
    session.close()
