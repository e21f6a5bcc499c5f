"""First and last plane of each segment: from clicks, from another segmentation, and what follows for all."""

import numpy as np
import pytest
from nodes import add_segmentation, add_volume, ids_of, paint
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.jobs import InlineRunner
from SparseAnnotateSlicer.scene.files import load_scene, save_scene
from SparseAnnotateSlicer.session.planes import PlaneState
from SparseAnnotateSlicer.session.prediction import submit
from SparseAnnotateSlicer.session.ranges import add_segments_of, ranges_in, set_end, without_range
from SparseAnnotateSlicer.session.session import AnnotationSession
from SparseAnnotateSlicer.session.state import SessionState

SHAPE = (20, 12, 14)


@pytest.fixture
def session(scene):
    volume_node = add_volume(scene, shape=SHAPE, grid="oblique")
    return AnnotationSession.start(volume_node, add_segmentation(scene, volume_node), "k")


def block(first, last, columns):
    mask = np.zeros(SHAPE, bool)
    mask[first : last + 1, 3:9, columns] = True
    return mask


def draw(session, number, planes, columns):
    mask = np.zeros(SHAPE, bool)
    mask[list(planes), 3:9, columns] = True
    paint(session.segmentation_node, ids_of(session.segmentation_node)[number], session.volume_node, mask)


LIVER, TUMOUR = slice(1, 6), slice(8, 12)


class TestClicks:
    def test_count_once_both_ends_are_there(self, session):
        liver, _ = session.segment_ids
        assert not set_end(session, liver, 4, first=True)
        assert session.state.segment_ranges == {}
        assert session.state.half_ranges == {liver: (4, None)}
        assert set_end(session, liver, 15, first=False)
        assert session.state.segment_ranges == {liver: (4, 15)}
        assert session.state.half_ranges == {}

    def test_the_wrong_way_round_are_taken_the_right_way_round(self, session):
        liver, _ = session.segment_ids
        set_end(session, liver, 15, first=True)
        assert set_end(session, liver, 4, first=False)
        assert session.state.segment_ranges == {liver: (4, 15)}

    def test_move_an_end_of_a_range_that_is_whole(self, session):
        liver, _ = session.segment_ids
        session.set_range(4, 15, liver)
        assert not set_end(session, liver, 6, first=True)
        assert session.state.segment_ranges == {liver: (6, 15)}
        assert not set_end(session, liver, 17, first=True)
        assert session.state.segment_ranges == {}
        assert session.state.half_ranges == {liver: (17, None)}


class TestTheRangeOfAll:
    def test_is_the_union_once_every_segment_has_one(self, session):
        liver, tumour = session.segment_ids
        session.set_range(4, 15, liver)
        assert session.plane_range is None
        assert without_range(session) == [tumour]
        session.set_range(12, 18, tumour)
        assert session.plane_range == (4, 18)
        states = session.look().states
        assert [plane for plane, one in enumerate(states) if one is PlaneState.OUTSIDE] == [0, 1, 2, 3, 19]

    def test_is_open_again_for_a_segment_that_is_added(self, session):
        for one in session.segment_ids:
            session.set_range(4, 15, one)
        session.segmentation_node.GetSegmentation().AddEmptySegment("", "kidney")
        assert session.plane_range is None

    def test_holds_what_was_said_of_single_segments(self, session):
        session.set_range(5, 10)
        session.set_range(4, 12, session.segment_ids[0])
        assert session.plane_range == (4, 12)
        assert session.annotation().plane_range == (4, 12)

    def test_cuts_ranges_of_single_segments_and_refuses_to_leave_nothing_of_one(self, session):
        liver, tumour = session.segment_ids
        session.set_range(4, 15, liver)
        session.set_range(2, 10)
        assert session.state.segment_ranges == {liver: (4, 10)}
        session.set_range(1, 3, tumour)
        with pytest.raises(InputError, match="range 1 to 3, outside 5 to 10: clear or change"):
            session.set_range(5, 10)
        assert session.state.plane_range == (2, 10)


