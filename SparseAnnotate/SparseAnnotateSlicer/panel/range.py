"""Row 3: the first and the last slice of the structures, of all together or of one."""

from __future__ import annotations

from slicer.i18n import tr as _
from SparseAnnotateLib.errors import InputError


class RangeRow:
    """Sets ranges from the slice that is shown."""

    def __init__(self, panel):
        self._panel, ui = panel, panel.ui
        ui.segmentRangesFrame.setVisible(False)
        panel.on(ui.firstHereButton.clicked, lambda: self._set_end(first=True))
        panel.on(ui.lastHereButton.clicked, lambda: self._set_end(first=False))
        panel.on(ui.clearRangeButton.clicked, lambda: self._clear(None))
        panel.on(ui.segmentRangesButton.toggled, self._fold)
        panel.on(ui.segmentCombo.currentIndexChanged, lambda: None)
        panel.on(ui.segmentFirstButton.clicked, lambda: self._set_end(first=True, segment_id=self._segment_id()))
        panel.on(ui.segmentLastButton.clicked, lambda: self._set_end(first=False, segment_id=self._segment_id()))
        panel.on(ui.segmentClearButton.clicked, lambda: self._clear(self._segment_id()))

    def _fold(self) -> None:
        ui = self._panel.ui
        ui.segmentRangesFrame.setVisible(ui.segmentRangesButton.checked)

    def _segment_id(self) -> str:
        combo = self._panel.ui.segmentCombo
        return combo.itemData(combo.currentIndex) or ""

    def _range_of(self, segment_id: str | None) -> tuple[int, int] | None:
        state = self._panel.session.state
        return state.plane_range if segment_id is None else state.segment_ranges.get(segment_id)

    def _set_end(self, *, first: bool, segment_id: str | None = None) -> None:
        """One end at the slice that is shown; an end on its wrong side moves to the end of the volume."""
        panel, plane = self._panel, self._panel.plane
        if panel.why_no_plane():
            raise InputError(panel.why_no_plane())
        whole = (0, panel.session.volume.planes - 1)
        before = self._range_of(segment_id) or whole
        if first:
            self.set_range(plane, before[1] if before[1] >= plane else whole[1], segment_id)
        else:
            self.set_range(before[0] if before[0] <= plane else whole[0], plane, segment_id)

    def set_range(self, first: int, last: int, segment_id: str | None = None) -> None:
        """First and last plane of all segments, or of one; what contradicts what is painted is said at once."""
        panel = self._panel
        if panel.why_locked():
            raise InputError(panel.why_locked())
        panel.session.set_range(first, last, segment_id)
        panel.refresh()
        panel.session.annotation(panel.present)

    def _clear(self, segment_id: str | None) -> None:
        self._panel.session.clear_range(segment_id)
        self._panel.refresh()

    def show(self) -> None:
        """Offer what can be done."""
        panel, ui = self._panel, self._panel.ui
        reason = panel.why_no_plane() or panel.why_locked()
        for button in (ui.firstHereButton, ui.lastHereButton):
            panel.offer(button, reason)
        session = panel.session
        has_range = session is not None and session.state.plane_range is not None
        no_range = "" if has_range else _("There is no range: the whole volume counts.")
        panel.offer(ui.clearRangeButton, panel.why_no_session() or panel.why_locked() or no_range)
        panel.offer(ui.segmentRangesButton, panel.why_no_session())
        ui.segmentRangesFrame.setVisible(ui.segmentRangesButton.checked)
        if ui.segmentRangesButton.checked:
            self._show_segments(reason)

    def _show_segments(self, reason: str) -> None:
        panel, ui, session = self._panel, self._panel.ui, self._panel.session
        self._list_segments()
        chosen = self._segment_id()
        reason = reason or ("" if chosen else _("Add a segment first."))
        panel.offer(ui.segmentFirstButton, reason)
        panel.offer(ui.segmentLastButton, reason)
        ends = session.state.segment_ranges.get(chosen) if session is not None else None
        no_range = "" if ends is not None else _("This segment has no range of its own.")
        panel.offer(ui.segmentClearButton, panel.why_locked() or no_range)
        ui.segmentRangeLabel.setText("" if ends is None else f"{ends[0]} - {ends[1]}")

    def _list_segments(self) -> None:
        """The session's segments, by name."""
        session, combo = self._panel.session, self._panel.ui.segmentCombo
        ids = [] if session is None or session.ended else session.segment_ids
        segmentation = session.segmentation_node.GetSegmentation() if ids else None
        wanted = [(segmentation.GetSegment(one).GetName(), one) for one in ids]
        if wanted == [(combo.itemText(n), combo.itemData(n)) for n in range(combo.count)]:
            return
        chosen = self._segment_id()
        combo.blockSignals(True)
        combo.clear()
        for name, one in wanted:
            combo.addItem(name, one)
        combo.setCurrentIndex(max(0, combo.findData(chosen)))
        combo.blockSignals(False)
