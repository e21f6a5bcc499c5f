"""What can be taken back is, and what is shown and said goes with it."""

import numpy as np
import pytest
import slicer
from hands import (
    add_scan,
    begin,
    change,
    click,
    ellipsoid,
    paint,
    predict,
    predicted_between,
    scroll_to,
    set_range,
    state_of,
    stroke,
    take_back,
)
from SparseAnnotateSlicer.panel.planes import badge, strip_planes
from SparseAnnotateSlicer.session.planes import PlaneState
from SparseAnnotateSlicer.strip.texts import planeText
from standin.application import process_events, wait_until


@pytest.fixture
def truth():
    return ellipsoid()


@pytest.fixture
def predicted(scene, panel, truth):  # noqa: ARG001 - emptied first
    """Three slices painted, the others of 3 to 20 predicted; slice 9 is shown."""
    return predicted_between(panel, truth, 3, 20)


def press(view="Red"):
    """The mouse goes down and up again; the tool changes nothing."""
    interactor = slicer.app.layoutManager().sliceWidget(view).interactorStyle().GetInteractor()
    interactor.InvokeEvent("LeftButtonPressEvent")
    process_events()
    return interactor


def settle(panel):
    wait_until(lambda: not panel.panel.watch.is_waiting and not panel.panel.strokes._released.active)


@pytest.mark.parametrize("saves_a_state", [False, True])
def test_a_tool_that_changed_nothing_leaves_the_slice_predicted(predicted, saves_a_state):
    held = list(predicted.panel.present.contents)
    predicted.ui.editor.setActiveEffectByName("Scissors")
    interactor = press()
    assert state_of(predicted, 9) is PlaneState.ACCEPTED
    if saves_a_state:
        predicted.ui.editor.saveStateForUndo()
    interactor.InvokeEvent("LeftButtonReleaseEvent")
    settle(predicted)
    assert state_of(predicted, 9) is PlaneState.PREDICTED
    assert predicted.panel.present.contents == held
    assert "accepted" not in predicted.ui.statusLabel.text


def test_ctrl_z_right_after_a_stroke_takes_back_the_stroke_alone(predicted):
    predicted.ui.editor.setActiveEffectByName("Paint")
    interactor = press()
    change(predicted, lambda held: held[9].__setitem__((slice(0, 2), slice(0, 2)), 1), undoable=True)
    interactor.InvokeEvent("LeftButtonReleaseEvent")
    # Before the panel looks, as where the tool itself took longer than the panel waits.
    predicted.ui.editor.undo()
    settle(predicted)
    assert state_of(predicted, 9) is PlaneState.ACCEPTED


def test_a_polygon_that_is_being_drawn_is_waited_for(predicted):
    predicted.ui.editor.setActiveEffectByName("Draw")
    interactor = press()
    interactor.InvokeEvent("LeftButtonReleaseEvent")
    settle(predicted)
    assert state_of(predicted, 9) is PlaneState.ACCEPTED


def test_a_stroke_after_one_that_changed_nothing_corrects_the_slice(predicted):
    predicted.ui.editor.setActiveEffectByName("Scissors")
    press().InvokeEvent("LeftButtonReleaseEvent")
    settle(predicted)
    stroke(predicted, lambda held: held[9].__setitem__((slice(0, 2), slice(0, 2)), 1))
    settle(predicted)
    assert state_of(predicted, 9) is PlaneState.PAINTED
    assert badge(predicted.panel.session, predicted.panel.present, 9) == "corrected"


def test_an_empty_slice_that_was_accepted_alone_is_taken_back_by_reject(predicted):
    review, empty = predicted.panel.session.review, predicted.panel.present.pending[0]
    review.labels.put(empty, 0)
    review.predictions += 1
    predicted.panel.refresh()
    scroll_to(predicted, empty)
    click(predicted.ui.acceptButton)
    assert state_of(predicted, empty) is PlaneState.ACCEPTED
    assert "accepted as empty" in predicted.ui.statusLabel.text
    click(predicted.ui.rejectButton)
    assert state_of(predicted, empty) is PlaneState.PREDICTED
    assert not predicted.panel.session.state.accepted


