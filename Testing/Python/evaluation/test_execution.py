"""Tasks go to workers and results to the store, whatever happens on the way."""

import collections

import pytest
from evaluation.examples import done, failed, predictors, selectors, tasks
from SparseAnnotateLib import InputError
from SparseAnnotateLib.evaluation.grid.claims import Claims
from SparseAnnotateLib.evaluation.grid.schedule import Schedule
from SparseAnnotateLib.evaluation.grid.store import ResultStore
from SparseAnnotateLib.evaluation.pools.execution import Execution
from SparseAnnotateLib.evaluation.pools.pool import Pool


class ListPool(Pool):
    """Two workers in this process, which do at once what `answer` says; a text stands for a worker's death."""

    workers = ("one", "two")

    def __init__(self, answer=done):
        self.sent = []
        self._answer = answer
        self._inbox = collections.deque()

    def send(self, worker, task):
        self.sent.append((worker, task))
        self._inbox.append((worker, self._answer(task)))

    def receive(self, timeout_s):  # noqa: ARG002
        if not self._inbox:
            return None
        worker, message = self._inbox.popleft()
        if isinstance(message, str):
            # Whatever else it was given dies with it.
            self._inbox = collections.deque(entry for entry in self._inbox if entry[0] != worker)
        return worker, message

    def close(self):
        pass


@pytest.fixture
def store(tmp_path):
    with_results = ResultStore(tmp_path / "results.sqlite")
    yield with_results
    with_results.close()


@pytest.fixture
def claims(store):
    ours = Claims(store.path)
    yield ours
    ours.close()


def states(store, some):
    return collections.Counter(store.states(task.key for task in some).values())


def test_every_task_gets_a_result(store, claims):
    told = []
    progress = Execution(Schedule(tasks()), store, claims, ListPool(), lambda *what: told.append(what)).run()
    assert states(store, tasks()) == {"done": 16}
    assert (progress.done, progress.failed, progress.elsewhere) == (16, 0, 0)
    assert sum(result is not None for _, result in told) == 16
    assert claims._database.execute("SELECT count(*) FROM claims").fetchone() == (0,)


def test_a_selection_made_for_one_predictor_is_sent_along_with_the_next(store, claims):
    pool = ListPool()
    pool.workers = ("one",)
    Execution(Schedule(tasks(1)), store, claims, pool).run()
    by_predictor = {"nearest": [], "shape": []}
    for _, task in pool.sent:
        by_predictor[task.predictor.name].append(task.selection)
    assert by_predictor["nearest"] == [None] * 4
    assert by_predictor["shape"] == [done(tasks()[0]).selection] * 4


def test_a_failure_is_a_result_and_harms_no_other(store, claims):
    pool = ListPool(lambda task: failed(task) if task.selector.name == "random" else done(task))
    progress = Execution(Schedule(tasks()), store, claims, pool).run()
    assert (progress.done, progress.failed) == (8, 8)
    assert states(store, tasks()) == {"done": 8, "failed": 8}


def test_a_worker_that_dies_costs_one_task(store, claims):
    deadly = tasks()[3].key
    pool = ListPool(lambda task: "the worker process was killed" if task.key == deadly else done(task))
    Execution(Schedule(tasks()), store, claims, pool).run()
    assert states(store, tasks()) == {"done": 15, "failed": 1}
    (row,) = [row for row in store.rows() if row["state"] == "failed"]
    assert (row["key"], row["message"]) == (deadly, "the worker process was killed")


def test_workers_that_always_die_do_not_use_up_all_tasks(store, claims):
    many = tasks(10)
    with pytest.raises(InputError, match="workers end one after the other before they have a result: no torch"):
        Execution(Schedule(many), store, claims, ListPool(lambda _: "no torch")).run()
    assert len(store.rows()) < 10


def test_what_came_in_together_waits_for_the_disk_once(store, claims):
    commits = []
    store._database.set_trace_callback(lambda statement: commits.append(statement) if statement == "COMMIT" else None)
    Execution(Schedule(tasks()), store, claims, ListPool()).run()
    assert states(store, tasks()) == {"done": 16}
    # Two workers are sent two tasks each at first, and more when they turn out to be quick.
    assert len(commits) < 8


def test_what_had_come_in_before_an_interruption_is_kept(store, claims):
    class Interrupted(ListPool):
        def receive(self, timeout_s):
            if timeout_s == 0.0:
                raise KeyboardInterrupt
            return super().receive(timeout_s)

    with pytest.raises(KeyboardInterrupt):
        Execution(Schedule(tasks()), store, claims, Interrupted()).run()
    assert states(store, tasks()) == {"done": 1}


def test_what_another_process_is_at_is_waited_for_and_not_done_twice(store, claims, monkeypatch):
    monkeypatch.setattr("SparseAnnotateLib.evaluation.grid.schedule._LEAVE_S", 0.0)
    some = tasks(2, selectors=selectors("keep-n"), predictors=predictors("nearest"))
    other = Claims(store.path)
    assert other.take(some[0].key)
    pool = ListPool()

    def finish_there(progress, _):
        if progress.done == len(some) - 1 and not store.states([some[0].key]):
            store.add(some[0], done(some[0], 0.123))

    progress = Execution(Schedule(some), store, claims, pool, finish_there).run()
    assert (progress.done, progress.elsewhere) == (3, 1)
    assert some[0].key not in {task.key for _, task in pool.sent}
    assert store.states([some[0].key]) == {some[0].key: "done"}
    other.close()


def test_a_task_whose_other_process_died_is_done_after_all(store, claims, monkeypatch):
    monkeypatch.setattr("SparseAnnotateLib.evaluation.grid.schedule._LEAVE_S", 0.0)
    some = tasks(1, selectors=selectors("keep-n"), predictors=predictors("nearest"))
    other = Claims(store.path)
    assert other.take(some[0].key)

    def die_there(progress, _):
        if progress.done == len(some) - 1:
            other._database.execute("UPDATE owners SET process = 4194305 WHERE owner = ?", (other.owner,))
            claims._beaten = 0.0

    progress = Execution(Schedule(some), store, claims, ListPool(), die_there).run()
    assert progress.done == len(some)
