"""On a laptop of 1366x768 the tools of the segment editor stay in sight: what is not needed folds away."""

import pytest
import slicer
from hands import add_scan, begin, click, ellipsoid, paint, predict, set_range, suggested
from PySide6 import QtWidgets
from standin.application import process_events

# What the module panel leaves there, as seen in a real Slicer: with Data Probe open, and with Data Probe folded.
WIDTH, HEIGHT, FOLDED_HEIGHT = 476, 380, 540
ROWS = ("range", "suggest", "paint", "predict", "review")


@pytest.fixture
def truth():
    return ellipsoid()


@pytest.fixture
def laptop(panel, representation):
    """The panel as wide as on a laptop."""
    representation.window().resize(WIDTH, 720)
    process_events(0.1)
    return panel


def shown(panel):
    return [row for row in ROWS if getattr(panel.ui, f"{row}Frame").visible]


def lowest_of(panel, *widgets):
    """The lower edge of some widgets, from the top of the panel."""
    form = panel.ui.rows.parent()
    return max(form.mapFromGlobal(one.mapToGlobal(one.rect.bottomLeft())).y() for one in widgets)


def check_room(panel):
    """All tools can be seen without scrolling, Data Probe open or not, and so can the options of those that paint."""
    editor = panel.ui.editor
    process_events(0.1)
    assert lowest_of(panel, *editor._effects) <= HEIGHT, shown(panel)
    for tool in ("Paint", "Erase", "Scissors", "Islands", "Smoothing"):
        editor.setActiveEffectByName(tool)
        # What is laid out anew asks for further layouts; on a busy machine the time is over after the first.
        for _pass in range(5):
            process_events(0.01)
        lowest = lowest_of(panel, editor._option_rows)
        assert lowest <= FOLDED_HEIGHT, f"{tool}: {lowest} with {shown(panel)}"
    editor.setActiveEffectByName("")


def test_no_tool_widens_the_panel(laptop, truth):
    panel = laptop
    begin(panel, add_scan(truth=truth))
    form, widths = panel.ui.rows.parent(), set()
    for tool in ("", "Paint", "Erase", "Scissors", "Islands", "Level tracing", "Smoothing", "Threshold", "Margin"):
        panel.ui.editor.setActiveEffectByName(tool)
        process_events(0.05)
        widths.add(max(form.minimumSizeHint().width(), form.minimumWidth))
    assert len(widths) == 1
    assert max(widths) <= WIDTH


def test_what_a_tool_does_stands_in_its_tooltip_and_undo_beside_add(laptop):
    editor = laptop.ui.editor
    undo, add = (editor.findChildren(QtWidgets.QToolButton, "UndoButton")[0], editor._add)
    assert abs(lowest_of(laptop, undo) - lowest_of(laptop, add)) < add.height / 2


class Probe:
    """Data Probe of the main window."""

    def __init__(self, monkeypatch, height):
        self.window = QtWidgets.QWidget()
        self.window.resize(1366, height)
        self.frame = QtWidgets.QFrame(self.window)
        self.frame.setObjectName("DataProbeCollapsibleWidget")
        self.frame.collapsed = False
        monkeypatch.setattr(slicer.util, "mainWindow", lambda: self.window)

    @property
    def folded(self):
        return self.frame.collapsed


def test_data_probe_is_folded_in_a_low_window_while_the_module_is_shown(representation, monkeypatch):
    probe = Probe(monkeypatch, 740)
    representation.exit()
    representation.enter()
    assert probe.folded
    representation.exit()
    assert not probe.folded
    representation.enter()
    probe.frame.collapsed = False
    representation.exit()
    representation.enter()
    assert not probe.folded, "the user wanted it open"


def test_data_probe_stays_open_in_a_high_window_and_folded_where_it_was(representation, monkeypatch):
    probe = Probe(monkeypatch, 1000)
    representation.exit()
    representation.enter()
    assert not probe.folded
    probe = Probe(monkeypatch, 740)
    probe.frame.collapsed = True
    representation.exit()
    representation.enter()
    representation.exit()
    assert probe.folded
    representation.enter()


