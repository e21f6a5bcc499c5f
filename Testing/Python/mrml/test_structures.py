"""Structures that were painted on planes of their own, slivers, strokes and whole planes of another view."""

import json

import numpy as np
import pytest
import slicer
from nodes import add_segmentation, add_volume, paint
from SparseAnnotateLib import SparseAnnotation
from SparseAnnotateLib.completeness import understood
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.jobs import InlineRunner
from SparseAnnotateSlicer.scene.files import load_scene, save_scene
from SparseAnnotateSlicer.session.node import ATTRIBUTE
from SparseAnnotateSlicer.session.planes import PlaneState
from SparseAnnotateSlicer.session.prediction import submit
from SparseAnnotateSlicer.session.session import AnnotationSession

SHAPE = (20, 24, 26)
LIVER, SPLEEN = (slice(3, 11), slice(3, 20)), (slice(13, 22), slice(5, 18))
LIVER_PLANES, SPLEEN_PLANES = [2, 6, 10, 14, 17], [4, 8, 12, 16]


def block(planes, place):
    mask = np.zeros(SHAPE, bool)
    for plane in planes:
        mask[(plane, *place)] = True
    return mask


def begin(scene, liver=(), spleen=(), grid="lps"):
    """A session; the masks are those of the two segments."""
    volume_node = add_volume(scene, shape=SHAPE, grid=grid)
    node = add_segmentation(scene, volume_node, names=("liver", "spleen"))
    session = AnnotationSession.start(volume_node, node, "k")
    leave(session, block(liver, LIVER), block(spleen, SPLEEN))
    return session


def leave(session, *masks):
    for segment_id, mask in zip(session.segment_ids, masks, strict=True):
        paint(session.segmentation_node, segment_id, session.volume_node, mask)


def held(session):
    layers = session.look().layers
    masks = np.zeros((2, *SHAPE), bool)
    for plane in range(SHAPE[0]):
        for segment_id, mask in layers.masks(plane):
            masks[session.segment_ids.index(segment_id), plane] = mask
    return masks


def predict(session):
    with InlineRunner() as runner:
        submit(session, runner, "shape").wait()


@pytest.fixture
def apart(scene):
    """Liver and spleen on planes of their own, both from plane 2 to plane 17."""
    session = begin(scene, LIVER_PLANES, SPLEEN_PLANES)
    session.set_range(2, 17)
    yield session
    session.close()


