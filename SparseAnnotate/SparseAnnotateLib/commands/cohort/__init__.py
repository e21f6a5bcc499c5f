"""`sparse-annotate cohort`: one network for many scans, each of which has a few painted planes.

One module a subcommand; `cases` finds the scans that they are about, `active` is the second study of `evaluate`.
"""

from __future__ import annotations

import importlib

# In the order in which somebody meets them; each has a file here.
_SUBCOMMANDS = (
    "train",
    "suggest",
    "predict",
    "evaluate",
)


def add_parser(subparsers) -> None:
    """Add the subcommand, and those below it, to the command line."""
    parser = subparsers.add_parser(
        "cohort",
        help="learn from many partly painted scans, and predict new ones",
        description="Train one network on many scans of which each has a few painted planes; let it label a new scan, "
        "or let a prediction start from it (`sparse-annotate predict --start-from MODEL`).",
    )
    below = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in _SUBCOMMANDS:
        importlib.import_module(f"{__package__}.{name}").add_parser(below)
