"""Painting with the segment editor's tools: correcting is painting, and strokes that reach other slices are noticed.

A tool that goes down on a slice whose prediction is shown has that prediction written first, so that it acts on it; one
Ctrl+Z takes the stroke back, a second one what was written. What a stroke leaves on slices that it was not made on is a
part: certain, and no reason to call the slice painted.
"""

from __future__ import annotations

import qt
import slicer
from slicer.i18n import tr as _

from ..scene.plane_geometry import PlaneGeometry
from ..session.painted import NOTHING
from ..session.planes import PlaneState
from ..views.presses import Presses
from .planes import to_paint

# Effects that change the segment where the mouse goes down; others work by their buttons, or change nothing.
TOOLS = ("Paint", "Draw", "Erase", "Level tracing", "Scissors", "Islands", "Smoothing")
# How much a view may be turned against the slices and still count as one of them.
_ALMOST_PARALLEL = 0.9999
# What holds less than this share of its predicted area is a stroke on it; more was painted anew.
_STROKE = 0.5
_SPHERE = "BrushSphere"
# By then a tool has done what it does when the button goes up.
_AFTER_RELEASE_MS = 200
# Of the history: what we wrote, and a state that a tool saved though it changed nothing.
_MOST_STEPS = 2


class Strokes:
    """Knows where the tools of the segment editor went down since the panel looked last."""

    def __init__(self, panel):
        self._panel = panel
        self._presses = Presses(
            lambda node: panel.attempt(lambda: self._goes_down(node), quietly=True),
            lambda: panel.attempt(self._goes_up, quietly=True),
        )
        # Those that were painted on when the panel looked last.
        self.drawn: set[int] = set()
        # The slices that were painted on, and whether it was done in a view across the slices, too.
        self._planes: set[int] = set()
        self._across = False
        self._editor, self._sphere = (None, None), False
        # The last slice that was accepted for a stroke, with what the slices held before and after that.
        self._tried: tuple[int, list[str], list[str]] | None = None
        self._released = qt.QTimer()
        self._released.setSingleShot(True)
        self._released.setInterval(_AFTER_RELEASE_MS)
        self._released.timeout.connect(lambda: panel.attempt(self._give_back, keep_message=True))

    @property
    def is_under_way(self) -> bool:
        """Whether a stroke is being made: a mouse button is down, or a polygon on the slice in view not finished."""
        if qt.QApplication.mouseButtons() != qt.Qt.NoButton:
            return True
        return self._panel.editor.tool() == "Draw" and self._panel.plane in self._planes

    def watch(self) -> None:
        """Watch the views that there are now."""
        self._presses.watch(slicer.app.layoutManager())
        node = self._panel.editor.node()
        if self._editor[0] is not node:
            self._let_go_of_editor()
            self._editor = (
                node,
                None if node is None else node.AddObserver("AnyEvent", lambda *_: self._notice_sphere()),
            )
            self._sphere = self._panel.editor.parameter(_SPHERE) == "1"

    def _let_go_of_editor(self) -> None:
        node, tag = self._editor
        if tag is not None:
            node.RemoveObserver(tag)
        self._editor = (None, None)

    def stop(self) -> None:
        """Watch nothing, and forget."""
        self._presses.stop()
        self._released.stop()
        self._tried = None
        self._let_go_of_editor()
        self._planes, self._across = set(), False

    def _goes_down(self, slice_node) -> None:
        panel, session = self._panel, self._panel.session
        self._released.stop()
        if session is None or session.ended or panel.present is None or panel.editor.tool() not in TOOLS:
            return
        geometry = PlaneGeometry.of(session.volume_node, session.state.axis)
        plane = geometry.plane_in(slice_node) if geometry.alignment(slice_node) > _ALMOST_PARALLEL else None
        if plane is None:
            self._across = True
            return
        if panel.watch.is_waiting:
            panel.refresh()
        self._planes.add(plane)
        if plane in self._shown():
            # The stroke waits for this: what is only seen follows between two events.
            before = panel.present.contents
            session.review.accept([plane], refresh=False)
            panel.present = session.look()
            self._tried = plane, before, panel.present.contents
            text = _("Slice {slice} is written into your segments, to be corrected. Ctrl+Z undoes that.").format(
                slice=plane
            )
            panel.review.say_of(text, [plane], PlaneState.ACCEPTED)
            panel.review.follow_soon()

    def changed(self) -> None:
        """A tool that changed the slice has nothing to give back, even if one Ctrl+Z takes its stroke back at once."""
        session = self._panel.session
        if self._tried is not None and not session.ended and session.read_contents() != self._tried[2]:
            self._tried = None

    def _goes_up(self) -> None:
        """A polygon is drawn with many clicks: what it changes shows later."""
        if self._tried is not None and self._panel.editor.tool() != "Draw":
            self._released.start()

    def _give_back(self) -> None:
        """A tool that changed nothing, such as scissors that cut nothing, leaves the slice predicted."""
        panel, session, tried = self._panel, self._panel.session, self._tried
        self._tried = None
        if tried is None or session is None or session.ended:
            return
        # The tool may have saved a state of its own, which holds the same.
        undone = 0
        while undone < _MOST_STEPS and session.read_contents() == tried[2]:
            panel.editor.undo()
            undone += 1
        if session.read_contents() != tried[1]:
            for _step in range(undone):
                panel.editor.redo()
            return
        self._planes.discard(tried[0])
        panel.refresh()

    def _shown(self) -> set[int]:
        """The slices whose prediction is in sight: not those that are painted blind."""
        panel = self._panel
        return {*panel.present.pending} - panel.hidden()

    def tell_apart(self, before, now) -> str:
        """After a look: which slices hold parts of strokes only; returns a sentence about new ones, or ""."""
        if before is None or len(before.contents) != len(now.contents):
            return ""
        changed = {plane for plane, content in enumerate(now.contents) if content != before.contents[plane]}
        if not changed:
            # The button may still be down: a stroke is written when it goes up.
            return ""
        self.drawn = self._planes & changed
        planes, across, self._planes, self._across = self._planes, self._across, set(), False
        drawn = (planes or across) and self._panel.editor.tool() in TOOLS
        parts = {plane for plane in changed - planes if drawn and _was_blank(before, now, plane)}
        session = self._panel.session
        session.say_strokes(parts, changed & planes)
        new = parts - before.parts
        if not new:
            return ""
        count = {"count": len(new)}
        if across:
            text = _("{count} slices hold a part of a stroke made in another view: kept, but not complete.")
            one = _("1 slice holds a part of a stroke made in another view: kept, but not complete.")
        else:
            count["slice"] = min(planes, default=0)
            text = _("{count} slices hold a part of what was painted on slice {slice}: kept, but not complete.")
            one = _("1 slice holds a part of what was painted on slice {slice}: kept, but not complete.")
        return (one if len(new) == 1 else text).format(**count)

    def overpainted(self, before, now) -> list[int]:
        """Slices whose prediction was in sight and that hold a stroke now of which no event told: a script's, say."""
        if before is None or len(before.contents) != len(now.contents):
            return []
        sighted = self._panel.review.peeks or self._panel.session.initial_node is not None
        hidden = () if sighted else to_paint(self._panel.session, before)
        changed = [plane for plane, content in enumerate(now.contents) if content != before.contents[plane]]
        painted = {plane for plane in changed if now.states[plane] is PlaneState.PAINTED}
        if len(changed) == 1:
            painted |= {*changed} & now.parts
        aside = {*hidden} | before.around | {*self._panel.session.state.strokes}
        return [
            plane
            for plane in sorted({*before.pending} & painted - aside)
            if self._is_stroke(now, plane) and not _overlaps(now, plane)
        ]

    def _is_stroke(self, now, plane: int) -> bool:
        predicted = self._panel.session.review.predicted_area(plane)
        return int((now.layers.labels[plane] > 0).sum()) < _STROKE * predicted

    def _notice_sphere(self) -> None:
        """Say what the sphere brush does, when it is switched on while suggested slices wait."""
        panel, on = self._panel, self._panel.editor.parameter(_SPHERE) == "1"
        switched, self._sphere = on and not self._sphere, on
        if switched and panel.present is not None and to_paint(panel.session, panel.present):
            panel.status.say(
                _("The sphere brush reaches the next slices, too: there it counts as a part, not as a painted slice.")
            )
            panel.status.show()


def _was_blank(before, now, plane: int) -> bool:
    """Whether a slice held nothing of anybody, or parts, before it was changed; what is erased again is no part."""
    return now.contents[plane] != NOTHING and (before.contents[plane] == NOTHING or _is_part(before, plane))


def _is_part(present, plane: int) -> bool:
    return plane in present.parts and present.states[plane] is not PlaneState.ACCEPTED


def _overlaps(now, plane: int) -> bool:
    """Whether segments share pixels of a slice, which one label a pixel cannot say: such a slice is left alone."""
    return bool((sum((layer[plane] > 0).astype(int) for layer in now.layers.layers) > 1).any())
