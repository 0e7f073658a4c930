"""Cores of one to three neurons: as many parts as neurons, and results of searches that share few cores."""

from __future__ import annotations

import numpy as np
import pytest

from neurocomp.mapping.check import check_program
from neurocomp.mapping.choices import EFFORTS
from neurocomp.mapping.map import map_network
from tests.mapping_problems import mlp
from tests.small_chips import make_chip

SIDE = 12


@pytest.mark.parametrize(("objective", "seed"), [("energy", 0), ("energy", 1), *(("traffic", k) for k in range(3))])
@pytest.mark.parametrize("neurons_max", [1, 2, 3])
def test_every_effort_maps_onto_cores_of_few_neurons(neurons_max, objective, seed) -> None:
    network, chip = mlp(6, 7, 4), make_chip(SIDE, SIDE, neurons_max=neurons_max)
    found = []
    for effort in EFFORTS:
        program = map_network(network, chip, objective=objective, effort=effort, seed=seed)
        check_program(program)
        placed = [tile for tile in program.tiles if tile.core >= 0]
        held = np.bincount([tile.core for tile in placed], [tile.size for tile in placed])
        assert held.max() <= neurons_max
        assert held.sum() == 11
        assert program.quality is not None
        found.append(program.quality.hops)
    assert objective == "energy" or found == sorted(found, reverse=True)
