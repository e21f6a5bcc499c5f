"""The scans of a training, prepared: which are learnt from, which are kept out, and what the network will see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...errors import InputError
from ..grids import check_spacing
from ..model import CohortConfiguration, CohortModel
from ..network import halvings_of_planes, stride_of
from ..scans import PreparedScan, ScanSource, prepared
from ..structures import ScanFacts, Structures, block_for, different_orientations, median_spacing
from .checkpoint import digest_of
from .settings import TrainingSettings

# With fewer scans none is kept out for validation.
_FEWEST_SCANS_TO_SPLIT = 3


@dataclass(frozen=True)
class Cohort:
    """Scans on a common spacing.

    Attributes
    ----------
    painted_planes : of the scans that are learnt from, before resampling
    notes : what is worth knowing about them, a sentence each
    """

    configuration: CohortConfiguration
    training: tuple[PreparedScan, ...]
    validation: tuple[PreparedScan, ...]
    painted_planes: int
    notes: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """The same for the same scans, painted, prepared and split in the same way."""
        parts = [scan.fingerprint for scan in self.training]
        return digest_of([*parts, "validation", *(scan.fingerprint for scan in self.validation)])


def prepare(scans: Sequence[ScanSource], settings: TrainingSettings, start: CohortModel | None = None) -> Cohort:
    """Match the structures, choose the spacing and the block, resample, and split by scan.

    Parameters
    ----------
    scans : `CohortScan`, or what loads them; only one is held in memory at a time
    start : the model that the training goes on from, which says how scans are read

    Raises
    ------
    InputError
        For scans that do not belong together, or of which nothing is left to learn from.
    """
    facts = [ScanFacts.of(scan.load()) for scan in scans]
    structures = Structures.of(facts)
    if start is None:
        configuration = _configuration(facts, structures, settings)
    else:
        configuration = start.configuration
        structures = _of_the_model(facts, structures, configuration)
    kept_out = _validation_names([scan.name for scan in facts], settings)
    ready = {scan.name: prepared(structures.renumbered(scan.load()), configuration, settings.seed) for scan in scans}
    training = tuple(ready[scan.name] for scan in facts if scan.name not in kept_out)
    if not any(scan.voxels for scan in training):
        raise InputError("no structure is painted in the scans to learn from: keep other ones for validation")
    painted = sum(scan.painted_planes for scan in facts if scan.name not in kept_out)
    notes = tuple(filter(None, [different_orientations(facts)]))
    return Cohort(configuration, training, tuple(ready[name] for name in sorted(kept_out)), painted, notes)


def _of_the_model(facts: Sequence[ScanFacts], structures: Structures, configuration: CohortConfiguration) -> Structures:
    if facts[0].axis != configuration.axis:
        raise InputError(
            f"the model to go on from knows planes along the axis {configuration.axis}, these scans are read along "
            f"{facts[0].axis}: give --axis {configuration.axis}, or train anew"
        )
    for scan in facts:
        check_spacing(scan.spacing_mm, configuration.scan_spacing_mm or configuration.spacing_mm, scan.name)
    return structures.as_learnt(configuration)


def _configuration(
    facts: Sequence[ScanFacts], structures: Structures, settings: TrainingSettings
) -> CohortConfiguration:
    spacing = settings.spacing_mm or median_spacing(facts)
    configuration = CohortConfiguration(
        class_names=tuple(one.name for one in structures.classes),
        class_values=tuple(one.value for one in structures.classes),
        spacing_mm=spacing,
        axis=facts[0].axis,
        block=settings.block,
        network=settings.network,
        base_channels=settings.base_channels,
        depth=settings.depth,
        halved_planes=halvings_of_planes(spacing, settings.depth),
        known_channel=settings.known_channel,
        scan_spacing_mm=median_spacing(facts),
    )
    block = block_for(facts, spacing, settings.block, stride_of(configuration))
    return replace(configuration, block=block)


def _validation_names(names: list[str], settings: TrainingSettings) -> set[str]:
    """The scans to keep out: those named, or drawn by the seed."""
    if settings.validation_scans:
        unknown = [name for name in settings.validation_scans if name not in names]
        if unknown:
            raise InputError(f"there is no scan {unknown[0]!r} to validate with: there are {', '.join(names)}")
        if len(set(settings.validation_scans)) == len(names):
            raise InputError("every scan is kept out for validation: leave some to learn from")
        return set(settings.validation_scans)
    if len(names) < _FEWEST_SCANS_TO_SPLIT or not settings.validation_share:
        return set()
    count = min(len(names) - 1, max(1, round(settings.validation_share * len(names))))
    chosen = np.random.default_rng([settings.seed, 0]).permutation(len(names))[:count]
    return {names[number] for number in chosen}
