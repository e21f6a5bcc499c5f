"""The sessions of a scene while the module is in use: one a volume and segmentation, taken up or started. No Qt."""

from __future__ import annotations

from .node import SEGMENTATION, VOLUME, is_whole, session_nodes
from .session import AnnotationSession


class Sessions:
    """Keeps sessions open, so that a prediction of one can end while another is on the panel."""

    def __init__(self):
        self._open: dict[str, AnnotationSession] = {}

    def of(self, volume_node, segmentation_node, axis: str = "auto") -> AnnotationSession:
        """The session about these two, restored from the scene, or started along an axis.

        Raises
        ------
        InputError
            For a volume that cannot be annotated, segments that cannot be read, or a session that is damaged.
        """
        for node in self._nodes_of(volume_node):
            if node.GetNodeReference(SEGMENTATION) is segmentation_node:
                return self._opened(node)
        session = AnnotationSession.start(volume_node, segmentation_node, axis)
        self._open[session.node.GetID()] = session
        return session

    def segmentation_of(self, volume_node):
        """The segmentation of the latest session about a volume; None without."""
        nodes = self._nodes_of(volume_node)
        return nodes[-1].GetNodeReference(SEGMENTATION) if nodes else None

    def volume_of(self, segmentation_node):
        """The volume of the latest session about a segmentation; None without."""
        nodes = [node for node in session_nodes(segmentation_node.GetScene()) if is_whole(node)]
        found = [node for node in nodes if node.GetNodeReference(SEGMENTATION) is segmentation_node]
        return found[-1].GetNodeReference(VOLUME) if found else None

    def is_preview(self, segmentation_node) -> bool:
        """Whether a segmentation shows what a session predicted."""
        return any(one.preview_node is segmentation_node for one in self.open())

    def open(self) -> list[AnnotationSession]:
        """Those that are in use."""
        self._open = {ID: one for ID, one in self._open.items() if not one.ended}
        return list(self._open.values())

    def _nodes_of(self, volume_node) -> list:
        nodes = [node for node in session_nodes(volume_node.GetScene()) if is_whole(node)]
        return [node for node in nodes if node.GetNodeReference(VOLUME) is volume_node]

    def _opened(self, node) -> AnnotationSession:
        session = self._open.get(node.GetID())
        if session is None or session.ended or session.node is not node:
            session = self._open[node.GetID()] = AnnotationSession.restore(node)
        return session

    def close(self) -> None:
        """Let go of the scene; everything stays in it."""
        for session in self.open():
            session.close()
        self._open = {}
