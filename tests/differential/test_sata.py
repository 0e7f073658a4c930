"""SATA beside its authors' program: totals of VGG5 on CIFAR10, in multiply-accumulates of an ANN."""

from __future__ import annotations

import pytest

from neurocomp.chip.sata_sheet import load_sata
from neurocomp.errors import InputError
from neurocomp.simulate.engines.layer import conv_layer, linear_layer
from neurocomp.simulate.engines.sata import SataRun, sata_energy

SHEET = load_sata()
# vgg5_cifar10 of github.com/RuokaiYin/SATA_Sim; the program leaves the output layer out
VGG5 = [
    conv_layer("conv1", (3, 64), (32, 32), (3, 3)),
    conv_layer("conv2", (64, 128), (16, 16), (3, 3)),
    conv_layer("conv3", (128, 128), (16, 16), (3, 3)),
    linear_layer("lin4", (8192, 1024)),
]
TOTALS = [((4, 2, 0.9, 0.7), 4.79899e9), ((8, 8, 0.9, 0.7), 6.45967e9), ((8, 8, 0.0, 0.0), 6.84672e9)]


@pytest.mark.parametrize(("setting", "total"), TOTALS)
def test_totals_of_the_authors(setting, total):
    energy = sata_energy(SHEET, VGG5, SataRun(*setting, authors_linear=True))
    assert f"{energy.total:.6g}" == f"{total:.6g}"


def test_parts_of_the_authors():
    energy = sata_energy(SHEET, VGG5, SataRun(8, 8, 0.9, 0.7, authors_linear=True))
    assert energy.phase("forward") == pytest.approx(1.05481e9, rel=5e-6)
    assert energy.parts["update", "dram"] == pytest.approx(3.445e9, rel=5e-4)
    assert sum(energy.phase(name) for name in ("forward", "backward", "update")) == pytest.approx(energy.total)


def test_counting_every_layer_costs_more_than_the_authors_count():
    """Their program forgets the forward work of the convolutions and skips nothing in fully connected layers."""
    with_bug, without = (
        sata_energy(SHEET, VGG5, SataRun(8, 8, 0.0, 0.0, authors_linear=flag)).parts for flag in (True, False)
    )
    assert without["forward", "compute"] > with_bug["forward", "compute"]
    assert {key for key in without if without[key] != with_bug[key]} == {("forward", "compute")}


def test_energy_grows_linearly_with_sparsity_and_with_steps():
    at = [sata_energy(SHEET, VGG5, SataRun(4, 8, s, 0.5)).parts["forward", "compute"] for s in (0.2, 0.4, 0.6)]
    assert at[0] - at[1] == pytest.approx(at[1] - at[2])
    grown = [sata_energy(SHEET, VGG5, SataRun(t, 8, 0.9, 0.7)).total for t in (2, 4, 6)]
    assert grown[1] - grown[0] == pytest.approx(grown[2] - grown[1])


@pytest.mark.parametrize("setting", [(0, 8, 0.5, 0.5), (4, 17, 0.5, 0.5), (4, 8, 1.5, 0.5), (4, 8, 0.5, -0.1)])
def test_impossible_settings_are_refused(setting):
    with pytest.raises(InputError):
        sata_energy(SHEET, VGG5, SataRun(*setting))


def test_every_number_has_a_source_and_a_kind():
    assert {origin.kind for origin in SHEET.provenance.values()} == {"published-presilicon"}
    assert all(origin.source for origin in SHEET.provenance.values())
