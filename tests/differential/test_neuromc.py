"""Layer fragments beside the energies that NeuroMC's authors published: compute, memory and totals apart."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from neurocomp.chip.catalog import load_array_chip
from neurocomp.energy.array import ArrayCosts
from neurocomp.simulate.engines.fragment import Fragment, fragment
from neurocomp.simulate.engines.layer import conv_layer

CHIP = load_array_chip("neuromc")
COSTS = ArrayCosts(CHIP)
PHASE = {"fe": "FP", "be": "BP", "we": "WG"}
# S-ResNet18 over 20 cores, in order: input channels, output channels of the part, side of the input map, stride
SPLIT = [
    *((64, k, 56, 1) for k in (48, 16, 32, 32, 16, 48, 48, 16)),
    (64, 128, 56, 2), (128, 96, 28, 1), (128, 32, 28, 1), (64, 128, 56, 2),
    *((128, k, 28, 1) for k in (96, 32, 64, 64)),
    (128, 128, 28, 2), (128, 128, 28, 2), *((256, 128, 14, 1),) * 2, (128, 256, 28, 2), *((256, 128, 14, 1),) * 4,
    *((256, 256, 14, 2),) * 2, *((512, k, 7, 1) for k in (192, 192, 128)), *((256, 256, 14, 2),) * 2,
    *((512, k, 7, 1) for k in (192, 192, 128, 192, 192, 128)),
]  # fmt: skip


def energy_pj(piece: Fragment, of: str | None = None, units: tuple[str, ...] = ()) -> float:
    chosen = [u for u in piece.uses if (of is None or u.of == of) and (not units or u.unit in units)]
    return sum(COSTS.energy_aj(u.action, u.count) or 0 for u in chosen) / 1e6


def test_every_row_of_the_authors_figures(shared: Path):
    with (shared / "reference" / "training" / "neuromc_resnet18.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 30
    for row in rows:
        channels, side, kernel = (int(row["C"]), int(row["K"])), int(row["map_hw"]), int(row["kernel"])
        layer = conv_layer("layer", channels, (side, side), (kernel, kernel))
        piece = fragment(CHIP, PHASE[row["phase"]], layer)  # type: ignore[arg-type]
        compute, memory = (
            energy_pj(piece, None, ("mac", "pointwise")),
            energy_pj(piece, "array", ("register", "sram")),
        )
        assert compute == pytest.approx(float(row["author_compute_pj"]), rel=1e-11)
        assert memory == pytest.approx(float(row["author_base_memory_pj"]), rel=1e-11)
        if row["author_total_pj"]:
            assert energy_pj(piece) == pytest.approx(float(row["author_total_pj"]), rel=1e-11)


# Li et al. 2026, published with SpikingJelly's documentation (energy_model_validation.csv): microjoules
AUTHORS_UJ = [
    ("FP", 64, 48, 56, 3, 130.159637113), ("FP", 512, 192, 7, 3, 68.4155444127), ("FP", 256, 256, 7, 3, 45.739219947),
    ("BP", 64, 48, 56, 3, 234.569325085), ("BP", 64, 128, 56, 3, 618.007336374), ("BP", 128, 32, 28, 3, 79.0897098075),
    ("WG", 64, 128, 56, 3, 263.933665455), ("WG", 512, 2048, 7, 1, 64.1251009294),
    ("WG", 1024, 1664, 14, 1, 389.707907072),
]  # fmt: skip


@pytest.mark.parametrize(("phase", "c", "k", "side", "kernel", "expected_uj"), AUTHORS_UJ)
def test_figures_of_the_authors_that_are_here_always(phase, c, k, side, kernel, expected_uj):
    layer = conv_layer("layer", (c, k), (side, side), (kernel, kernel))
    assert energy_pj(fragment(CHIP, phase, layer)) / 1e6 == pytest.approx(expected_uj, rel=1e-10)


def test_a_step_of_resnet18_split_over_twenty_cores():
    """Sums over the published list of fragments (one sample, one step, no first and no last layer): the executed
    multiply-accumulates per energy come to 1.09 TFLOPS/W, those of three forward passes to 0.79. The paper's headline
    is 1.05 by a rule that it does not state."""
    layers = [conv_layer(f"l{i}", (c, k), (s, s), (3, 3), stride=(t, t)) for i, (c, k, s, t) in enumerate(SPLIT)]
    pieces = {phase: [fragment(CHIP, phase, layer) for layer in layers] for phase in ("FP", "BP", "WG")}
    macs = {phase: sum(f.macs for f in each) for phase, each in pieces.items()}
    energy_uj = {phase: sum(energy_pj(f) for f in each) / 1e6 for phase, each in pieces.items()}
    assert macs == {"FP": 1_849_688_064, "BP": 2_890_137_600, "WG": 2_890_137_600}
    assert macs["FP"] == 64 * 64 * 16 * 9 * 56 * 56  # 64 units of a 16-channel part of the first layers
    assert energy_uj == pytest.approx({"FP": 2809.60, "BP": 7812.96, "WG": 3360.74}, abs=0.005)
    per_watt = [2 * work / (sum(energy_uj.values()) * 1e6) for work in (sum(macs.values()), 3 * macs["FP"])]
    assert per_watt == pytest.approx([1.091, 0.794], abs=5e-4)
