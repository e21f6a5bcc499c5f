"""The clinician's way from the first click to accepted masks, by the real buttons and with a real worker process."""

import numpy as np
import pytest
import slicer
from hands import (
    SHAPE,
    add_scan,
    begin,
    choose,
    choose_name,
    click,
    ellipsoid,
    paint,
    predict,
    scroll_to,
    set_range,
    suggested,
)
from SparseAnnotateSlicer.session.planes import PlaneState
from standin.application import process_events, wait_until


@pytest.fixture
def truth():
    return ellipsoid()


@pytest.fixture
def scan(scene, truth):  # noqa: ARG001 - emptied first
    return add_scan(truth=truth)


@pytest.fixture
def begun(panel, scan):
    begin(panel, scan)
    return panel


@pytest.fixture
def painted(begun, truth):
    """Range clicked, five slices suggested and painted."""
    set_range(begun, 5, 18)
    click(begun.ui.suggestButton)
    paint(begun, truth, suggested(begun))
    return begun


def status(panel):
    return panel.ui.statusLabel.text


def states(panel, *wanted):
    return panel.panel.present.planes(*wanted)


def dice_of_segments(panel, truth):
    session = panel.panel.session
    held = slicer.util.arrayFromSegmentBinaryLabelmap(
        session.segmentation_node, session.segment_ids[0], session.volume_node
    ).astype(bool)
    return 2 * (held & truth).sum() / (held.sum() + truth.sum())


def test_before_anything_is_chosen_every_button_says_why_it_is_disabled(panel):
    for name in ("firstHereButton", "suggestButton", "nextButton", "predictButton", "acceptAllButton", "emptyButton"):
        button = getattr(panel.ui, name)
        assert not button.enabled
        assert "Choose a volume and its segments first." in button.toolTip


def test_the_first_volume_is_chosen_and_its_segments_are_one_click(panel, scan):
    panel.ui.volumeSelector.setCurrentNode(scan)
    click(panel.ui.newSegmentationButton)
    session = panel.panel.session
    assert session.volume_node is scan
    assert panel.ui.volumeLine.text == "CT chest, 1 segment, axis K"
    assert not panel.ui.volumeFrame.visible
    geometry = session.segmentation_node.GetNodeReference("referenceImageGeometryRef")
    assert geometry is scan
    assert panel.ui.editor.segmentationNode() is session.segmentation_node
    assert panel.ui.editor.sourceVolumeNode() is scan


def test_a_volume_that_is_loaded_while_none_is_chosen_is_taken(panel, scan):
    wait_until(lambda: panel.ui.volumeSelector.currentNode() is scan)
    add_scan("another")
    process_events(0.1)
    assert panel.ui.volumeSelector.currentNode() is scan


def test_the_strip_says_what_is_to_be_done_before_there_are_slices(panel, scan):
    wait_until(lambda: panel.ui.volumeSelector.currentNode() is scan, 5)
    assert panel.panel.strip.widget.hint == "Press New, or choose segments, to see the slices here"
    choose(panel.ui.volumeSelector, None)
    assert panel.panel.strip.widget.hint == "Choose a volume to see its slices here"


def test_a_second_segmentation_of_a_volume_has_a_name_of_its_own(begun):
    first = begun.panel.session.segmentation_node
    click(begun.ui.newSegmentationButton)
    second = begun.panel.session.segmentation_node
    assert second is not first
    assert second.GetName() != first.GetName()


def test_first_and_last_are_taken_from_the_slice_that_is_shown(begun):
    set_range(begun, 5, 18)
    assert begun.panel.session.state.plane_range == (5, 18)
    assert states(begun, PlaneState.OUTSIDE) == [*range(5), *range(19, SHAPE[0])]
    click(begun.ui.clearRangeButton)
    assert begun.panel.session.state.plane_range is None
    assert "no range" in begun.ui.clearRangeButton.toolTip


def test_first_behind_last_takes_the_range_to_the_end(begun):
    set_range(begun, 5, 10)
    scroll_to(begun, 15)
    click(begun.ui.firstHereButton)
    assert begun.panel.session.state.plane_range == (15, SHAPE[0] - 1)


