"""The errors that end with one sentence for the user."""

from __future__ import annotations


class InputError(ValueError):
    """What was given cannot be used; the message is one sentence that says what is wrong and what to do."""


class MissingPackageError(InputError):
    """A package that this part needs is not installed; the message says how to get it."""


class JobFailedError(RuntimeError):
    """A job ended without a result, by no fault of its input; the message is a sentence for the user.

    Attributes
    ----------
    reason : {"memory", "folder", "crash", "bug"}
    details : the traceback or the end of the log, for the developers
    """

    def __init__(self, message: str, reason: str = "bug", details: str = ""):
        super().__init__(message, reason, details)
        self.reason = reason
        self.details = details

    def __str__(self) -> str:
        return self.args[0]


class JobCancelledError(Exception):
    """The job was cancelled before its end."""

    def __init__(self, message: str = "the job was cancelled"):
        super().__init__(message)


def require(module_name: str, *, extra: str | None, purpose: str):
    """Import a package that not everybody has; without an `extra` it is one that only Slicer may lack.

    Raises
    ------
    MissingPackageError
        With the command that installs it, where it is missing.
    """
    import importlib

    try:
        return importlib.import_module(module_name)
    except ImportError as error:
        package = module_name.partition(".")[0]
        wanted = package if extra is None else f"'sparse-annotate[{extra}]'"
        message = f"{purpose} needs the package {package}, which is not installed: pip install {wanted}"
        raise MissingPackageError(message) from error
