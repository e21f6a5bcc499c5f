"""The errors that a user caused and can mend."""


class InputError(ValueError):
    """What was given cannot be used; the message is one sentence that says what is wrong and what to do."""


class MissingPackageError(InputError):
    """A package that this part needs is not installed; the message says how to get it."""


def require(module_name: str, *, extra: str, purpose: str):
    """Import a package that not everybody has.

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
        message = (
            f"{purpose} needs the package {package}, which is not installed: pip install 'sparse-annotate[{extra}]'"
        )
        raise MissingPackageError(message) from error
