"""Refuses jobs that this machine's memory cannot hold, with the numbers, before they start."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

from neurocomp.errors import Diagnostic, ResourceLimitError

if TYPE_CHECKING:
    from neurocomp.inputs.prepared import Prepared
    from neurocomp.network.graph import Network

SHARE = 0.8  # of the memory that is free
FEWER = "run fewer samples or time steps at a time"


def need_memory(where: str, size_bytes: int, what: str, hint: str = FEWER) -> None:
    """Raise ResourceLimitError, with what to do (``hint``), if a job of this size cannot be held."""
    available = available_bytes()
    if available is None or size_bytes <= SHARE * available:
        return
    raise ResourceLimitError(
        Diagnostic(
            where,
            f"{what} needs {_gib(size_bytes)}, of {_gib(available)} that are free",
            hint=hint,
        )
    )


def need_memory_for(network: Network, prepared: Prepared) -> None:
    """Raise ResourceLimitError if inputs, spikes and outputs of a run cannot be held."""
    packed = sum(2 * -(-p.size // 8) for p in network.populations)
    values = sum(4 * p.size for p in network.populations if _keeps_values(network, p.name))
    fed = 0
    if prepared.inputs is not None and prepared.encoding != "direct":  # direct coding repeats one step
        fed = 2 * 4 * math.prod(prepared.inputs.shape[2:])  # as given, and in the network's arithmetic
    what = f"a run of {prepared.samples:,} samples x {prepared.steps:,} time steps"
    need_memory(network.name, prepared.samples * prepared.steps * (packed + values + fed), what)


def _keeps_values(network: Network, name: str) -> bool:
    neuron = network.by_name[name].neuron
    return name == network.output or name in network.stations or (neuron is not None and neuron.output != "binary")


def available_bytes() -> int | None:
    """Memory that is free for us, or None where the system does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / 2**30:,.1f} GiB"
