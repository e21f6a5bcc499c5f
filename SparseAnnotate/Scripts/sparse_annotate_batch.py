"""The commands of `sparse-annotate` on everything that Slicer loads, without a window.

In Slicer:

    Slicer --no-splash --no-main-window --python-script sparse_annotate_batch.py predict scan.mrb scan.mrb -o out.mrb

and the same in plain Python where slicer-core is installed (pip install 'sparse-annotate[slicer]'):

    python sparse_annotate_batch.py predict scan.mrb scan.mrb -o out.mrb

Arguments are those of the command line (`--help` lists them). Wherever it takes an image or a label map, a scene (.mrb,
.mrml) will do, or any other file that Slicer loads; ``scene.mrb#CT`` names the node where a scene holds several.
Of a segmentation with a saved session, the session says what is painted, the ranges of all and of single segments, the
box, the axis, the seed, and selector and predictor with their options, unless the arguments do. `evaluate` takes a
folder of scenes, or a table with scenes in it, whose segmentations are the reference. An output that ends in .mrb is
the scene of the labels with the result as a further segmentation.
"""

import sys
from pathlib import Path

MODULE_FOLDER = Path(__file__).resolve().parents[1]


def main(arguments):
    """Run one command; returns its exit code."""
    if str(MODULE_FOLDER) not in sys.path:
        sys.path.insert(0, str(MODULE_FOLDER))
    from SparseAnnotateSlicer.batch.command import run

    return run(arguments)


def leave(code):
    """Hand the exit code to the shell, past Slicer's event loop where there is one."""
    import slicer

    sys.stdout.flush()
    if getattr(slicer, "app", None) is None:
        sys.exit(code)
    import slicer.util

    slicer.util.exit(code)


if __name__ == "__main__":
    try:
        exit_code = main(sys.argv[1:])
    except SystemExit as error:  # argparse, after it has said what is wrong or shown its help
        exit_code = error.code if isinstance(error.code, int) else 1
    leave(exit_code)