class TestOwnPlanes:
    def test_are_told_from_the_labels(self, apart):
        complete = apart.look().complete
        assert np.flatnonzero(complete[:, 0]).tolist() == LIVER_PLANES
        assert np.flatnonzero(complete[:, 1]).tolist() == SPLEEN_PLANES
        annotation = apart.annotation()
        assert annotation.complete_planes_of(1) == LIVER_PLANES
        assert annotation.complete_planes_of(2) == SPLEEN_PLANES

    def test_are_predicted_for_the_others_and_what_was_painted_stays(self, apart):
        predict(apart)
        present, before = apart.look(), held(apart)
        assert present.painted == sorted(LIVER_PLANES + SPLEEN_PLANES)
        assert present.whole == []
        assert list(present.pending) == list(range(2, 18))
        apart.review.accept()
        after = held(apart)
        assert not (before & ~after).any()
        assert np.array_equal(after[0, 3:17], block(range(3, 17), LIVER)[3:17])
        assert np.array_equal(after[1, 4:17], block(range(4, 17), SPLEEN)[4:17])
        assert apart.look().pending == ()

    def test_are_the_same_after_all_was_accepted_and_predicted_again(self, apart):
        predict(apart)
        given = apart.look().given.copy()
        apart.review.accept()
        assert np.array_equal(apart.look().given, given)
        assert np.array_equal(apart.look().complete[LIVER_PLANES, 0], [True] * 5)
        predict(apart)
        assert apart.annotation().complete_planes_of(2) == SPLEEN_PLANES
        assert list(apart.look().pending) == list(range(2, 18))

    def test_are_whose_they_were_after_undo_and_redo(self, apart):
        predict(apart)
        before, given = held(apart), apart.look().given.copy()
        apart.review.accept()
        apart.review.undo()
        assert np.array_equal(held(apart), before)
        assert np.array_equal(apart.look().given, given)
        assert apart.annotation().complete_planes_of(1) == LIVER_PLANES
        apart.review.redo()
        assert np.array_equal(apart.look().given, given)

    @pytest.mark.parametrize("grid", ["lps", "left-handed"])
    def test_are_known_to_a_saved_scene(self, scene, tmp_path, grid):
        session = begin(scene, LIVER_PLANES, SPLEEN_PLANES, grid)
        session.set_range(2, 17)
        predict(session)
        session.review.accept()
        session.mark_segment(8, session.segment_ids[1], False)
        step = -1 if grid == "left-handed" else 1
        given, complete = session.look().given.copy()[::step], session.look().complete[::step]
        save_scene(scene, tmp_path / "work.mrb")
        scene.Clear(False)
        load_scene(scene, tmp_path / "work.mrb")
        (again,) = AnnotationSession.all_in(scene)
        assert np.array_equal(again.look().given, given)
        assert np.array_equal(again.look().complete, complete)
        again.close()

    def test_are_those_of_the_segments_that_are_left(self, apart):
        predict(apart)
        apart.review.accept()
        apart.segmentation_node.GetSegmentation().RemoveSegment(apart.segment_ids[1])
        present = apart.look()
        assert np.array_equal(present.given > 0, block(LIVER_PLANES, LIVER))

    def test_become_the_users_as_a_whole_when_they_are_changed(self, apart):
        predict(apart)
        apart.review.accept()
        masks = held(apart)
        masks[1, 6, 22, 5] = True
        leave(apart, *masks)
        present = apart.look()
        assert 6 in present.whole
        assert np.array_equal(present.given[6] == 2, masks[1, 6])

    def test_of_a_scene_that_knew_nothing_of_them_are_told_anew(self, apart):
        values = json.loads(apart.state.to_json())
        for name in ("segment_marks", "by_hand"):
            del values[name]
        apart.node.SetAttribute(ATTRIBUTE, json.dumps(values))
        again = AnnotationSession.restore(apart.node)
        assert again.annotation().complete_planes_of(2) == SPLEEN_PLANES
        again.close()


class TestALesionInTwoPieces:
    LESION, PLANES = block([*range(2, 7), *range(13, 18)], SPLEEN), [3, 5, 8, 10, 12, 14, 16]

    def begin(self, scene, lesion):
        """A session on the image of a lesion, and its volume node."""
        session = begin(scene, self.PLANES, [3, 5, 14, 16])
        self.show(session.volume_node, lesion)
        return session

    @staticmethod
    def show(volume_node, lesion):
        noise = np.random.default_rng(0).normal(0, 10, SHAPE)
        slicer.util.updateVolumeFromArray(volume_node, (100 * lesion + noise).astype(np.int16))

    def test_is_absent_on_painted_planes_between_them_as_the_command_line_tells(self, scene):
        session = self.begin(scene, self.LESION)
        present = session.look()
        assert np.flatnonzero(present.complete[:, 1]).tolist() == self.PLANES
        told = understood(SparseAnnotation.from_painted_planes(present.given), image=session.volume.intensities)
        assert told.annotation.complete_planes_of(2) == self.PLANES
        assert session.annotation().known[8].all()

    def test_was_not_painted_there_once_an_image_shows_it(self, scene):
        session = self.begin(scene, self.LESION)
        session.look()
        self.show(session.volume_node, block(range(2, 18), SPLEEN))
        assert np.flatnonzero(session.look().complete[:, 1]).tolist() == [3, 5, 14, 16]


