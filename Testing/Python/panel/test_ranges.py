"""First and last slice of each segment: buttons, keys, the strip's lines, and another segmentation."""

import numpy as np
import pytest
import qt
import slicer
from hands import add_scan, begin, click, ellipsoid, paint, predict, scroll_to, stroke, suggested, take_back
from SparseAnnotateSlicer.scene.files import load_scene, save_scene
from SparseAnnotateSlicer.session.planes import PlaneState
from SparseAnnotateSlicer.strip import lanes as lines
from SparseAnnotateSlicer.strip.lanes import Lane
from SparseAnnotateSlicer.strip.model import StripModel, StripPlane
from SparseAnnotateSlicer.strip.painter import BASE, HEIGHT, base_of
from standin.application import process_events, wait_until

NAMES = ("liver", "left kidney", "a gallbladder with stones")
WIDTH = 475


def add_segment(panel, name):
    segment_id = panel.panel.session.segmentation_node.GetSegmentation().AddEmptySegment("", name)
    wait_until(lambda: not panel.panel.watch.is_waiting, 60)
    return segment_id


def select(panel, segment_id):
    panel.ui.editor.setCurrentSegmentID(segment_id)
    panel.ui.editor.currentSegmentIDChanged.emit(segment_id)
    process_events()


@pytest.fixture
def three(scene, panel):  # noqa: ARG001 - emptied first
    """Three segments, the first one selected."""
    begin(panel, add_scan())
    session = panel.panel.session
    session.segmentation_node.GetSegmentation().GetSegment(session.segment_ids[0]).SetName(NAMES[0])
    for name in NAMES[1:]:
        add_segment(panel, name)
    select(panel, session.segment_ids[0])
    return panel


def set_ends(panel, first, last):
    scroll_to(panel, first)
    click(panel.ui.firstHereButton)
    scroll_to(panel, last)
    click(panel.ui.lastHereButton)


