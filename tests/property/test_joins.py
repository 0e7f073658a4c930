"""Taking out relays changes nothing that remains."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from neurocomp.activity.execute import execute
from neurocomp.activity.plan import plan_network
from neurocomp.errors import InputError
from neurocomp.frontend.joins import is_identity, join_relays
from neurocomp.network import Network, OneToOne, Population, Projection
from neurocomp.network.verify import verify
from tests.random_networks import inputs_for, networks

STEPS = 12
SEEDS = st.integers(0, 99)


def with_detours(network: Network, delays: list[int]) -> Network:
    """Every projection led through a relay behind its source and one before its target, with delays between."""
    populations, projections = list(network.populations), []
    for k, p in enumerate(network.projections):
        source = network.by_name[p.source]
        delay = delays[k % len(delays)]
        populations.append(Population(f"after {p.name}", source.shape))
        projections.append(Projection(f"copy {p.name}", p.source, f"after {p.name}", OneToOne(), delay))
        if is_maximum_beside_others(network, p):
            projections.append(replace(p, source=f"after {p.name}"))
            continue
        populations.append(Population(f"before {p.name}", network.by_name[p.target].shape))
        projections.append(replace(p, source=f"after {p.name}", target=f"before {p.name}"))
        projections.append(Projection(f"on {p.name}", f"before {p.name}", p.target, OneToOne()))
    return replace(network, populations=tuple(populations), projections=tuple(projections))


def sums_fit(network: Network) -> bool:
    """Whether integer sums provably stay within 32 bits, which relays make harder to prove."""
    try:
        plan_network(network)
    except InputError:
        return False
    return True


def is_maximum_beside_others(network: Network, projection: Projection) -> bool:
    return getattr(projection.op, "kind", "") == "max" and len(network.incoming[projection.target]) > 1


@settings(max_examples=60, deadline=None)
@given(network=networks(integer=True), delays=st.lists(st.integers(0, 2), min_size=1, max_size=4), seed=SEEDS)
def test_spikes_and_output_are_unchanged(network: Network, delays: list[int], seed: int) -> None:
    long = verify(with_detours(network, delays))
    assume(sums_fit(long))
    joined = verify(join_relays(long))
    assert len(joined.populations) <= len(long.populations) - len(network.projections)
    x = inputs_for(network, 2, STEPS, seed)
    before, after = execute(long, x), execute(joined, x)
    assert before.output is not None and after.output is not None
    assert np.array_equal(before.output.reshape(2, STEPS, -1), after.output.reshape(2, STEPS, -1))
    for p in joined.populations:
        if p.neuron is not None:
            assert np.array_equal(before.trace.dense(p.name), after.trace.dense(p.name))


@settings(max_examples=30, deadline=None)
@given(network=networks(integer=True))
def test_no_plain_copy_of_a_single_source_is_left(network: Network) -> None:
    joined = join_relays(with_detours(network, [0]))
    for p in joined.populations:
        incoming = joined.incoming[p.name]
        if p.neuron is None and p.bias is None and len(incoming) == 1 and p.name not in (*joined.inputs, joined.output):
            reshapes = joined.by_name[incoming[0].source].shape != p.shape
            assert not is_identity(incoming[0].op) or reshapes or not joined.outgoing[p.name]
