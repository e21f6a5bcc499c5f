"""Words of the command line, in any order: commas and blanks are the same in lists, files may follow options."""

from __future__ import annotations

import argparse
import itertools
import os
import re
from collections.abc import Iterator, Sequence
from typing import NoReturn

from ._console import printable
from ._mistakes import sentence_for

_DECIMAL_COMMA = re.compile(r"\d+,\d+")
_NUMBERS = re.compile(r"[\d.]+(-[\d.]+)?([,;][\d.]+(-[\d.]+)?)*[,;]?")


class ListParser(argparse.ArgumentParser):
    """A parser that takes ``0.2,0.33`` for ``0.2 0.33``, and ``IMAGE --seed 3 LABELS`` for ``IMAGE LABELS --seed 3``.

    What it cannot use it refuses in one sentence, as everything else is refused.
    """

    def parse_known_args(self, args=None, namespace=None):
        """As argparse does it, with lists as each option wants them, and the files first."""
        if args is None or self._has_commands:
            return super().parse_known_args(args, namespace)
        found, left = super().parse_known_args(self._rewritten(list(args)), namespace)
        if left:
            self.error(f"unrecognized arguments: {' '.join(left)}")
        return found, left

    def error(self, message: str) -> NoReturn:
        """End with one sentence."""
        self.exit(2, f"sparse-annotate: {printable(sentence_for(self, message))} (usage: {self.prog} --help)\n")

    @property
    def _has_commands(self) -> bool:
        return any(isinstance(action, argparse._SubParsersAction) for action in self._actions)

    def _rewritten(self, words: list[str]) -> list[str]:
        """Files first, for argparse takes those behind an option for too many where LABELS may be left out."""
        if "" in words and not self._may_be_empty(words):
            self.error(_empty(words, self._option_string_actions))
        end = words.index("--") if "--" in words else len(words)
        options, files, behind = [], [], words[end:]
        lists: list[list[str]] = []
        number = 0
        while number < end:
            word = words[number]
            action, value = self._option(word)
            number += 1
            if action is not None and action.nargs == 0:
                self._refuse_file_behind(word, words[number : number + 1])
            if action is None or action.nargs == 0:
                (options if _is_option(word) else files).append(word)
                continue
            self._refuse_decimal_commas(action, words[number:end] if value is None else [value])
            taken, number = _values(action, value, words[:end], number)
            name = word if value is None else word.partition("=")[0]
            # What stands behind = may begin with a minus.
            options.append([f"{name}={taken[0]}"] if value is not None and len(taken) == 1 else [name, *taken])
            if action.nargs == "+" and action.type is None and action.choices is None:
                lists.append(options[-1])
        self._give_back(lists, files, len(behind[1:]))
        flat = [one for part in options for one in (part if isinstance(part, list) else [part])]
        return [*files, *flat, *behind] if not behind else [*flat, "--", *files, *behind[1:]]

    def _refuse_file_behind(self, option: str, behind: Sequence[str]) -> None:
        """A file for the --json of `suggest`, which prints: elsewhere --json takes one."""
        if option == "--json" and behind and behind[0].lower().endswith(".json"):
            self.error(f"{option} prints here, and takes no file: write {option} > {behind[0]}")

    def _refuse_decimal_commas(self, action: argparse.Action, words: Sequence[str]) -> None:
        """``--spacing 0,5 0,5 2,0`` and ``--fractions 0,2``: their commas would part numbers."""
        if action.type in (None, int):
            return
        given = list(itertools.takewhile(_DECIMAL_COMMA.fullmatch, words))
        wrong = any(one.startswith("0,") for one in given) and action.nargs == "+"
        if wrong or (isinstance(action.nargs, int) and 1 < action.nargs <= len(given)):
            option, numbers = action.option_strings[-1], " ".join(given).replace(",", ".")
            self.error(f"{option} takes numbers with a point, not a comma: write {option} {numbers}")

    def _option(self, word: str) -> tuple[argparse.Action | None, str | None]:
        """The option that a word names, also by its beginning, and the value that it brings along."""
        if not word.startswith("-"):
            return None, None
        known = self._option_string_actions
        name, equals, value = word.partition("=")
        if name in known:
            return known[name], value if equals else None
        begun = {id(known[one]): known[one] for one in known if name.startswith("--") and one.startswith(name)}
        return (next(iter(begun.values())), value if equals else None) if len(begun) == 1 else (None, None)

    def _may_be_empty(self, words: list[str]) -> bool:
        """Where the option before says itself what is wrong with it, or nothing is."""
        action = self._option_string_actions.get(words[words.index("") - 1]) if words.index("") else None
        return action is not None and (action.type is not None or action.default == "" or action.nargs not in (None, 0))

    def _give_back(self, lists: list[list[str]], files: list[str], behind: int) -> None:
        """A file at the end of a list of any words, where one is missing otherwise: ``--classes liver scan.nii``."""
        wanted = sum(1 for action in self._actions if not action.option_strings and action.required)
        for taken in reversed(lists):
            while len(files) + behind < wanted and len(taken) > 2 and os.path.exists(taken[-1]):
                files.append(taken.pop())


