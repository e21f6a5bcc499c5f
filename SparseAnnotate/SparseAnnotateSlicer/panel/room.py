"""Room on a laptop: the segment editor's parts where they fit, one width for all tools, Data Probe out of the way.

Seen in Slicer 5.13 at 1366x768: beside its tools the options of a tool widen the panel from 442 to 584 pixels or more
with each tool that is chosen, and the button Apply of Smoothing stood 180 pixels below the edge.
"""

from __future__ import annotations

import slicer

# Nine tools in the first two rows, those that slices are painted with first.
_TOOLS = ("Paint", "Draw", "Erase", "Scissors", "Level tracing", "Islands", "Smoothing", "Threshold", "Margin")
_COLUMNS = 5
# Its table of segments takes what room there is; so high it is as high as the tools beside it, and holds three.
_TABLE_PIXELS = 108
# What the widest of the tools' options (those of Erase) take, with their frame.
_WIDTH_PIXELS = 460
# Of the main window: higher ones have room for Data Probe, too.
_LOW_PIXELS = 900


def arrange(form, editor) -> None:
    """Put the parts of a qMRMLSegmentEditorWidget where they fit; one that another Slicer lacks stays as it is.

    Undo and redo go beside Add and Remove, the options of a tool below the tools and the table, as wide as the panel.
    What a tool does is said in its tooltip, too.
    """
    form.setMinimumWidth(_WIDTH_PIXELS)
    editor.setEffectNameOrder(list(_TOOLS))
    editor.setEffectColumnCount(_COLUMNS)
    parts = {name: _part(editor, name) for name in ("SegmentsTableResizableFrame", "UndoRedoGroupBox")}
    below = [_part(editor, name) for name in ("OptionsGroupBox", "MaskingGroupBox")]
    buttons = [_part(editor, name) for name in ("UndoButton", "RedoButton")]
    if parts["SegmentsTableResizableFrame"] is not None:
        parts["SegmentsTableResizableFrame"].setMaximumHeight(_TABLE_PIXELS)
    grid = editor.layout()
    row = grid.itemAtPosition(1, 0)
    if row is None or row.layout() is None or None in (*below, *buttons, parts["UndoRedoGroupBox"]):
        return
    for button in buttons:
        row.layout().addWidget(button)
    parts["UndoRedoGroupBox"].setVisible(False)
    for part in below:
        grid.addWidget(part, grid.rowCount(), 0)
    grid.setRowStretch(grid.rowCount(), 1)
    _close_gaps(grid.itemAtPosition(3, 0).layout())
    browser = _part(editor, "EffectHelpBrowser")
    if browser is not None:
        browser.setVisible(False)


def _close_gaps(layout) -> None:
    """What now stands below was pushed up by spacers of 40 pixels, which push it down here."""
    for column in (layout.itemAt(number).layout() for number in range(layout.count())):
        for item in (column.itemAt(number) for number in range(column.count())):
            if item.spacerItem() is not None:
                item.spacerItem().changeSize(0, 0)
        column.invalidate()
    layout.invalidate()


def _part(widget, name: str):
    found = slicer.util.findChildren(widget, name=name)
    return found[0] if found else None


class DataProbe:
    """Folded while the module is shown in a low window, unless the user unfolds it there; unfolded again afterwards."""

    def __init__(self):
        self._folded, self._wanted = None, False

    def fold(self) -> None:
        """The module is shown."""
        window = slicer.util.mainWindow()
        probe = None if window is None or self._wanted else _part(window, "DataProbeCollapsibleWidget")
        if probe is not None and window.height < _LOW_PIXELS and not probe.collapsed:
            probe.collapsed, self._folded = True, probe

    def unfold(self) -> None:
        """Another module is shown."""
        probe, self._folded = self._folded, None
        if probe is not None:
            self._wanted = not probe.collapsed
            probe.collapsed = False
