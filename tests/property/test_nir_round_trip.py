"""Random networks as NIR files: what is written comes back with the same spikes, whatever its delays and loops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurocomp.activity.execute import execute
from neurocomp.errors import InputError
from neurocomp.frontend.nir import read_nir
from neurocomp.frontend.nir_write import write_nir
from neurocomp.network import Linear, Network, Neuron, OneToOne, Population, Projection
from neurocomp.network.verify import verify

N = 4
GRID = 2.0**-6  # sums of few such weights are exact, in any order


def neuron(rng: np.random.Generator) -> Neuron | None:
    """A relay, or a neuron that NIR has."""
    kind = int(rng.integers(4))
    if kind == 0:
        return None
    decay = float(rng.integers(1, 8)) / 8 if kind > 1 else 1.0
    current = float(rng.integers(0, 4)) / 4 if kind == 3 else None
    return Neuron(
        v_decay=decay, v_gain=rng.integers(1, 5, N).astype(np.float32) / 4, i_decay=current, threshold=0.5,
        v_reset=float(rng.integers(-1, 2)) / 4, compare=">" if rng.random() < 0.5 else ">=",
    )  # fmt: skip


def random_network(seed: int) -> Network:
    rng = np.random.default_rng(seed)
    names = ["in", *(f"p{k}" for k in rng.permutation(int(rng.integers(1, 6))))]
    populations, projections = [Population("in", (N,))], []
    drawn = [None, *(neuron(rng) for _ in names[1:])]
    spiking = [k for k, cells in enumerate(drawn) if cells is not None or k == 0]
    for place, name in enumerate(names[1:], start=1):
        cells = drawn[place]
        bias = (rng.integers(-8, 9, N) * GRID).astype(np.float32) if rng.random() < 0.3 else None
        populations.append(Population(name, (N,), cells, bias))
        for k in range(int(rng.integers(1, 4))):
            source = int(rng.choice(spiking) if cells is None else rng.integers(len(names)))  # exact sums in relays
            delay = int(rng.integers(0, 3)) + (source >= place)
            weight = (rng.integers(-40, 41, (N, N)) * GRID).astype(np.float32)
            op = Linear(weight) if rng.random() < 0.7 else OneToOne()
            projections.append(Projection(f"{name}.{k}", names[source], name, op, delay))
    return Network(tuple(populations), tuple(projections), ("in",), names[-1], name="random")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nir")


REFUSALS = ("adds a constant", "has loops in which NIR's readers", "hears nothing that an input leads into")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_what_is_written_comes_back(folder: Path, seed: int) -> None:
    network = verify(random_network(seed))
    try:
        write_nir(network, folder / "net.nir")
    except InputError as error:
        assert all(any(word in d.what for word in REFUSALS) for d in error.diagnostics), str(error)
        return
    x = (np.random.default_rng(seed).integers(0, 2, (2, 12, N))).astype(np.float32)
    expected, found = execute(network, x).output, execute(read_nir(folder / "net.nir"), x).output
    np.testing.assert_array_equal(found, expected)


def test_most_of_them_are_written(folder: Path) -> None:
    written = 0
    for seed in range(40):
        try:
            write_nir(random_network(seed), folder / "net.nir")
            written += 1
        except InputError:
            continue
    assert written > 20
