"""What happened, counted: the only input of the energy table.

A row says how often one action happened on one core for one layer. Counts are int64 and exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Phase = Literal["FP", "BP", "WG"]
Unit = Literal["synapse", "neuron", "routing", "memory", "host"]

CHIP = -1  # "core" of actions that belong to no single core: hops of injected inputs, barriers

# unit of each action
UNITS: dict[str, Unit] = {
    "synaptic_operation.dense": "synapse",
    "synaptic_operation.conv": "synapse",
    "synaptic_operation.sparse": "synapse",
    "product_operation": "synapse",
    "operand_write": "synapse",
    "neuron_access": "neuron",
    "neuron_update": "neuron",
    "spike_out": "neuron",
    "packet_out": "routing",
    "packet_to_host": "routing",
    "packet_in": "routing",
    "hop_east_west": "routing",
    "hop_north_south": "routing",
    "hop_chip_link": "routing",
    "barrier": "routing",
    "weight_read": "memory",
    "state_access": "memory",
    "host_operation": "host",
}


@dataclass(frozen=True)
class Row:
    """``count`` times ``action`` on ``core`` for population ``layer`` (empty for the chip as a whole)."""

    core: int
    layer: str
    phase: Phase
    action: str
    count: int

    @property
    def unit(self) -> Unit:
        return UNITS[self.action]


@dataclass(frozen=True)
class Counters:
    """Rows in a fixed order (core, layer, action); rows of equal key are merged, zero rows dropped."""

    rows: tuple[Row, ...]

    def total(self, action: str) -> int:
        """How often an action happened on the whole chip."""
        return sum(row.count for row in self.rows if row.action == action)

    def by_layer(self, action: str) -> dict[str, int]:
        totals: dict[str, int] = {}
        for row in self.rows:
            if row.action == action:
                totals[row.layer] = totals.get(row.layer, 0) + row.count
        return totals


class Tally:
    """Collects counts while a simulation is evaluated."""

    def __init__(self, phase: Phase) -> None:
        self.phase: Phase = phase
        self.counts: dict[tuple[int, str, str], int] = {}

    def add(self, core: int, layer: str, action: str, count: int | np.integer) -> None:
        key = (core, layer, action)
        self.counts[key] = self.counts.get(key, 0) + int(count)

    def counters(self) -> Counters:
        ordered = sorted(self.counts.items())
        return Counters(
            tuple(Row(core, layer, self.phase, action, count) for (core, layer, action), count in ordered if count)
        )
