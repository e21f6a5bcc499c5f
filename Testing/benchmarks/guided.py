"""`guided` against its peers: the same painted planes, the same process, one after the other.

    python Testing/benchmarks/guided.py ../shared/data
    python Testing/benchmarks/guided.py --large                 512x512x600 with 5 structures, 10 % painted, made up
    python Testing/benchmarks/guided.py --liver                 512x512x78 with one structure, 20 % painted, made up

DATA is a folder of cases, each with image.nii.gz and label.nii.gz. Both ends of the structures are clicked, and
max(2, round(fraction x range)) evenly spaced, centred planes are painted with the reference labels. Dice and average
Hausdorff distance are means over the structures, all planes counted; seconds without imports; memory is the highest
of the process during the prediction less what it held before (Linux). `biomedisa` is its smart interpolation with its
defaults (https://biomedisa.info; pip install biomedisa medpy importlib_metadata mpi4py scikit-image numba pyopencl). It
looks for the OpenCL of a few makers; on the processor, with Debian's pocl-opencl-icd and openmpi-bin, name it:

    OCL_ICD_VENDORS=/etc/OpenCL/vendors python Testing/benchmarks/guided.py ../shared/data \
        --cases MSD_hippocampus_056 --run guided --run biomedisa:platform=opencl_Portable_CPU

A data set is what stands before the first underscore of a case's name; tables are means over data sets. Ratios are
those of `guided` to the others: of the Dice left to gain (1 - Dice), of distances, of seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

FRACTIONS = (0.05, 0.1, 0.2, 0.33)

MADE_UP = "made up"
PEERS = ("guided", "nearest", "shape", "morphology")


def load_case(folder: Path, fraction: float):
    """Volume, reference as class numbers, annotation."""
    from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
    from SparseAnnotateLib.io import read_image, read_labels

    volume = read_image(folder / "image.nii.gz", axis="k")
    expert = SimulatedExpert(read_labels(folder / "label.nii.gz", volume).labels)
    first, last = expert.plane_range
    length = last - first + 1
    count = max(2, int(np.floor(fraction * length + 0.5)))
    planes = sorted({int(np.floor(first + (n + 0.5) * length / count)) for n in range(count)})
    return volume, expert.reference, expert.paint(planes)


def made_up_case(planes: int, size: int, structures: int, fraction: float):
    """Ellipsoids in noise, as large as a body scan: for time and memory, not for quality."""
    from SparseAnnotateLib import SparseAnnotation, Volume

    rng = np.random.default_rng(0)
    labels = np.zeros((planes, size, size), np.uint8)
    intensities = rng.normal(0, 12, labels.shape).astype(np.float32)
    grid = np.ogrid[:planes, :size, :size]
    for number in range(1, structures + 1):
        centre = [n * rng.uniform(0.4, 0.6) for n in labels.shape]
        radius = [n * rng.uniform(0.2, 0.45) / number**0.3 for n in labels.shape]
        inside = sum(((g - c) / r) ** 2 for g, c, r in zip(grid, centre, radius, strict=True)) < 1
        labels[inside] = number
        intensities[inside] += 15 * number
    found = np.flatnonzero(labels.any(axis=(1, 2)))
    first, last = int(found[0]), int(found[-1])
    count = int(np.floor(fraction * (last - first + 1) + 0.5))
    painted = [int(first + (n + 0.5) * (last - first + 1) / count) for n in range(count)]
    annotation = SparseAnnotation.from_painted_planes(labels, painted, plane_range=(first, last))
    return Volume.from_array(intensities, (1.0, 0.8, 0.8)), labels, annotation


def biomedisa(volume, annotation, platform: str | None = None) -> np.ndarray:
    """Random walks on image and painted planes (Loesel 2020)."""
    from biomedisa.interpolation import smart_interpolation

    results = smart_interpolation(volume.intensities, annotation.labels, platform=platform)
    if results is None:
        sys.exit("Biomedisa found no device: name its OpenCL platform, biomedisa:platform=opencl_Portable_CPU.")
    result = results["regular"].astype(np.uint8)
    np.copyto(result, annotation.labels, where=annotation.known)
    return result


def measure(name: str, fraction: float, case: str, volume, reference, annotation) -> dict:
    """One prediction, timed."""
    from SparseAnnotateLib.metrics import dice_per_class, mean_of

    before = forget_peak()
    started = time.perf_counter()
    prediction = predict(name, volume, annotation)
    seconds = time.perf_counter() - started
    peak = memory_mb("VmHWM")
    labels = prediction.labels
    dice = dice_per_class(labels, reference, annotation.class_count)
    made_up = case == MADE_UP
    return {
        "case": case,
        "fraction": fraction,
        "run": name,
        "painted": len(annotation.painted_planes),
        "dice": float(mean_of(dice)),
        "dice_per_class": [round(float(d), 4) for d in dice],
        "average_hausdorff_mm": None if made_up else average_hausdorff(labels, reference, volume.spacing_mm),
        "expected_dice": prediction.expected_dice,
        "expected_dice_per_class": prediction.details.get("expected_dice_per_class"),
        "details": prediction.details,
        **planes_of(prediction, reference, annotation),
        "seconds": round(seconds, 3),
        "memory_mb": round(peak - before),
        "process_mb": round(peak),
    }


def forget_peak() -> float:
    """Let the kernel start anew to keep the highest memory; what the process holds now, in MB."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory_mb("VmRSS")


