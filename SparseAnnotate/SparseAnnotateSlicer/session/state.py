"""What a session remembers, as one line of JSON in the scene."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from SparseAnnotateLib.errors import InputError

VERSION = 1


@dataclass
class SessionState:
    """All of a session that is neither a node nor follows from one.

    Attributes
    ----------
    axis : {"i", "j", "k"}, the annotation axis
    plane_range : first and last plane, as clicked, or None
    segment_ranges : narrower ranges of single segments, by segment ID; see `range_of_all` for what follows from both
    half_ranges : by segment ID, first and last plane of ranges of which only one was clicked, the other one None
    segment_ids : the segments that are annotated; None stands for all, also those that are added later
    selector, selector_options, count, seed : of the last or next suggestion
    suggestions : plane, score and reason of each, in the order in which to paint them
    suggested_structures : by suggested plane, the segment IDs to paint there, and those that are optional
    marks : planes about which the user said something: "painted", "partly" or "empty"
    segment_marks : by segment ID, planes of which the user said whether they are painted completely for the segment
    by_hand : what the user painted on planes that we wrote on, too; see the module `by_hand`
    contents : what planes held when nobody had painted them: before and after our writes; see `painted.PlaneContents`
    accepted : the content of each accepted plane, as written
    accepted_beside : of accepted planes that hold nothing, one that was accepted with them and holds something: with it
        their acceptance is undone
    predictor, predictor_options : of the last or next prediction
    predicted : planes that the last prediction reached and the user did not reject
    expected_dice : by plane; `expected_dice_volume` over the whole volume
    expected_dice_interval : by plane, where it probably lies; `expected_dice_volume_interval` over the whole volume
    expected_dice_of : by segment ID, and by plane
    not_shown : names of structures that the image does not show, so that they are interpolated only
    predicted_segments : segment IDs in the order of the prediction's class numbers
    origin : who made what stood there before anybody painted: "", "asked", "expert" or "program"; see `initial`
    asked_of : content of each plane when it was asked who made it; `edited` : planes that the user changed after that
    shown_from : name of the segmentation that is shown as the prediction, "" where a predictor made it
    checked : content of planes that the user found right as a program made them: they count as painted
    strokes : planes that hold nothing of the user but parts of strokes made in another view, or on another plane
    corrected : planes that were accepted and then changed by the user
    prediction_s : how long the last prediction took
    versions : what the last prediction ran on, by package
    grid, rows_reversed : of the volume, see `mirrored`
    """

    axis: str = "k"
    plane_range: tuple[int, int] | None = None
    segment_ranges: dict[str, tuple[int, int]] = field(default_factory=dict)
    half_ranges: dict[str, tuple[int | None, int | None]] = field(default_factory=dict)
    segment_ids: list[str] | None = None
    selector: str = "cover"
    selector_options: dict[str, Any] = field(default_factory=dict)
    count: int = 5
    seed: int = 0
    suggestions: list[tuple[int, float, str]] = field(default_factory=list)
    suggested_structures: dict[int, tuple[list[str], list[str]]] = field(default_factory=dict)
    marks: dict[int, str] = field(default_factory=dict)
    segment_marks: dict[str, dict[int, bool]] = field(default_factory=dict)
    by_hand: dict[int, list[tuple[str, dict[str, str]]]] = field(default_factory=dict)
    contents: dict[int, list[str]] = field(default_factory=dict)
    accepted: dict[int, str] = field(default_factory=dict)
    accepted_beside: dict[int, int] = field(default_factory=dict)
    predictor: str = "guided"
    predictor_options: dict[str, Any] = field(default_factory=dict)
    predicted: list[int] = field(default_factory=list)
    predicted_segments: list[str] = field(default_factory=list)
    expected_dice: dict[int, float] = field(default_factory=dict)
    expected_dice_of: dict[str, dict[int, float]] = field(default_factory=dict)
    expected_dice_volume: float | None = None
    expected_dice_interval: dict[int, tuple[float, float]] = field(default_factory=dict)
    expected_dice_volume_interval: tuple[float, float] | None = None
    not_shown: list[str] = field(default_factory=list)
    origin: str = ""
    asked_of: dict[int, str] = field(default_factory=dict)
    edited: list[int] = field(default_factory=list)
    shown_from: str = ""
    checked: dict[int, str] = field(default_factory=dict)
    strokes: list[int] = field(default_factory=list)
    corrected: list[int] = field(default_factory=list)
    prediction_s: float | None = None
    versions: dict[str, str] = field(default_factory=dict)
    grid: list[float] = field(default_factory=list)
    rows_reversed: bool = False

    def to_json(self) -> str:
        """One line of plain ASCII, which survives XML attributes. (`dataclasses.asdict` takes 14 ms, this takes 1.)"""
        return json.dumps({"version": VERSION, **vars(self)}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> SessionState:
        """The reverse of `to_json`.

        Raises
        ------
        InputError
            For the text of a newer SparseAnnotate, or a damaged one.
        """
        try:
            values = json.loads(text)
            version = values.pop("version")
            if version > VERSION:
                raise InputError("this session was saved by a newer SparseAnnotate: update the extension to go on")
            return cls(**{name: _restored(name, value) for name, value in values.items()})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"the session in this scene is damaged ({error}): start a new one") from error


# JSON knows neither whole numbers as names nor tuples.
_BY_PLANE = ("marks", "contents", "accepted", "accepted_beside", "expected_dice", "checked", "asked_of")


def _restored(name: str, value: Any) -> Any:
    if name in _BY_PLANE:
        return {int(plane): content for plane, content in value.items()}
    if name in ("expected_dice_of", "segment_marks"):
        return {one: {int(plane): said for plane, said in by_plane.items()} for one, by_plane in value.items()}
    if name == "by_hand":
        return {int(plane): [(content, dict(packed)) for content, packed in ones] for plane, ones in value.items()}
    if name == "plane_range":
        return _pair(value)
    if name == "expected_dice_interval":
        return {int(plane): tuple(ends) for plane, ends in value.items()}
    if name == "expected_dice_volume_interval":
        return None if value is None else tuple(value)
    if name == "segment_ranges":
        return {segment_id: _pair(ends) for segment_id, ends in value.items()}
    if name == "half_ranges":
        return {segment_id: tuple(ends) for segment_id, ends in value.items()}
    if name == "suggested_structures":
        return {int(plane): (list(wanted), list(optional)) for plane, (wanted, optional) in value.items()}
    if name == "suggestions":
        return [(int(plane), float(score), str(reason)) for plane, score, reason in value]
    return value


def _pair(value: Sequence[int] | None) -> tuple[int, int] | None:
    if value is None:
        return None
    first, last = value
    return int(first), int(last)


def range_of_all(state: SessionState, segment_ids: Sequence[str]) -> tuple[int, int] | None:
    """First and last plane of all segments; None where nobody said.

    Once each of these segments has a range that is the union of them. Until then it is what was said of all, which
    holds what was said of single ones; a segment of which nobody said where it ends may be anywhere else.
    """
    ends = [state.segment_ranges[one] for one in segment_ids if one in state.segment_ranges]
    if state.plane_range is None or len(ends) == len(segment_ids) > 0:
        return None if not ends or len(ends) < len(segment_ids) else _union(ends)
    return _union([state.plane_range, *ends])


def _union(ends: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return min(first for first, _ in ends), max(last for _, last in ends)


def options_as_json(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options by name as JSON gives them back."""
    return json.loads(json.dumps(dict(options)))
