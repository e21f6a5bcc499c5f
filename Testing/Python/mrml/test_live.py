"""When a prediction starts by itself, what it rests on, and how it is shown: without a window."""

import numpy as np
import pytest
from nodes import add_segmentation, add_volume, ids_of, paint, preview_labels
from SparseAnnotateLib.jobs import InlineRunner
from SparseAnnotateLib.prediction import Prediction
from SparseAnnotateSlicer.session import live
from SparseAnnotateSlicer.session.live import Basis, is_due, submit_live
from SparseAnnotateSlicer.session.planes import PlaneState
from SparseAnnotateSlicer.session.session import AnnotationSession

SHAPE = (12, 9, 10)


@pytest.fixture
def volume_node(scene):
    return add_volume(scene, shape=SHAPE)


@pytest.fixture
def session(scene, volume_node):
    """Liver and tumour painted on planes 1 and 9 of 12."""
    node = add_segmentation(scene, volume_node)
    session = AnnotationSession.start(volume_node, node, "k")
    draw(session, {1, 9}, {1, 9})
    yield session
    session.close()


def draw(session, liver, tumour):
    """The user's segments hold the same square on these planes, and nothing else."""
    for segment_id, planes, rows in zip(
        ids_of(session.segmentation_node), (liver, tumour), ((0, 4), (5, 9)), strict=True
    ):
        mask = np.zeros(SHAPE, bool)
        mask[sorted(planes), rows[0] : rows[1], 2:8] = True
        paint(session.segmentation_node, segment_id, session.volume_node, mask)


def basis(session):
    return Basis.of(session, session.look())


def due(session, last, to_paint=(), in_view=None):
    return is_due(session, session.look(), last, basis(session), to_paint, in_view)


class TestWhenItIsDue:
    def test_at_first_once_something_is_painted(self, session):
        assert due(session, None)
        draw(session, (), ())
        assert not due(session, None)

    def test_not_twice_for_the_same(self, session):
        assert not due(session, basis(session))

    def test_when_a_slice_was_painted_changed_or_erased(self, session):
        last = basis(session)
        draw(session, {1, 5, 9}, {1, 5, 9})
        assert due(session, last)
        last = basis(session)
        draw(session, {1, 9}, {1, 9})
        assert due(session, last)

    def test_not_while_a_structure_is_missing_on_the_slice_in_view(self, session):
        last = basis(session)
        draw(session, {1, 5, 9}, {1, 9})
        session.mark_segment(5, ids_of(session.segmentation_node)[1], False)
        assert 5 in session.look().incomplete
        assert not due(session, last, in_view=5)
        assert due(session, last, in_view=6)

    def test_not_while_a_suggestion_asks_for_more_on_the_slice(self, session):
        last = basis(session)
        draw(session, {1, 5, 9}, {1, 5, 9})
        assert not due(session, last, to_paint=[5], in_view=6)
        assert due(session, last, to_paint=[6], in_view=6)

    def test_not_for_a_part_of_a_stroke_made_elsewhere(self, session):
        last = basis(session)
        draw(session, {1, 5, 9}, {1, 9})
        session.say_strokes([5], [])
        assert session.look().parts == {5}
        assert not due(session, last)

    def test_when_a_range_or_a_mark_says_something_else(self, session):
        last = basis(session)
        session.set_range(0, 10)
        assert due(session, last)
        last = basis(session)
        session.mark(5, "empty")
        assert due(session, last)

    def test_not_where_all_slices_are_painted(self, session):
        draw(session, {1, 2}, {1, 2})
        assert session.look().whole == [1, 2]
        assert not due(session, None)

    def test_not_for_a_new_segment_without_anything(self, session):
        last = basis(session)
        session.segmentation_node.GetSegmentation().AddEmptySegment("", "vessel")
        assert basis(session) == last

    def test_not_when_something_is_accepted(self, session):
        with InlineRunner() as runner:
            (running,) = submit_live(session, runner, "nearest", {}, None, None)
            running.wait()
        session.review.accept([4])
        assert not due(session, running.rests_on)


class TestWhatItRestsOn:
    def test_holds_while_other_slices_are_painted(self, session):
        last = basis(session)
        draw(session, {1, 5, 9}, {1, 5, 9})
        assert last.holds_in(basis(session))
        assert not basis(session).holds_in(last)

    def test_does_not_hold_once_one_of_its_slices_is_touched(self, session):
        last = basis(session)
        draw(session, {1, 9}, {1})
        assert not last.holds_in(basis(session))

    def test_does_not_hold_for_another_range(self, session):
        last = basis(session)
        session.set_range(1, 9)
        assert not last.holds_in(basis(session))


def labels_of(number):
    return np.full(SHAPE, number, np.uint8)


