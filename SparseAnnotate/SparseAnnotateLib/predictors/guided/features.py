"""Step 5: what the classifier sees of a pixel."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .images import Images
from .priors import DISTANCES, Priors
from .probabilities import margin_to_rest

# From this many painted planes on the single sides serve better than the pool's log-odds, which they overfit before.
_PLANES_FOR_SINGLE_SIDES = 12

# A class is considered at a pixel where the pool gives it this much. (Considering also those whose border is near, for
# all priors may be wrong together, took twice the rows and changed nothing; 0.05 lost .01 on small organs at 5 %.)
CANDIDATE_PROBABILITY = 0.01

# The priors of other classes decide too, where they meet: trees of a fetal brain .850 without them, .877 with. More
# classes would be too many features; three painted planes teach too little to choose among them.
_CLASSES_SEEN_TOGETHER = 12
_PLANES_FOR_ALL_CLASSES = 4

# The place: row, column and the diagonals, because trees cut along their features only. Hippocampi +.009 at 10 %.
_PLACE_UNIT_PIXELS = np.float32(16)

_DISTANCE_LIMIT_MM = 40.0
_DISTANCE_UNIT_MM = 5.0


@dataclass(frozen=True)
class Sight:
    """What the number of painted planes and structures lets the trees see of a pixel.

    Attributes
    ----------
    single_sides : what each side alone says; else the pool's log-odds
    all_classes : what the priors say about every class
    """

    single_sides: bool
    all_classes: bool

    @classmethod
    def of(cls, structures: int, painted_planes: int) -> Sight:
        seen = sees_all_classes(structures, painted_planes)
        return cls(painted_planes >= _PLANES_FOR_SINGLE_SIDES, seen)


@dataclass(frozen=True)
class Rows:
    """Pixels of one plane as the classifiers see them.

    Attributes
    ----------
    pixels : flat indices in the plane
    logs : float16 (priors, classes + 1, pixels), the log probabilities of the priors
    pool : float16 (classes + 1, pixels), their average with the default weights
    image : float16 (features, pixels), of the image and the distance to the painted planes
    candidates : for each class the places in `pixels` where it is considered
    classes : for each class float16 (features, candidates), what the priors say about it
    others : float16 (features, pixels), what they say about every class, where there are several but not too many
    """

    pixels: np.ndarray
    logs: np.ndarray
    pool: np.ndarray
    image: np.ndarray
    candidates: list[np.ndarray]
    classes: list[np.ndarray]
    others: np.ndarray

    @property
    def nbytes(self) -> int:
        """Of all arrays."""
        arrays = self.pixels, self.logs, self.pool, self.image, self.others, *self.candidates, *self.classes
        return sum(array.nbytes for array in arrays)

    def of_class(self, number: int) -> np.ndarray:
        """Features of one class, shape (features, candidates)."""
        chosen = self.candidates[number].astype(np.intp)
        # Its own are among the others' once more: half of all features are drawn for a split, and so its own come more
        # often. (Without the copy the labels differ, and it takes as long.)
        return np.concatenate([self.image[:, chosen], self.classes[number], self.others[:, chosen]])


def make_rows(
    priors: Priors,
    logs: np.ndarray,
    pool: np.ndarray,
    images: Images,
    sight: Sight,
    distance_unit_mm: float,
    allowed: np.ndarray,
) -> Rows:
    """Feature rows of a plane at the pixels where more than one class is considered.

    Parameters
    ----------
    sight : what the trees can learn to use
    allowed : bool (classes + 1,), which can occur on the plane
    distance_unit_mm : between planes, times how much of the priors remains where they were mixed with the truth
    """
    possible = pool >= CANDIDATE_PROBABILITY
    possible &= allowed[:, None]
    contested = np.flatnonzero(possible.sum(axis=0) > 1)
    at = priors.at(contested)
    pool_at = pool[:, contested]
    about = class_features(at, pool_at, sight.single_sides)
    candidates = [np.flatnonzero(where).astype(np.int32) for where in possible[:, contested]]
    return Rows(
        pixels=at.band.astype(np.int32),
        logs=logs[..., contested].astype(np.float16),
        pool=pool_at.astype(np.float16),
        image=image_features(at, images, distance_unit_mm).astype(np.float16),
        candidates=candidates,
        classes=[about[:, n, chosen].astype(np.float16) for n, chosen in enumerate(candidates)],
        others=_of_all_classes(about, sight),
    )


def _of_all_classes(about: np.ndarray, sight: Sight) -> np.ndarray:
    features, classes, pixels = about.shape
    told = features * classes if sight.all_classes else 0
    return about.reshape(features * classes, pixels)[:told].astype(np.float16)


def sees_all_classes(structures: int, painted_planes: int) -> bool:
    """Whether each class's trees see what the priors say about all of them."""
    return 1 < structures < _CLASSES_SEEN_TOGETHER and painted_planes >= _PLANES_FOR_ALL_CLASSES


