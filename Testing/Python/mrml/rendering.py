"""Slice and 3-D views off-screen, drawn by Slicer's own displayable managers, to arrays and PNG files."""

import numpy as np
import slicer
import vtk
from vtkmodules.util.numpy_support import vtk_to_numpy

_SLICE_MANAGERS = ("vtkMRMLSegmentationsDisplayableManager2D", "vtkMRMLModelSliceDisplayableManager")
_SPACE_MANAGERS = (
    "vtkMRMLCameraDisplayableManager",
    "vtkMRMLViewDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D",
)


class _View:
    def __init__(self, headless, factory, managers, size, background=None):
        self.application_logic, self.scene = headless.application_logic, headless.scene
        self.renderer, self.window = vtk.vtkRenderer(), vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetShowWindow(False)
        self.window.SetMultiSamples(0)
        self.window.SetSize(*size)
        self.window.AddRenderer(self.renderer)
        interactor = vtk.vtkRenderWindowInteractor()
        interactor.SetRenderWindow(self.window)
        interactor.Initialize()
        self._interactor = interactor
        if background is not None:
            # Before all others: what is drawn later is blended with what is there.
            self.renderer.AddViewProp(background)
        self.managers = slicer.vtkMRMLDisplayableManagerGroup()
        self.managers.SetRenderer(self.renderer)
        instance = factory.GetInstance()
        instance.SetMRMLApplicationLogic(self.application_logic)
        for name in managers:
            if not instance.IsDisplayableManagerRegistered(name):
                instance.RegisterDisplayableManager(name)
        self.managers.Initialize(instance, self.renderer)

    def image(self):
        """uint8 (rows, columns, 3), the top row first."""
        self.window.Render()
        grabber = vtk.vtkWindowToImageFilter()
        grabber.SetInput(self.window)
        grabber.ReadFrontBufferOff()
        grabber.Update()
        picture = grabber.GetOutput()
        width, height, _ = picture.GetDimensions()
        return vtk_to_numpy(picture.GetPointData().GetScalars()).reshape(height, width, 3)[::-1].copy()

    def close(self):
        self.managers.SetMRMLDisplayableNode(None)
        for logics in (self.application_logic.GetSliceLogics(), self.application_logic.GetViewLogics()):
            logics.RemoveItem(self.logic)
        self.logic.SetMRMLScene(None)
        self.window.Finalize()


class SliceView(_View):
    """One slice view, as Slicer's Red, Green or Yellow one."""

    def __init__(self, headless, name="Red", size=(400, 400)):
        mapper = vtk.vtkImageMapper()
        mapper.SetColorWindow(255)
        mapper.SetColorLevel(127.5)
        self._actor = vtk.vtkActor2D()
        self._actor.SetMapper(mapper)
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory
        super().__init__(headless, factory, _SLICE_MANAGERS, size, self._actor)
        self.renderer.GetActiveCamera().ParallelProjectionOn()
        self.logic = slicer.vtkMRMLSliceLogic()
        self.logic.SetMRMLApplicationLogic(self.application_logic)
        self.logic.SetMRMLScene(self.scene)
        self.node = self.logic.AddSliceNode(name)
        self.application_logic.GetSliceLogics().AddItem(self.logic)
        self.managers.SetMRMLDisplayableNode(self.node)

    def show(self, volume_node, middle_ras, orientation=None):
        """The plane of a volume through a point; `orientation` Axial, Sagittal or Coronal, else the volume's own."""
        self.logic.GetSliceCompositeNode().SetBackgroundVolumeID(volume_node.GetID())
        if orientation is None:
            self.node.RotateToVolumePlane(volume_node)
        else:
            self.node.SetOrientation(orientation)
        self.logic.ResizeSliceNode(*self.window.GetSize())
        self.logic.FitSliceToBackground()
        self.node.JumpSliceByOffsetting(*middle_ras)
        self._actor.GetMapper().SetInputConnection(self.logic.GetImageDataConnection())
        return self


class SpaceView(_View):
    """One 3-D view."""

    def __init__(self, headless, name="View1", size=(400, 400)):
        super().__init__(headless, slicer.vtkMRMLThreeDViewDisplayableManagerFactory, _SPACE_MANAGERS, size)
        self.logic = slicer.vtkMRMLViewLogic()
        self.logic.SetMRMLApplicationLogic(self.application_logic)
        self.logic.SetMRMLScene(self.scene)
        self.node = self.logic.AddViewNode(name)
        self.application_logic.GetViewLogics().AddItem(self.logic)
        self.managers.SetMRMLDisplayableNode(self.node)
        self.node.SetBoxVisible(False)
        self.node.SetAxisLabelsVisible(False)
        self.renderer.ResetCamera()

    def image(self):
        """See `_View.image`; everything is in sight."""
        self.renderer.ResetCamera()
        return super().image()


def titled_row(titles, pictures, gap=6):
    """Pictures side by side with a title above each: uint8 (rows, columns, 3)."""
    from PIL import Image, ImageDraw, ImageFont

    height, width = pictures[0].shape[:2]
    strip = Image.new("RGB", (len(pictures) * (width + gap) - gap, height + 26), "white")
    draw = ImageDraw.Draw(strip)
    for number, (title, picture) in enumerate(zip(titles, pictures, strict=True)):
        draw.text((number * (width + gap) + 4, 5), title, fill="black", font=ImageFont.load_default(15))
        strip.paste(Image.fromarray(picture), (number * (width + gap), 26))
    return np.array(strip)
