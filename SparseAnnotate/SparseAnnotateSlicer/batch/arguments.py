"""What a session says, as arguments of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..scene.box import box_of
from ..session import prediction
from ..session.planes import PlaneState
from ..session.session import AnnotationSession


def arguments_of(
    session: AnnotationSession, given: argparse.Namespace, typed: Sequence[str], *, selects: bool = True
) -> list[str]:
    """The arguments that a command takes and that were not typed; to be put before the typed ones, which then count.

    Parameters
    ----------
    given : the arguments as parsed, which tell what the command takes
    typed : the same as typed
    selects : whether a selector chooses the planes; the session's is left out otherwise
    """
    said: list[str] = []
    if given.axis == "auto":
        said += ["--axis", session.state.axis]
    if hasattr(given, "range"):
        said += _what_was_given(session, given)
    if hasattr(given, "seed"):
        said += ["--seed", str(session.state.seed)]
    for kind in ("selector", "predictor") if selects else ("predictor",):
        if hasattr(given, kind):
            said += _method(session, kind, given, typed)
    return said


def columns_of(session: AnnotationSession) -> dict[str, str]:
    """What a session says of planes, as columns of a table of cases; without a prediction its range stays open."""
    said = _Given.of(session, to_predict=False)
    columns = {name: " ".join(map(str, planes)) for name, planes in said.planes.items()}
    for name, named in (("complete", said.complete), ("painted_along", said.along), ("range_of", said.ranges)):
        if named:
            columns[name] = "; ".join(f"{one}:{','.join(map(str, ones)) or 'none'}" for one, ones in named.items())
    if "range_of" in columns:
        columns["range_of"] = "; ".join(f"{one}:{first}-{last}" for one, (first, last) in said.ranges.items())
    if said.range_of_all is not None:
        columns["range"] = "-".join(map(str, said.range_of_all))
    return columns


@dataclass(frozen=True)
class _Given:
    """What a session says of planes and ranges, structure by structure.

    Attributes
    ----------
    planes : "painted", "partly" and "empty"; painted ones hold those of slivers and strokes, too, on which no structure
        is complete
    complete : by segment ID, where these are not all of the painted planes
    along : by axis, planes of other axes that are painted completely
    ranges : by segment ID
    range_of_all : first and last plane, or None
    """

    planes: dict[str, list[int]]
    complete: dict[str, list[int]]
    along: dict[str, tuple[int, ...]]
    ranges: dict[str, tuple[int, int]]
    range_of_all: tuple[int, int] | None

    @classmethod
    def of(cls, session: AnnotationSession, *, to_predict: bool) -> _Given:
        present = session.look()
        annotation = prediction.annotation_of(session, present) if to_predict else session.annotation(present)
        ids = [one.details["ID"] for one in annotation.classes]
        empty = present.planes(PlaneState.EMPTY)
        labelled = {*annotation.painted_planes, *present.painted, *present.parts} - {*empty}
        partly = [plane for plane in annotation.painted_planes if not annotation.complete[plane].any()]
        partly = partly if ids else present.planes(PlaneState.PARTLY)
        painted = sorted(labelled - {*partly})
        of_each = {one: annotation.complete_planes_of(number) for number, one in enumerate(ids, start=1)}
        told = {one: [plane for plane in planes if plane not in empty] for one, planes in of_each.items()}
        return cls(
            planes={"painted": painted, "partly": partly, "empty": empty},
            complete={one: planes for one, planes in of_each.items() if told[one] != painted},
            along={session.volume.axes[axis]: ones for axis, ones in annotation.painted_along.items() if ones},
            ranges={ids[number - 1]: ends for number, ends in annotation.class_ranges.items()},
            range_of_all=annotation.plane_range if to_predict else session.plane_range,
        )


def _what_was_given(session: AnnotationSession, given: argparse.Namespace) -> list[str]:
    """Planes, ranges and box. A typed range or list of painted planes replaces all that the session says of that."""
    words: list[str] = []
    said = _Given.of(session, to_predict=hasattr(given, "predictor") and not hasattr(given, "selector"))
    if given.range is None and said.range_of_all is not None:
        words += ["--range", *map(str, said.range_of_all)]
    if given.range is None and not given.range_of:
        ids = {*session.segment_ids}
        # Of structures that are painted nowhere, too: a selector asks for them.
        ranges = said.ranges | {one: ends for one, ends in session.state.segment_ranges.items() if one in ids}
        words += [word for one, ends in ranges.items() for word in ("--range-of", one, *map(str, ends))]
    if given.painted is None and not (given.partly or given.empty or given.complete or given.empty_of):
        for name, planes in said.planes.items():
            if planes:
                words += [f"--{name}", ",".join(map(str, planes))]
        words += [word for one, ones in said.complete.items() for word in ("--complete", one, ",".join(map(str, ones)))]
        if not given.painted_along:
            along = said.along.items()
            words += [word for one, ones in along for word in ("--painted-along", one, ",".join(map(str, ones)))]
    if given.box is None and session.box_node is not None:
        corners = zip(*box_of(session.box_node, session.volume_node, session.volume), strict=True)
        words += ["--box", *(str(number) for ends in corners for number in ends)]
    return words


def _method(session: AnnotationSession, kind: str, given: argparse.Namespace, typed: Sequence[str]) -> list[str]:
    """The session's selector or predictor, and its options as far as they were not typed; nothing for another one."""
    name, options = getattr(session.state, kind), getattr(session.state, f"{kind}_options")
    if is_typed(f"--{kind}", typed) and getattr(given, kind) != name:
        return []
    # --device and --weights are options of the method too, and would count less than --set.
    others = {one: value for one, value in options.items() if not is_typed(f"--{one}", typed)}
    both = hasattr(given, "selector") and hasattr(given, "predictor")
    option = "--set-selector" if both and kind == "selector" else "--set"
    return [f"--{kind}", name, *_settings(option, others)]


def _settings(option: str, values: Mapping[str, Any]) -> list[str]:
    return [word for name, value in values.items() for word in (option, f"{name}={_as_text(value)}")]


def _as_text(value: Any) -> str:
    """A value as `options.Options.from_dict` reads it back."""
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def is_typed(option: str, typed: Sequence[str]) -> bool:
    """Whether an option is among typed words, perhaps shortened as argparse allows."""
    names = (word.partition("=")[0] for word in typed if word.startswith("--") and len(word) > 2)
    return any(option.startswith(name) for name in names)
