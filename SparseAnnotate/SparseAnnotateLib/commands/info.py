"""`sparse-annotate info`: what is installed, and how to get what is not."""

from __future__ import annotations

import argparse
import textwrap

from ..environment import missing_package


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
    from ..environment import device_name, versions
    from ..predictors import PREDICTORS, PredictorOptions
    from ..selectors import SELECTORS, SelectorOptions

    console = arguments.console
    console.table(["package", "version"], versions(every=True).items())
    console.out(f"\ndevice: {device_name()}")
    for kind, registry, common in (
        ("selector", SELECTORS, SelectorOptions),
        ("predictor", PREDICTORS, PredictorOptions),
    ):
        _show_kind(console, kind, registry, common)
    console.out("\nweights")
    _show_weights(console)
    return 0


def _show_kind(console, kind: str, registry, common: type) -> None:
    console.out(f"\n{kind}s")
    if _options(common):
        _wrapped(console, f"options of all: {_options(common)}", indent=2)
    for name in registry.names():
        cls = registry.get(name)
        console.out(f"  {name:16} {cls.summary}")
        lacking = missing_package(cls)
        if lacking:
            _wrapped(console, f"not available: pip install '{lacking}'")
        own = _options(cls.Options, without=common)
        if own:
            _wrapped(console, f"options: {own}")


def _options(cls: type, without: type | None = None) -> str:
    inherited = without.__dataclass_fields__ if without else ()
    own = [field for name, field in cls.__dataclass_fields__.items() if name not in inherited]
    return ", ".join(f"{field.name}={field.default}" for field in own)


def _wrapped(console, text: str, indent: int = 19) -> None:
    blank = " " * indent
    console.out(textwrap.fill(text, 110, initial_indent=blank, subsequent_indent=blank + "  "))


def _show_weights(console) -> None:
    from ..learning.pretrained.weights import cached
    from ..predictors.guided.convolutions import WEIGHTS

    lacking = "" if WEIGHTS.exists() else " (was not installed: guided works without it)"
    console.out(f"  {WEIGHTS.name}: guided's prior network, part of this package{lacking}")
    entries = cached()
    for entry in entries:
        console.out(f"  {entry}")
    if not entries:
        console.out(
            "  none downloaded: perceptual downloads AlexNet's (244 MB, from pytorch.org) when it is first used; "
            "offline, give --weights PATH"
        )