class TestTheButtons:
    def test_are_about_the_selected_segment_and_say_so(self, three):
        ui, ids = three.ui, three.panel.session.segment_ids
        assert (ui.firstHereButton.text, ui.lastHereButton.text) == ("First of liver", "Last of liver")
        select(three, ids[2])
        assert ui.firstHereButton.text == "First of a gallbladde…"
        assert "a gallbladder with stones begins on this slice (K)." in ui.firstHereButton.toolTip

    def test_with_one_segment_are_about_it(self, scene, panel):  # noqa: ARG002 - emptied first
        begin(panel, add_scan())
        assert panel.ui.firstHereButton.text == "First slice here"
        assert not panel.ui.allSegmentsButton.visible
        set_ends(panel, 5, 18)
        assert panel.panel.session.plane_range == (5, 18)

    def test_select_the_next_segment_once_both_ends_are_there(self, three):
        panel, ids, line = three.panel, three.panel.session.segment_ids, three.ui.statusLabel
        scroll_to(three, 4)
        click(three.ui.firstHereButton)
        assert panel.editor.current_segment() == ids[0]
        assert line.text == "First slice of liver: 4."
        scroll_to(three, 18)
        click(three.ui.lastHereButton)
        assert panel.editor.current_segment() == ids[1]
        assert three.ui.firstHereButton.text == "First of left kidney"
        assert line.text == "liver: slices 4 to 18. Now left kidney."
        set_ends(three, 8, 12)
        set_ends(three, 9, 10)
        assert line.text.endswith("All segments have a range: press Suggest.")
        assert panel.session.plane_range == (4, 18)

    def test_go_round_to_a_segment_that_was_passed_over(self, three):
        panel, ids = three.panel, three.panel.session.segment_ids
        select(three, ids[2])
        set_ends(three, 8, 12)
        assert panel.editor.current_segment() == ids[0]

    def test_stay_with_a_segment_whose_range_is_changed(self, three):
        panel, ids = three.panel, three.panel.session.segment_ids
        set_ends(three, 4, 18)
        select(three, ids[0])
        scroll_to(three, 6)
        click(three.ui.firstHereButton)
        assert panel.session.state.segment_ranges[ids[0]] == (6, 18)
        assert panel.editor.current_segment() == ids[0]

    def test_say_all_segments_together_where_that_is_wanted(self, three):
        click(three.ui.allSegmentsButton)
        assert three.ui.firstHereButton.text == "First slice here"
        set_ends(three, 5, 18)
        assert three.panel.session.state.plane_range == (5, 18)
        assert three.panel.session.state.segment_ranges == {}
        click(three.ui.clearRangeButton)
        assert three.panel.session.plane_range is None
        assert three.ui.statusLabel.text == "0 painted"

    def test_say_that_three_segments_are_cut_off_where_they_end_together(self, three):
        for first in (4, 5, 6):
            set_ends(three, first, 18)
        said = "3 segments end on slice 18: taken to be cut off there, so they do not taper"
        assert said in three.panel.status.summary()
        scroll_to(three, 17)
        click(three.ui.lastHereButton)
        assert "cut off" not in three.panel.status.summary()

    def test_all_together_clears_the_range_of_each_and_says_so(self, three):
        set_ends(three, 4, 18)
        set_ends(three, 8, 12)
        click(three.ui.allSegmentsButton)
        click(three.ui.clearRangeButton)
        assert three.panel.session.state.segment_ranges == {}
        assert three.ui.statusLabel.text == "The ranges of 2 segments are cleared."

    def test_clear_the_selected_segments_range(self, three):
        ids, session = three.panel.session.segment_ids, three.panel.session
        set_ends(three, 4, 18)
        set_ends(three, 8, 12)
        select(three, ids[0])
        click(three.ui.clearRangeButton)
        assert three.ui.statusLabel.text == "liver has no range now."
        assert session.state.segment_ranges == {ids[1]: (8, 12)}

    def test_say_what_contradicts_what_is_painted(self, three):
        paint(three, ellipsoid(), [6])
        scroll_to(three, 8)
        click(three.ui.firstHereButton)
        scroll_to(three, 12)
        click(three.ui.lastHereButton)
        assert "liver is painted on plane 6, outside its range 8 to 12" in three.panel.status.error.lower()

    def test_nothing_moves_under_the_mouse_from_click_to_click(self, three, representation):
        representation.window().resize(445, 720)
        process_events(0.1)
        places = []
        for first, last in ((4, 18), (8, 12), (9, 10)):
            for plane, button in ((first, three.ui.firstHereButton), (last, three.ui.lastHereButton)):
                scroll_to(three, plane)
                places.append(button.mapToGlobal(button.rect.center()))
                click(button)
                process_events(0.05)
        assert {(one.x(), one.y()) for one in places[::2]} == {(places[0].x(), places[0].y())}
        assert {(one.x(), one.y()) for one in places[1::2]} == {(places[1].x(), places[1].y())}
        assert three.ui.rows.minimumSizeHint().width() <= 445


class TestTheKeys:
    def press(self, panel, name, monkeypatch):
        monkeypatch.setattr("SparseAnnotateSlicer.panel.shortcuts.is_over_a_slice_view", lambda: True)
        (shortcut,) = [one for one in panel.panel.shortcuts._installed if one.objectName == name]
        shortcut.activated.emit()
        process_events()

    def test_say_first_and_last_over_the_views(self, three, monkeypatch):
        ids = three.panel.session.segment_ids
        scroll_to(three, 4)
        self.press(three, "SparseAnnotate_FirstSliceHere", monkeypatch)
        scroll_to(three, 18)
        self.press(three, "SparseAnnotate_LastSliceHere", monkeypatch)
        assert three.panel.session.state.segment_ranges == {ids[0]: (4, 18)}
        keys = {one.objectName: one.key.toString() for one in three.panel.shortcuts._installed}
        assert keys["SparseAnnotate_FirstSliceHere"] == "K"
        assert keys["SparseAnnotate_LastSliceHere"] == "L"
        assert "K first, L last slice" in three.ui.keysLabel.text


