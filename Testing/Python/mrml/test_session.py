"""The annotation session: what it remembers, what counts as painted, and how it ends."""

import numpy as np
import pytest
import slicer
from nodes import OBLIQUE, add_linear_transform, add_segmentation, add_volume, ids_of, paint
from SparseAnnotateLib.errors import InputError
from SparseAnnotateSlicer.scene.volumes import ijk_to_ras
from SparseAnnotateSlicer.session.planes import PlaneState
from SparseAnnotateSlicer.session.session import AnnotationSession
from SparseAnnotateSlicer.session.state import SessionState

SHAPE = (8, 9, 10)


def patch(*planes, rows=slice(2, 6), columns=slice(3, 8)):
    mask = np.zeros(SHAPE, bool)
    for plane in planes:
        mask[plane, rows, columns] = True
    return mask


@pytest.fixture
def case(scene):
    volume_node = add_volume(scene, shape=SHAPE, grid="lps")
    return volume_node, add_segmentation(scene, volume_node)


@pytest.fixture
def session(case):
    session = AnnotationSession.start(*case)
    yield session
    session.close()


class TestPainted:
    def test_is_what_holds_labels_when_a_session_starts(self, case):
        volume_node, node = case
        paint(node, ids_of(node)[1], volume_node, patch(3, 5))
        assert AnnotationSession.start(volume_node, node).look().painted == [3, 5]

    def test_is_what_the_user_paints_and_no_longer_what_they_erase(self, case, session):
        volume_node, node = case
        paint(node, ids_of(node)[0], volume_node, patch(2, 6))
        assert session.look().painted == [2, 6]
        paint(node, ids_of(node)[0], volume_node, patch(6))
        assert session.look().painted == [6]

    def test_is_a_plane_that_is_seen_to_be_empty(self, session):
        session.mark(4, "empty")
        assert session.look().states[4] is PlaneState.EMPTY
        assert session.annotation().painted_planes == [4]
        assert session.annotation().complete_planes == [4]

    def test_is_not_empty_any_more_once_it_holds_labels(self, case, session):
        volume_node, node = case
        session.mark(4, "empty")
        paint(node, ids_of(node)[0], volume_node, patch(4))
        assert session.look().states[4] is PlaneState.PAINTED

    def test_in_part_makes_its_labels_known_only(self, case, session):
        volume_node, node = case
        paint(node, ids_of(node)[0], volume_node, patch(2, 5))
        session.mark(5, "partly")
        annotation = session.annotation()
        assert session.look().states[5] is PlaneState.PARTLY
        assert np.array_equal(annotation.known[5], patch(5)[5])
        assert annotation.known[2].all()

    def test_is_not_what_another_program_left(self, case, session):
        volume_node, node = case
        paint(node, ids_of(node)[0], volume_node, patch(1, 2, 3))
        session.release([1, 3])
        assert session.look().painted == [2]
        paint(node, ids_of(node)[0], volume_node, patch(1, 2, 3, rows=slice(3, 5)))
        assert session.look().painted == [1, 2, 3]

    def test_survives_the_removal_of_a_segment(self, case, session):
        volume_node, node = case
        liver, tumour = ids_of(node)
        paint(node, liver, volume_node, patch(1, 2))
        paint(node, tumour, volume_node, patch(2, 3, rows=slice(6, 8)))
        session.release([1, 2, 3])
        node.GetSegmentation().RemoveSegment(tumour)
        assert session.look().painted == []

    def test_does_not_depend_on_layers(self, case, session):
        volume_node, node = case
        for segment_id, rows in zip(ids_of(node), (slice(0, 3), slice(4, 7)), strict=True):
            paint(node, segment_id, volume_node, patch(1, 2, rows=rows))
        session.release([1, 2])
        before = session.look().contents
        node.GetSegmentation().CollapseBinaryLabelmaps(True)
        assert session.look().contents == before
        assert session.look().painted == []

    def test_counts_the_chosen_segments_only(self, case):
        volume_node, node = case
        liver, tumour = ids_of(node)
        paint(node, tumour, volume_node, patch(3))
        session = AnnotationSession.start(volume_node, node, segment_ids=[liver])
        assert session.look().painted == []
        assert session.segment_ids == [liver]

    def test_empty_is_refused_where_labels_stand(self, case, session):
        volume_node, node = case
        paint(node, ids_of(node)[0], volume_node, patch(4))
        with pytest.raises(InputError, match="plane 4 is said to be empty"):
            session.mark(4, "empty")

    @pytest.mark.parametrize(("plane", "mark"), [(8, "painted"), (-1, "painted"), (2, "beautiful")])
    def test_refuses_marks_that_make_no_sense(self, session, plane, mark):
        with pytest.raises(InputError):
            session.mark(plane, mark)


