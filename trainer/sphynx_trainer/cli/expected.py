"""The errors that a command expects: their messages tell the user what to do."""

from ..data import DatasetError
from ..networks.plain_graph import CollapseError

EXPECTED_ERRORS = (CollapseError, DatasetError, ValueError, OSError)
