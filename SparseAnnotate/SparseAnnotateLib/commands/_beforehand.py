"""What is wrong with the arguments alone, whatever the scan is, is said before anything is read."""

from __future__ import annotations

import re

from ..errors import InputError
from . import _given
from ._outputs import INPUTS

# Of these the words for one that is not there come from elsewhere: they say what such a file is.
_SAID_ELSEWHERE = ("MODEL", "DATA", "--weights", "--start-from", "--again-from", "--before")


def check_beforehand(arguments) -> None:
    """Refuse numbers that make no sense, and files that are named and not there.

    Raises
    ------
    InputError
        With the option.
    """
    if hasattr(arguments, "range_of"):
        _check_places(arguments)  # first: LABELS taken for planes are missing, too
    _check_counts(arguments)
    _check_workers(arguments)
    _check_weights(arguments)
    _check_names(arguments)


def _check_names(arguments) -> None:
    from ..io.parts import advice_for_absent, split_series

    if not isinstance(getattr(arguments, "image", None), str):
        return  # data sets: what their patterns find is there
    for name, what in INPUTS.items():
        path = getattr(arguments, name, None)
        for one in path if isinstance(path, list) else [path]:
            if isinstance(one, str) and what not in _SAID_ELSEWHERE and not split_series(one)[0].exists():
                of = "" if what.isupper() else f" of {what}"
                raise InputError(f"{one} does not exist: {advice_for_absent(one)}{of}")


def _check_counts(arguments) -> None:
    from ..selectors.base import count_for

    count, seed, rounds = (getattr(arguments, name, None) for name in ("count", "seed", "rounds"))
    if count is not None and count < 1:
        raise InputError(f"--count {count}: ask for at least 1 plane")
    if isinstance(getattr(arguments, "fraction", None), float):
        count_for(arguments.fraction, 1)
    if rounds is not None and rounds < 1:
        raise InputError(f"--rounds {rounds}: ask for at least 1")
    if isinstance(seed, int) and seed < 0:
        raise InputError(f"--seed {seed} is below 0: give 0 or more")
    channel = getattr(arguments, "channel", None)
    if channel is not None and channel < 0:
        raise InputError(f"--channel {channel} is below 0: channels are numbered from 0")


def _check_workers(arguments) -> None:
    workers, scheduler = (getattr(arguments, name, None) for name in ("workers", "scheduler"))
    if workers is not None and workers < 1:
        raise InputError(f"--workers {workers}: ask for at least 1")
    if workers is not None and scheduler is not None:
        raise InputError("--workers starts processes here, --scheduler uses a cluster that is there: give one of them")
    if scheduler is not None and not re.fullmatch(r"inproc://.+|(\w+://)?[^\s/]+:\d+/?", scheduler):
        raise InputError(f"--scheduler {scheduler} is no address of a scheduler: write tcp://HOST:PORT")


def _check_weights(arguments) -> None:
    """Refuse pretrained weights that nothing would take."""
    if getattr(arguments, "weights", None) is None or not hasattr(arguments, "image"):
        return
    from ..predictors import PREDICTORS
    from ..selectors import SELECTORS

    asked = {"selector": SELECTORS, "predictor": PREDICTORS}
    asked = {
        kind: (one, getattr(arguments, kind) or "cover") for kind, one in asked.items() if hasattr(arguments, kind)
    }
    if not any("weights" in one.get(name).Options.__dataclass_fields__ for one, name in asked.values()):
        named = " and ".join(f"the {kind} {name}" for kind, (_, name) in asked.items())
        raise InputError(f"{named} take{'s' * (len(asked) == 1)} no pretrained weights: leave out --weights")


def _check_places(arguments) -> None:
    """Ranges and boxes that no volume can hold; the planes of structures and axes as they were typed."""
    said = _given.said_by(arguments)
    ranges = [("", said.plane_range)] if said.plane_range else []
    for structure, ends in (*ranges, *said.range_of):
        of = f" of {structure}" if structure else ""
        if min(ends) < 0:
            raise InputError(f"the range {ends[0]} to {ends[1]}{of} begins below 0: planes are numbered from 0")
        if ends[0] > ends[1]:
            raise InputError(f"the range {ends[0]} to {ends[1]}{of} is empty: give its first plane first")
    for first, last in zip(*(said.box or ((), ())), strict=True):
        if first > last:
            raise InputError(f"--box: {first} to {last} is empty: its first corner must not lie after its last one")
        if first < 0:
            raise InputError(f"--box: {first} is below 0: planes, rows and columns are numbered from 0")
