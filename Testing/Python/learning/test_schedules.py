"""Schedules: the rate goes as the papers say."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from SparseAnnotateLib.errors import InputError  # noqa: E402
from SparseAnnotateLib.learning.schedules import (  # noqa: E402
    Constant,
    OneCycle,
    Plateau,
    Restarts,
    TwoStep,
    build_schedule,
    schedule_class,
)


def made(cls, rate=5e-4):
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    return cls(optimizer, rate), lambda: optimizer.param_groups[0]["lr"]


def test_one_cycle_rises_for_a_quarter_and_falls_to_almost_nothing():
    schedule, rate = made(OneCycle, 1e-2)
    rates = []
    for step in range(101):
        schedule.before_step(step / 100)
        rates.append(rate())
    assert rates[0] == pytest.approx(4e-4)
    assert rates[25] == pytest.approx(1e-2)
    assert rates[100] == pytest.approx(1e-5)
    assert rates[:26] == sorted(rates[:26])
    assert rates[25:] == sorted(rates[25:], reverse=True)


def test_plateau_halves_the_rate_and_stops_early():
    schedule, rate = made(Plateau)
    assert rate() == 5e-4
    schedule.after_epoch(0.5)
    for _ in range(Plateau.patience + 1):
        schedule.after_epoch(0.4)
    assert rate() == 2.5e-4
    assert not schedule.finished
    for _ in range(Plateau.early_stop):
        schedule.after_epoch(0.4)
    assert schedule.finished


def test_a_better_score_keeps_plateau_going():
    schedule, rate = made(Plateau)
    for epoch in range(100):
        schedule.after_epoch(epoch / 100)
    assert rate() == 5e-4
    assert not schedule.finished


def test_two_step_goes_back_to_the_best_weights_and_restarts_every_60_epochs():
    schedule, rate = made(TwoStep)
    asked = [schedule.after_epoch(0.5 if epoch == 0 else 0.4) for epoch in range(TwoStep.early_stop + 1)]
    assert asked == [False] * TwoStep.early_stop + [True]
    assert rate() == 5e-4
    rates = [rate()]
    for epoch in range(121):
        schedule.after_epoch(0.5 + epoch / 1000)
        rates.append(rate())
    assert rates[30] == pytest.approx(2.5e-4)
    assert rates[59] < 1e-6
    assert rates[60] == pytest.approx(5e-4)
    assert rates[120] == pytest.approx(5e-4)
    assert not schedule.finished


def test_two_step_begins_its_second_step_half_way_at_the_latest():
    schedule, _ = made(TwoStep)
    schedule.before_step(0.4)
    assert not schedule.after_epoch(0.1)
    schedule.before_step(0.5)
    assert schedule.after_epoch(0.2)


def test_restarts_are_the_second_step_alone():
    schedule, rate = made(lambda optimizer, start: Restarts(optimizer, start, restart_epochs=4))
    rates = [rate()]
    for _ in range(8):
        assert not schedule.after_epoch(0.5)
        rates.append(rate())
    assert rates[0] == rates[4] == rates[8] == pytest.approx(5e-4)
    assert rates[2] == pytest.approx(2.5e-4)
    assert schedule.finished  # a restart and a half without gain


def test_a_constant_rate_stays():
    schedule, rate = made(Constant, 1e-3)
    for progress in (0, 0.5, 1):
        schedule.before_step(progress)
        assert rate() == 1e-3
    assert not schedule.after_epoch(0.1)


def test_a_schedule_is_built_by_name_with_its_own_rate():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    assert build_schedule("constant", optimizer, None, 60).rate == 1e-3
    assert build_schedule("two-step", optimizer, 1e-2, 7).restart_epochs == 7


def test_an_unknown_optimisation_is_refused_by_name():
    with pytest.raises(InputError, match="choose among one-cycle, two-step, plateau"):
        schedule_class("cosine")
