"""Tiny mapping problems of every kind, and all their assignments of elements to cores at once: the exact oracle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from neurocomp.chip.spec import ChipSpec
from neurocomp.mapping.map import make_problem
from neurocomp.network import Conv, Integer, Linear, Network, Neuron, OneToOne, Op, Pool, Population, Projection, Sparse
from tests.small_chips import make_chip
from tests.unrolled import unrolled_paths

ACROSS = 4  # links inside a chip that one between chips counts as, where a profile does not price it
MOST = 4096  # assignments


@dataclass(frozen=True)
class Tiny:
    """A network, a chip, a grid of them, dead cores, and the cores of pinned populations."""

    network: Network
    chip: ChipSpec
    grid: tuple[int, int] = (1, 1)
    dead: tuple[int, ...] = ()
    pinned: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def cores(self) -> int:
        return self.chip.core.count * self.grid[0] * self.grid[1]


def tiny(seed: int) -> Tiny:
    """Of so few elements and cores that every assignment can be looked at."""
    rng = np.random.default_rng(seed)
    grid = ((1, 1), (1, 1), (1, 1), (2, 1), (1, 2))[int(rng.integers(5))]
    chip = _chip(rng, grid)
    cores = chip.core.count * grid[0] * grid[1]
    while True:
        network = _KINDS[int(rng.integers(len(_KINDS)))](rng)
        if cores ** sum(p.size for p in placed(network)) <= MOST:
            break
    dead = tuple(c for c in range(cores) if rng.random() < 0.15)
    free = [c for c in range(cores) if c not in dead] or [0]
    pinned = {
        p.name: rng.choice(free, p.shape) for p in placed(network) if dead != tuple(range(cores)) and rng.random() < 0.1
    }
    return Tiny(network, chip, grid, dead, pinned)


def placed(network: Network) -> list[Population]:
    return [p for p in network.populations if p.neuron is not None]


def _chip(rng: np.random.Generator, grid: tuple[int, int]) -> ChipSpec:
    meshes = (
        ((2, 1, 1), (3, 1, 1), (2, 2, 1), (2, 1, 2), (1, 3, 1)) if grid == (1, 1) else ((2, 1, 1), (1, 2, 1), (1, 1, 1))
    )
    width, height, per_router = meshes[int(rng.integers(len(meshes)))]
    limit = lambda share, low, high: int(rng.integers(low, high)) if rng.random() < share else None  # noqa: E731
    bits = limit(0.3, 8, 90)
    memories = [] if bits is None else [{"name": "syn", "size_kib": bits / 8192, "holds": ["synapses"]}]
    return make_chip(
        width, height, per_router, multicast=str(rng.choice(["tree", "unicast"])),
        topology=str(rng.choice(["mesh", "torus"])) if grid == (1, 1) else "mesh",
        neurons_max=int(rng.integers(1, 5)), fan_in_axons_max=limit(0.5, 2, 8), fan_out_axons_max=limit(0.5, 2, 9),
        fan_out_cores_max=limit(0.2, 1, 4), fan_in_max=limit(0.1, 2, 7), kernel_sharing=False, memories=memories,
    )  # fmt: skip


def _weights(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(1, 4, shape).astype(np.int8)


def _sparse(rng: np.random.Generator, source: int, target: int) -> Sparse:
    table = rng.random((source, target)) < 0.6
    table[0, 0] |= not table.any()
    indptr = np.concatenate([[0], np.cumsum(table.sum(axis=1))])
    return Sparse(indptr, np.nonzero(table)[1], _weights(rng, int(table.sum())), (target,))


def _network(shape: tuple[int, ...], *steps: tuple[str, str, Op, int, bool]) -> Network:
    """steps: (source, target, operator, delay, whether the target is new and has neurons; a relay if its name says)."""
    populations = [Population("in", shape)]
    for source, target, op, _, is_new in steps:
        if is_new:
            before = next(p for p in populations if p.name == source)
            neuron = None if target.startswith("relay") else Neuron()
            populations.append(Population(target, op.target_shape(before.shape), neuron))
    projections = [Projection(f"{s}_{t}_{k}", s, t, op, delay) for k, (s, t, op, delay, _) in enumerate(steps)]
    return Network(tuple(populations), tuple(projections), ("in",), None, Integer(), "tiny")


def _feedback(rng: np.random.Generator) -> Network:
    a, b = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    steps = [("in", "p", _sparse(rng, 2, a), 0, True), ("p", "q", _sparse(rng, a, b), 0, True)]
    steps += [("q", "p", _sparse(rng, b, a), 1, False)] if rng.random() < 0.7 else []
    steps += [("q", "q", _sparse(rng, b, b), 1, False)] if rng.random() < 0.7 else []
    return _network((2,), *steps)


def _dense(rng: np.random.Generator) -> Network:
    a, b = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    return _network(
        (3,), ("in", "p", Linear(_weights(rng, a, 3)), 0, True), ("p", "q", Linear(_weights(rng, b, a)), 0, True)
    )


def _conv(rng: np.random.Generator) -> Network:
    out, length = int(rng.integers(1, 3)), int(rng.integers(2, 4))
    op = Conv(_weights(rng, out, 1, 2), (1,), (0,), (1,))
    last = Linear(_weights(rng, 1, out * (length - 1)))
    return _network((1, length), ("in", "p", op, 0, True), ("p", "q", last, 0, True))


def _depthwise(rng: np.random.Generator) -> Network:
    op = Conv(_weights(rng, 2, 1, 2), (1,), (1,), (1,), 2)
    steps = [("in", "p", op, 0, True)]
    steps += [("p", "q", Conv(_weights(rng, 1, 2, 2), (1,), (0,), (1,)), 0, True)] if rng.random() < 0.5 else []
    return _network((2, int(rng.integers(1, 3))), *steps)


def _pooled(rng: np.random.Generator) -> Network:
    op = Conv(_weights(rng, int(rng.integers(1, 3)), 1, 1), (1,), (0,), (1,))
    channels = op.weight.shape[0]
    pool = Pool("sum", (2,), (2,), (0,))
    last = Linear(_weights(rng, int(rng.integers(1, 3)), channels))
    return _network((1, 2), ("in", "p", op, 0, True), ("p", "relay", pool, 0, True), ("relay", "q", last, 0, True))


def _residual(rng: np.random.Generator) -> Network:
    n = int(rng.integers(1, 4))
    return _network(
        (n,), ("in", "p", OneToOne(1.0), 0, True), ("p", "q", Linear(_weights(rng, n, n)), 0, True),
        ("p", "q", OneToOne(1.0), 0, False),
    )  # fmt: skip


def _recurrent(rng: np.random.Generator) -> Network:
    n = int(rng.integers(2, 6))
    steps = [("in", "p", _sparse(rng, 2, n), 0, True), ("p", "p", Linear(_weights(rng, n, n)), 1, False)]
    return _network((2,), *(steps if rng.random() < 0.5 else [steps[0], ("p", "p", _sparse(rng, n, n), 1, False)]))


_KINDS: tuple[Callable[[np.random.Generator], Network], ...] = (
    _feedback, _feedback, _dense, _conv, _depthwise, _pooled, _residual, _recurrent,
)  # fmt: skip


def least_cost(problem: Tiny) -> int | None:
    """Links per step if every element fires once, those between chips ACROSS times, over all assignments that break
    no limit; None if there is none."""
    network, core = problem.network, problem.chip.core
    sizes = {p.name: p.size for p in placed(network)}
    first = dict(zip(sizes, np.cumsum([0, *sizes.values()])[:-1].tolist(), strict=True))
    total, cores = sum(sizes.values()), problem.cores
    cut = np.stack(np.unravel_index(np.arange(cores**total), (cores,) * total), axis=1)
    for name, chosen in problem.pinned.items():
        own = cut[:, first[name] : first[name] + sizes[name]]
        cut = cut[(own == chosen.reshape(-1)).all(axis=1)]
    cut = cut[~np.isin(cut, problem.dead).any(axis=1)]
    one_hot = cut[:, :, None] == np.arange(cores)
    heard, sent = np.zeros((2, len(cut), cores), np.int64)
    cost, legal, table = np.zeros(len(cut), np.int64), np.ones(len(cut), bool), _links(problem)
    goals: dict[tuple[str, int], np.ndarray] = {}
    fan_in, stored = np.zeros((2, total), np.int64)
    width = make_problem(network, problem.chip, {}, ()).weight_bits
    for (source, target, last), synapse in unrolled_paths(network).items():
        at = slice(first[target], first[target] + sizes[target])
        fan_in[at] += synapse.sum(axis=1)
        listed = isinstance(network.projections[last].op, Sparse)
        stored[at] += synapse.sum(axis=1) * (width + core.synapse_index_bits * listed)
        for s in np.flatnonzero(synapse.any(axis=0)):
            reached = one_hot[:, at][:, synapse[:, s] > 0].any(axis=1)
            goals[source, int(s)] = goals.get((source, int(s)), False) | reached  # type: ignore[assignment]
    bits = np.einsum("aec,e->ac", one_hot, stored)
    for (source, s), reached in goals.items():
        heard += reached
        is_input = source in network.inputs
        home = np.zeros(len(cut), np.int64) if is_input else cut[:, first[source] + s]
        cost += table[home, (reached << np.arange(cores)).sum(axis=1)]
        if not is_input:
            sent[np.arange(len(cut)), home] += reached.sum(axis=1)
            legal &= reached.sum(axis=1) <= (core.fan_out_cores_max or cores)
    legal &= (one_hot.sum(axis=1) <= core.neurons_max).all(axis=1)
    for amount, most in (
        (heard, core.fan_in_axons_max),
        (sent, core.fan_out_axons_max),
        (fan_in[None], core.fan_in_max),
    ):
        legal &= (amount <= (amount.max(initial=0) if most is None else most)).all(axis=1)
    for memory in core.memories:
        legal &= (bits <= memory.size_bits).all(axis=1)
    return int(cost[legal].min()) if legal.any() else None


def _links(problem: Tiny) -> np.ndarray:
    """int64 (cores, sets of cores): what a spike costs from a core to a set, link by link along XY paths."""
    noc, grid, cores = problem.chip.noc, problem.grid, problem.cores
    width, height = noc.width * grid[0], noc.height * grid[1]
    routers = [divmod(c // noc.cores_per_router, width)[::-1] for c in range(cores)]

    def path(a: tuple[int, int], b: tuple[int, int]) -> list[tuple]:
        x, links = a[0], []
        for axis, size in ((0, width), (1, height)):
            place, step = a[axis], b[axis] - a[axis]
            if noc.topology == "torus":
                step = step % size if 2 * (step % size) <= size else step % size - size
            for _ in range(abs(step)):
                links.append((axis, place, step > 0, x if axis else a[1]))
                place = (place + (1 if step > 0 else -1)) % size
            x = b[0]
        return links

    def price(link: tuple) -> int:
        axis, place, forward, _ = link
        chip, low = (noc.width, noc.height)[axis], place if forward else place - 1
        return ACROSS if grid[axis] > 1 and low % chip == chip - 1 else 1

    table = np.zeros((cores, 1 << cores), np.int64)
    for home in range(cores):
        walks = [path(routers[home], routers[c]) for c in range(cores)]
        for goal in range(1 << cores):
            used = [link for c in range(cores) if goal >> c & 1 for link in walks[c]]
            table[home, goal] = sum(map(price, set(used) if noc.multicast == "tree" else used))
    return table
