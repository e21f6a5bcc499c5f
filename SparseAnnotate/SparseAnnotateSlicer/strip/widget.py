"""The slice strip: a bar a plane along the annotation axis, to look at, click, drag and ask. It decides nothing."""

from __future__ import annotations

from collections.abc import Sequence

import qt
from slicer.i18n import tr as _

from ..session.planes import PlaneState
from .lanes import Lane, lane_at
from .model import StripModel, StripPlane
from .painter import BASE, HEIGHT, Colors, base_of, paint
from .texts import handleText, laneText, planeText

__all__ = ["SliceStrip", "StripPlane"]

# Around a handle, in pixels: it is seven wide.
_REACH = 8
_TREMBLE = 4


class SliceStrip(qt.QWidget):
    """Shows every plane; click, drag and the arrow keys move the slice view, the ends of the range can be dragged.

    Attributes
    ----------
    onJump : called with the plane to show
    onRangeDragged : called with first and last plane, once an end was let go
    onEndDragged : called with a segment ID, whether it is its first plane, and the plane, once an end was let go
    onSegmentChosen : called with a segment ID whose end was taken
    onMarkPlane : called with a plane and what the user says it is: PlaneState.EMPTY, PARTLY, PAINTED, or OPEN for
        "not painted"
    onMarkSegment : called with a plane, and whether it is complete for the structure of `setSegment`
    onExportProvenance : called without arguments
    """

    def __init__(self, parent=None):
        qt.QWidget.__init__(self, parent)
        self.onJump = self.onRangeDragged = self.onMarkPlane = self.onMarkSegment = self.onExportProvenance = None
        self.onEndDragged = self.onSegmentChosen = None
        self._segment = ""
        self.model = StripModel()
        self._drag = None
        self._rangeBefore = self._grabbedAt = None
        self._asked = None
        self.hint = _("Choose a volume to see its slices here")
        self.objectName = "SparseAnnotateSliceStrip"
        self.accessibleName = _("Slices, with what was done on each")
        self.setFixedHeight(HEIGHT)
        self.setMinimumWidth(160)
        self.setSizePolicy(qt.QSizePolicy.Expanding, qt.QSizePolicy.Fixed)
        self.setFocusPolicy(qt.Qt.StrongFocus)
        self.setMouseTracking(True)
        self._makeMenu()

    def setPlanes(self, planes: Sequence[StripPlane]) -> None:
        """All planes of the annotation axis, in order; the strip is drawn again only if something changed."""
        planes = list(planes)
        if planes != self.model.planes:
            if len(planes) != len(self.model.planes):
                self._letGo()
                self.model.plane_range = self.model.current = None
            self.model.planes = planes
            self._fillMenu()
            self.update()

    def setHint(self, text: str) -> None:
        """What stands in the strip while there are no planes."""
        if text != self.hint:
            self.hint = text
            self.update()

    def setRange(self, first: int | None, last: int | None) -> None:
        """First and last plane of the range, or None twice where nobody has said it. Left alone while it is dragged."""
        new = None if first is None or last is None else (first, last)
        if self._drag not in ("first", "last") and new != self.model.plane_range:
            self.model.plane_range = new
            self.update()

    def setLanes(self, lanes: Sequence[Lane], selected: str = "") -> None:
        """The range of each of several structures, and whose ends the handles are: "" for the range of all."""
        if self._drag not in ("first", "last") and (list(lanes), selected) != (self.model.lanes, self.model.selected):
            self.model.lanes, self.model.selected = list(lanes), selected
            self.update()

    def setCurrentPlane(self, index: int | None) -> None:
        """The plane in the slice view; None where it is between planes or outside the volume."""
        if index is not None and not 0 <= index < len(self.model.planes):
            index = None
        if index != self.model.current:
            self.model.current = index
            # From now on the menu key is about this plane.
            self._asked = None
            self._fillMenu()
            self.update()

    def setSegment(self, name: str) -> None:
        """The selected one of several structures, or "": what the menu says of it."""
        if name != self._segment:
            self._segment = name
            self._fillMenu()

    # Drawing

    def paintEvent(self, event) -> None:  # noqa: ARG002 - Qt's argument
        """Draw it."""
        painter = qt.QPainter(self)
        if not self.enabled:
            painter.setOpacity(0.45)
        colors = Colors.of(self.palette)
        paint(painter, self.model, colors, self.width, self.hint)
        if self.focus:
            painter.fillRect(0, HEIGHT - 1, self.width, 1, self.palette.color(qt.QPalette.Highlight))
        painter.end()

    # Mouse

    def mousePressEvent(self, event) -> None:
        """Left: take a handle, or jump. Right: remember the plane for the menu."""
        x, y = event.pos().x(), event.pos().y()
        self._asked = self.model.plane_at(x, self.width)
        self._fillMenu()
        if event.button() != qt.Qt.LeftButton or not self.model.planes:
            return
        self._drag = self._handleAt(x, y) or "scrub"
        if self._drag == "scrub":
            self._jump(self._asked)
        else:
            lane = self._laneAt(y)
            if lane is not None and lane.segment_id != self.model.selected:
                self.model.selected = lane.segment_id
                if self.onSegmentChosen:
                    self.onSegmentChosen(lane.segment_id)
            self._rangeBefore, self._grabbedAt = (self.model.plane_range, self.model.lanes), x
            self.model.hold_window()

    def mouseMoveEvent(self, event) -> None:
        """Scrub, drag an end of the range, or tell what is under the mouse."""
        x, y = event.pos().x(), event.pos().y()
        if self._drag == "scrub":
            self._jump(self.model.plane_at(x, self.width))
        elif self._drag is not None:
            self._dragRange(x)
        else:
            handle = self._handleAt(x, y)
            self.setCursor(qt.QCursor(qt.Qt.SizeHorCursor if handle else qt.Qt.ArrowCursor))
            lane = self._laneAt(y)
            text = self._handleText(handle) if handle else self.textOf(self.model.plane_at(x, self.width))
            self.toolTip = laneText(lane) if lane is not None else text

    def mouseReleaseEvent(self, event) -> None:  # noqa: ARG002
        """Hand over the range that was dragged."""
        drag, before, lane = self._drag, self._rangeBefore, self.model.lane
        after = self.model.plane_range, self.model.lanes
        self._letGo()
        if drag not in ("first", "last") or after == before:
            return
        if lane is not None and self.onEndDragged:
            self.onEndDragged(lane.segment_id, drag == "first", lane.first if drag == "first" else lane.last)
        elif lane is None and self.onRangeDragged:
            self.onRangeDragged(*after[0])

    def _handleAt(self, x: int, y: int) -> str | None:
        """The end of a range that can be taken here: below the bars only, where nothing else is."""
        lane = self._laneAt(y)
        handles = self.model.handles(self.width) if lane is None else self.model.pixels_of(lane, self.width)
        if handles is None or (lane is None and y < BASE):
            return None
        left, right = handles[0] - x, x - handles[1]
        if abs(left - 3) <= _REACH and abs(left - 3) <= abs(right - 3):
            return "first"
        return "last" if abs(right - 3) <= _REACH else None

    def _laneAt(self, y: int) -> Lane | None:
        """The structure whose line is here; None beside the lines."""
        model, top = self.model, base_of(self.model)
        return lane_at(model.lanes, model.selected, y - top - 1) if top <= y < BASE else None

    def _dragRange(self, x: int) -> None:
        """The plane under the mouse becomes the end; a hand that trembles moves nothing."""
        if self._grabbedAt is not None and abs(x - self._grabbedAt) < _TREMBLE:
            return
        self._grabbedAt = None
        model = self.model
        plane = model.plane_at(x, self.width, beyond=True)
        before = model.held
        end = model.move_end(self._drag, plane)
        if model.held == before:
            return
        model.widen_window(plane)
        self.update()
        self._jump(end)

    def _letGo(self) -> None:
        self._drag = self._rangeBefore = None
        self.model.let_window_go()
        self.update()

    def _jump(self, plane: int | None) -> None:
        if plane is not None and plane != self.model.current:
            self.setCurrentPlane(plane)
            if self.onJump:
                self.onJump(plane)

    # Keyboard

    def keyPressEvent(self, event) -> None:
        """Left and right, a page of ten, home and end of the range; Escape gives up dragging."""
        key, model = event.key(), self.model
        if key == qt.Qt.Key_Escape and self._drag in ("first", "last"):
            model.plane_range, model.lanes = self._rangeBefore
            self._letGo()
            return
        first, last = model.ends_of(model.lane) if None not in model.held else (0, len(model.planes) - 1)
        current = first if model.current is None else model.current
        targets = {
            qt.Qt.Key_Left: current - 1,
            qt.Qt.Key_Right: current + 1,
            qt.Qt.Key_PageUp: current - 10,
            qt.Qt.Key_PageDown: current + 10,
            qt.Qt.Key_Home: first,
            qt.Qt.Key_End: last,
        }
        if key in targets and model.planes:
            self._jump(min(max(targets[key], 0), len(model.planes) - 1))
        else:
            event.ignore()

    # What it says

    def textOf(self, index: int | None) -> str:
        """What hovering over a plane says: number, position, state, and why or how good."""
        if index is None:
            return ""
        return planeText(self.model.planes[index])

    def _handleText(self, end: str) -> str:
        return handleText(self.model.lane, end, given=None not in self.model.held)

    # The menu (right click, or the menu key for the current plane)

    def _makeMenu(self) -> None:
        """Actions of the widget itself are its context menu."""
        self._title = self._addAction("", lambda: None)
        self._title.enabled = False
        self._marks = {
            PlaneState.PAINTED: self._addAction(_("Painted"), lambda: self._mark(PlaneState.PAINTED)),
            PlaneState.PARTLY: self._addAction(_("Painted only in part"), lambda: self._mark(PlaneState.PARTLY)),
            PlaneState.EMPTY: self._addAction(_("Empty: nothing to paint"), lambda: self._mark(PlaneState.EMPTY)),
            PlaneState.OPEN: self._addAction(_("Not painted"), lambda: self._mark(PlaneState.OPEN)),
        }
        self._segmentMarks = {
            True: self._addAction("", lambda: self._markSegment(True)),
            False: self._addAction("", lambda: self._markSegment(False)),
        }
        self._wholeAction = self._addAction(_("Show all slices of the volume"), self._toggleWhole)
        self._wholeAction.checkable = True
        self._addAction(_("Export what was done on each slice (CSV)..."), self._export)
        self.setContextMenuPolicy(qt.Qt.ActionsContextMenu)
        self._fillMenu()

    def _addAction(self, text: str, slot):
        action = qt.QAction(text, self)
        action.triggered.connect(lambda: slot())
        self.addAction(action)
        return action

    def _fillMenu(self) -> None:
        """What can be said about the plane that the menu is about."""
        plane = self._plane()
        state = None if plane is None else plane.state
        self._title.text = "" if plane is None else _("Slice {number}").format(number=plane.slice_number)
        holdsLabels = state in (PlaneState.PAINTED, PlaneState.PARTLY, PlaneState.ACCEPTED)
        given = state in (PlaneState.PAINTED, PlaneState.PARTLY, PlaneState.EMPTY)
        can = {
            PlaneState.PAINTED: state in (PlaneState.PARTLY, PlaneState.ACCEPTED),
            PlaneState.PARTLY: state is PlaneState.PAINTED,
            PlaneState.EMPTY: plane is not None and not holdsLabels and state is not PlaneState.EMPTY,
            PlaneState.OPEN: given,
        }
        for mark, action in self._marks.items():
            action.enabled = can[mark]
        self._fillSegmentMenu(plane)

    def _fillSegmentMenu(self, plane: StripPlane | None) -> None:
        """What can be said about the selected structure on the plane: not there with only one."""
        here = plane is not None and (plane.elsewhere or plane.state in (PlaneState.PAINTED, PlaneState.PARTLY))
        isComplete = here and plane.state is PlaneState.PAINTED and not plane.elsewhere
        texts = {True: _("Complete for {name}"), False: _("Not complete for {name}")}
        for complete, action in self._segmentMarks.items():
            action.text = texts[complete].format(name=self._segment)
            action.visible = bool(self._segment)
            action.enabled = bool(self._segment) and here and complete != isComplete

    def _plane(self) -> StripPlane | None:
        index = self.model.current if self._asked is None else self._asked
        return self.model.planes[index] if index is not None and index < len(self.model.planes) else None

    def _mark(self, state: PlaneState) -> None:
        plane = self._plane()
        if plane is not None and self.onMarkPlane:
            self.onMarkPlane(plane.index, state)

    def _markSegment(self, complete: bool) -> None:
        plane = self._plane()
        if plane is not None and self.onMarkSegment:
            self.onMarkSegment(plane.index, complete)

    def _toggleWhole(self) -> None:
        self.model.whole = self._wholeAction.checked
        self.update()

    def _export(self) -> None:
        if self.onExportProvenance:
            self.onExportProvenance()
