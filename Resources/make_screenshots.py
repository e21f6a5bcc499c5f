"""Draws docs/pictures/panel/*.png and Sample Data's thumbnail: the steps of both tutorials on the made-up scan.

    python Resources/make_screenshots.py                             # on the stand-in for Slicer that the tests use
    Slicer --no-splash --python-script Resources/make_screenshots.py # in Slicer; it ends by itself

The stand-in has the module's own panel, and slice views drawn by Slicer's own displayable managers; the segment
editor on it is a picture of one. The pictures depend on nothing but the fonts and, where it says so, the seconds
that passed.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PANEL_TESTS = ROOT / "Testing" / "Python" / "panel"
OUTPUT = ROOT / "docs" / "pictures" / "panel"
THUMBNAIL = ROOT / "SparseAnnotate" / "Resources" / "Icons" / "SparseAnnotateSample.png"
for folder in (ROOT / "SparseAnnotate", PANEL_TESTS):
    sys.path.insert(0, str(folder))


def on_the_stand_in():
    """Opens the module in a window of the stand-in; returns its desk."""
    from standin import application

    application.prepare()
    application.start()
    from desk import StandInDesk

    return StandInDesk()


def in_slicer():
    """Opens the module in Slicer's window; returns its desk."""
    from desk import SlicerDesk

    return SlicerDesk()


def draw_thumbnail() -> None:
    """A slice of the sample with the organ's outline, as large as Sample Data wants it."""
    import numpy as np
    from PIL import Image
    from SparseAnnotateSlicer.scene.sample import FIRST, LAST, madeUpScan

    intensities, labels = madeUpScan()
    middle = (FIRST + LAST) // 2
    gray = np.clip((intensities[middle].astype(float) + 100) / 320, 0, 1) * 255
    picture = np.repeat(gray[..., None], 3, axis=2).astype(np.uint8)
    inside = labels[middle] > 0
    core = inside.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            core &= np.roll(inside, step, axis)
    picture[inside & ~core] = (230, 159, 0)
    image = Image.fromarray(picture).crop((8, 0, 120, 128)).resize((245, 280), Image.Resampling.NEAREST)
    image.quantize(64).save(THUMBNAIL, optimize=True)


def main() -> None:
    """Go through the tutorial and take a picture after every step."""
    real = "slicer" in sys.modules and getattr(sys.modules["slicer"], "app", None) is not None
    desk = in_slicer() if real else on_the_stand_in()
    import correct_steps
    from tutorial_steps import STEPS

    OUTPUT.mkdir(exist_ok=True)
    desk.pictures = OUTPUT
    if not real:
        draw_thumbnail()
    for steps in (STEPS, correct_steps.STEPS):
        for step in steps:
            step.do(desk)
            if step.picture:
                desk.picture(step.picture)
        desk.empty()
    desk.close()


if __name__ == "__main__":
    main()
