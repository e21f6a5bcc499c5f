"""Volumes of a micro-CT or a body scan, through the command line: time, processor time, and the most memory.

    python Testing/benchmarks/large.py FOLDER                                    1024x1024x1000, 16 bits, 1 structure
    python Testing/benchmarks/large.py FOLDER --size 600x512 --structures 5 --what guided
    python Testing/benchmarks/large.py FOLDER --what suggest,shape,guided --painted 0.05

The image is made once in the folder (2 GB for the first): ellipsoids in noise, which together fill a tenth of it.
Suggested are as many planes as are painted then, with both ends clicked. Each command runs in a process of its own. It
is ended when it needs more than `--limit-gb`, or leaves the machine less than `--leave-gb`: other programs may run
beside it. Memory is what Linux holds for it that no file backs (RssAnon and RssShmem), and with mapped files (VmHWM).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

FILLED = 0.1
POLL_S = 0.1
COMMAND = "import sys; from SparseAnnotateLib.cli import main; sys.exit(main())"


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def header(planes: int, rows: int, kind: str) -> bytes:
    """Of a NRRD file that holds its voxels as they are."""
    return (
        f"NRRD0005\ntype: {kind}\ndimension: 3\nspace: left-posterior-superior\nsizes: {rows} {rows} {planes}\n"
        "space directions: (0.01,0,0) (0,0.01,0) (0,0,0.02)\nkinds: domain domain domain\nendian: little\n"
        "encoding: raw\nspace origin: (0,0,0)\n\n"
    ).encode()


class Case:
    """The files of one size; planes are written one after the other."""

    def __init__(self, folder: Path, planes: int, rows: int, structures: int):
        self.planes, self.rows, self.structures = planes, rows, structures
        name = f"{planes}x{rows}x{structures}"
        self.image, self.labels = folder / f"{name}_image.nrrd", folder / f"{name}_labels.nrrd"
        side = (FILLED / (np.pi / 6) / structures) ** (1 / 3)
        across = int(np.ceil(structures**0.5))
        self.radii = np.array([planes * side / 2, rows * side / 2, rows * side / 2])
        places = (np.arange(across) + 0.5) / across * rows
        self.centres = [(places[n // across], places[n % across]) for n in range(structures)]
        self.first, self.last = (int(planes / 2 + way * self.radii[0]) for way in (-1, 1))

    def plane_of_labels(self, plane: int) -> np.ndarray:
        """uint8 (rows, columns), a little out of round."""
        labels = np.zeros((self.rows, self.rows), np.uint8)
        height = (plane - self.planes / 2) / self.radii[0]
        if abs(height) >= 1:
            return labels
        row, column = np.ogrid[: self.rows, : self.rows]
        for number, (centre_row, centre_column) in enumerate(self.centres, start=1):
            moved = 0.1 * self.radii[1] * np.sin(3 * height)
            there = ((row - centre_row - moved) / self.radii[1]) ** 2 + ((column - centre_column) / self.radii[2]) ** 2
            labels[there < 1 - height**2] = number
        return labels

    def make(self) -> None:
        """Write the image, where it is not there."""
        if self.image.exists():
            return
        rng = np.random.default_rng(0)
        noise = rng.normal(0, 900, (4, self.rows, self.rows)).astype(np.float32)
        partial = self.image.with_suffix(".partial")
        with open(partial, "wb") as file:
            file.write(header(self.planes, self.rows, "uint16"))
            for plane in range(self.planes):
                labels = self.plane_of_labels(plane)
                grain = np.roll(noise[plane % 4], rng.integers(self.rows, size=2), axis=(0, 1))
                file.write((20_000 + 1_500.0 * labels + grain).astype(np.uint16).tobytes())
        partial.rename(self.image)

    def paint(self, share: float) -> list[int]:
        """Write labels of evenly spaced planes, both ends among them."""
        count = max(3, round(share * (self.last - self.first + 1)))
        painted = np.linspace(self.first + 1, self.last - 1, count).round().astype(int).tolist()
        nothing = np.zeros((self.rows, self.rows), np.uint8).tobytes()
        with open(self.labels, "wb") as file:
            file.write(header(self.planes, self.rows, "uint8"))
            file.writelines(
                self.plane_of_labels(plane).tobytes() if plane in painted else nothing for plane in range(self.planes)
            )
        return painted

    def dice(self, path: Path, painted: list[int]) -> float:
        """Of all structures together, on the planes that are not painted."""
        import SimpleITK as sitk  # noqa: N813

        image = sitk.ReadImage(str(path))  # the view below is of its memory
        predicted = sitk.GetArrayViewFromImage(image)
        both = all_of_them = 0
        for plane in sorted({*range(self.first, self.last + 1)} - {*painted}):
            truth = self.plane_of_labels(plane)
            both += np.count_nonzero((predicted[plane] == truth) & (truth > 0))
            all_of_them += np.count_nonzero(predicted[plane]) + np.count_nonzero(truth)
        return 2 * both / all_of_them


def watched(command: list[str], limit_gb: float, leave_gb: float) -> dict[str, float | str]:
    """Run a command; what it took. Of a process that is ended `rc` says why."""
    begin = time.perf_counter()
    before = os.times()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    own = resident = 0.0
    why = ""
    while process.poll() is None:
        told = memory_gb(process.pid)
        own, resident = max(own, told.get("RssAnon", 0) + told.get("RssShmem", 0)), max(resident, told.get("VmHWM", 0))
        if own > limit_gb or available_gb() < leave_gb:
            why = f"ended at {own:.1f} GB, {available_gb():.1f} GB left"
            process.kill()
        time.sleep(POLL_S)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return {
        "s": time.perf_counter() - begin,
        "cpu": used,
        "own": own,
        "resident": resident,
        "rc": why or process.returncode,
    }


def memory_gb(pid: int) -> dict[str, float]:
    """What Linux says of a process."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    return {line.split(":")[0]: int(line.split()[1]) / 1e6 for line in lines if line.endswith(" kB")}


