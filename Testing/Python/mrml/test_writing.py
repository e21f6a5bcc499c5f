"""Labels into segments: only what is meant changes, exactly, in one undoable step."""

import numpy as np
import pytest
import slicer
from nodes import (
    GRIDS,
    OBLIQUE,
    add_linear_transform,
    add_segmentation,
    add_volume,
    add_warp,
    ids_of,
    middle_of,
    paint,
    seen_by_slicer,
    volume_of,
)
from SparseAnnotateLib.errors import InputError
from SparseAnnotateSlicer.scene.segments import classes_of, read_segments
from SparseAnnotateSlicer.scene.writing import SegmentWriter

SHAPE = (6, 7, 8)
_Segmentations = slicer.vtkSlicerSegmentationsModuleLogic


def stripes(shape=SHAPE, classes=2):
    """Labels of (planes, rows, columns) that hold every class and background on every plane."""
    return (np.indices(shape).sum(axis=0) % (classes + 1)).astype(np.uint8)


def masks_of(node, volume_node):
    """What every segment of a segmentation holds, in Slicer's own words."""
    return {segment_id: seen_by_slicer(node, segment_id, volume_node) for segment_id in ids_of(node)}


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)


@pytest.fixture
def case(scene):
    """A volume and a segmentation of liver and tumour, the liver painted on plane 1."""
    volume_node = add_volume(scene, grid="oblique mirrored")
    node = add_segmentation(scene, volume_node)
    mask = np.zeros(SHAPE, bool)
    mask[1, 2:5, 2:6] = True
    paint(node, ids_of(node)[0], volume_node, mask)
    return volume_node, node


@pytest.mark.parametrize("axis", ["i", "j", "k"])
@pytest.mark.parametrize("grid", GRIDS)
def test_what_is_written_is_what_slicer_shows(scene, grid, axis):
    volume_node = add_volume(scene, grid=grid)
    node = add_segmentation(scene, volume_node)
    volume = volume_of(volume_node, axis)
    labels = stripes(volume.shape)
    writer = SegmentWriter(node, volume_node)
    assert writer.write(volume, labels, [1, 3], ids_of(node)) == [1, 3]
    expected = np.zeros_like(labels)
    expected[[1, 3]] = labels[[1, 3]]
    expected = volume.to_file_order(expected)
    for number, segment_id in enumerate(ids_of(node), start=1):
        assert np.array_equal(seen_by_slicer(node, segment_id, volume_node), expected == number)


