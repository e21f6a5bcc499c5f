"""Made-up volumes with noise, on which the truth is known: three of each kind, with other numbers.

`KINDS` are those on which rules and constants of expected Dice were chosen, `STRANGE` those that were tried afterwards.
Imported by comes_and_goes.py and told.py; more kinds: repeated.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

SEEDS = 3
PERIODS = (11, 14, 9)
# Planes between those of a pair: two periods where one has fewer.
_LEAST_APART = 12


class Scene:
    """A grid around an axis, with numbers that differ from seed to seed."""

    def __init__(self, seed: int):
        self.seed, self.period = seed, PERIODS[seed]
        self.random = np.random.default_rng(seed + 100)
        self.planes = 64 + 8 * seed
        rows, columns = 52 + 4 * seed, 60
        y, x = np.mgrid[:rows, :columns].astype(float)
        self.y, self.x = y - rows / 2 - self.random.normal(), x - columns / 2 - self.random.normal()
        self.away = np.hypot(self.y, self.x)

    def stack(self, plane: Callable[[int], np.ndarray]) -> np.ndarray:
        return np.stack([plane(k) for k in range(self.planes)])

    def near(self, y: float, x: float, radius: float) -> np.ndarray:
        """A disc on a plane."""
        return np.hypot(self.y - y, self.x - x) <= radius

    def waves(self, scale: float) -> np.ndarray:
        """Smooth chance of standard deviation 1, shape of the volume."""
        from scipy.ndimage import gaussian_filter

        made = gaussian_filter(self.random.normal(0, 1, (self.planes, *self.y.shape)), scale)
        return made / made.std()


def beads(s: Scene) -> np.ndarray:
    thread = s.away <= 3 if s.seed else np.zeros_like(s.away, bool)
    return s.stack(lambda k: thread | (np.hypot(s.away, (k % s.period - s.period / 2) * 1.4) <= 9 + s.seed))


def ladder(s: Scene) -> np.ndarray:
    flat, rails = np.abs(s.y) <= 4, np.abs(np.abs(s.x) - 16) <= 2.5
    return s.stack(lambda k: flat & (rails | ((np.abs(s.x) <= 16) & (k % s.period < s.period * (0.35 + 0.1 * s.seed)))))


def discs(s: Scene) -> np.ndarray:
    edges = np.cumsum(s.random.integers(4, 10, 40))
    return s.stack(lambda k: (s.away <= 11 + 2 * s.seed) & (np.searchsorted(edges, k) % 2 == 1))


def screw(s: Scene) -> np.ndarray:
    core = s.away <= 4 if s.seed else np.zeros_like(s.away, bool)

    def plane(k):
        turn = 2 * np.pi * k / s.period
        return core | (np.hypot(s.y - 12 * np.sin(turn), s.x - 12 * np.cos(turn)) <= 5 + s.seed)

    return s.stack(plane)


def honeycomb(s: Scene) -> np.ndarray:
    def plane(k):
        x = s.x + 4.5 * (k // (s.period // 2) % 2)
        waves = (x, 0.5 * x + 0.866 * s.y, 0.5 * x - 0.866 * s.y)
        return (sum(np.cos(2 * np.pi * wave / 10) for wave in waves) < -0.6 + 0.2 * s.seed) & (s.away <= 22)

    return s.stack(plane)


def shells(s: Scene) -> np.ndarray:
    def plane(k):
        radius = np.hypot(s.away, 0.8 * (k - s.planes / 2))
        return (radius // (3 + s.seed) % 2 == 0) & (radius <= 24)

    return s.stack(plane)


def gills(s: Scene) -> np.ndarray:
    step = 10 / s.period * (1 + s.seed % 2)
    return s.stack(lambda k: (s.away <= 20) & (np.abs((s.x + k % s.period * step) % 10 - 5) < 2))


def teeth(s: Scene) -> np.ndarray:
    bar = (np.abs(s.y + 12) <= 4) & (np.abs(s.x) <= 18)
    tooth = (np.abs(s.y - 3) <= 9 + s.seed) & (np.abs(s.x) <= 16)
    return s.stack(lambda k: bar | (tooth & (k % s.period < s.period // 2)))


def ribs(s: Scene) -> np.ndarray:
    ring = np.abs(s.away - 15 - s.seed) <= 2.2
    return s.stack(lambda k: ring & ((k + s.y // 3) % (s.period + 1) < 5))


def chess_board(s: Scene) -> np.ndarray:
    size = 6 + s.seed
    return s.stack(lambda k: (s.away <= 20) & ((s.y // size + s.x // size + k // (3 + s.seed)) % 2 == 0))


def goes_on(s: Scene) -> np.ndarray:
    """An organ: it grows, shrinks and bends, and nothing comes or goes."""
    return s.stack(lambda k: np.hypot(s.y - 5 * np.sin(k / 15), s.x + k / 12) <= 9 + s.seed + 4 * np.sin(k / 20))


def spine(s: Scene) -> tuple[np.ndarray, np.ndarray, int]:
    """Arches go on; bodies come and go, little brighter than what lies between them, with bright rims."""
    inside, core = (((s.y + 9) / a) ** 2 + (s.x / (a + 3)) ** 2 <= 1 for a in (9, 8))
    arch = ((np.abs(np.hypot(s.y - 9, s.x) - 6) < 1.9) & (s.y > 6)) | ((np.abs(s.x) < 1.6) & (s.y > 13) & (s.y < 22))
    there = [k % (s.period + 6) <= s.period for k in range(s.planes)]
    truth = np.stack([arch | (inside & one) for one in there])
    image = np.stack([150 * arch + np.where(one, 70 * inside + 70 * (inside & ~core), 45 * inside) for one in there])
    return truth, image.astype(np.float32), s.period + 6


def membrane(s: Scene) -> tuple[np.ndarray, np.ndarray]:
    """A wavy closed surface between something brighter inside and something darker outside: meninges, heart walls."""
    middle, thick = s.planes / 2, (2.2, 3, 4)[s.seed]
    radius = np.stack([np.sqrt(((k - middle) / 0.42 / s.planes) ** 2 + (s.away / 22) ** 2) for k in range(s.planes)])
    beyond = 22 * (radius + 0.1 * s.waves(6) - 1)
    truth = np.abs(beyond) <= thick / 2
    return truth, (80 * truth + 40 * (beyond < -thick / 2)).astype(np.float32)


def sheet(s: Scene) -> tuple[np.ndarray, np.ndarray]:
    """A curved sheet that leans across the planes, with something brighter behind."""
    slope, thick = ((0.3, 2), (0.45, 3), (0.6, 4))[s.seed]
    flat = s.stack(lambda k: s.x - slope * (k - s.planes / 2) - 4 * np.sin(s.y / 12))
    beyond = flat + 2.5 * s.waves(8)
    truth = (np.abs(beyond) <= thick / 2) & (np.abs(s.y) < 20)
    return truth, (60 * truth + 25 * (beyond > thick / 2)).astype(np.float32)


# From here on: the kinds that were tried afterwards.


def spiral(s: Scene) -> np.ndarray:
    """A spiral on each plane, that turns from plane to plane: a cochlea, a jelly roll."""
    angle = np.arctan2(s.y, s.x)

    def plane(k):
        turn = (s.away / (8 + s.seed) - (angle + 2 * np.pi * k / (3 * s.period)) / (2 * np.pi)) % 1
        return (turn < 0.35) & (s.away <= 22) & (s.away > 3)

    return s.stack(plane)


def chain(s: Scene) -> np.ndarray:
    """Balls that hang on each other, each beside the one before."""
    radius, way = 5 + s.seed, 8 + s.seed

    def plane(k):
        found = np.zeros_like(s.away, bool)
        for number in range(-1, s.planes // way + 2):
            rest = radius**2 - (k - number * way) ** 2
            if rest > 0:
                found |= s.near(7 * (-1) ** number, 6 * np.sin(number), np.sqrt(rest))
        return found

    return s.stack(plane)


def vessel_tree(s: Scene) -> np.ndarray:
    """A trunk along the planes, and branches that leave it and end between painted planes."""
    starts = np.cumsum(s.random.integers(5, 11, 12))
    ways = s.random.uniform(0, 2 * np.pi, 12)

    def plane(k):
        trunk = 3 * np.sin(k / 12), k / 15 - 2
        found = s.near(*trunk, 4 + s.seed / 2)
        for start, way in zip(starts, ways, strict=True):
            steps = k - start
            if 0 <= steps <= 10:
                reach = 2 * steps
                found |= s.near(trunk[0] + reach * np.sin(way), trunk[1] + reach * np.cos(way), 3.2 - 0.15 * steps)
        return found

    return s.stack(plane)


def swap(s: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Two structures that look alike and turn around each other, until they have swapped sides."""

    def plane(k):
        angle = np.pi * (k - s.planes / 3) / (16 + 4 * s.seed)
        angle = np.clip(angle, 0, np.pi)
        places = [(11 * np.sin(angle + turn), 13 * np.cos(angle + turn)) for turn in (0, np.pi)]
        return s.near(*places[0], 7 + s.seed) + 2 * s.near(*places[1], 7 + s.seed).astype(np.uint8)

    truth = np.minimum(s.stack(plane), 2).astype(np.uint8)
    return truth, (80 - 10 * s.seed) * (truth > 0).astype(np.float32)


