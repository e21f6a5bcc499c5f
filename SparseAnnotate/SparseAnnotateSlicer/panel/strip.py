"""Row 2: the slice strip, and what its mouse does."""

from __future__ import annotations

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _
from SparseAnnotateLib.errors import InputError

from ..session.planes import PlaneState
from ..strip.widget import SliceStrip
from . import structures
from .planes import badge

_MARKS = {PlaneState.EMPTY: "empty", PlaneState.PARTLY: "partly", PlaneState.PAINTED: "painted"}


class StripRow:
    """Shows every plane, and does what is clicked there."""

    def __init__(self, panel):
        self._panel, self._shown = panel, None
        self.widget = SliceStrip(panel.ui.stripFrame)
        panel.ui.stripFrame.layout().addWidget(self.widget)
        panel.ui.editor.currentSegmentIDChanged.connect(lambda *_: panel.attempt(lambda: None, keep_message=True))
        self.widget.onJump = lambda plane: panel.attempt(lambda: panel.jump(plane))
        self.widget.onRangeDragged = lambda first, last: panel.attempt(lambda: self._drag(first, last))
        self.widget.onEndDragged = lambda one, first, plane: panel.attempt(
            lambda: panel.range.set_end(one, plane, first=first)
        )
        self.widget.onSegmentChosen = panel.editor.select
        self.widget.onMarkPlane = lambda plane, state: panel.attempt(lambda: self._mark(plane, state))
        self.widget.onMarkSegment = lambda plane, complete: panel.attempt(lambda: self._mark_segment(plane, complete))
        self.widget.onExportProvenance = lambda: panel.attempt(self._export)

    def _drag(self, first, last) -> None:
        self._panel.range.set_range(first, last)

    def _mark(self, plane, state) -> None:
        panel = self._panel
        if panel.why_locked():
            raise InputError(panel.why_locked())
        if state in _MARKS:
            panel.session.mark(plane, _MARKS[state])
        else:
            panel.session.release([plane])
        panel.refresh()

    def _mark_segment(self, plane, complete) -> None:
        panel = self._panel
        if panel.why_locked():
            raise InputError(panel.why_locked())
        panel.session.mark_segment(plane, panel.editor.current_segment(), complete)
        panel.refresh()

    def _selected(self) -> str:
        """The name of the selected segment, where several are painted and it is one of them; else empty."""
        session, present, chosen = self._panel.session, self._panel.present, self._panel.editor.current_segment()
        if session is None or present is None or len(present.layers.segment_ids) < 2:
            return ""
        return structures.names(session, [chosen])[0] if chosen in present.layers.segment_ids else ""

    def _export(self) -> None:
        """Write what is known about every plane into a table."""
        panel = self._panel
        if panel.session is None:
            raise InputError(panel.why_no_session())
        name = f"{panel.session.volume_node.GetName()} provenance.csv"
        chosen = qt.QFileDialog.getSaveFileName(
            slicer.util.mainWindow(), _("Export provenance"), name, _("Table (*.csv)")
        )
        # PySide gives the filter, too.
        path = chosen if isinstance(chosen, str) else chosen[0]
        if path:
            from ..session.provenance import write_provenance

            write_provenance(panel.session, panel.present, Path(path))
            panel.status.say(_("Provenance is written to {path}").format(path=path))

    def show(self) -> None:
        """Show what the panel knows."""
        panel, session = self._panel, self._panel.session
        shown = panel.present, panel.editor.current_segment()
        if self._shown is None or self._shown[0] is not shown[0] or self._shown[1] != shown[1]:
            self._shown = shown
            self.widget.setSegment(self._selected())
            self.widget.setPlanes(panel.strip_planes())
        self.widget.setHint(self._hint())
        if session is None or panel.present is None:
            self.widget.setLanes([])
            self.widget.setRange(None, None)
            self.widget.setCurrentPlane(None)
            return
        self.widget.setLanes(structures.lanes(session), panel.range.segment_id)
        self.widget.setRange(*(session.plane_range or (None, None)))
        self.widget.setCurrentPlane(panel.plane)
        panel.views.showBadge(badge(session, panel.present, panel.plane))

    def _hint(self) -> str:
        """What is to be done before there are slices to show."""
        parameters = self._panel.parameters
        if parameters is None or parameters.volume is None:
            return _("Choose a volume to see its slices here")
        return _("Press New, or choose segments, to see the slices here")
