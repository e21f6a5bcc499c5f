"""Where a volume's planes lie in the world, through the transforms above it, and which of them a slice view shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import slicer
import vtk

from .volumes import ijk_to_ras


@dataclass(frozen=True)
class PlaneGeometry:
    """The planes of a volume along one of its axes.

    Attributes
    ----------
    axis : 0, 1, 2 for i, j, k
    count : planes
    first, last : RAS of the middles of the first and the last plane, in the world, float (3,)
    step : from the middle of a plane to that of the next, in the world; under a warp on average
    """

    axis: int
    count: int
    first: np.ndarray
    last: np.ndarray
    step: np.ndarray

    @classmethod
    def of(cls, volume_node, axis: str) -> PlaneGeometry:
        """Those of a vtkMRMLScalarVolumeNode along "i", "j" or "k"."""
        number = "ijk".index(axis)
        count = volume_node.GetImageData().GetDimensions()[number]
        first, last, second = (middle_of_plane(volume_node, axis, plane) for plane in (0, count - 1, 1))
        step = (last - first) / (count - 1) if count > 1 else second - first
        return cls(number, count, first, last, step)

    @property
    def normal(self) -> np.ndarray:
        """Along the axis, of length one."""
        return self.step / np.linalg.norm(self.step)

    def alignment(self, slice_node) -> float:
        """1 for a slice view that shows the planes as they are, 0 for one at a right angle to them."""
        return abs(float(self.normal @ _slice_to_ras(slice_node)[:3, 2]))

    def plane_in(self, slice_node) -> int | None:
        """The plane nearest to a slice view, where it cuts the middle of the volume; None beside the volume."""
        matrix = _slice_to_ras(slice_node)
        normal, origin = matrix[:3, 2], matrix[:3, 3]
        along = float(self.step @ normal)
        if abs(along) < 1e-9:
            return None
        plane = round(float((origin - self.first) @ normal) / along)
        return plane if 0 <= plane < self.count else None

    def positions_mm(self) -> list[float]:
        """Of all planes, counted as Slicer's slice views count: towards the left, front or top of the patient."""
        normal = self.normal
        largest = int(np.argmax(np.abs(normal)))
        towards = np.sign(normal[largest] * (-1.0, 1.0, 1.0)[largest])
        return (towards * (self.first @ normal + np.arange(self.count) * (self.step @ normal))).tolist()


def middle_of_plane(volume_node, axis: str, plane: int) -> np.ndarray:
    """RAS of the middle of a plane, in the world, float (3,)."""
    ijk = [(size - 1) / 2 for size in volume_node.GetImageData().GetDimensions()]
    ijk["ijk".index(axis)] = plane
    local = (ijk_to_ras(volume_node) @ (*ijk, 1.0))[:3]
    to_world = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(volume_node.GetParentTransformNode(), None, to_world)
    return np.array(to_world.TransformPoint(local))


def _slice_to_ras(slice_node) -> np.ndarray:
    return slicer.util.arrayFromVTKMatrix(slice_node.GetSliceToRAS())