def memory_mb(entry: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(entry))
    return int(line.split()[1]) / 1024


def predict(name: str, volume, annotation):
    from SparseAnnotateLib import PREDICTORS, Prediction, run

    name, _, options = name.partition(":")
    given = dict(option.split("=", 1) for option in options.split(",") if option)
    if name == "biomedisa":
        return Prediction(biomedisa(volume, annotation, **given))
    return run(PREDICTORS.create(name, given), volume, annotation)


def planes_of(prediction, reference: np.ndarray, annotation) -> dict:
    """Expected and true Dice of the unpainted planes, for predictors that expect one."""
    from SparseAnnotateLib.metrics import dice_per_plane, mean_of

    if prediction.expected_dice_per_plane is None:
        return {}
    unpainted = annotation.unpainted_planes
    true = mean_of(dice_per_plane(prediction.labels, reference, annotation.class_count), axis=1)
    told = {"expected_per_plane": prediction.expected_dice_per_plane, "dice_per_plane": true}
    return {
        key: [None if np.isnan(v) else round(float(v), 4) for v in values[unpainted]] for key, values in told.items()
    }


def average_hausdorff(labels: np.ndarray, reference: np.ndarray, spacing_mm) -> float:
    from SparseAnnotateLib.metrics import distances, mean_of

    numbers = [n for n in np.unique(reference) if n]
    return float(mean_of([distances(labels == n, reference == n, spacing_mm).average_hausdorff_mm for n in numbers]))


def over_data_sets(rows: list[dict], key: str) -> float:
    """Mean over data sets of the mean over their cases."""
    sets: dict[str, list[float]] = {}
    for row in rows:
        if row[key] is not None:
            sets.setdefault(row["case"].split("_")[0], []).append(row[key])
    return float(np.mean([np.mean(values) for values in sets.values()])) if sets else float("nan")


def table(rows: list[dict], names: list[str]) -> str:
    """Means by fraction and predictor, and the ratios of guided to the others."""
    lines = ["| painted | predictor | cases | Dice | lowest | AHD mm | seconds | MB | ratios |", "|---" * 9 + "|"]
    for fraction in sorted({row["fraction"] for row in rows}):
        own = [row for row in rows if row["fraction"] == fraction and row["run"] == names[0]]
        for name in names:
            some = [row for row in rows if row["fraction"] == fraction and row["run"] == name]
            if not some:
                continue
            cases = {row["case"] for row in some}
            mine = [row for row in own if row["case"] in cases]
            dice, distance, seconds = (over_data_sets(some, k) for k in ("dice", "average_hausdorff_mm", "seconds"))
            ratios = (
                (1 - over_data_sets(mine, "dice")) / (1 - dice),
                over_data_sets(mine, "average_hausdorff_mm") / distance,
                over_data_sets(mine, "seconds") / seconds,
            )
            lines.append(
                f"| {fraction:.0%} | {name} | {len(some)} | {dice:.4f} | {min(r['dice'] for r in some):.3f} "
                f"| {distance:.2f} | {seconds:.2f} | {np.mean([r['memory_mb'] for r in some]):.0f} "
                f"| {', '.join(f'{ratio:.2f}' for ratio in ratios)} |"
            )
    return "\n".join(lines)


