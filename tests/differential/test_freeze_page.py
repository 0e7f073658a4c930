"""The example of a neuron of one's own on the page about freezing does what it says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from neurocomp.frontend.read import load_network

PAGE = Path(__file__).parents[2] / "docs" / "freezing.md"


def test_the_neuron_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    monkeypatch.chdir(tmp_path)
    ((code),) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "page.py").write_text(code)
    runpy.run_path(str(tmp_path / "page.py"))
    network = load_network(tmp_path / "net.ncomp")
    assert {p.name: p.size for p in network.populations if p.neuron is not None} == {"lif1": 32, "lif2": 10}
    assert network.sample is not None and network.sample.steps == 8
