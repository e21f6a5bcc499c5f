import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import SparseAnnotateLib
from jobs.examples import PATIENCE_S, children_of_this_process, is_running, tiny_job, wait_for
from jobs.runner_tester import ProcessRunnerTester
from SparseAnnotateLib import SparseAnnotation, Volume
from SparseAnnotateLib.jobs import Job, JobFailedError, JobState, ResidentRunner
from SparseAnnotateLib.jobs.folder import read_job
from SparseAnnotateLib.jobs.guardian import processor_time_s
from SparseAnnotateLib.jobs.shared_image import MappedImage


class TestResidentRunner(ProcessRunnerTester):
    @pytest.fixture
    def runner(self, root):
        before = children_of_this_process()
        self.root = root
        with ResidentRunner(root, slots=2, ready_for="") as runner:
            self.home = runner.home.path
            yield runner
        assert not any(root.iterdir())
        assert children_of_this_process() <= before, "a worker, or what remains of one"

    def nothing_is_left(self):
        return set(self.root.iterdir()) == {self.home}

    def run(self, runner, *given, **options):
        """The number of the worker that ran a job to its end."""
        handle = self.finish(runner.submit(tiny_job(*given, **options)))
        assert handle.result().labels.any()
        handle.close()
        return handle.pid

    def start(self, runner, predictor, stage, **options):
        handle = runner.submit(tiny_job(predictor, **options))
        self.wait_for_stage(handle, stage)
        return handle

    def test_one_worker_runs_one_job_after_the_other(self, runner):
        workers = {self.run(runner, name) for name in ("nearest", "test-staged", "shape", "nearest")}
        assert len(workers) == 1

    def test_a_worker_goes_on_after_input_that_cannot_be_used_and_after_a_cancelled_job(self, runner):
        first = self.run(runner)
        self.finish(runner.submit(tiny_job("test-choosy")), JobState.FAILED)
        handle = self.start(runner, "test-staged", "learn", hold="learn")
        handle.cancel()
        self.finish(handle, JobState.CANCELLED)
        assert self.run(runner) == first

    @pytest.mark.parametrize("predictor", ["test-buggy", "test-greedy", "test-crashing"])
    def test_after_a_bug_a_crash_or_want_of_memory_the_next_job_gets_a_new_worker(self, runner, predictor):
        first = self.run(runner)
        handle = self.finish(runner.submit(tiny_job(predictor)), JobState.FAILED)
        with pytest.raises(JobFailedError):
            handle.result()
        handle.close()
        assert self.run(runner) != first
        wait_for(lambda: not is_running(first))

    def test_a_worker_killed_at_work_costs_its_job_only(self, runner):
        handle = self.start(runner, "test-staged", "learn", hold="learn")
        os.kill(handle.pid, signal.SIGKILL)
        self.finish(handle, JobState.FAILED)
        with pytest.raises(JobFailedError, match="the system killed the worker, most often because memory ran out"):
            handle.result()
        assert self.run(runner) != handle.pid

    def test_a_worker_killed_while_it_waits_costs_nothing(self, runner):
        first = self.run(runner)
        os.kill(first, signal.SIGKILL)
        assert self.run(runner) != first

    def test_a_worker_that_dies_as_it_is_given_a_job_costs_nothing(self, runner):
        first = self.run(runner)
        # Stopped, it is given the job, and does not look at it before it is killed.
        os.kill(first, signal.SIGSTOP)
        handle = runner.submit(tiny_job())
        wait_for(lambda: handle.poll() and handle.pid == first)
        os.kill(first, signal.SIGKILL)
        assert self.finish(handle).pid != first

    @pytest.mark.parametrize("closing", ["< /dev/null", "<&-"])
    def test_where_a_launcher_closes_the_input_each_job_gets_a_worker_of_its_own(self, root, tmp_path, closing):
        launcher = tmp_path / "launcher"
        launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@" {closing}\n', encoding="utf-8")
        launcher.chmod(0o755)
        with ResidentRunner(root, ready_for="", python=str(launcher)) as runner:
            workers = [self.run(runner) for _ in range(2)]
        assert workers[0] != workers[1]
        assert not any(root.iterdir())

    def test_a_superseded_job_is_dropped_at_its_next_step_without_anybody_looking(self, root):
        with ResidentRunner(root, ready_for="") as runner:
            old = self.start(runner, "test-staged", "learn", hold="learn")
            old.cancel()
            new = self.finish(runner.submit(tiny_job()))
            assert new.pid == old.pid
            assert old.poll() is JobState.CANCELLED

    def test_a_dismissed_worker_ends_and_the_next_job_gets_another_one(self, runner):
        first = self.run(runner)
        runner.dismiss()
        assert not is_running(first)
        assert self.run(runner) != first

    def test_a_prepared_worker_is_there_before_its_job(self, runner):
        runner.prepare()
        runner.prepare()
        (prepared,) = [process.pid for process in runner._idle]
        assert self.run(runner) == prepared

    def test_the_owners_end_ends_a_worker_that_waits(self, root):
        code = textwrap.dedent("""
            import os, sys
            from jobs.examples import tiny_job
            from SparseAnnotateLib.jobs import ResidentRunner, JobState
            runner = ResidentRunner(sys.argv[1], ready_for="")
            handle = runner.submit(tiny_job())
            assert handle.wait() is JobState.FINISHED
            print(handle.pid, flush=True)
            os.kill(os.getpid(), 9)
            """)
        path = os.pathsep.join([os.environ["PYTHONPATH"], str(Path(SparseAnnotateLib.__file__).parents[1])])
        owner = subprocess.run(
            [sys.executable, "-c", code, root],
            stdout=subprocess.PIPE,
            timeout=PATIENCE_S,
            env={**os.environ, "PYTHONPATH": path},
            check=False,
        )
        worker = int(owner.stdout)
        wait_for(lambda: not is_running(worker))

    def test_a_waiting_worker_and_its_guardian_use_no_processor(self, runner):
        def used():
            numbers = [worker, *map(int, lines_of(f"/proc/{worker}/task/{worker}/children"))]
            assert len(numbers) == 2
            return [processor_time_s(one) for one in numbers]

        worker = self.run(runner)
        before = wait_for(lambda: steady(used))
        for _ in range(20):
            time.sleep(0.05)
            assert used() == before

    def test_what_a_job_prints_goes_to_its_own_log(self, runner):
        handle = self.finish(runner.submit(tiny_job("test-crashing")), JobState.FAILED)
        with pytest.raises(JobFailedError, match=r"the worker crashed \(SIGSEGV\)") as caught:
            handle.result()
        assert "job_predictors.py" in caught.value.details

    def test_the_image_is_written_once_and_mapped_once(self, runner):
        first, second = (self.finish(runner.submit(tiny_job())) for _ in range(2))
        files = [handle.folder / "intensities.npy" for handle in (first, second)]
        assert os.path.samefile(*files)
        mapped = MappedImage()
        one, other = (read_job(handle.folder, mapped.map).volume.intensities for handle in (first, second))
        assert one is other
        assert one is not read_job(first.folder).volume.intensities

    def test_an_image_that_differs_in_one_voxel_is_another_one(self, runner):
        job = tiny_job("test-staged")
        before = self.finish(runner.submit(job)).result().details["mean"]
        job.volume.intensities[8, 19, 23] += 240
        after = self.finish(runner.submit(job)).result().details["mean"]
        assert after == pytest.approx(before + 240 / job.volume.intensities.size, rel=1e-3)

    def test_what_was_computed_is_recalled_and_the_prediction_is_that_of_a_new_worker(self, runner, root):
        rng = np.random.default_rng(0)
        labels = np.zeros((12, 30, 30), np.uint8)
        labels[:, 10:20, 8:22] = 1
        volume = Volume.from_array((60 * labels + rng.normal(0, 20, labels.shape)).astype(np.float32))
        results = {}
        for painted in ([0, 6, 11], [0, 3, 6, 11], [0, 3, 6, 9, 11]):
            annotation = SparseAnnotation.from_painted_planes(labels, painted)
            job = Job("guided", volume, annotation, {"keep_probabilities": True}, in_view=4)
            results[len(painted)] = self.finish(runner.submit(job)).result()
        with ResidentRunner(root, ready_for="", memory_bytes=0) as another:
            fresh = self.finish(another.submit(job)).result()
        assert fresh.labels.tobytes() == results[5].labels.tobytes()
        assert fresh.probabilities.tobytes() == results[5].probabilities.tobytes()

    def test_the_plane_in_view_is_shown_first(self, runner):
        labels = np.zeros((12, 30, 30), np.uint8)
        labels[:, 10:20, 8:22] = 1
        noise = np.random.default_rng(0).normal(0, 20, labels.shape)
        volume = Volume.from_array((60 * labels + noise).astype(np.float32))
        annotation = SparseAnnotation.from_painted_planes(labels, [0, 5, 11])
        handle = self.finish(runner.submit(Job("guided", volume, annotation, in_view=8)))
        plane, shown = next(event.preview for event in handle.events() if event.preview is not None)
        assert plane == 8
        np.testing.assert_array_equal(shown, handle.result().labels[8])


def lines_of(path):
    return Path(path).read_text().split()


def steady(measure):
    """What is measured, once it stays the same for a moment; starting and ending a job takes some time itself."""
    before = measure()
    time.sleep(0.3)
    return before if measure() == before else None
