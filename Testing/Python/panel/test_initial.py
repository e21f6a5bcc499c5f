"""Segments that a program filled: one question in a line, corrections that reach the others; and one beside."""

import numpy as np
import pytest
import slicer
from hands import (
    add_scan,
    begin,
    choose,
    choose_name,
    click,
    ellipsoid,
    predict,
    scroll_to,
    stroke,
    suggested,
    take_back,
)
from SparseAnnotateSlicer.scene.files import load_scene, save_scene
from SparseAnnotateSlicer.session.planes import PlaneState
from standin.application import process_events, wait_until

ROWS = ("origin", "range", "suggest", "paint", "predict", "review")


@pytest.fixture
def truth():
    return ellipsoid(first=3, last=20)


def rough_of(truth):
    """Too small: two pixels less on each side."""
    from scipy import ndimage

    return np.stack([ndimage.binary_erosion(one, iterations=2) for one in truth])


def add_made(volume, mask, name="made", segment="liver"):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    segment_id = node.GetSegmentation().AddEmptySegment("", segment)
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), node, segment_id, volume)
    return node


@pytest.fixture
def made(scene, panel, truth):  # noqa: ARG001 - emptied first
    """The panel on segments that a program filled."""
    scan = add_scan(truth=truth)
    node = add_made(scan, rough_of(truth))
    choose(panel.ui.volumeSelector, scan)
    choose(panel.ui.segmentationSelector, node)
    return panel


def suggest(panel):
    """It runs in a process of its own."""
    click(panel.ui.suggestButton)
    wait_until(lambda: not panel.panel.suggest.is_running)
    process_events()


def shown(panel):
    return [row for row in ROWS if getattr(panel.ui, f"{row}Frame").visible]


class TestTheQuestion:
    def test_is_the_only_thing_that_is_asked(self, made):
        assert shown(made) == ["origin"]
        assert made.ui.originLabel.text == "These slices come from:"
        assert (made.ui.originExpertButton.text, made.ui.originProgramButton.text) == ("an expert", "a program")

    def test_an_expert_leaves_all_as_it_is(self, made):
        painted = list(made.panel.present.painted)
        click(made.ui.originExpertButton)
        assert "origin" not in shown(made)
        assert made.panel.present.painted == painted
        assert made.panel.session.initial_node is None

    def test_is_not_asked_of_segments_that_are_painted_here(self, scene, panel, truth):  # noqa: ARG002 - emptied first
        begin(panel, add_scan(truth=truth))

        def one(array):
            array[11] = truth[11]

        stroke(panel, one)
        assert "origin" not in shown(panel)

    def test_is_asked_when_a_program_fills_segments_that_nobody_painted(self, scene, panel, truth):  # noqa: ARG002
        begin(panel, add_scan(truth=truth))
        session = panel.panel.session
        slicer.util.updateSegmentBinaryLabelmapFromArray(
            rough_of(truth).astype(np.uint8), session.segmentation_node, session.segment_ids[0], session.volume_node
        )
        wait_until(lambda: not panel.panel.watch.is_waiting)
        assert shown(panel) == ["origin"]


