"""Options: one dataclass for the panel, the command line and job files."""

import json
from dataclasses import dataclass
from typing import Literal

import pytest
from SparseAnnotateLib import InputError
from SparseAnnotateLib.options import Options


@dataclass(frozen=True, kw_only=True)
class Example(Options):
    epochs: int = 60
    rate: float = 5e-4
    name: str = "unet"
    mode: Literal["off", "plane"] = "off"
    fast: bool = False
    patience: int | None = None
    sizes: tuple[int, ...] = (16, 32)

    def validate(self):
        if self.epochs < 1:
            raise InputError(f"epochs is {self.epochs}: give at least 1")


def test_text_from_the_command_line_becomes_the_type_of_the_option():
    text = {
        "epochs": "5", "rate": "1e-3", "name": "manet", "mode": "plane", "fast": "yes", "patience": "7", "sizes": "8,9",
    }  # fmt: skip
    expected = Example(epochs=5, rate=1e-3, name="manet", mode="plane", fast=True, patience=7, sizes=(8, 9))
    assert Example.from_dict(text) == expected


def test_options_survive_json():
    options = Example(epochs=3, patience=None, sizes=(1, 2, 3))
    assert Example.from_dict(json.loads(json.dumps(options.to_dict()))) == options


@pytest.mark.parametrize("word", ["none", "None", "", None])
def test_nothing_can_be_said_in_words(word):
    assert Example.from_dict({"patience": word}).patience is None


def test_a_whole_number_is_a_number_too():
    rate = Example.from_dict({"rate": 1}).rate
    assert rate == 1.0
    assert isinstance(rate, float)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"epoch": 3}, "there is no option 'epoch': choose among epochs, rate, name"),
        ({"epochs": "three"}, "epochs is 'three': give a whole number"),
        ({"epochs": 2.5}, "epochs is 2.5: give a whole number"),
        ({"epochs": True}, "epochs is True: give a whole number"),
        ({"rate": "fast"}, "rate is 'fast': give a number"),
        ({"mode": "volume"}, "mode is 'volume': choose among off, plane"),
        ({"fast": "maybe"}, "fast is 'maybe': give true or false"),
        ({"patience": "soon"}, "patience is 'soon': give a whole number"),
        ({"sizes": "1,x"}, "sizes is 'x': give a whole number"),
        ({"epochs": 0}, "epochs is 0: give at least 1"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_possible(values, said):
    with pytest.raises(InputError, match=said):
        Example.from_dict(values)


@pytest.mark.parametrize(("word", "value"), [("true", True), ("ON", True), ("1", True), ("no", False), ("0", False)])
def test_yes_and_no_in_their_usual_words(word, value):
    assert Example.from_dict({"fast": word}).fast is value