def losses(rows: list[dict], name: str, others: tuple[str, ...] = ("nearest", "shape")) -> str:
    """Where the predictor stays more than 0.01 below the best of the simple ones."""
    by = {(row["case"], row["fraction"], row["run"]): row["dice"] for row in rows}
    found = []
    for (case, fraction, run), dice in sorted(by.items()):
        best = max(by.get((case, fraction, other), 0.0) for other in others)
        if run == name and dice < best - 0.01:
            found.append(f"{case} at {fraction:.0%}: {dice:.3f} against {best:.3f}")
    return "\n".join([f"{name} more than 0.01 below the best of {', '.join(others)}: {len(found)} times", *found])


def expected_against_true(rows: list[dict], name: str) -> str:
    """How well the expected Dice of the volume tells the true one."""
    told = [row for row in rows if row["run"] == name and row["expected_dice"] is not None]
    if len(told) < 3:
        return ""
    lines = []
    for title, some in (
        ("all", told),
        ("5 or fewer painted", [row for row in told if row["painted"] <= 5]),
        ("6 or more painted", [row for row in told if row["painted"] > 5]),
    ):
        if len(some) < 3:
            continue
        expected, true = (np.array([row[key] for row in some]) for key in ("expected_dice", "dice"))
        lines.append(
            f"expected Dice, {title} ({len(some)}): correlation {np.corrcoef(expected, true)[0, 1]:.3f}, "
            f"mean error {np.abs(expected - true).mean():.3f}, bias {np.mean(expected - true):+.3f}"
        )
    return "\n".join(lines)


def main() -> None:
    # Python put this folder first, where selectors.py hides the standard library's module.
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).resolve().parent]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--cases", help="names joined with commas; by default all")
    parser.add_argument("--fractions", default=",".join(map(str, FRACTIONS)), help="of the structures' range")
    parser.add_argument("--run", action="append", help=f"by default {', '.join(PEERS)}")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--liver", action="store_true")
    parser.add_argument("--results", type=Path, help="JSON lines; runs that are there already are not repeated")
    arguments = parser.parse_args()
    names = arguments.run or list(PEERS)
    rows = []
    if arguments.results and arguments.results.exists():
        rows = [json.loads(line) for line in arguments.results.read_text().splitlines()]
    done = {(row["case"], row["fraction"], row["run"]) for row in rows}
    warm_up(names)
    for case, fraction, load in cases_of(arguments):
        wanted = [name for name in names if (case, fraction, name) not in done]
        loaded = load() if wanted else None
        for name in wanted:
            rows.append(measure(name, fraction, case, *loaded))
            if arguments.results:
                with arguments.results.open("a") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
            sys.stdout.write(json.dumps(rows[-1]) + "\n")
            sys.stdout.flush()
    sys.stdout.write(
        "\n".join([table(rows, names), losses(rows, names[0]), expected_against_true(rows, names[0])]) + "\n"
    )


def warm_up(names: list[str]) -> None:
    """Import what the predictors import."""
    volume, _, annotation = made_up_case(12, 24, 1, 0.3)
    for name in names:
        if not name.startswith("biomedisa"):
            predict(name, volume, annotation)


def cases_of(arguments):
    """Name, fraction and loader of each case."""
    if arguments.large:
        yield MADE_UP, 0.1, lambda: made_up_case(600, 512, 5, 0.1)
        return
    if arguments.liver:
        yield MADE_UP, 0.2, lambda: made_up_case(78, 512, 1, 0.2)
        return
    cases = arguments.cases.split(",") if arguments.cases else None
    cases = cases or sorted(path.name for path in arguments.data.iterdir() if (path / "label.nii.gz").exists())
    for case in cases:
        for fraction in map(float, arguments.fractions.split(",")):
            yield case, fraction, lambda folder=arguments.data / case, share=fraction: load_case(folder, share)


if __name__ == "__main__":
    main()