class TestSuggesting:
    def test_serves_each_structure_over_its_own_range_and_names_it(self, session):
        liver, tumour = session.segment_ids
        session.set_range(0, 19, liver)
        session.set_range(14, 17, tumour)
        chosen = session.suggest(4)
        assert session.state.selector == "cover"
        assert any(14 <= one.plane <= 17 for one in chosen)
        for plane, (wanted, optional) in session.state.suggested_structures.items():
            inside = 14 <= plane <= 17
            assert (tumour in {*wanted, *optional}) == inside, plane
        assert any(tumour in wanted for wanted, _ in session.state.suggested_structures.values())
        again = SessionState.from_json(session.state.to_json())
        assert again.suggested_structures == session.state.suggested_structures

    def test_suggests_a_plane_again_that_was_painted_for_another_structure(self, session):
        liver, tumour = session.segment_ids
        session.set_range(0, 19, liver)
        session.set_range(14, 17, tumour)
        draw(session, 0, range(0, 20, 2), LIVER)
        present = session.look()
        assert present.painted == list(range(0, 20, 2))
        chosen = session.suggest(2)
        assert {one.plane for one in chosen} <= set(range(14, 18))
        assert all(session.state.suggested_structures[one.plane][0] == [tumour] for one in chosen)

    def test_leaves_a_segment_out_that_stands_there_empty(self, session):
        draw(session, 0, [3, 9], LIVER)
        assert [one.name for one in session.annotation(selector="cover").classes] == ["liver"]

    def test_with_other_selectors_only_what_is_painted_counts(self, session):
        session.set_range(4, 15, session.segment_ids[1])
        draw(session, 0, [3, 9], LIVER)
        assert [one.name for one in session.annotation(selector="keep-n").classes] == ["liver"]
        assert [one.name for one in session.annotation().classes] == ["liver"]


class TestPredicting:
    def test_nothing_is_predicted_outside_the_range_of_each(self, session):
        liver, tumour = session.segment_ids
        draw(session, 0, [3, 9, 15], LIVER)
        draw(session, 1, [9, 12], TUMOUR)
        session.set_range(2, 16, liver)
        session.set_range(8, 13, tumour)
        with InlineRunner() as runner:
            running = submit(session, runner, "nearest")
            assert running.job.annotation.class_ranges == {1: (2, 16), 2: (8, 13)}
            prediction = running.wait()
        assert np.flatnonzero((prediction.labels == 2).any(axis=(1, 2))).tolist() == list(range(8, 14))
        assert np.flatnonzero((prediction.labels == 1).any(axis=(1, 2))).tolist() == list(range(2, 17))

    def test_the_range_of_one_structure_says_nothing_of_the_others(self, session):
        draw(session, 0, [6, 9], LIVER)
        draw(session, 1, [6, 9], TUMOUR)
        session.set_range(2, 16, session.segment_ids[0])
        with InlineRunner() as runner:
            prediction = submit(session, runner, "nearest").wait()
        assert np.flatnonzero((prediction.labels == 2).any(axis=(1, 2))).tolist() == [6, 7, 8, 9]
        assert np.flatnonzero((prediction.labels == 1).any(axis=(1, 2))).tolist() == list(range(2, 17))

    def test_without_a_range_of_all_it_reaches_as_far_as_the_range_of_each(self, session):
        draw(session, 0, [6, 9], LIVER)
        session.set_range(2, 16, session.segment_ids[0])
        with InlineRunner() as runner:
            prediction = submit(session, runner, "nearest").wait()
        assert np.flatnonzero(prediction.labels.any(axis=(1, 2))).tolist() == list(range(2, 17))


