"""Segment by segment: the strip, the badge and the line tell on which slices which structure is complete."""

import numpy as np
import pytest
import slicer
from hands import add_scan, begin, change, choose_name, click, ellipsoid, predict, scroll_to, set_range, stroke
from SparseAnnotateSlicer.session.planes import PlaneState
from standin.application import process_events, wait_until

LIVER_PLANES, SPLEEN_PLANES = [6, 10, 14, 17], [8, 12, 16]


@pytest.fixture
def truth():
    return ellipsoid()


def add_segment(panel, name):
    session = panel.panel.session
    segmentation = session.segmentation_node.GetSegmentation()
    segment_id = segmentation.AddEmptySegment("", name)
    wait_until(lambda: not panel.panel.watch.is_waiting, 60)
    return segment_id


def select(panel, segment_id):
    panel.ui.editor.setCurrentSegmentID(segment_id)
    panel.ui.editor.currentSegmentIDChanged.emit(segment_id)
    process_events()


def draw(panel, segment_id, mask, planes):
    """What the brush leaves of one segment on some slices."""
    session = panel.panel.session
    node, volume = session.segmentation_node, session.volume_node
    held = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, volume).copy()
    held[list(planes)] = mask[list(planes)]
    slicer.util.updateSegmentBinaryLabelmapFromArray(held, node, segment_id, volume)
    wait_until(lambda: not panel.panel.watch.is_waiting, 60)


@pytest.fixture
def two(scene, panel, truth):  # noqa: ARG001 - emptied first
    """Liver, the left half, and spleen, the right half, on slices of their own; liver is selected."""
    begin(panel, add_scan(truth=truth))
    set_range(panel, 5, 18)
    session = panel.panel.session
    liver = session.segment_ids[0]
    session.segmentation_node.GetSegmentation().GetSegment(liver).SetName("liver")
    spleen = add_segment(panel, "spleen")
    left, right = truth.copy(), truth.copy()
    left[..., 24:], right[..., :26] = False, False
    draw(panel, liver, left, LIVER_PLANES)
    draw(panel, spleen, right, SPLEEN_PLANES)
    select(panel, liver)
    return panel


def strip(panel):
    return panel.panel.strip.widget


def shown(panel, *states):
    return [one.index for one in strip(panel).model.planes if one.state in states]


def menu_of(panel, plane):
    strip(panel)._asked = plane
    strip(panel)._fillMenu()
    return {action.text: action for action in strip(panel).actions() if action.enabled and action.visible}


class TestTheStrip:
    def test_shows_where_the_selected_structure_is_painted_and_where_others_are(self, two):
        assert shown(two, PlaneState.PAINTED) == LIVER_PLANES
        assert [one.index for one in strip(two).model.planes if one.elsewhere] == SPLEEN_PLANES
        select(two, two.panel.session.segment_ids[1])
        assert shown(two, PlaneState.PAINTED) == SPLEEN_PLANES
        assert "painted for liver only" in strip(two).textOf(6)

    def test_shows_which_slices_are_complete_for_all(self, two, truth):
        assert not any(one.of_all for one in strip(two).model.planes if one.index in LIVER_PLANES)
        right = truth.copy()
        right[..., :26] = False
        draw(two, two.panel.session.segment_ids[1], right, [6])
        assert [one.index for one in strip(two).model.planes if one.index in LIVER_PLANES and one.of_all] == [6]

    def test_shows_a_structure_that_is_painted_nowhere_as_missing_everywhere(self, two):
        select(two, add_segment(two, "kidney"))
        assert shown(two, PlaneState.PAINTED) == []
        assert [one.index for one in strip(two).model.planes if one.elsewhere] == sorted(LIVER_PLANES + SPLEEN_PLANES)

    def test_says_a_slice_complete_for_the_selected_structure_in_one_click(self, two):
        menu_of(two, 8)["Complete for liver"].trigger()
        assert 8 in shown(two, PlaneState.PAINTED)
        assert 8 in two.panel.present.whole
        menu_of(two, 8)["Not complete for liver"].trigger()
        assert 8 not in shown(two, PlaneState.PAINTED)

    def test_offers_nothing_of_the_kind_for_one_structure(self, scene, panel, truth):  # noqa: ARG002 - emptied
        begin(panel, add_scan(truth=truth))
        draw(panel, panel.panel.session.segment_ids[0], truth, [6, 10])
        assert not [text for text in menu_of(panel, 6) if "omplete for" in text]

    def test_calls_a_sliver_partly_says_why_and_makes_it_complete_in_one_click(self, two):
        def sliver(array):
            array[11, 20, 10] = 1

        change(two, sliver)
        wait_until(lambda: not two.panel.watch.is_waiting, 60)
        assert strip(two).model.planes[11].state is PlaneState.PARTLY
        assert "far less than on the painted slices around it" in strip(two).textOf(11)
        assert "livers of liver on slice 11" in two.ui.statusLabel.text
        menu_of(two, 11)["Complete for liver"].trigger()
        assert strip(two).model.planes[11].state is PlaneState.PAINTED
        assert "livers of liver" not in two.ui.statusLabel.text


