"""The panel as a whole: its rows, the session they are about, and what the user is told."""

from __future__ import annotations

import contextlib
import importlib
import logging
import threading

import qt
import slicer
from slicer.i18n import tr as _
from SparseAnnotateLib.errors import InputError

from ..session.initial import ask_again_if_taken_back, ask_if_made, take_up_again_if_redone
from ..session.planes import PlaneState
from ..views.slice_views import SliceViews
from .blind import show_where_allowed
from .editor import Editor
from .folding import Folding
from .live import Live
from .origin import OriginRow
from .others import Others
from .planes import strip_planes, to_paint
from .predict import PredictRow
from .range import RangeRow
from .review import ReviewRow
from .shortcuts import Shortcuts
from .status import Status
from .strip import StripRow
from .strokes import Strokes
from .suggest import SuggestRow
from .volume import VolumeRow
from .watch import SegmentationWatch
from .worklist import WorklistRow

logger = logging.getLogger(__name__)


class Panel:
    """Connects the rows of the panel with the session that they are about.

    Parameters
    ----------
    ui : the widgets of the form, by name
    sessions : Sessions

    Attributes
    ----------
    parameters : the module's parameter node wrapper; None while the module is not shown, or the scene closes
    session : AnnotationSession on the panel; None without
    present : what the session's segmentation held when it was looked at last; None without, and on the way to another
    plane : the plane that the slice view shows, or that was clicked where there is no view; None without
    """

    def __init__(self, ui, sessions):
        self.ui, self.sessions = ui, sessions
        self.parameters = self.session = self.present = self.plane = None
        self._tooltips: dict[str, str] = {}
        self._choosing, self._chosen = False, None
        self.views = SliceViews()
        self.views.onCurrentPlaneChanged = self._plane_shown
        self.status = Status(self)
        self.watch = SegmentationWatch(
            lambda: self.attempt(self.refresh, keep_message=True),
            lambda: self.attempt(self.strokes.changed, quietly=True),
        )
        self.editor, self.strokes = Editor(self), Strokes(self)
        self.volume, self.suggest, self.predict = VolumeRow(self), SuggestRow(self), PredictRow(self)
        self.live = Live(self)
        self.others = Others(self)
        self.range, self.review, self.strip = RangeRow(self), ReviewRow(self), StripRow(self)
        self.shortcuts, self.folding = Shortcuts(self), Folding(self)
        self.origin, self.worklist = OriginRow(self), WorklistRow(self)
        told = (self.worklist, self.volume, self.strip, self.origin, self.range, self.suggest)
        self._rows = (*told, self.predict, self.live, self.review)
        self.show()

    def on(self, signal, action) -> None:
        """Do something whenever a signal is emitted; what goes wrong is said in the status line."""

        def slot():
            self.attempt(action)

        signal.connect(slot)

    def attempt(self, action, *, keep_message: bool = False, quietly: bool = False) -> None:
        """Do what the user asked for; what goes wrong is said in the status line.

        Parameters
        ----------
        keep_message : for what happens by itself: what was said stays
        quietly : nothing is shown anew unless something goes wrong, either
        """
        if not keep_message and not quietly:
            self.status.clear()
            # At once: a dialogue may open, beside which what was said before must not stand on.
            self.status.show()
        try:
            action()
        except InputError as error:
            self.status.complain(str(error))
        except Exception as error:
            logger.exception("the panel failed")
            advice = _("Something went wrong ({error}): please report it with Slicer's log.")
            self.status.complain(advice.format(error=error))
        else:
            if quietly:
                return
        self.show()

    def offer(self, widget, reason: str = "", tooltip: str | None = None) -> None:
        """Enable a widget, or disable it with a tooltip that says why.

        Parameters
        ----------
        reason : why it is disabled; empty to enable it
        tooltip : what it does; by default what the form says
        """
        does = self._tooltips.setdefault(widget.objectName, widget.toolTip) if tooltip is None else tooltip
        widget.setEnabled(not reason)
        widget.setToolTip(f"{does}\n\n{reason}" if reason else does)

    def why_no_session(self) -> str:
        """Why hardly anything can be done; empty if it can."""
        return "" if self.present is not None else _("Choose a volume and its segments first.")

    def why_no_plane(self) -> str:
        """Why nothing can be said about the slice that is shown; empty if it can."""
        if self.present is None or self.plane is not None:
            return self.why_no_session()
        return _("No view shows a slice along this axis: press Turn view, or click a bar above.")

    def why_locked(self) -> str:
        """Why what a running prediction rests on must not change; empty if it may."""
        return _("Wait for the prediction, or cancel it.") if self.predict.is_running_for(self.session) else ""

    def choose(self) -> None:
        """Take up the session about the volume and the segmentation that are chosen."""
        parameters = self.parameters
        if parameters is None or self._choosing:
            return
        self._choosing = True
        try:
            volume, segmentation = self.volume.chosen()
            if self.session is not None and not self.session.ended:
                same = self.session.volume_node is volume and self.session.segmentation_node is segmentation
                if same:
                    return
            self.let_go()
            if volume is not None and segmentation is not None:
                self.take_up(self.sessions.of(volume, segmentation, self.volume.axis))
            else:
                # What is to be chosen next must not be folded away, as after a scene was closed.
                self.volume.fold(False)
        finally:
            self._choosing = False

    def parameters_changed(self) -> None:
        """Something was chosen in a selector; nothing to do for what the rows read when they need it."""
        if self.parameters is not None and not self._choosing:
            chosen = self.parameters.volume, self.parameters.segmentation
            if chosen != self._chosen:
                self._chosen = chosen
                self.attempt(self.choose)

    def take_up(self, session) -> None:
        """Put a session on the panel."""
        self.session = session
        self.editor.bind(session)
        self.watch.start(session)
        self.show_axis()
        self.suggest.follow(session)
        self.predict.follow(session)
        self.volume.fold(True)
        self.others.hide(session)
        self.refresh()
        self.live.follow(session)
        qt.QTimer.singleShot(0, self._prepare)

    def _prepare(self) -> None:
        if self.session is not None:
            self.predict.prepare()
            # The look after the second slice needs it: a fifth of a second, which Slicer would stand still for.
            threading.Thread(target=importlib.import_module, args=("scipy.ndimage",), daemon=True).start()

    def show_axis(self) -> None:
        """Show the volume along the session's axis in the slice views."""
        session, self.present = self.session, None
        self.views.setVolume(session.volume_node, session.state.axis)
        self.volume.show_volume(session.volume_node)
        self.views.turnToAxis()
        self.plane = self.views.currentPlane()

    def nodes_added(self) -> None:
        """Many nodes were added at once: only now can the segment editor choose one of them, until then it lets go."""
        if self.session is not None and not self.session.ended:
            self.editor.bind(self.session)

    def let_go(self) -> None:
        """Take the session off the panel; it goes on."""
        self.live.stop()
        self.watch.stop()
        self.strokes.stop()
        self.review.surface.remove()
        self.others.show_again()
        self.session = self.present = self.plane = None
        self.views.setVolume(None, None)
        self.views.clear()
        self.editor.bind(None)
        self.predict.rest()

    def refresh(self) -> None:
        """Look at the segmentation again, and show what has become of it."""
        session = self.session
        if session is None:
            return
        if session.ended:
            self.let_go()
            raise InputError(_("The volume or the segments of this annotation are gone: choose others."))
        before, now = self.present, session.look()
        strokes = session.state.strokes
        line = self.strokes.tell_apart(before, now)
        if session.state.strokes != strokes:
            now = session.look()
        overpainted = self.strokes.overpainted(before, now)
        if overpainted:
            session.review.merge(overpainted, before, now, self.editor.undo, self.editor.redo)
            now = session.look()
        if ask_again_if_taken_back(session, now) or take_up_again_if_redone(session, now):
            self.status.clear()
            now = session.look()
        elif before is not None and not before.painted:
            ask_if_made(session, now)
        self.present = now
        self.strokes.watch()
        self.review.keep_preview()
        if line:
            self.review.say_of(line, now.parts - (frozenset() if before is None else before.parts), PlaneState.PARTLY)
        self.views.showSuggestionLines(to_paint(session, self.present))
        self.live.look()

    def jump(self, plane: int) -> None:
        """Show a plane in the slice view."""
        self.views.jumpTo(plane)
        shown = self.views.currentPlane()
        self._plane_shown(plane if shown is None else shown)

    def _plane_shown(self, plane) -> None:
        """The slice view shows another plane."""
        if self.session is None or self.session.ended or plane == self.plane:
            return
        self.plane = plane
        if self.present is not None:
            self.show()
            self.live.look()

    def show(self) -> None:
        """Bring every row up to date with what is known; reads nothing from the scene."""
        for row in self._rows:
            row.show()
        self.folding.show()
        self.status.show()
        show_where_allowed(self)

    def to_paint(self) -> list[int]:
        """The suggested slices that are still to be painted."""
        return [] if self.session is None or self.present is None else to_paint(self.session, self.present)

    def hidden(self) -> set[int]:
        """The slices whose prediction is not shown, for they are painted blind; what a program made is corrected."""
        if self.session is None or self.session.initial_node is not None or self.review.peeks:
            return set()
        return {*self.to_paint()}

    def strip_planes(self) -> list:
        """What the strip shows."""
        if self.session is None or self.present is None:
            return []
        return strip_planes(self.session, self.present, self.editor.current_segment())

    @contextlib.contextmanager
    def busy(self):
        """Show the wait cursor."""
        slicer.app.setOverrideCursor(qt.Qt.WaitCursor)
        try:
            yield
        finally:
            slicer.app.restoreOverrideCursor()

    def enter(self, parameters) -> None:
        """The module is shown."""
        self.parameters = parameters
        self.editor.enter()
        self.shortcuts.enter()
        self.attempt(self.choose)

    def exit(self) -> None:
        """Another module is shown; a prediction goes on."""
        self.shortcuts.exit()
        self.editor.exit()
        self.let_go()
        self.parameters = None

    def close(self) -> None:
        """The module, or Slicer, ends."""
        self.exit()
        self.suggest.close()
        self.live.close()
        self.predict.close()
        self.sessions.close()
