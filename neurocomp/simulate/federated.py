"""What a round of data-parallel or federated training costs: compute, both transfers, aggregation, waiting.

Workers compute their local steps at the same time; then each sends its weights to the server and receives the new
ones. The server's link is shared, so transfers follow each other where ``shared_link`` says so. A round ends when the
slowest worker is done, so the others wait for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from neurocomp.errors import Diagnostic, InputError


@dataclass(frozen=True)
class Link:
    """Between a worker and the server. gbit_per_s: rate; latency_ns: of a message; pj_per_bit: None if unknown."""

    gbit_per_s: float
    latency_ns: float = 0.0
    pj_per_bit: float | None = None

    def __post_init__(self) -> None:
        found = []
        if not (math.isfinite(self.gbit_per_s) and self.gbit_per_s > 0):
            found.append(Diagnostic("link", f"a rate of {self.gbit_per_s} Gbit/s; a number above 0 is needed"))
        for name, value in (("latency_ns", self.latency_ns), ("pj_per_bit", self.pj_per_bit)):
            if value is not None and not (math.isfinite(value) and value >= 0):
                found.append(Diagnostic("link", f"{name} is {value}; 0 or more is needed"))
        if found:
            raise InputError(found)

    def transfer_ns(self, bits: int) -> float:
        return self.latency_ns + bits / self.gbit_per_s


@dataclass(frozen=True)
class Worker:
    """One worker: what a local step takes on its chip. energy_pj: None if unknown."""

    step_ns: float
    step_energy_pj: float | None
    link: Link


@dataclass(frozen=True)
class RoundCost:
    """One round. compute_ns, upload_ns, download_ns: of the slowest worker; wait_ns: per worker, idle until the slowest
    has computed; aggregate_ns: of the server. Energies are sums over workers; None where a part is unknown."""

    compute_ns: float
    upload_ns: float
    aggregate_ns: float
    download_ns: float
    wait_ns: tuple[float, ...]
    compute_energy_pj: float | None
    link_energy_pj: float | None
    bits: int

    @property
    def total_ns(self) -> float:
        return self.compute_ns + self.upload_ns + self.aggregate_ns + self.download_ns

    @property
    def energy_pj(self) -> float | None:
        if self.compute_energy_pj is None or self.link_energy_pj is None:
            return None
        return self.compute_energy_pj + self.link_energy_pj


def round_cost(
    workers: Sequence[Worker],
    weights: int,
    *,
    local_steps: int,
    weight_bits: int = 16,
    aggregate_ns: float = 0.0,
    shared_link: bool = True,
) -> RoundCost:
    """The cost of one round. weights: trained values of the network, sent once each way by every worker.

    shared_link: the server takes one transfer after the other; otherwise all run at once. Raises InputError if there
    is no worker, or nothing to do.
    """
    counts = {"workers": len(workers), "weights": weights, "local steps": local_steps, "weight bits": weight_bits}
    found = [Diagnostic(name, f"is {n}; at least 1 is needed") for name, n in counts.items() if n < 1]
    if found:
        raise InputError(found)
    bits = weights * weight_bits
    computed = [worker.step_ns * local_steps for worker in workers]
    slowest = max(computed)
    ways = [worker.link.transfer_ns(bits) for worker in workers]
    transfer = sum(ways) if shared_link else max(ways)
    compute_energy = _total([_times(worker.step_energy_pj, local_steps) for worker in workers])
    link_energy = _total([_times(worker.link.pj_per_bit, 2 * bits) for worker in workers])
    return RoundCost(
        slowest, transfer, aggregate_ns, transfer, tuple(slowest - each for each in computed), compute_energy,
        link_energy, 2 * bits * len(workers),
    )  # fmt: skip


def _times(value: float | None, factor: int) -> float | None:
    return None if value is None else value * factor


def _total(parts: Sequence[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return math.fsum(known) if len(known) == len(parts) else None