class TestWhatTheUserSays:
    def test_that_a_structure_is_complete_overrules_the_labels(self, apart):
        liver, spleen = apart.segment_ids
        apart.mark_segment(6, spleen, True)
        apart.mark_segment(4, spleen, False)
        annotation = apart.annotation()
        assert annotation.complete_planes_of(2) == [6, 8, 12, 16]
        assert 6 in apart.look().whole
        assert annotation.known[6].all()
        apart.mark_segment(6, spleen, None)
        assert 6 not in apart.look().whole
        assert apart.look().complete[6].tolist() == [True, False]
        assert apart.segment_ids == [liver, spleen]

    def test_that_a_plane_is_painted_says_it_of_all_structures(self, apart):
        apart.mark_segment(6, apart.segment_ids[1], False)
        apart.mark(6, "painted")
        assert apart.look().complete[6].all()

    def test_of_a_plane_that_nobody_painted_is_refused(self, apart):
        with pytest.raises(InputError, match="plane 3 is not painted"):
            apart.mark_segment(3, apart.segment_ids[0], True)

    def test_one_structure_of_a_plane_that_is_painted_partly_may_be_complete(self, apart):
        apart.mark(6, "partly")
        apart.mark_segment(6, apart.segment_ids[0], True)
        annotation = apart.annotation()
        assert annotation.complete[6].tolist() == [True, False]
        assert not annotation.known[6].all()


class TestSlivers:
    def sliver(self, session, plane):
        masks = held(session)
        masks[0, plane, 6:8, 8:10] = True
        leave(session, *masks)

    def test_are_named_and_known_and_become_complete_when_the_user_says_so(self, scene):
        session = begin(scene, LIVER_PLANES, LIVER_PLANES)
        self.sliver(session, 7)
        present = session.look()
        assert present.slivers == {session.segment_ids[0]: (7,)}
        assert present.states[7] is PlaneState.PARTLY
        session.mark_segment(7, session.segment_ids[0], True)
        assert session.look().states[7] is PlaneState.PAINTED
        assert session.annotation().complete[7].tolist() == [True, False]


class TestAPlaneOfAnotherView:
    COLUMN = 12

    def draw(self, session, planes, rows=slice(0, SHAPE[1])):
        masks = held(session)
        whole = (block(range(2, 18), LIVER), block(range(2, 18), SPLEEN))
        for mask, truth in zip(masks, whole, strict=True):
            for plane in planes:
                mask[plane, rows, self.COLUMN] |= truth[plane, rows, self.COLUMN]
        leave(session, *masks)
        session.say_strokes([plane for plane in planes if plane not in LIVER_PLANES], ())

    def test_that_is_painted_completely_is_known_whole(self, scene):
        session = begin(scene, LIVER_PLANES, LIVER_PLANES)
        self.draw(session, range(2, 18))
        present = session.look()
        assert present.along == {2: (self.COLUMN,)}
        assert present.painted == LIVER_PLANES
        annotation = session.annotation()
        assert annotation.known[:, :, self.COLUMN].all()
        assert not annotation.known[7].all()
        assert annotation.painted_planes == LIVER_PLANES

    def test_that_holds_a_stroke_is_known_there_only(self, scene):
        session = begin(scene, LIVER_PLANES, LIVER_PLANES)
        self.draw(session, range(7, 10))
        present = session.look()
        assert present.along == {}
        assert present.parts == {7, 8, 9}
        annotation = session.annotation()
        assert annotation.known[7].sum() == annotation.labels[7].astype(bool).sum() > 0

    def test_stays_as_painted_whatever_is_accepted_and_predicted_again(self, scene):
        session = begin(scene, LIVER_PLANES, LIVER_PLANES)
        session.set_range(2, 17)
        self.draw(session, range(2, 18))
        before = held(session)
        for _again in range(2):
            predict(session)
            session.review.accept()
            after = held(session)
            assert np.array_equal(after[..., self.COLUMN], before[..., self.COLUMN])
            assert session.look().along == {2: (self.COLUMN,)}
        assert np.array_equal(after[0, 2:18], block(range(2, 18), LIVER)[2:18])

    def test_stays_where_segments_overlap(self, scene):
        session = begin(scene, LIVER_PLANES, LIVER_PLANES)
        session.set_range(2, 17)
        masks = held(session)
        masks[:, 7, 5:8, 12] = True
        leave(session, *masks)
        session.say_strokes([7], ())
        predict(session)
        session.review.accept()
        assert held(session)[:, 7, 5:8, 12].all()
