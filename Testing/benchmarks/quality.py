"""Expected against true Dice: fits the quality model, and judges it on data sets that it was not fitted on.

    python Testing/benchmarks/quality.py ../shared/data -o quality/
    python Testing/benchmarks/quality.py ../shared/data -o quality/ --predictors guided --fractions 0.1 0.2
    python Testing/benchmarks/quality.py ../shared/data -o quality/ --fractions 0.05 0.1 0.2 --shells
    python Testing/benchmarks/quality.py ../shared/data -o quality/ --predictors guided --smallest 20

DATA is a folder of cases, each with image.nii.gz and label.nii.gz. Both ends of the structures are clicked, evenly
spaced, centred planes are painted. What was computed stays in OUTPUT (a file a case, fraction and predictor), so that a
run can be interrupted. Prints the coefficients for `quality/model.py`, what they are worth with the data set that is
judged left out of the fit, and draws OUTPUT/calibration.png. `guided` says itself what to expect: there only the
interval is fitted, and what it says is what `with_expected_quality` makes of it. A data set is the letters that a
case's name begins with. With --shells the boundaries of all structures of each scan together, two voxels thick, are
cases as well: they count half in the fit, and are judged apart.
"""

from __future__ import annotations

import argparse
import itertools
import re
from pathlib import Path

import numpy as np

COLUMNS = (
    "intercept",
    "way",
    "change",
    "from_nearest",
    "disagreement",
    "size",
    "thin",
    "unlike",
    "gone",
    "end",
    "end_way",
    "left_out",
)
TENTHS = (0.1, 0.9)
# Of few volumes these ends hold 80 of 100 of those that they were not fitted on.
FOURTEENTHS = (0.07, 0.93)
# And these of `guided`, whose interval also reaches as far as what may go on or not takes it.
TWELFTHS = (0.08, 0.92)
SHELL = "@shell"
SHELL_VOXELS = 2
SHELL_WEIGHT = 0.5


