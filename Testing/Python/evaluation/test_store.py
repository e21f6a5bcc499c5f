"""The store: a row a result, never lost, never doubled; and who is at which task."""

import sqlite3
import time

import pytest
from evaluation.examples import done, failed, tasks
from SparseAnnotateLib import InputError
from SparseAnnotateLib.evaluation.grid.claims import DEAD_AFTER_S, Claims
from SparseAnnotateLib.evaluation.grid.fingerprint import digest_of_files
from SparseAnnotateLib.evaluation.grid.store import ResultStore


@pytest.fixture
def store(tmp_path):
    with_results = ResultStore(tmp_path / "results.sqlite")
    yield with_results
    with_results.close()


@pytest.fixture
def some_tasks():
    return tasks()


class TestResults:
    def test_a_result_is_there_for_another_connection_as_soon_as_it_is_added(self, store, some_tasks):
        store.add(some_tasks[0], done(some_tasks[0], 0.7))
        other = ResultStore(store.path)
        assert other.states(task.key for task in some_tasks) == {some_tasks[0].key: "done"}
        (row,) = other.rows()
        assert (row["dice_all"], row["case_name"], row["selector"], row["view"]["axis"]) == (
            0.7,
            "case0",
            "keep-n",
            "k",
        )
        other.close()

    def test_a_finished_result_stays_as_it_is(self, store, some_tasks):
        assert store.add(some_tasks[0], done(some_tasks[0], 0.7))
        assert not store.add(some_tasks[0], done(some_tasks[0], 0.9))
        assert not store.add(some_tasks[0], failed(some_tasks[0]))
        assert [row["dice_all"] for row in store.rows()] == [0.7]

    def test_a_failed_one_makes_room_for_the_next_attempt(self, store, some_tasks):
        store.add(some_tasks[0], failed(some_tasks[0], "no memory"))
        assert store.states([some_tasks[0].key]) == {some_tasks[0].key: "failed"}
        assert store.add(some_tasks[0], done(some_tasks[0], 0.7))
        assert [(row["state"], row["message"]) for row in store.rows()] == [("done", "")]

    def test_a_selection_is_kept_for_other_predictors(self, store, some_tasks):
        result = done(some_tasks[0])
        store.add(some_tasks[0], result)
        assert store.selections([some_tasks[0].selection_key]) == {some_tasks[0].selection_key: result.selection}

    def test_a_result_that_cannot_be_written_whole_leaves_nothing(self, store, some_tasks, monkeypatch):
        monkeypatch.setattr("SparseAnnotateLib.evaluation.grid.store.dataclasses.astuple", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store.add(some_tasks[0], done(some_tasks[0]))
        assert store.rows() == []
        monkeypatch.undo()
        assert store.add(some_tasks[0], done(some_tasks[0]))

    def test_more_keys_than_a_statement_takes(self, store, some_tasks):
        store.add(some_tasks[0], done(some_tasks[0]))
        keys = [some_tasks[0].key, *map(str, range(70_000))]
        assert store.states(keys) == {some_tasks[0].key: "done"}

    def test_a_file_of_something_else_is_refused(self, tmp_path):
        (tmp_path / "results.sqlite").write_bytes(b"this is no database " * 100)
        with pytest.raises(InputError, match="cannot be used for results"):
            ResultStore(tmp_path / "results.sqlite")

    def test_a_newer_format_is_refused(self, store):
        database = sqlite3.connect(store.path)
        database.execute("PRAGMA user_version = 99")
        database.close()
        with pytest.raises(InputError, match="newer version"):
            ResultStore(store.path)

    def test_a_files_digest_is_computed_again_only_when_it_changed(self, store, tmp_path):
        asked = []

        def digest(paths):
            asked.extend(paths)
            return digest_of_files(paths)

        file = tmp_path / "image"
        file.write_bytes(b"one")
        first = store.digest(file, digest)
        assert store.digest(file, digest) == first
        assert len(asked) == 1
        file.write_bytes(b"other")
        assert store.digest(file, digest) != first
        assert len(asked) == 2


class TestClaims:
    @pytest.fixture
    def two(self, store):
        pair = Claims(store.path), Claims(store.path)
        yield pair
        for claims in pair:
            claims.close()

    def test_a_task_is_taken_by_one_only(self, two):
        assert [claims.take("a") for claims in two] == [True, False]
        two[0].give_back("a")
        assert two[1].take("a")

    def test_a_task_with_a_result_is_not_taken(self, store, two, some_tasks):
        store.add(some_tasks[0], done(some_tasks[0]))
        store.add(some_tasks[1], failed(some_tasks[1]))
        assert not two[0].take(some_tasks[0].key)
        assert not two[0].take(some_tasks[1].key)
        assert two[0].done_elsewhere(task.key for task in some_tasks) == {some_tasks[0].key, some_tasks[1].key}

    def test_a_failed_one_is_taken_again_if_asked_for_but_once(self, store, some_tasks):
        task = some_tasks[0]
        store.add(task, failed(task))
        time.sleep(0.01)
        claims = Claims(store.path, retry_failed=True)
        assert claims.take(task.key)
        store.add(task, failed(task))
        assert not claims.take(task.key)
        claims.close()

    def test_closing_frees_what_was_taken(self, store):
        first, second = Claims(store.path), Claims(store.path)
        assert first.take("a")
        first.close()
        assert second.take("a")
        second.close()

    def test_what_a_dead_process_had_taken_is_free_at_once(self, store, monkeypatch):
        dead, alive = Claims(store.path), Claims(store.path)
        assert dead.take("a")
        assert not alive.take("a")
        # No process has the number of the highest one plus one.
        alive._database.execute("UPDATE owners SET process = 4194305 WHERE owner = ?", (dead.owner,))
        alive._beaten = 0.0
        alive.beat()
        assert alive.take("a")
        monkeypatch.undo()
        alive.close()

    def test_on_another_machine_a_process_is_dead_when_it_has_been_silent_for_long(self, store):
        far, here = Claims(store.path), Claims(store.path)
        assert far.take("a")
        for silent_s, free in ((DEAD_AFTER_S - 60, False), (DEAD_AFTER_S + 1, True)):
            statement = "UPDATE owners SET host = 'elsewhere', heartbeat = ? WHERE owner = ?"
            here._database.execute(statement, (time.time() - silent_s, far.owner))
            here._beaten = 0.0
            here.beat()
            assert here.take("a") is free
        here.close()
