"""`sparse-annotate info`: what is installed, and how to get what is not."""

from __future__ import annotations

import argparse


def add_parser(subparsers) -> None:
    """Add the subcommand to the command line."""
    parser = subparsers.add_parser(
        "info",
        help="show versions, the device, and which selectors and predictors work here",
        description="Show versions, the device, which selectors, predictors and weights are available here and how to "
        "get those that are not, and the options of each.",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print it; returns the exit code."""
    from ..environment import device_name, missing_package, versions
    from ..predictors import PREDICTORS
    from ..selectors import SELECTORS

    console = arguments.console
    console.table(["package", "version"], versions(every=True).items())
    console.out(f"\ndevice: {device_name()}")
    for kind, registry in (("selector", SELECTORS), ("predictor", PREDICTORS)):
        console.out(f"\n{kind}s")
        for name in registry.names():
            cls = registry.get(name)
            lacking = missing_package(cls)
            console.out(f"  {name:18} {cls.summary}")
            if lacking:
                console.out(f"  {'':18} not available: pip install '{lacking}'")
            console.out(f"  {'':18} options: {_options(cls)}")
    console.out("\nweights")
    _show_weights(console)
    return 0


def _options(cls: type) -> str:
    fields = cls.Options.__dataclass_fields__.values()
    return ", ".join(f"{field.name}={field.default}" for field in fields) or "none"


def _show_weights(console) -> None:
    from ..learning.weights import cached

    entries = cached()
    for entry in entries:
        console.out(f"  {entry.size_bytes / 1e6:8.1f} MB  {entry.name}  {entry.path}")
    if not entries:
        console.out(
            "  none on this computer: perceptual downloads AlexNet's (244 MB, from pytorch.org) when it is first used; "
            "offline, give --weights PATH"
        )