class TestFromAProgram:
    def test_all_bars_are_predicted_and_suggest_says_which_to_correct(self, made):
        rough = made.panel.session.look().layers.labels.copy()
        planes = np.flatnonzero(rough.any(axis=(1, 2))).tolist()
        click(made.ui.originProgramButton)
        panel = made.panel
        assert panel.present.planes(PlaneState.PREDICTED) == planes
        assert f"{len(planes)} slices are from a program" in made.ui.statusLabel.text
        scroll_to(made, planes[0])
        assert panel.views._badge.GetInput() == "from a program"
        assert shown(made) == ["suggest", "review"]
        made.ui.countSpin.setValue(3)
        suggest(made)
        assert len(suggested(made)) == 3
        assert panel.session.state.suggestions[0][2] in " ".join(panel.views._badge.GetInput().split())
        assert panel.views._badge.GetInput().startswith("to correct, 1 of 3")
        assert set(suggested(made)) <= {*planes, planes[0] - 1, planes[-1] + 1}

    def test_a_slice_to_be_corrected_shows_what_is_to_be_corrected(self, made):
        click(made.ui.originProgramButton)
        made.ui.countSpin.setValue(3)
        suggest(made)
        assert made.panel.hidden() == set()
        assert list(made.panel.session.preview_node.GetDisplayNode().GetViewNodeIDs() or ()) == []

    def test_a_correction_reaches_the_others_and_accepting_all_keeps_the_rest(self, made, truth):
        panel, session = made.panel, made.panel.session
        click(made.ui.originProgramButton)
        made.ui.countSpin.setValue(3)
        suggest(made)
        for plane in suggested(made):
            scroll_to(made, plane)

            def whole(array, plane=plane):
                array[plane] = truth[plane]

            stroke(made, whole)
            assert plane in panel.present.painted
            assert plane in session.state.corrected
        assert "predict" in shown(made)
        rough = session.review.everything(panel.present) > 0
        predict(made, "shape")
        assert "expected Dice" in made.ui.statusLabel.text
        click(made.ui.acceptAllButton)
        labels = session.look().layers.labels > 0
        assert (labels != truth).sum() < 0.5 * (rough != truth).sum()
        assert all(np.array_equal(labels[plane], truth[plane]) for plane in suggested(made))

    def test_accepting_all_at_once_keeps_what_the_program_made(self, made):
        before = made.panel.session.look().layers.labels.copy()
        click(made.ui.originProgramButton)
        click(made.ui.acceptAllButton)
        assert np.array_equal(made.panel.session.look().layers.labels, before)

    def test_a_slice_that_is_right_as_it_is_is_accepted_and_counts(self, made):
        panel = made.panel
        click(made.ui.originProgramButton)
        suggest(made)
        plane = panel.plane
        click(made.ui.acceptButton)
        assert panel.present.painted == [plane]
        assert panel.views._badge.GetInput() == "painted"
        assert panel.session.state.corrected == []
        assert made.ui.statusLabel.text.startswith(f"Slice {plane} is right as it is")
        made.ui.editor.undo()
        wait_until(lambda: not panel.watch.is_waiting)
        assert panel.present.painted == []
        assert plane in panel.to_paint()

    def test_taking_it_back_brings_the_slices_and_the_question_back(self, made):
        before = made.panel.session.look().layers.labels.copy()
        painted = list(made.panel.present.painted)
        click(made.ui.originProgramButton)
        take_back(made)
        assert shown(made) == ["origin"]
        assert np.array_equal(made.panel.session.look().layers.labels, before)
        assert made.panel.present.painted == painted
        assert made.ui.statusLabel.text == f"{len(painted)} painted"
        assert made.panel.session.preview_node is None
        click(made.ui.originProgramButton)
        assert made.panel.session.preview_node.GetDisplayNode().GetOpacity2DFill() == 0
        click(made.ui.acceptAllButton)
        assert np.array_equal(made.panel.session.look().layers.labels, before)

    def test_the_row_predict_shows_what_is_started_from(self, made):
        """So it does after an undo, which asks again, and after a redo."""
        combo = made.ui.startFromCombo
        for _round in range(2):
            click(made.ui.originProgramButton)
            assert combo.currentText == "made of a program"
            take_back(made)
            assert combo.currentText == "nothing"

    def test_the_line_says_how_many_slices_are_from_the_program(self, made, truth):
        panel = made.panel
        click(made.ui.originProgramButton)
        planes = panel.present.planes(PlaneState.PREDICTED)
        assert panel.status.summary() == f"0 painted, {len(planes)} from a program"
        scroll_to(made, planes[3])

        def whole(array):
            array[planes[3]] = truth[planes[3]]

        stroke(made, whole)
        predict(made, "shape")
        assert f"1 corrected, {len(planes) - 1} predicted" in panel.status.summary()

    def test_slices_edited_before_the_answer_are_called_corrected_also_after_undo_and_redo(self, made, truth):
        panel = made.panel
        plane = panel.present.painted[3]
        scroll_to(made, plane)

        def whole(array):
            array[plane] = truth[plane]

        stroke(made, whole)
        count = len(panel.present.painted)
        click(made.ui.originProgramButton)
        after = f"0 painted, 1 corrected, {count - 1} from a program"
        assert panel.status.summary() == after
        assert panel.views._badge.GetInput() == "corrected"
        take_back(made)
        assert panel.status.summary() == f"{count} painted"
        assert panel.views._badge.GetInput() == "painted"
        made.ui.editor.redo()
        wait_until(lambda: not panel.watch.is_waiting)
        assert panel.status.summary() == after

    def test_the_table_of_slices_says_who_made_them(self, made):
        from SparseAnnotateSlicer.session.provenance import provenance

        click(made.ui.originProgramButton)
        assert "predicted,,,,made of a program," in provenance(made.panel.session, made.panel.present)

    def test_nothing_to_predict_before_something_is_corrected(self, made):
        click(made.ui.originProgramButton)
        assert "No slice is corrected" in made.ui.predictButton.toolTip

    def test_ranges_come_from_it_in_one_click(self, made):
        click(made.ui.originProgramButton)
        panel = made.panel
        panel.range.from_menu.aboutToShow.emit()
        (action,) = [one for one in panel.range.from_menu.actions() if "of a program" in one.text]
        action.trigger()
        process_events()
        planes = panel.present.planes(PlaneState.PREDICTED)
        assert panel.session.plane_range == (planes[0], planes[-1])

    def test_comes_back_with_the_scene(self, made, tmp_path, representation):
        click(made.ui.originProgramButton)
        before = made.panel.session.review.everything(made.panel.present)
        save_scene(slicer.mrmlScene, tmp_path / "work.mrb")
        representation.exit()
        slicer.mrmlScene.Clear(False)
        load_scene(slicer.mrmlScene, tmp_path / "work.mrb")
        representation.enter()
        process_events()
        session = made.panel.session
        assert "origin" not in shown(made)
        assert np.array_equal(session.review.everything(made.panel.present), before)
        assert made.ui.startFromCombo.currentText == "made of a program"