class TestAWrite:
    def test_changes_the_named_planes_only(self, case):
        volume_node, node = case
        before, volume = masks_of(node, volume_node), volume_of(volume_node)
        SegmentWriter(node, volume_node).write(volume, stripes(), [0, 2, 5], ids_of(node))
        after = masks_of(node, volume_node)
        for segment_id in before:
            assert np.array_equal(after[segment_id][[1, 3, 4]], before[segment_id][[1, 3, 4]])

    def test_removes_what_the_labels_do_not_hold(self, case):
        volume_node, node = case
        volume = volume_of(volume_node)
        writer = SegmentWriter(node, volume_node)
        assert writer.write(volume, np.zeros(SHAPE, np.uint8), range(6), ids_of(node)) == [1]
        assert not read_segments(node, volume_node, volume).labels.any()

    def test_of_what_is_there_already_is_none(self, case):
        volume_node, node = case
        volume = volume_of(volume_node)
        writer = SegmentWriter(node, volume_node)
        labels = read_segments(node, volume_node, volume).labels
        assert writer.write(volume, labels, range(6), ids_of(node)) == []
        assert not writer.can_undo

    def test_tells_observers_of_the_node_once(self, case):
        volume_node, node = case
        seen = []
        node.AddObserver("ModifiedEvent", lambda *_: seen.append(1))
        SegmentWriter(node, volume_node).write(volume_of(volume_node), stripes(), range(6), ids_of(node))
        assert len(seen) <= 1

    def test_is_undone_and_redone_exactly(self, case):
        volume_node, node = case
        volume, writer = volume_of(volume_node), SegmentWriter(node, volume_node)
        states = [masks_of(node, volume_node)]
        for labels, planes in ((stripes(), [2, 3]), (np.zeros(SHAPE, np.uint8), [1, 2]), (stripes(classes=1), [0, 5])):
            writer.write(volume, labels, planes, ids_of(node))
            states.append(masks_of(node, volume_node))
        for state in reversed(states[:-1]):
            assert writer.undo()
            assert same(masks_of(node, volume_node), state)
        assert not writer.undo()
        for state in states[1:]:
            assert writer.redo()
            assert same(masks_of(node, volume_node), state)
        assert not writer.redo()

    def test_saves_its_state_where_the_editor_keeps_it(self, case):
        volume_node, node = case
        history = slicer.vtkSegmentationHistory()
        history.SetSegmentation(node.GetSegmentation())
        before = masks_of(node, volume_node)
        writer = SegmentWriter(node, volume_node, save_state=history.SaveState)
        writer.write(volume_of(volume_node), stripes(), range(6), ids_of(node))
        assert not writer.can_undo
        assert history.RestorePreviousState()
        assert same(masks_of(node, volume_node), before)

    def test_keeps_names_colours_terminology_and_status(self, case):
        volume_node, node = case
        segments = [node.GetSegmentation().GetSegment(segment_id) for segment_id in ids_of(node)]
        segments[1].SetTag(segments[1].GetTerminologyEntryTagName(), "a~b^c")
        _Segmentations.SetSegmentStatus(segments[0], _Segmentations.Completed)

        def described():
            return [(one.GetName(), one.GetColor(), _Segmentations.GetSegmentStatus(one)) for one in segments]

        before = described()
        SegmentWriter(node, volume_node).write(volume_of(volume_node), stripes(), range(6), ids_of(node))
        assert described() == before
        assert classes_of(node, ids_of(node))[1].details["Tags"].startswith("TerminologyEntry:a~b^c|")
        assert [status for _, _, status in before] == [_Segmentations.Completed, _Segmentations.NotStarted]

    def test_leaves_other_segments_alone_even_in_a_shared_layer(self, scene):
        volume_node = add_volume(scene)
        node = add_segmentation(scene, volume_node, ("liver", "bone"))
        liver, bone = ids_of(node)
        mask = np.zeros(SHAPE, bool)
        mask[:, 3:5] = True
        paint(node, bone, volume_node, mask)
        node.GetSegmentation().CollapseBinaryLabelmaps(False)
        everything = np.ones(SHAPE, np.uint8)
        SegmentWriter(node, volume_node).write(volume_of(volume_node), everything, [2, 4], [liver])
        assert np.array_equal(seen_by_slicer(node, bone, volume_node), mask)
        assert seen_by_slicer(node, liver, volume_node).sum() == 2 * 56

    def test_of_thirty_segments(self, scene):
        volume_node = add_volume(scene, shape=(4, 6, 8))
        node = add_segmentation(scene, volume_node, [f"part {number}" for number in range(30)])
        volume = volume_of(volume_node)
        labels = stripes((4, 6, 8), classes=1) * (np.arange(192).reshape(4, 6, 8) % 30 + 1).astype(np.uint8)
        writer = SegmentWriter(node, volume_node)
        writer.write(volume, labels, range(4), ids_of(node))
        layers = read_segments(node, volume_node, volume)
        assert np.array_equal(layers.labels, labels)
        assert not layers.overlaps
        writer.undo()
        assert not read_segments(node, volume_node, volume).labels.any()


class TestTheUsersEditor:
    @pytest.fixture
    def editor(self, scene, case):
        volume_node, node = case
        editor = scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
        editor.SetAndObserveSegmentationNode(node)
        editor.SetAndObserveSourceVolumeNode(volume_node)
        editor.SetOverwriteMode(editor.OverwriteNone)
        return editor

    def write(self, case, editor, labels, segment_ids):
        volume_node, node = case
        SegmentWriter(node, volume_node, editor).write(volume_of(volume_node), labels, range(6), segment_ids)
        return masks_of(node, volume_node)

    def test_masks_by_a_segment(self, case, editor):
        volume_node, node = case
        liver, tumour = ids_of(node)
        editor.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedInsideSingleSegment)
        editor.SetMaskSegmentID(liver)
        inside = seen_by_slicer(node, liver, volume_node)
        after = self.write(case, editor, np.ones(SHAPE, np.uint8), [tumour])
        assert np.array_equal(after[tumour], inside)

    def test_masks_by_intensity(self, case, editor):
        _, tumour = ids_of(case[1])
        editor.SetSourceVolumeIntensityMask(True)
        editor.SetSourceVolumeIntensityMaskRange(100, 199)
        after = self.write(case, editor, np.ones(SHAPE, np.uint8), [tumour])
        values = np.arange(336).reshape(SHAPE)
        assert np.array_equal(after[tumour], (values >= 100) & (values <= 199))

    def test_overwrites_other_segments_where_it_is_set_to(self, case, editor):
        liver, tumour = ids_of(case[1])
        editor.SetOverwriteMode(editor.OverwriteAllSegments)
        after = self.write(case, editor, np.ones(SHAPE, np.uint8), [tumour])
        assert after[tumour].all()
        assert not after[liver].any()

    def test_overlaps_other_segments_where_it_is_set_to(self, case, editor):
        volume_node, node = case
        liver, tumour = ids_of(node)
        before = seen_by_slicer(node, liver, volume_node)
        after = self.write(case, editor, np.ones(SHAPE, np.uint8), [tumour])
        assert after[tumour].all()
        assert np.array_equal(after[liver], before)

    def test_keeps_its_selected_segment(self, case, editor):
        liver, tumour = ids_of(case[1])
        editor.SetSelectedSegmentID(liver)
        self.write(case, editor, np.ones(SHAPE, np.uint8), [tumour])
        assert editor.GetSelectedSegmentID() == liver