class Mouse:
    """Presses, moves and lets go on the strip."""

    def __init__(self, strip):
        self.strip = strip

    def event(self, kind, x, y):
        place = qt.QPointF(x, y)
        return qt.QMouseEvent(kind, place, place, qt.Qt.LeftButton, qt.Qt.LeftButton, qt.Qt.NoModifier)

    def drag(self, start, stop, y):
        self.strip.mousePressEvent(self.event(qt.QEvent.MouseButtonPress, start, y))
        for x in np.linspace(start, stop, 6):
            self.strip.mouseMoveEvent(self.event(qt.QEvent.MouseMove, x, y))
        self.strip.mouseReleaseEvent(self.event(qt.QEvent.MouseButtonRelease, stop, y))
        process_events()

    def hover(self, x, y):
        self.strip.mouseMoveEvent(self.event(qt.QEvent.MouseMove, x, y))
        return self.strip.toolTip


class TestTheStrip:
    def test_has_a_line_a_segment_in_its_colour(self, three):
        session, strip = three.panel.session, three.panel.strip.widget
        segment = session.segmentation_node.GetSegmentation().GetSegment(session.segment_ids[0])
        segment.SetColor(1.0, 0.0, 0.5)
        set_ends(three, 4, 18)
        first, *others = strip.model.lanes
        assert first == Lane(session.segment_ids[0], "liver", "#ff0080", 4, 18)
        assert [one.is_whole for one in others] == [False, False]
        picture = strip.grab().toImage()
        (_, top, _), *_ = lines.rows_of(strip.model.lanes, strip.model.selected)
        middle = round(strip.model.middle_of(11, strip.width))
        assert picture.pixelColor(middle, base_of(strip.model) + 1 + top).name() == "#ff0080"

    def test_keeps_its_height_and_the_rows_below_their_places(self, scene, panel):  # noqa: ARG002 - emptied first
        begin(panel, add_scan())
        strip = panel.panel.strip.widget
        before = strip.height, panel.ui.rangeFrame.pos.y()
        add_segment(panel, "spleen")
        process_events(0.1)
        assert len(strip.model.lanes) == 2
        assert (strip.height, panel.ui.rangeFrame.pos.y()) == before

    def test_drags_the_ends_of_the_selected_segment_by_the_handles(self, three):
        session, strip = three.panel.session, three.panel.strip.widget
        session.set_range(6, 14, session.segment_ids[0])
        three.panel.attempt(three.panel.refresh)
        left, _right = strip.model.handles(strip.width)
        Mouse(strip).drag(left - 3, strip.model.middle_of(3, strip.width), HEIGHT - 6)
        assert session.state.segment_ranges[session.segment_ids[0]] == (3, 14)
        assert three.panel.plane == 3

    def test_drags_the_ends_of_a_line_and_selects_its_segment(self, three):
        session, strip = three.panel.session, three.panel.strip.widget
        kidney = session.segment_ids[1]
        session.set_range(6, 14, kidney)
        three.panel.attempt(three.panel.refresh)
        lane = strip.model.lanes[1]
        _left, right = strip.model.pixels_of(lane, strip.width)
        (_, top, _thick) = lines.rows_of(strip.model.lanes, strip.model.selected)[1]
        mouse, y = Mouse(strip), base_of(strip.model) + 1 + top
        assert "left kidney: slices 6 to 14" in mouse.hover(right - 2, y)
        mouse.drag(right - 2, strip.model.middle_of(17, strip.width), y)
        assert session.state.segment_ranges == {kidney: (6, 17)}
        assert three.panel.editor.current_segment() == kidney

    def test_a_hand_that_trembles_moves_nothing(self, three):
        session, strip = three.panel.session, three.panel.strip.widget
        session.set_range(6, 14, session.segment_ids[0])
        three.panel.attempt(three.panel.refresh)
        left, _right = strip.model.handles(strip.width)
        Mouse(strip).drag(left - 3, left - 1, HEIGHT - 6)
        assert session.state.segment_ranges[session.segment_ids[0]] == (6, 14)

    def test_marks_structures_without_a_range(self, three):
        strip = three.panel.strip.widget
        set_ends(three, 4, 18)
        lane = strip.model.lanes[1]
        assert "has no range yet" in Mouse(strip).hover(
            200, base_of(strip.model) + 1 + lines.rows_of(strip.model.lanes, "")[1][1]
        )
        picture, y = strip.grab().toImage(), base_of(strip.model) + 1 + lines.rows_of(strip.model.lanes, "")[1][1]
        left, right = (round(one) for one in strip.model.pixels_of(lane, strip.width))
        drawn = [picture.pixelColor(x, y).name() == lane.color for x in range(left, right)]
        assert 0.2 < np.mean(drawn) < 0.5

    def test_more_lines_than_there_is_room_for_hold_the_selected_one(self):
        many = [Lane(str(n), str(n), "#ff0000", n, n + 3) for n in range(30)]
        rows = lines.rows_of(many, "25")
        assert len(rows) == 9
        assert rows[-1][0].segment_id == "25"
        assert max(top + thick for _, top, thick in rows) <= lines.HEIGHT
        assert lines.lane_at(many, "25", 11).segment_id == "25"

    def test_without_several_segments_the_bars_have_all_of_the_room(self):
        model = StripModel([StripPlane(n, n, 0.0, PlaneState.OPEN) for n in range(9)])
        assert base_of(model) == BASE


