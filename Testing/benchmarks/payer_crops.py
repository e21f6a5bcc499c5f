"""Copies of cases whose planes are each cropped at a place of their own, as in Payer 2023, section 5.3 and table 5.

Every plane is padded and a patch is cut from it at random, each at another place: neighbours no longer belong together.
`evaluate --crop-random` keeps volumes whole: it cuts one square out of all planes.

The paper gives 50 and 100 pixels of padding and mean overlaps of .1587 and .1087. Patches at uniformly drawn places
have these overlaps where their side is .376 and .322 of the padded plane's: of 512 pixels, 230 both times (45 %).

    python Testing/benchmarks/payer_crops.py DATA --images PATTERN --labels PATTERN -o crops/ --padding 25 --side 115
    sparse-annotate evaluate crops/cases.csv -o results/ --axis k ...
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import SimpleITK
from SparseAnnotateLib.evaluation.datasets import find_labelled_cases


def cropped(image: SimpleITK.Image, corners: np.ndarray, padding_px: int, side_px: int) -> SimpleITK.Image:
    """Planes along k, padded with the lowest value and each cut at its corner, with the spacing they had."""
    planes = SimpleITK.GetArrayFromImage(image)
    around = ((0, 0), (padding_px, padding_px), (padding_px, padding_px))
    padded = np.pad(planes, around, constant_values=planes.min())
    cut = [
        plane[row : row + side_px, column : column + side_px]
        for plane, (row, column) in zip(padded, corners, strict=True)
    ]
    result = SimpleITK.GetImageFromArray(np.stack(cut))
    result.SetSpacing(image.GetSpacing())
    return result


def mean_overlap(corners: np.ndarray, side_px: int) -> float:
    """Mean intersection over union of the patches of all pairs of planes."""
    first, second = np.triu_indices(len(corners), 1)
    shared = np.clip(side_px - np.abs(corners[first] - corners[second]), 0, None).prod(axis=1)
    return float((shared / (2 * side_px**2 - shared)).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="a folder, or a table with columns name, image and labels, as for evaluate")
    parser.add_argument("--images")
    parser.add_argument("--labels")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--padding", type=int, required=True, help="pixels on each side")
    parser.add_argument("--side", type=int, required=True, help="of the patches, in pixels")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    cases = find_labelled_cases(arguments.data, images=arguments.images, labels=arguments.labels)
    arguments.output.mkdir(parents=True, exist_ok=True)
    rows = [("name", "image", "labels")]
    for number, case in enumerate(cases):
        image, labels = SimpleITK.ReadImage(str(case.image)), SimpleITK.ReadImage(str(case.labels))
        columns, lines, planes = image.GetSize()
        room = np.array([lines, columns]) + 2 * arguments.padding - arguments.side
        corners = np.random.default_rng([arguments.seed, number]).integers(room + 1, size=(planes, 2))
        names = [f"{case.name}_{kind}.nii.gz" for kind in ("image", "labels")]
        for name, whole in zip(names, (image, labels), strict=True):
            SimpleITK.WriteImage(cropped(whole, corners, arguments.padding, arguments.side), arguments.output / name)
        rows.append((case.name, *names))
        print(f"{case.name}: mean overlap of its planes {mean_overlap(corners, arguments.side):.4f}")
    with (arguments.output / "cases.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


if __name__ == "__main__":
    main()
