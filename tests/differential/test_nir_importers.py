"""Our NIR files in another tool: SpikingJelly reads them and spikes as our engine does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurocomp.activity.execute import execute
from neurocomp.frontend.nir_write import write_nir
from neurocomp.network import Conv, Linear, Network, Neuron, Pool, Population, Projection

STEPS = 30
RNG = np.random.default_rng(6)


def weights(*shape: int) -> np.ndarray:
    """On a grid: sums are exact, in whatever order they are added."""
    return (RNG.integers(-40, 41, shape) * 2.0**-5).astype(np.float32)


def trained() -> Network:
    """Convolution, pooling, neurons of two kinds and a matrix, as SpikingJelly's own neurons compute them."""
    lif = Neuron(v_decay=0.5, v_gain=0.5, threshold=0.75, compare=">=")
    populations = (
        Population("in", (2, 8, 8)), Population("lif1", (4, 8, 8), lif, bias=weights(4)), Population("pool", (4, 4, 4)),
        Population("lif2", (10,), Neuron(threshold=1.0)), Population("lif3", (5,), lif),
    )  # fmt: skip
    projections = (
        Projection("conv", "in", "lif1", Conv(weights(4, 2, 3, 3), (1, 1), (1, 1), (1, 1))),
        Projection("pool", "lif1", "pool", Pool("avg", (2, 2), (2, 2), (0, 0))),
        Projection("fc1", "pool", "lif2", Linear(weights(10, 64))),
        Projection("fc2", "lif2", "lif3", Linear(weights(5, 10))),
    )
    return Network(populations, projections, ("in",), "lif3", name="trained")


@pytest.mark.filterwarnings("ignore")
def test_spikingjelly_import(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    nir = pytest.importorskip("nir")
    pytest.importorskip("spikingjelly")
    from spikingjelly.activation_based import functional, nir_exchange

    network = trained()
    write_nir(network, tmp_path / "net.nir", dt_s=1e-3)
    net: Any = nir_exchange.import_from_nir(nir.read(tmp_path / "net.nir"), dt=1e-3)
    net.eval()
    x = (RNG.random((2, STEPS, 2, 8, 8)) < 0.4).astype(np.float32)
    found = []
    with torch.no_grad():
        for sample in x:
            functional.reset_net(net)
            state, steps = None, []
            for step in sample:
                spikes, state = net(torch.as_tensor(step[None]), state)
                steps.append(spikes[0].numpy())
            found.append(np.stack(steps))
    expected = execute(network, x).output
    assert expected is not None
    assert 0.05 < expected.mean() < 0.95
    assert (np.stack(found) != expected).sum() == 0