def collect(folder: Path, fraction: float, predictor: str, file: Path) -> None:
    """One prediction: features and truth of its planes and of left-out ones, and its Dice; written to `file`."""
    from SparseAnnotateLib import PREDICTORS, run
    from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
    from SparseAnnotateLib.io import read_image, read_labels
    from SparseAnnotateLib.metrics import confusion_per_plane, dice_from_confusion
    from SparseAnnotateLib.quality import comes_back
    from SparseAnnotateLib.quality.expected import INTERPOLATES, with_expected_quality
    from SparseAnnotateLib.quality.features import features_of
    from SparseAnnotateLib.quality.image_agreement import image_agreement
    from SparseAnnotateLib.quality.left_out import groups_to_leave_out, quick_labels, without_planes
    from SparseAnnotateLib.quality.vanished import gaps_without, vanished_px

    volume = read_image(folder / "image.nii.gz", axis="k")
    labels = read_labels(folder / "label.nii.gz", volume).labels
    expert = SimulatedExpert(shell_of(labels) if SHELL in file.stem else labels)
    annotation = expert.paint(evenly_spaced(expert.plane_range, fraction))
    count, spacing = annotation.class_count, volume.spacing_mm
    prediction = run(PREDICTORS.create(predictor), volume, annotation)
    if prediction.expected_dice is not None:
        prediction = with_expected_quality(prediction, annotation, spacing, predictor, volume.intensities)
    confusion = confusion_per_plane(prediction.labels, expert.reference, count)

    def rows(labels, known, planes, against):
        other = quick_labels("shape" if against != "shape" else "nearest", known, spacing, planes)
        features = features_of(labels, known, spacing, planes, other, volume.intensities)
        truth = confusion_per_plane(labels[planes], expert.reference[planes], count)
        row = np.searchsorted(planes, features.plane)
        lost = 1 - np.nan_to_num(dice_from_confusion(truth), nan=1.0)[row, features.structure]
        true_px = truth.sum(axis=2)[:, 1:][row, features.structure]
        return {**vars(features), "lost": lost, "true_px": true_px}

    arrays = {
        f"plane_{n}": v for n, v in rows(prediction.labels, annotation, annotation.unpainted_planes, predictor).items()
    }
    image = image_agreement(prediction.labels, annotation, volume.intensities)
    arrays["plane_most"] = image.most_per_plane()[arrays["plane_plane"], arrays["plane_structure"]]
    sizes = np.stack([np.bincount(plane.ravel(), minlength=count + 1)[1:] for plane in prediction.labels])
    vanished = vanished_px(prediction.labels, annotation)
    doubtful = image.doubtful_px() * gaps_without(vanished, annotation) / 2
    arrays["plane_sure"] = (sizes / np.maximum(sizes + doubtful, 1))[arrays["plane_plane"], arrays["plane_structure"]]
    left_out, name = [], "nearest" if predictor == "nearest" else "shape"
    for planes in groups_to_leave_out(annotation):
        rest = without_planes(annotation, planes)
        left_out.append(rows(quick_labels(name, rest, spacing, planes), rest, planes, name))
    for key in left_out[0] if left_out else ():
        arrays[f"out_{key}"] = np.concatenate([part[key] for part in left_out])
    painted = confusion[annotation.painted_planes].sum(axis=(0, 1))[1:]
    own = prediction.expected_dice_per_plane
    np.savez(
        file,
        **arrays,
        most=image.most_per_structure(),
        sure=sizes.sum(axis=0) / np.maximum(sizes.sum(axis=0) + doubtful.sum(axis=0), 1),
        shift=comes_back.shifts(annotation, volume.intensities) * (predictor in INTERPOLATES),
        volume_dice=dice_from_confusion(confusion.sum(axis=0)),
        plane_dice=np.nanmean(
            np.where(confusion[:, 1:, 1:].any(axis=(1, 2))[:, None], dice_from_confusion(confusion), np.nan), axis=1
        ),
        painted_px=painted,
        painted_planes=len(annotation.painted_planes),
        own_volume=np.nan if prediction.expected_dice is None else prediction.expected_dice,
        own_interval=prediction.expected_dice_interval or (np.nan, np.nan),
        own_planes=np.full(len(confusion), np.nan) if own is None else own,
    )


def shell_of(labels: np.ndarray) -> np.ndarray:
    """What of all structures together lies within two voxels of their boundary."""
    from scipy.ndimage import binary_erosion

    return ((labels > 0) & ~binary_erosion(labels > 0, iterations=SHELL_VOXELS)).astype(np.uint8)


def evenly_spaced(plane_range, fraction: float) -> list[int]:
    first, last = plane_range
    length = last - first + 1
    count = max(2, int(np.floor(fraction * length + 0.5)))
    return sorted({int(np.floor(first + (n + 0.5) * length / count)) for n in range(count)})


class Cases:
    """What was collected of one predictor."""

    def __init__(self, files: list[Path]):
        self.names = [file.stem for file in files]
        self.sets = np.array([re.match("[A-Za-z]+", name)[0] for name in self.names])
        self.is_shell = np.array([SHELL in name for name in self.names])
        self.data = [dict(np.load(file)) for file in files]

    def rows(self, prefix: str) -> dict[str, np.ndarray]:
        """All rows of all cases, with the number of their case."""
        parts = [{k.removeprefix(prefix): v for k, v in one.items() if k.startswith(prefix)} for one in self.data]
        table = {k: np.concatenate([p[k] for p in parts if p]) for k in next(p for p in parts if p)}
        table["case"] = np.concatenate([np.full(len(p["plane"]) if p else 0, n) for n, p in enumerate(parts)])
        return table

    def counted(self, table: dict[str, np.ndarray]) -> np.ndarray:
        """How much each row counts."""
        return np.where(self.is_shell[table["case"]], SHELL_WEIGHT, 1.0)