def _empty(words: Sequence[str], known) -> str:
    """Of an empty word, most often a variable of the shell that is not set; some options say so themselves."""
    before = words[words.index("") - 1] if words.index("") else ""
    action = known.get(before)
    if action is None or action.nargs == 0:
        return "a name is empty: is a variable of the shell not set?"
    return f"{before} has an empty value: is a variable of the shell not set?"


def _values(action: argparse.Action, value: str | None, words: Sequence[str], number: int) -> tuple[list[str], int]:
    """The words that belong to an option, from that numbered `number` on, and where they end."""
    given = [] if value is None else [value]
    if _wants_blanks(action):
        while _goes_on_in(words, number) and not _is_file_behind(action, given, words[number]):
            given.append(words[number])
            number += 1
        return _split(given, action), number
    if _wants_commas(action):
        if value is None and _goes_on_in(words, number):
            given.append(words[number])
            number += 1
        while given and _NUMBERS.fullmatch(given[-1]) and number < len(words) and _goes_on(words[number]):
            given.append(words[number])
            number += 1
        return [",".join(word.rstrip(",;") for word in given)] if len(given) > 1 else given, number
    count = action.nargs if isinstance(action.nargs, int) else 1
    while len(given) < count and _goes_on_in(words, number):
        given.append(words[number])
        number += 1
    return given, number


def _goes_on_in(words: Sequence[str], number: int) -> bool:
    return number < len(words) and not _is_option(words[number])


def _is_option(word: str) -> bool:
    return word.startswith("-") and len(word) > 1 and not re.match(r"-[\d.]", word)


def _wants_blanks(action: argparse.Action) -> bool:
    """Several words of one kind; not a structure with its planes, which are words of several kinds."""
    return action.nargs == "+" or (isinstance(action.nargs, int) and action.nargs > 1 and action.type is not None)


def _wants_commas(action: argparse.Action) -> bool:
    if action.nargs is not None or action.type is None:
        return False
    return action.type.__name__ == "planes_from" or re.search(r"\w,[\w.]", str(action.metavar)) is not None


def _goes_on(word: str) -> bool:
    """More of a list of numbers; what is also the name of a file is an argument of its own."""
    return _NUMBERS.fullmatch(word) is not None and not os.path.exists(word)


def _is_file_behind(action: argparse.Action, given: Sequence[str], word: str) -> bool:
    """Whether a word is no part of a list any more: it has as many as it wants, or no use for this one."""
    if isinstance(action.nargs, int) and len(_split(given, action)) >= action.nargs:
        return True
    parts = [part for part in word.split(",") if part]
    if _NUMBERS.fullmatch(word.lstrip("-")):
        return False
    return (os.path.exists(word) or isinstance(action.nargs, int)) and not all(_is_usable(action, one) for one in parts)


def _is_usable(action: argparse.Action, word: str) -> bool:
    if action.choices is not None and word not in action.choices:
        return False
    if action.type is None:
        return True
    if isinstance(action.nargs, int) and re.fullmatch(r"\d+-\d+", word):
        return True
    try:
        action.type(word)
    except (ValueError, TypeError, argparse.ArgumentTypeError):
        return False
    return True


def _split(words: Sequence[str], action: argparse.Action) -> list[str]:
    pieces: list[str] = []
    for word in words:
        parts = [part.strip() for part in word.split(",")]
        first = True
        for part in filter(None, parts):
            # In guided:a=1,b=2 the comma belongs to the options of one method.
            if not first and "=" in part and ":" not in part and "=" in pieces[-1]:
                pieces[-1] += f",{part}"
            else:
                pieces.append(part)
            first = False
    if action.nargs == 2 and len(pieces) == 1 and re.fullmatch(r"\d+-\d+", pieces[0]):
        return pieces[0].split("-")
    return pieces


def leaves(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parsers of single commands below one."""
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield parser
    for group in groups:
        for below in group.choices.values():
            yield from leaves(below)
