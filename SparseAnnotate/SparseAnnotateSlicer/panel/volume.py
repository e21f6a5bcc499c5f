"""Row 1: volume, segments and axis, chosen once and then folded into one line."""

from __future__ import annotations

import numpy as np
import qt
import slicer
from slicer.i18n import tr as _
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.volume import resolve_axis

from ..scene.volumes import geometry_of, ijk_to_ras

AUTO = "auto"


class VolumeRow:
    """Chooses what is annotated."""

    def __init__(self, panel):
        self._panel, self._ui = panel, panel.ui
        ui = panel.ui
        for selector in (ui.volumeSelector, ui.segmentationSelector):
            selector.setMRMLScene(slicer.mrmlScene)
        self._axes: tuple | None = None
        ui.volumeLine.toggled.connect(self._unfold)
        panel.on(ui.newSegmentationButton.clicked, self._new_segmentation)
        panel.on(ui.turnViewButton.clicked, self._turn_view)
        panel.on(ui.axisCombo.currentIndexChanged, self._axis_chosen)

    @property
    def axis(self) -> str:
        """The axis that is chosen: "auto", "i", "j" or "k"."""
        return self._ui.axisCombo.itemData(self._ui.axisCombo.currentIndex) or AUTO

    def chosen(self):
        """The volume and the segmentation to annotate; a segmentation that belongs to another volume gives way."""
        panel, parameters = self._panel, self._panel.parameters
        volume, segmentation = parameters.volume, parameters.segmentation
        if volume is None:
            return None, None
        if segmentation is not None and self._belongs_elsewhere(segmentation, volume):
            segmentation = None
        if segmentation is None:
            segmentation = panel.sessions.segmentation_of(volume)
        if segmentation is not parameters.segmentation:
            parameters.segmentation = segmentation
        return volume, segmentation

    def _belongs_elsewhere(self, segmentation, volume) -> bool:
        if self._panel.sessions.is_preview(segmentation):
            return True
        other = self._panel.sessions.volume_of(segmentation)
        return other is not None and other is not volume

    def _new_segmentation(self) -> None:
        """Make a segmentation on the volume's grid, with one segment to begin with."""
        panel, volume = self._panel, self._panel.parameters.volume
        if volume is None:
            raise InputError(_("Choose a volume first."))
        name = _("{volume} segments").format(volume=volume.GetName())
        name = slicer.mrmlScene.GetUniqueNameByString(name) if slicer.mrmlScene.GetFirstNodeByName(name) else name
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
        node.CreateDefaultDisplayNodes()
        node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
        node.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
        node.GetSegmentation().AddEmptySegment()
        # Last, for it takes up the session at once.
        panel.parameters.segmentation = node

    def _turn_view(self) -> None:
        self._panel.show_axis()
        self._panel.refresh()

    def _axis_chosen(self) -> None:
        panel, session = self._panel, self._panel.session
        if session is None:
            return
        if panel.why_locked():
            self._show_chosen_axis()
            raise InputError(panel.why_locked())
        axis = resolve_axis(self.axis, geometry_of(session.volume_node).spacing_mm)
        if axis != session.state.axis:
            session.set_axis(axis)
            panel.show_axis()
            panel.refresh()

    def show_volume(self, volume_node) -> None:
        """Show a volume in the slice views, if it is not there yet."""
        manager = slicer.app.layoutManager()
        if manager is None:
            return
        composites = [manager.sliceWidget(name).mrmlSliceCompositeNode() for name in manager.sliceViewNames()]
        if not any(one.GetBackgroundVolumeID() == volume_node.GetID() for one in composites if one is not None):
            slicer.util.setSliceViewerLayers(background=volume_node, fit=True)

    def fold(self, folded: bool) -> None:
        """Fold the row into its line, or unfold it."""
        self._ui.volumeLine.setChecked(not folded)

    def _unfold(self) -> None:
        unfolded = self._ui.volumeLine.checked
        self._ui.volumeFrame.setVisible(unfolded)
        self._ui.volumeLine.setArrowType(qt.Qt.DownArrow if unfolded else qt.Qt.RightArrow)

    def show(self) -> None:
        """Say what is chosen."""
        panel, ui, session = self._panel, self._ui, self._panel.session
        parameters = panel.parameters
        volume = parameters.volume if parameters is not None else None
        line = self._line(volume, session)
        ui.volumeLine.setText(line)
        # Between the names of the rows there is not room for all of it.
        ui.volumeLine.setToolTip(f"{line}\n\n" + _("Show or hide volume, segments and axis."))
        reason = "" if volume is not None else _("Choose a volume first.")
        panel.offer(ui.segmentationSelector, reason)
        panel.offer(ui.newSegmentationButton, reason)
        panel.offer(ui.axisCombo, reason or panel.why_locked())
        panel.offer(ui.turnViewButton, panel.why_no_session())
        self._list_axes(volume)
        self._show_chosen_axis()

    def _line(self, volume, session) -> str:
        if volume is None:
            return _("Choose a volume")
        if session is None:
            return _("{volume}: choose or make its segments").format(volume=volume.GetName())
        count = len(session.segment_ids) if not session.ended else 0
        text = _("{volume}, 1 segment, axis {axis}") if count == 1 else _("{volume}, {count} segments, axis {axis}")
        return text.format(volume=volume.GetName(), count=count, axis=session.state.axis.upper())

    def _list_axes(self, volume) -> None:
        """Name every axis by the way its slices lie, and say which one is taken by itself."""
        key = None if volume is None or volume.GetImageData() is None else (volume.GetID(), geometry_of(volume))
        if key == self._axes and key is not None:
            return
        self._axes, combo, chosen = key, self._ui.axisCombo, self.axis
        combo.blockSignals(True)
        combo.clear()
        if key is not None:
            spacing = key[1].spacing_mm
            names = _axis_names(volume, spacing)
            auto = names[resolve_axis(AUTO, spacing)]
            for data, text in ((AUTO, _("Auto: {axis}").format(axis=auto)), *names.items()):
                combo.addItem(text, data)
            combo.setCurrentIndex(max(0, combo.findData(chosen)))
        combo.blockSignals(False)

    def _show_chosen_axis(self) -> None:
        session, combo = self._panel.session, self._ui.axisCombo
        if session is None or session.ended:
            return
        axis = session.state.axis
        if resolve_axis(self.axis, geometry_of(session.volume_node).spacing_mm) != axis:
            combo.blockSignals(True)
            combo.setCurrentIndex(combo.findData(axis))
            combo.blockSignals(False)


def _axis_names(volume, spacing_mm) -> dict[str, str]:
    """Such as: K, axial, 3 mm; by axis."""
    planes = (_("sagittal"), _("coronal"), _("axial"))
    matrix = ijk_to_ras(volume)[:3, :3]
    return {
        axis: _("{axis}, {plane}, {spacing} mm").format(
            axis=axis.upper(), plane=planes[int(np.argmax(np.abs(matrix[:, n])))], spacing=f"{spacing_mm[n]:.3g}"
        )
        for n, axis in enumerate("ijk")
    }
