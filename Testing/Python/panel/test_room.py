"""On a laptop of 1366x768 the tools of the segment editor stay in sight: what is not needed folds away."""

import pytest
from hands import add_scan, begin, click, ellipsoid, paint, predict, set_range, suggested
from standin.application import process_events

# The module panel there, as seen in a real Slicer; with Data Probe open it is 310 pixels high.
WIDTH, HEIGHT = 445, 310
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


def check_room(panel):
    """The first three rows of tools, where all that slices are painted with is, can be seen without scrolling."""
    process_events(0.1)
    bottom = panel.ui.editor.pos.y() if callable(getattr(panel.ui.editor.pos, "y", None)) else 0
    tools = panel.ui.editor._effects[:9]
    lowest = max(one.pos.y() + one.height for one in tools)
    assert bottom + lowest <= HEIGHT, f"{bottom} + {lowest} with {shown(panel)}"


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


def test_nothing_moves_under_the_mouse_between_first_and_last(laptop):
    panel = laptop
    begin(panel, add_scan())
    before = panel.ui.lastHereButton.mapToGlobal(panel.ui.lastHereButton.rect.center())
    click(panel.ui.firstHereButton)
    assert shown(panel) == ["range", "suggest"]
    assert panel.ui.lastHereButton.mapToGlobal(panel.ui.lastHereButton.rect.center()) == before


def test_the_tools_that_slices_are_painted_with_come_first(laptop):
    assert laptop.ui.editor.order[:3] == ["Paint", "Draw", "Erase"]
    assert laptop.ui.editor.effectColumnCount == 3


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