def test_suggest_goes_to_the_first_slice_and_next_to_those_that_are_not_painted(begun, truth):
    set_range(begun, 5, 18)
    begun.ui.countSpin.setValue(4)
    click(begun.ui.suggestButton)
    planes = suggested(begun)
    assert len(planes) == 4
    assert begun.panel.plane == planes[0]
    assert begun.ui.positionLabel.text == f"slice {planes[0]}, 1 of 4"
    paint(begun, truth, [planes[1]])
    click(begun.ui.nextButton)
    assert begun.panel.plane == planes[2]
    click(begun.ui.previousButton)
    assert begun.panel.plane == planes[0]


def test_a_percentage_is_of_the_range(begun):
    set_range(begun, 5, 14)
    begun.ui.countUnitCombo.setCurrentIndex(1)
    begun.ui.countSpin.setValue(40)
    click(begun.ui.suggestButton)
    assert len(suggested(begun)) == 4


def test_painting_is_noticed_half_a_second_later(begun, truth):
    assert "No slice is painted" in begun.ui.predictButton.toolTip
    paint(begun, truth, [8, 12])
    assert states(begun, PlaneState.PAINTED) == [8, 12]
    assert begun.ui.predictButton.enabled
    assert status(begun) == "2 painted"


def test_a_slice_is_said_to_be_empty_or_painted_in_part(begun, truth):
    paint(begun, truth, [8])
    scroll_to(begun, 3)
    click(begun.ui.emptyButton)
    assert states(begun, PlaneState.EMPTY) == [3]
    scroll_to(begun, 8)
    assert "erase them first" in begun.ui.emptyButton.toolTip
    click(begun.ui.partlyButton)
    assert states(begun, PlaneState.PARTLY) == [8]
    click(begun.ui.partlyButton)
    assert states(begun, PlaneState.PAINTED) == [8]


def test_the_whole_story(painted, truth):
    panel, session = painted, painted.panel.session
    predict(panel, "guided")
    assert "slices predicted in" in status(panel)
    assert states(panel, PlaneState.PREDICTED) == [p for p in range(5, 19) if p not in suggested(panel)]
    assert panel.ui.suggestButton.text == "Suggest more"

    click(panel.ui.nextToCheckButton)
    worst = panel.panel.plane
    wrong = {plane: session.review.expected_wrong_mm2(plane) for plane in states(panel, PlaneState.PREDICTED)}
    assert wrong[worst] == max(wrong.values())
    click(panel.ui.acceptButton)
    assert states(panel, PlaneState.ACCEPTED) == [worst]
    corrected = truth.copy()
    corrected[worst, 0, 0] = True
    paint(panel, corrected, [worst])
    assert worst in states(panel, PlaneState.PAINTED)
    assert "1 corrected" in status(panel)

    click(panel.ui.nextToCheckButton)
    rejected = panel.panel.plane
    click(panel.ui.rejectButton)
    assert rejected not in states(panel, PlaneState.PREDICTED)

    click(panel.ui.acceptAllButton)
    assert states(panel, PlaneState.PREDICTED) == []
    assert dice_of_segments(panel, truth) > 0.85

    predict(panel, "guided")
    assert rejected in states(panel, PlaneState.PREDICTED)
    assert "accepted" in panel.ui.acceptAllButton.toolTip or panel.ui.acceptAllButton.enabled


def test_accepting_all_is_one_step_of_the_editors_undo(painted, truth):
    panel, session = painted, painted.panel.session
    predict(panel)
    before = session.look().contents
    click(panel.ui.acceptAllButton)
    assert np.isclose(dice_of_segments(panel, truth), 1, atol=0.2)
    assert "slices accepted" in panel.ui.statusLabel.text
    panel.ui.editor.undo()
    wait_until(lambda: not panel.panel.watch.is_waiting)
    assert session.look().contents == before
    assert "slices accepted" not in panel.ui.statusLabel.text
    assert states(panel, PlaneState.ACCEPTED) == []
    assert len(states(panel, PlaneState.PREDICTED)) == 9