class TestASegmentationOfAnotherGrid:
    def test_is_brought_onto_the_volume_and_read_there_as_before(self, scene):
        coarse = add_volume(scene, shape=(4, 5, 6), grid="plain", name="coarse")
        volume_node = add_volume(scene, shape=(8, 10, 12), grid="plain", name="CT")
        volume_node.SetSpacing(0.6, 0.6, 0.6)
        node = add_segmentation(scene, coarse)
        mask = np.zeros((4, 5, 6), bool)
        mask[1:3, 1:4, 2:5] = True
        paint(node, ids_of(node)[0], coarse, mask)
        volume = volume_of(volume_node)
        before = read_segments(node, volume_node, volume).labels
        assert before.any()
        writer = SegmentWriter(node, volume_node)
        writer.write(volume, np.full(volume.shape, 2, np.uint8), [7], ids_of(node))
        after = read_segments(node, volume_node, volume).labels
        assert np.array_equal(after[:7], before[:7])
        assert (after[7] == 2).all()
        writer.undo()
        assert np.array_equal(seen_by_slicer(node, ids_of(node)[0], coarse), mask)

    def test_is_refused_where_it_reaches_beyond_the_volume(self, scene):
        large = add_volume(scene, shape=(9, 9, 9), name="large")
        volume_node = add_volume(scene, shape=(6, 7, 8))
        volume_node.SetSpacing(0.9, 0.9, 0.9)
        node = add_segmentation(scene, large)
        paint(node, ids_of(node)[0], large, np.ones((9, 9, 9)))
        before = seen_by_slicer(node, ids_of(node)[0], large)
        with pytest.raises(InputError, match="reaches beyond"):
            SegmentWriter(node, volume_node).write(volume_of(volume_node), stripes(), [3], ids_of(node))
        assert np.array_equal(seen_by_slicer(node, ids_of(node)[0], large), before)


class TestTransforms:
    @pytest.mark.parametrize("axis", ["i", "j", "k"])
    def test_that_differ_and_are_linear_cost_no_voxel(self, scene, axis):
        volume_node = add_volume(scene, grid="oblique")
        node = add_segmentation(scene, volume_node)
        add_linear_transform(scene, volume_node, turn=OBLIQUE, about=middle_of(volume_node))
        add_linear_transform(scene, node, shift=(1.5, 2.5, -8))
        volume = volume_of(volume_node, axis)
        labels, writer = stripes(volume.shape), SegmentWriter(node, volume_node)
        writer.write(volume, labels, range(0, volume.planes, 2), ids_of(node))
        writer.write(volume, labels, range(1, volume.planes, 2), ids_of(node))
        assert np.array_equal(read_segments(node, volume_node, volume).labels, labels)

    def test_that_warp_both_alike_cost_no_voxel(self, scene):
        volume_node = add_volume(scene, grid="oblique")
        node = add_segmentation(scene, volume_node)
        add_warp(scene, volume_node, node)
        SegmentWriter(node, volume_node).write(volume_of(volume_node), stripes(), range(6), ids_of(node))
        assert np.array_equal(read_segments(node, volume_node, volume_of(volume_node)).labels, stripes())

    def test_that_warp_one_of_the_two_are_refused(self, scene, case):
        volume_node, node = case
        add_warp(scene, node)
        with pytest.raises(InputError, match="warping transform"):
            SegmentWriter(node, volume_node).write(volume_of(volume_node), stripes(), [3], ids_of(node))


def test_a_segmentation_of_surfaces_is_refused_before_anything_changes(case):
    volume_node, node = case
    assert node.CreateClosedSurfaceRepresentation()
    node.GetSegmentation().SetSourceRepresentationName("Closed surface")
    assert node.CreateBinaryLabelmapRepresentation()
    with pytest.raises(InputError, match="as surfaces"):
        SegmentWriter(node, volume_node).write(volume_of(volume_node), stripes(), [3], ids_of(node))


def test_a_closed_writer_leaves_no_node_behind(scene, case):
    volume_node, node = case
    before = scene.GetNumberOfNodes()
    SegmentWriter(node, volume_node).close()
    assert scene.GetNumberOfNodes() == before
