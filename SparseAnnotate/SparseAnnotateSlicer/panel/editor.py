"""The embedded segment editor, with an editor node of its own, bound to the session's nodes."""

from __future__ import annotations

import slicer

from .room import DataProbe, arrange

_TAG = "SparseAnnotate"
# As many as Slicer's own module keeps.
_UNDO_STATES = 10


class Editor:
    """Binds the editor widget; its history undoes what is accepted as any stroke."""

    def __init__(self, panel):
        self._widget = panel.ui.editor
        self._widget.setMaximumNumberOfUndoStates(_UNDO_STATES)
        arrange(panel.ui.rows.parent(), self._widget)
        self._probe = DataProbe()
        self._entered = False

    def select_node(self) -> None:
        """Give the widget its editor node, a new one after the scene was closed or another one read.

        The node comes before the scene, so that what the widget chooses by itself is kept in it.
        """
        node = slicer.mrmlScene.GetSingletonNode(_TAG, "vtkMRMLSegmentEditorNode")
        if node is None:
            node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
            node.UnRegister(None)
            node.SetSingletonTag(_TAG)
            node.SetName("SparseAnnotate editor")
            node = slicer.mrmlScene.AddNode(node)
        if self._widget.mrmlSegmentEditorNode() is not node:
            self._widget.setMRMLSegmentEditorNode(node)
        self._widget.setMRMLScene(slicer.mrmlScene)

    def bind(self, session) -> None:
        """Edit the segments of a session, or none."""
        if session is None:
            self._widget.setSegmentationNode(None)
            return
        self.select_node()
        self._widget.setSegmentationNode(session.segmentation_node)
        self._widget.setSourceVolumeNode(session.volume_node)
        session.review.editor_node = self._widget.mrmlSegmentEditorNode()
        session.review.save_state = self._widget.saveStateForUndo

    def current_segment(self) -> str:
        """ID of the segment that is chosen in the editor; empty without."""
        return self._widget.currentSegmentID() or ""

    def select(self, segment_id: str) -> None:
        """Choose a segment."""
        self._widget.setCurrentSegmentID(segment_id)

    def node(self):
        """The vtkMRMLSegmentEditorNode of the widget; None without."""
        return self._widget.mrmlSegmentEditorNode()

    def tool(self) -> str:
        """The active effect, as the segment editor names it; empty without."""
        return "" if self.node() is None else self.node().GetActiveEffectName() or ""

    def parameter(self, name: str) -> str:
        """A parameter that effects share; empty without."""
        return "" if self.node() is None else self.node().GetAttribute(name) or ""

    def undo(self) -> None:
        """Take the last step of the editor's history back."""
        self._widget.undo()

    def redo(self) -> None:
        """Do again what was undone last."""
        self._widget.redo()

    def paint(self) -> None:
        """Take up the brush."""
        self._widget.setActiveEffectByName("Paint")

    def enter(self) -> None:
        """The module is shown: its keys work."""
        self.select_node()
        self._probe.fold()
        if not self._entered:
            self._widget.installKeyboardShortcuts()
        self._entered = True

    def exit(self) -> None:
        """Another module is shown: leave it the keys and the mouse."""
        self._probe.unfold()
        self._widget.setActiveEffect(None)
        if self._entered:
            self._widget.uninstallKeyboardShortcuts()
        self._entered = False
        self._widget.removeViewObservations()
