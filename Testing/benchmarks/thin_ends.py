"""Two more grids for `thin.py`, drawn: what begins, ends, comes back, kinks, tapers and merges, also faint."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from thin import Case, _ellipse, _square, _stack, brightness, drawn_image, perhaps_beside, with_organ

KINDS = (
    *("ends inside", "begins inside", "short", "comes back", "kink", "tapers", "merges"),
    *("strip", "arc", "three parallel", "helix", "short sheet", "ends and branches"),
)


def fifth() -> Iterator[Case]:
    """Rules for what stands alone, or is painted once or twice, were adjusted on it."""
    return _grid(4242, 260)


def sixth() -> Iterator[Case]:
    """The same kinds with another seed; nothing was adjusted on it."""
    return _grid(777, 130)


def _grid(seed: int, count: int) -> Iterator[Case]:
    rng = np.random.default_rng(seed)
    for number in range(count):
        yield _drawn(rng, ("alone", "beside", "inside")[number % 3], KINDS[(number // 3) % len(KINDS)])


def _drawn(rng: np.random.Generator, place: str, kind: str) -> Case:
    planes = int(rng.choice([21, 29, 37, 49]))
    rows, columns = np.mgrid[:58, :66]
    width = int(rng.integers(1, 4))
    slant = float(rng.choice([0, 0.1, 0.2, 0.33, 0.5]) * rng.choice([-1, 1]))
    drift = float(rng.choice([0.05, 0.15, 0.3]) * rng.choice([-1, 1]))
    shape = _shape(rng, kind, planes, rows, columns, width, slant, drift)
    half = (planes - 1) / 2
    where, least = ((45, 10, 52, 10), 0.45) if place == "beside" else ((29, 22, 33, 20), 0.3)
    truth = with_organ(shape, place, lambda k: _ellipse(rows, columns, where, 1 - least * abs(k - half) / half))
    noise, contrast = float(rng.choice([5, 9, 14])), float(rng.choice([0, 6, 10, 14, 20, 28, 45, 90, -14, -45]))
    shading = 0.25, (columns - 33) * 0.4, -(rows - 29) * 0.4
    clean = brightness(truth, place, contrast, 50)
    image = drawn_image(rng, clean, noise, (0.6, 0.9, 0.9), shading, (0.35, 0.7))
    spacing_mm = [(1, 1, 1), (2.5, 1, 1), (3, 0.8, 0.8), (1, 1, 1.3), (4, 0.6, 0.6)][int(rng.integers(5))]
    step = int(rng.choice([3, 4, 5, 7, 10]))
    painted = perhaps_beside(rng, list(range(int(rng.integers(0, 3)), planes, step)), planes)
    if not (truth[painted] == truth.max()).any():
        painted = sorted({*painted, planes // 2})
    name = f"{place} {kind} of {width}, {slant:g} and {drift:g}, contrast {contrast:g}, noise {noise:g}, {step}"
    return Case(name, truth, image, painted, spacing_mm)


def _shape(rng: np.random.Generator, kind: str, planes: int, rows, columns, width: int, slant: float, drift: float):
    k, middle = np.arange(planes), planes / 2
    across, down = 33 + slant * (k - middle), 29 + drift * (k - middle)
    first = int(rng.integers(planes // 8, planes // 3))
    last = planes - 1 - int(rng.integers(planes // 8, planes // 3))
    angle, length = rng.uniform(0, np.pi), rng.uniform(10, 26)
    until, since = k <= last, k >= first
    away = (k > planes * 0.4) & (k < planes * 0.62)

    def fibre(across, down, on=None, widths=None):
        sizes = np.full(planes, width) if widths is None else np.maximum(1, np.round(widths)).astype(int)
        places = zip(np.round(down).astype(int), np.round(across).astype(int), sizes, strict=True)
        found = np.stack([_square(rows, columns, row, column, size) for row, column, size in places])
        return found if on is None else found & on[:, None, None]

    def strip(on=None):
        cosine, sine = np.cos(angle), np.sin(angle)
        found = np.stack(
            [
                (abs((columns - x) * cosine + (rows - y) * sine) <= width / 2)
                & (abs((rows - y) * cosine - (columns - x) * sine) <= length / 2)
                for x, y in zip(across, down, strict=True)
            ]
        )
        return found if on is None else found & on[:, None, None]

    def arc(j):
        row, column = 29 + drift * (j - middle), 33 + slant * (j - middle)
        return (abs(np.hypot(rows - row, columns - column) - 11) <= 0.5 * width) & (rows < row)

    after, before = np.maximum(0, k - first), np.maximum(0, last - k)
    return {
        "ends inside": lambda: fibre(across, down, until),
        "begins inside": lambda: fibre(across, down, since),
        "short": lambda: fibre(across, down, until & since),
        "comes back": lambda: fibre(across, down, ~away),
        "kink": lambda: fibre(33 + slant * np.where(k < middle, k - middle, -2 * (k - middle)), down),
        "tapers": lambda: fibre(across, down, widths=np.linspace(3, 1, planes)),
        "merges": lambda: fibre(33 + abs(slant) * before, down) | fibre(33 - abs(drift) * before, down),
        "strip": strip,
        "arc": lambda: _stack(planes, arc),
        "three parallel": lambda: fibre(across, down - 8) | fibre(across, down) | fibre(across, down + 9, until),
        "helix": lambda: fibre(
            33 + 6 * np.cos(2 * np.pi * k / rng.choice([30, 45, 60])), 29 + 6 * np.sin(2 * np.pi * k / 45)
        ),
        "short sheet": lambda: strip(until & since),
        "ends and branches": lambda: (
            fibre(across, down, until) | fibre(across + abs(slant) * after, down + abs(drift) * after)
        ),
    }[kind]()
