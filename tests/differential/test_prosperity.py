"""Accelerators that skip spikes, on the spikes of a trained LeNet5: densities and cycles as the authors' code gives
them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurocomp.chip.spike_array import load_spike_array
from neurocomp.simulate.engines.skipping import SpikeLayer, bit_and_product_density, run_layers, unrolled

# runs of Prosperity's simulator (github.com/dubcyfor3/Prosperity, 6ee1c6f) on lenet5_mnist
CYCLES = {
    "prosperity": 41_178, "bit-sparse": 183_492, "eyeriss_snn": 114_178, "ptb": 62_319, "sato": 61_012, "mint": 196_013,
}  # fmt: skip


@pytest.fixture(scope="module")
def lenet5(shared: Path) -> list[SpikeLayer]:
    """The layers that Prosperity's network description takes from the trace: 32 steps."""
    with np.load(shared / "reference" / "spikes" / "spikes_lenet5_mnist.npz") as file:

        def spikes(name: str) -> np.ndarray:
            shape = file[f"{name}.shape"]
            bits = np.unpackbits(file[name], axis=1, bitorder="little", count=int(np.prod(shape[1:])))
            return bits.reshape(shape).astype(bool)

        return [
            SpikeLayer("conv2d_1", unrolled(spikes("conv2d_1"), 5), 16, 12 * 12 * 16, taps=25),
            SpikeLayer("fc_0", spikes("fc_0")[:, None], 120, 120),
            SpikeLayer("fc_1", spikes("fc_1")[:, None], 84, 84),
        ]


@pytest.mark.parametrize("name", CYCLES)
def test_cycles_of_every_design(lenet5, name):
    layers = run_layers(load_spike_array(name), lenet5)
    assert sum(layer.cycles for layer in layers) == CYCLES[name]


def test_traffic_and_additions_of_prosperity(lenet5):
    layers = run_layers(load_spike_array("prosperity"), lenet5)
    assert sum(layer.dram_bits for layer in layers) == 1_098_864
    assert sum(layer.additions for layer in layers) == 285_988


def test_densities_to_six_digits(lenet5, shared: Path):
    bit, product = bit_and_product_density(load_spike_array("prosperity").scheme, lenet5)  # type: ignore[arg-type]
    assert (f"{bit:.6g}", f"{product:.6g}") == ("0.25364", "0.0156138")
    reference = (shared / "reference" / "array" / "prosperity_density_reference.txt").read_text()
    assert "H2=0.25364 " in reference and "H3=0.0156138 " in reference  # column H: lenet5_mnist


def published(text: str, row: str) -> dict[str, float]:
    """The first row of a published table that bears this name, by column."""
    cells = next(line for line in text.splitlines() if line.startswith("A") and f"={row} |" in line).split(" | ")[1:]
    return {cell.split("=")[0].rstrip("0123456789"): float(cell.split("=")[1]) for cell in cells}


def test_published_energies_follow_from_published_times(shared: Path):
    """Energy = power x time + DRAM energy: their tables, re-computed with the profiles' constants. Bits of DRAM as the
    authors count them, by the design's factor over Prosperity's."""
    folder = shared / "reference" / "array"
    times, energies = ((folder / f"prosperity_{x}_reference.txt").read_text() for x in ("time", "energy"))
    bits = {"B": 2_306_605_056, "D": 730_988_544, "F": 140_574_720, "I": 241_565_696, "O": 2_585_788_416}
    factors = {"Prosperity": 1.0, "Eyeriss": 5.47, "SATO": 4.85, "PTB": 2.53, "MINT": 3.12}
    for design, factor in factors.items():
        chip = load_spike_array({"Eyeriss": "eyeriss_snn"}.get(design, design.lower()))
        assert chip.power_mw is not None and chip.dram_pj_per_bit is not None
        seconds, expected = published(times, design), published(energies, design)
        for column, moved in bits.items():
            energy_mj = chip.power_mw * seconds[column] + chip.dram_pj_per_bit * moved * factor * 1e-9
            assert energy_mj == pytest.approx(expected[column], rel=1e-5)