class TestFromAnotherSegmentation:
    def rough(self, scene, session, names=("Tumour", "liver", "spleen"), shift=0):
        """On a grid of its own: twice as fine along the planes."""
        volume_node = session.volume_node
        node = add_segmentation(scene, volume_node, names, "rough")
        for number, (first, last) in enumerate([(12, 14), (3, 16), (5, 9)]):
            paint(node, ids_of(node)[number], volume_node, block(first + shift, last + shift, slice(2, 6)))
        return node

    def test_is_read_onto_the_planes_by_the_names_of_the_segments(self, scene, session):
        liver, tumour = session.segment_ids
        assert ranges_in(session, self.rough(scene, session)) == {liver: (3, 16), tumour: (12, 14)}

    def test_of_a_coarser_volume_under_a_transform(self, scene, session):
        from nodes import add_linear_transform

        coarse = add_volume(scene, shape=(10, 6, 7), grid="oblique", name="coarse")
        matrix = np.array(session.volume_node.GetSpacing()) * 2
        coarse.SetSpacing(*matrix)
        node = add_segmentation(scene, coarse, ("liver",), "coarse segments")
        mask = np.zeros((10, 6, 7), bool)
        mask[3:6, 2:5, 2:5] = True
        paint(node, ids_of(node)[0], coarse, mask)
        (ends,) = ranges_in(session, node).values()
        assert abs(ends[0] - 6) <= 1
        assert abs(ends[1] - 10) <= 1
        add_linear_transform(scene, node, shift=(1000, 0, 0))
        with pytest.raises(InputError, match="are empty, or lie outside CT"):
            ranges_in(session, node)

    def test_of_its_own_segments(self, session):
        draw(session, 1, range(5, 12), TUMOUR)
        assert ranges_in(session, session.segmentation_node) == {session.segment_ids[1]: (5, 11)}

    def test_says_what_does_not_fit(self, scene, session):
        node = self.rough(scene, session, ("a", "b", "c"))
        with pytest.raises(
            InputError, match=r"no segment of rough \(a, b, c\) is named as one of yours \(liver, tumour\)"
        ):
            ranges_in(session, node)
        assert add_segments_of(session, node) == 0

    def test_brings_its_segments_where_nobody_named_any(self, scene):
        volume_node = add_volume(scene, shape=SHAPE)
        mine = AnnotationSession.start(volume_node, add_segmentation(scene, volume_node, ("Segment_1",)), "k")
        node = self.rough(scene, mine)
        assert add_segments_of(mine, node) == 3
        assert mine.look().layers.names == ("Tumour", "liver", "spleen")
        assert list(ranges_in(mine, node).values()) == [(12, 14), (3, 16), (5, 9)]
        assert add_segments_of(mine, node) == 0


def opened_again(scene, session, file):
    """The session after its scene was saved, closed and loaded."""
    save_scene(scene, file)
    session.close()
    scene.Clear(False)
    load_scene(scene, file)
    (session,) = AnnotationSession.all_in(scene)
    return session


class TestSaving:
    def test_ranges_halves_and_suggestions_come_back(self, scene, session, tmp_path):
        liver, tumour = session.segment_ids
        session.set_range(4, 15, liver)
        set_end(session, tumour, 12, first=False)
        session.suggest(3)
        before = session.state
        session = opened_again(scene, session, tmp_path / "work.mrb")
        assert session.state.segment_ranges == {liver: (4, 15)}
        assert session.state.half_ranges == {tumour: (None, 12)}
        assert session.state.suggested_structures == before.suggested_structures
        assert session.state.suggestions == before.suggestions

    def test_a_scene_of_before_is_read(self):
        old = SessionState()
        text = old.to_json()
        for name in ("half_ranges", "suggested_structures"):
            assert f',"{name}":{{}}' in text
            text = text.replace(f',"{name}":{{}}', "")
        state = SessionState.from_json(text.replace('"cover"', '"keep-n"'))
        assert state.half_ranges == {}
        assert state.selector == "keep-n"

    def test_ranges_of_a_volume_that_is_mirrored_on_reading_are_mirrored_with_it(self, scene, tmp_path):
        volume_node = add_volume(scene, shape=SHAPE, grid="left-handed")
        session = AnnotationSession.start(volume_node, add_segmentation(scene, volume_node), "k")
        liver, tumour = session.segment_ids
        session.set_range(2, 5, liver)
        set_end(session, tumour, 3, first=True)
        session = opened_again(scene, session, tmp_path / "work.mrb")
        assert session.state.segment_ranges == {liver: (14, 17)}
        assert session.state.half_ranges == {tumour: (None, 16)}
