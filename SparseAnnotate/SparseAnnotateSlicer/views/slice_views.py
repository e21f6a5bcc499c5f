"""Slicer's slice views: go to a plane, draw lines where planes are to be painted, say what a plane is. Without Qt."""

from __future__ import annotations

import weakref
from collections.abc import Sequence

import slicer
import vtk

from ..scene.plane_geometry import PlaneGeometry, middle_of_plane
from .suggestion_lines import add_lines, remove_lines

# Cosines between the annotation axis and the direction a view looks along.
_SHOWS_PLANES = 0.7
_CUTS_PLANES = 0.8
_BADGE_FONT_SIZE = 15
_USUAL_VIEWS = ("Red", "Yellow", "Green")


class SliceViews:
    """The views as one annotation sees them; harmless without a window, a layout, or a volume.

    Attributes
    ----------
    onCurrentPlaneChanged : called with the plane in the view that shows the annotation axis, or None, when it changes
    """

    def __init__(self):
        self.onCurrentPlaneChanged = None
        self._volume = self._axis = None
        self._last = None
        self._observed: dict = {}
        self._lines = None
        self._linePlanes: list[int] = []
        self._badge = self._badgeView = None

    def setVolume(self, volumeNode, axis: str | None = None) -> None:
        """The volume and its annotation axis ("i", "j" or "k"); None lets go of views and scene."""
        if volumeNode is None:
            self.clear()
        elif (volumeNode, axis) != (self._volume, self._axis):
            self.clear()
            self._volume, self._axis = volumeNode, axis
            self._observeScene()
            self._last = self.currentPlane()

    def sliceNodeFor(self, volumeNode, axis: str):
        """The vtkMRMLSliceNode that shows planes along an axis best, of those in the layout if one does; or None.

        Of several that show them alike it is Red, Yellow or Green: Slicer lists views in any order.
        """
        geometry = PlaneGeometry.of(volumeNode, axis)
        nodes = self._sliceNodes()
        inSight = [one for one in nodes if one.IsMappedInLayout() and geometry.alignment(one) > _SHOWS_PLANES]
        return max(inSight or nodes, key=lambda one: round(geometry.alignment(one), 3), default=None)

    def jumpTo(self, plane: int) -> None:
        """Show a plane; zoom and pan stay."""
        node = self._node()
        if node is not None:
            node.JumpSliceByOffsetting(*middle_of_plane(self._volume, self._axis, plane))

    def turnToAxis(self) -> None:
        """Turn the views onto the volume's grid, so that one shows whole planes: if none nearly does the first one."""
        node = self._node()
        if node is None:
            return
        plane = self.currentPlane()
        geometry = self._geometry()
        inSight = [one for one in self._sliceNodes() if one.IsMappedInLayout()]
        if inSight and node not in inSight:
            node = inSight[0]
            node.SetOrientation(_orientationAlong(geometry.normal))
        parent = self._volume.GetParentTransformNode()
        if parent is None or parent.IsTransformToWorldLinear():
            for one in self._sliceNodes():
                one.RotateToVolumePlane(self._volume)
        self.jumpTo(geometry.count // 2 if plane is None else plane)
        self.showSuggestionLines(self._linePlanes)

    def currentPlane(self) -> int | None:
        """The plane in the view that shows the annotation axis; None beside the volume, or without views."""
        node = self._node()
        return None if node is None else self._geometry().plane_in(node)

    def showSuggestionLines(self, planes: Sequence[int]) -> None:
        """Draw these planes as lines in the views that cut them; none removes the lines."""
        remove_lines(self._lines)
        self._lines, self._linePlanes = None, list(planes)
        if not self._hasVolume() or not planes:
            return
        geometry = self._geometry()
        across = [node.GetID() for node in self._sliceNodes() if geometry.alignment(node) < _CUTS_PLANES]
        if across:
            self._lines = add_lines(self._volume, geometry.axis, planes, across)

    def showBadge(self, text: str) -> None:
        """A few words on top of the view that shows the annotation axis; "" removes them.

        A corner annotation would be wiped at the next scroll: Data Probe owns those.
        """
        view = self._sliceView() if text else None
        if self._badge is not None and view is not self._badgeView:
            self._removeBadge()
        if view is None:
            return
        if self._badge is None:
            self._badge, self._badgeView = _badge(), view
            _renderer(view).AddViewProp(self._badge)
        if self._badge.GetInput() != text:
            self._badge.SetInput(text)
            view.scheduleRender()

    def clear(self) -> None:
        """Take lines and badge away and let go of volume, views and scene."""
        self.showSuggestionLines([])
        self._removeBadge()
        self._volume = self._axis = self._last = None
        for node, tag in self._observed.items():
            node.RemoveObserver(tag)
        self._observed = {}

    # Nodes and views

    def _hasVolume(self) -> bool:
        volume = self._volume
        return volume is not None and volume.GetScene() is not None and volume.GetImageData() is not None

    def _geometry(self) -> PlaneGeometry:
        return PlaneGeometry.of(self._volume, self._axis)

    def _node(self):
        return self.sliceNodeFor(self._volume, self._axis) if self._hasVolume() else None

    def _sliceNodes(self) -> list:
        """Of the views that exist, in the layout or not."""
        layout = _layoutManager()
        if layout is None:
            return []
        widgets = [layout.sliceWidget(name) for name in layout.sliceViewNames()]
        nodes = [widget.mrmlSliceNode() for widget in widgets if widget is not None]
        nodes = sorted((node for node in nodes if node is not None), key=_usualOrder)
        self._observeViews(nodes)
        return nodes

    def _sliceView(self):
        """The qMRMLSliceView that shows the annotation axis."""
        node = self._node()
        return None if node is None else _layoutManager().sliceWidget(node.GetLayoutName()).sliceView()

    def _removeBadge(self) -> None:
        if self._badge is not None:
            renderer = _renderer(self._badgeView)
            if renderer is not None:
                renderer.RemoveViewProp(self._badge)
                self._badgeView.scheduleRender()
        self._badge = self._badgeView = None

    # Events

    def _observeViews(self, nodes) -> None:
        """Watch views for another plane, also those that another layout brought; they keep no reference to this."""
        new = [node for node in nodes if node not in self._observed] if self._volume is not None else []
        me = weakref.ref(self)

        def moved(*_):
            if me() is not None:
                me()._onMoved()

        self._observed |= {node: node.AddObserver(vtk.vtkCommand.ModifiedEvent, moved) for node in new}

    def _observeScene(self) -> None:
        """Let go of everything when the scene closes."""
        me = weakref.ref(self)

        def closes(*_):
            if me() is not None:
                me().clear()

        scene = self._volume.GetScene()
        self._observed[scene] = scene.AddObserver(slicer.vtkMRMLScene.StartCloseEvent, closes)

    def _onMoved(self) -> None:
        """One move gives one or two events; only another plane is told."""
        plane = self.currentPlane()
        if plane != self._last:
            self._last = plane
            if self.onCurrentPlaneChanged is not None:
                self.onCurrentPlaneChanged(plane)


def _usualOrder(sliceNode) -> tuple[int, str]:
    """Slicer's own three views first, others by their names."""
    name = sliceNode.GetLayoutName()
    return (_USUAL_VIEWS.index(name) if name in _USUAL_VIEWS else len(_USUAL_VIEWS), name)


def _layoutManager():
    application = getattr(slicer, "app", None)
    return None if application is None else application.layoutManager()


def _renderer(view):
    window = view.renderWindow()
    return None if window is None else window.GetRenderers().GetFirstRenderer()


def _orientationAlong(normal) -> str:
    """Slicer's preset that looks along a direction."""
    return ("Sagittal", "Coronal", "Axial")[int(abs(normal).argmax())]


def _badge():
    actor = vtk.vtkTextActor()
    actor.GetPositionCoordinate().SetCoordinateSystemToNormalizedViewport()
    actor.SetPosition(0.5, 0.97)
    text = actor.GetTextProperty()
    text.SetFontSize(_BADGE_FONT_SIZE)
    text.SetBold(True)
    text.SetJustificationToCentered()
    text.SetVerticalJustificationToTop()
    text.SetColor(1.0, 1.0, 1.0)
    text.SetBackgroundColor(0.0, 0.0, 0.0)
    text.SetBackgroundOpacity(0.55)
    return actor
