"""`sparse-annotate jobs`: the job folders that predictions left on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(subparsers) -> None:
    """Add the subcommand to the command line."""
    parser = subparsers.add_parser(
        "jobs",
        help="list the folders of running and of ended predictions, and remove those of ended ones",
        description="A prediction in a process of its own has a folder while it runs. If it is ended together with the "
        "program that started it, the folder stays.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list the folders, the oldest first")
    listing.set_defaults(run=list_jobs)
    clearing = actions.add_parser("clear", help="remove the folders of ended predictions, never that of a running one")
    clearing.add_argument(
        "--older-than", type=float, default=0.0, metavar="HOURS", help="only those untouched for so long (default: 0)"
    )
    clearing.set_defaults(run=clear_jobs)
    for action in (listing, clearing):
        action.add_argument("--folder", type=Path, help="where they are; default: the user's temporary folder")


def list_jobs(arguments: argparse.Namespace) -> int:
    """Show the job folders; returns the exit code."""
    from ..jobs import store

    jobs = store.stored_jobs(arguments.folder)
    if not jobs:
        arguments.console.say(f"no jobs in {arguments.folder or store.default_root()}")
        return 0
    rows = [
        (job.path, job.state, job.name, job.predictor, f"{job.age_s / 3600:.1f} h", f"{job.size_bytes / 1e6:.1f} MB")
        for job in jobs
    ]
    arguments.console.table(("folder", "state", "name", "predictor", "age", "size"), rows)
    return 0


def clear_jobs(arguments: argparse.Namespace) -> int:
    """Remove the job folders that nobody uses; returns the exit code."""
    from ..jobs import store

    removed = store.clear(arguments.folder, arguments.older_than * 3600)
    size_mb = sum(job.size_bytes for job in removed) / 1e6
    arguments.console.say(f"removed {len(removed)} job{'s' * (len(removed) != 1)} ({size_mb:.1f} MB)")
    return 0
