"""Starting from what a program made: another segmentation, or what stood in the user's own segments."""

import numpy as np
import pytest
from nodes import add_segmentation, add_volume, ids_of, paint, seen_by_slicer
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.jobs import InlineRunner
from SparseAnnotateLib.selectors.correcting import planes_to_correct
from SparseAnnotateSlicer.scene.files import load_scene, save_scene
from SparseAnnotateSlicer.session import initial
from SparseAnnotateSlicer.session.planes import PlaneState
from SparseAnnotateSlicer.session.prediction import submit
from SparseAnnotateSlicer.session.session import AnnotationSession

SHAPE = (20, 30, 32)
LIVER, SPLEEN = (slice(4, 26), slice(2, 15)), (slice(6, 24), slice(17, 30))


def solid(first, last, where, grow=0):
    mask = np.zeros(SHAPE, bool)
    rows, columns = (slice(one.start - grow, one.stop + grow) for one in where)
    mask[first : last + 1, rows, columns] = True
    return mask


def fill(node, volume_node, grow=-2):
    """What a program made: too small by two pixels everywhere."""
    liver, spleen, *_ = ids_of(node)
    paint(node, liver, volume_node, solid(3, 15, LIVER, grow))
    paint(node, spleen, volume_node, solid(6, 17, SPLEEN, grow))


@pytest.fixture
def volume_node(scene):
    return add_volume(scene, shape=SHAPE, grid="oblique")


@pytest.fixture
def filled(scene, volume_node):
    """A session on segments that a program filled."""
    node = add_segmentation(scene, volume_node, ("liver", "spleen"))
    fill(node, volume_node)
    return AnnotationSession.start(volume_node, node, "k")


def correct(session, plane):
    """The expert goes through a plane: both structures as they are, two pixels larger."""
    node = session.segmentation_node
    for number, where in enumerate((LIVER, SPLEEN)):
        segment_id = ids_of(node)[number]
        mask = seen_by_slicer(node, segment_id, session.volume_node)
        first, last = ((3, 15), (6, 17))[number]
        mask[plane] = solid(first, last, where)[plane]
        paint(node, segment_id, session.volume_node, mask)


class TestTheQuestion:
    def test_is_asked_where_every_plane_of_the_range_is_filled(self, filled):
        assert filled.state.origin == initial.ASKED
        assert len(filled.look().painted) == 15

    def test_is_not_asked_of_a_few_painted_planes(self, scene, volume_node):
        node = add_segmentation(scene, volume_node, ("liver", "spleen"))
        mask = solid(3, 15, LIVER)
        mask[[4, 6, 8]] = False
        paint(node, ids_of(node)[0], volume_node, mask)
        assert AnnotationSession.start(volume_node, node, "k").state.origin == ""

    def test_is_not_asked_again(self, scene, filled, tmp_path):
        initial.say_expert(filled)
        save_scene(scene, tmp_path / "work.mrb")
        filled.close()
        scene.Clear(False)
        load_scene(scene, tmp_path / "work.mrb")
        (session,) = AnnotationSession.all_in(scene)
        initial.ask_if_made(session, session.look())
        assert session.state.origin == initial.EXPERT
        assert len(session.look().painted) == 15


