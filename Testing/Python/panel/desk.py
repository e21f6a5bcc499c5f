"""A window with the module in it, for the tutorial and its pictures: the panel, and slice views beside it."""

import time

import numpy as np
import slicer
import vtk
from SparseAnnotateSlicer.scene.sample import madeUpScan
from vtkmodules.util.numpy_support import vtk_to_numpy

PANEL_WIDTH, HEIGHT, VIEW, GAP = 475, 640, 318, 4
# Of the three views: place and size in pixels; the one along the scan's axis is the largest.
_PLACES = {"Red": (0, 0, 2 * VIEW + GAP, VIEW), "Green": (0, 1, VIEW, VIEW), "Yellow": (1, 1, VIEW, VIEW)}
_MANAGERS = ("vtkMRMLSegmentationsDisplayableManager2D", "vtkMRMLModelSliceDisplayableManager")


class Desk:
    """What a user sees and does; `widget` is the module's widget object.

    Attributes
    ----------
    truth : bool (k, j, i), the made-up scan's organ, which the user knows
    pictures : the folder for pictures that are taken in the midst of a step; None for none
    """

    pictures = None

    def __init__(self, widget):
        self.widget = widget
        self.ui, self.panel = widget.ui, widget.panel
        self.truth = madeUpScan()[1].astype(bool)

    def click(self, button):
        """Press a button that can be pressed."""
        assert button.enabled, f"{button.objectName} is disabled: {button.toolTip}"
        button.click()
        self.wait()

    def picture(self, name):
        """What is seen now, where pictures are wanted."""
        if self.pictures is not None:
            self.save(self.pictures / name)

    def choose(self, combo, name):
        """Choose an entry of a selector by the name it stands for."""
        combo.setCurrentIndex(combo.findData(name))
        self.wait()

    def scroll_to(self, plane):
        """Turn the mouse wheel over the slice view."""
        self.panel.views.jumpTo(plane)
        self.wait()

    def cut_through_the_organ(self):
        """Scroll the views across the slices to where the organ is, and give it a colour that shows on gray."""
        from SparseAnnotateSlicer.scene.volumes import ijk_to_ras

        self.fit()
        session = self.panel.session
        middle = ijk_to_ras(session.volume_node) @ [*(one.mean() for one in np.nonzero(self.truth)[::-1]), 1.0]
        here = self.panel.plane
        slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, *middle[:3])
        self.scroll_to(here)
        segmentation = session.segmentation_node.GetSegmentation()
        segmentation.GetSegment(session.segment_ids[0]).SetColor(0.95, 0.65, 0.05)
        self.wait()

    def paint(self, planes, truth=None):
        """What the brush leaves of the organ on some planes."""
        session = self.panel.session
        node, volume, segment_id = session.segmentation_node, session.volume_node, session.segment_ids[0]
        held = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, volume).copy()
        held[list(planes)] = (self.truth if truth is None else truth)[list(planes)]
        slicer.util.updateSegmentBinaryLabelmapFromArray(held, node, segment_id, volume)
        self.wait_until(lambda: not self.panel.watch.is_waiting)

    def wait(self, seconds=0.0):
        """Let Qt work."""
        end = time.monotonic() + seconds
        while True:
            slicer.app.processEvents()
            if time.monotonic() >= end:
                return
            time.sleep(0.01)

    def wait_until(self, condition, timeout_s=600.0):
        """Let Qt work until something is so."""
        end = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < end, self.ui.statusLabel.text
            self.wait(0.01)


class SlicerDesk(Desk):
    """In a real Slicer: its main window, in the usual layout."""

    def __init__(self):
        slicer.mrmlScene.Clear()
        slicer.util.mainWindow().showMaximized()
        slicer.util.selectModule("SparseAnnotate")
        slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
        super().__init__(slicer.util.getModuleWidget("SparseAnnotate"))

    def fit(self):
        """Slicer has fitted the scan into its views."""

    def empty(self):
        """Close the scene."""
        slicer.mrmlScene.Clear()
        self.wait()

    def save(self, path):
        """A picture of the whole window."""
        self.wait(0.5)
        slicer.util.mainWindow().grab().save(str(path))

    def close(self):
        """End Slicer."""
        slicer.util.exit(0)


