"""Predict from the scene, look at it, accept it, take it back."""

from dataclasses import replace

import numpy as np
import pytest
import slicer
from nodes import (
    add_linear_transform,
    add_segmentation,
    add_volume,
    add_warp,
    ids_of,
    paint,
    preview_labels,
    seen_by_slicer,
)
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.jobs import InlineRunner, JobCancelledError, JobState, LocalRunner
from SparseAnnotateLib.predictors import PREDICTORS, run
from SparseAnnotateSlicer.scene.segments import read_segments
from SparseAnnotateSlicer.session.expected import comes_and_goes
from SparseAnnotateSlicer.session.planes import PlaneState
from SparseAnnotateSlicer.session.prediction import submit
from SparseAnnotateSlicer.session.session import AnnotationSession
from SparseAnnotateSlicer.session.state import SessionState

SHAPE = (8, 9, 10)


def patch(plane, rows, columns):
    mask = np.zeros(SHAPE, bool)
    mask[plane, rows, columns] = True
    return mask


def paint_two_planes(volume_node, node):
    liver, tumour = ids_of(node)
    paint(node, liver, volume_node, patch(1, slice(2, 7), slice(2, 6)) | patch(5, slice(3, 8), slice(3, 8)))
    paint(node, tumour, volume_node, patch(5, slice(0, 3), slice(1, 3)))


@pytest.fixture
def session(scene):
    """A session with planes 1 and 5 painted, range 0 to 6."""
    volume_node = add_volume(scene, shape=SHAPE, grid="oblique mirrored")
    node = add_segmentation(scene, volume_node)
    paint_two_planes(volume_node, node)
    session = AnnotationSession.start(volume_node, node, "k")
    session.set_range(0, 6)
    yield session
    session.close()


@pytest.fixture
def runner():
    with InlineRunner() as runner:
        yield runner


def predict(session, runner, predictor="shape"):
    return submit(session, runner, predictor).wait()


def expert(session):
    return read_segments(session.segmentation_node, session.volume_node, session.volume, session.segment_ids).labels


