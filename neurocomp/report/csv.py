"""The result as tables for other programs: one row per layer, one row per core."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from neurocomp.report.model import Result


def layers_csv(result: Result) -> str:
    """Totals of the run by layer; energies in attojoules, by unit."""
    return _text(*layer_table(result))


def layer_table(result: Result) -> tuple[list[str], list[list[str | int]]]:
    """(heads, one row per layer) of totals of the run."""
    found = list(dict.fromkeys(unit for layer in result.layers for unit in layer.energy))
    heads = ["layer", "role", "shape", "elements", "cores", "level", "value_kind", "outputs", "spikes", "effective_acs",
             "effective_macs", "dense_operations", "synaptic_events", "neuron_updates", "integer_operations",
             "product_operations", "host_operations",
             *(f"{unit}_energy_aj" for unit in found), "energy_aj"]  # fmt: skip
    rows = [
        [layer.name, layer.role, "x".join(map(str, layer.shape)), layer.elements, layer.cores, layer.level,
         layer.value_kind, layer.outputs, layer.spikes, layer.effective_acs, layer.effective_macs,
         layer.dense_operations, layer.synaptic_events, layer.neuron_updates, layer.integer_operations,
         layer.product_operations, layer.host_operations,
         *(layer.energy.get(unit, 0) for unit in found), layer.energy_aj]
        for layer in result.layers
    ]  # fmt: skip
    return heads, rows


def cores_csv(result: Result) -> str:
    """Totals of the run by core in use."""
    heads = ["core", "x", "y", "neurons", "fullest_limit", "share", "busy_ps", "energy_aj", "layers"]
    rows = (
        [c.core, c.x, c.y, c.neurons, c.fullest, repr(c.share), c.busy_ps, c.energy_aj, " ".join(c.layers)]
        for c in result.cores
    )
    return _text(heads, rows)


def inert(value: object) -> object:
    """A text that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") else value


def _text(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([inert(cell) for cell in row] for row in rows)
    return text.getvalue()
