"""What was understood of the labels, in words."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from ..annotation import SparseAnnotation

# Structures and planes named in a line; of more, only their number is.
_NAMED = 8

_NAME_ITS_PLANES = "if it was not painted there, name its planes with --complete"


def sentences(
    annotation: SparseAnnotation,
    slivers: Mapping[int, tuple[int, ...]],
    absent: tuple[tuple[int, int], ...],
    between: tuple[tuple[int, int], ...],
    left_out: tuple[tuple[int, int], ...],
    goes_on: tuple[tuple[int, int], ...] = (),
    *,
    told: bool,
    axes: Sequence[str],
) -> tuple[str, ...]:
    """One line of what is not common to all structures, and one of what is in doubt; none where there is neither."""
    names = [one.name for one in annotation.classes]
    if not told:
        return _contradictions(names, slivers, absent)
    parts = _own(annotation, names) + _slivers(names, slivers)
    parts += [
        f"along {axes[axis]}, {planes_named(ones)} painted completely"
        for axis, ones in annotation.painted_along.items()
    ]
    lines = []
    if parts:
        lines.append(
            f"understood: {'; '.join(parts)} (--complete, --empty-of, --painted, --painted-along say otherwise)"
        )
    # Of a structure that only a range names nothing is painted anywhere: that is no doubt about a plane.
    left_out = tuple(one for one in left_out if annotation.shown_planes_of(one[0]))
    promised = "though the painted planes around promise it"
    lines += _in_doubt(names, absent, promised, "absent", _NAME_ITS_PLANES)
    lines += _in_doubt(names, between, "between planes that show it", "absent", _NAME_ITS_PLANES)
    lines += _in_doubt(names, left_out, promised, "not painted", "if there is none, say --empty-of {name} {planes}")
    lines += [
        f"note: {names[number - 1]} has no voxel on plane {plane}, where the image looks as on its own planes: it "
        f"counts as absent there; {_NAME_ITS_PLANES}"
        for number, plane in goes_on[:1]
    ]
    return tuple(lines)


def _in_doubt(names: list[str], holes: tuple[tuple[int, int], ...], why: str, counts_as: str, advice: str) -> list[str]:
    """A line of the structure with the fewest such planes."""
    planes = {number: [plane for one, plane in holes if one == number] for number, _ in holes}
    if not planes:
        return []
    number = min(planes, key=lambda one: len(planes[one]))
    name, ones = names[number - 1], planes[number]
    return [
        f"note: {name} has no voxel on {planes_named(ones)} {why}: it counts as {counts_as} there; "
        f"{advice.format(name=shlex.quote(name), planes=','.join(map(str, ones)))}"
    ]


def _own(annotation: SparseAnnotation, names: list[str]) -> list[str]:
    groups: dict[tuple[int, ...], list[str]] = {}
    for number, name in enumerate(names, start=1):
        if not annotation.shown_planes_of(number):
            continue
        groups.setdefault(tuple(annotation.complete_planes_of(number)), []).append(name)
    if len(groups) < 2:
        return []
    if len(groups) > _NAMED:
        return [f"{len(names)} structures on {len(groups)} different sets of planes"]
    parts, seen = [], set()
    for planes, ones in groups.items():
        many = "s" * (len(planes) != 1)
        others = f" other{many}" if seen and not seen & set(planes) else f" plane{many}"
        parts.append(f"{_listed(ones)} on " + (f"{len(planes)}{others}" if planes else "no plane"))
        seen |= set(planes)
    return [", ".join(parts)]


def _slivers(names: list[str], slivers: Mapping[int, tuple[int, ...]]) -> list[str]:
    by_planes: dict[tuple[int, ...], list[str]] = {}
    for number, planes in slivers.items():
        by_planes.setdefault(planes, []).append(names[number - 1])
    return [
        f"sliver{'s' * (len(planes) != 1)} of {_listed(ones)} on {planes_named(planes)} "
        f"do{'es' * (len(planes) == 1)} not count as painted"
        for planes, ones in by_planes.items()
    ]


def _contradictions(names, slivers, absent) -> tuple[str, ...]:
    parts = [
        f"{_listed([names[number - 1]])} holds far less on {planes_named(ones)}" for number, ones in slivers.items()
    ]
    parts += [f"{names[number - 1]} is missing on plane {plane}" for number, plane in absent[:1]]
    if not parts:
        return ()
    advice = "drop --painted, or name each structure's planes with --complete, if they are not complete"
    return (f"note: {'; '.join(parts)} than the painted planes around promise: {advice}",)


def dabs_named(planes: Sequence[int]) -> tuple[str, ...]:
    """A note for each plane that may hold a stray dab."""
    return tuple(
        f"note: plane {plane} holds a few voxels only, and the image looks the same around them: it counts as painted; "
        f"if it is a stray dab, erase it or say --partly {plane}"
        for plane in planes
    )


def scribbles_named(annotation: SparseAnnotation, numbers: Sequence[int], aside: Sequence[int]) -> tuple[str, ...]:
    """A note of structures (class numbers) that may be scribbles, where they count as complete and nobody said so."""
    planes = {one: scribbled_planes(annotation, one, aside) for one in numbers}
    names = [annotation.classes[one - 1].name for one, held in planes.items() if held]
    if not names:
        return ()
    runs = _runs(sorted(set().union(*planes.values())))
    others = ", which holds for all structures there" if len(names) < annotation.class_count else ""
    are = "is" if len(names) == 1 else "are"
    listed = ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)
    return (
        f"note: {_listed(names)} {are} at most 3 pixels thick on all planes, which count as painted completely; "
        f"if these are scribbles, say --partly {listed}{others}, and paint some planes completely",
    )


def scribbled_planes(annotation: SparseAnnotation, number: int, aside: Sequence[int]) -> set[int]:
    """The planes on which a structure is shown and counts as complete though nobody said so."""
    return {*annotation.complete_planes_of(number)} & {*annotation.shown_planes_of(number)} - {*aside}


def _runs(planes: Sequence[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for plane in planes:
        if runs and plane == runs[-1][-1] + 1:
            runs[-1].append(plane)
        else:
            runs.append([plane])
    return runs


def planes_named(planes: Sequence[int]) -> str:
    """Ascending plane numbers as a sentence holds them: "plane 4", "planes 4 to 9, 12"; of many only how many."""
    runs = _runs(planes)
    if len(runs) > _NAMED:
        return f"{len(planes)} planes ({planes[0]} to {planes[-1]})"
    parts = [" to ".join(map(str, run[:: len(run) - 1])) if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    return f"plane{'s' * (len(planes) != 1)} {', '.join(parts)}"


def some_of(names: Sequence[str], count: int = _NAMED) -> str:
    """The names, or the first `count` and how many more there are."""
    more = len(names) - count
    return ", ".join(names[:count]) + (f" and {more} more" if more > 0 else "")


def _listed(names: list[str]) -> str:
    if len(names) > _NAMED:
        return f"{len(names)} structures"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