class TestAPrediction:
    def test_is_what_the_library_gives_for_the_same_input(self, session, runner):
        prediction = predict(session, runner)
        annotation = session.annotation()
        alone = run(PREDICTORS.create("shape"), session.volume, annotation)
        assert np.array_equal(prediction.labels, alone.labels)

    def test_is_shown_on_predicted_planes_only(self, session, runner):
        before = expert(session)
        prediction = predict(session, runner)
        assert session.look().planes(PlaneState.PREDICTED) == [0, 2, 3, 4, 6]
        expected = prediction.labels.copy()
        expected[[1, 5, 7]] = 0
        assert np.array_equal(preview_labels(session), expected)
        assert np.array_equal(expert(session), before)

    def test_is_shown_in_the_experts_names_and_colours_but_paler(self, session, runner):
        predict(session, runner)
        display = session.preview_node.GetDisplayNode()
        assert display.GetOpacity2DFill() < session.segmentation_node.GetDisplayNode().GetOpacity2DFill()
        for segment_id in session.segment_ids:
            one, other = (
                node.GetSegmentation().GetSegment(segment_id)
                for node in (session.preview_node, session.segmentation_node)
            )
            assert (one.GetName(), one.GetColor()) == (other.GetName(), other.GetColor())

    def test_stands_beside_the_segmentation_in_the_hierarchy(self, scene, session, runner):
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
        patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "patient")
        hierarchy.CreateItem(patient, session.volume_node)
        predict(session, runner)
        item = hierarchy.GetItemByDataNode(session.preview_node)
        assert hierarchy.GetItemParent(item) == patient

    def test_runs_in_a_worker_process(self, session, tmp_path):
        with LocalRunner(tmp_path) as local:
            prediction = predict(session, local)
        alone = run(PREDICTORS.create("shape"), session.volume, session.annotation())
        assert np.array_equal(prediction.labels, alone.labels)

    def test_keeps_to_what_is_painted_where_no_range_was_clicked(self, session, runner):
        session.clear_range()
        predict(session, runner)
        assert session.look().planes(PlaneState.PREDICTED) == [2, 3, 4]

    def test_says_what_it_ran_on_and_how_good_it_should_be(self, session, runner):
        prediction = predict(session, runner)
        assert session.state.versions["numpy"] == np.__version__
        assert session.state.predictor == "shape"
        dice = np.full(8, np.nan, np.float32)
        dice[[2, 4, 5]] = 0.75, 0.5, 0.25
        measured = replace(prediction, expected_dice_per_plane=dice, expected_dice=0.625)
        session.review.show(measured, session.segment_ids, (0, 6))
        assert session.state.expected_dice == {2: 0.75, 4: 0.5}
        assert session.state.expected_dice_volume == 0.625

    def test_names_a_structure_that_may_come_and_go_and_the_plane_to_look_at(self, session, runner):
        prediction = predict(session, runner)
        assert comes_and_goes(replace(prediction, details={})) is None
        details = {"vanished": {"liver": [2]}, "missed": {"tumour": [1, 4, 5, 6]}, "unlike": {"liver": [3, 4]}}
        assert comes_and_goes(replace(prediction, details=details)) == ("tumour", 5)
        part = {"more": {"tumour": [3, 4]}, "less": {"liver": [1, 2, 3], "tumour": [1]}}
        assert comes_and_goes(replace(prediction, details=part)) == ("liver", 2)
        unknown = {"unknown": {"tumour": [1, 2, 3, 4, 5]}}
        assert comes_and_goes(replace(prediction, details=unknown)) == ("tumour", 3)
        assert comes_and_goes(replace(prediction, details=part | unknown)) == ("liver", 2)

    def test_remembers_what_the_image_does_not_show_until_a_new_prediction_or_none(self, session, runner):
        prediction = predict(session, runner)
        hidden = replace(prediction, details={"not_shown": ["liver", "tumour"]})
        session.review.show(hidden, session.segment_ids, (0, 6))
        assert SessionState.from_json(session.state.to_json()).not_shown == ["liver", "tumour"]
        other = replace(prediction, details={"not_shown": ["spleen", "liver"]})
        session.review.show(other, session.segment_ids, (0, 6), only={2})
        assert session.state.not_shown == ["liver", "tumour", "spleen"]
        session.review.show(other, session.segment_ids, (0, 6))
        assert session.state.not_shown == ["spleen", "liver"]
        session.review.clear()
        assert session.state.not_shown == []

    def test_can_be_cancelled(self, session, runner):
        running = submit(session, runner, "shape")
        running.handle.cancel()
        with pytest.raises(JobCancelledError):
            running.wait()
        assert session.preview_node is None

    def test_needs_a_painted_plane(self, scene, runner):
        volume_node = add_volume(scene)
        session = AnnotationSession.start(volume_node, add_segmentation(scene, volume_node))
        with pytest.raises(InputError, match="no plane is painted"):
            submit(session, runner)

    def test_needs_a_predictor_that_exists(self, session, runner):
        with pytest.raises(InputError, match="no predictor 'oracle'"):
            submit(session, runner, "oracle")