def class_features(priors: Priors, pool: np.ndarray, single_sides: bool) -> np.ndarray:
    """What each prior says about each class, shape (features, classes + 1, pixels)."""
    names = (*DISTANCES, "chain_below", "chain_above") if single_sides else DISTANCES
    margins = [_scaled(margin_to_rest(getattr(priors, name))) for name in names]
    features = [*margins, priors.patch, priors.propagated]
    if not single_sides:
        features.append(margin_to_rest(np.log(pool + np.float32(1e-3))))
    features += [margin_to_rest(np.log(prior + np.float32(1e-3))) for prior in priors.more.values()]
    return np.stack(features)


def _scaled(distances_mm: np.ndarray) -> np.ndarray:
    return np.clip(distances_mm, -_DISTANCE_LIMIT_MM, _DISTANCE_LIMIT_MM) / np.float32(_DISTANCE_UNIT_MM)


_LARGEST = float(np.finfo(np.float16).max)


def image_features(priors: Priors, images: Images, distance_unit_mm: float) -> np.ndarray:
    """The image around each pixel, its difference to the painted planes, and the place: shape (features, pixels)."""
    plane = priors.bracket.plane
    features = [f.ravel()[priors.band] for f in [*_appearance(images, plane), *_differences(images, priors)]]
    near, _ = priors.bracket.gap_planes
    features += [priors.residual_below, priors.residual_above, np.full(len(priors.band), near * distance_unit_mm)]
    features += _places(*np.divmod(priors.band, images.shape[1]))
    # They are kept as float16: planes kilometres apart, by a wrong header, are as far apart as can be told.
    return np.clip(np.stack(features), -_LARGEST, _LARGEST)


def _places(row: np.ndarray | int, column: np.ndarray | int) -> list:
    """Where a pixel lies in the region: the last features of the image, which `moved` changes."""
    return [place / _PLACE_UNIT_PIXELS for place in (row, column, row + column, row - column)]


def moved(rows: Rows, down: int, right: int) -> Rows:
    """Rows as they would be of a region that begins so many pixels further up and to the left."""
    image = rows.image.copy()
    ways = np.array(_places(down, right), np.float16)
    image[-len(ways) :] += ways[:, None]
    return replace(rows, image=image)


def _appearance(images: Images, plane: int) -> list[np.ndarray]:
    features = [images.smoothed(plane, sigma) for sigma in (0, 1, 2, 4)]
    features += [images.smoothed(plane + step, 1) for step in (-1, 1, -2, 2)]
    for sigma in (1, 2):
        features += images.edges(plane, sigma)
    return [*features, images.deviation(plane)]


def _differences(images: Images, priors: Priors) -> list[np.ndarray]:
    plane, sides = priors.bracket.plane, priors.bracket.sides
    return [images.smoothed(plane, sigma) - images.smoothed(side, sigma) for sigma in (1, 2) for side in sides]
