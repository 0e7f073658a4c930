"""The nets between parts as the search in C reads them: by net, by part, and as flows between pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.mapping.hypergraph import AXON, Hypergraph
from neurocomp.mapping.rows import Rows, pointer, transposed
from neurocomp.network.ops import frozen_array

_DENSE = 4  # flows are added up in a table of all pairs of parts if it has no more entries for each pin than this


@dataclass(frozen=True, eq=False)
class PlacedNets:
    """parts: count. source: int32 (nets), -1 for the input router. traffic: int64 (nets). pin_ptr, pin: the parts
    that each net reaches, its source left out. touch_ptr, touch: the nets of each part, as source or as pin.
    flow_ptr, flow_other, flow: traffic between each part and each of its partners; flow_input: int64 (parts).
    """

    parts: int
    source: np.ndarray
    traffic: np.ndarray
    pin_ptr: np.ndarray
    pin: np.ndarray
    touch_ptr: np.ndarray
    touch: np.ndarray
    flow_ptr: np.ndarray
    flow_other: np.ndarray
    flow: np.ndarray
    flow_input: np.ndarray

    def __post_init__(self) -> None:
        for name, value in tuple(vars(self).items()):
            if isinstance(value, np.ndarray):
                object.__setattr__(self, name, frozen_array(value))


def placed_nets(clustered: Hypergraph, halvings: int = 0) -> PlacedNets:
    """The nets of a hypergraph of parts (``contracted``); nets that stay in their part are left out.

    halvings: traffic is divided by 2 this often, and rounded up, for sums that would not fit into 64 bits.
    """
    parts = int((~clustered.is_input).sum())
    net_of_pin = clustered.net_of_pin
    used = (clustered.kind == AXON) & (clustered.traffic > 0)
    source = np.where(clustered.source < parts, clustered.source, -1)
    leaving = used[net_of_pin] & (clustered.pin != source[net_of_pin])
    net_of_pin, pin = net_of_pin[leaving], clustered.pin[leaving]
    length = np.bincount(net_of_pin, minlength=clustered.nets)
    kept = np.flatnonzero(length)
    source, traffic, length = source[kept].astype(np.int32), -(-clustered.traffic[kept] >> halvings), length[kept]
    pin_ptr = pointer(length)
    inside = source >= 0
    touched = Rows(pointer(length + inside), np.insert(pin, pin_ptr[1:][inside], source[inside]))
    touch = transposed(touched, parts)
    flows = _flows(parts, np.repeat(source, length), pin, np.repeat(traffic, length))
    return PlacedNets(parts, source, traffic, pin_ptr, pin.astype(np.int32), touch.ptr, touch.items, *flows)


def _flows(
    parts: int, source: np.ndarray, target: np.ndarray, traffic: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(pointer, other, flow) of the symmetric table of traffic between parts, and what enters each part."""
    entering = np.zeros(parts, np.int64)
    outside = source < 0
    np.add.at(entering, target[outside], traffic[outside])
    a, b, flow = source[~outside].astype(np.int64), target[~outside], traffic[~outside]
    if parts * parts <= _DENSE * flow.size:
        table = np.zeros((parts, parts), np.int64)
        np.add.at(table.reshape(-1), a * parts + b, flow)
        table += table.T.copy()
        first, other = np.nonzero(table)
        sums = table[first, other]
    else:
        key, where = np.unique(np.concatenate([a * parts + b, b * parts + a]), return_inverse=True)
        sums = np.zeros(key.size, np.int64)
        np.add.at(sums, where, np.concatenate([flow, flow]))
        first, other = np.divmod(key, max(1, parts))
    return np.searchsorted(first, np.arange(parts + 1)).astype(np.int64), other.astype(np.int32), sums, entering