class TestAResultIsRefused:
    """The scene moves on between submitting and finishing."""

    def change_volume(self, session):
        slicer.util.arrayFromVolume(session.volume_node)[3] += 1
        slicer.util.arrayFromVolumeModified(session.volume_node)

    def move_volume(self, session):
        session.volume_node.SetSpacing(2, 2, 2)

    def paint_a_new_plane(self, session):
        tumour = session.segment_ids[1]
        mask = seen_by_slicer(session.segmentation_node, tumour, session.volume_node)
        paint(session.segmentation_node, tumour, session.volume_node, mask | patch(3, slice(1, 3), slice(1, 3)))

    def erase_a_painted_plane(self, session):
        paint(session.segmentation_node, session.segment_ids[1], session.volume_node, np.zeros(SHAPE))

    def confirm_an_empty_plane(self, session):
        session.mark(3, "empty")

    def widen_the_range(self, session):
        session.set_range(0, 7)

    def turn_the_segmentation(self, session):
        add_linear_transform(session.scene, session.segmentation_node, shift=(0, 0.8, 0))

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ("change_volume", "the volume CT changed"),
            ("move_volume", "the volume CT changed"),
            ("paint_a_new_plane", "plane 3 was painted or changed"),
            ("erase_a_painted_plane", "plane 5 was painted or changed"),
            ("confirm_an_empty_plane", "plane 3 was painted or changed"),
            ("widen_the_range", "the range or the box changed"),
            ("turn_the_segmentation", "was painted or changed"),
        ],
    )
    def test_with_a_sentence(self, session, runner, change, message):
        running = submit(session, runner, "shape")
        getattr(self, change)(session)
        with pytest.raises(InputError, match=message):
            running.wait()
        assert session.preview_node is None
        assert session.state.predicted == []

    def test_once_a_node_is_gone(self, scene, session, runner):
        running = submit(session, runner, "shape")
        scene.RemoveNode(session.volume_node)
        with pytest.raises((InputError, JobCancelledError)):
            running.wait()


class TestAccept:
    def test_writes_the_plane_that_is_named(self, session, runner):
        before, prediction = expert(session), predict(session, runner)
        assert session.review.accept([3]) == [3]
        expected = before.copy()
        expected[3] = prediction.labels[3]
        assert np.array_equal(expert(session), expected)
        assert session.look().planes(PlaneState.ACCEPTED) == [3]
        assert not preview_labels(session)[3].any()

    def test_writes_a_range_then_all_the_rest(self, session, runner):
        prediction = predict(session, runner)
        assert session.review.accept(range(2, 6)) == [2, 3, 4]
        assert session.review.accept() == [0, 6]
        assert np.array_equal(expert(session), prediction.labels)
        assert not preview_labels(session).any()

    def test_passes_over_planes_painted_since(self, session, runner):
        prediction = predict(session, runner)
        mine = patch(3, slice(0, 1), slice(0, 9))
        tumour = session.segment_ids[1]
        paint(
            session.segmentation_node,
            tumour,
            session.volume_node,
            mine | seen_by_slicer(session.segmentation_node, tumour, session.volume_node),
        )
        assert session.review.accept() == [0, 2, 4, 6]
        assert np.array_equal(expert(session)[3], 2 * mine[3])
        assert np.array_equal(expert(session)[4], prediction.labels[4])

    def test_does_not_make_a_plane_painted(self, session, runner):
        predict(session, runner)
        session.review.accept()
        assert session.look().painted == [1, 5]
        assert session.annotation().painted_planes == [1, 5]

    def test_makes_a_plane_painted_once_it_is_corrected_and_used_again(self, session, runner):
        predict(session, runner)
        session.review.accept()
        liver = session.segment_ids[0]
        mask = seen_by_slicer(session.segmentation_node, liver, session.volume_node)
        mask[3, 0, 0] = ~mask[3, 0, 0]
        paint(session.segmentation_node, liver, session.volume_node, mask)
        assert session.look().painted == [1, 3, 5]
        again = predict(session, runner)
        assert np.array_equal(again.labels[3] == 1, mask[3])
        assert session.look().planes(PlaneState.PREDICTED) == [0, 2, 4, 6]

    def test_is_undone_and_redone_exactly(self, session, runner):
        before, _ = expert(session), predict(session, runner)
        preview = preview_labels(session)
        session.review.accept([2, 3])
        session.review.accept([6])
        after = expert(session)
        session.review.undo()
        session.review.undo()
        assert np.array_equal(expert(session), before)
        assert np.array_equal(preview_labels(session), preview)
        assert session.look().planes(PlaneState.PREDICTED) == [0, 2, 3, 4, 6]
        assert not session.review.can_undo
        session.review.redo()
        session.review.redo()
        assert np.array_equal(expert(session), after)
        assert session.look().planes(PlaneState.ACCEPTED) == [2, 3, 6]

    def test_is_seen_when_the_editor_undoes_it(self, session, runner):
        history = slicer.vtkSegmentationHistory()
        history.SetSegmentation(session.segmentation_node.GetSegmentation())
        session.review.save_state = history.SaveState
        predict(session, runner)
        preview = preview_labels(session)
        session.review.accept()
        assert history.RestorePreviousState()
        session.review.refresh()
        assert np.array_equal(preview_labels(session), preview)
        assert session.look().painted == [1, 5]
        assert history.RestoreNextState()
        assert session.review.refresh().planes(PlaneState.ACCEPTED) == [0, 2, 3, 4, 6]
        with pytest.raises(InputError, match="the segment editor keeps the history"):
            session.review.undo()

    def test_is_not_undone_over_what_was_painted_since(self, session, runner):
        predict(session, runner)
        session.review.accept([2])
        mine = patch(4, slice(0, 2), slice(0, 2)) | seen_by_slicer(
            session.segmentation_node, session.segment_ids[1], session.volume_node
        )
        paint(session.segmentation_node, session.segment_ids[1], session.volume_node, mine)
        before = expert(session)
        with pytest.raises(InputError, match="painted since"):
            session.review.undo()
        assert np.array_equal(expert(session), before)

    def test_needs_a_prediction(self, session):
        with pytest.raises(InputError, match="nothing is predicted"):
            session.review.accept()

    def test_of_segments_that_were_removed_is_no_longer_said_to_be_there(self, session, runner):
        predict(session, runner)
        accepted = session.review.accept()
        segmentation = session.segmentation_node.GetSegmentation()
        for segment_id in list(segmentation.GetSegmentIDs()):
            segmentation.RemoveSegment(segment_id)
        assert accepted
        assert session.look().planes(PlaneState.ACCEPTED) == []

    def test_leaves_a_segment_alone_that_was_removed_meanwhile(self, session, runner):
        prediction = predict(session, runner)
        liver, tumour = session.segment_ids
        session.segmentation_node.GetSegmentation().RemoveSegment(liver)
        session.review.accept([4])
        assert session.segment_ids == [tumour]
        assert np.array_equal(expert(session)[4] == 1, prediction.labels[4] == 2)

    def test_under_a_warp_is_refused_and_changes_nothing(self, scene, session, runner):
        add_warp(scene, session.segmentation_node)
        predict(session, runner)
        before = session.look().contents
        with pytest.raises(InputError, match="warping transform"):
            session.review.accept()
        assert session.look().contents == before


