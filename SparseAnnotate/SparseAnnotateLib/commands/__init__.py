"""The subcommands of `sparse-annotate`, one module each: `add_parser(subparsers)` and `run(arguments) -> exit code`.

`cohort/` has subcommands of its own. What several commands share begins with an underscore: `_arguments` (options),
`_given` (files in, a volume and an annotation out), `_ranges` (of single structures), `_outputs` (no output destroys an
input), `_initial` (a program's segmentation to start from), `_batch` (tables of cases), `_console` (what is said),
`_lists` (words in any order, lists with commas or blanks), `_mistakes` (what a mistyped command is told), `_beforehand`
(values and names that are refused before anything is read).

The top floor: it may import everything below, and nothing imports it but `cli`. Heavy packages are imported by what
runs, so that `--help` is there at once.
"""
