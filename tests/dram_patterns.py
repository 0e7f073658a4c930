"""The access patterns of the reference runs in ../shared/reference/dram, with random numbers of our own."""

from __future__ import annotations

import numpy as np

from neurocomp.fabric.dram import DramRequests
from neurocomp.fabric.dram_spec import DramSpec


def pattern(dram: DramSpec, name: str, count: int, *, load: float | None = None, seed: int = 1) -> DramRequests:
    """name: seq_*, rand_* or spike_*<bytes> (random rows of so many bytes, read from their begin to their end); *rd
    reads, *wr writes, *mix* every third a write. load: share of the peak, with exponential gaps between arrivals;
    None: all requests are there from the start."""
    draw, o = np.random.default_rng(seed), dram.organisation
    accesses = o.capacity_bytes // o.access_bytes
    if name.startswith("seq"):
        number = np.arange(count)
    elif name.startswith("rand"):
        number = draw.integers(0, accesses, count)
    else:
        length = max(1, int("".join(c for c in name if c.isdigit())) // o.access_bytes)
        start = draw.integers(0, accesses // length, -(-count // length)) * length
        number = (start[:, None] + np.arange(length)).reshape(-1)[:count]
    write = np.arange(count) % 3 == 2 if "mix" in name else np.full(count, name.endswith("wr"))
    if load is None:
        return DramRequests(number * o.access_bytes, write)
    gap_ps = o.access_bytes / dram.peak_bytes_per_second * 1e12 / load
    arrival = np.floor(np.cumsum(draw.exponential(gap_ps, count))).astype(np.int64)
    return DramRequests(number * o.access_bytes, write, arrival)
