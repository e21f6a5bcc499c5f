import pytest
from jobs.runner_tester import RunnerTester
from SparseAnnotateLib.jobs import InlineRunner, JobState


class TestInlineRunner(RunnerTester):
    @pytest.fixture
    def runner(self):
        with InlineRunner() as runner:
            yield runner

    def test_a_poll_is_a_step(self, runner):
        from jobs.examples import tiny_job

        handle = runner.submit(tiny_job("test-staged", steps=1))
        states = [handle.poll() for _ in range(5)]
        assert states == [JobState.RUNNING] * 4 + [JobState.FINISHED]