def test_the_line_names_a_structure_that_comes_and_goes_and_a_slice_to_look_at(panel):
    truth = ellipsoid(first=0, last=23)
    truth[[k for k in range(24) if k % 8 >= 4]] = False
    begin(panel, add_scan(truth=truth))
    set_range(panel, 0, 19)
    paint(panel, truth, [1, 9, 17])
    predict(panel)
    name = panel.panel.session.segmentation_node.GetSegmentation().GetNthSegment(0).GetName()
    assert f"{name} may come and go: see slice 6." in panel.ui.statusLabel.text


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_line_and_the_slice_name_a_structure_that_the_image_does_not_show(panel, seed):
    rows, columns = np.mgrid[:40, :48]
    truth = np.stack([(np.hypot(rows - 20 - 6 * np.sin(k / 3), columns - 24) <= 9) for k in range(24)])
    begin(panel, add_scan(truth=np.zeros_like(truth), seed=seed))
    set_range(panel, 0, 23)
    paint(panel, truth, [3, 11, 20])
    predict(panel, "guided")
    session = panel.panel.session
    name = session.segmentation_node.GetSegmentation().GetNthSegment(0).GetName()
    assert f"The image does not show {name}: paint more." in panel.ui.statusLabel.text
    said = planeText(strip_planes(session, panel.panel.present)[7]).splitlines()
    assert f"the image does not show {name}" in said
    assert "the image does not show" not in planeText(strip_planes(session, panel.panel.present)[11])
    assert "what lies between its painted planes is a guess" in panel.ui.logText.toPlainText()


def test_what_the_line_says_of_a_result_goes_when_a_script_changes_a_slice(predicted):
    assert "slices predicted in" in predicted.ui.statusLabel.text
    change(predicted, lambda held: held[8].__setitem__((slice(0, 30), slice(0, 30)), 1), undoable=True)
    settle(predicted)
    assert "slices predicted in" not in predicted.ui.statusLabel.text
    assert "4 painted" in predicted.ui.statusLabel.text or "1 corrected" in predicted.ui.statusLabel.text


def test_accept_all_and_its_undo_leave_the_preview_as_it_was(predicted):
    before = preview_of(predicted)
    click(predicted.ui.acceptAllButton)
    settle(predicted)
    assert not preview_of(predicted).any()
    take_back(predicted)
    assert (preview_of(predicted) == before).all()


def preview_of(panel):
    session = panel.panel.session
    node, segment_id = session.preview_node, session.segment_ids[0]
    return slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, session.volume_node)


def test_another_segmentation_of_the_volume_is_hidden_meanwhile_and_that_is_said(predicted):
    first = predicted.panel.session.segmentation_node
    click(predicted.ui.newSegmentationButton)
    second = predicted.panel.session.segmentation_node
    assert second is not first
    assert second.GetName() != first.GetName()
    assert not first.GetDisplayNode().GetVisibility()
    assert second.GetDisplayNode().GetVisibility()
    assert (
        f"Hidden for now, because they belong to the same volume: {first.GetName()}." in predicted.ui.statusLabel.text
    )
    predicted.ui.segmentationSelector.setCurrentNode(first)
    process_events()
    assert first.GetDisplayNode().GetVisibility()
    assert not second.GetDisplayNode().GetVisibility()


def test_what_was_hidden_is_shown_again_in_other_modules(representation, panel, truth):
    begin(panel, add_scan(truth=truth))
    first = panel.panel.session.segmentation_node
    click(panel.ui.newSegmentationButton)
    assert not first.GetDisplayNode().GetVisibility()
    representation.exit()
    assert first.GetDisplayNode().GetVisibility()
    representation.enter()
    assert not first.GetDisplayNode().GetVisibility()


def test_a_long_badge_has_two_lines(predicted):
    segmentation = predicted.panel.session.segmentation_node.GetSegmentation()
    segmentation.GetSegment(predicted.panel.session.segment_ids[0]).SetName("left ventricular outflow tract")
    session = predicted.panel.session
    other = segmentation.AddEmptySegment("other", "other")
    session.state.expected_dice_of = {session.segment_ids[0]: {9: 0.4}, other: {9: 0.9}}
    session.state.expected_dice[9] = 0.5
    lines = badge(session, session.look(), 9).split("\n")
    assert len(lines) == 2
    assert max(map(len, lines)) <= 40


def test_the_line_counts_a_slice_once(predicted):
    waiting = len(predicted.panel.present.pending)
    scroll_to(predicted, 9)
    click(predicted.ui.acceptButton)
    assert f"3 painted, {waiting - 1} predicted, 1 accepted" in predicted.panel.status.summary()
    click(predicted.ui.acceptAllButton)
    assert f"3 painted, {waiting} accepted" in predicted.panel.status.summary()
