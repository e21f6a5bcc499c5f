"""What every runner must do; the tests of each inherit this class and give it a `runner` fixture."""

import dataclasses

import numpy as np
import pytest
from jobs.examples import PATIENCE_S, lines, tiny_job, wait_for
from jobs.job_predictors import STAGES
from SparseAnnotateLib import InputError, run
from SparseAnnotateLib.jobs import JobCancelledError, JobFailedError, JobState
from SparseAnnotateLib.predictors import PREDICTORS
from SparseAnnotateLib.quality.expected import with_expected_quality


class RunnerTester:
    """Inherited by one class a runner."""

    def finish(self, handle, state=JobState.FINISHED):
        assert handle.wait(PATIENCE_S) is state, repr(handle._failure)
        return handle

    def wait_for_stage(self, handle, stage):
        seen = []

        def reached():
            handle.poll()
            seen.extend(event.stage for event in handle.events())
            return stage in seen

        wait_for(reached, PATIENCE_S)

    def nothing_is_left(self):
        """Overridden where a job leaves traces outside its process."""
        return True

    def test_a_job_gives_the_labels_that_its_predictor_gives_in_this_process(self, runner):
        job = tiny_job("nearest")
        expected = run(PREDICTORS.create("nearest"), job.volume, job.annotation)
        handle = self.finish(runner.submit(job))
        np.testing.assert_array_equal(handle.result().labels, expected.labels)
        assert expected.labels.any()

    def test_every_field_of_a_prediction_travels(self, runner):
        job = tiny_job("test-rich")
        predicted = run(PREDICTORS.create("test-rich"), job.volume, job.annotation)
        volume = job.volume
        expected = with_expected_quality(predicted, job.annotation, volume.spacing_mm, "test-rich", volume.intensities)
        prediction = self.finish(runner.submit(job)).result()
        for field in dataclasses.fields(expected):
            if field.name != "details":
                np.testing.assert_array_equal(getattr(prediction, field.name), getattr(expected, field.name))
        assert prediction.probabilities.dtype == np.float16
        assert prediction.expected_dice_per_plane.dtype == np.float32
        assert list(prediction.details["numbers"]) == [0, 1, 2]
        assert prediction.details["nested"] == {"name": "a", "value": 0.5}

    def test_options_reach_the_predictor(self, runner):
        assert self.finish(runner.submit(tiny_job("test-staged", seed=41))).result().details["seed"] == 41

    def test_options_may_be_an_options_object(self, runner):
        options = PREDICTORS.get("nearest").Options(seed=3)
        self.finish(runner.submit(dataclasses.replace(tiny_job(), options=options)))

    def test_events_tell_the_way_from_start_to_result(self, runner):
        handle = self.finish(runner.submit(tiny_job("test-staged", step_s=0.1)))
        events = handle.events()
        assert events[0].kind == "started"
        assert events[-1].kind == "result"
        assert [e.kind for e in events].count("result") == 1
        fractions = [e.fraction for e in events]
        assert fractions == sorted(fractions)
        assert fractions[-1] == 1.0
        assert list(dict.fromkeys(e.stage for e in events if e.kind == "progress")) == list(STAGES)
        assert all(e.elapsed_s >= 0 and e.worker for e in events)
        assert any(e.remaining_s > 0 for e in events if e.remaining_s is not None)

    def test_a_preview_shows_a_plane(self, runner):
        job = tiny_job("test-staged", step_s=0.1)
        previews = [e.preview for e in self.finish(runner.submit(job)).events() if e.preview is not None]
        plane, labels = previews[0]
        assert plane == 0
        np.testing.assert_array_equal(labels, job.annotation.labels[0])

    def test_the_arrays_of_the_caller_stay_as_they_are(self, runner):
        job = tiny_job("test-staged")
        before = job.volume.intensities.copy(), job.annotation.labels.copy(), job.annotation.known.copy()
        self.finish(runner.submit(job)).result()
        after = job.volume.intensities, job.annotation.labels, job.annotation.known
        for one, other in zip(before, after, strict=True):
            np.testing.assert_array_equal(one, other)

    def test_an_unknown_predictor_is_refused_at_once(self, runner):
        with pytest.raises(InputError, match="there is no predictor 'best'"):
            runner.submit(tiny_job("best"))

    def test_an_unknown_option_is_refused_at_once(self, runner):
        with pytest.raises(InputError, match="there is no option 'speed'"):
            runner.submit(tiny_job("nearest", speed=3))

    def test_input_that_cannot_be_used_raises_the_sentence_of_the_predictor(self, runner):
        handle = self.finish(runner.submit(tiny_job("test-choosy")), JobState.FAILED)
        with pytest.raises(InputError, match=r"^this image is too dark: brighten it$"):
            handle.result()
        assert handle.events()[-1].kind == "error"
        assert self.nothing_is_left()

    def test_a_bug_is_told_with_its_traceback(self, runner):
        handle = self.finish(runner.submit(tiny_job("test-buggy")), JobState.FAILED)
        with pytest.raises(JobFailedError, match="KeyError: 'the missing key'") as caught:
            handle.result()
        assert caught.value.reason == "bug"
        assert "job_predictors.py" in caught.value.details
        assert self.nothing_is_left()

    def test_too_little_memory_is_told_with_what_to_do(self, runner):
        handle = self.finish(runner.submit(tiny_job("test-greedy")), JobState.FAILED)
        with pytest.raises(JobFailedError, match="not enough memory for this prediction: close other") as caught:
            handle.result()
        assert caught.value.reason == "memory"
        assert self.nothing_is_left()

    def test_the_result_before_the_end_is_a_mistake_of_the_caller(self, runner):
        handle = runner.submit(tiny_job("test-staged", step_s=0.2))
        with pytest.raises(RuntimeError, match="has not ended"):
            handle.result()
        handle.close()

    @pytest.mark.parametrize("stage", STAGES)
    def test_cancelling_closes_the_predictor_at_every_stage(self, runner, stage, tmp_path):
        trace = tmp_path / "trace"
        handle = runner.submit(tiny_job("test-staged", trace=str(trace), hold=stage))
        self.wait_for_stage(handle, stage)
        handle.cancel()
        self.finish(handle, JobState.CANCELLED)
        assert lines(trace) == ["began", "closed"]
        with pytest.raises(JobCancelledError):
            handle.result()
        assert self.nothing_is_left()

    def test_a_job_cancelled_before_it_starts_never_does(self, runner, tmp_path):
        trace, until = tmp_path / "trace", tmp_path / "until"
        held = tiny_job("test-staged", hold=STAGES[0], until=str(until))
        handles = [runner.submit(held) for _ in range(runner.slots)]
        late = runner.submit(tiny_job("test-staged", trace=str(trace)))
        late.cancel()
        self.finish(late, JobState.CANCELLED)
        until.touch()
        for handle in handles:
            self.finish(handle)
        assert not trace.exists()

    def test_cancelling_after_the_end_keeps_the_result(self, runner):
        handle = self.finish(runner.submit(tiny_job()))
        handle.cancel()
        assert handle.poll() is JobState.FINISHED
        assert handle.result().labels.any()

    def test_cancelling_twice_is_cancelling_once(self, runner):
        handle = runner.submit(tiny_job("test-staged", step_s=0.1))
        handle.cancel()
        handle.cancel()
        self.finish(handle, JobState.CANCELLED)

    @pytest.mark.slow
    def test_fifty_jobs_queue_and_a_failed_one_harms_no_other(self, runner):
        handles = [runner.submit(tiny_job("test-buggy" if n == 7 else "nearest", f"case {n}")) for n in range(50)]
        handles[20].cancel()
        states = [handle.wait(PATIENCE_S) for handle in handles]
        assert states.pop(20) in (JobState.CANCELLED, JobState.FINISHED)
        assert states.pop(7) is JobState.FAILED
        assert set(states) == {JobState.FINISHED}
        assert handles[49].name == "case 49"
        for handle in handles:
            handle.close()
        assert self.nothing_is_left()

    def test_closing_a_handle_ends_its_job(self, runner, tmp_path):
        trace = tmp_path / "trace"
        handle = runner.submit(tiny_job("test-staged", trace=str(trace), hold=STAGES[0]))
        self.wait_for_stage(handle, STAGES[0])
        handle.close()
        assert handle.poll() is JobState.CANCELLED
        assert lines(trace) == ["began", "closed"]
        assert self.nothing_is_left()

    def test_closing_the_runner_removes_what_nobody_fetched(self, runner):
        self.finish(runner.submit(tiny_job()))
        self.finish(runner.submit(tiny_job()))
        runner.close_jobs()
        assert self.nothing_is_left()