def available_gb() -> float:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) / 1e6 for line in lines if line.startswith("MemAvailable:"))


def main() -> None:
    # Python put this folder first, where selectors.py hides the standard library's module.
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).resolve().parent]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", default="1000x1024", metavar="PLANESxROWS")
    parser.add_argument("--structures", type=int, default=1)
    parser.add_argument("--painted", type=float, default=0.05, help="share of the planes that hold a structure")
    parser.add_argument("--what", default="suggest,shape,guided", help="`suggest` and names of predictors")
    parser.add_argument("--limit-gb", type=float, default=12)
    parser.add_argument("--leave-gb", type=float, default=1.5)
    parser.add_argument("--options", nargs=argparse.REMAINDER, default=[], help="passed to the commands")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    case = Case(given.folder, *map(int, given.size.split("x")), given.structures)
    case.make()
    painted = case.paint(given.painted)
    ends = ["--range", str(case.first + 1), str(case.last - 1)]
    say(f"{given.size}, {given.structures} structure(s), {len(painted)} planes painted of {case.last - case.first - 1}")
    for what in given.what.split(","):
        command = [sys.executable, "-c", COMMAND]
        result = given.folder / f"predicted_{what}.nrrd"
        if what == "suggest":
            command += ["suggest", str(case.image), "--axis", "k", "--count", str(len(painted)), *ends]
        else:
            result.unlink(missing_ok=True)
            command += ["predict", str(case.image), str(case.labels), "-o", str(result), "--axis", "k"]
            command += ["--predictor", what, *ends]
        told = watched([*command, *given.options], given.limit_gb, given.leave_gb)
        dice = f", Dice {case.dice(result, painted):.4f}" if result.exists() else ""
        say(
            f"{what:8} {told['s']:6.0f} s, {told['cpu']:6.0f} s of processors, {told['own']:5.2f} GB of its own, "
            f"{told['resident']:5.2f} GB with mapped files{dice}; exit code {told['rc']}"
        )


if __name__ == "__main__":
    main()
