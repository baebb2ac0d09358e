"""Every subcommand, one module each.

A module has a one-line docstring (the subcommand's help), `add_arguments(parser)` and
`run(options)`. Its name, with hyphens, is the subcommand's.
"""

from types import ModuleType

from . import evaluate, export, train

COMMANDS: tuple[ModuleType, ...] = (train, evaluate, export)
"""In the order in which --help shows them."""


def command_name(module: ModuleType) -> str:
    """What the user types for a command's module."""
    return module.__name__.rpartition(".")[2].replace("_", "-")
