"""The slice strip with a mouse and a keyboard: events as Qt sends them, and pixels as it draws them."""

import pytest

pytest.importorskip("slicer")
pytest.importorskip("PySide6.QtWidgets")

from SparseAnnotateSlicer.session.planes import PlaneState
from SparseAnnotateSlicer.strip.model import StripPlane

COUNT, WIDTH = 60, 475
STATES = {
    5: PlaneState.EMPTY,
    12: PlaneState.PAINTED,
    20: PlaneState.PARTLY,
    30: PlaneState.TO_PAINT,
    40: PlaneState.ACCEPTED,
}


def strip_planes(count=COUNT):
    made = []
    for n in range(count):
        state = STATES.get(n, PlaneState.PREDICTED if 6 <= n <= 50 else PlaneState.OUTSIDE)
        dice = 0.95 if state in (PlaneState.PREDICTED, PlaneState.ACCEPTED) else None
        reason = "evenly spaced" if state is PlaneState.TO_PAINT else ""
        made.append(StripPlane(n, n, 2.5 * n, state, reason, dice, None if dice is None else (0.9, 0.98)))
    return made


class Calls(list):
    """What the strip told."""

    def __init__(self, strip):
        super().__init__()
        for name in ("onJump", "onRangeDragged", "onMarkPlane", "onExportProvenance"):
            setattr(strip, name, lambda *given, name=name: self.append((name, *given)))


@pytest.fixture
def strip(application):  # noqa: ARG001 - gives qt
    from SparseAnnotateSlicer.strip.widget import SliceStrip
    from standin.application import process_events

    strip = SliceStrip()
    strip.setFixedWidth(WIDTH)
    strip.setPlanes(strip_planes())
    strip.setRange(5, 50)
    strip.show()
    process_events()
    yield strip
    strip.close()


@pytest.fixture
def calls(strip):
    return Calls(strip)


def at(strip, plane, below=False):
    """The middle of a plane: among the bars, or below them."""
    from PySide6.QtCore import QPoint

    return QPoint(round(strip.model.middle_of(plane, WIDTH)), 57 if below else 30)


def handle(strip, end):
    from PySide6.QtCore import QPoint

    left, right = strip.model.handles(WIDTH)
    return QPoint(round(left) - 3 if end == "first" else round(right) + 3, 57)


