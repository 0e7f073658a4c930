"""Partitions of the mapper's baselines, written from the descriptions in the papers: the part of every neuron, with
at most ``cap`` neurons in each."""

from __future__ import annotations

import heapq

import numpy as np

from benchmarks.mapping_synapses import Synapses


def least_parts(neurons: int, cap: int, most: int, spare: float) -> int:
    return min(most, -(-int(np.ceil((1 + spare) * neurons)) // cap))


def symmetric(net: Synapses) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(pointer, neighbour, weight): spikes over the synapses between two neurons, both ways together."""
    source, rate = net.source, np.repeat(net.rate, np.diff(net.pointer))
    apart = source != net.target
    source, target, rate = source[apart], net.target[apart], rate[apart]
    key = np.concatenate([source * net.neurons + target, target * net.neurons + source])
    key, at = np.unique(key, return_inverse=True)
    weight = np.bincount(at, np.tile(rate, 2), key.size)
    a, b = np.divmod(key, net.neurons)
    return np.searchsorted(a, np.arange(net.neurons + 1)), b, weight


def metis_cut(net: Synapses, cap: int, parts: int) -> np.ndarray:
    """The fewest spikes over synapses that are cut (SNEAP; Li et al. 2020), by METIS. What METIS puts over the cap
    moves to the parts with room that pull it most."""
    import pymetis

    pointer, neighbour, weight = symmetric(net)
    count = least_parts(net.neurons, cap, parts, 0.03)
    whole = np.maximum(1, np.rint(weight * (100 / max(weight.mean(), 1e-12)))).astype(np.int64)
    graph = pymetis.CSRAdjacency(pointer.astype(np.int64), neighbour.astype(np.int64))
    options = pymetis.Options(ufactor=20, seed=1)
    _, membership = pymetis.part_graph(count, graph, eweights=whole, options=options)
    return _repaired(np.array(membership, np.int64), (pointer, neighbour, weight), cap, count)


def _repaired(part: np.ndarray, graph: tuple[np.ndarray, np.ndarray, np.ndarray], cap: int, parts: int) -> np.ndarray:
    pointer, neighbour, weight = graph
    load = np.bincount(part, minlength=parts)
    for full in np.flatnonzero(load > cap):
        members = np.flatnonzero(part == full)
        for neuron in members[: load[full] - cap]:
            near = slice(pointer[neuron], pointer[neuron + 1])
            pull = np.bincount(part[neighbour[near]], weight[near], parts)
            pull[load >= cap] = -1.0
            part[neuron] = pull.argmax()
            load[part[neuron]] += 1
        load[full] = cap
    return part


def streamed(net: Synapses, cap: int, parts: int) -> np.ndarray:
    """Linear deterministic greedy streaming (Stanton and Kliot 2012), as EdgeMap uses it: neurons come in their
    natural order, each joins the part with most of its spikes, times the room that is left there."""
    pointer, neighbour, weight = symmetric(net)
    part = np.full(net.neurons, -1)
    load = np.zeros(parts)
    for neuron in range(net.neurons):
        near = slice(pointer[neuron], pointer[neuron + 1])
        known = part[neighbour[near]]
        seen = known >= 0
        score = np.bincount(known[seen], weight[near][seen], parts) * (1 - load / cap)
        score[load >= cap] = -1.0
        best = np.flatnonzero(score == score.max())
        part[neuron] = best[load[best].argmin()]
        load[part[neuron]] += 1
    return part


def overlap(net: Synapses, cap: int) -> np.ndarray:
    """Greedy growth by overlap of hyperedges (Ronzani and Silvano 2026): the next neuron of a part is the one to
    which most spikes come that come to the part already; a part begins with the neuron that hears most."""
    order = np.argsort(net.target, kind="stable")
    heard_by = np.searchsorted(net.target[order], np.arange(net.neurons + 1))
    sources = net.source[order]
    activity = np.bincount(net.target, np.repeat(net.rate, np.diff(net.pointer)), net.neurons)
    left = np.ones(net.neurons, bool)
    seeds = np.argsort(-activity, kind="stable")
    part, number, at = np.full(net.neurons, -1), 0, 0
    while left.any():
        while not left[seeds[at]]:
            at += 1
        members = _grown(net, cap, int(seeds[at]), left, (heard_by, sources))
        part[members] = number
        number += 1
    return part


def _grown(net: Synapses, cap: int, seed: int, left: np.ndarray, heard: tuple[np.ndarray, np.ndarray]) -> list[int]:
    """One part. left: neurons without a part, kept up to date."""
    heard_by, sources = heard
    shared = np.zeros(net.neurons)
    present = np.zeros(net.neurons, bool)
    members: list[int] = []
    queue: list[tuple[float, int]] = [(0.0, seed)]
    while len(members) < cap:
        neuron = _most_shared(queue, shared, left)
        if neuron < 0:
            rest = np.flatnonzero(left)
            if not rest.size:
                break
            neuron = int(rest[0])
        members.append(neuron)
        left[neuron] = False
        fresh = sources[heard_by[neuron] : heard_by[neuron + 1]]
        fresh = fresh[~present[fresh]]
        present[fresh] = True
        touched = _add_shares(net, fresh, shared)
        touched = touched[left[touched]]
        for share, other in zip((-shared[touched]).tolist(), touched.tolist(), strict=True):
            heapq.heappush(queue, (share, other))
    return members


def _most_shared(queue: list[tuple[float, int]], shared: np.ndarray, left: np.ndarray) -> int:
    """Entries whose neuron has gained since they were made are stale; the newer one is in the queue as well."""
    while queue:
        share, neuron = heapq.heappop(queue)
        if left[neuron] and -share == shared[neuron]:
            return neuron
    return -1


def _add_shares(net: Synapses, fresh: np.ndarray, shared: np.ndarray) -> np.ndarray:
    """Adds the spikes of axons new to a part to all that hear them; returns those."""
    if not fresh.size:
        return fresh
    target = np.concatenate([net.target[net.pointer[a] : net.pointer[a + 1]] for a in fresh])
    np.add.at(shared, target, np.repeat(net.rate[fresh], net.pointer[fresh + 1] - net.pointer[fresh]))
    return np.unique(target)
