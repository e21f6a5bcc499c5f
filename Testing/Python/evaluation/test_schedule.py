"""Who does what next, and how long it will take."""

import pytest
from evaluation.examples import predictors, selectors, tasks
from SparseAnnotateLib.evaluation.grid.remaining import RemainingTime, spoken
from SparseAnnotateLib.evaluation.grid.schedule import Schedule


def drain(schedule, worker):
    """Everything that is left, done by one worker."""
    found = []
    while (task := schedule.next_for(worker)) is not None:
        schedule.ended(task)
        found.append(task)
    return found


class TestSchedule:
    def test_one_worker_does_all_tasks_in_their_order(self):
        assert drain(Schedule(tasks()), "one") == tasks()

    def test_a_worker_stays_with_its_case_and_the_next_takes_another_one(self):
        schedule = Schedule(tasks())
        order = []
        for _ in range(4):
            for worker in ("one", "two"):
                task = schedule.next_for(worker)
                schedule.ended(task)
                order.append((worker, task.case.name))
        assert set(order) == {("one", "case0"), ("two", "case1")}

    def test_where_every_case_is_taken_one_helps_at_the_longest(self):
        schedule = Schedule(tasks(1, predictors=predictors("nearest")))
        first, second = schedule.next_for("one"), schedule.next_for("two")
        assert first.shelf == second.shelf
        assert first != second

    def test_one_task_at_a_time_on_the_gpu_and_others_beside_it(self):
        schedule = Schedule(tasks(), on_gpu=lambda task: task.predictor.name == "nearest")
        first = schedule.next_for("one")
        assert first.predictor.name == "nearest"
        assert schedule.next_for("two").predictor.name == "shape"
        ahead = schedule.next_for("one")
        assert ahead.predictor.name == "nearest"
        for task in (first, ahead):
            schedule.ended(task)
        assert schedule.next_for("three").predictor.name == "nearest"

    def test_tasks_that_do_not_fit_into_memory_together_wait(self):
        schedule = Schedule(tasks(), bytes_of=lambda _: 6.0, memory_bytes=10.0)
        first = schedule.next_for("one")
        assert schedule.next_for("two") is None
        assert schedule.next_for("one") is not None
        schedule.ended(first)
        assert schedule.next_for("two") is None

    def test_a_task_larger_than_the_memory_runs_alone(self):
        schedule = Schedule(tasks(), bytes_of=lambda _: 60.0, memory_bytes=10.0)
        assert schedule.next_for("one") is not None
        assert schedule.next_for("two") is None

    def test_a_shelf_at_which_another_process_is_comes_last(self, monkeypatch):
        monkeypatch.setattr("SparseAnnotateLib.evaluation.grid.schedule._LEAVE_S", 0.0)
        schedule = Schedule(tasks(predictors=predictors("nearest")))
        schedule.put_back(schedule.next_for("one"), leave=True)
        found = drain(schedule, "one")
        assert [task.case.name for task in found] == ["case1"] * 4 + ["case0"] * 4

    def test_while_it_is_left_to_the_other_process_nobody_asks_for_it(self):
        schedule = Schedule(tasks(1, predictors=predictors("nearest")))
        schedule.put_back(schedule.next_for("one"), leave=True)
        assert schedule.next_for("one") is None
        assert len(schedule) == 4


class TestRemainingTime:
    def test_predictors_and_cases_count_by_what_they_took(self):
        nearest, *_, shape = tasks(1, selectors=selectors("keep-n"), fractions=(0.1,))
        slow = tasks(2, selectors=selectors("keep-n"), fractions=(0.1,))[1]
        known = [
            ("nearest", nearest.case_hash, 1.0),
            ("nearest", slow.case_hash, 3.0),
            ("shape", nearest.case_hash, 10.0),
        ]
        remaining = RemainingTime(known)
        # nearest takes 2 s on average, case 0 half of that, case 1 one and a half times; shape is known on case 0 only,
        # which is (0.5 + 1) / 2 as slow as the average.
        assert remaining.seconds_for([slow], 1) == pytest.approx(2 * 1.5)
        assert remaining.seconds_for([shape], 1) == pytest.approx(10 * 0.75)
        assert remaining.seconds_for([slow, slow], 2) == pytest.approx(2 * 1.5)

    def test_nothing_is_said_before_anything_is_known(self):
        assert RemainingTime().seconds_for(tasks(), 2) is None

    def test_an_unknown_predictor_counts_as_the_slowest(self):
        (task, *_) = tasks(1, predictors=predictors("shape"))
        assert RemainingTime([("a", "x", 1.0), ("b", "x", 9.0)]).seconds_for([task], 1) == pytest.approx(9)

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [(None, "unknown"), (7.4, "7 s"), (100, "2 min"), (3599, "1 h 00 min"), (12_000, "3 h 20 min")],
    )
    def test_it_is_said_as_people_say_it(self, seconds, text):
        assert spoken(seconds) == text
