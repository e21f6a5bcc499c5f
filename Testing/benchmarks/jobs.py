"""What a job costs beyond its prediction: starting, moving a large volume, cancelling; and what a cluster gains.

    python Testing/benchmarks/jobs.py start | volume | cancel
    python Testing/benchmarks/jobs.py cases --predictor shape [--count 20] [--data ../shared/data]

Each prints seconds and, against a peer in the same run, ratios.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from SparseAnnotateLib import SparseAnnotation, Volume
from SparseAnnotateLib.jobs import InlineRunner, Job, JobState, LocalRunner
from SparseAnnotateLib.jobs.batch import open_runner, predict_cases
from SparseAnnotateLib.jobs.cases import find_cases
from SparseAnnotateLib.jobs.folder import read_job, write_job
from SparseAnnotateLib.jobs.result import read_result, write_result
from SparseAnnotateLib.predictors import PREDICTORS, Prediction

TESTS = Path(__file__).resolve().parents[1] / "Python"


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextlib.contextmanager
def timed(seconds: list[float]):
    start = time.perf_counter()
    yield
    seconds.append(time.perf_counter() - start)


def job_of(shape: tuple[int, int, int], predictor: str, **options) -> Job:
    rng = np.random.default_rng(0)
    planes, rows, columns = np.ogrid[: shape[0], : shape[1], : shape[2]]
    ball = ((planes / shape[0] - 0.5) ** 2 + (rows / shape[1] - 0.5) ** 2 + (columns / shape[2] - 0.5) ** 2) < 0.1
    intensities = ball + rng.normal(scale=0.1, size=shape).astype(np.float32)
    annotation = SparseAnnotation.from_painted_planes(ball, range(shape[0] // 4, 3 * shape[0] // 4, shape[0] // 8))
    return Job(predictor, Volume.from_array(intensities.astype(np.float32)), annotation, options)


def start(_) -> None:
    """From submitting to the first event and the first progress, median of 7; the peer is a bare ``import numpy``."""
    bare: list[float] = []
    for _ in range(7):
        with timed(bare):
            subprocess.run([sys.executable, "-c", "import numpy"], check=True)
    peer = statistics.median(bare)
    say(f"python -c 'import numpy': {peer:.2f} s")
    for name in [name for name in ("nearest", "shape", "morphology", "guided", "unet") if name in PREDICTORS.names()]:
        first, progress = zip(*[first_signs(name) for _ in range(7)], strict=True)
        started, predicting = statistics.median(first), statistics.median(progress)
        say(f"{name:11} first event {started:.2f} s ({started / peer:.1f} x)   first progress {predicting:.2f} s")


def first_signs(predictor: str) -> tuple[float, float]:
    seen: dict[str, float] = {}
    with LocalRunner() as runner:
        begin = time.perf_counter()
        handle = runner.submit(job_of((24, 48, 48), predictor))
        while "progress" not in seen and not handle.poll().ended:
            for event in handle.events():
                seen.setdefault(event.kind, time.perf_counter() - begin)
            time.sleep(0.002)
        for event in handle.events():
            seen.setdefault(event.kind, time.perf_counter() - begin)
    return seen["started"], seen["progress"]


def volume(_) -> None:
    """512x512x600 through a folder; the peers are np.save of the same arrays and a copy in memory."""
    job = job_of((600, 512, 512), "nearest")
    arrays = job.volume.intensities, job.annotation.labels, job.annotation.known
    total_mb = sum(array.nbytes for array in arrays) / 1e6
    saved, written, read, results, loaded, copied = ([] for _ in range(6))
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(3):
            with timed(saved):
                for number, array in enumerate(arrays):
                    np.save(f"{folder}/{number}.npy", array)
            with timed(written):
                write_job(job, f"{folder}/job")
        before_mb = peak_mb()
        with timed(read):
            back = read_job(f"{folder}/job")
        kind = type(back.volume.intensities.base).__name__
        say(f"reading the job adds {peak_mb() - before_mb:.0f} MB of {total_mb:.0f} MB: {kind}")
        prediction = Prediction(job.annotation.labels)
        for _ in range(3):
            with timed(results):
                write_result(prediction, Path(folder) / "result.npz")
            with timed(loaded):
                read_result(Path(folder) / "result.npz")
            with timed(copied):
                job.annotation.labels.copy()
        peak_in_worker(job, Path(folder))
    write, save = min(written), min(saved)
    say(f"write job {write:.2f} s ({write / save:.2f} x np.save), map it {read[0] * 1e3:.1f} ms")
    say(f"write result {min(results):.2f} s, read it {min(loaded):.2f} s (a copy in memory: {min(copied):.2f} s)")


def peak_in_worker(job: Job, root: Path) -> None:
    """What the caller waits, and how much memory the worker takes, most of it pages of the files."""
    job.check()  # the first one imports the predictors' modules
    with LocalRunner(root / "jobs") as runner:
        waits: list[float] = []
        with timed(waits):
            handle = runner.submit(job)
        begin, polls = time.perf_counter(), []
        state = JobState.QUEUED
        while not state.ended:
            with timed(polls):
                state = handle.poll()
            time.sleep(0.02)
        seconds, longest = time.perf_counter() - begin, max(polls)
    worker_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    say(f"{state.value} in {seconds:.1f} s; submit {waits[0] * 1e3:.1f} ms, longest poll {longest * 1e3:.1f} ms")
    say(f"peak of the worker {worker_mb:.0f} MB, shared pages of the files included")


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cancel(_) -> None:
    """From `cancel` to the end, 5 times: between steps of 50 ms, in an endless step, in one that hogs Python."""
    os.environ |= {"SPARSE_ANNOTATE_PLUGINS": "jobs.job_predictors", "PYTHONPATH": str(TESTS)}
    # This file is called like the package of the tests that we need.
    sys.path[0] = str(TESTS)
    kinds = {"test-staged": {"steps": 1000, "step_s": 0.05}, "test-stuck": {}, "test-selfish": {}}
    for name, options in kinds.items():
        seconds: list[float] = []
        with LocalRunner() as runner:
            for _ in range(5):
                handle = runner.submit(job_of((24, 48, 48), name, **options))
                while not any(event.kind == "progress" for event in handle.events()):
                    handle.poll()
                time.sleep(0.4)
                with timed(seconds):
                    handle.cancel()
                    assert handle.wait() is JobState.CANCELLED
        say(f"{name:13} median {statistics.median(seconds):.2f} s, longest {max(seconds):.2f} s")


def cases(arguments) -> None:
    """The same cases in this process, in a worker process each, and on a Dask cluster of 2; labels must be equal."""
    with tempfile.TemporaryDirectory() as folder:
        table = write_table(Path(arguments.data), Path(folder), arguments.count)
        runners = {
            "this process": InlineRunner,
            "worker processes": LocalRunner,
            "Dask, 2": lambda: open_runner(None, 2),
        }
        if arguments.scheduler:
            runners["Dask, by hand"] = lambda: open_runner(arguments.scheduler)
        seconds: dict[str, float] = {}
        for name, make in runners.items():
            output = Path(folder) / name
            output.mkdir()
            found = find_cases(table, output, predictor=arguments.predictor, axis="k")
            with make() as runner:
                begin = time.perf_counter()
                outcomes = predict_cases(found, runner)
                seconds[name] = time.perf_counter() - begin
            for outcome in outcomes:
                assert outcome.state == "done", f"{outcome.case.name}: {outcome.message}"
            say(
                f"{name:16} {len(found)} cases in {seconds[name]:6.1f} s, "
                f"{seconds['this process'] / seconds[name]:.2f} x this process; "
                f"files equal: {same_files(Path(folder) / 'this process', output)} of {len(found)}"
            )


def same_files(one: Path, other: Path) -> int:
    return sum(path.read_bytes() == (other / path.name).read_bytes() for path in one.glob("*.nii.gz"))


def write_table(data: Path, folder: Path, count: int) -> Path:
    """A fifth of each range painted, evenly spaced and centred; ranges and planes as columns of a table."""
    import SimpleITK as sitk  # noqa: N813

    lines = ["image,labels,name,painted,range"]
    for case in sorted(path for path in data.resolve().iterdir() if (path / "label.nii.gz").exists())[:count]:
        labels = sitk.GetArrayFromImage(sitk.ReadImage(str(case / "label.nii.gz")))
        occupied = np.flatnonzero(labels.any(axis=(1, 2)))
        first, length = occupied[0], occupied[-1] - occupied[0] + 1
        painted = max(2, int(0.2 * length + 0.5))
        planes = [int(first + (number + 0.5) * length / painted) for number in range(painted)]
        listed = " ".join(map(str, planes))
        lines.append(f"{case}/image.nii.gz,{case}/label.nii.gz,{case.name},{listed},{first}-{occupied[-1]}")
    path = folder / "cases.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("start", "volume", "cancel", "cases"))
    parser.add_argument("--predictor", default="shape")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--data", default=str(Path(__file__).resolve().parents[3] / "shared" / "data"))
    parser.add_argument("--scheduler", help="also on this Dask cluster")
    arguments = parser.parse_args()
    {"start": start, "volume": volume, "cancel": cancel, "cases": cases}[arguments.what](arguments)


if __name__ == "__main__":
    main()
