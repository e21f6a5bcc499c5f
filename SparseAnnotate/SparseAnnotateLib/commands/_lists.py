"""Lists on the command line: commas and blanks are the same, whichever an option was made for."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence

_NUMBERS = re.compile(r"[\d.]+(-[\d.]+)?([,;][\d.]+(-[\d.]+)?)*[,;]?")


class ListParser(argparse.ArgumentParser):
    """A parser that takes ``0.2,0.33`` for ``0.2 0.33``, and ``3 17 29`` for ``3,17,29``."""

    def parse_known_args(self, args=None, namespace=None):
        """As argparse does it, with lists as each option wants them."""
        if args is not None:
            args = list(self._rewritten(list(args)))
        return super().parse_known_args(args, namespace)

    def _rewritten(self, words: Sequence[str]):
        options = self._option_string_actions
        number = 0
        while number < len(words):
            option, equals, value = words[number].partition("=")
            action = options.get(option)
            number += 1
            if action is None or option == "--" or not (_wants_blanks(action) or _wants_commas(action)):
                yield words[number - 1]
                continue
            given = [value] if equals else []
            if _wants_blanks(action):
                while number < len(words) and not _is_option(words[number]):
                    given.append(words[number])
                    number += 1
                yield option
                yield from _split(given, action)
                continue
            if not equals and number < len(words):
                given.append(words[number])
                number += 1
            while given and _NUMBERS.fullmatch(given[-1]) and number < len(words) and _goes_on(words[number]):
                given.append(words[number])
                number += 1
            yield option
            if given:
                yield ",".join(word.rstrip(",;") for word in given) if len(given) > 1 else given[0]


def _is_option(word: str) -> bool:
    return word.startswith("-") and not re.match(r"-[\d.]", word)


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
