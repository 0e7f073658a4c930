"""Cutting a population into runs of elements, as long as the limits allow: the fewest runs there can be.

For populations that are wired by tables of synapses, where boxes mean nothing. Every demand only grows with
the run, so taking as many elements as fit, again and again, is optimal among runs in this order.
"""

from __future__ import annotations

import numpy as np

from neurocomp.mapping.reach import Table, Uniform
from neurocomp.mapping.tiling.cuts import Runs, by_position, run_reach, shared_by_all
from neurocomp.mapping.tiling.layer import Layer
from neurocomp.mapping.tiling.limits import AXONS_IN, AXONS_OUT, DEMANDS, NEURONS, SYNAPSE_BITS, Limits


def best_runs(layer: Layer, limits: Limits, out: np.ndarray) -> Runs | None:
    """The runs, or None if some single element does not fit a core."""
    growing = _Growing(layer, out)
    size = int(np.prod(layer.shape))
    edges, window = [0], 256
    while edges[-1] < size:
        start = edges[-1]
        while True:
            stop = min(size, start + window)
            fits = limits.fits(growing.demands(start, stop))
            length = fits.size if fits.all() else int(np.argmin(fits))
            if length < stop - start or stop == size:
                break
            window *= 2
        if length == 0:
            return None
        edges.append(start + length)
        window = max(256, 2 * length)
    return Runs(np.array(edges, np.int64))


class _Growing:
    """Demands of runs that start at one element and end at each of the following."""

    def __init__(self, layer: Layer, out: np.ndarray) -> None:
        self.out = by_position(out, layer.shape)
        self.stored = by_position(layer.stored.per_element, layer.shape)
        self.shared = shared_by_all(layer)
        self.reaches = [
            ([run_reach(r, layer.shape) for r in reaches], layer.operand_bits.get(source, 0))
            for source, reaches in layer.reaches.items()
        ]

    def demands(self, start: int, stop: int) -> np.ndarray:
        """int64 (stop - start, 4): demand of start..end for every end in start + 1 .. stop."""
        result = np.zeros((stop - start, DEMANDS), np.int64)
        result[:, NEURONS] = np.arange(1, stop - start + 1)
        for reaches, bits in self.reaches:
            heard = np.zeros(stop - start, np.int64)
            for reach in reaches:
                heard += reach.support if isinstance(reach, Uniform) else _distinct(reach.table, start, stop)
            heard = np.minimum(heard, reaches[0].sources)
            result[:, AXONS_IN] += heard
            result[:, SYNAPSE_BITS] += heard * bits
        result[:, AXONS_OUT] = np.cumsum(self.out[start:stop])
        result[:, SYNAPSE_BITS] += np.cumsum(self.stored[start:stop]) + self.shared
        return result


def _distinct(table: Table, start: int, stop: int) -> np.ndarray:
    """How many distinct sources the runs start..start+1, start..start+2, ... listen to."""
    first, last = table.indptr[start], table.indptr[stop]
    new = np.concatenate([[0], np.cumsum(table.previous[first:last] < start)])
    return new[table.indptr[start + 1 : stop + 1] - first]
