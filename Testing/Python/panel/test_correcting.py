"""Correcting is painting, and nothing disappears by a stroke: the segment editor's tools on predictions."""

import numpy as np
import pytest
import slicer
from hands import (
    THREE_PAINTED,
    add_scan,
    begin,
    change,
    choose_name,
    click,
    ellipsoid,
    paint,
    predict,
    predicted_between,
    scroll_to,
    set_range,
    state_of,
    stroke,
    suggested,
    take_back,
)
from SparseAnnotateSlicer.panel.planes import badge
from SparseAnnotateSlicer.session.planes import PlaneState
from standin.application import wait_until

CORNER = (slice(0, 2), slice(0, 2))


@pytest.fixture
def truth():
    return ellipsoid()


@pytest.fixture
def predicted(scene, panel, truth):  # noqa: ARG001 - emptied first
    """Three slices painted, the others predicted; slice 9 is shown."""
    return predicted_between(panel, truth, 5, 18)


def held(panel, plane):
    session = panel.panel.session
    node, volume = session.segmentation_node, session.volume_node
    return slicer.util.arrayFromSegmentBinaryLabelmap(node, session.segment_ids[0], volume)[plane].astype(bool)


def shown_as_predicted(panel, plane):
    session = panel.panel.session
    node = session.preview_node
    if session.segment_ids[0] not in node.GetSegmentation().GetSegmentIDs():
        return np.zeros(held(panel, plane).shape, bool)
    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, session.segment_ids[0], session.volume_node)
    return array[plane].astype(bool)


def corner(plane):
    def on(array):
        array[(plane, *CORNER)] = 1

    return on


def sagittal(planes, column=24, rows=slice(18, 22)):
    def on(array):
        array[planes, rows, column] = 1

    return on


def status(panel):
    return panel.ui.statusLabel.text


def test_a_painted_slice_that_is_changed_calls_for_another_prediction_until_that_is_undone(predicted):
    row, plane = predicted.ui.predictFrame, predicted.panel.present.painted[1]
    assert not row.visible
    scroll_to(predicted, plane)
    stroke(predicted, corner(plane))
    assert row.visible
    take_back(predicted)
    assert not row.visible
    stroke(predicted, corner(plane))
    predict(predicted, "shape")
    assert not row.visible


class TestAToolThatGoesDownOnAPredictedSlice:
    def test_acts_on_the_prediction_and_the_slice_is_a_corrected_one(self, predicted):
        before = shown_as_predicted(predicted, 9)
        assert before.any()
        stroke(predicted, corner(9))
        now = held(predicted, 9)
        assert now[CORNER].all()
        assert np.array_equal(now & before, before)
        assert state_of(predicted, 9) is PlaneState.PAINTED
        assert predicted.panel.session.state.corrected == [9]
        assert status(predicted).startswith("Slice 9 is corrected. Ctrl+Z undoes the stroke")
        assert predicted.panel.strip.widget.textOf(9).endswith("corrected")
        assert badge(predicted.panel.session, predicted.panel.present, 9) == "corrected"
        assert "1 corrected" in predicted.panel.status.summary()

    def test_an_eraser_takes_away_from_the_prediction(self, predicted):
        before = shown_as_predicted(predicted, 9)

        def erase(array):
            array[9, :, :24] = 0

        stroke(predicted, erase, tool="Erase")
        assert not held(predicted, 9)[:, :24].any()
        assert np.array_equal(held(predicted, 9)[:, 24:], before[:, 24:])
        assert state_of(predicted, 9) is PlaneState.PAINTED

    def test_what_is_left_of_it_counts_as_complete_however_little(self, predicted):
        def erase(array):
            array[9] = 0
            array[9, 20, 24] = 1

        stroke(predicted, erase, tool="Scissors")
        assert state_of(predicted, 9) is PlaneState.PAINTED
        assert 9 in predicted.panel.session.annotation().complete_planes

    def test_ctrl_z_takes_the_stroke_back_and_a_second_one_the_prediction_that_was_written(self, predicted):
        before = shown_as_predicted(predicted, 9)
        stroke(predicted, corner(9))
        take_back(predicted)
        assert np.array_equal(held(predicted, 9), before)
        assert state_of(predicted, 9) is PlaneState.ACCEPTED
        assert "corrected" not in status(predicted)
        take_back(predicted)
        assert not held(predicted, 9).any()
        assert state_of(predicted, 9) is PlaneState.PREDICTED
        assert np.array_equal(shown_as_predicted(predicted, 9), before)

    def test_a_slice_to_be_painted_blind_is_painted_without_its_prediction(self, predicted):
        choose_name(predicted.ui.selectorCombo, "keep-n")
        predicted.ui.countSpin.setValue(2)
        click(predicted.ui.suggestButton)
        plane = suggested(predicted)[-1]
        scroll_to(predicted, plane)
        stroke(predicted, corner(plane))
        assert held(predicted, plane).sum() == 4

    def test_while_the_button_is_down_the_slice_is_told_to_be_accepted(self, predicted):
        predicted.ui.editor.setActiveEffectByName("Scissors")
        slicer.app.layoutManager().sliceWidget("Red").interactorStyle().GetInteractor().InvokeEvent(
            "LeftButtonPressEvent"
        )
        wait_until(lambda: not predicted.panel.watch.is_waiting)
        assert state_of(predicted, 9) is PlaneState.ACCEPTED
        assert status(predicted) == "Slice 9 is written into your segments, to be corrected. Ctrl+Z undoes that."

    def test_moving_about_with_shift_writes_nothing(self, predicted):
        before = predicted.panel.session.look().contents
        stroke(predicted, lambda _array: None, shift=True)
        assert predicted.panel.session.look().contents == before

    def test_a_tool_that_paints_nothing_in_a_view_writes_nothing(self, predicted):
        before = predicted.panel.session.look().contents
        stroke(predicted, lambda _array: None, tool="Threshold")
        assert predicted.panel.session.look().contents == before

    def test_views_are_left_alone_after_the_module_is_left(self, predicted, representation):
        watched = predicted.panel.strokes._presses._observed
        assert len(watched) == 3
        representation.exit()
        assert predicted.panel.strokes._presses._observed == {}
        representation.enter()
        assert len(predicted.panel.strokes._presses._observed) == 3