def test_a_prediction_is_an_outline_until_it_is_asked_to_be_filled(painted):
    predict(painted)
    display = painted.panel.session.preview_node.GetDisplayNode()
    assert display.GetOpacity2DFill() == 0
    assert display.GetOpacity2DOutline() == 1
    painted.ui.opacitySlider.setValue(40)
    assert display.GetOpacity2DFill() == pytest.approx(0.4)


def test_a_prediction_takes_the_name_and_the_colour_that_its_segment_is_given_later(painted):
    predict(painted)
    session = painted.panel.session
    segment = session.segmentation_node.GetSegmentation().GetSegment(session.segment_ids[0])
    segment.SetColor(0.9, 0.6, 0.0)
    segment.SetName("prostate")
    wait_until(lambda: not painted.panel.watch.is_waiting)
    shown = session.preview_node.GetSegmentation().GetSegment(session.segment_ids[0])
    assert shown.GetName() == "prostate"
    assert shown.GetColor() == pytest.approx((0.9, 0.6, 0.0))


def test_slices_still_to_be_painted_are_painted_blind(painted):
    panel = painted
    predict(panel)
    scroll_to(panel, states(panel, PlaneState.PREDICTED)[0])
    display = panel.panel.session.preview_node.GetDisplayNode()
    view = panel.panel.views.sliceNodeFor(panel.panel.session.volume_node, "k")
    other = slicer.app.layoutManager().sliceWidget("Green").mrmlSliceNode()
    assert display.IsDisplayableInView(view.GetID())

    panel.ui.countSpin.setValue(2)
    choose_name(panel.ui.selectorCombo, "keep-n")
    click(panel.ui.suggestButton)
    assert panel.panel.plane in suggested(panel)[-2:]
    assert not display.IsDisplayableInView(view.GetID())
    assert display.IsDisplayableInView(other.GetID())
    click(panel.ui.peekButton)
    assert display.IsDisplayableInView(view.GetID())
    click(panel.ui.peekButton)
    scroll_to(panel, next(p for p in states(panel, PlaneState.PREDICTED) if p not in suggested(panel)))
    assert display.IsDisplayableInView(view.GetID())


def test_one_click_shows_the_surface_which_follows_each_prediction(painted):
    panel = painted
    assert "press Predict" in panel.ui.surfaceButton.toolTip
    predict(panel)
    assert panel.panel.review.surface.node is None
    before = slicer.app.layoutManager().turned_to_all
    click(panel.ui.surfaceButton)
    wait_until(lambda: not panel.panel.review.surface.is_being_made)
    assert slicer.app.layoutManager().turned_to_all == before + 1
    node = panel.panel.review.surface.node
    segment_id = panel.panel.session.segment_ids[0]

    def surface():
        return node.GetClosedSurfaceInternalRepresentation(segment_id)

    first = surface().GetNumberOfPoints()
    assert first > 100
    paint(panel, ellipsoid(first=7, last=16), [8, 9, 10, 12, 13, 15])
    assert surface().GetNumberOfPoints() == first
    predict(panel)
    wait_until(lambda: not panel.panel.review.surface.is_being_made)
    assert panel.panel.review.surface.node is node
    assert slicer.app.layoutManager().turned_to_all == before + 1
    assert surface().GetNumberOfPoints() != first
    click(panel.ui.surfaceButton)
    assert panel.panel.review.surface.node is None
    assert node.GetScene() is None


def test_slices_whose_prediction_is_empty_go_back_with_the_others(painted):
    panel, session = painted, painted.panel.session
    predict(panel)
    empty = [panel.panel.present.pending[0], panel.panel.present.pending[-1]]
    labels = session.review.labels.all().copy()
    labels[empty] = 0
    session.review.labels.replace(labels, session.state.predicted_segments, [])
    session.review.predictions += 1
    panel.panel.refresh()
    click(panel.ui.acceptAllButton)
    assert set(empty) <= set(states(panel, PlaneState.ACCEPTED))
    panel.ui.editor.undo()
    wait_until(lambda: not panel.panel.watch.is_waiting, 60)
    assert states(panel, PlaneState.ACCEPTED) == []
    assert set(empty) <= set(panel.panel.present.pending)
    panel.ui.editor.redo()
    wait_until(lambda: not panel.panel.watch.is_waiting, 60)
    assert set(empty) <= set(states(panel, PlaneState.ACCEPTED))
