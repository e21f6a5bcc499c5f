"""Other segmentations of a volume are hidden while one is annotated: they would pass for painted. No Qt."""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _


class Others:
    """Hides the other segmentations of a session's volume, says so, and shows them again afterwards."""

    def __init__(self, panel):
        self._panel = panel
        self._hidden: list = []

    def hide(self, session) -> None:
        """Hide those that lie on the session's volume and are shown; its own is shown."""
        self.show_again()
        ours = (session.segmentation_node, session.preview_node, self._panel.review.surface.node)
        for node in self._on(session.volume_node):
            display = node.GetDisplayNode()
            previewed = self._panel.sessions.is_preview(node)
            if node not in ours and not previewed and display is not None and display.GetVisibility():
                display.SetVisibility(False)
                self._hidden.append(node)
        if self._hidden:
            names = ", ".join(node.GetName() for node in self._hidden)
            self._panel.status.say(
                _("Hidden for now, because they belong to the same volume: {names}.").format(names=names)
            )

    def show_again(self) -> None:
        """Show what was hidden, as far as it is there."""
        for node in self._hidden:
            if node.GetScene() is not None and node.GetDisplayNode() is not None:
                node.GetDisplayNode().SetVisibility(True)
        self._hidden = []

    @staticmethod
    def _on(volume_node) -> list:
        scene, kind = volume_node.GetScene(), "vtkMRMLSegmentationNode"
        role = slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()
        nodes = [scene.GetNthNodeByClass(number, kind) for number in range(scene.GetNumberOfNodesByClass(kind))]
        return [node for node in nodes if node.GetNodeReference(role) is volume_node]