class TestTheAnnotation:
    def test_is_what_the_segments_hold(self, case, session):
        volume_node, node = case
        liver, tumour = ids_of(node)
        paint(node, liver, volume_node, patch(2, 5))
        paint(node, tumour, volume_node, patch(5, rows=slice(6, 8)))
        session.set_range(1, 6)
        session.set_range(4, 5, tumour)
        annotation = session.annotation()
        assert np.array_equal(annotation.labels, patch(2, 5) + 2 * patch(5, rows=slice(6, 8)))
        assert (annotation.plane_range, annotation.class_ranges) == ((1, 6), {2: (4, 5)})
        assert [one.name for one in annotation.classes] == ["liver", "tumour"]
        assert annotation.classes[1].details["ID"] == tumour

    def test_has_the_classes_that_occur_only(self, case, session):
        volume_node, node = case
        paint(node, ids_of(node)[1], volume_node, patch(2))
        annotation = session.annotation()
        assert [one.name for one in annotation.classes] == ["tumour"]
        assert np.array_equal(annotation.labels, patch(2))

    @pytest.mark.parametrize("axis", ["i", "j", "k"])
    def test_knows_that_nothing_lies_outside_the_box(self, scene, case, axis):
        volume_node, node = case
        session = AnnotationSession.start(volume_node, node, axis)
        box = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "box")
        box.SetSize(4 * 0.7, 5 * 0.7, 3 * 3.0)
        first, last = np.array([2, 1, 3]), np.array([5, 5, 5])
        box.SetCenter((ijk_to_ras(volume_node) @ (*((first + last) / 2), 1.0))[:3])
        session.box_node = box
        known = session.volume.to_file_order(session.annotation().known)
        expected = np.ones(SHAPE, bool)
        expected[3:6, 1:6, 2:6] = False
        assert np.array_equal(known, expected)

    def test_sees_the_box_through_transforms(self, scene, case):
        volume_node, node = case
        session = AnnotationSession.start(volume_node, node)
        box = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "box")
        box.SetSize(3, 3, 6)
        box.SetCenter(-12.5 - 3.0, 20.25 - 3.0, 7.0 + 9.0)
        session.box_node = box
        before = session.annotation().known
        assert not before.all()
        transform = add_linear_transform(scene, volume_node, turn=OBLIQUE)
        box.SetAndObserveTransformNodeID(transform.GetID())
        node.SetAndObserveTransformNodeID(transform.GetID())
        assert np.array_equal(session.annotation().known, before)

    def test_refuses_a_box_beside_the_volume(self, scene, session):
        box = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "box")
        box.SetSize(1, 1, 1)
        box.SetCenter(500, 0, 0)
        session.box_node = box
        with pytest.raises(InputError, match="holds no voxel"):
            session.annotation()

    def test_refuses_a_painted_plane_outside_the_range(self, case, session):
        volume_node, node = case
        paint(node, ids_of(node)[0], volume_node, patch(1))
        session.set_range(3, 6)
        with pytest.raises(InputError, match="plane 1 is painted but lies outside the range"):
            session.annotation()


class TestSuggestions:
    def test_lie_in_the_range_and_are_remembered_with_their_state(self, case, session):
        volume_node, node = case
        session.set_range(1, 6)
        chosen = session.suggest(3, "keep-n")
        assert [one.plane for one in chosen] == [2, 4, 6]
        paint(node, ids_of(node)[0], volume_node, patch(2))
        session.mark(4, "empty")
        states = [(one.plane, state) for one, state in session.suggestions()]
        assert states == [(2, PlaneState.PAINTED), (4, PlaneState.EMPTY), (6, PlaneState.TO_PAINT)]

    def test_are_added_to_the_painted_ones(self, case, session):
        volume_node, node = case
        session.suggest(2, "random", seed=3)
        first = session.state.suggestions[0][0]
        paint(node, ids_of(node)[0], volume_node, patch(first))
        more = [one.plane for one in session.suggest(3, "random", seed=4)]
        assert first not in more
        assert [one[0] for one in session.state.suggestions] == [first, *more]

    def test_are_the_same_for_the_same_seed(self, session):
        once = session.suggest(3, "random", seed=11)
        assert session.suggest(3, "random", seed=11) == once
        assert session.state.seed == 11

    def test_tell_an_unknown_selector(self, session):
        with pytest.raises(InputError, match="no selector 'crystal-ball'"):
            session.suggest(3, "crystal-ball")


