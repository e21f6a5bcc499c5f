"""What a session says, as arguments of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from ..scene.box import box_of
from ..session.planes import PlaneState
from ..session.session import AnnotationSession

_MARKS = (("--painted", PlaneState.PAINTED), ("--partly", PlaneState.PARTLY), ("--empty", PlaneState.EMPTY))


def arguments_of(session: AnnotationSession, given: argparse.Namespace, typed: Sequence[str]) -> list[str]:
    """The arguments that a command takes and that were not typed; to be put before the typed ones, which then count.

    Parameters
    ----------
    given : the arguments as parsed, which tell what the command takes
    typed : the same as typed
    """
    said: list[str] = []
    if given.axis == "auto":
        said += ["--axis", session.state.axis]
    if hasattr(given, "range"):
        said += _what_was_given(session, given)
    if hasattr(given, "seed"):
        said += ["--seed", str(session.state.seed)]
    for kind in ("selector", "predictor"):
        if hasattr(given, kind):
            said += _method(session, kind, given, typed)
    return said


def columns_of(session: AnnotationSession) -> dict[str, str]:
    """What a session says of planes, as columns of a table of cases."""
    present = session.look()
    columns = {option[2:]: " ".join(map(str, present.planes(state))) for option, state in _MARKS}
    if session.state.plane_range is not None:
        columns["range"] = "-".join(map(str, session.state.plane_range))
    return columns


def _what_was_given(session: AnnotationSession, given: argparse.Namespace) -> list[str]:
    """Planes, ranges and box. A typed range or list of painted planes replaces all that the session says of that."""
    said: list[str] = []
    state, segments = session.state, set(session.segment_ids)
    if given.range is None and state.plane_range is not None:
        said += ["--range", *map(str, state.plane_range)]
    if given.range is None and not given.range_of:
        for segment_id, ends in state.segment_ranges.items():
            if segment_id in segments:
                said += ["--range-of", segment_id, *map(str, ends)]
    if given.painted is None and not given.partly and not given.empty:
        present = session.look()
        for option, plane_state in _MARKS:
            planes = present.planes(plane_state)
            if planes:
                said += [option, ",".join(map(str, planes))]
    if given.box is None and session.box_node is not None:
        corners = zip(*box_of(session.box_node, session.volume_node, session.volume), strict=True)
        said += ["--box", *(str(number) for ends in corners for number in ends)]
    return said


def _method(session: AnnotationSession, kind: str, given: argparse.Namespace, typed: Sequence[str]) -> list[str]:
    """The session's selector or predictor, and its options as far as they were not typed; nothing for another one."""
    name, options = getattr(session.state, kind), getattr(session.state, f"{kind}_options")
    if _is_typed(f"--{kind}", typed) and getattr(given, kind) != name:
        return []
    # --device and --weights are options of the method too, and would count less than --set.
    others = {one: value for one, value in options.items() if not _is_typed(f"--{one}", typed)}
    both = hasattr(given, "selector") and hasattr(given, "predictor")
    option = "--set-selector" if both and kind == "selector" else "--set"
    return [f"--{kind}", name, *_settings(option, others)]


def _settings(option: str, values: Mapping[str, Any]) -> list[str]:
    return [word for name, value in values.items() for word in (option, f"{name}={_as_text(value)}")]


def _as_text(value: Any) -> str:
    """A value as `options.Options.from_dict` reads it back."""
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _is_typed(option: str, typed: Sequence[str]) -> bool:
    """Whether an option is among typed words, perhaps shortened as argparse allows."""
    names = (word.partition("=")[0] for word in typed if word.startswith("--") and len(word) > 2)
    return any(option.startswith(name) for name in names)
