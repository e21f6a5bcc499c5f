"""Two more grids for `thin.py`, drawn: the plain kinds (straight, oblique, branching), shown by the image or faint."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from thin import Case, _ellipse, _stack, brightness, drawn_image, perhaps_beside, with_organ

KINDS = (
    *("straight", "oblique", "oblique both", "branch", "oblique branch", "three branches"),
    *("sheet", "oblique sheet", "turned sheet", "branching sheet"),
)


def seventh() -> Iterator[Case]:
    """Shown by the image: 3 to 10 times the noise; nothing was adjusted on it."""
    return _grid(20261130, 300, (3, 4, 6, 10, -3, -6))


def eighth() -> Iterator[Case]:
    """The same kinds, faint or not shown at all: 0 to 2 times the noise; nothing was adjusted on it."""
    return _grid(31337, 150, (0, 0.5, 1, 1.5, 2, -1))


def _grid(seed: int, count: int, contrasts: tuple[float, ...]) -> Iterator[Case]:
    rng = np.random.default_rng(seed)
    for number in range(count):
        yield _drawn(rng, ("alone", "beside", "inside")[number % 3], KINDS[(number // 3) % len(KINDS)], contrasts)


def _drawn(rng: np.random.Generator, place: str, kind: str, contrasts: tuple[float, ...]) -> Case:
    planes = int(rng.choice([19, 27, 35, 45]))
    rows, columns = np.mgrid[:62, :60]
    width = int(rng.integers(1, 4))
    slant = float(rng.choice([0.08, 0.15, 0.25, 0.4, 0.55]) * rng.choice([-1, 1]))
    drift = float(rng.choice([0.06, 0.12, 0.25, 0.35]) * rng.choice([-1, 1]))
    shape = _shape(rng, kind, planes, rows, columns, width, slant, drift)
    half = (planes - 1) / 2
    where, least = ((47, 10, 47, 9), 0.4) if place == "beside" else ((31, 23, 30, 20), 0.3)
    truth = with_organ(shape, place, lambda k: _ellipse(rows, columns, where, 1 - least * abs(k - half) / half))
    noise = float(rng.choice([5, 8, 12]))
    times = float(rng.choice(contrasts))
    shading = 0.25, (columns - 30) * 0.4, (rows - 31) * 0.3
    clean = brightness(truth, place, times * noise, 60)
    image = drawn_image(rng, clean, noise, (0.5, 0.8, 0.8), shading, (0.25, 0.5))
    spacing_mm = [(1, 1, 1), (2, 1, 1), (3, 0.8, 0.8), (1, 1, 1.4), (4, 0.6, 0.6)][int(rng.integers(5))]
    step = int(rng.choice([3, 4, 6, 8, 11]))
    painted = perhaps_beside(rng, list(range(int(rng.integers(0, 2)), planes, step)), planes)
    name = f"{place} {kind} of {width}, {slant:g} and {drift:g}, {times:g} times the noise, every {step}"
    return Case(name, truth, image, painted, spacing_mm)


def _shape(rng: np.random.Generator, kind: str, planes: int, rows, columns, width: int, slant: float, drift: float):
    k, middle = np.arange(planes), (planes - 1) / 2
    still, across, down = np.zeros(planes), slant * (k - middle), drift * (k - middle)
    parted = np.maximum(0, k - int(rng.integers(planes // 4, planes // 2)))
    angle, length = rng.uniform(0, np.pi), rng.uniform(14, 28)
    away = abs(slant) * parted, -max(abs(drift), 0.15) * parted

    def fibre(x, y):
        left, top = np.round(30 + x).astype(int), np.round(31 + y).astype(int)
        return _stack(
            planes,
            lambda j: (rows >= top[j]) & (rows < top[j] + width) & (columns >= left[j]) & (columns < left[j] + width),
        )

    def sheet(x, turn=0.0):
        cosine, sine = np.cos(turn), np.sin(turn)

        def on(j):
            through = (columns - 30.2 - x[j]) * cosine + (rows - 31.1) * sine
            along = (rows - 31.1) * cosine - (columns - 30.2) * sine
            return (through >= -width / 2) & (through < width / 2) & (abs(along) <= length / 2)

        return _stack(planes, on)

    return {
        "straight": lambda: fibre(still, still),
        "oblique": lambda: fibre(across, still),
        "oblique both": lambda: fibre(across, down),
        "branch": lambda: fibre(away[0], still) | fibre(away[1], still),
        "oblique branch": lambda: fibre(across, down) | fibre(across + away[0], down + 0.2 * parted),
        "three branches": lambda: fibre(away[0], still) | fibre(away[1], still) | fibre(still, 0.3 * parted),
        "sheet": lambda: sheet(still),
        "oblique sheet": lambda: sheet(across),
        "turned sheet": lambda: sheet(across, angle),
        "branching sheet": lambda: sheet(away[0]) | sheet(away[1]),
    }[kind]()
