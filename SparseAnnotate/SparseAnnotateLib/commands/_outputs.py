"""No output of a command destroys one of its inputs: asked before any work."""

from __future__ import annotations

import os

from ..errors import InputError

# What the command line calls those of its arguments that name a file or folder to read.
INPUTS = {
    "image": "IMAGE",
    "labels": "LABELS",
    "initial": "--initial",
    "reference": "REFERENCE",
    "model": "MODEL",
    "data": "DATA",
    "out_of_distribution": "--out-of-distribution",
    "again_from": "--again-from",
    "before": "--before",
    "weights": "--weights",
    "start_from": "--start-from",
    "grid": "--grid",
    "planes": "--planes",
    "ranges": "--ranges",
    "ranges_from": "--ranges-from",
}


def refuse_among_scans(arguments, cases) -> None:
    """Refuse a folder of results that is the data set's own, or that of a scan.

    Raises
    ------
    InputError
        With the folder.
    """
    output = os.path.realpath(arguments.output)
    taken = {os.path.realpath(path.parent) for case in cases for path in (case.image, case.labels)}
    taken.add(os.path.realpath(arguments.data))
    if output in taken:
        raise InputError(
            f"-o {arguments.output} is a folder of the data set, whose scans the results would lie among: give them "
            f"one of their own, such as {os.path.join(arguments.output, 'results')}"
        )


def check_outputs(arguments, outputs, *, cases=(), removed=(), written_into=()) -> None:
    """Refuse outputs that are one file with an input, or with each other, before any work.

    Parameters
    ----------
    outputs : what they are called, and their paths (None for those that are not asked for)
    cases : of a data set or batch, whose files are inputs too
    removed : folders that are written anew
    written_into : folders that files go into whose names are not known yet

    Raises
    ------
    InputError
        With both names.
    """
    from ..io import refuse_overwriting

    named = [(what, getattr(arguments, name, None)) for name, what in INPUTS.items()]
    given = [(what, path) for what, paths in named for path in (paths if isinstance(paths, list) else [paths])]
    for name in ("selector_options", "predictor_options"):
        pairs = (text.partition("=") for text in getattr(arguments, name, None) or [])
        given += [(f"the option {option}", value) for option, _, value in pairs]
    given += [("--done", path) for path in getattr(arguments, "done", None) or []]
    inputs = [(what, path) for what, path in given if isinstance(path, str) and _names_a_file(what, path)]
    for case in cases:
        files = ("image", case.image), ("labels", case.labels)  # a scan that nobody has painted has none
        inputs += [(f"the {role} of {case.name}", path) for role, path in files if path is not None]
    refuse_overwriting(outputs, inputs, removed=[*removed, *written_into])


def refuse_folder_of_cases(arguments) -> None:
    """Refuse to write the results of many cases into the folder that they are found in.

    Raises
    ------
    InputError
        With a folder to take instead.
    """
    if os.path.isdir(arguments.image) and os.path.realpath(arguments.image) == os.path.realpath(arguments.output):
        raise InputError(
            f"-o {arguments.output} is the folder of the cases: give the results one of their own, such as "
            f"{os.path.join(arguments.output, 'results')}"
        )


def _names_a_file(what: str, path: str) -> bool:
    """Data sets in folders are known by their cases; only an image in a folder is a stack of slices."""
    if os.path.isdir(path):
        return what in ("IMAGE", "LABELS", "REFERENCE", "--initial", "--ranges-from")
    return os.path.exists(path) or "::" in path
