"""What a mistyped command is told: one sentence that says what to do, instead of argparse's own words."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Callable

_KINDS = {"int": "whole number", "float": "number", "finite": "number", "_length_mm": "length in mm above 0"}


def sentence_for(parser: argparse.ArgumentParser, message: str) -> str:
    """A message of argparse in our words; one of ours, that says what is wrong with a value, stays as it is."""
    for pattern, told in _TOLD:
        match = re.fullmatch(pattern, message, re.DOTALL)
        if match is not None:
            return told(parser, *match.groups())
    return message


def _missing(parser, names: str) -> str:
    wanted = names.split(", ")
    if len(wanted) == 1 and wanted[0] in ("COMMAND", "ACTION"):
        return f"say what to do: {parser.prog} {_or(_commands(parser))}"
    found = [_with_value(parser, name) for name in wanted]
    swallowing = [action.option_strings[-1] for action in parser._actions if action.nargs == "+"]
    files = [name for name in wanted if not name.startswith("-")]
    hint = f", {files[0]} before options that take several values" if swallowing and files else ""
    return f"{_name(parser)} needs {' and '.join(found)}: add {'it' if len(found) == 1 else 'them'}{hint}"


def _unknown(parser, text: str) -> str:
    words = text.split(" ")
    option = next((word.partition("=")[0] for word in words if word.startswith("-")), None)
    if option is not None:
        known = [one for one in parser._option_string_actions if one.startswith("--")]
        near = difflib.get_close_matches(option, known, 1)
        meant = f"did you mean {near[0]}?" if near else "leave it out"
        return f"{_name(parser)} has no option {option}: {meant}"
    takes = [_metavar(action) for action in parser._actions if not action.option_strings]
    files = f"takes {' and '.join(takes)} only" if takes else "takes options only"
    instead = "give labels as --labels" if "--labels" in parser._option_string_actions else "leave it out"
    return f"{_name(parser)} {files}, {text} is too much: {instead}, or put names with blanks in quotes"


def _too_few(parser, name: str, count: str) -> str:
    several = {"one": "a value", "at least one": "one value at least"}.get(count, f"{count} values")
    return f"{_last(name)} needs {several}: write {_with_value(parser, name)}"


def _choice(parser, name: str, given: str, choices: str) -> str:
    words = [word.strip("'\" ") for word in choices.split(",")]
    near = difflib.get_close_matches(given, words, 1)
    if name in ("COMMAND", "ACTION"):
        meant = f"did you mean {near[0]}?" if near else f"choose {_or(words)}"
        return f"{_there(parser)} no command {given}: {meant}"
    return f"{_last(name)} {given} is unknown: choose {_or(words)}"


def _wrong_kind(parser, name: str, kind: str, given: str) -> str:
    wanted = _KINDS.get(kind)
    said = f"no {wanted}" if wanted else "no such value"
    return f"argument {name}: {given!r} is {said}: write {_meant(given) or _with_value(parser, name)}"


def _meant(given: str) -> str | None:
    """What was meant by a number with a comma, or in percent."""
    if re.fullmatch(r"-?\d+,\d+", given):
        return given.replace(",", ".")
    percent = re.fullmatch(r"(\d+(?:\.\d+)?) ?%", given)
    return f"{float(percent[1]) / 100:g}" if percent else None


def _exclusive(_parser, one: str, other: str) -> str:
    return f"{_last(one)} and {_last(other)} exclude each other: give one of them"


def _one_of(parser, names: str) -> str:
    found = [_with_value(parser, name) for name in names.split(" ")]
    return f"{_name(parser)} needs {' or '.join(found)}: give one of them"


def _ambiguous(_parser, given: str, names: str) -> str:
    return f"{given.partition('=')[0]} can be {_or(names.split(', '))}: write it out"


def _no_value(_parser, name: str, given: str) -> str:
    return f"{_last(name)} takes no value: leave out {given}"


_TOLD: tuple[tuple[str, Callable[..., str]], ...] = (
    (r"the following arguments are required: (.+)", _missing),
    (r"unrecognized arguments: (.+)", _unknown),
    (r"argument (\S+): expected (one|at least one|\d+) arguments?", _too_few),
    (r"argument (\S+): invalid choice: '?(.*?)'? \(choose from (.+)\)", _choice),
    (r"argument (\S+): invalid (\S+) value: '(.*)'", _wrong_kind),
    (r"argument (\S+): not allowed with argument (\S+)", _exclusive),
    (r"one of the arguments (.+) is required", _one_of),
    (r"ambiguous option: (\S+) could match (.+)", _ambiguous),
    (r"argument (\S+): ignored explicit argument '(.*)'", _no_value),
)


def _name(parser) -> str:
    """``predict``, for the program says its own name first."""
    return parser.prog.partition(" ")[2] or parser.prog


def _there(parser) -> str:
    return f"{_name(parser)} has" if " " in parser.prog else "there is"


def _last(name: str) -> str:
    """``--output`` of ``-o/--output``."""
    return name.rpartition("/")[2] if name.startswith("-") else name


def _with_value(parser, name: str) -> str:
    for action in parser._actions:
        if "/".join(action.option_strings) == name:
            return f"{action.option_strings[0]} {_metavar(action)}".strip()
    return name


def _metavar(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if isinstance(action.metavar, tuple):
        return " ".join(action.metavar)
    if action.metavar is None and action.choices is not None:
        return "|".join(map(str, action.choices))
    return action.metavar or action.dest.upper()


def _commands(parser) -> list[str]:
    return [name for action in parser._actions if action.choices for name in action.choices]


def _or(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
