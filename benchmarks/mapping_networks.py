"""Layered networks of the mapper's benchmark, as the papers about mapping use them: every layer takes cores, the
input and the pooling layers too, so all of them are populations of neurons here and nothing enters from outside.

Only the structure matters. Weights are zeros of one byte that are never written, so that even the 103 million
of VGG-16's first fully connected layer take no memory.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurocomp.network import Conv, Linear, Network, Neuron, OneToOne, Op, Pool, Population, Projection


class Layers:
    """Builds a network layer by layer; each method returns the name of the population that it adds."""

    def __init__(self, name: str, *shape: int) -> None:
        self.name = name
        self.populations = [Population("input", shape, Neuron())]
        self.projections: list[Projection] = []

    @property
    def last(self) -> str:
        return self.populations[-1].name

    def shape(self, name: str) -> tuple[int, ...]:
        return next(p.shape for p in self.populations if p.name == name)

    def add(self, op: Op, source: str | None = None) -> str:
        source = source or self.last
        name = f"layer{len(self.populations)}"
        self.populations.append(Population(name, op.target_shape(self.shape(source)), Neuron()))
        self.join(source, name, op)
        return name

    def join(self, source: str, target: str, op: Op) -> None:
        self.projections.append(Projection(f"{source}_{target}_{len(self.projections)}", source, target, op, delay=1))

    def conv(self, channels: int, kernel: int = 3, stride: int = 1, source: str | None = None) -> str:
        """Padded so that stride 1 keeps the size."""
        return self.add(convolution(self.shape(source or self.last)[0], channels, kernel, stride), source)

    def depthwise(self, stride: int = 1) -> str:
        channels = self.shape(self.last)[0]
        return self.add(convolution(channels, channels, 3, stride, groups=channels))

    def pool(self, size: int = 2) -> str:
        return self.add(Pool("sum", (size, size), (size, size), (0, 0)))

    def linear(self, neurons: int) -> str:
        return self.add(Linear(_weights(neurons, int(np.prod(self.shape(self.last))))))

    def network(self) -> Network:
        return Network(tuple(self.populations), tuple(self.projections), (), self.last, name=self.name)


def convolution(channels: int, out: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> Conv:
    padding = kernel // 2
    return Conv(
        _weights(out, channels // groups, kernel, kernel), (stride, stride), (padding, padding), (1, 1), groups=groups
    )


def _weights(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.int8)


def mlp10() -> Network:
    """HydroFlow's: ten layers, fully connected."""
    layers = Layers("MLP-10", 256)
    for neurons in (256, 128, 128, 64, 64, 32, 32, 16, 16):
        layers.linear(neurons)
    return layers.network()


def lenet() -> Network:
    """LeNet-5 whose convolutions keep the size of their map."""
    layers = Layers("LeNet", 1, 28, 28)
    for channels in (6, 16):
        layers.conv(channels, 5)
        layers.pool()
    for neurons in (120, 84, 10):
        layers.linear(neurons)
    return layers.network()


def mobilenet_cifar() -> Network:
    """The beginning of MobileNetV1 with half of its channels, on CIFAR-10."""
    layers = Layers("MobileNet-CIFAR", 3, 32, 32)
    layers.conv(16, stride=2)
    for channels, stride in ((32, 1), (64, 2), (64, 1), (128, 2)):
        layers.depthwise(stride)
        layers.conv(channels, 1)
    layers.pool(4)
    layers.linear(10)
    return layers.network()


def nmnist_conv() -> Network:
    layers = Layers("N-MNIST-conv", 2, 34, 34)
    for channels in (16, 32):
        layers.conv(channels)
        layers.pool()
    layers.linear(256)
    layers.linear(10)
    return layers.network()


def vgg11_cifar() -> Network:
    return _vgg("VGG11-CIFAR", (3, 32, 32), ((64,), (128,), (256, 256), (512, 512), (512, 512)), (512, 10))


def vgg16(pixels: int = 224) -> Network:
    """pixels: a multiple of 32."""
    blocks = ((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3)
    return _vgg(f"VGG16-{pixels}", (3, pixels, pixels), blocks, (4096, 4096, 1000))


def _vgg(
    name: str, shape: tuple[int, int, int], blocks: tuple[tuple[int, ...], ...], classifier: tuple[int, ...]
) -> Network:
    layers = Layers(name, *shape)
    for block in blocks:
        for channels in block:
            layers.conv(channels)
        layers.pool()
    for neurons in classifier:
        layers.linear(neurons)
    return layers.network()


def resnet50() -> Network:
    """The sum at the end of a block is taken by the neurons of its last convolution."""
    layers = Layers("ResNet-50", 3, 224, 224)
    layers.conv(64, 7, 2)
    layers.add(Pool("sum", (3, 3), (2, 2), (1, 1)))
    for width, blocks, first_stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for block in range(blocks):
            _bottleneck(layers, width, first_stride if block == 0 else 1, block == 0)
    layers.pool(7)
    layers.linear(1000)
    return layers.network()


def _bottleneck(layers: Layers, width: int, stride: int, widens: bool) -> None:
    before = layers.last
    layers.conv(width, 1)
    layers.conv(width, 3, stride)
    after = layers.conv(4 * width, 1)
    skip = convolution(layers.shape(before)[0], 4 * width, 1, stride) if widens else OneToOne()
    layers.join(before, after, skip)


def spikformer() -> Network:
    """Shaped as Spikformer-8-768 on ImageNet: 14 x 14 tokens, 12 heads. What a neuron of the attention hears is
    the query of its own token and the keys and values of all tokens, within its head: convolutions whose kernel
    covers the map from everywhere."""
    layers = Layers("Spikformer-8-768", 3, 224, 224)
    for channels in (96, 192, 384, 768):
        layers.conv(channels)
        layers.pool()
    block = layers.conv(768)
    layers.join(layers.populations[-2].name, block, OneToOne())
    for _ in range(8):
        block = _transformer_block(layers, block, heads=12)
    layers.pool(14)
    layers.linear(1000)
    return layers.network()


def _transformer_block(layers: Layers, source: str, heads: int) -> str:
    width, side = layers.shape(source)[:2]
    query, key, value = (layers.conv(width, 1, source=source) for _ in range(3))
    attention = layers.add(convolution(width, width, 1, groups=heads), query)
    layers.join(key, attention, convolution(width, width, 2 * side - 1, groups=heads))
    layers.join(value, attention, convolution(width, width, 2 * side - 1, groups=width))
    projected = layers.conv(width, 1)
    layers.join(source, projected, OneToOne())
    layers.conv(4 * width, 1)
    result = layers.conv(width, 1)
    layers.join(projected, result, OneToOne())
    return result


LAYERED: dict[str, Callable[[], Network]] = {
    "mlp10": mlp10, "lenet": lenet, "mobilenet": mobilenet_cifar, "nmnist": nmnist_conv, "vgg11": vgg11_cifar,
    "vgg16": vgg16, "resnet50": resnet50, "spikformer": spikformer,
}  # fmt: skip
