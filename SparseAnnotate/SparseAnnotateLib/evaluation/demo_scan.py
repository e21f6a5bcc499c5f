"""The scan of the demo: 60 planes of the MNI152 T1 template with its tissues, which ships inside nilearn's wheel."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from pathlib import Path

import numpy as np

from ..annotation import LabelClass
from ..errors import MissingPackageError
from ..volume import Volume

# Soft colours that stay apart for colour-blind readers (Okabe and Ito's palette).
CLASSES = (
    LabelClass(1, "grey matter", (0.90, 0.62, 0.0)),
    LabelClass(2, "white matter", (0.34, 0.71, 0.91)),
    LabelClass(3, "fluid and rest of the brain", (0.0, 0.62, 0.45)),
)
# From the midbrain to above the ventricles: a third of the template, predicted in a third of the time.
PLANES = slice(40, 100)
_FILES = "mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"


def read_demo_scan() -> tuple[Volume, np.ndarray]:
    """The planes `PLANES` of the template, on a grid of their own, and their labels, values of `CLASSES`.

    The template is skull-stripped, so its brain mask is where it is not zero. A voxel is grey or white matter where
    that tissue's map says more than half, or more than the other one; the brain's other voxels are the third class.

    Raises
    ------
    MissingPackageError
        Without nilearn.
    """
    from ..io import read_image

    folder = _folder()
    volume = read_image(folder / _FILES.format("t1"), axis="k")
    grey, white = (read_image(folder / _FILES.format(tissue), axis="k").intensities for tissue in ("gm", "wm"))
    brain = volume.intensities > 0
    labels = np.where(brain, 3, 0).astype(np.uint8)
    half = 0.5 * max(float(grey.max()), float(white.max()))
    labels[brain & (grey >= half) & (grey >= white)] = 1
    labels[brain & (white >= half) & (white > grey)] = 2
    return _slab(volume, PLANES), np.ascontiguousarray(labels[PLANES])


def rough_demo_labels(volume: Volume) -> np.ndarray:
    """What a program makes of the demo's scan that knows intensities alone: Otsu's two thresholds in the brain."""
    import SimpleITK as sitk  # noqa: N813

    inside = volume.intensities > 0
    smooth = sitk.GetArrayFromImage(sitk.DiscreteGaussian(sitk.GetImageFromArray(volume.intensities), 0.5))
    otsu = sitk.OtsuMultipleThresholdsImageFilter()
    otsu.SetNumberOfThresholds(2)
    otsu.Execute(sitk.GetImageFromArray(smooth[inside][None, None]))
    return np.where(inside, np.array([3, 1, 2], np.uint8)[np.digitize(smooth, otsu.GetThresholds())], 0).astype(
        np.uint8
    )


def _slab(volume: Volume, planes: slice) -> Volume:
    """Some planes of a volume that is annotated along k, where they are in the patient."""
    geometry = volume.geometry
    along = np.reshape(geometry.direction, (3, 3))[:, 2] * geometry.spacing_mm[2]
    origin = tuple((np.asarray(geometry.origin_mm) + planes.start * along).tolist())
    size = (*geometry.size[:2], planes.stop - planes.start)
    # The header that the file came with speaks of another size.
    geometry = dataclasses.replace(geometry, size=size, origin_mm=origin, header=None)
    return Volume(np.ascontiguousarray(volume.intensities[planes]), volume.spacing_mm, geometry, volume.axis)


def _folder() -> Path:
    """Where `make demo` puts the files, or else where nilearn keeps them."""
    own = Path(sys.prefix) / "share" / "sparse-annotate"
    if (own / _FILES.format("t1")).is_file():
        return own
    # Found without importing it, which takes two seconds.
    found = importlib.util.find_spec("nilearn")
    if found is None or found.origin is None:
        raise MissingPackageError(
            "the demo's scan comes with nilearn, which is not installed: pip install 'sparse-annotate[demo]'"
        )
    return Path(found.origin).parent / "datasets" / "data"
