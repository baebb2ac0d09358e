"""Every subcommand, one module each.

A module has a one-line docstring (the subcommand's help), `add_arguments(parser)` and
`run(options)`. Its name, with hyphens, is the subcommand's.
"""

from types import ModuleType

from . import (
    criticality,
    equalize_relus,
    evaluate,
    export,
    fit_budget,
    fit_latency,
    gpu_day,
    micro_relus,
    quadratics,
    reduce_relus,
    relus,
    search_cells,
    search_locations,
    snl,
    train,
    zoo,
)

COMMANDS: tuple[ModuleType, ...] = (
    search_cells,
    search_locations,
    equalize_relus,
    fit_latency,
    fit_budget,
    micro_relus,
    train,
    snl,
    quadratics,
    reduce_relus,
    relus,
    criticality,
    evaluate,
    export,
    zoo,
    gpu_day,
)
"""In the order in which --help shows them."""


def command_name(module: ModuleType) -> str:
    """What the user types for a command's module."""
    return module.__name__.rpartition(".")[2].replace("_", "-")
