# ruff: noqa: ARG002 - the arguments are a predictor's
"""Predictors that misbehave on purpose; workers import them because SPARSE_ANNOTATE_PLUGINS names this module."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from SparseAnnotateLib.errors import InputError
from SparseAnnotateLib.predictors import PREDICTORS, Prediction, PredictorBase, PredictorOptions, Progress

STAGES = ("prepare", "learn", "predict", "finish")


@dataclass(frozen=True, kw_only=True)
class TestOptions(PredictorOptions):
    """Options of all of them: where to leave a trace, how many steps to take, and how long one lasts.

    The stage `hold` goes on until the file `until` is there, or for ever.
    """

    trace: str = ""
    steps: int = 2
    step_s: float = 0.0
    hold: str = ""
    until: str = ""
    megabytes: int = 0


class _TestPredictor(PredictorBase):
    summary = "for tests"
    Options = TestOptions

    def leave_trace(self, text: str) -> None:
        if self.options.trace:
            with open(self.options.trace, "a") as file:
                file.write(f"{text}\n")

    def is_held(self, stage: str) -> bool:
        return stage == self.options.hold and not (self.options.until and Path(self.options.until).exists())

    def labels(self, annotation):
        return np.broadcast_to(annotation.labels.max(axis=0), annotation.labels.shape).copy()


@PREDICTORS.register
class Staged(_TestPredictor):
    """Goes through four stages, slowly if asked to; leaves a trace of where it began and how it ended."""

    name = "test-staged"

    def _predict(self, volume, annotation):
        self.leave_trace("began")
        total = len(STAGES) * self.options.steps
        try:
            for number in range(total):
                stage = STAGES[number // self.options.steps]
                yield Progress(stage, number / total, f"step {number}", preview=(number, annotation.labels[0]))
                time.sleep(self.options.step_s)
                while self.is_held(stage):
                    time.sleep(0.02)
                    yield Progress(stage, number / total, "held")
            details = {"seed": self.options.seed, "mean": volume.intensities.mean()}
            yield Prediction(self.labels(annotation), details=details)
        finally:
            self.leave_trace("closed")


@PREDICTORS.register
class Patient(_TestPredictor):
    """One step that lasts until a file is there."""

    name = "test-patient"

    def _predict(self, volume, annotation):
        yield Progress("prepare", 0.0)
        while not Path(self.options.until).exists():
            time.sleep(0.02)
        yield Prediction(self.labels(annotation))


@PREDICTORS.register
class Rich(_TestPredictor):
    """Fills every field of a prediction, as large as asked for."""

    name = "test-rich"

    def _predict(self, volume, annotation):
        yield Progress("all", 0.5)
        planes = annotation.planes
        yield Prediction(
            labels=self.labels(annotation),
            probabilities=np.full((2, max(planes, self.options.megabytes * 1024), 16, 16), 0.25, np.float16),
            expected_dice_per_plane=np.where(np.arange(planes) % 2, 0.75, np.nan).astype(np.float32),
            expected_dice=0.875,
            details={"numbers": np.arange(3), "nested": {"name": "a", "value": np.float32(0.5)}, "none": None},
        )


@PREDICTORS.register
class Stuck(_TestPredictor):
    """One step that never ends, while other threads run, as in numpy; with a child, if there is a trace to leave."""

    name = "test-stuck"

    def _predict(self, volume, annotation):
        yield Progress("stuck", 0.5)
        if self.options.trace:
            self.leave_trace(subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL).pid)
        time.sleep(600)
        yield Prediction(self.labels(annotation))


@PREDICTORS.register
class Selfish(_TestPredictor):
    """One step of years that holds the interpreter's lock all the time: a regular expression that backtracks."""

    name = "test-selfish"

    def _predict(self, volume, annotation):
        yield Progress("selfish", 0.5)
        time.sleep(0.3)  # so that what was said is read before the silence
        re.match(r"(a+)+$", "a" * 60 + "b")
        yield Prediction(self.labels(annotation))


@PREDICTORS.register
class Crashing(_TestPredictor):
    """A segmentation fault."""

    name = "test-crashing"

    def _predict(self, volume, annotation):
        yield Progress("crash", 0.5)
        os.kill(os.getpid(), signal.SIGSEGV)


@PREDICTORS.register
class DyingOnce(_TestPredictor):
    """Kills its process the first time, works the second time."""

    name = "test-dying-once"

    def _predict(self, volume, annotation):
        yield Progress("first", 0.25)
        first_time = not Path(self.options.trace).exists()
        self.leave_trace(os.getpid())
        if first_time:
            os.kill(os.getpid(), signal.SIGKILL)
        yield Prediction(self.labels(annotation))


@PREDICTORS.register
class Greedy(_TestPredictor):
    """Asks for more memory than there is."""

    name = "test-greedy"

    def _predict(self, volume, annotation):
        yield Progress("allocate", 0.5)
        np.empty(1 << 58, np.uint8)


@PREDICTORS.register
class Limited(_TestPredictor):
    """Works until the system refuses more memory."""

    name = "test-limited"

    def _predict(self, volume, annotation):
        import resource

        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), used + (64 << 20)))
        kept = []
        while True:
            kept.append(np.ones(1 << 20, np.uint8))
            yield Progress("allocate", 0.5, f"{len(kept)} MB")


@PREDICTORS.register
class Buggy(_TestPredictor):
    """A mistake in the code."""

    name = "test-buggy"

    def _predict(self, volume, annotation):
        yield Progress("bug", 0.5)
        raise KeyError("the missing key")


@PREDICTORS.register
class Choosy(_TestPredictor):
    """Refuses its input."""

    name = "test-choosy"

    def _predict(self, volume, annotation):
        yield Progress("look", 0.5)
        raise InputError("this image is too dark: brighten it")


@PREDICTORS.register
class Curious(_TestPredictor):
    """Tells which modules its process has imported, and prints, which it should not."""

    name = "test-curious"

    def _predict(self, volume, annotation):
        print("noise on the standard output")  # noqa: T201 - that is the point
        yield Progress("look", 0.5)
        yield Prediction(self.labels(annotation), details={"modules": sorted(sys.modules)})
