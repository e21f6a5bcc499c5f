"""Painting is blind: no prediction is shown on a slice that is still to be painted, unless the user asks. No Qt."""

from __future__ import annotations

from ..scene.plane_geometry import PlaneGeometry

# How much a slice may be turned against the planes and still count as one of them.
_ALMOST_PARALLEL = 0.9999


def show_where_allowed(panel) -> None:
    """Show the prediction of the session on the panel, in all views but those on a plane to be painted."""
    for session in panel.sessions.open():
        preview = session.preview_node
        if preview is None:
            continue
        display = preview.GetDisplayNode()
        shown = session is panel.session
        if bool(display.GetVisibility()) != shown:
            display.SetVisibility(shown)
        if shown and panel.present is not None:
            hidden = panel.hidden()
            _restrict(display, _views_on(panel, hidden) if hidden else set())


def _views_on(panel, planes: set[int]) -> set[str]:
    """IDs of the slice nodes that show one of the planes."""
    session = panel.session
    geometry = PlaneGeometry.of(session.volume_node, session.state.axis)
    nodes = [one for one in _nodes(session.scene, "vtkMRMLSliceNode") if geometry.alignment(one) > _ALMOST_PARALLEL]
    return {node.GetID() for node in nodes if geometry.plane_in(node) in planes}


def _restrict(display, hidden: set[str]) -> None:
    """Show a display node everywhere but in some views; with none of these, everywhere and in views to come."""
    views = [*_nodes(display.GetScene(), "vtkMRMLSliceNode"), *_nodes(display.GetScene(), "vtkMRMLViewNode")]
    allowed = [node.GetID() for node in views if node.GetID() not in hidden] if hidden else []
    if sorted(allowed) == sorted(display.GetViewNodeIDs() or ()):
        return
    display.SetViewNodeIDs(allowed)


def _nodes(scene, name: str) -> list:
    return [scene.GetNthNodeByClass(number, name) for number in range(scene.GetNumberOfNodesByClass(name))]
