"""Trains, searches and exports networks for private inference."""

import argparse
import sys
from collections.abc import Sequence

from .commands import COMMANDS, command_name
from .expected import EXPECTED_ERRORS


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one subcommand. Returns the exit status; expected errors become one line."""
    options = parser().parse_args(arguments)
    try:
        options.run(options)
    except EXPECTED_ERRORS as error:
        print(f"sphynx-trainer: {error}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """All subcommands and their options.

    Options carry `run`, the subcommand's own, and `parse`, for one that starts others.
    """
    root = argparse.ArgumentParser(prog="sphynx-trainer", description=__doc__)
    commands = root.add_subparsers(required=True, metavar="COMMAND")
    for module in COMMANDS:
        summary = (module.__doc__ or "").strip()
        command = commands.add_parser(command_name(module), help=summary, description=summary)
        command.set_defaults(run=module.run, parse=root.parse_args)
        module.add_arguments(command)
    return root
