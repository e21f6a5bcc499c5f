"""Small image files for the tests, written by SimpleITK itself."""

import numpy as np
import SimpleITK as sitk  # noqa: N813

IDENTITY = np.eye(3)
# Oblique about all three axes, and the same mirrored (determinant -1), as sagittal NIfTI files often are.
_A, _B = np.deg2rad(20), np.deg2rad(35)
OBLIQUE = np.array([[np.cos(_A), -np.sin(_A), 0], [np.sin(_A), np.cos(_A), 0], [0, 0, 1]]) @ np.array(
    [[1, 0, 0], [0, np.cos(_B), -np.sin(_B)], [0, np.sin(_B), np.cos(_B)]]
)
LEFT_HANDED = OBLIQUE @ np.diag([1.0, 1.0, -1.0])
DIRECTIONS = {"identity": IDENTITY, "oblique": OBLIQUE, "left-handed": LEFT_HANDED}


def image_of(array, spacing=(0.7, 1 / 3, 3.1), origin=(-12.345678901, 55.1, 3.3), direction=IDENTITY):
    """A SimpleITK image of an array in file order (k, j, i)."""
    image = sitk.GetImageFromArray(np.asarray(array), isVector=np.ndim(array) == 4)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    image.SetDirection(np.ravel(direction).tolist())
    return image


def write(path, array, metadata=None, **place):
    """Write an array in file order and return the path."""
    image = image_of(array, **place)
    for key, text in (metadata or {}).items():
        image.SetMetaData(key, text)
    sitk.WriteImage(image, str(path))
    return path


def ramp(shape=(4, 5, 6), dtype=np.int16):
    """Every voxel another value, in file order (k, j, i)."""
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def place_of(path):
    """What a reader finds: spacing, origin and direction, to the last bit."""
    image = sitk.ReadImage(str(path))
    return image.GetSpacing(), image.GetOrigin(), image.GetDirection()


def write_dicom_series(folder, array, *, uid="1.2.3", description="T1", positions=None, orientation="1\\0\\0\\0\\1\\0"):
    """Write the slices of an array as a DICOM series, in an order of file names that is not that of their places."""
    folder.mkdir(exist_ok=True)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    positions = [(0.0, 0.0, 2.5 * number) for number in range(len(array))] if positions is None else positions
    for number, (one, position) in enumerate(zip(array, positions, strict=True)):
        image = sitk.GetImageFromArray(one)
        image.SetSpacing((0.5, 0.5))
        tags = {
            "0008|0060": "MR",
            "0008|103e": description,
            "0020|000e": uid,
            "0020|000d": "1.2",
            "0008|0018": f"{uid}.{number}",
            "0020|0013": str(number),
            "0020|0032": "\\".join(str(value) for value in position),
            "0020|0037": orientation,
            "0018|0050": "2.5",
        }
        for key, text in tags.items():
            image.SetMetaData(key, text)
        writer.SetFileName(str(folder / f"{uid}_{len(array) - number:03d}.dcm"))
        writer.Execute(image)
    return folder
