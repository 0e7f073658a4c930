"""What several micro-tiles of one population store only once on a core: the kernels of the channels they share."""

from __future__ import annotations

import numpy as np

from neurocomp.mapping.hypergraph.atoms import Atoms
from neurocomp.mapping.hypergraph.nets import Nets
from neurocomp.mapping.rows import Rows, equal_rows, rows_of_pairs
from neurocomp.mapping.tiling.cuts import Grid
from neurocomp.mapping.tiling.layer import Layer


def shared_memory(layer: Layer, atoms: Atoms, name: str) -> tuple[np.ndarray, np.ndarray, Nets]:
    """(vertices that share with no other, bits that each of them stores, nets of those who share)."""
    channels = layer.shape[0]
    per_channel = np.broadcast_to(layer.stored.per_channel, (channels,))
    first, count = atoms.first[name], atoms.cuts[name].count
    rows, bits = [Rows(np.array([0, count], np.int64), np.arange(count))], [layer.stored.constant]
    if per_channel.any():
        held = _holders(atoms, name, channels)
        label, at = equal_rows(held)
        sums = np.zeros(at.size, np.int64)
        np.add.at(sums, label, per_channel)
        everywhere = held.lengths[at] == count
        bits = [bits[0] + int(sums[everywhere].sum()), *sums[~everywhere].tolist()]
        rows.append(held.taken(at[~everywhere]))
    amount = np.array(bits, np.int64)
    every = Rows(np.concatenate([rows[0].ptr, *(r.ptr[1:] + count for r in rows[1:])]),
                 first + np.concatenate([r.items for r in rows]))  # fmt: skip
    kept = np.flatnonzero((amount > 0) & (every.lengths > 1))
    alone = np.flatnonzero((amount > 0) & (every.lengths == 1))
    nets = Nets(np.full(kept.size, -1), amount[kept], np.zeros(kept.size, np.int64), every.taken(kept))
    return every.items[every.ptr[alone]], amount[alone], nets


def _holders(atoms: Atoms, name: str, channels: int) -> Rows:
    """For each channel the pieces, numbered from 0, that hold elements of it."""
    cut = atoms.cuts[name]
    if isinstance(cut, Grid):
        part = np.repeat(np.arange(cut.parts[0]), np.diff(cut.edges[0]))
        cells = cut.parts[1] * cut.parts[2]
        items = part[:, None] + np.arange(cells) * cut.parts[0]
        return Rows(np.arange(channels + 1) * cells, items.reshape(-1))
    label = atoms.labels(name) - atoms.first[name]
    return rows_of_pairs(np.arange(label.size) % channels, label, channels, cut.count)
