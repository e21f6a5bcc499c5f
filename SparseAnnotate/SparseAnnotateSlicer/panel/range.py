"""Row 3: the first and the last slice of the structures: of the selected one, or of all together."""

from __future__ import annotations

from functools import partial

import qt
from slicer.i18n import tr as _
from SparseAnnotateLib.errors import InputError

from ..scene.nodes import segmentations_in
from ..session import ranges
from . import structures

# Letters of a segment's name on a button; all of it is in the tooltip.
_LETTERS = 13


class RangeRow:
    """Sets ranges from the slice that is shown, or takes them from a segmentation."""

    def __init__(self, panel):
        self._panel, ui = panel, panel.ui
        panel.on(ui.firstHereButton.clicked, self.first_here)
        panel.on(ui.lastHereButton.clicked, self.last_here)
        panel.on(ui.clearRangeButton.clicked, self.clear)
        panel.on(ui.allSegmentsButton.toggled, lambda: None)
        self.from_menu = qt.QMenu(ui.rangesFromButton)
        ui.rangesFromButton.setMenu(self.from_menu)
        self.from_menu.aboutToShow.connect(self._fill_menu)

    @property
    def segment_id(self) -> str:
        """The segment whose ends are set; "" for all together, as with one."""
        session = self._panel.session
        if session is None or session.ended or len(session.segment_ids) < 2 or self._panel.ui.allSegmentsButton.checked:
            return ""
        chosen = self._panel.editor.current_segment()
        return chosen if chosen in session.segment_ids else ""

    def first_here(self) -> None:
        """The structure begins on the slice that is shown."""
        self._set_end(first=True)

    def last_here(self) -> None:
        """The structure ends on the slice that is shown."""
        self._set_end(first=False)

    def _set_end(self, *, first: bool) -> None:
        panel = self._panel
        if self._why_not():
            raise InputError(self._why_not())
        panel.folding.works_in("range")
        if self.segment_id:
            self.set_end(self.segment_id, panel.plane, first=first)
        else:
            self._set_end_of_all(panel.plane, first=first)

    def _set_end_of_all(self, plane: int, *, first: bool) -> None:
        """An end on its wrong side moves to the end of the volume."""
        session = self._panel.session
        whole = (0, session.volume.planes - 1)
        before = session.plane_range or whole
        if first:
            self.set_range(plane, before[1] if before[1] >= plane else whole[1])
        else:
            self.set_range(before[0] if before[0] <= plane else whole[0], plane)

    def set_range(self, first: int, last: int) -> None:
        """First and last plane of all segments; what contradicts what is painted is said at once."""
        panel, session = self._panel, self._panel.session
        if panel.why_locked():
            raise InputError(panel.why_locked())
        if len(session.segment_ids) == 1:
            session.clear_range(session.segment_ids[0])
        session.set_range(first, last)
        panel.refresh()
        session.annotation(panel.present)
        if session.plane_range != (first, last):
            text = _("Every segment has a range of its own: together they are slices {first} to {last}.")
            panel.status.say(text.format(first=session.plane_range[0], last=session.plane_range[1]))

    def set_end(self, segment_id: str, plane: int, *, first: bool) -> None:
        """One end of a segment's range; once both are there the next segment without a range is selected."""
        panel, session = self._panel, self._panel.session
        if panel.why_locked():
            raise InputError(panel.why_locked())
        is_whole_now = ranges.set_end(session, segment_id, plane, first=first)
        panel.refresh()
        session.annotation(panel.present)
        name = structures.names(session, [segment_id])[0]
        ends = session.state.segment_ranges.get(segment_id)
        if ends is None:
            text = _("First slice of {name}: {slice}.") if first else _("Last slice of {name}: {slice}.")
            panel.status.say(text.format(name=name, slice=plane))
            return
        text = _("{name}: slices {first} to {last}.").format(name=name, first=ends[0], last=ends[1])
        panel.status.say(f"{text} {self._go_on(segment_id) if is_whole_now else ''}".rstrip())

    def _go_on(self, segment_id: str) -> str:
        """Select the next segment without a range, after the last one the first; returns what to do now."""
        panel, session = self._panel, self._panel.session
        ids, left = session.segment_ids, ranges.without_range(session)
        if not left:
            return _("All segments have a range: press Suggest.")
        place = ids.index(segment_id)
        following = next(one for one in [*ids[place + 1 :], *ids[:place]] if one in left)
        panel.editor.select(following)
        return _("Now {name}.").format(name=structures.names(session, [following])[0])

    def clear(self) -> None:
        """Forget the range of the selected segment; where *All* is pressed that of all, and those of single ones."""
        panel, chosen = self._panel, self.segment_id
        session = panel.session
        panel.folding.works_in("range")
        had = sum(one in session.state.segment_ranges for one in session.segment_ids)
        for one in [chosen] if chosen else session.segment_ids:
            session.clear_range(one)
        if not chosen:
            session.clear_range()
        panel.refresh()
        if chosen:
            panel.status.say(_("{name} has no range now.").format(name=structures.names(session, [chosen])[0]))
        elif had > 1:
            panel.status.say(_("The ranges of {count} segments are cleared.").format(count=had))

    def _fill_menu(self) -> None:
        """The segmentations of the scene, those of the session among them."""
        panel, menu = self._panel, self.from_menu
        menu.clear()
        session = panel.session
        there = [] if session is None or session.ended else segmentations_in(session.scene)
        own = None if session is None or session.ended else session.segmentation_node
        # The own one last, and only where it holds something to take ranges from.
        there = [one for one in there if one is not own and not panel.sessions.is_preview(one)]
        there += [own] if own is not None and panel.present is not None and any(panel.present.contents) else []
        if not there:
            menu.addAction(_("No other segmentation is loaded")).setEnabled(False)
        for node in there:
            text = _("{name} (these segments)") if node is own else "{name}"
            action = menu.addAction(text.format(name=node.GetName()))
            panel.on(action.triggered, partial(self.take_from, node.GetID()))

    def take_from(self, node_id: str) -> None:
        """The range of every segment, from a segmentation whose segments have the same names."""
        panel, session = self._panel, self._panel.session
        if panel.why_locked():
            raise InputError(panel.why_locked())
        node = session.scene.GetNodeByID(node_id)
        if node is None:
            raise InputError(_("This segmentation is gone: choose another one."))
        panel.folding.works_in("range")
        with panel.busy():
            added = ranges.add_segments_of(session, node)
            found = ranges.ranges_in(session, node)
            for segment_id, ends in found.items():
                session.set_range(*ends, segment_id)
            panel.refresh()
        session.annotation(panel.present)
        panel.status.say(self._said(node, found, added))

    def _said(self, node, found, added: int) -> str:
        session = self._panel.session
        text = _("The ranges of {count} segments are those in {name}.")
        text = _("The range of 1 segment is that in {name}.") if len(found) == 1 else text
        parts = [text.format(count=len(found), name=node.GetName())]
        if added:
            parts.append(_("They were added, empty, to be painted."))
        left = ranges.without_range(session)
        if left:
            parts.append(_("Not there: {names}.").format(names=structures.listed(structures.names(session, left))))
        return " ".join(parts)

    def _why_not(self) -> str:
        """Why no end can be set; empty if it can."""
        panel = self._panel
        reason = panel.why_no_plane() or panel.why_locked()
        several = not reason and len(panel.session.segment_ids) > 1 and not panel.ui.allSegmentsButton.checked
        return _("Select a segment in the table first.") if several and not self.segment_id else reason

    def show(self) -> None:
        """Offer what can be done."""
        panel, ui, session = self._panel, self._panel.ui, self._panel.session
        reason, chosen = self._why_not(), self.segment_id
        self._show_ends(reason, structures.names(session, [chosen])[0] if chosen else "")
        there = session is not None and not session.ended
        state = session.state if there else None
        if chosen:
            has_range = chosen in state.segment_ranges or chosen in state.half_ranges
        else:
            has_range = there and (session.plane_range is not None or bool(state.segment_ranges or state.half_ranges))
        no_range = "" if has_range else _("There is no range: the whole volume counts.")
        panel.offer(ui.clearRangeButton, panel.why_no_session() or panel.why_locked() or no_range)
        ui.allSegmentsButton.setVisible(there and len(session.segment_ids) > 1)
        panel.offer(ui.rangesFromButton, panel.why_no_session() or panel.why_locked())

    def _show_ends(self, reason: str, name: str) -> None:
        """What the two buttons are about."""
        panel, ui = self._panel, self._panel.ui
        short = name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"
        texts = (
            (ui.firstHereButton, _("First slice here"), _("First of {name}"), _("{name} begins on this slice (K).")),
            (ui.lastHereButton, _("Last slice here"), _("Last of {name}"), _("{name} ends on this slice (L).")),
        )
        for button, of_all, of_one, tooltip in texts:
            button.setText(of_one.format(name=short) if name else of_all)
            panel.offer(button, reason, tooltip.format(name=name) if name else None)
