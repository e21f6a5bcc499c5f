"""The subcommands of `sparse-annotate`, one module each: `add_parser(subparsers)` and `run(arguments) -> exit code`."""