class TestWithoutAnEvent:
    def test_a_scripts_stroke_is_merged_with_the_prediction_and_undone_in_two_steps(self, predicted):
        before = shown_as_predicted(predicted, 15)

        def half(array):
            array[15, 0:2, :40] = 1

        change(predicted, half, undoable=True)
        wait_until(lambda: not predicted.panel.watch.is_waiting)
        now = held(predicted, 15)
        assert now[0:2, :40].all()
        assert np.array_equal(now & before, before)
        assert state_of(predicted, 15) is PlaneState.PAINTED
        take_back(predicted)
        assert np.array_equal(held(predicted, 15), before)
        take_back(predicted)
        assert not held(predicted, 15).any()
        assert state_of(predicted, 15) is PlaneState.PREDICTED

    def test_one_that_cannot_be_taken_back_is_merged_in_one_step(self, predicted):
        before = shown_as_predicted(predicted, 15)

        def half(array):
            array[15, 0:2, :40] = 1

        change(predicted, half)
        wait_until(lambda: not predicted.panel.watch.is_waiting)
        assert held(predicted, 15)[0:2, :40].all()
        assert np.array_equal(held(predicted, 15) & before, before)
        assert held(predicted, 6).any()
        assert state_of(predicted, 15) is PlaneState.PAINTED

    def test_what_the_same_step_changed_elsewhere_stays_as_it_was_written(self, predicted):
        before = shown_as_predicted(predicted, 15)

        def script(array):
            array[15, 0:2, :40] = 1
            array[11] = 0
            array[17, 30:] = 0

        change(predicted, script, undoable=True)
        wait_until(lambda: not predicted.panel.watch.is_waiting, 60)
        assert not held(predicted, 11).any()
        assert not held(predicted, 17)[30:].any()
        assert held(predicted, 15)[0:2, :40].all()
        assert np.array_equal(held(predicted, 15) & before, before) or 15 in predicted.panel.present.pending

    def test_a_slice_that_was_painted_anew_stays_as_it_was_painted(self, predicted, truth):
        paint(predicted, truth, [9])
        assert np.array_equal(held(predicted, 9), truth[9])
        assert state_of(predicted, 9) is PlaneState.PAINTED