class TestASession:
    def test_refuses_ranges_that_are_none(self, session):
        for first, last in ((5, 3), (-1, 4), (0, 8)):
            with pytest.raises(InputError, match="planes are numbered 0 to 7"):
                session.set_range(first, last)

    def test_reads_the_volume_again_only_after_it_changed(self, case, session):
        volume_node, _ = case
        before = session.volume
        assert session.volume is before
        slicer.util.arrayFromVolume(volume_node)[0, 0, 0] = 999
        slicer.util.arrayFromVolumeModified(volume_node)
        assert session.volume.intensities[0, 0, 0] == 999

    def test_can_go_along_another_axis(self, case, session):
        volume_node, node = case
        paint(node, ids_of(node)[0], volume_node, patch(2))
        session.set_range(1, 6)
        session.set_axis("j")
        assert session.volume.planes == 9
        assert session.state.plane_range is None
        assert session.look().painted == [2, 3, 4, 5]

    @pytest.mark.parametrize("which", ["volume", "segmentation", "session"])
    def test_ends_cleanly_when_a_node_is_removed(self, scene, case, which):
        volume_node, node = case
        session = AnnotationSession.start(volume_node, node)
        removed = {"volume": volume_node, "segmentation": node, "session": session.node}[which]
        scene.RemoveNode(removed)
        assert session.ended
        assert AnnotationSession.all_in(scene) == []
        with pytest.raises(InputError, match="is gone"):
            session.look()

    def test_ends_when_the_scene_is_closed(self, scene, case):
        session = AnnotationSession.start(*case)
        scene.Clear(False)
        assert session.ended

    def test_goes_on_when_other_nodes_are_removed(self, scene, session):
        scene.RemoveNode(add_volume(scene, name="other"))
        assert not session.ended

    def test_lives_beside_another_one(self, scene, case, session):
        volume_node, node = case
        other_node = add_segmentation(scene, volume_node, name="second reader")
        other = AnnotationSession.start(volume_node, other_node, axis="i")
        session.set_range(1, 3)
        other.set_range(2, 9)
        paint(other_node, ids_of(other_node)[0], volume_node, patch(2))
        assert session.look().painted == []
        assert other.look().painted == [3, 4, 5, 6, 7]
        assert {one.state.plane_range for one in AnnotationSession.all_in(scene)} == {(1, 3), (2, 9)}
        scene.RemoveNode(node)
        assert session.ended
        assert not other.ended

    def test_is_copied_with_its_node(self, scene, session):
        session.set_range(2, 5)
        copy = scene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        copy.UnRegister(None)
        copy.Copy(session.node)
        restored = AnnotationSession.restore(scene.AddNode(copy))
        assert restored.state.plane_range == (2, 5)
        assert restored.volume_node is session.volume_node
        restored.set_range(1, 6)
        assert session.state.plane_range == (2, 5)

    def test_follows_renamed_nodes(self, case, session):
        volume_node, node = case
        volume_node.SetName("other CT")
        node.SetName("by hand")
        assert AnnotationSession.restore(session.node).segmentation_node.GetName() == "by hand"

    def test_that_failed_to_start_leaves_nothing(self, scene, case):
        volume_node, node = case
        node.CreateClosedSurfaceRepresentation()
        paint(node, ids_of(node)[0], volume_node, patch(2))
        node.GetSegmentation().SetSourceRepresentationName("Closed surface")
        before = scene.GetNumberOfNodes()
        with pytest.raises(InputError, match="surfaces only"):
            AnnotationSession.start(volume_node, node)
        assert scene.GetNumberOfNodes() == before


class TestItsState:
    def test_comes_back_from_json_as_it_was(self):
        state = SessionState(
            axis="j",
            plane_range=(2, 9),
            segment_ranges={"S_ä;:%": (3, 4)},
            segment_ids=["S_ä;:%"],
            suggestions=[(3, 0.5, 'far from "all" others; 50 %')],
            marks={4: "empty"},
            contents={4: ["a:b"]},
            accepted={4: "a:b"},
            expected_dice={7: 0.91},
            expected_dice_volume=0.9,
            predicted=[5, 7],
        )
        assert SessionState.from_json(state.to_json()) == state

    @pytest.mark.parametrize("text", ["{", "[]", '{"axis": "k"}', '{"version": 1, "colour": 3}', '{"version":"x"}'])
    def test_is_refused_where_it_is_damaged(self, text):
        with pytest.raises(InputError, match="is damaged"):
            SessionState.from_json(text)

    def test_is_refused_where_it_is_newer(self):
        with pytest.raises(InputError, match="newer SparseAnnotate"):
            SessionState.from_json('{"version": 99, "telepathy": true}')
