"""One click shows the surface of what is painted and predicted together, made anew with each prediction."""

from __future__ import annotations

from collections.abc import Generator

import qt
import slicer

from ..scene import surface
from ..scene.nodes import remove_with_helpers

# Between the steps in which the surfaces are made.
_STEP_MS = 1


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
        self._steps: Generator | None = None
        self._is_in_sight = False
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(_STEP_MS)
        self._timer.timeout.connect(lambda: panel.attempt(self._go_on, quietly=True))
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
        if not self._is_there() or self._shown[0] is not session:
            self.remove()
            self._node = surface.add_surface(session.segmentation_node, session.volume_node)
        self._shown = now
        self._steps = self._making(session)
        self._timer.start()

    def _making(self, session) -> Generator[None, None, None]:
        present, node = self._panel.present, self._node
        labels, ids = session.review.everything(present), list(present.layers.segment_ids)
        yield
        volume_node, segmentation_node = session.volume_node, session.segmentation_node
        yield from surface.showing(node, volume_node, session.volume, labels, segmentation_node, ids)
        if not self._is_in_sight:
            look_at_everything()
        self._is_in_sight = True

    @property
    def is_being_made(self) -> bool:
        """Whether the surfaces are on their way."""
        return self._steps is not None

    def _go_on(self) -> None:
        """One of the steps, a structure each, so that Slicer never stands still for long."""
        steps, session = self._steps, self._panel.session
        if steps is None or session is None or session.ended or next(steps, self) is self:
            self._steps = None
        else:
            self._timer.start()

    def _is_there(self) -> bool:
        return self._node is not None and self._node.GetScene() is not None

    def follow(self) -> None:
        """Names and colours as the segments have them now."""
        session = self._panel.session
        if self._is_there() and session is not None:
            surface.preview.follow(self._node, session.segmentation_node)

    def remove(self) -> None:
        """Take it out of the 3-D views."""
        self._timer.stop()
        if self._node is not None:
            remove_with_helpers(self._node)
        self._node = self._shown = self._steps = None
        self._is_in_sight = False
