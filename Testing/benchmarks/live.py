"""From a painted plane to the prediction: a worker that stays against a cold `predict`, in the same run.

    python Testing/benchmarks/live.py table ../shared/data                 the volumes of the table below
    python Testing/benchmarks/live.py table ../shared/data --cases LA2018_45C45I6I --paintings 10
    python Testing/benchmarks/live.py table --made-up 300x512x3            planes x rows x structures
    python Testing/benchmarks/live.py growth                               75 to 600 planes, 1 to 30 structures

An expert clicks both ends and paints the planes that `cover` suggests, in its order, up to a quarter of the range. The
last `--paintings` of them are measured: the medians. *Cold* is a new process that imports, reads image and labels,
computes and writes; its stages are processor seconds. *Live* is a job of a `ResidentRunner` that predicted from all
planes but the last before; its processor seconds are those of the worker and of the caller, writing and reading
included. "In view" is the first preview of a plane beside the one that was painted last: its sketch
(docs/design/jobs.md). "Same box" are the paintings that left the region as it was; others change it, and all has to be
computed anew. Labels of both are compared. Ratios of processor seconds hold on a busy machine, those of seconds less
so: on two idle cores seconds are between half of the processor seconds and all of them.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

CASES = ("MSD_hippocampus_056", "LA2018_45C45I6I", "BRATS2015_pat0001", "OASIS_MICCAI2012_1000")
SHARE = 0.25
STAGES = ("import", "read", "compute", "write")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def cold(image: str, labels: str, planes: str) -> None:
    """In a process of its own: the stages of one prediction, as JSON."""
    marks = [0.0]
    import cv2  # noqa: F401
    import SimpleITK  # noqa: F401
    import sklearn.ensemble  # noqa: F401
    from SparseAnnotateLib import PREDICTORS, run
    from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
    from SparseAnnotateLib.io import read_image, read_labels, write_labels

    predictor = PREDICTORS.create("guided", {})
    marks.append(time.process_time())
    volume = read_image(image, axis="k")
    reference = read_labels(labels, volume).labels
    marks.append(time.process_time())
    annotation = SimulatedExpert(reference).paint(map(int, planes.split(",")))
    begin = time.process_time()
    prediction = run(predictor, volume, annotation)
    marks.append(marks[-1] + time.process_time() - begin)
    with tempfile.TemporaryDirectory() as folder:
        begin = time.process_time()
        write_labels(Path(folder) / "prediction.nii.gz", prediction.labels, volume, annotation.classes)
        marks.append(marks[-1] + time.process_time() - begin)
    import hashlib

    told = dict(zip(STAGES, np.diff(marks).tolist(), strict=True))
    told["digest"] = hashlib.sha256(prediction.labels.tobytes()).hexdigest()
    say(json.dumps(told))


def in_a_new_process(image: Path, labels: Path, planes: list[int]) -> dict:
    """What `cold` tells, and how long it took by the clock."""
    command = [sys.executable, __file__, "cold", str(image), str(labels), ",".join(map(str, planes))]
    begin = time.perf_counter()
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return {**told, "seconds": time.perf_counter() - begin}


class Live:
    """A session: one volume, one worker, job after job."""

    def __init__(self, volume):
        from SparseAnnotateLib.jobs import ResidentRunner

        self.volume = volume
        self.runner = ResidentRunner()
        self.runner.prepare()
        self.worker = self.runner._idle[0].pid

    def paint(self, annotation, plane: int) -> dict:
        """Submit the next job and wait for its end."""
        import hashlib

        from SparseAnnotateLib.jobs import Job
        from SparseAnnotateLib.jobs.guardian import processor_time_s

        begin, own, other = time.perf_counter(), time.process_time(), processor_time_s(self.worker)
        handle = self.runner.submit(Job("guided", self.volume, annotation, in_view=plane))
        own -= time.process_time()
        shown = used_shown = None
        while not handle.poll().ended:
            if shown is None and any(event.preview is not None for event in handle.events()):
                shown, used_shown = time.perf_counter() - begin, processor_time_s(self.worker) - other
            time.sleep(0.01)
        own += time.process_time()
        labels = handle.result().labels
        seconds = time.perf_counter() - begin
        # Not what asking a hundred times a second costs: a panel asks ten times.
        used = time.process_time() - own + processor_time_s(self.worker) - other
        assert handle.pid == self.worker, "the worker was lost"
        handle.close()
        digest = hashlib.sha256(labels.tobytes()).hexdigest()
        told = {"seconds": seconds, "used": used, "digest": digest}
        shown, used_shown = (seconds, used) if shown is None else (shown, used_shown)
        return {**told, "shown": shown, "used_shown": used_shown}

    def memory_mb(self) -> dict[str, float]:
        """Of the worker: now, and at most."""
        lines = (line.split() for line in Path(f"/proc/{self.worker}/status").read_text().splitlines())
        return {line[0][:-1]: int(line[1]) / 1024 for line in lines if line[0] in ("VmRSS:", "VmHWM:", "RssAnon:")}


def paintings_of(volume, expert, count: int | None = None) -> list[int]:
    """The planes that `cover` suggests, in its order."""
    from SparseAnnotateLib.selectors import SELECTORS

    first, last = expert.plane_range
    count = count or max(6, round(SHARE * (last - first + 1)))
    suggested = SELECTORS.create("cover", {}).select(volume, expert.paint([]), count, np.random.default_rng(0))
    return [suggestion.plane for suggestion in suggested]


def measure(name: str, image: Path, labels: Path, paintings: int) -> dict:
    """One volume: a row of the table."""
    from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
    from SparseAnnotateLib.io import read_image, read_labels
    from SparseAnnotateLib.predictors.guided.images import structure_region

    volume = read_image(image, axis="k")
    expert = SimulatedExpert(read_labels(labels, volume).labels)
    planes = paintings_of(volume, expert)
    live = Live(volume)
    rows, box = [], None
    with live.runner:
        for count in range(max(2, len(planes) - paintings), len(planes) + 1):
            annotation = expert.paint(planes[:count])
            told = live.paint(annotation, planes[count - 1])
            before, box = box, structure_region(annotation)
            if before is None:
                continue
            peer = in_a_new_process(image, labels, planes[:count])
            assert peer["digest"] == told["digest"], f"{name}, {count} planes: live and cold differ"
            rows.append({"live": told, "cold": peer, "same_box": box == before})
        memory = live.memory_mb()
    return summary(name, volume, expert, len(planes), rows, memory)


def summary(name, volume, expert, painted: int, rows: list[dict], memory: dict) -> dict:
    """Medians of the paintings."""

    def used(row: dict) -> float:
        return sum(row["cold"][stage] for stage in STAGES)

    def median(function, some: list[dict]) -> float | None:
        return round(statistics.median(map(function, some)), 3) if some else None

    kinds = {"all": rows, "same box": [row for row in rows if row["same_box"]]}
    told = {
        "case": name,
        "shape": volume.shape,
        "structures": len(expert.classes),
        "painted": painted,
        "cold, processor s": {stage: median(lambda row, s=stage: row["cold"][s], rows) for stage in STAGES},
        "worker, MB": {key: round(value) for key, value in memory.items()},
    }
    for kind, some in kinds.items():
        told[kind] = {
            "paintings": len(some),
            "live, processor s": median(lambda row: row["live"]["used"], some),
            "in view, processor s": median(lambda row: row["live"]["used_shown"], some),
            "of cold": median(lambda row: row["live"]["used"] / used(row), some),
            "of cold's computing": median(lambda row: row["live"]["used"] / row["cold"]["compute"], some),
            "time, all, of cold": median(lambda row: row["live"]["seconds"] / row["cold"]["seconds"], some),
            "time, in view, of cold": median(lambda row: row["live"]["shown"] / row["cold"]["seconds"], some),
            "s, all": median(lambda row: row["live"]["seconds"], some),
            "s, in view": median(lambda row: row["live"]["shown"], some),
        }
    return told


def made_up(planes: int, size: int, structures: int, folder: Path) -> tuple[Path, Path]:
    """Ellipsoids in noise, in files."""
    import SimpleITK as sitk  # noqa: N813

    spec = importlib.util.spec_from_file_location("guided_benchmark", Path(__file__).with_name("guided.py"))
    guided = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(guided)
    volume, labels, _ = guided.made_up_case(planes, size, structures, 0.1)
    paths = folder / "image.mha", folder / "label.mha"
    for array, path in zip((volume.intensities.astype(np.int16), labels), paths, strict=True):
        sitk.WriteImage(sitk.GetImageFromArray(array), str(path))
    return paths


def table(arguments) -> None:
    if arguments.made_up:
        sizes = [int(one) for one in arguments.made_up.split("x")]
        with tempfile.TemporaryDirectory() as folder:
            told = measure(f"made up {arguments.made_up}", *made_up(*sizes, Path(folder)), arguments.paintings)
        say(json.dumps(told, indent=1))
        return
    for name in arguments.cases or CASES:
        folder = arguments.data / name
        told = measure(name, folder / "image.nii.gz", folder / "label.nii.gz", arguments.paintings)
        say(json.dumps(told, indent=1))


def growth(arguments) -> None:
    """Processor seconds of one more painted plane against those of everything, both in this process, as it grows."""
    from SparseAnnotateLib import PREDICTORS, run
    from SparseAnnotateLib.evaluation.simulation.expert import SimulatedExpert
    from SparseAnnotateLib.io import read_image, read_labels
    from SparseAnnotateLib.predictors.memory import Memory

    sizes = [(planes, 3) for planes in (75, 150, 300, 600)] + [(150, structures) for structures in (1, 10, 30)]
    for planes, structures in sizes:
        with tempfile.TemporaryDirectory() as folder:
            image, labels = made_up(planes, arguments.size, structures, Path(folder))
            volume = read_image(image, axis="k")
            expert = SimulatedExpert(read_labels(labels, volume).labels)
        order = paintings_of(volume, expert, max(6, round(0.1 * planes)))
        memory, predictor = Memory(), PREDICTORS.create("guided", {})
        used = []
        for one, count in (
            (predictor.remembering(memory), len(order) - 1),
            (predictor.remembering(memory), len(order)),
        ):
            begin = time.process_time()
            run(one, volume, expert.paint(order[:count]))
            used.append(time.process_time() - begin)
        say(
            f"{planes:4} planes of {arguments.size}x{arguments.size}, {len(expert.classes):2} structures, "
            f"{len(order):2} painted: everything {used[0]:6.2f} s, one more {used[1]:6.2f} s "
            f"({used[1] / used[0]:.2f}), remembered {memory.size_bytes / 1e6:.0f} MB"
        )


def main() -> None:
    # Python put this folder first, where selectors.py hides the standard library's module.
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).resolve().parent]
    if sys.argv[1:2] == ["cold"]:
        cold(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("table", "growth"))
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--cases", type=lambda text: text.split(","), help="names joined with commas")
    parser.add_argument("--paintings", type=int, default=10)
    parser.add_argument("--made-up", metavar="PLANESxROWSxSTRUCTURES")
    parser.add_argument("--size", type=int, default=192, help="rows and columns of the growing volumes")
    arguments = parser.parse_args()
    {"table": table, "growth": growth}[arguments.what](arguments)


if __name__ == "__main__":
    main()
