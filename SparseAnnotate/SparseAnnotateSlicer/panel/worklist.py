"""The worklist: scans of a folder in which a cohort's network asks for slices; the next scan, the next slice, done."""

from __future__ import annotations

import qt
import slicer
from slicer.i18n import tr as _
from SparseAnnotateLib.errors import InputError

from ..session.worklist import Worklist, nodes_of
from .planes import to_paint


class WorklistRow:
    """One scan at a time is in the scene; leaving it saves it."""

    def __init__(self, panel):
        self._panel, ui = panel, panel.ui
        self._list: Worklist | None = None
        # The scan that is open, and the node of its session.
        self._scan: str | None = None
        self._node = None
        self._shown: list[tuple[str, str]] = []
        panel.on(ui.worklistFolderButton.clicked, self._choose_folder)
        panel.on(ui.worklistCombo.activated, self._chosen)
        panel.on(ui.worklistSliceButton.clicked, panel.suggest.next)
        panel.on(ui.worklistScanButton.clicked, self._next_scan)
        panel.on(ui.worklistCloseButton.clicked, self._close)

    def _choose_folder(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(
            slicer.util.mainWindow(), _("Folder with a table of cohort suggest"), ""
        )
        if not folder:
            return
        chosen = Worklist(folder)
        first = chosen.next_scan(None) or chosen.scans[0]
        self._leave()
        self._open(chosen, first)
        if not chosen.waiting(first):
            self._panel.status.say(self._all_done())

    def _chosen(self) -> None:
        combo = self._panel.ui.worklistCombo
        scan = combo.itemData(combo.currentIndex)
        if scan and not (scan == self._scan and self._is_here()):
            self._leave()
            self._open(self._list, scan)

    def _next_scan(self) -> None:
        self._leave()
        scan = self._list.next_scan(self._scan)
        if scan is None:
            self._panel.status.say(self._all_done())
        elif scan != self._scan or not self._is_here():
            self._open(self._list, scan)

    def _close(self) -> None:
        self._leave()
        self._list = self._scan = self._node = None

    def _all_done(self) -> str:
        text = _("All slices that were asked for are painted. Now: cohort train {folder} --again-from MODEL.")
        return text.format(folder=self._list.folder)

    def _is_here(self) -> bool:
        """Whether the scan is in the scene still, which the user may have closed."""
        return self._node is not None and self._node.GetScene() is slicer.mrmlScene

    def _leave(self) -> None:
        """Save the scan that is open."""
        panel = self._panel
        if not self._is_here():
            return
        if panel.why_locked():
            raise InputError(panel.why_locked())
        with panel.busy():
            panel.refresh()
            self._note()
            self._list.save(slicer.mrmlScene, self._scan)

    def _open(self, worklist: Worklist, scan: str) -> None:
        """Put another scan into the scene, which holds nothing that is not saved."""
        panel, scene = self._panel, slicer.mrmlScene
        others = scene.GetNumberOfNodesByClass("vtkMRMLVolumeNode")
        others += scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")
        if others and not self._is_here():
            raise InputError(_("Save and close the scene first: the worklist opens one scan at a time."))
        with panel.busy():
            scene.Clear(False)
            session = worklist.open(scene, scan)
            volume, segmentation = nodes_of(session)
            session.close()
            self._list, self._scan, self._node = worklist, scan, session.node
            panel.parameters.volume = volume
            panel.parameters.segmentation = segmentation
            panel.choose()
            if slicer.app.layoutManager() is not None:
                slicer.util.resetSliceViews()
        waiting = panel.to_paint()
        if waiting:
            panel.jump(waiting[0])

    def _note(self) -> None:
        """Remember what waits in the scan that is open, where it is the one on the panel."""
        panel = self._panel
        if self._is_here() and panel.present is not None and panel.session.node is self._node:
            self._list.note(self._scan, to_paint(panel.session, panel.present))

    def show(self) -> None:
        """List the scans with what waits in each."""
        panel, ui = self._panel, self._panel.ui
        ui.worklistFrame.setVisible(self._list is not None)
        if self._list is None:
            return
        self._note()
        entries = [(self._text(scan), scan) for scan in self._list.scans]
        combo = ui.worklistCombo
        combo.blockSignals(True)
        if entries != self._shown:
            combo.clear()
            for text, scan in entries:
                combo.addItem(text, scan)
            self._shown = entries
        combo.setCurrentIndex(combo.findData(self._scan) if self._is_here() else -1)
        combo.blockSignals(False)
        left = sum(len(self._list.waiting(scan)) for scan in self._list.scans)
        combo.setToolTip(
            _("{left} slices of {count} scans wait, {table}.").format(
                left=left, count=len(self._list.scans), table=self._list.table.name
            )
        )
        reason = "" if panel.to_paint() else _("No suggested slice of this scan waits.")
        panel.offer(ui.worklistSliceButton, panel.why_no_session() or reason)
        panel.offer(ui.worklistScanButton, panel.why_locked())

    def _text(self, scan: str) -> str:
        waiting = self._list.waiting(scan)
        if not waiting:
            return _("{scan}: done").format(scan=scan)
        planes = ", ".join(map(str, waiting[:4])) + (" ..." if len(waiting) > 4 else "")
        return _("{scan}: {planes}").format(scan=scan, planes=planes)
