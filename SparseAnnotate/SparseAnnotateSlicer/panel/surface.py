"""One click shows the surface of what is painted and predicted together, made anew with each prediction. No Qt."""

from __future__ import annotations

import slicer

from ..scene import surface
from ..scene.nodes import remove_with_helpers


def look_at_everything() -> None:
    """Turn the 3-D views to what is shown there: until then they look at the origin, far from most scans."""
    manager = slicer.app.layoutManager()
    for number in range(0 if manager is None else manager.threeDViewCount):
        manager.threeDWidget(number).threeDView().resetFocalPoint()


class Surface:
    """The button 3D of the review row."""

    def __init__(self, panel):
        self._panel = panel
        self._node, self._shown = None, None
        panel.on(panel.ui.surfaceButton.clicked, self.update)

    @property
    def node(self):
        """The vtkMRMLSegmentationNode with the surfaces; None without."""
        return self._node

    def update(self) -> None:
        """Show the surface if it is wanted: made anew if something was predicted since."""
        panel, session = self._panel, self._panel.session
        if session is None or session.ended or panel.present is None or not panel.ui.surfaceButton.checked:
            self.remove()
            return
        now = (session, session.review.predictions)
        if self._is_there() and self._shown == now:
            return
        with panel.busy():
            if not self._is_there() or self._shown[0] is not session:
                self.remove()
                self._node = surface.add_surface(session.segmentation_node, session.volume_node)
            labels, ids = session.review.everything(panel.present), panel.present.layers.segment_ids
            surface.show(self._node, session.volume_node, session.volume, labels, session.segmentation_node, list(ids))
        if self._shown is None:
            look_at_everything()
        self._shown = now

    def _is_there(self) -> bool:
        return self._node is not None and self._node.GetScene() is not None

    def follow(self) -> None:
        """Names and colours as the segments have them now."""
        session = self._panel.session
        if self._is_there() and session is not None:
            surface.preview.follow(self._node, session.segmentation_node)

    def remove(self) -> None:
        """Take it out of the 3-D views."""
        if self._node is not None:
            remove_with_helpers(self._node)
        self._node = self._shown = None