class TestStartFrom:
    @pytest.fixture
    def beside(self, scene, panel, truth):  # noqa: ARG002 - emptied first
        """New segments, and a segmentation of a program beside them."""
        scan = add_scan(truth=truth)
        add_made(scan, rough_of(truth), "nnU-Net")
        begin(panel, scan)
        click(panel.ui.predictTab)
        return panel

    def test_a_segmentation_is_offered_and_shown_as_prediction(self, beside, truth):
        ui, panel = beside.ui, beside.panel
        assert [ui.startFromCombo.itemText(n) for n in range(ui.startFromCombo.count)] == ["nothing", "nnU-Net"]
        ui.startFromCombo.setCurrentIndex(1)
        process_events()
        assert panel.session.initial_node.GetName() == "nnU-Net"
        assert [one.GetName() for one in [panel.session.segmentation_node.GetSegmentation().GetNthSegment(0)]] == [
            "liver"
        ]
        assert np.array_equal(panel.session.review.everything(panel.present) > 0, rough_of(truth))
        assert ui.statusLabel.text == "nnU-Net stays as it is. Press Suggest for the slices to correct."
        assert not slicer.mrmlScene.GetFirstNodeByName("nnU-Net").GetDisplayNode().GetVisibility()

    def test_one_that_does_not_fit_is_refused_and_not_chosen(self, beside):
        ui, session = beside.ui, beside.panel.session
        session.segmentation_node.GetSegmentation().GetNthSegment(0).SetName("lesion")
        ui.startFromCombo.setCurrentIndex(1)
        process_events()
        assert "is named as one of yours (lesion)" in beside.panel.status.error
        assert ui.startFromCombo.currentText == "nothing"
        assert session.initial_node is None

    def test_all_predictors_can_start_from_it(self, beside):
        for name in ("shape", "nearest", "guided"):
            choose_name(beside.ui.predictorCombo, name)
            assert beside.ui.startFromFrame.visible


def test_every_stage_leaves_the_tools_in_sight(made, representation):
    from test_room import WIDTH, check_room

    representation.window().resize(WIDTH, 720)
    process_events(0.1)
    check_room(made)
    click(made.ui.originProgramButton)
    check_room(made)
    suggest(made)
    check_room(made)
    while made.panel.to_paint():
        scroll_to(made, made.panel.to_paint()[0])
        click(made.ui.acceptButton)
        check_room(made)
    assert "predict" in shown(made)