class TestTheLine:
    def test_says_what_was_understood(self, two):
        assert two.ui.statusLabel.text.endswith("Liver on 4 slices, spleen on 3 others")

    def test_says_nothing_where_all_are_painted_on_the_same_slices(self, scene, panel, truth):  # noqa: ARG002 - emptied
        begin(panel, add_scan(truth=truth))
        draw(panel, panel.panel.session.segment_ids[0], truth, [6, 10])
        assert panel.ui.statusLabel.text == "2 painted"

    def test_notes_what_may_be_scribbles_until_that_is_said(self, scene, panel, truth):  # noqa: ARG002 - emptied
        begin(panel, add_scan(truth=truth))
        session = panel.panel.session
        session.segmentation_node.GetSegmentation().GetSegment(session.segment_ids[0]).SetName("liver")
        strokes = np.zeros_like(truth)
        strokes[:, 19:22] = truth[:, 19:22]
        draw(panel, session.segment_ids[0], strokes, [8, 11, 14])
        assert panel.ui.statusLabel.text.startswith("3 painted. Liver at most 3 pixels thick everywhere")
        for plane in (8, 11, 14):
            session.mark(plane, "partly")
        panel.panel.refresh()
        panel.panel.show()
        assert "thick" not in panel.ui.statusLabel.text

    def test_notes_a_stray_dab_beyond_the_other_slices(self, scene, panel, truth):  # noqa: ARG002 - emptied
        begin(panel, add_scan(truth=truth))
        dabbed = truth.copy()
        dabbed[17] = False
        dabbed[17, 18:21, 22:25] = True
        draw(panel, panel.panel.session.segment_ids[0], dabbed, [7, 10, 13, 17])
        assert "A few voxels on slice 17" in panel.ui.statusLabel.text


class TestPredicting:
    def test_fills_in_what_was_left_out_and_keeps_what_was_painted(self, two):
        session = two.panel.session
        spleen = session.segment_ids[1]
        before = session.look().layers.labels.copy()
        predict(two)
        scroll_to(two, 10)
        assert "painted for liver only, predicted" in two.panel.views._badge.GetInput()
        click(two.ui.acceptAllButton)
        after = session.look().layers.labels
        assert np.array_equal(after[before > 0], before[before > 0])
        assert (after[10] == 2).any()
        assert (after[12] == 1).any()
        assert shown(two, PlaneState.PAINTED) == LIVER_PLANES
        select(two, spleen)
        assert strip(two).model.planes[10].state is PlaneState.ACCEPTED
        assert session.annotation().complete_planes_of(1) == LIVER_PLANES

    def test_can_be_taken_back(self, two):
        session = two.panel.session
        before = session.look().layers.labels.copy()
        predict(two)
        click(two.ui.acceptAllButton)
        two.ui.editor.undo()
        wait_until(lambda: not two.panel.watch.is_waiting, 60)
        present = session.look()
        assert np.array_equal(present.layers.labels, before)
        assert session.annotation().complete_planes_of(2) == SPLEEN_PLANES


class TestAWholeSliceOfAnotherView:
    def test_counts_as_painted_and_is_told(self, scene, panel, truth):  # noqa: ARG002 - emptied
        begin(panel, add_scan(truth=truth))
        set_range(panel, 5, 18)
        draw(panel, panel.panel.session.segment_ids[0], truth, [6, 11, 17])

        def sagittal(array):
            array[5:19, :, 24] = truth[5:19, :, 24]

        stroke(panel, sagittal, view="Yellow")
        present = panel.panel.present
        assert present.along == {2: (24,)}
        assert present.painted == [6, 11, 17]
        assert "1 sagittal slice painted completely" in panel.panel.status.summary()
        scroll_to(panel, 9)
        assert panel.panel.views._badge.GetInput() == "crossed by 1 sagittal slice"
        assert "crossed by 1 sagittal slice" in strip(panel).textOf(9)
        assert panel.panel.session.annotation().known[:, :, 24].all()
        choose_name(panel.ui.predictorCombo, "shape")
        predict(panel)
        click(panel.ui.acceptAllButton)
        labels = panel.panel.session.look().layers.labels
        assert np.array_equal(labels[5:19, :, 24] > 0, truth[5:19, :, 24])
