"""Whether a run of a network on chip is long enough to tell a network that cannot keep up from one that is idle."""

from __future__ import annotations

from math import ceil, sqrt

import numpy as np

from neurocomp.commands.noc_options import Sweep
from neurocomp.errors import bad_input
from neurocomp.fabric.burst import Burst
from neurocomp.fabric.noc import Noc
from neurocomp.fabric.noc_run import run_burst
from neurocomp.fabric.noc_traffic import SETTLED

PACKETS = 20  # at least, that are expected to be made while measuring
PACKETS_BOUND = 10  # where nothing waits, so that none is on its way at the ends of the window
WAYS = 10  # longest ways, in a window
DEVIATIONS = 4  # of chance that may not look like a full network


def check_window(noc: Noc, sweep: Sweep) -> None:
    """Raises InputError for cycles that are too few for the lowest load, with the least that will do."""
    bound = sweep.fidelity == "bound"
    rate = min(sweep.loads) * noc.mesh.core_slots / sweep.flits
    way = 0 if bound else _longest_way(noc, sweep.flits)
    measure = ceil(PACKETS_BOUND / rate) if bound else _least_measure(rate, way)
    if sweep.measure >= measure and sweep.warmup >= way:
        return
    made = f"{rate * sweep.measure:.3g} packets in {sweep.measure} cycles"
    why = f"{min(sweep.loads):g} flits per core and cycle make {made}"
    why += "" if bound else f", and one may take {way} cycles if nothing is in its way"
    least = f"{max(sweep.warmup, way)},{max(sweep.measure, measure)}"
    what = f"is {sweep.warmup},{sweep.measure}; too few to tell a full network from an idle one"
    raise bad_input("--cycles", what, why, f"at least --cycles {least}, or higher loads")


def _least_measure(rate: float, way: int) -> int:
    """Cycles after which chance hides no more than a network that keeps up may lack (SETTLED). rate: packets of all
    cores per cycle. Packets made and arrived differ by those under way at both ends: about rate * way / 2 at each, of
    which the variance is as large (Poisson)."""
    spread = DEVIATIONS * sqrt(rate * way)
    return max(ceil(PACKETS / rate), WAYS * way, ceil(spread / (1 - SETTLED) / rate))


def _longest_way(noc: Noc, flits: int) -> int:
    """Cycles of a packet alone from the first core to the last, or to the middle of a network that closes on itself."""
    mesh = noc.mesh
    middle = (mesh.height // 2 * mesh.width + mesh.width // 2) * mesh.cores_per_router
    targets = np.array([mesh.core_slots - 1, min(middle, mesh.core_slots - 1)])
    zeros = np.zeros(2, np.int64)
    burst = Burst.unicast(zeros, zeros, targets, np.full(2, flits), zeros)
    return int(run_burst(noc, burst, fidelity="bound").latency(burst).max())
