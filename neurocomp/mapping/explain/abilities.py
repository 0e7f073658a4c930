"""What a chip cannot do at all for products, maxima, sums and host functions: reasons why no mapping exists."""

from __future__ import annotations

from collections.abc import Sequence

from neurocomp.errors import Diagnostic, InputError
from neurocomp.mapping.problem import Problem
from neurocomp.mapping.stations import is_carried, is_hosted, is_moved_input, is_product, payload_bits
from neurocomp.network.graph import Projection
from neurocomp.network.ops import Factor, Mixture, OverTime, Pool, Reduce

_SHOWN = 3


def beyond_the_chip(problem: Problem) -> list[Diagnostic]:
    """One finding for every station whose values the chip's packets cannot carry, and for products and maxima on
    chips whose cores are made for one kind of layer."""
    found = _not_carried(problem)
    rule = problem.chip.core.layer_cores
    computing = [name for name in problem.lowered.stations if not is_hosted(problem.lowered, name)]
    computing += sorted({p.target for p in problem.network.projections if isinstance(p.op, Factor)} - set(computing))
    if rule is not None and computing:
        what = _what(problem, computing[0])
        found.append(Diagnostic(
            listed(computing),
            f"each core of {problem.chip.name} computes one convolutional layer of spikes, not {what}",
            "no mapping exists", _chips_that_carry(problem),
        ))  # fmt: skip
    return found


def listed(names: Sequence[str]) -> str:
    """The first names, and how many there are besides."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _not_carried(problem: Problem) -> list[Diagnostic]:
    numeric, network = problem.chip.numeric, problem.lowered
    carried = f"{numeric.spike_bits}-bit payloads" if numeric.graded_spikes else "spikes without a value"
    found = []
    for name in network.stations:
        bits = payload_bits(network, name, problem.kinds[name])
        if is_carried(problem.chip, bits) or is_moved_input(network, name):
            continue
        kind = problem.kinds[name]
        values = f"real values ({bits} bits)" if kind.name == "real" else f"values of {bits} bits"
        found.append(Diagnostic(
            name, f"does not fit: sends {values}, {problem.chip.name} carries {carried}",
            f"no mapping exists: {name} is {_what(problem, name)}, whose values have to {_way(problem, name)}",
            _cure(problem, name),
        ))  # fmt: skip
    return found


def _what(problem: Problem, name: str) -> str:
    network = problem.lowered
    if is_product(network, name):
        return "a product of two signals"
    if is_hosted(network, name):
        return "computed by the host"
    if any(isinstance(p.op, Mixture) for p in network.outgoing[name]):
        return "a sum of which the host mixes time steps"
    if any(_takes_maximum(p) for p in network.incoming[name]):
        return "a maximum over values"
    if any(_takes_maximum(p) for p in network.outgoing[name]):
        return "a sum that a maximum is taken over"
    return "a sum that a product or the host reads"


def _way(problem: Problem, name: str) -> str:
    return "enter the chip" if is_hosted(problem.lowered, name) else "leave its core"


def _takes_maximum(projection: Projection) -> bool:
    return isinstance(projection.op, Pool | Reduce) and projection.op.kind == "max"


def _cure(problem: Problem, name: str) -> str:
    found = []
    if "maximum" in _what(problem, name):
        found.append("pool after the neurons instead of before them, or use average pooling")
    network = problem.lowered
    if any(isinstance(p.op, OverTime) and not p.op.moves for p in (*network.incoming[name], *network.outgoing[name])):
        found.append("train with sliding PSNs, whose weights are the same at every step and look back by fixed delays")
    return "; or ".join([*found, _chips_that_carry(problem)])


def _chips_that_carry(problem: Problem) -> str:
    """Bundled profiles whose packets carry what all stations send; whether the network fits is another question."""
    from neurocomp.chip.catalog import load_chip, profile_names

    network = problem.lowered
    widest = max((payload_bits(network, name, problem.kinds[name]) for name in network.stations), default=0)
    names = []
    for name in profile_names():
        try:
            chip = load_chip(name)
        except InputError:
            continue
        if is_carried(chip, widest) and chip.core.layer_cores is None:
            names.append(name)
    return f"a chip whose packets carry {widest} bits: {', '.join(names)}" if names else "no bundled chip carries them"


def ability_mismatches(problem: Problem) -> list[str]:
    """What the profile does not say about products, and what was taken for it."""
    network, chip, found = problem.lowered, problem.chip, []
    products = [p.name for p in network.populations if is_product(network, p.name)]
    if products and chip.engines.fp.product_operation is None:
        found.append(
            f"{chip.name}: the profile says nothing of products of two signals ({listed(products)}); cores are taken "
            "to form them, one term and one stored operand at the cost of a dense synaptic operation, with the other "
            "operand in the place of a weight"
        )
    return found


def station_assumptions(problem: Problem) -> list[str]:
    """What is assumed about stations, in sentences for the report."""
    network, found = problem.lowered, []
    if any(is_product(network, p.name) for p in network.populations):
        found.append(
            "products of two signals are formed at the end of each step from operands kept in synaptic memory; only "
            "terms of which neither operand is zero cost anything, and finding them costs nothing more"
        )
    sums = [n for n in network.stations if not is_product(network, n) and not is_hosted(network, n)]
    if sums:
        found.append(
            f"{listed(sums)} {'has' if len(sums) == 1 else 'have'} places on cores and send values that are not zero "
            "as one packet each"
        )
    hosted = [n for n in network.stations if is_hosted(network, n)]
    if hosted:
        found.append(
            f"the host computes {listed(hosted)}; values cross through the input port, one packet for each that is "
            "not zero; the time that the host takes, and waiting on the way to it, are not modelled"
        )
    return found + [_border(problem, n) for n in hosted if isinstance(network.incoming[n][0].op, Mixture)]


def _border(problem: Problem, name: str) -> str:
    """What a mixture of time steps does to the run."""
    arriving = problem.lowered.incoming[name]
    late = 1 + max(p.op.ahead for p in arriving if isinstance(p.op, Mixture))
    sources = " and ".join(dict.fromkeys(p.source for p in arriving))
    steps = f"up to {late - 1} step{'s' if late > 2 else ''} later" if late > 1 else "of earlier steps"
    does = f"needs {sources} {steps}"
    return (
        f"{name} {does}: the host keeps these values and sends its results between two runs of the chip, {late} "
        f"step{'s' if late > 1 else ''} later; latency counts them, and the cores in front go on with the next sample"
    )
