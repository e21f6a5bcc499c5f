"""Real rough segmentations to start from, made anew from the scans in shared; used by `initial.py`.

    python Testing/benchmarks/rough_segmentations.py ../shared FOLDER [--only registered,intensity,networks]

* ``registered``: another scan's labels, brought over by SimpleITK (affine, then B-spline; mutual information)
* ``network``: a small network of `sparse-annotate cohort train`, trained for minutes on other scans, applied to this
* ``intensity``: tissues by their intensity alone (Otsu's thresholds in the brain), where labels are tissues

Each is written as FOLDER/KIND/CASE.nii.gz, with the values of the case's labels. What is there is not made again.
A case is a folder of shared/data, with the name of another label file after a colon where it is not `label`.
"""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813

logger = logging.getLogger(__name__)

# Pixels that the metric of a registration looks at.
_SAMPLES = 20_000

# Which scan's labels each case is given.
REGISTERED = {
    "MSD_hippocampus_056": "MSD_hippocampus_014",
    "MSD_hippocampus_014": "MSD_hippocampus_163",
    "MSD_hippocampus_163": "MSD_hippocampus_056",
    "ACDC_patient002_cineMR": "ACDC_patient003_cineMR",
    "ACDC_patient003_cineMR": "ACDC_patient002_cineMR",
    "CMR_bSSFP_02_heart": "CMR_bSSFP_04_heart",
    "CMR_bSSFP_04_heart": "CMR_bSSFP_02_heart",
    "CHAOS_MRT2_1_abdomen": "CHAOS_MRT2_2_abdomen",
    "CHAOS_MRT2_2_abdomen": "CHAOS_MRT2_1_abdomen",
    "LA2018_45C45I6I": "LA2018_5QFK2PMH",
    "LA2018_A5RNNK0A": "LA2018_BNK95S2S",
    "FetalAtlas_Chinese28": "FetalAtlas_HarvardSTA26",
    "FetalAtlas_HarvardSTA26": "FetalAtlas_Chinese28",
    "ALBERT03_neonatalT2": "ALBERT04_neonatalT2",
    "OASIS_MICCAI2012_1000": "OASIS_MICCAI2012_1005",
    "OASIS_MICCAI2012_1005": "OASIS_MICCAI2012_1000",
    "IBSR_08": "IBSR_01",
    "OpenKBP_pt_60": "OpenKBP_pt_200",
    "BTCV_SABS1_abdomenCT": "BTCV_SABS3_abdomenCT",
    "BTCV_SABS3_abdomenCT": "BTCV_SABS1_abdomenCT",
}

# Which values the tissues have, from the darkest to the brightest.
INTENSITY = {
    "MNI152_tissue": (1, 2, 3),
    "ALBERT03_neonatalT2:label_tissue": (1, 2, 3),
    "ALBERT04_neonatalT2:label_tissue": (1, 2, 3),
}

# Scans to learn from (folders of shared), options of `cohort train`, and the cases that the network is applied to.
_SMALL = ["--channels", "8", "--batch-size", "2", "--no-known-channel", "--axis", "k", "--network", "unet3d"]
NETWORKS = {
    "left_atria": (
        ["cohorts/left_atria"],
        [*_SMALL, "--limit", "20", "--spacing", "2.5,2.5,2.5", "--block", "32,64,64", "--budget-s", "420"],
        ["LA2018_45C45I6I", "LA2018_A5RNNK0A"],
    ),
    "hippocampus_056": (
        ["data/MSD_hippocampus_014", "data/MSD_hippocampus_163"],
        [*_SMALL, "--block", "32,48,40", "--budget-s", "120"],
        ["MSD_hippocampus_056"],
    ),
    "hippocampus_014": (
        ["data/MSD_hippocampus_056", "data/MSD_hippocampus_163"],
        [*_SMALL, "--block", "32,48,40", "--budget-s", "120"],
        ["MSD_hippocampus_014"],
    ),
    "newborn_brains": (
        ["cohorts/newborn_brains"],
        [*_SMALL, "--spacing", "1.7,1.7,1.7", "--block", "32,64,64", "--budget-s", "420"],
        ["ALBERT03_neonatalT2:label_tissue"],
    ),
}


def read(folder: Path, case: str, labels: bool) -> sitk.Image:
    name, _, other = case.partition(":")
    path = folder / "data" / name / (f"{other or 'label'}.nii.gz" if labels else "image.nii.gz")
    return sitk.ReadImage(str(path), sitk.sitkUInt8 if labels else sitk.sitkFloat32)


