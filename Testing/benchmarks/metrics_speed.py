"""Time of all distances of one structure against SimpleITK's Hausdorff filter, which gives two of the five.

    python Testing/benchmarks/metrics_speed.py LABEL_FILE [LABEL_FILE ...]

Every class of every file is compared with itself, dilated by a voxel and shifted by one.
"""

import argparse
import time

import numpy as np
import SimpleITK as sitk  # noqa: N813
from scipy import ndimage
from SparseAnnotateLib import metrics


def seconds_of(function, *arguments):
    """Best of three runs."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)


def as_image(mask, like):
    """A boolean array as an image on the grid of another."""
    image = sitk.GetImageFromArray(mask.view(np.uint8))
    image.CopyInformation(like)
    return image


def main():
    """Print one line a structure, and the mean ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    ratios = []
    for path in parser.parse_args().files:
        image = sitk.ReadImage(path)
        labels, spacing_mm = sitk.GetArrayFromImage(image), image.GetSpacing()[::-1]
        for value in np.unique(labels)[1:]:
            reference = labels == value
            mask = np.roll(ndimage.binary_dilation(reference), 1, axis=1)
            ours = seconds_of(metrics.distances, mask, reference, spacing_mm)
            peer = sitk.HausdorffDistanceImageFilter()
            theirs = seconds_of(peer.Execute, as_image(mask, image), as_image(reference, image))
            ratios.append(theirs / ours)
            print(f"{path} class {value}: {ours:.3f} s, SimpleITK {theirs:.3f} s, ratio {ratios[-1]:.1f}")
    print(f"{len(ratios)} structures: SimpleITK takes {np.median(ratios):.1f} times as long (median)")


if __name__ == "__main__":
    main()
