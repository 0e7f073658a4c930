"""Published architectures from SpikingJelly's model zoo, untrained but lively: every spike of every layer.

The zoo imports torchvision for its download addresses only; an empty stand-in is enough.
"""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import pytest

from neurocomp.frontend.freeze import freeze
from neurocomp.network import Conv, Linear
from tests.freezing import activity, executed

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly.activation_based")
from spikingjelly.activation_based import functional, neuron, surrogate  # noqa: E402
from torch import nn  # noqa: E402


class _StandIn(ModuleType):
    __path__: list[str] = []  # noqa: RUF012

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _StandIn(f"{self.__name__}.{name}")

    def __call__(self, *_arguments: Any, **_options: Any) -> None:
        return None


@pytest.fixture
def zoo(monkeypatch: pytest.MonkeyPatch) -> Any:
    names = ["", ".models", ".transforms", ".datasets", "._internally_replaced_utils", ".datasets.utils"]
    for name in (f"torchvision{n}" for n in names):
        module = _StandIn(name)
        module.__spec__ = ModuleSpec(name, None)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(
        sys.modules["torchvision._internally_replaced_utils"], "load_state_dict_from_url", None, raising=False
    )
    return lambda name: importlib.import_module(f"spikingjelly.activation_based.model.{name}")


class OverTime(nn.Module):
    """The image at every step; the zoo's networks expect (steps, samples, ...)."""

    def __init__(self, net: nn.Module, mean: bool) -> None:
        super().__init__()
        self.net, self.mean = net, mean

    def forward(self, image: Any) -> Any:
        x = self.net(image.unsqueeze(0).repeat(4, 1, 1, 1, 1))
        return x.mean(0) if self.mean else x


OPTIONS = {"spiking_neuron": neuron.LIFNode, "surrogate_function": surrogate.ATan(), "detach_reset": True}
MODELS = {
    "spiking_resnet18": lambda zoo: (zoo("spiking_resnet").spiking_resnet18(num_classes=10, **OPTIONS), 64, True),
    "sew_resnet18": lambda zoo: (zoo("sew_resnet").sew_resnet18(num_classes=10, cnf="ADD", **OPTIONS), 64, True),
    "ms_resnet18": lambda zoo: (zoo("ms_resnet").ms_resnet18(num_classes=10), 64, False),
    "plif_cifar10": lambda zoo: (
        zoo("parametric_lif_net").CIFAR10Net(channels=16, spiking_neuron=neuron.LIFNode),
        32,
        True,
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_published_architecture(name: str, zoo: Any) -> None:
    torch.manual_seed(0)
    model, pixels, mean = MODELS[name](zoo)
    functional.set_step_mode(model, "m")
    for child in model.modules():
        if isinstance(child, nn.modules.batchnorm._BatchNorm):
            child.running_mean.uniform_(-0.2, 0.2)
            child.running_var.uniform_(0.02, 0.1)
    network = freeze(OverTime(model.eval(), mean), torch.rand(1, 3, pixels, pixels))
    neurons = [path for path, child in model.named_modules() if isinstance(child, neuron.LIFNode)]
    layers = [child for child in model.modules() if isinstance(child, nn.Conv2d | nn.Linear)]
    assert sum(p.neuron is not None for p in network.populations) >= len(neurons) > 5
    assert sum(isinstance(p.op, Conv | Linear) for p in network.projections) == len(layers)
    assert network.neuron_count > 40_000
    rates = activity(executed(network))
    assert sum(rate > 0.01 for rate in rates.values()) > 0.6 * len(rates)