def registered(fixed: sitk.Image, moving: sitk.Image, labels: sitk.Image) -> sitk.Image:
    """The moving scan's labels on the fixed one's grid."""
    start = sitk.CenteredTransformInitializer(
        fixed, moving, sitk.AffineTransform(3), sitk.CenteredTransformInitializerFilter.GEOMETRY
    )
    shrink = max(1, round(min(fixed.GetSize()[:2]) / 60))
    affine = _found(fixed, moving, start, [2 * shrink, shrink], 100)
    step = sitk.Resample(moving, fixed, affine, sitk.sitkLinear, float(sitk.GetArrayViewFromImage(moving).min()))
    mesh = [max(2, min(6, size // 8)) for size in fixed.GetSize()]
    spline = _found(fixed, step, sitk.BSplineTransformInitializer(fixed, mesh), [shrink], 25)
    both = sitk.CompositeTransform([affine, spline])
    return sitk.Resample(labels, fixed, both, sitk.sitkNearestNeighbor, 0)


def _found(fixed, moving, start, shrink: list[int], iterations: int):
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(32)
    method.SetMetricSamplingStrategy(method.RANDOM)
    pixels = float(np.prod([max(1, size // shrink[-1]) for size in fixed.GetSize()]))
    method.SetMetricSamplingPercentage(min(0.3, _SAMPLES / pixels), 0)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetShrinkFactorsPerLevel(shrink)
    method.SetSmoothingSigmasPerLevel([one / 2 for one in shrink])
    if isinstance(start, sitk.BSplineTransform):
        method.SetOptimizerAsLBFGSB(numberOfIterations=iterations, maximumNumberOfFunctionEvaluations=2 * iterations)
        method.SetInitialTransform(start, True)
    else:
        method.SetOptimizerAsRegularStepGradientDescent(1.0, 1e-3, iterations)
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetInitialTransform(start, True)
    method.Execute(fixed, moving)
    return start


def by_intensity(image: sitk.Image, labels: sitk.Image, values: tuple[int, ...]) -> sitk.Image:
    """Tissues between Otsu's thresholds, where there is any."""
    brain = sitk.Cast(labels > 0, sitk.sitkUInt8)
    inside = sitk.GetArrayViewFromImage(brain) > 0
    array = sitk.GetArrayFromImage(sitk.DiscreteGaussian(image, 0.5))
    top = np.percentile(array[inside], 99)
    only = sitk.GetImageFromArray(np.clip(array[inside], None, top)[None, None])
    otsu = sitk.OtsuMultipleThresholdsImageFilter()
    otsu.SetNumberOfThresholds(len(values) - 1)
    otsu.Execute(only)
    found = np.where(inside, np.array(values, np.uint8)[np.digitize(array, otsu.GetThresholds())], 0)
    made = sitk.GetImageFromArray(found.astype(np.uint8))
    made.CopyInformation(labels)
    return made


def by_network(folder: Path, output: Path, name: str) -> None:
    """Train one, and apply it to its cases, by the command line."""
    scans, options, cases = NETWORKS[name]
    data = output / "networks" / name
    data.mkdir(parents=True, exist_ok=True)
    for parent in scans:
        parent = (folder / parent).resolve()
        for scan in [parent] if (parent / "image.nii.gz").exists() else sorted(parent.iterdir()):
            link = data / "scans" / scan.name
            link.mkdir(parents=True, exist_ok=True)
            for file in ("image.nii.gz", "label.nii.gz"):
                if not (link / file).exists():
                    (link / file).symlink_to(scan / file)
    model = data / "model.safetensors"
    command = [sys.executable, "-m", "SparseAnnotateLib.cli", "cohort"]
    patterns = ["--images", "*/image.nii.gz", "--labels", "*/label.nii.gz"]
    if not model.exists():
        subprocess.run([*command, "train", str(data / "scans"), "-o", str(model), *patterns, *options], check=True)
    for case in cases:
        path = output / "network" / f"{case}.nii.gz"
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        image = folder / "data" / case.partition(":")[0] / "image.nii.gz"
        probabilities = output / "network" / f"{case}.probabilities.nrrd"
        options = ["-o", str(path), "--probabilities", str(probabilities)]
        subprocess.run([*command, "predict", str(model), str(image), *options], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--only", default="registered,intensity,networks")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    folder, output, only = arguments.shared, arguments.output, arguments.only.split(",")

    def write(kind: str, case: str, make) -> None:
        path = output / kind / f"{case}.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            sitk.WriteImage(make(), str(path), useCompression=True)
            logger.info("%s %s", kind, case)

    for case, values in INTENSITY.items() if "intensity" in only else ():
        write(
            "intensity", case, lambda c=case, v=values: by_intensity(read(folder, c, False), read(folder, c, True), v)
        )
    for case, source in REGISTERED.items() if "registered" in only else ():
        write(
            "registered",
            case,
            lambda c=case, s=source: registered(read(folder, c, False), read(folder, s, False), read(folder, s, True)),
        )
    for name in NETWORKS if "networks" in only else ():
        by_network(folder, output, name)


if __name__ == "__main__":
    main()