class StandInDesk(Desk):
    """On the tests' stand-in: the panel as Qt draws it, and slice views drawn off-screen by Slicer's own managers."""

    def __init__(self, representation=None):
        self.window = None
        # Where it is only clicked through nothing is drawn: without a display that may abort the process.
        if representation is None:
            representation = self._show()
        super().__init__(representation.widget)
        self._representation = representation
        self._drawn = {}

    def _show(self):
        from pathlib import Path

        from PySide6 import QtWidgets
        from standin.application import load_module

        slicer.app.layout_manager.reset(slicer.app._headless)
        representation = load_module(Path(__file__).resolve().parents[3] / "SparseAnnotate" / "SparseAnnotate.py")
        representation.layout().setContentsMargins(0, 0, 0, 0)
        self.window = QtWidgets.QMainWindow()
        self.window.setObjectName("qSlicerMainWindow")
        self.window.setCentralWidget(representation)
        self.window.resize(PANEL_WIDTH, HEIGHT)
        self.window.show()
        representation.enter()
        return representation

    def fit(self):
        """Fit the scan into the drawn views; what Slicer does when a volume is loaded."""
        if self.window is None:
            return
        for name in slicer.app.layoutManager().sliceViewNames():
            if name not in self._drawn:
                widget = slicer.app.layoutManager().sliceWidget(name)
                self._drawn[name] = _DrawnView(widget, _PLACES[name][2:])
            self._drawn[name].fit()

    def empty(self):
        """Close the scene; in Slicer the layout sees to new views."""
        for view in self._drawn.values():
            view.close()
        self._drawn = {}
        slicer.mrmlScene.Clear(False)
        slicer.app.layout_manager.reset(slicer.app._headless)
        self.wait()

    def save(self, path):
        """The panel with three views beside it; a palette of 160 colours keeps the file small."""
        from PIL import Image

        self.fit()
        self.wait(0.2)
        canvas = Image.new("RGB", (PANEL_WIDTH + GAP + 2 * VIEW + GAP, HEIGHT), "white")
        canvas.paste(Image.fromarray(_grabbed(self.window)), (0, 0))
        for name, (column, row, _width, _height) in _PLACES.items():
            place = PANEL_WIDTH + GAP + column * (VIEW + GAP), row * (VIEW + GAP)
            canvas.paste(Image.fromarray(self._drawn[name].image()), place)
        # This method keeps colours that are rare, as those of the strip among the grays.
        small = canvas.quantize(160, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        small.save(path, optimize=True)

    def close(self):
        """Close the window."""
        for view in self._drawn.values():
            view.close()
        self._representation.exit()
        self.widget.cleanup()
        for selector in (self.ui.volumeSelector, self.ui.segmentationSelector):
            selector.setCurrentNode(None)
            selector.setMRMLScene(None)
        self.window.close()


def _grabbed(window):
    """A window's picture: uint8 (rows, columns, 3)."""
    from PySide6.QtGui import QImage

    image = window.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


class _DrawnView:
    """Draws what a slice widget of the stand-in shows: the image, segments, lines, and what stands in its renderer."""

    def __init__(self, widget, size):
        self._logic, self._size = widget.sliceLogic(), size
        renderer = widget.sliceView().renderWindow().GetRenderers().GetFirstRenderer()
        mapper = vtk.vtkImageMapper()
        mapper.SetColorWindow(255)
        mapper.SetColorLevel(127.5)
        self._image = vtk.vtkActor2D()
        self._image.SetMapper(mapper)
        self._image.SetLayerNumber(0)
        # Before all others: what is drawn later is blended with what is there.
        others = list(renderer.GetViewProps())
        for one in others:
            renderer.RemoveViewProp(one)
        for one in (self._image, *others):
            renderer.AddViewProp(one)
        renderer.GetActiveCamera().ParallelProjectionOn()
        self._window = vtk.vtkRenderWindow()
        self._window.SetOffScreenRendering(1)
        self._window.SetShowWindow(False)
        self._window.SetMultiSamples(0)
        self._window.SetSize(*size)
        self._window.AddRenderer(renderer)
        self._interactor = vtk.vtkRenderWindowInteractor()
        self._interactor.SetRenderWindow(self._window)
        self._interactor.Initialize()
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        factory.SetMRMLApplicationLogic(slicer.app.applicationLogic())
        for name in _MANAGERS:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)
        self._managers = slicer.vtkMRMLDisplayableManagerGroup()
        self._managers.SetRenderer(renderer)
        self._managers.Initialize(factory, renderer)
        self._managers.SetMRMLDisplayableNode(widget.mrmlSliceNode())
        self._fitted = None

    def fit(self):
        """Fit the volume into the view, once a volume."""
        volume = self._logic.GetSliceCompositeNode().GetBackgroundVolumeID()
        if volume != self._fitted:
            self._fitted = volume
            self._logic.ResizeSliceNode(*self._size)
            self._logic.FitSliceToBackground()
        self._image.GetMapper().SetInputConnection(self._logic.GetImageDataConnection())
        self._image.SetVisibility(volume is not None)

    def image(self):
        """uint8 (rows, columns, 3), the top row first."""
        self._window.Render()
        grabber = vtk.vtkWindowToImageFilter()
        grabber.SetInput(self._window)
        grabber.ReadFrontBufferOff()
        grabber.Update()
        picture = grabber.GetOutput()
        width, height, _bands = picture.GetDimensions()
        return vtk_to_numpy(picture.GetPointData().GetScalars()).reshape(height, width, 3)[::-1].copy()

    def close(self):
        """Let go of the node and the window."""
        self._managers.SetMRMLDisplayableNode(None)
        self._window.Finalize()
