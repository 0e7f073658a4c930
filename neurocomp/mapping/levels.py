"""Pipeline levels: by how many steps each population lags behind the trained network.

On a chip that delivers a spike in the step after it was sent, every population on the way adds a step that
the network, as it was trained, does not have. A population's level is the longest path of zero-delay edges
from the populations without one before it; its chip step is the network's step plus its level.
"""

from __future__ import annotations

from neurocomp.mapping.problem import Problem


def levels(problem: Problem) -> dict[str, int]:
    """Level of every emitting and tiled population; all 0 on chips that deliver within the step."""
    result = {name: 0 for name in problem.order if problem.emits(name) or problem.is_tiled(name)}
    if problem.chip.numeric.delivery == "same_step":
        return result
    for edge in problem.edges:  # in network order of the targets, so that sources are final
        if edge.delays[0] == 0:
            result[edge.target] = max(result[edge.target], result[edge.source] + 1)
    return result


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