def design(table: dict[str, np.ndarray]) -> np.ndarray:
    """The features as the model takes them, a column each (without the last one, what left-out planes tell)."""
    from SparseAnnotateLib.quality.features import PlaneFeatures
    from SparseAnnotateLib.quality.model import Model

    features = PlaneFeatures(**{name: table[name] for name in PlaneFeatures.__dataclass_fields__})
    zero = dict.fromkeys([*COLUMNS, "left_out_mean"], 0.0)
    unit = [Model(**{**zero, name: 1.0}, plane_interval=(0, 0), volume_interval=(0, 0)) for name in COLUMNS[:-1]]
    return np.stack([model.log_odds(features) for model in unit], axis=1)


def fit(matrix: np.ndarray, lost: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Logistic regression of a share (not of yes or no), by Newton's method, with a little ridge."""
    beta = np.zeros(matrix.shape[1])
    ridge = 1e-3 * weight.sum() * np.eye(len(beta))
    for _ in range(50):
        chance = 1 / (1 + np.exp(-matrix @ beta))
        gradient = matrix.T @ (weight * (lost - chance)) - ridge @ (beta * (np.arange(len(beta)) > 0))
        step = np.linalg.solve((matrix * (weight * chance * (1 - chance))[:, None]).T @ matrix + ridge, gradient)
        beta += step
        if np.abs(step).max() < 1e-7:
            break
    return beta


def weights(table: dict[str, np.ndarray]) -> np.ndarray:
    """Half of the weight to every row alike, half by the share of its structure's voxels that lie there."""
    area = table["area_px"] + table["true_px"] + 1.0
    key = table["case"] * 1000 + table["structure"]
    _, index = np.unique(key, return_inverse=True)
    return 0.5 + 0.5 * area / np.bincount(index, area)[index] * np.bincount(index)[index]


def excess_of(table, out, matrix_out, beta, mean) -> np.ndarray:
    """What left-out planes of its case and structure lost more than expected, for each row of `table`."""
    from SparseAnnotateLib.quality.model import LeftOut

    seen = np.clip(out["lost"], 0.02, 0.98)
    excess = np.log(seen / (1 - seen)) - matrix_out @ beta - mean
    result = np.zeros(len(table["case"]))
    for case in np.unique(table["case"]):
        mine, rows = out["case"] == case, table["case"] == case
        count = 1 + max(out["structure"][mine].max(initial=0), table["structure"][rows].max())
        result[rows] = LeftOut(excess[mine], out["structure"][mine], count).per_structure[table["structure"][rows]]
    return result


def fitted(cases: Cases, reference: Cases) -> tuple[np.ndarray, np.ndarray, float]:
    """Coefficients, and the lost Dice of every row with its own data set left out of the fit.

    `reference` are the cases of the interpolation that planes are left out with.
    """
    table, base, out = cases.rows("plane_"), reference.rows("plane_"), reference.rows("out_")
    matrix, base_matrix, out_matrix = design(table), design(base), design(out)
    chance = np.zeros(len(matrix))
    for left in [*np.unique(cases.sets), None]:
        own, base_own, out_own = (
            which.sets[rows["case"]] == left for which, rows in ((cases, table), (reference, base), (reference, out))
        )
        beta = fit(
            base_matrix[~base_own], base["lost"][~base_own], (weights(base) * reference.counted(base))[~base_own]
        )
        seen = np.clip(out["lost"], 0.02, 0.98)
        # What left-out planes tell is measured against the model that it is a part of: a few times round.
        for _ in range(4):
            mean = float((np.log(seen / (1 - seen)) - out_matrix @ beta)[~out_own].mean())
            full = np.column_stack([matrix, excess_of(table, out, out_matrix, beta, mean)])
            whole = fit(full[~own], table["lost"][~own], (weights(table) * cases.counted(table))[~own])
            beta = whole[:-1]
        chance[own] = 1 / (1 + np.exp(-full[own] @ whole))
    beta = whole
    return beta, chance, mean


def volumes(cases: Cases, chance: np.ndarray) -> np.ndarray:
    """Expected Dice of each case from what is lost on its rows, from what the image agrees with and what may go on."""
    table, expected = cases.rows("plane_"), []
    for case, one in enumerate(cases.data):
        rows = table["case"] == case
        structure, area = table["structure"][rows], table["area_px"][rows]
        count = len(one["painted_px"])
        total = np.bincount(structure, area, minlength=count) + one["painted_px"]
        right = np.bincount(structure, area * (1 - chance[rows]), minlength=count) + one["painted_px"]
        lost = with_odds(1 - right / np.maximum(total, 1), one["shift"])
        expected.append(np.mean((np.minimum(1 - lost, one["most"]) * one["sure"])[total > 0]))
    return np.array(expected)


def planes(cases: Cases, chance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expected and true Dice of every plane (means over the structures), and its case."""
    table = cases.rows("plane_")
    _, index = np.unique(table["case"] * 10000 + table["plane"], return_inverse=True)
    number = np.bincount(index)
    shift = np.array([cases.data[case]["shift"][n] for case, n in zip(table["case"], table["structure"], strict=True)])
    lost = 1 - np.minimum(1 - with_odds(chance, shift), table["most"]) * table["sure"]
    expected, true = (1 - np.bincount(index, values) / number for values in (lost, table["lost"]))
    case = np.bincount(index, table["case"]) / number
    return expected, true, case.astype(int)


def with_odds(lost: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """What is lost after log-odds were added."""
    return np.where(shift > 0, 1 / (1 + np.exp(-(log_odds(lost) + shift))), lost)


def log_odds(lost: np.ndarray) -> np.ndarray:
    lost = np.clip(lost, 1e-4, 1 - 1e-4)
    return np.log(lost / (1 - lost))


def judge(
    name: str, expected: np.ndarray, true: np.ndarray, sets: np.ndarray, ends: tuple[float, float] = TENTHS
) -> tuple[float, float]:
    """Print one line; the interval's log-odds. Its coverage is counted with the judged data set left out."""
    apart = log_odds(1 - true) - log_odds(1 - expected)
    inside = np.zeros(len(true), bool)
    for left in np.unique(sets):
        low, high = np.quantile(apart[sets != left], ends) if (sets != left).any() else (0, 0)
        inside[sets == left] = (low <= apart[sets == left]) & (apart[sets == left] <= high)
    error = np.abs(expected - true)
    print(
        f"| {name} | {len(true)} | {np.corrcoef(expected, true)[0, 1]:.3f} | {error.mean():.3f} | "
        f"{(expected - true).mean():+.3f} | {100 * inside.mean():.0f} % |"
    )
    return tuple(round(float(one), 2) for one in np.quantile(apart, ends))


def report(predictor: str, cases: Cases, reference: Cases, picture) -> None:
    says_itself = np.isfinite([one["own_volume"] for one in cases.data]).all()
    true_volume = np.array([np.nanmean(one["volume_dice"]) for one in cases.data])
    if says_itself:
        expected_volume = np.array([float(one["own_volume"]) for one in cases.data])
        parts = [(one["own_planes"], one["plane_dice"]) for one in cases.data]
        case = np.concatenate([np.full(len(own), n) for n, (own, _) in enumerate(parts)])
        expected, true = (np.concatenate(values) for values in zip(*parts, strict=True))
        there = np.isfinite(expected) & np.isfinite(true)
        expected, true, case = expected[there], true[there], case[there]
    else:
        beta, chance, mean = fitted(cases, reference)
        expected_volume = volumes(cases, chance)
        expected, true, case = planes(cases, chance)
    for name, chosen in ((f"{predictor}, shells", cases.is_shell), (predictor, ~cases.is_shell)):
        if chosen.any():
            of = chosen[case]
            plane_interval = judge(f"{name}, planes", expected[of], true[of], cases.sets[case[of]])
            ends = TWELFTHS if says_itself else FOURTEENTHS
            volume_interval = judge(
                f"{name}, volumes", expected_volume[chosen], true_volume[chosen], cases.sets[chosen], ends
            )
    if says_itself:
        from SparseAnnotateLib.quality.model import FEW_PLANES

        few = np.array([one["painted_planes"] <= FEW_PLANES for one in cases.data])
        for name, group in ((f"of them at most {FEW_PLANES} planes painted", few), ("of them more planes", ~few)):
            of = group & ~cases.is_shell
            print(judge(name, expected_volume[of], true_volume[of], cases.sets[of], TWELFTHS))
            low, high = np.array([one["own_interval"] for one in cases.data])[of].T
            print(f"in the interval that was told: {((low <= true_volume[of]) & (true_volume[of] <= high)).mean():.3f}")
    within = [rank_correlation(expected[case == n], true[case == n]) for n in np.unique(case) if (case == n).sum() > 5]
    print(f"{predictor}: rank correlation of planes within a volume {np.nanmean(within):.2f}")
    if not says_itself:
        print({**dict(zip(COLUMNS, beta.round(2).tolist(), strict=True)), "left_out_mean": round(mean, 2)})
    print(f"plane_interval={plane_interval}, volume_interval={volume_interval}")
    draw(picture, predictor, expected, true, expected_volume, true_volume)


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic) if np.ptp(a) and np.ptp(b) else float("nan")


def draw(axes, predictor, expected, true, expected_volume, true_volume) -> None:
    """Calibration: planes in ten groups of equal size, volumes one by one."""
    groups = np.array_split(np.argsort(expected), 10)
    means = [(expected[g].mean(), true[g].mean(), *np.quantile(true[g], TENTHS)) for g in groups]
    x, y, low, high = np.array(means).T
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.vlines(x, low, high, color="tab:blue", alpha=0.4, linewidth=3, label="planes: 10th to 90th percentile")
    axes.plot(x, y, "o-", color="tab:blue", label="planes: mean of a tenth of them")
    axes.plot(expected_volume, true_volume, "x", color="tab:orange", label="volumes")
    axes.set(title=predictor, xlabel="expected Dice", xlim=(0, 1), ylim=(0, 1), aspect="equal")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--predictors", nargs="+", default=["nearest", "shape", "guided"])
    parser.add_argument("--fractions", nargs="+", type=float, default=[0.1, 0.2])
    parser.add_argument("--shells", action="store_true", help="also the boundaries of structures")
    parser.add_argument("--smallest", type=int, help="so many scans, those with the smallest files")
    given = parser.parse_args()
    folders = sorted(
        (path.parent for path in given.data.glob("*/image.nii.gz")),
        key=lambda one: (one / "image.nii.gz").stat().st_size,
    )[: given.smallest]
    given.output.mkdir(exist_ok=True)
    collected: dict[str, list[Path]] = {}
    # What `guided` tells is judged without a fit; all others are fitted beside `shape`.
    needed = given.predictors if given.predictors == ["guided"] else ["shape", *given.predictors]
    for predictor in dict.fromkeys(needed):
        for fraction in given.fractions:
            for folder, kind in itertools.product(folders, ["", SHELL] if given.shells else [""]):
                file = given.output / predictor / f"{folder.name}{kind}_{fraction:g}.npz"
                file.parent.mkdir(exist_ok=True)
                if not file.exists():
                    collect(folder, fraction, predictor, file)
                    print(f"{predictor}, {fraction:g}, {folder.name}{kind}", flush=True)
                collected.setdefault(predictor, []).append(file)
    plot(given, collected)


def plot(given, collected: dict[str, list[Path]]) -> None:
    from matplotlib.figure import Figure

    reference = Cases(collected["shape"]) if "shape" in collected else None
    figure = Figure(figsize=(4 * len(given.predictors), 4.2), layout="constrained")
    print("| predictor | number | correlation | mean error | bias | in the 80 % interval |\n|---|---|---|---|---|---|")
    for number, predictor in enumerate(given.predictors, 1):
        axes = figure.add_subplot(1, len(given.predictors), number)
        cases = Cases(collected[predictor])
        report(predictor, cases, cases if predictor == "nearest" else reference, axes)
        if number == 1:
            axes.set_ylabel("true Dice")
            axes.legend(loc="lower right", fontsize="small")
    figure.savefig(given.output / "calibration.png", dpi=110)


if __name__ == "__main__":
    main()
