"""The grid: every selector with every predictor, at every fraction, with every seed, along every axis."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...selectors.base import count_for
from ..datasets import LabelledCase
from .fingerprint import code_of, decisive_versions, digest_of, digest_of_files
from .methods import FULL, Method
from .result import Selection

# What a result means is defined by this package; a change of that meaning gets another number.
_FORMAT = 1


@dataclasses.dataclass(frozen=True)
class View:
    """How a case is looked at, the same for all cases.

    Attributes
    ----------
    axis : {"auto", "i", "j", "k"}
    classes : values or names of the structures to keep; the others become background. All if empty
    crop_px : side of a random square of the planes, another one for each seed (Payer 2023); None for whole planes
    replace_nan : see `io.read_image`
    clicks : {"all", "structures", "none"}, what the simulated expert clicks
    initial : folder of segmentations to start from, each called as its case (see `initial_of`); None for none
    """

    axis: str = "auto"
    classes: tuple[str, ...] = ()
    crop_px: int | None = None
    replace_nan: float | None = None
    clicks: str = "all"
    initial: str | None = None

    def initial_of(self, case_name: str) -> Path | None:
        """The file of a case, FOLDER/CASE.nii.gz or of another format; None where nothing is started from.

        Raises
        ------
        InputError
            Where the folder has none.
        """
        if self.initial is None:
            return None
        found = sorted(p for p in Path(self.initial).glob("*") if p.name.startswith(f"{case_name}."))
        if len(found) != 1:
            raise InputError(
                f"{self.initial} has {'several files' if found else 'no segmentation'} for {case_name}: "
                f"call one {case_name}.nii.gz or {case_name}.seg.nrrd"
            )
        return found[0]


@dataclasses.dataclass(frozen=True)
class Block:
    """A part of the grid: all combinations of its entries, those of the first predictor first, then case by case.

    Attributes
    ----------
    of : {"range", "volume"}
        What `fractions` are fractions of.
    largest_megavoxels : leave out cases with more
    """

    selectors: tuple[Method, ...]
    predictors: tuple[Method, ...]
    fractions: tuple[float, ...]
    seeds: tuple[int, ...] = (0,)
    views: tuple[View, ...] = (View(),)
    of: str = "range"
    largest_megavoxels: float | None = None

    def __post_init__(self):
        for fraction in self.fractions:
            count_for(fraction, 1)


@dataclasses.dataclass(frozen=True)
class Task:
    """One cell of the grid for one case: what a worker is sent.

    Attributes
    ----------
    key : digest of everything that decides the result
    selection_key : digest of everything that decides which planes are painted
    shelf : tasks with the same are best done by one worker, one after the other
    selection : if it is known already
    """

    case: LabelledCase
    case_hash: str
    view: View
    selector: Method
    predictor: Method
    fraction: float
    of: str
    seed: int
    key: str
    selection_key: str
    shelf: tuple
    selection: Selection | None = None

    @property
    def case_key(self) -> tuple:
        """Tasks with the same one work on the same arrays."""
        return (self.case_hash, self.view, self.case.channel, self.seed if self.view.crop_px else None)


class Planner:
    """Makes the tasks of blocks, and knows the digests that their keys need.

    Parameters
    ----------
    case_hashes : digest of the files of every case, by its name
    """

    def __init__(self, case_hashes: Mapping[str, str]):
        self._hashes = case_hashes
        self._versions = digest_of(decisive_versions())
        self._identities: dict[Method, Any] = {}

    def tasks(self, blocks: Sequence[Block], cases: Sequence[LabelledCase]) -> list[Task]:
        """All of them in the order in which to do them, each once."""
        made: dict[str, Task] = {}
        for number, block in enumerate(blocks):
            for task in self._of_block(number, block, cases):
                made.setdefault(task.key, task)
        return list(made.values())

    def _of_block(self, number: int, block: Block, cases: Sequence[LabelledCase]) -> Iterator[Task]:
        for predictor, case, view in itertools.product(block.predictors, _small(cases, block), block.views):
            for seed, selector, fraction in itertools.product(block.seeds, block.selectors, block.fractions):
                full = selector.name == FULL
                if full and fraction != block.fractions[0]:
                    continue
                shelf = (number, predictor, case.name, view, seed if view.crop_px else None)
                yield self._task(case, view, selector, predictor, 1.0 if full else fraction, block.of, seed, shelf)

    def _task(self, case, view, selector, predictor, fraction, of, seed, shelf) -> Task:
        case_hash = self._hashes[case.name]
        where = {
            "format": _FORMAT,
            "case": case_hash,
            "channel": case.channel or 0,
            "view": _identity_of(view, case.name),
            "selector": self._identity(selector),
            "fraction": fraction,
            "of": of,
            "seed": seed,
            "versions": self._versions,
        }
        selection_key = digest_of(where)
        key = digest_of([selection_key, self._identity(predictor)])
        return Task(case, case_hash, view, selector, predictor, fraction, of, seed, key, selection_key, shelf)

    def _identity(self, method: Method) -> Any:
        """Name, code and all options of a method; files among its options by what they hold."""
        if method not in self._identities:
            cls = method.method_class
            options = {} if cls is None else {**cls.Options().to_dict(), **dict(method.options)}
            if "seed" not in dict(method.options):
                options.pop("seed", None)
            options = {name: _content(value) for name, value in options.items()}
            self._identities[method] = [method.kind, method.name, options, None if cls is None else code_of(cls)]
        return self._identities[method]


def _identity_of(view: View, case_name: str) -> dict[str, Any]:
    """Without what every view had before it could be chosen: what was done then stays done."""
    values = dataclasses.asdict(view)
    if view.clicks == "all":
        del values["clicks"]
    del values["initial"]
    file = view.initial_of(case_name)
    return values if file is None else {**values, "initial": digest_of_files([file])}


def _content(value: Any) -> Any:
    if isinstance(value, str) and value not in ("", ".", "..") and Path(value).is_file():
        return digest_of_files([Path(value)])
    return value


def _small(cases: Iterable[LabelledCase], block: Block) -> list[LabelledCase]:
    if block.largest_megavoxels is None:
        return list(cases)
    return [case for case in cases if megavoxels(case.image) <= block.largest_megavoxels]


def check_initial(blocks: Iterable[Block], cases: Sequence[LabelledCase]) -> None:
    """Whether every case has a segmentation where the grid starts from some, before anything is written.

    Raises
    ------
    InputError
        As `View.initial_of`.
    """
    for block in blocks:
        for view, case in itertools.product(block.views, _small(cases, block)):
            view.initial_of(case.name)


_megavoxels: dict[Path, float] = {}


def megavoxels(image: Path) -> float:
    """Size of an image by its header; of what has no header of its own, by its file."""
    if image not in _megavoxels:
        _megavoxels[image] = _read_megavoxels(image)
    return _megavoxels[image]


def _read_megavoxels(image: Path) -> float:
    import SimpleITK as sitk  # noqa: N813

    reader = sitk.ImageFileReader()
    try:
        reader.SetFileName(str(image))
        reader.ReadImageInformation()
    except RuntimeError:
        # A folder, or a file that cannot be read: whoever loads it will say why.
        files = image.rglob("*") if image.is_dir() else [image]
        return sum(file.stat().st_size for file in files if file.is_file()) / 2e6
    voxels = 1.0
    for size in reader.GetSize()[:3]:
        voxels *= size
    return voxels / 1e6


def blocks_from(entries: Any, defaults: Mapping[str, Any], make_method) -> list[Block]:
    """The blocks of a grid file: a list of objects with the names of the command's options.

    Parameters
    ----------
    defaults : for what an entry does not say: selectors, predictors, fractions, seeds, axes, of, classes, ...
    make_method : (kind, text) -> Method

    Raises
    ------
    InputError
        For anything else.
    """
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries) or not entries:
        raise InputError("the grid file is no list of objects: see docs/guide/evaluate.md")
    return [_block({**defaults, **_known(entry, defaults)}, make_method) for entry in entries]


def _known(entry: Mapping[str, Any], defaults: Mapping[str, Any]) -> Mapping[str, Any]:
    unknown = [name for name in entry if name not in defaults]
    if unknown:
        raise InputError(f"the grid file sets {unknown[0]!r}: it can set {', '.join(defaults)}")
    lists = [name for name, value in defaults.items() if isinstance(value, (list, tuple))]
    for name, value in entry.items():
        if isinstance(value, list) != (name in lists):
            wanted = "a list" if name in lists else "one value"
            raise InputError(f"the grid file gives {name} as {value!r}: give {wanted}")
    return entry


def _block(values: Mapping[str, Any], make_method) -> Block:
    views = tuple(
        View(
            axis,
            tuple(map(str, values["classes"])),
            values["crop_random"],
            values["replace_nan"],
            values["clicks"],
            values.get("initial"),
        )
        for axis in values["axes"]
    )
    return Block(
        tuple(make_method("selector", text) for text in values["selectors"]),
        tuple(make_method("predictor", text) for text in values["predictors"]),
        tuple(float(fraction) for fraction in values["fractions"]),
        tuple(int(seed) for seed in values["seeds"]),
        views,
        values["of"],
        values["largest_megavoxels"],
    )