def hole(s: Scene) -> np.ndarray:
    """An organ with a hole on some planes."""
    edges = np.cumsum(s.random.integers(4, 9, 40))
    return s.stack(lambda k: (s.away <= 19) & ~(s.near(2, -3, 8 + s.seed) & (np.searchsorted(edges, k) % 2 == 1)))


def jaw(s: Scene) -> np.ndarray:
    """Teeth along an arch, each with two roots, of which planes cut some."""

    def plane(k):
        phase = k % (2 * s.period)
        found = np.zeros_like(s.away, bool)
        for number, angle in enumerate(np.linspace(0.2, np.pi - 0.2, 8)):
            y, x = 18 * np.sin(angle) - 9, 22 * np.cos(angle)
            depth = (phase + 3 * (number % 3)) % (2 * s.period)
            if depth < s.period:
                found |= s.near(y, x, 3.4)
            elif depth < 1.5 * s.period:
                found |= s.near(y - 1.8, x, 1.7) | s.near(y + 1.8, x, 1.7)
        return found

    return s.stack(plane)


def oblique_ribs(s: Scene) -> np.ndarray:
    """Curved bars that lean across the planes, one after the other."""
    step = s.period + 2

    def plane(k):
        found = np.zeros_like(s.away, bool)
        for number in range(-4, s.planes // step + 4):
            along = (k - number * step) * (1.6 + 0.3 * s.seed)
            if abs(along) < 24:
                found |= ((s.x - along) / 5) ** 2 + ((s.y + 12 - along**2 / 30) / 3) ** 2 <= 1
        return found

    return s.stack(plane)


def hourglass(s: Scene) -> np.ndarray:
    middle = s.planes / 2
    return s.stack(lambda k: s.near(0, (k - middle) / 8, 2 + (19 - s.seed) * (abs(k - middle) / middle) ** 1.5))


def noise_only(s: Scene) -> tuple[np.ndarray, np.ndarray]:
    """An organ that wanders, of which the image shows nothing."""
    wander = np.cumsum(s.random.normal(0, 1.2, (s.planes, 2)), axis=0)
    wander -= wander.mean(axis=0)
    truth = s.stack(lambda k: s.near(*np.clip(wander[k], -12, 12), 9 + s.seed + 3 * np.sin(k / 9)))
    return truth, np.zeros(truth.shape, np.float32)


KINDS = (
    beads,
    ladder,
    discs,
    screw,
    honeycomb,
    shells,
    gills,
    teeth,
    ribs,
    chess_board,
    spine,
    goes_on,
    membrane,
    sheet,
)
STRANGE = (spiral, chain, vessel_tree, swap, hole, jaw, oblique_ribs, hourglass, noise_only)


@dataclass(frozen=True)
class MadeUp:
    """A volume; `alike` are paintings of three planes that lie alike in each period, `pairs` of two."""

    kind: str
    name: str
    image: np.ndarray
    truth: np.ndarray
    spacing_mm: tuple[float, float, float]
    alike: list[list[int]] = field(default_factory=list)
    pairs: list[list[int]] = field(default_factory=list)


def made_up(kinds: tuple[Callable, ...] = KINDS) -> Iterator[MadeUp]:
    """Three volumes of each kind."""
    from scipy.ndimage import gaussian_filter

    for kind in kinds:
        for seed in range(SEEDS):
            scene = Scene(seed)
            made = kind(scene)
            truth, image, *periods = made if isinstance(made, tuple) else (made, np.float32(90 - 15 * seed) * made)
            random = np.random.default_rng(seed)
            texture = gaussian_filter(random.normal(0, 1, truth.shape), 3)
            image = gaussian_filter(image, 0.6) + 10 * texture / texture.std() + random.normal(0, 15, truth.shape)
            period = periods[0] if periods else scene.period
            held = np.flatnonzero(truth.any(axis=(1, 2)))
            alike = [list(range(int(held[0]) + first, int(held[-1]), period)[:3]) for first in (6, period + 3)]
            apart = period * (1 + (period < _LEAST_APART))
            pairs = [
                [int(held[0]) + first, int(held[0]) + first + apart] for first in range(1, period, -(-period // 4))
            ]
            spacing_mm = (1 + 0.5 * seed, 1.0, 1.0)
            yield MadeUp(kind.__name__, f"{kind.__name__} {seed}", image, truth, spacing_mm, alike, pairs)