def test_every_stage_shows_what_is_needed_and_leaves_the_tools_in_sight(laptop, truth):
    panel = laptop
    assert shown(panel) == []
    begin(panel, add_scan(truth=truth))
    assert shown(panel) == ["range", "suggest"]
    check_room(panel)
    set_range(panel, 5, 18)
    assert shown(panel) == ["range", "suggest"]
    check_room(panel)
    click(panel.ui.suggestButton)
    assert shown(panel) == ["paint"]
    check_room(panel)
    paint(panel, truth, suggested(panel)[:1])
    assert shown(panel) == ["paint", "predict"]
    check_room(panel)
    paint(panel, truth, suggested(panel))
    predict(panel)
    assert shown(panel) == ["review"]
    check_room(panel)
    click(panel.ui.nextToCheckButton)
    click(panel.ui.acceptAllButton)
    assert shown(panel) == ["predict"]
    check_room(panel)


def test_a_row_that_is_wanted_all_the_same_is_one_click_away_until_the_next_stage(laptop, truth):
    panel = laptop
    begin(panel, add_scan(truth=truth))
    set_range(panel, 5, 18)
    click(panel.ui.suggestButton)
    assert shown(panel) == ["paint"]
    click(panel.ui.rangeTab)
    assert shown(panel) == ["range", "paint"]
    paint(panel, truth, suggested(panel)[:1])
    assert shown(panel) == ["paint", "predict"]


def test_a_row_that_was_opened_stays_while_its_buttons_are_pressed_though_the_prediction_is_outdated_by_them(
    laptop, truth
):
    panel = laptop
    begin(panel, add_scan(truth=truth))
    set_range(panel, 5, 18)
    paint(panel, truth, [6, 11, 16])
    predict(panel)
    assert shown(panel) == ["review"]
    click(panel.ui.rangeTab)
    where = panel.ui.rangesFromButton.mapToGlobal(panel.ui.rangesFromButton.rect.center())
    click(panel.ui.clearRangeButton)
    assert shown(panel) == ["range", "predict", "review"]
    assert panel.ui.rangesFromButton.mapToGlobal(panel.ui.rangesFromButton.rect.center()) == where
    predict(panel)
    assert shown(panel) == ["review"]


def test_who_folds_a_row_that_is_needed_is_told_how_it_comes_back(laptop, truth):
    panel = laptop
    begin(panel, add_scan(truth=truth))
    click(panel.ui.suggestTab)
    assert shown(panel) == ["range"]
    assert panel.ui.statusLabel.text == "The row is folded: a click on Suggest shows it again."
    click(panel.ui.suggestTab)
    assert shown(panel) == ["range", "suggest"]
    assert panel.ui.statusLabel.text == "0 painted"
    click(panel.ui.paintTab)
    click(panel.ui.paintTab)
    assert panel.ui.statusLabel.text == "0 painted"


def test_nothing_moves_under_the_mouse_between_first_and_last(laptop):
    panel = laptop
    begin(panel, add_scan())
    before = panel.ui.lastHereButton.mapToGlobal(panel.ui.lastHereButton.rect.center())
    click(panel.ui.firstHereButton)
    assert shown(panel) == ["range", "suggest"]
    assert panel.ui.lastHereButton.mapToGlobal(panel.ui.lastHereButton.rect.center()) == before


def test_the_tools_that_slices_are_painted_with_come_first(laptop):
    assert laptop.ui.editor.order[:3] == ["Paint", "Draw", "Erase"]
    assert laptop.ui.editor.effectColumnCount == 5


def test_options_and_log_fold_away_with_their_row(laptop, truth):
    panel = laptop
    begin(panel, add_scan(truth=truth))
    paint(panel, truth, [8])
    click(panel.ui.optionsButton)
    assert panel.ui.optionsFrame.visible
    click(panel.ui.predictTab)
    assert not panel.ui.optionsFrame.visible
    click(panel.ui.predictTab)
    assert panel.ui.optionsFrame.visible


def test_what_is_to_be_chosen_is_in_sight_again_after_the_scene_was_closed(laptop):
    import slicer

    panel = laptop
    begin(panel, add_scan())
    assert not panel.ui.volumeFrame.visible
    slicer.mrmlScene.Clear(False)
    process_events(0.1)
    add_scan()
    process_events(0.1)
    assert panel.panel.session is None
    assert panel.ui.newSegmentationButton.visible
