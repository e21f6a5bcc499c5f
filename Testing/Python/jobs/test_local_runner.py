import os
import signal
import sys

import numpy as np
import pytest
from jobs.examples import PATIENCE_S, children_of_this_process, is_running, lines, tiny_job, wait_for
from jobs.runner_tester import ProcessRunnerTester
from SparseAnnotateLib import InputError
from SparseAnnotateLib.jobs import JobFailedError, JobState, LocalRunner


def as_script(path, line):
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


class TestLocalRunner(ProcessRunnerTester):
    @pytest.fixture
    def runner(self, root):
        before = children_of_this_process()
        self.root = root
        with LocalRunner(root, slots=2) as runner:
            yield runner
        assert self.nothing_is_left()
        assert children_of_this_process() <= before, "a worker, or what remains of one"

    def nothing_is_left(self):
        return not self.root.exists() or not any(self.root.iterdir())

    def start(self, runner, predictor, stage, **options):
        handle = runner.submit(tiny_job(predictor, **options))
        self.wait_for_stage(handle, stage)
        return handle

    def test_a_killed_worker_is_told_and_costs_its_job_only(self, runner):
        handle = self.start(runner, "test-staged", "learn", hold="learn")
        os.kill(handle.pid, signal.SIGKILL)
        self.finish(handle, JobState.FAILED)
        with pytest.raises(JobFailedError, match="the system killed the worker, most often because memory ran out"):
            handle.result()
        self.finish(runner.submit(tiny_job()))

    def test_a_crash_is_told_with_where_it_happened(self, runner):
        handle = self.finish(runner.submit(tiny_job("test-crashing")), JobState.FAILED)
        with pytest.raises(JobFailedError, match=r"the worker crashed \(SIGSEGV\)") as caught:
            handle.result()
        assert caught.value.reason == "crash"
        assert "job_predictors.py" in caught.value.details

    def test_a_launcher_that_passes_no_pythonpath_on_starts_it_all_the_same(self, root, tmp_path, monkeypatch):
        monkeypatch.delenv("SPARSE_ANNOTATE_PLUGINS")
        launcher = as_script(tmp_path / "launcher", f'unset PYTHONPATH; cd /; exec "{sys.executable}" "$@"')
        with LocalRunner(root, python=str(launcher)) as runner:
            handle = runner.submit(tiny_job())
            self.finish(handle)
            assert handle.result().labels.any()

    def test_a_worker_that_cannot_start_is_told_with_the_last_line_of_its_log(self, root, tmp_path):
        launcher = as_script(tmp_path / "launcher", 'echo "what went wrong" >&2; exit 1')
        with LocalRunner(root, python=str(launcher)) as runner:
            handle = self.finish(runner.submit(tiny_job()), JobState.FAILED)
            with pytest.raises(JobFailedError, match=r"the exit code 1 \(what went wrong\): please report it"):
                handle.result()

    def test_a_worker_whose_memory_is_limited_says_so(self, runner):
        handle = self.finish(runner.submit(tiny_job("test-limited")), JobState.FAILED)
        with pytest.raises(JobFailedError, match="not enough memory"):
            handle.result()

    def test_a_folder_that_is_removed_ends_its_worker(self, runner):
        import shutil

        handle = self.start(runner, "test-stuck", "stuck")
        pid = handle.pid
        shutil.rmtree(handle.folder)
        self.finish(handle, JobState.FAILED)
        with pytest.raises(JobFailedError, match="the worker lost its folder") as caught:
            handle.result()
        assert caught.value.reason == "folder"
        assert not is_running(pid)

    @pytest.mark.parametrize("damage", ["cut", "flipped", "removed", "pickled"])
    def test_an_unreadable_result_is_told(self, runner, damage):
        handle = self.finish(runner.submit(tiny_job("test-rich")))
        path = handle.folder / "result.npz"
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        if damage == "removed":
            path.unlink()
        elif damage == "pickled":
            np.savez(path, rest=np.array([{"a": "dictionary"}], dtype=object))
        else:
            path.write_bytes(content if damage == "flipped" else content[: len(content) // 2])
        with pytest.raises(JobFailedError, match="the result cannot be read"):
            handle.result()
        handle.close()

    def test_the_children_of_a_worker_go_with_it(self, runner, tmp_path):
        trace = tmp_path / "trace"
        handle = self.start(runner, "test-stuck", "stuck", trace=str(trace))
        child = int(wait_for(lambda: lines(trace))[0])
        assert is_running(child)
        handle.cancel()
        self.finish(handle, JobState.CANCELLED)
        wait_for(lambda: not is_running(child))

    def test_the_worker_imports_what_its_predictor_needs_and_no_more(self, runner):
        modules = self.finish(runner.submit(tiny_job("test-curious"))).result().details["modules"]
        heavy = {"torch", "sklearn", "skimage", "SimpleITK", "scipy", "cv2", "matplotlib", "distributed", "itk"}
        assert not heavy & set(modules)

    def test_no_more_jobs_run_than_there_are_slots(self, runner):
        handles = [runner.submit(tiny_job("test-staged", step_s=0.05)) for _ in range(5)]
        most = 0
        while not all(handle.poll().ended for handle in handles):
            most = max(most, sum(handle.poll() is JobState.RUNNING for handle in handles))
        assert most == 2

    def test_no_slots_are_refused(self):
        with pytest.raises(InputError, match="0 workers are asked for"):
            LocalRunner(slots=0)

    def test_an_interpreter_that_does_not_exist_is_told(self, root):
        with LocalRunner(root, python="/no/such/python") as runner:
            handle = runner.submit(tiny_job())
            assert handle.wait(PATIENCE_S) is JobState.FAILED
            with pytest.raises(JobFailedError, match="could not be started"):
                handle.result()
