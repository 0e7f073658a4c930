"""What a simulated training iteration takes for granted, in sentences for its report."""

from __future__ import annotations

from neurocomp.chip.array_chip import ArrayChip
from neurocomp.simulate.training_setup import TrainingSetup

ORDER = {
    "layer": "each layer is worked through for all samples and steps, so that weights are fetched once per phase",
    "step": "every step flows through all cores; weights that do not fit a core's memory are fetched every time",
}
SPARSITY = {
    "dense": "; not used, because every multiply-accumulate is charged (sparsity: dense)",
    "gated": "; zeros save the energy of the arithmetic, not time or accesses (sparsity: gated)",
    "skipped": "; zeros save time, arithmetic and the array's accesses (sparsity: skipped)",
}


def training_assumptions(chip: ArrayChip, setup: TrainingSetup) -> tuple[str, ...]:
    """In the order in which they matter."""
    said = [
        f"activity: {setup.activity.origin}{SPARSITY[setup.sparsity]}",
        ORDER[setup.order],
        _maps(setup),
        "DRAM at the bandwidth that its standard sustains; no order of requests is simulated",
        "the network on chip does not wait for itself" + _unknown_noc(chip),
        "work that zeros leave is spread evenly over the array" if _is_even(setup) else "",
        "normalisation statistics are those of one step" if setup.order == "step" else "",
        "FP engines recompute beside BP engines, which wait for them as little as for FP" if setup.recompute else "",
        "weights and maps stream through the cores in slices; only a slice has to fit, and the batch has to fit DRAM",
    ]
    return tuple(sentence for sentence in said if sentence)


def _maps(setup: TrainingSetup) -> str:
    if not setup.on_chip:
        return "every map between two layers goes through DRAM"
    return (
        "maps that fit a core's memory go from core to core, as if from the layer before; spikes are kept for BP, too"
    )


def _unknown_noc(chip: ArrayChip) -> str:
    """What the profile does not know of the network on chip."""
    rate, cost = chip.noc.link_bits_per_cycle, chip.noc.hop_pj_per_bit
    missing = [word for word, value in (("its rate", rate), ("its energy", cost)) if value is None]
    return f"; {' and '.join(missing)} are not known and not counted" if missing else ""


def _is_even(setup: TrainingSetup) -> bool:
    """Whether zeros are skipped and nobody has said how unevenly they lie."""
    known = [*setup.activity.layers.values(), setup.activity.rest]
    uneven = any(max(layer.sent_imbalance, layer.arrived_imbalance) > 1 for layer in known)
    return setup.sparsity == "skipped" and not uneven