class TestFromASegmentation:
    def menu(self, panel):
        panel.panel.range.from_menu.aboutToShow.emit()
        return {one.text: one for one in panel.panel.range.from_menu.actions()}

    def test_takes_the_ranges_of_all_segments_in_one_click(self, three):
        truth = ellipsoid()
        session = three.panel.session
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "TotalSegmentator")
        node.SetReferenceImageGeometryParameterFromVolumeNode(session.volume_node)
        for name, planes in (("Liver", range(5, 19)), ("left kidney", range(8, 13)), ("aorta", range(2, 22))):
            one = node.GetSegmentation().AddEmptySegment("", name)
            held = np.zeros(truth.shape, np.uint8)
            held[list(planes), 10:30, 10:30] = 1
            slicer.util.updateSegmentBinaryLabelmapFromArray(held, node, one, session.volume_node)
        self.menu(three)["TotalSegmentator"].trigger()
        process_events()
        liver, kidney, _ = session.segment_ids
        assert session.state.segment_ranges == {liver: (5, 18), kidney: (8, 12)}
        assert three.ui.statusLabel.text == (
            "The ranges of 2 segments are those in TotalSegmentator. Not there: a gallbladder with stones."
        )

    def test_offers_the_own_segments_last_and_only_once_they_hold_something(self, three):
        (none,) = self.menu(three).values()
        assert not none.enabled
        slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "zebra")
        assert list(self.menu(three)) == ["zebra"]
        paint(three, ellipsoid(), [6, 9, 12])
        assert list(self.menu(three)) == ["zebra", "CT chest segments (these segments)"]

    def test_says_why_it_cannot(self, three):
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "other")
        node.GetSegmentation().AddEmptySegment("", "bone")
        self.menu(three)["other"].trigger()
        process_events()
        assert "is named as one of yours (liver, left kidney" in three.panel.status.error
        assert three.panel.session.state.segment_ranges == {}


