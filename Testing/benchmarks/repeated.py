"""Made-up volumes of parts in a row along the planes, which their intensities tell only in part; see made_up.py.

As of vertebrae, it is their rims that look like what was painted: their marrow looks like what is around them. Beside
them stand organs that go on while the image around them comes and goes.
"""

from __future__ import annotations

import numpy as np
from made_up import Scene


def cortical_spine(s: Scene) -> tuple[np.ndarray, np.ndarray, int]:
    """Arches go on; bodies with bright rims and marrow as dark as muscles come and go."""
    inside, core = (((s.y + 9) / a) ** 2 + (s.x / (a + 3)) ** 2 <= 1 for a in (9.5, 7.5))
    arch = ((np.abs(np.hypot(s.y - 9, s.x) - 6) < 2.2) & (s.y > 6)) | ((np.abs(s.x) < 1.6) & (s.y > 13) & (s.y < 22))
    body = s.period + 4
    phase = s.stack(lambda k: np.full(s.y.shape, k % (body + 6)))
    there, rim = phase <= body, (phase <= 1) | ((phase >= body - 1) & (phase <= body))
    truth = arch | (inside & there)
    marrow = 35 + 15 * s.waves(1.5)
    return (
        truth,
        np.where(truth, np.where(arch | ~core | rim, 120, marrow), 30 + 12 * s.waves(4) - 15 * inside),
        body + 6,
    )


def marbled_discs(s: Scene) -> tuple[np.ndarray, np.ndarray, int]:
    """Drums with a texture of which half looks like what is around and between them."""
    truth = s.stack(lambda k: (np.hypot(s.y, 0.8 * s.x) <= 12 + s.seed) & (k % (s.period + 5) < s.period - 1))
    return truth, np.where(truth, 60 + 35 * s.waves(2), 20 + 18 * s.waves(3)), s.period + 5


def cage(s: Scene) -> tuple[np.ndarray, np.ndarray, int]:
    """Ribs with dark marrow around a chest wall; muscles of the same brightness between them."""
    wall = np.abs(s.away - 17) <= 3.5
    truth = s.stack(lambda k: wall & ((k + s.y // 4) % (s.period + 2) < 6))
    near = s.stack(lambda k: (np.abs(s.away - 17) <= 2) & (((k + s.y // 4) % (s.period + 2) - 2.5) ** 2 < 4))
    return truth, np.where(near, 55, np.where(truth, 95, np.where(wall, 45, 5))) + 12 * s.waves(2), s.period + 2


def lobes(s: Scene) -> tuple[np.ndarray, np.ndarray, int]:
    """A gland: a duct that goes on, and lobes on both sides that come and go, in fat of nearly their brightness."""
    duct = s.near(0, 0, 5)
    sides = s.near(0, 14, 9) | s.near(0, -14, 8 + s.seed)
    truth = s.stack(lambda k: duct | (sides & (k % (s.period + 6) < s.period)))
    lit = np.where(duct, 80, np.where(truth, 55 + 25 * s.waves(2), 30 + 15 * s.waves(4)))
    return truth, lit, s.period + 6


def hollow_teeth(s: Scene) -> tuple[np.ndarray, np.ndarray, int]:
    """Teeth on a bar, with bright rims and a pulp as dark as the gap between them."""
    bar = (np.abs(s.y + 12) <= 4) & (np.abs(s.x) <= 18)
    tooth, pulp = (((np.abs(s.y - 3) <= 9 - one) & (np.abs(s.x) <= 15 - one)) for one in (0, 2.5))
    wide = s.period + 5
    there = s.stack(lambda k: np.full(s.y.shape, k % wide < wide - 5))
    rim = s.stack(lambda k: np.full(s.y.shape, k % wide in (0, wide - 6)))
    truth = bar | (tooth & there)
    return truth, np.where(truth, np.where(bar | rim | ~pulp, 110, 40), 30) + 10 * s.waves(2), wide


def rings_of_gristle(s: Scene) -> tuple[np.ndarray, np.ndarray, int]:
    """A windpipe: rings in a wall that goes on, the wall painted with them where they are."""
    ring = (np.abs(s.away - 11) <= 2.5) & ((s.y < 7) | (np.abs(s.x) > 6))
    wall = np.abs(s.away - 11) <= 1.2
    truth = s.stack(lambda k: wall | (ring & (k % (s.period - 3) < 4)))
    lit = np.where(s.away <= 9, -60, np.where(truth, 55 + 20 * s.waves(1.5), 35 + 15 * s.waves(3)))
    return truth, lit, s.period - 3


def beside_ribs(s: Scene) -> tuple[np.ndarray, np.ndarray, int]:
    """An organ that goes on, while bright ribs beside it come and go."""
    truth = s.stack(lambda k: np.hypot(s.y - 3 * np.sin(k / 11), s.x) <= 11 + s.seed + 2 * np.sin(k / 14))
    rib = np.abs(s.away - 19) <= 2.5
    lit = s.stack(lambda k: 120.0 * (rib & ((k + s.y // 4) % (s.period + 2) < 5)))
    return truth, np.where(truth, 50 + 15 * s.waves(3), lit + 25 + 15 * s.waves(3)), s.period + 2


def bright_inside(s: Scene) -> tuple[np.ndarray, np.ndarray, int]:
    """An organ that goes on, in which contrast medium comes and goes."""
    truth = s.stack(lambda k: np.hypot(s.y - 4 * np.sin(k / 13), s.x + k / 14 - 2) <= 10 + s.seed)
    cup = s.stack(lambda k: s.near(4 * np.sin(k / 13), 2 - k / 14, 5) & (k % (s.period + 5) < s.period - 3))
    return truth, np.where(truth, 55, 20) + 50 * cup + 14 * s.waves(3), s.period + 5


REPEATED = (cortical_spine, marbled_discs, cage, lobes, hollow_teeth, rings_of_gristle, beside_ribs, bright_inside)