class TestReject:
    def test_drops_a_plane_and_gives_it_back(self, session, runner):
        predict(session, runner)
        before = preview_labels(session)
        assert session.review.reject([3]) == [3]
        assert not preview_labels(session)[3].any()
        assert session.review.accept([3]) == []
        session.review.undo()
        session.review.undo()
        assert np.array_equal(preview_labels(session), before)
        session.review.redo()
        assert not preview_labels(session)[3].any()

    def test_of_everything_leaves_the_segmentation_as_it_was(self, session, runner):
        before = expert(session)
        predict(session, runner)
        assert session.review.reject() == [0, 2, 3, 4, 6]
        assert not preview_labels(session).any()
        assert np.array_equal(expert(session), before)


def test_the_preview_follows_what_is_painted(session, runner):
    predict(session, runner)
    liver = session.segment_ids[0]
    mask = seen_by_slicer(session.segmentation_node, liver, session.volume_node)
    paint(session.segmentation_node, liver, session.volume_node, mask | patch(3, slice(0, 2), slice(0, 2)))
    session.review.refresh()
    assert not preview_labels(session)[3].any()
    assert preview_labels(session)[4].any()


def test_an_ended_session_takes_its_preview_along(scene, session, runner):
    slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    before = scene.GetNumberOfNodes()
    predict(session, runner)
    session.review.accept([2])
    session.end()
    assert scene.GetNumberOfNodes() == before - 1


def test_a_job_that_ended_says_so(session, runner):
    running = submit(session, runner, "nearest")
    while not running.poll().ended:
        pass
    assert running.poll() is JobState.FINISHED
    running.finish()