class TestFromAProgram:
    def test_all_planes_are_predicted_to_be_checked_and_a_copy_keeps_them(self, filled):
        before = filled.look().layers.labels.copy()
        name = initial.say_program(filled)
        present = filled.look()
        assert present.planes(PlaneState.PREDICTED) == list(range(3, 18))
        assert present.painted == []
        assert not present.layers.labels.any()
        assert name == "Segmentation of a program"
        assert np.array_equal(initial.labels_of(filled, filled.segment_ids), before)
        assert np.array_equal(filled.review.everything(present), before)

    def test_accepting_all_keeps_what_was_not_changed(self, filled):
        before = filled.look().layers.labels.copy()
        initial.say_program(filled)
        assert filled.review.accept() == list(range(3, 18))
        assert np.array_equal(filled.look().layers.labels, before)
        assert filled.look().painted == []

    def test_can_be_taken_back(self, filled):
        before = filled.look().layers.labels.copy()
        initial.say_program(filled)
        filled.review.ready_writer().undo()
        assert np.array_equal(filled.look().layers.labels, before)
        assert filled.look().painted == []
        filled.review.accept()
        assert np.array_equal(filled.look().layers.labels, before)

    def test_planes_that_were_changed_before_the_answer_are_corrections_of_what_stood_there(self, filled):
        before = filled.look().layers.labels.copy()
        correct(filled, 8)
        initial.say_program(filled)
        present = filled.look()
        assert present.painted == [8]
        assert 8 not in present.planes(PlaneState.PREDICTED)
        made = initial.labels_of(filled, filled.segment_ids)
        assert np.count_nonzero(made[8] != before[8]) < 0.1 * np.count_nonzero(before[8])
        assert np.array_equal(np.delete(made, 8, axis=0), np.delete(before, 8, axis=0))
        assert np.array_equal(present.given[8], present.layers.labels[8])

    def test_where_most_planes_were_changed_before_the_answer_all_are_the_programs(self, scene, volume_node):
        node = add_segmentation(scene, volume_node, ("liver", "spleen"))
        fill(node, volume_node)
        session = AnnotationSession.start(volume_node, node, "k")
        fill(node, volume_node, grow=-3)
        initial.say_program(session)
        assert session.look().painted == []
        assert session.state.edited == []

    def test_undo_and_redo_and_the_answer_again_leave_one_copy(self, scene, filled):
        before = filled.look().layers.labels.copy()
        initial.say_program(filled)
        writer = filled.review.ready_writer()
        writer.undo()
        assert initial.ask_again_if_taken_back(filled, filled.look())
        assert not initial.take_up_again_if_redone(filled, filled.look())
        writer.redo()
        assert initial.take_up_again_if_redone(filled, filled.look())
        assert filled.look().planes(PlaneState.PREDICTED) == list(range(3, 18))
        writer.undo()
        assert initial.ask_again_if_taken_back(filled, filled.look())
        initial.say_program(filled)
        assert np.array_equal(filled.review.everything(filled.look()), before)
        assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 3  # own, copy, preview

    def test_a_correction_reaches_the_other_planes(self, filled):
        initial.say_program(filled)
        filled.review.accept([9])
        correct(filled, 9)
        assert filled.look().painted == [9]
        with InlineRunner() as runner:
            running = submit(filled, runner, "shape")
            assert running.job.initial is not None
            assert [one.name for one in running.job.annotation.classes] == ["liver", "spleen"]
            running.wait()
        assert filled.state.expected_dice
        labels = filled.review.everything(filled.look())
        truth = np.where(solid(3, 15, LIVER), 1, 0) + np.where(solid(6, 17, SPLEEN), 2, 0)
        rough = initial.labels_of(filled, filled.segment_ids)
        assert np.array_equal(labels[9], truth[9])
        assert (labels != truth).sum() < 0.25 * (rough != truth).sum()
        assert filled.state.predicted == [plane for plane in range(3, 18) if plane != 9]

    def test_a_structure_that_no_corrected_plane_shows_is_kept(self, filled):
        initial.say_program(filled)
        filled.review.accept([4])
        correct(filled, 4)
        with InlineRunner() as runner:
            submit(filled, runner, "nearest").wait()
        labels = filled.review.everything(filled.look())
        assert (labels == 2).any()

    def test_a_plane_that_is_right_as_it_is_counts_as_painted_until_that_is_taken_back(self, filled):
        initial.say_program(filled)
        filled.review.accept([9])
        initial.check_as_it_is(filled, 9)
        assert filled.look().painted == [9]
        assert filled.annotation().complete[9].all()
        filled.review.undo()
        assert filled.look().painted == []
        assert filled.look().states[9] is PlaneState.PREDICTED

    def test_suggestions_are_where_it_is_most_likely_wrong(self, filled):
        initial.say_program(filled)
        filled.review.accept([9])
        correct(filled, 9)
        chosen = filled.suggest(3)
        annotation = filled.annotation()
        assert annotation.painted_planes == [9]
        start = initial.initial_of(filled, annotation.classes)
        assert chosen == planes_to_correct(filled.volume, annotation, start, 3)
        assert 9 not in {one.plane for one in chosen}

    def test_other_selectors_keep_to_the_range_that_it_has(self, filled):
        initial.say_program(filled)
        assert filled.annotation(selector="keep-n").plane_range == (3, 17)
        assert filled.annotation().plane_range == (0, 19)

    def test_all_of_it_comes_back_with_the_scene(self, scene, filled, tmp_path):
        initial.say_program(filled)
        filled.review.accept([9])
        correct(filled, 9)
        filled.review.accept([4])
        initial.check_as_it_is(filled, 4)
        rough = initial.labels_of(filled, filled.segment_ids)
        save_scene(scene, tmp_path / "work.mrb")
        filled.close()
        scene.Clear(False)
        load_scene(scene, tmp_path / "work.mrb")
        (session,) = AnnotationSession.all_in(scene)
        assert session.look().painted == [4, 9]
        assert session.initial_node.GetName() == "Segmentation of a program"
        assert np.array_equal(initial.labels_of(session, session.segment_ids), rough)
        with InlineRunner() as runner:
            assert submit(session, runner, "nearest").job.initial is not None
        assert session.review.accept() == [plane for plane in range(3, 18) if plane not in (4, 9)]


