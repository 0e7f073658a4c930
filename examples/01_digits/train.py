"""Trains a small convolutional spiking network on scikit-learn's handwritten digits and freezes it.

    pip install "neurocomp[torch]" scikit-learn matplotlib loguru tqdm requests
    pip install --no-deps spikingjelly==2.0.0
    python train.py

writes, beside this file, ``weights.pt`` (what torch trained), ``net.pt`` (the frozen network with the test images
as its sample) and ``test.npz`` (the test images and their labels). Seeded; about one minute on one CPU core.

Why the weights lie on a grid. Training ends with every weight a multiple of 1/64 within -127/64 .. 127/64 (eight
bits), every bias a multiple of 1/1024, pixels multiples of 1/16, the pooling a quarter, and a membrane that halves
at each step. Every number that occurs in eight steps then has fewer than 24 bits, so float32 sums are exact and do
not depend on the order of summation: torch and neurocomp agree on every spike, and the weights go to a chip with
8-bit synapses as they are.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import nn

STEPS = 8
WEIGHT_STEP = 1 / 64
WEIGHT_LIMIT = 127 / 64
BIAS_STEP = 1 / 1024
SEED = 2026
HERE = Path(__file__).resolve().parent


class Digits(nn.Module):
    """8x8 pixels -> 16 maps -> 32 maps -> 10 classes, all leaky integrate-and-fire neurons.

    The image is given unchanged at each of the STEPS time steps; the class is the output neuron that fires most.
    """

    def __init__(self, normalise: bool) -> None:
        super().__init__()
        self.conv1 = layer.Conv2d(1, 16, 3, padding=1)
        self.bn1 = layer.BatchNorm2d(16) if normalise else nn.Identity()
        self.lif1 = lif()
        self.pool1 = layer.AvgPool2d(2)
        self.conv2 = layer.Conv2d(16, 32, 3, padding=1)
        self.bn2 = layer.BatchNorm2d(32) if normalise else nn.Identity()
        self.lif2 = lif()
        self.pool2 = layer.AvgPool2d(2)
        self.flatten = layer.Flatten()
        self.fc = layer.Linear(128, 10)
        self.lif3 = lif()
        functional.set_step_mode(self, "m")

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """(batch, 1, 8, 8) pixels in 0..1 -> (batch, 10) firing rates."""
        x = image.unsqueeze(0).repeat(STEPS, 1, 1, 1, 1)
        x = self.pool1(self.lif1(self.bn1(self.conv1(x))))
        x = self.pool2(self.lif2(self.bn2(self.conv2(x))))
        return self.lif3(self.fc(self.flatten(x))).mean(0)


def build() -> nn.Module:
    """The network that weights.pt belongs to: neurocomp freeze weights.pt --source train.py:build"""
    return Digits(normalise=False)


def lif() -> neuron.LIFNode:
    """v = v / 2 + input; a spike and a reset to 0 where v reaches 1."""
    return neuron.LIFNode(tau=2.0, decay_input=False, surrogate_function=surrogate.ATan(), detach_reset=True)


def load_data() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(train images, test images, train labels, test labels); every fourth digit of each class is for testing."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images = (digits.images / 16.0).astype(np.float32)[:, None]
    return train_test_split(images, digits.target, test_size=0.25, random_state=0, stratify=digits.target)


def folded(net: Digits) -> Digits:
    """The same network with batch normalisation inside the weights."""
    plain = Digits(normalise=False)
    with torch.no_grad():
        for name in ("1", "2"):
            conv, bn = getattr(net, f"conv{name}"), getattr(net, f"bn{name}")
            scale = bn.weight / torch.sqrt(bn.running_var + bn.eps)
            getattr(plain, f"conv{name}").weight.copy_(conv.weight * scale.view(-1, 1, 1, 1))
            getattr(plain, f"conv{name}").bias.copy_((conv.bias - bn.running_mean) * scale + bn.bias)
        plain.fc.load_state_dict(net.fc.state_dict())
    return plain


def on_grid(name: str, value: torch.Tensor) -> torch.Tensor:
    """The nearest point of the grid."""
    if name.endswith("bias"):
        return torch.round(value / BIAS_STEP) * BIAS_STEP
    return torch.clamp(torch.round(value / WEIGHT_STEP) * WEIGHT_STEP, -WEIGHT_LIMIT, WEIGHT_LIMIT)


def project(net: nn.Module) -> None:
    """Move every weight and bias onto the grid."""
    with torch.no_grad():
        for name, value in net.named_parameters():
            value.copy_(on_grid(name, value))


def train(net: nn.Module, images: torch.Tensor, labels: torch.Tensor, epochs: int, rate: float, grid: bool) -> None:
    """Back-propagation through time with surrogate gradients. grid: run the network with projected weights, while
    the gradient updates the exact ones (straight-through), and leave it with the projected ones."""
    optimiser = torch.optim.Adam(net.parameters(), rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    net.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(64):
            exact = [value.detach().clone() for value in net.parameters()]
            if grid:
                project(net)
            loss = nn.functional.cross_entropy(net(shifted(images[batch])) * 4, labels[batch])
            optimiser.zero_grad()
            loss.backward()
            if grid:
                with torch.no_grad():
                    for value, kept in zip(net.parameters(), exact, strict=True):
                        value.copy_(kept)
            optimiser.step()
            functional.reset_net(net)
        schedule.step()
    if grid:
        project(net)
    net.eval()


def shifted(images: torch.Tensor) -> torch.Tensor:
    """Each batch moved by up to one pixel, so that the few digits there are go further."""
    down, right = torch.randint(-1, 2, (2,)).tolist()
    return torch.roll(images, (down, right), (2, 3))


def accuracy(net: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    with torch.no_grad():
        rates = net(images)
    functional.reset_net(net)
    return float((rates.argmax(1) == labels).float().mean())


def main() -> None:
    from neurocomp.frontend.freeze import freeze

    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # the order of sums, and so the result, must not depend on the machine's cores
    torch.use_deterministic_algorithms(True)
    train_x, test_x, train_y, test_y = load_data()
    images, labels = torch.from_numpy(train_x), torch.from_numpy(train_y)
    test_images, test_labels = torch.from_numpy(test_x), torch.from_numpy(test_y)

    net = Digits(normalise=True)
    train(net, images, labels, epochs=60, rate=5e-3, grid=False)
    print(f"trained:    {accuracy(net, test_images, test_labels):.2%} of {len(test_y)} test images")
    net = folded(net)
    train(net, images, labels, epochs=30, rate=1e-3, grid=True)
    print(f"on grid:    {accuracy(net, test_images, test_labels):.2%}")

    torch.save(net.state_dict(), HERE / "weights.pt")
    np.savez_compressed(HERE / "test.npz", x=test_x, y=test_y)
    frozen = freeze(net, test_images, HERE / "net.pt", labels=test_y.tolist(), name="digits")
    print(f"frozen:     {frozen}")


if __name__ == "__main__":
    main()
