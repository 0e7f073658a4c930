"""Pipeline levels: by how many steps each population lags behind the trained network.

On a chip that delivers a spike in the step after it was sent, every population on the way adds a step that
the network, as it was trained, does not have, unless the path has a delay that hides it. A population's level is
the longest way to it over edges that lead forward, each counting one step less its delay; edges that close a loop
count only if they have no delay. Its chip step is the network's step plus its level.

A mixture of time steps lies between two runs: what is behind it begins once the host has the last step that it needs,
while the cores in front of it are at the next sample.
"""

from __future__ import annotations

from neurocomp.mapping.problem import Problem
from neurocomp.mapping.stations.wires import wires_into
from neurocomp.network.ops import Mixture, is_hosted_op


def levels(problem: Problem) -> dict[str, int]:
    """Level of every emitting and tiled population; on chips that deliver within the step all 0, but behind a mixture
    of time steps."""
    result = {name: 0 for name in problem.order if problem.emits(name) or problem.is_tiled(name)}
    step = 0 if problem.chip.numeric.delivery == "same_step" else 1
    crossings = _to_host(problem, step)
    if not step and not any(steps > 0 for _, _, steps in crossings):
        return result
    waits = [(e.source, e.target, step - e.delays[0]) for e in problem.edges] + crossings
    after = _reached(waits)
    forward = [(a, b, steps) for a, b, steps in waits if steps == 1 or a not in after[b]]
    for _ in result:  # no longest way has more edges than there are populations
        before = dict(result)
        for source, target, steps in forward:
            result[target] = max(result[target], result[source] + steps)
        if result == before:
            break
    return result


def _to_host(problem: Problem, step: int) -> list[tuple[str, str, int]]:
    """What the host computes comes back as soon as a spike would (``step``); a mixture of time steps once the last of
    those that it needs has left, in the step after that."""
    network = problem.lowered
    stations = frozenset(network.stations)
    found = []
    for name in network.stations:
        for p in network.incoming[name]:
            if is_hosted_op(p.op):
                late = p.op.ahead + 1 if isinstance(p.op, Mixture) else step
                wires = wires_into(network, p.source, stations) or ()
                found += [(wire.source, name, late - wire.delay - p.delay) for wire in wires]
    return found


def _reached(edges: list[tuple[str, str, int]]) -> dict[str, set[str]]:
    """For the two ends of every edge: itself and all that edges lead to from there."""
    found = {name: {name} for a, b, _ in edges for name in (a, b)}
    growing = True
    while growing:
        growing = False
        for source, target, _ in edges:
            size = len(found[source])
            found[source] |= found[target]
            growing |= len(found[source]) > size
    return found


def timing_mismatches(problem: Problem, offsets: dict[str, int]) -> list[str]:
    """Sentences about edges whose spikes cannot arrive in the step in which the trained network expects them."""
    numeric, found = problem.chip.numeric, []
    extra = 0 if numeric.delivery == "same_step" else 1
    for edge in problem.edges:
        for delay in edge.delays:
            slack = delay + offsets[edge.target] - offsets[edge.source] - extra
            name = f"{edge.source} -> {edge.target} (projection {problem.network.projections[edge.projection].name})"
            if slack < 0:
                steps = f"{-slack} step{'s' if slack < -1 else ''}"
                found.append(
                    f"spikes on {name} arrive {steps} later than in the trained network: the chip delivers in the "
                    f"next step, and the edge leads back over {offsets[edge.source] - offsets[edge.target] + 1} steps "
                    f"with a delay of {delay}"
                )
            elif slack > numeric.delay_max:
                found.append(
                    f"spikes on {name} must wait {slack} steps for the other paths, but the chip delays by at most "
                    f"{numeric.delay_max}"
                )
    return found
