"""docs/guide/tutorial.md, followed literally on the stand-in: every step, every button named, every picture shown."""

import re
from pathlib import Path

import correct_steps
import pytest
from desk import StandInDesk
from tutorial_steps import STEPS

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guide"
TEXT = (GUIDE / "tutorial.md").read_text(encoding="utf-8")
# Named in italics, and not on our panel: of Slicer itself, or no button.
ELSEWHERE = {"italics", "Segmentation", "SparseAnnotate", "Sample Data", "Made-up CT", "Add Data", "slice strip"}


def sections():
    """Title and text of the numbered headings."""
    parts = re.split(r"^## (?:\d+\. )?(.+)$", TEXT, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def named_in(text):
    """Whatever stands in italics."""
    return set(re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", text)) - ELSEWHERE


def texts_of(widget):
    """Texts that can be read on a window: of buttons, labels and choices."""
    from PySide6 import QtWidgets

    found = set()
    for one in widget.findChildren(QtWidgets.QWidget):
        if isinstance(one, (QtWidgets.QAbstractButton, QtWidgets.QLabel)):
            found.add(one.text.rstrip(":"))
        elif isinstance(one, QtWidgets.QComboBox):
            found.update(one.itemText(index) for index in range(one.count))
    return found


def test_the_steps_are_those_of_the_tutorial_in_their_order():
    numbered = re.findall(r"^## (\d+)\. (.+)$", TEXT, flags=re.MULTILINE)
    assert [title for _number, title in numbered] == [step.title for step in STEPS]
    assert [int(number) for number, _title in numbered] == list(range(1, len(STEPS) + 1))


def test_every_picture_is_there_and_small():
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", TEXT)
    assert [Path(name).name for name in shown] == [step.picture for step in STEPS if step.picture]
    second = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (GUIDE / "tutorial_correct.md").read_text(encoding="utf-8"))
    taken = ["correct_1_question.png", *(step.picture for step in correct_steps.STEPS if step.picture)]
    assert [Path(name).name for name in second] == taken
    for name in (*shown, *second):
        assert (GUIDE / name).is_file()
        assert (GUIDE / name).stat().st_size < 150_000


@pytest.mark.slow
def test_the_tutorial_can_be_followed_literally(representation):
    desk = StandInDesk(representation)
    window = representation.window()
    text_of = sections()
    for step in STEPS:
        before = texts_of(window)
        step.do(desk)
        # Buttons change their texts: Suggest and Predict.
        missing = named_in(text_of[step.title]) - before - texts_of(window)
        assert not missing, f"{step.title}: there is no {missing}"
    assert desk.panel.present.states[desk.panel.plane].value == "accepted"


@pytest.mark.slow
def test_the_second_page_can_be_followed_literally(representation):
    desk = StandInDesk(representation)
    text = (GUIDE / "tutorial_correct.md").read_text(encoding="utf-8")
    parts = re.split(r"^## (?:\d+\. )?(.+)$", text, flags=re.MULTILINE)
    text_of = dict(zip(parts[1::2], parts[2::2], strict=True))
    read = texts_of(representation.window())
    for step in correct_steps.STEPS:
        step.do(desk)
        read |= texts_of(representation.window())
        missing = {one.rstrip(":") for one in named_in(text_of[step.title])} - read - {"... of a program"}
        assert not missing, f"{step.title}: there is no {missing}"