class TestFromAnotherSegmentation:
    @pytest.fixture
    def session(self, scene, volume_node):
        return AnnotationSession.start(volume_node, add_segmentation(scene, volume_node, ("Spleen", "liver")), "k")

    @pytest.fixture
    def rough(self, scene, volume_node):
        node = add_segmentation(scene, volume_node, ("liver", "spleen", "aorta"), "TotalSegmentator")
        fill(node, volume_node)
        return node

    def test_it_stays_as_it_is_and_is_shown_by_the_names_of_the_segments(self, session, rough, volume_node):
        before = [seen_by_slicer(rough, one, volume_node) for one in ids_of(rough)]
        initial.start_from(session, rough)
        labels = session.review.everything(session.look())
        assert np.array_equal(labels == 2, before[0])
        assert np.array_equal(labels == 1, before[1])
        session.review.accept()
        assert all(
            np.array_equal(seen_by_slicer(rough, one, volume_node), b)
            for one, b in zip(ids_of(rough), before, strict=True)
        )
        initial.start_from(session, None)
        assert session.initial_node is None

    def test_a_prediction_that_is_there_stays(self, session, rough):
        correct_both = solid(3, 15, LIVER)
        mask = np.zeros(SHAPE, bool)
        mask[[5, 9]] = correct_both[[5, 9]]
        paint(session.segmentation_node, session.segment_ids[1], session.volume_node, mask)
        with InlineRunner() as runner:
            submit(session, runner, "nearest").wait()
        predicted = list(session.state.predicted)
        initial.start_from(session, rough)
        assert session.state.predicted == predicted

    def test_what_does_not_fit_is_refused(self, scene, session, volume_node):
        other = add_segmentation(scene, volume_node, ("bone",), "other")
        with pytest.raises(InputError, match="no segment of other"):
            initial.start_from(session, other)
        empty = add_segmentation(scene, volume_node, ("liver",), "empty one")
        with pytest.raises(InputError, match="are empty, or lie outside"):
            initial.start_from(session, empty)
        assert session.initial_node is None

    def test_a_change_of_it_while_predicting_is_noticed(self, session, rough, volume_node):
        initial.start_from(session, rough)
        session.review.accept([9])
        initial.check_as_it_is(session, 9)
        with InlineRunner() as runner:
            running = submit(session, runner, "nearest")
            fill(rough, volume_node, grow=0)
            with pytest.raises(InputError, match="segmentation to start from changed"):
                running.wait()

    def test_is_forgotten_once_it_is_removed(self, scene, session, rough):
        initial.start_from(session, rough)
        scene.RemoveNode(rough)
        assert session.initial_node is None
        assert session.annotation().class_count == 0
