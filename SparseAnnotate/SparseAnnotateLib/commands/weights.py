"""`sparse-annotate weights`: which pretrained weights this computer keeps."""

from __future__ import annotations

import argparse


def add_parser(subparsers) -> None:
    """Add the subcommand to the command line."""
    parser = subparsers.add_parser(
        "weights",
        help="list the pretrained weights on this computer, or remove them",
        description="List the pretrained weights on this computer that selectors and predictors use: AlexNet in torch "
        "hub's cache, encoders of segmentation_models_pytorch in that of Hugging Face.",
    )
    parser.add_argument(
        "--clear",
        action="store_true",
        help="remove them; other programs that share these caches then download them again",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List or remove; returns the exit code."""
    from ..learning.pretrained.weights import cached, clear

    entries = clear() if arguments.clear else cached()
    if not entries:
        arguments.console.out("no pretrained weights are kept on this computer")
        return 0
    for entry in entries:
        arguments.console.out(str(entry))
    total = sum(entry.size_bytes for entry in entries) / 1e6
    arguments.console.out(f"{total:8.1f} MB  {'removed' if arguments.clear else 'in all'}")
    return 0
