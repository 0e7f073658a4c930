"""Freezing inside an environment with SpikingJelly 0.0.0.0.14, which published code still needs.

NEUROCOMP_OLD_SPIKINGJELLY names a folder with that version (pip install --no-deps --target FOLDER); without it the test
is skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
FOLDER = os.environ.get("NEUROCOMP_OLD_SPIKINGJELLY", "")
SCRIPT = """
import numpy as np, torch
from spikingjelly.activation_based import functional, layer, neuron
from neurocomp.frontend.freeze import freeze

torch.manual_seed(0)
x = torch.from_numpy(np.random.default_rng(0).normal(0.4, 0.9, (8, 3, 20)).astype(np.float32))
kinds = [neuron.IFNode(), neuron.LIFNode(v_reset=None, decay_input=False), neuron.ParametricLIFNode(), neuron.QIFNode(),
         neuron.EIFNode(), neuron.IzhikevichNode(a=0.2, b=0.1), neuron.KLIFNode()]
for mode in "ms":
    for kind in kinds:
        net = torch.nn.Sequential(layer.Linear(20, 20), kind).eval()
        net[0].weight.data *= 3
        functional.set_step_mode(net, mode)
        functional.reset_net(net)
        options = {} if mode == "m" else {"steps": 8, "encoding": "temporal"}
        print(freeze(net, x, **options).origin)
"""


@pytest.mark.skipif(not Path(FOLDER, "spikingjelly").is_dir(), reason="no SpikingJelly 0.0.0.0.14")
def test_its_neurons_freeze_without_a_wrong_spike() -> None:
    root = Path(__file__).resolve().parents[2]
    paths = os.pathsep.join([FOLDER, str(root)])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("spikingjelly 0.0.0.0.14") == 14