class TestShowing:
    @pytest.fixture
    def predicted(self, session):
        """All of it liver, expected to be half right."""
        dice = np.full(len(labels_of(1)), 0.5, np.float32)
        prediction = Prediction(labels_of(1), expected_dice_per_plane=dice, expected_dice=0.5)
        session.review.show(prediction, session.segment_ids, (1, 9))
        return session

    def test_some_planes_take_a_new_prediction_and_the_others_keep_theirs(self, predicted):
        dice = np.full(len(labels_of(2)), 0.75, np.float32)
        prediction = Prediction(labels_of(2), expected_dice_per_plane=dice, expected_dice=0.75)
        predicted.review.show(prediction, predicted.segment_ids, (1, 10), only={2, 3})
        expected = labels_of(1)
        expected[[2, 3, 10]] = 2
        expected[[0, 1, 9, 11]] = 0
        assert (preview_labels(predicted) == expected).all()
        assert predicted.state.expected_dice == {2: 0.75, 3: 0.75, 10: 0.75} | dict.fromkeys(range(4, 9), 0.5)
        assert predicted.state.expected_dice_volume == 0.5

    def test_older_planes_are_renumbered_where_the_new_one_knows_other_segments(self, predicted):
        liver, tumour = predicted.segment_ids
        predicted.review.show(Prediction(labels_of(1)), [tumour, liver], (1, 9), only={2})
        expected = labels_of(1)
        expected[2] = 2
        expected[[0, 1, 9, 10, 11]] = 0
        assert (preview_labels(predicted) == expected).all()
        assert (predicted.review.labels.all()[3] == 2).all()

    def test_planes_come_before_the_others(self, predicted):
        plane = np.full(SHAPE[1:], 2, np.uint8)
        predicted.review.show_planes({4: plane, 9: plane, 11: plane}, predicted.segment_ids)
        expected = labels_of(1)
        expected[4] = 2
        expected[[0, 1, 9, 10, 11]] = 0
        assert (preview_labels(predicted) == expected).all()
        predicted.review.accept([4])
        assert (predicted.look().layers.labels[4] == 2).all()

    def test_planes_of_other_segments_wait_for_the_result(self, predicted):
        before = preview_labels(predicted)
        predicted.review.show_planes({4: np.full(SHAPE[1:], 2, np.uint8)}, predicted.segment_ids[::-1])
        assert (preview_labels(predicted) == before).all()

    def test_nothing_is_drawn_over_what_the_user_painted_on_a_slice(self, predicted):
        draw(predicted, {1, 5, 9}, {1, 9})
        predicted.mark_segment(5, predicted.segment_ids[1], False)
        predicted.review.refresh()
        assert 5 in predicted.look().around
        predicted.review.show_planes({5: np.full(SHAPE[1:], 2, np.uint8)}, predicted.segment_ids)
        assert (preview_labels(predicted)[5, 0:4, 2:8] == 0).all()
        assert (preview_labels(predicted)[5, 4:] == 2).all()

    def test_accepted_planes_stay_accepted_where_that_is_asked_for(self, predicted):
        predicted.review.accept([4])
        predicted.review.show(Prediction(labels_of(2)), predicted.segment_ids, (1, 9), keeps_accepted=True)
        assert predicted.look().states[4] is PlaneState.ACCEPTED
        assert 4 not in predicted.look().pending
        predicted.review.show(Prediction(labels_of(2)), predicted.segment_ids, (1, 9))
        assert 4 in predicted.look().pending


class TestTheSketch:
    def submitted(self, session, monkeypatch, last, predictor="nearest"):
        monkeypatch.setattr(live, "SKETCHED_BEFORE", ("nearest",))
        with InlineRunner() as runner:
            return [(one.job.predictor, one.planes) for one in submit_live(session, runner, predictor, {}, 5, last)]

    def test_comes_first_on_all_planes_where_nothing_was_predicted(self, session, monkeypatch):
        assert self.submitted(session, monkeypatch, None) == [("shape", None), ("nearest", None)]

    def test_comes_in_the_gaps_beside_what_changed(self, session, monkeypatch):
        last = basis(session)
        session.state.predicted, session.state.prediction_s = [2, 3], 1.5
        draw(session, {1, 5, 9}, {1, 5, 9})
        assert self.submitted(session, monkeypatch, last)[0] == ("shape", {2, 3, 4, 5, 6, 7, 8})

    def test_does_not_come_where_the_prediction_is_as_quick(self, session, monkeypatch):
        last = basis(session)
        session.state.predicted, session.state.prediction_s = [2, 3], 0.5
        assert self.submitted(session, monkeypatch, last) == [("nearest", None)]

    def test_does_not_come_before_a_predictor_that_needs_none(self, session, monkeypatch):
        assert self.submitted(session, monkeypatch, None, "shape") == [("shape", None)]


def test_a_result_is_refused_once_what_it_rests_on_was_touched_and_shown_beside_what_was_painted_since(session):
    from SparseAnnotateLib.errors import InputError

    with InlineRunner() as runner:
        (running,) = submit_live(session, runner, "nearest", {}, None, None)
        draw(session, {1, 5, 9}, {1, 5, 9})
        running.wait()
        assert [*session.look().pending] == [2, 3, 4, 6, 7, 8]
        (running,) = submit_live(session, runner, "nearest", {}, None, running.rests_on)
        draw(session, {1, 9}, {1, 9})
        with pytest.raises(InputError, match="changed meanwhile"):
            running.wait()