class TestAStrokeInAnotherView:
    PLANES = (7, 8, 9, 10, 12, 13)

    def draw(self, panel, column=24):
        stroke(panel, sagittal(list(self.PLANES), column), view="Yellow")

    def test_makes_no_slice_painted_and_no_prediction_disappear(self, predicted):
        before = list(predicted.panel.present.pending)
        waiting = {plane: shown_as_predicted(predicted, plane) for plane in self.PLANES}
        self.draw(predicted, column=2)
        assert list(predicted.panel.present.pending) == before
        for plane in self.PLANES:
            assert state_of(predicted, plane) is PlaneState.PARTLY
            assert np.array_equal(shown_as_predicted(predicted, plane), waiting[plane])
        assert predicted.panel.present.painted == THREE_PAINTED

    def test_is_named_in_the_line_as_what_it_was(self, predicted):
        self.draw(predicted)
        assert status(predicted) == ("6 slices hold a part of a stroke made in another view: kept, but not complete.")

    def test_the_line_goes_with_the_stroke(self, predicted):
        self.draw(predicted)
        take_back(predicted)
        assert "part of a stroke" not in status(predicted)

    def test_is_known_to_the_next_prediction_and_stays(self, predicted):
        self.draw(predicted, column=2)
        annotation = predicted.panel.session.annotation()
        assert annotation.painted_planes == THREE_PAINTED
        assert annotation.known[9, 18:22, 2].all()
        assert not annotation.known[9].all()
        predict(predicted)
        assert 9 in predicted.panel.present.pending
        click(predicted.ui.acceptAllButton)
        for plane in self.PLANES:
            assert held(predicted, plane)[18:22, 2].all()
            assert state_of(predicted, plane) is PlaneState.ACCEPTED

    def test_is_on_top_of_what_was_predicted_before_when_that_is_accepted(self, predicted):
        before = shown_as_predicted(predicted, 9)
        self.draw(predicted, column=2)
        scroll_to(predicted, 9)
        click(predicted.ui.acceptButton)
        now = held(predicted, 9)
        assert now[18:22, 2].all()
        assert np.array_equal(now & before, before)
        take_back(predicted)
        assert held(predicted, 9).sum() == 4
        assert state_of(predicted, 9) is PlaneState.PARTLY

    def test_a_click_in_the_strip_makes_such_a_slice_complete(self, predicted):
        self.draw(predicted)
        predicted.panel.strip.widget.onMarkPlane(9, PlaneState.PAINTED)
        assert state_of(predicted, 9) is PlaneState.PAINTED
        assert 9 in predicted.panel.session.annotation().complete_planes

    def test_painting_on_such_a_slice_makes_it_a_corrected_one(self, predicted):
        self.draw(predicted)
        scroll_to(predicted, 9)
        stroke(predicted, corner(9))
        assert state_of(predicted, 9) is PlaneState.PAINTED
        assert held(predicted, 9)[CORNER].all()
        assert held(predicted, 9).sum() > 200
        assert 9 not in predicted.panel.session.state.strokes

    def test_it_is_told_in_the_strip(self, predicted):
        self.draw(predicted)
        strip = predicted.panel.strip.widget
        assert "painted in part" in strip.textOf(9)
        assert "kept, but not complete" in strip.textOf(9)
        assert "expected Dice" not in strip.textOf(6)

    def test_a_saved_scene_knows_it(self, predicted):
        from SparseAnnotateSlicer.session.state import SessionState

        self.draw(predicted)
        state = SessionState.from_json(predicted.panel.session.state.to_json())
        assert state.strokes == list(self.PLANES)


class TestTheSphereBrush:
    def ball(self, array):
        array[9, 10:20, 10:20] = 1
        array[[8, 10], 12:18, 12:18] = 1
        array[[7, 11], 14:16, 14:16] = 1

    def test_leaves_parts_on_the_slices_around(self, predicted):
        painted_before = held(predicted, 11)
        stroke(predicted, self.ball)
        assert state_of(predicted, 9) is PlaneState.PAINTED
        assert [state_of(predicted, plane) for plane in (7, 8, 10)] == [PlaneState.PARTLY] * 3
        assert state_of(predicted, 11) is PlaneState.PAINTED
        assert held(predicted, 11).sum() >= painted_before.sum()
        assert status(predicted) == ("3 slices hold a part of what was painted on slice 9: kept, but not complete.")

    def test_says_what_it_does_when_it_is_switched_on_while_slices_wait(self, predicted):
        node = predicted.ui.editor.mrmlSegmentEditorNode()
        node.SetAttribute("BrushSphere", "1")
        assert "sphere" not in status(predicted)
        node.SetAttribute("BrushSphere", "0")
        choose_name(predicted.ui.selectorCombo, "keep-n")
        predicted.ui.countSpin.setValue(2)
        click(predicted.ui.suggestButton)
        node.SetAttribute("BrushSphere", "1")
        assert status(predicted).startswith("The sphere brush reaches the next slices, too")


def test_slivers_that_nobody_saw_being_painted_are_told_from_the_labels(scene, panel, truth):  # noqa: ARG001 - emptied
    begin(panel, add_scan(truth=truth))
    set_range(panel, 5, 18)
    paint(panel, truth, [7, 11, 15])

    def slivers(array):
        array[[8, 10], 20, 24] = 1

    change(panel, slivers)
    wait_until(lambda: not panel.panel.watch.is_waiting)
    assert panel.panel.present.planes(PlaneState.PAINTED) == [7, 11, 15]
    assert panel.panel.present.planes(PlaneState.PARTLY) == [8, 10]
    assert "far less than on the painted slices around it" in panel.panel.strip.widget.textOf(8)
    predict(panel)
    assert {8, 10} <= set(panel.panel.present.pending)
