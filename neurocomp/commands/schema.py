"""``neurocomp schema``: the JSON Schema of a file that neurocomp writes."""

from __future__ import annotations

import sys

from neurocomp.chip.messages import did_you_mean
from neurocomp.errors import bad_input
from neurocomp.report.schema import NAMES, stored_schema


def print_schema(name: str) -> None:
    """Print one to stdout. Raises InputError for a name that there is not."""
    if name not in NAMES:
        raise bad_input(name[:60], "there is no schema of this name", hint=did_you_mean(name, NAMES))
    sys.stdout.write(stored_schema(name))
    sys.stdout.flush()