class ProcessRunnerTester(RunnerTester):
    """More, for the runners whose jobs run in other processes."""

    @pytest.fixture
    def root(self, tmp_path):
        return tmp_path / "jobs"

    def test_two_jobs_run_at_the_same_time(self, runner, tmp_path):
        until = tmp_path / "until"
        held = tiny_job("test-staged", hold=STAGES[0], until=str(until))
        handles = [runner.submit(held) for _ in range(2)]
        for handle in handles:
            self.wait_for_stage(handle, STAGES[0])
        assert [handle.poll() for handle in handles] == [JobState.RUNNING] * 2
        until.touch()
        for handle in handles:
            self.finish(handle)

    def test_a_long_step_is_told_from_a_dead_worker_by_its_heartbeats(self, runner, tmp_path):
        # One step that lasts until four beats of it were heard, however long that, and the start before it, takes.
        until, beats = tmp_path / "until", []
        handle = runner.submit(tiny_job("test-patient", until=str(until)))

        def four_beats():
            handle.poll()
            beats.extend(event for event in handle.events() if (event.kind, event.stage) == ("heartbeat", "prepare"))
            return len(beats) >= 4

        wait_for(four_beats)
        until.touch()
        self.finish(handle)
        assert beats[-1].elapsed_s > beats[0].elapsed_s

    @pytest.mark.parametrize("predictor", ["test-stuck", "test-selfish"])
    def test_a_step_that_never_ends_is_ended_by_cancelling(self, runner, predictor):
        handle = runner.submit(tiny_job(predictor))
        self.wait_for_stage(handle, predictor.removeprefix("test-"))
        handle.cancel()
        self.finish(handle, JobState.CANCELLED)
        assert self.nothing_is_left()
        self.finish(runner.submit(tiny_job()))