def drag(strip, start, *points):
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    QTest.mousePress(strip, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    for point in points:
        QTest.mouseMove(strip, point)
    QTest.mouseRelease(strip, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, points[-1])


def press_key(strip, name):
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    QTest.keyClick(strip, getattr(Qt.Key, f"Key_{name}"))


def picture(strip):
    """uint8 (rows, columns, 3)."""
    import numpy as np
    from PySide6.QtGui import QImage

    image = strip.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def column(strip, plane):
    return picture(strip)[:48, round(strip.model.middle_of(plane, WIDTH))]


def test_a_click_jumps(strip, calls):
    drag(strip, at(strip, 33), at(strip, 33))
    assert calls == [("onJump", 33)]
    assert strip.model.current == 33


def test_dragging_scrubs_and_tells_each_plane_once(strip, calls):
    drag(strip, at(strip, 33), at(strip, 33), at(strip, 34), at(strip, 35), at(strip, 34))
    assert calls == [("onJump", 33), ("onJump", 34), ("onJump", 35), ("onJump", 34)]


@pytest.mark.parametrize(
    ("end", "to", "after"), [("first", 15, (15, 50)), ("last", 44, (5, 44)), ("first", 55, (50, 50))]
)
def test_an_end_of_the_range_is_dragged_and_told_once(strip, calls, end, to, after):
    drag(strip, handle(strip, end), at(strip, 20, below=True), at(strip, to, below=True))
    told = [one for one in calls if one[0] == "onRangeDragged"]
    assert told == [("onRangeDragged", *after)]
    assert ("onJump", after[0] if end == "first" else after[1]) in calls


def test_an_end_is_dragged_beyond_what_is_in_sight(strip, calls):
    from PySide6.QtCore import QPoint

    strip.setRange(25, 30)
    assert strip.model.window == (22, 33)
    drag(strip, handle(strip, "last"), QPoint(WIDTH + 60, 57))
    assert calls[-1][0] == "onRangeDragged"
    assert calls[-1][2] > 33


def test_the_first_range_is_dragged_in_from_the_ends(strip, calls):
    strip.setRange(None, None)
    drag(strip, handle(strip, "first"), at(strip, 10, below=True))
    assert calls[-1] == ("onRangeDragged", 10, COUNT - 1)


def test_a_range_that_comes_from_elsewhere_waits_until_the_end_is_let_go(strip, calls):
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    QTest.mousePress(strip, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, handle(strip, "first"))
    QTest.mouseMove(strip, at(strip, 15, below=True))
    strip.setRange(5, 50)
    assert strip.model.plane_range == (15, 50)
    QTest.mouseRelease(strip, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at(strip, 15, below=True))
    assert calls[-1] == ("onRangeDragged", 15, 50)


def test_escape_gives_the_range_back(strip, calls):
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    QTest.mousePress(strip, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, handle(strip, "first"))
    QTest.mouseMove(strip, at(strip, 15, below=True))
    press_key(strip, "Escape")
    QTest.mouseRelease(strip, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at(strip, 15, below=True))
    assert strip.model.plane_range == (5, 50)
    assert "onRangeDragged" not in [one[0] for one in calls]


def test_the_arrow_keys_go_from_plane_to_plane(strip, calls):
    strip.setCurrentPlane(58)
    for key in ("Right", "Right", "Left", "Home", "End", "PageUp"):
        press_key(strip, key)
    assert [one[1] for one in calls] == [59, 58, 5, 50, 40]


def test_hovering_tells_number_position_state_and_why(strip):
    from PySide6.QtTest import QTest

    QTest.mouseMove(strip, at(strip, 30))
    assert strip.toolTip == "Slice 30, 75.0 mm\nto paint\nsuggested: evenly spaced"
    QTest.mouseMove(strip, at(strip, 31))
    assert strip.toolTip == "Slice 31, 77.5 mm\npredicted\nexpected Dice 0.95 (probably 0.90 to 0.98)"
    QTest.mouseMove(strip, handle(strip, "last"))
    assert "last slice" in strip.toolTip


def menu_of(strip, plane):
    """What can be chosen after a right click, by text."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    # A whole click: the panel does not predict as long as a button is down, wherever that is.
    QTest.mouseClick(strip, Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier, at(strip, plane))
    return {action.text: action for action in strip.actions() if action.enabled}


@pytest.mark.parametrize(
    ("plane", "offered"),
    [
        (5, {"Not painted"}),
        (12, {"Painted only in part", "Not painted"}),
        (20, {"Painted", "Not painted"}),
        (30, {"Empty: nothing to paint"}),
        (40, {"Painted"}),
        (2, {"Empty: nothing to paint"}),
    ],
)
def test_the_menu_offers_what_can_be_said_about_the_plane(strip, plane, offered):
    always = {"Show all slices of the volume", "Export what was done on each slice (CSV)..."}
    assert set(menu_of(strip, plane)) == offered | always


def test_the_menu_marks_the_plane_under_the_mouse(strip, calls):
    menu_of(strip, 30)["Empty: nothing to paint"].trigger()
    menu_of(strip, 12)["Painted only in part"].trigger()
    menu_of(strip, 12)["Not painted"].trigger()
    menu_of(strip, 12)["Export what was done on each slice (CSV)..."].trigger()
    assert calls == [
        ("onMarkPlane", 30, PlaneState.EMPTY),
        ("onMarkPlane", 12, PlaneState.PARTLY),
        ("onMarkPlane", 12, PlaneState.OPEN),
        ("onExportProvenance",),
    ]


def test_the_menu_key_is_about_the_plane_in_the_view(strip, calls):
    menu_of(strip, 30)
    strip.setCurrentPlane(12)
    by_text = {action.text: action for action in strip.actions() if action.enabled}
    by_text["Painted only in part"].trigger()
    assert calls == [("onMarkPlane", 12, PlaneState.PARTLY)]


def test_the_whole_volume_is_shown_when_asked(strip):
    strip.setRange(25, 30)
    action = menu_of(strip, 26)["Show all slices of the volume"]
    action.trigger()
    assert strip.model.window == (0, COUNT - 1)
    action.trigger()
    assert strip.model.window == (22, 33)


def test_states_are_told_by_shape_without_any_colour(strip):
    gray = {plane: column(strip, plane).mean(axis=1) for plane in (2, 5, 12, 20, 30, 31)}
    dark = {plane: (values < 128) for plane, values in gray.items()}
    assert dark[12][2:47].all(), "a painted plane is solid up to the top"
    assert 30 > dark[20][13:47].sum() > 15, "of a plane painted in part half is solid"
    assert not dark[5][16:44].any(), "an empty plane is hollow"
    assert dark[5][:12].any(), "with a ring above"
    assert not dark[30][16:44].any(), "a plane to paint is hollow"
    assert dark[30][4:10].any(), "with an arrow above"
    assert gray[31][14:47].std() > 0 or (gray[31][20:47] < 200).all(), "a predicted one is a bar"
    assert (gray[2][:45] > 200).all(), "outside the range there is nothing"


def test_the_worse_a_prediction_the_lower_its_bar(strip):
    def height(dice):
        planes = strip_planes()
        planes[31] = StripPlane(31, 31, 0.0, PlaneState.PREDICTED, expected_dice=dice)
        strip.setPlanes(planes)
        return int((column(strip, 31).min(axis=1) < 220).sum())

    heights = [height(dice) for dice in (0.98, 0.85, 0.7, 0.5)]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] - heights[-1] > 12


def test_the_current_plane_is_framed_and_moves(strip):
    strip.setCurrentPlane(2)
    before = picture(strip)
    strip.setCurrentPlane(56)
    after = picture(strip)
    assert (before != after).any(axis=(0, 2)).sum() > 20
    x = round(strip.model.middle_of(56, WIDTH))
    assert (after[53:58, x] < 100).all()


def test_it_is_readable_in_a_dark_palette(strip):
    import qt

    palette = qt.QPalette()
    for role, color in ((qt.QPalette.Base, "#2b2b2b"), (qt.QPalette.Text, "#f0f0f0")):
        palette.setColor(role, qt.QColor(color))
    strip.setPalette(palette)
    assert (column(strip, 12)[2:47] > 200).all()
    assert (column(strip, 2)[:45] < 80).all()


@pytest.mark.parametrize("count", [0, 1, 20, 800])
@pytest.mark.parametrize("width", [160, 300, 900])
def test_any_number_of_planes_is_drawn_at_any_width(strip, count, width):
    strip.setFixedWidth(width)
    strip.setPlanes(strip_planes(count))
    for current in (None, *range(0, count, max(1, count // 7))):
        strip.setCurrentPlane(current)
        assert picture(strip).shape[1] == width


def test_other_planes_forget_the_range_and_a_drag_of_the_old_ones(strip, calls):
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    QTest.mousePress(strip, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, handle(strip, "last"))
    strip.setPlanes(strip_planes(10))
    QTest.mouseMove(strip, at(strip, 3, below=True))
    QTest.mouseRelease(strip, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at(strip, 3, below=True))
    assert strip.model.plane_range is None
    assert calls == []
