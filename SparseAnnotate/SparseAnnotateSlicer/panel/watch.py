"""Tells the panel when the segmentation was painted, half a second after the last stroke.

Looking for painted planes takes half a second at 512 x 512 x 300, too long for every stroke of a brush.
"""

from __future__ import annotations

import qt
import slicer
from slicer.util import VTKObservationMixin

DELAY_MS = 500


class SegmentationWatch(VTKObservationMixin):
    """Watches the segments of one session.

    Parameters
    ----------
    action : what to do once painting pauses
    at_once : what to do at every change, before anything can be undone
    """

    def __init__(self, action, at_once):
        VTKObservationMixin.__init__(self)
        self._session, self._at_once = None, at_once
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(action)

    def start(self, session) -> None:
        """Watch a session instead of the one before."""
        self.stop()
        self._session = session
        segmentation = session.segmentation_node.GetSegmentation()
        kind = slicer.vtkSegmentation
        for event in (kind.SourceRepresentationModified, kind.SegmentAdded, kind.SegmentRemoved, kind.SegmentModified):
            self.addObserver(segmentation, event, self._changed)
        self.addObserver(session.volume_node, slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent, self._changed)
        self.addObserver(session.scene, slicer.vtkMRMLScene.NodeRemovedEvent, self._node_removed)

    def _changed(self, caller, event) -> None:  # noqa: ARG002 - VTK's form
        self._timer.start()
        self._at_once()

    def _node_removed(self, caller, event) -> None:  # noqa: ARG002 - VTK's form
        """The panel's own lines come and go, too: only the end of the session counts."""
        if self._session.ended or self._session.is_orphan():
            self._timer.start()

    @property
    def is_waiting(self) -> bool:
        """Whether something was painted that has not been looked at."""
        return bool(self._timer.active)

    def stop(self) -> None:
        """Watch nothing."""
        self._timer.stop()
        self.removeObservers()