class TestSuggestions:
    def test_name_their_structures_in_the_badge_the_tooltip_and_the_line(self, three):
        panel = three.panel
        set_ends(three, 0, 23)
        set_ends(three, 8, 12)
        set_ends(three, 9, 11)
        assert three.ui.selectorCombo.currentText == "cover"
        click(three.ui.suggestButton)
        planes = suggested(three)
        inside = next(one for one in planes if 9 <= one <= 11)
        scroll_to(three, inside)
        badge = panel.views._badge.GetInput()
        assert badge.startswith("to paint, ")
        assert "a gallbladder with stones" in " ".join(badge.split()).partition(": ")[2].partition("optional")[0]
        assert "to paint: " in panel.strip.widget.textOf(inside)
        assert "to paint: " in three.ui.positionLabel.toolTip
        assert "To paint: " in three.ui.statusLabel.text
        outside = next(one for one in planes if not 8 <= one <= 12)
        scroll_to(three, outside)
        assert "gallbladder" not in panel.views._badge.GetInput()

    def test_a_slice_stays_to_be_painted_until_what_it_names_is_painted(self, three):
        panel, session, truth = three.panel, three.panel.session, ellipsoid()
        liver, kidney, _ = session.segment_ids
        set_ends(three, 0, 23)
        set_ends(three, 8, 12)
        set_ends(three, 9, 11)
        click(three.ui.suggestButton)
        plane = next(one for one in suggested(three) if kidney in session.state.suggested_structures[one][0])
        session.state.suggested_structures[plane] = ([liver, kidney], [])
        select(three, liver)
        left, right = truth.copy(), truth.copy()
        left[..., 24:], right[..., :26] = False, False
        paint(three, left, [plane])
        assert plane in panel.to_paint()
        scroll_to(three, plane)
        assert panel.views._badge.GetInput().endswith(": left kidney")
        select(three, kidney)
        paint(three, right, [plane])
        assert plane not in panel.to_paint()


class TestUndoAndSaving:
    def test_taking_a_stroke_back_keeps_the_ranges(self, three):
        session = three.panel.session
        set_ends(three, 4, 18)
        ranges = dict(session.state.segment_ranges)
        truth = ellipsoid()
        select(three, session.segment_ids[0])
        scroll_to(three, 11)

        def whole(array):
            array[11] = truth[11]

        stroke(three, whole)
        assert three.panel.present.painted == [11]
        take_back(three)
        assert three.panel.present.painted == []
        assert session.state.segment_ranges == ranges

    def test_a_saved_scene_brings_them_back_onto_the_panel(self, three, tmp_path, representation):
        session = three.panel.session
        set_ends(three, 4, 18)
        ranges = dict(session.state.segment_ranges)
        save_scene(slicer.mrmlScene, tmp_path / "work.mrb")
        representation.exit()
        slicer.mrmlScene.Clear(False)
        load_scene(slicer.mrmlScene, tmp_path / "work.mrb")
        representation.enter()
        process_events()
        assert three.panel.session.state.segment_ranges == ranges
        assert [one.is_whole for one in three.panel.strip.widget.model.lanes] == [True, False, False]

    def test_a_prediction_ends_where_each_structure_does(self, three):
        session, truth = three.panel.session, ellipsoid()
        liver, kidney, stones = session.segment_ids
        for one, (first, last) in {liver: (5, 18), kidney: (8, 12), stones: (8, 9)}.items():
            session.set_range(first, last, one)
        left, right = truth.copy(), truth.copy()
        left[..., 24:], right[..., :26] = False, False
        select(three, liver)
        paint(three, left, [6, 11, 16])
        select(three, kidney)
        paint(three, right, [9, 11])
        predict(three, "nearest")
        click(three.ui.acceptAllButton)
        labels = session.look().layers.labels
        assert np.flatnonzero((labels == 2).any(axis=(1, 2))).tolist() == [8, 9, 10, 11, 12]
        assert np.flatnonzero((labels == 1).any(axis=(1, 2))).tolist()[-1] <= 18
