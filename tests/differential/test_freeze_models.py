"""Published convolutional architectures from SpikingJelly's model zoo, and networks that answer per pixel or frame:
untrained but lively, every spike of every layer.

Weights are on a grid (tests.freezing.on_a_grid), so that no difference can be put down to rounding; where a network
computes sigmoids or averages over three by three pixels, random numbers must do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from neurocomp.network import Conv, Linear
from neurocomp.network.ops import Factor, Host, Sparse, Wiring
from tests.freezing import check_compiled, check_model, grid_input, on_a_grid
from tests.models.zoo import model_zoo

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly.activation_based")
from spikingjelly.activation_based import functional, layer, neuron, surrogate  # noqa: E402
from torch import nn  # noqa: E402

from tests.models import dense_prediction  # noqa: E402


class OverTime(nn.Module):
    """The image at every step; the zoo's networks expect (steps, samples, ...)."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Any) -> Any:
        return self.net(image.unsqueeze(0).repeat(3, 1, 1, 1, 1)).mean(0)


OPTIONS = {"spiking_neuron": neuron.LIFNode, "surrogate_function": surrogate.ATan(), "detach_reset": True}


def residual(zoo: Any, file: str, name: str, **options: Any) -> nn.Module:
    """A residual network of one block per stage."""
    module = zoo(file)
    return OverTime(getattr(module, name)(module.BasicBlock, [1, 1, 1, 1], num_classes=10, **options, **OPTIONS))


def vgg(zoo: Any) -> nn.Module:
    model = zoo("spiking_vgg").SpikingVGG([16, "M", 32, "M"], batch_norm=True, num_classes=10, **OPTIONS)
    # its first dense layer alone has 100 million weights
    model.classifier[0], model.classifier[3] = layer.Linear(32 * 49, 64), layer.Linear(64, 64)
    model.classifier[6] = layer.Linear(64, 10)
    return OverTime(model)


ZOO: dict[str, Callable[[Any], nn.Module]] = {
    "Spiking-ResNet": lambda zoo: residual(zoo, "spiking_resnet", "SpikingResNet"),
    "SEW-ResNet": lambda zoo: residual(zoo, "sew_resnet", "SEWResNet", cnf="ADD"),
    "SEW-ResNet, AND": lambda zoo: residual(zoo, "sew_resnet", "SEWResNet", cnf="AND"),
    "SEW-ResNet, IAND": lambda zoo: residual(zoo, "sew_resnet", "SEWResNet", cnf="IAND"),
    "MS-ResNet": lambda zoo: zoo("ms_resnet").MSResNet(T=3, num_classes=10, layers=(1, 1, 1, 1), base_channels=16),
    "MaxResNet": lambda zoo: zoo("ms_resnet").MaxResNet(T=3, num_classes=10, layers=(1, 1, 1, 1), base_channels=16),
    "VGG": vgg,
    "PLIF network": lambda zoo: OverTime(
        zoo("parametric_lif_net").CIFAR10Net(channels=16, spiking_neuron=neuron.LIFNode)
    ),
}


@pytest.mark.parametrize("name", ZOO)
def test_published_architecture(name: str) -> None:
    with model_zoo() as zoo:
        model = ZOO[name](zoo)
    functional.set_step_mode(model, "m")
    gain = 6.0 if name.endswith(", AND") else 3.0  # what both of two layers send is sparse
    network, sites = check_model(on_a_grid(model, gain=gain), grid_input(1, 3, 32, 32))
    layers = [child for child in model.modules() if isinstance(child, nn.Conv2d | nn.Linear)]
    assert sum(isinstance(p.op, Conv | Linear) for p in network.projections) == len(layers)
    assert sites > 10_000
    assert any(isinstance(p.op, Factor) for p in network.projections) == ("AND" in name)
    rounded = check_compiled(network, 0.005)
    assert any(p.held is not None for p in rounded.populations) == (name in ("MS-ResNet", "MaxResNet"))


def lively(model: Any) -> Any:
    for child in model.modules():
        if isinstance(child, nn.modules.batchnorm._BatchNorm):
            child.running_mean.uniform_(-0.2, 0.2)
            child.running_var.uniform_(0.02, 0.1)
            child.weight.data.uniform_(0.5, 1.5)
    return model.eval()


def test_attention_of_values_runs_on_the_host() -> None:
    """MA-SNN's residual network weighs channels and pixels by sigmoids of convolved means and maxima."""
    torch.manual_seed(0)
    with model_zoo() as zoo:
        model = zoo("masnn").AttMSResNet(T=1, num_classes=10, layers=(1, 1, 1, 1), base_channels=16)
    network, _ = check_model(lively(model), torch.rand(1, 3, 32, 32))
    hosted = [p.op.function for p in network.projections if isinstance(p.op, Host)]
    assert set(hosted) == {"relu", "sigmoid"}
    assert "sigmoid in layer1.0.attention.ca.sigmoid runs on the host" in network.assumptions
    check_compiled(network, 0.05)


@pytest.mark.parametrize(
    ("upsampling", "operator"), [("nearest", Wiring), ("bilinear", Sparse), ("transposed", Wiring)]
)
def test_spiking_u_net(upsampling: Any, operator: type) -> None:
    model = dense_prediction.SpikingUNet(upsampling)
    functional.set_step_mode(model, "m")
    network, sites = check_model(on_a_grid(model), grid_input(4, 2, 2, 16, 16))
    assert sum(isinstance(p.op, operator) for p in network.projections) == 2
    assert sites > 50_000
    check_compiled(network, 0.0, "generic")


def test_spiking_video_transformer() -> None:
    model = dense_prediction.SpikingVideoTransformer()
    functional.set_step_mode(model, "m")
    network, sites = check_model(on_a_grid(model), grid_input(2, 2, 5, 16, 16))
    assert network.sample.inputs.shape == (2, 5, 2, 16, 16)
    assert sum(isinstance(p.op, Factor) for p in network.projections) == 4
    assert sites > 30_000
    check_compiled(network, 0.0, "generic")
