"""Spiking transformers without an entry in SpikingJelly's model zoo, small, written from the papers.

All take images (samples, channels, height, width), repeat them over ``STEPS`` steps and return class scores.
"""

from __future__ import annotations

from typing import Any

import torch
from spikingjelly.activation_based import layer, neuron
from torch import nn

STEPS = 4


def _lif(threshold: float = 1.0) -> neuron.LIFNode:
    return neuron.LIFNode(tau=2.0, v_threshold=threshold, step_mode="m")


def _over_time(image: Any) -> Any:
    return image.unsqueeze(0).repeat(STEPS, 1, 1, 1, 1)


# Spikingformer ------------------------------------------------------------------------------------------------
class TokenLinear(nn.Module):
    """Linear map and batch normalisation of tokens (steps, samples, tokens, channels)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear, self.bn = nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs)

    def forward(self, x: Any) -> Any:
        steps, samples, tokens, _ = x.shape
        x = self.linear(x.flatten(0, 1))
        return self.bn(x.transpose(-1, -2)).transpose(-1, -2).reshape(steps, samples, tokens, -1).contiguous()


class PreActivationAttention(nn.Module):
    """Spiking self attention whose neurons come before each linear map."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.lif = _lif()
        self.q, self.k, self.v = (TokenLinear(dim, dim) for _ in range(3))
        self.q_lif, self.k_lif, self.v_lif = _lif(), _lif(), _lif()
        self.attn_lif = _lif(0.5)
        self.proj = TokenLinear(dim, dim)

    def _heads(self, x: Any) -> Any:
        steps, samples, tokens, dim = x.shape
        return x.reshape(steps, samples, tokens, self.heads, dim // self.heads).permute(0, 1, 3, 2, 4).contiguous()

    def forward(self, x: Any) -> Any:
        steps, samples, tokens, dim = x.shape
        spikes = self.lif(x)
        q = self._heads(self.q_lif(self.q(spikes)))
        k = self._heads(self.k_lif(self.k(spikes)))
        v = self._heads(self.v_lif(self.v(spikes)))
        attention = (q @ k.transpose(-2, -1)) * 0.125
        mixed = (attention @ v).transpose(2, 3).reshape(steps, samples, tokens, dim).contiguous()
        return self.proj(self.attn_lif(mixed))


class PreActivationMLP(nn.Module):
    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.lif1, self.fc1 = _lif(), TokenLinear(dim, hidden)
        self.lif2, self.fc2 = _lif(), TokenLinear(hidden, dim)

    def forward(self, x: Any) -> Any:
        return self.fc2(self.lif2(self.fc1(self.lif1(x))))


class Spikingformer(nn.Module):
    """Zhou et al. 2023, arXiv:2304.11954: residuals of real values around blocks that begin with neurons."""

    def __init__(self, dim: int = 32, heads: int = 4, depth: int = 2, classes: int = 10) -> None:
        super().__init__()
        self.conv1, self.bn1 = layer.Conv2d(3, dim // 2, 3, padding=1, step_mode="m"), layer.BatchNorm2d(dim // 2)
        self.lif1, self.pool1 = _lif(), layer.MaxPool2d(3, 2, 1, step_mode="m")
        self.conv2, self.bn2 = layer.Conv2d(dim // 2, dim, 3, padding=1, step_mode="m"), layer.BatchNorm2d(dim)
        self.lif2, self.pool2 = _lif(), layer.MaxPool2d(3, 2, 1, step_mode="m")
        self.conv3, self.bn3 = layer.Conv2d(dim, dim, 3, padding=1, step_mode="m"), layer.BatchNorm2d(dim)
        self.attention = nn.ModuleList(PreActivationAttention(dim, heads) for _ in range(depth))
        self.mlps = nn.ModuleList(PreActivationMLP(dim, 2 * dim) for _ in range(depth))
        self.lif, self.head = _lif(), nn.Linear(dim, classes)

    def forward(self, image: Any) -> Any:
        x = self.pool1(self.bn1(self.conv1(_over_time(image))))
        x = self.pool2(self.bn2(self.conv2(self.lif1(x))))
        x = self.bn3(self.conv3(self.lif2(x)))
        x = x.flatten(-2).transpose(-1, -2)
        for attention, mlp in zip(self.attention, self.mlps, strict=True):
            x = x + attention(x)
            x = x + mlp(x)
        return self.head(self.lif(x).mean(2)).mean(0)


# Meta-SpikeFormer ---------------------------------------------------------------------------------------------
class NormAndPad(nn.Module):
    """Batch normalisation, then a border of what it makes of zero: the convolution before had no padding."""

    def __init__(self, channels: int, border: int) -> None:
        super().__init__()
        self.bn, self.border = nn.BatchNorm2d(channels), border

    def forward(self, x: Any) -> Any:
        x, n = self.bn(x), self.border
        norm = self.bn
        of_zero = norm.bias - norm.running_mean * norm.weight / torch.sqrt(norm.running_var + norm.eps)
        padded = nn.functional.pad(x, [n, n, n, n])
        of_zero = of_zero.detach().view(1, -1, 1, 1)
        padded[:, :, 0:n, :] = of_zero
        padded[:, :, -n:, :] = of_zero
        padded[:, :, :, 0:n] = of_zero
        padded[:, :, :, -n:] = of_zero
        return padded


class RepConv(nn.Module):
    """A re-parameterised 3x3 convolution as it is trained: 1x1, normalised border, depthwise 3x3, 1x1."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, inputs, 1, bias=False),
            NormAndPad(inputs, 1),
            nn.Conv2d(inputs, inputs, 3, groups=inputs, bias=False),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Any) -> Any:
        steps, samples = x.shape[:2]
        x = self.body(x.flatten(0, 1))
        return x.reshape(steps, samples, *x.shape[1:])


class SeparableConv(nn.Module):
    """Inverted separable convolution (MobileNetV2) with neurons in front of its 1x1 and depthwise maps."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.lif1, self.wide, self.bn1 = _lif(), nn.Conv2d(dim, 2 * dim, 1, bias=False), nn.BatchNorm2d(2 * dim)
        self.lif2 = _lif()
        self.depthwise = nn.Conv2d(2 * dim, 2 * dim, 7, padding=3, groups=2 * dim, bias=False)
        self.narrow, self.bn2 = nn.Conv2d(2 * dim, dim, 1, bias=False), nn.BatchNorm2d(dim)

    def forward(self, x: Any) -> Any:
        steps, samples, _, height, width = x.shape
        x = self.bn1(self.wide(self.lif1(x).flatten(0, 1))).reshape(steps, samples, -1, height, width)
        x = self.bn2(self.narrow(self.depthwise(self.lif2(x).flatten(0, 1))))
        return x.reshape(steps, samples, -1, height, width)


class ConvBlock(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.separable = SeparableConv(dim)
        self.lif1, self.conv1 = _lif(), nn.Conv2d(dim, 2 * dim, 3, padding=1, bias=False)
        self.bn1, self.lif2 = nn.BatchNorm2d(2 * dim), _lif()
        self.conv2, self.bn2 = nn.Conv2d(2 * dim, dim, 3, padding=1, bias=False), nn.BatchNorm2d(dim)

    def forward(self, x: Any) -> Any:
        steps, samples, dim, height, width = x.shape
        x = shortcut = self.separable(x) + x
        x = self.bn1(self.conv1(self.lif1(x).flatten(0, 1))).reshape(steps, samples, 2 * dim, height, width)
        x = self.bn2(self.conv2(self.lif2(x).flatten(0, 1))).reshape(steps, samples, dim, height, width)
        return shortcut + x


class RepAttention(nn.Module):
    """Spike-driven self attention: k^T v first, then q (k^T v), linear in the tokens."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads, self.scale = heads, 0.125
        self.head_lif = _lif()
        self.q_conv, self.k_conv, self.v_conv = (
            nn.Sequential(RepConv(dim, dim), layer.BatchNorm2d(dim, step_mode="m")) for _ in range(3)
        )
        self.q_lif, self.k_lif, self.v_lif, self.attn_lif = _lif(), _lif(), _lif(), _lif(0.5)
        self.proj_conv = nn.Sequential(RepConv(dim, dim), layer.BatchNorm2d(dim, step_mode="m"))

    def _heads(self, x: Any) -> Any:
        steps, samples, dim, tokens = *x.shape[:3], x.shape[3] * x.shape[4]
        x = x.flatten(3).transpose(-1, -2)
        return x.reshape(steps, samples, tokens, self.heads, dim // self.heads).permute(0, 1, 3, 2, 4).contiguous()

    def forward(self, x: Any) -> Any:
        steps, samples, dim, height, width = x.shape
        x = self.head_lif(x)
        q = self._heads(self.q_lif(self.q_conv(x)))
        k = self._heads(self.k_lif(self.k_conv(x)))
        v = self._heads(self.v_lif(self.v_conv(x)))
        x = q @ (k.transpose(-2, -1) @ v) * self.scale
        x = self.attn_lif(x.transpose(3, 4).reshape(steps, samples, dim, height * width))
        return self.proj_conv(x.reshape(steps, samples, dim, height, width))


class ChannelMLP(nn.Module):
    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.lif1, self.fc1, self.bn1 = _lif(), nn.Conv1d(dim, hidden, 1), nn.BatchNorm1d(hidden)
        self.lif2, self.fc2, self.bn2 = _lif(), nn.Conv1d(hidden, dim, 1), nn.BatchNorm1d(dim)

    def forward(self, x: Any) -> Any:
        steps, samples, dim, height, width = x.shape
        x = self.bn1(self.fc1(self.lif1(x.flatten(3)).flatten(0, 1))).reshape(steps, samples, -1, height * width)
        x = self.bn2(self.fc2(self.lif2(x).flatten(0, 1)))
        return x.reshape(steps, samples, dim, height, width).contiguous()


class MetaSpikeFormer(nn.Module):
    """Yao et al. 2024, arXiv:2404.03663 (Spike-driven Transformer V2): convolution blocks, then attention blocks."""

    def __init__(self, dim: int = 16, heads: int = 4, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            layer.Conv2d(3, dim, 7, stride=2, padding=3, bias=False, step_mode="m"),
            layer.BatchNorm2d(dim, step_mode="m"),
        )
        self.conv_block = ConvBlock(dim)
        self.down_lif = _lif()
        self.down = nn.Sequential(
            layer.Conv2d(dim, 2 * dim, 3, stride=2, padding=1, bias=False, step_mode="m"),
            layer.BatchNorm2d(2 * dim, step_mode="m"),
        )
        self.attention, self.mlp = RepAttention(2 * dim, heads), ChannelMLP(2 * dim, 4 * dim)
        self.lif, self.head = _lif(), nn.Linear(2 * dim, classes)

    def forward(self, image: Any) -> Any:
        x = self.conv_block(self.stem(_over_time(image)))
        x = self.down(self.down_lif(x))
        x = x + self.attention(x)
        x = x + self.mlp(x)
        x = self.lif(x.flatten(3).mean(3))
        return self.head(x).mean(0)


# SpikingResformer ---------------------------------------------------------------------------------------------
class DualSpikeAttention(nn.Module):
    """Dual spike self attention: spikes times a convolution of spikes, twice; scales from recorded firing rates."""

    def __init__(self, dim: int, heads: int, patch: int) -> None:
        super().__init__()
        self.heads, self.dim = heads, dim
        self.lif_in, self.lif_attn, self.lif_out = _lif(), _lif(0.3), _lif(0.5)
        self.w = layer.Conv2d(dim, 2 * dim, patch, stride=patch, bias=False, step_mode="m")
        self.bn = layer.BatchNorm2d(2 * dim, step_mode="m")
        self.register_buffer("rate_x", torch.full((1, 1, heads, 1, 1), 0.4))
        self.register_buffer("rate_attn", torch.full((1, 1, heads, 1, 1), 0.5))
        self.proj = layer.Conv2d(dim, dim, 1, bias=False, step_mode="m")
        self.proj_bn = layer.BatchNorm2d(dim, step_mode="m")

    def forward(self, x: Any) -> Any:
        steps, samples, dim, height, width = x.shape
        x = self.lif_in(x)
        y = self.bn(self.w(x)).reshape(steps, samples, self.heads, 2 * dim // self.heads, -1)
        x = x.reshape(steps, samples, self.heads, dim // self.heads, -1)
        first, second = y[:, :, :, : dim // self.heads], y[:, :, :, dim // self.heads :]
        scale = 1.0 / torch.sqrt(self.rate_x * (dim // self.heads))
        attention = self.lif_attn(torch.matmul(x.transpose(-1, -2), first) * scale)
        scale = 1.0 / torch.sqrt(self.rate_attn * first.shape[-1])
        out = torch.matmul(attention, second.transpose(-1, -2)).transpose(-1, -2) * scale
        out = self.lif_out(out.reshape(steps, samples, dim, height, width))
        return self.proj_bn(self.proj(out))


class GroupWiseMLP(nn.Module):
    """Feed-forward network with a grouped 3x3 convolution, itself with a residual, in its middle."""

    def __init__(self, dim: int, hidden: int, group: int) -> None:
        super().__init__()
        self.lif1 = _lif()
        self.up, self.bn1 = layer.Conv2d(dim, hidden, 1, step_mode="m"), layer.BatchNorm2d(hidden, step_mode="m")
        self.lif2 = _lif()
        self.conv = layer.Conv2d(hidden, hidden, 3, padding=1, groups=hidden // group, step_mode="m")
        self.bn2, self.lif3 = layer.BatchNorm2d(hidden, step_mode="m"), _lif()
        self.down, self.bn3 = layer.Conv2d(hidden, dim, 1, step_mode="m"), layer.BatchNorm2d(dim, step_mode="m")

    def forward(self, x: Any) -> Any:
        x = self.bn1(self.up(self.lif1(x)))
        x = x + self.bn2(self.conv(self.lif2(x)))
        return self.bn3(self.down(self.lif3(x)))


class SpikingResformer(nn.Module):
    """Shi et al. 2024, arXiv:2403.14302: ResNet stages of dual spike attention and group-wise feed-forward blocks."""

    def __init__(self, dim: int = 16, heads: int = 2, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            layer.Conv2d(3, dim, 7, stride=2, padding=3, bias=False, step_mode="m"),
            layer.BatchNorm2d(dim, step_mode="m"),
            layer.MaxPool2d(3, 2, 1, step_mode="m"),
        )
        self.attention1, self.mlp1 = DualSpikeAttention(dim, heads, 4), GroupWiseMLP(dim, 2 * dim, 4)
        self.down_lif = _lif()
        self.down = layer.Conv2d(dim, 2 * dim, 3, stride=2, padding=1, bias=False, step_mode="m")
        self.down_bn = layer.BatchNorm2d(2 * dim, step_mode="m")
        self.attention2, self.mlp2 = DualSpikeAttention(2 * dim, heads, 2), GroupWiseMLP(2 * dim, 4 * dim, 4)
        self.pool, self.head = layer.AdaptiveAvgPool2d(1, step_mode="m"), layer.Linear(2 * dim, classes, step_mode="m")

    def forward(self, image: Any) -> Any:
        x = self.stem(_over_time(image))
        x = x + self.attention1(x)
        x = x + self.mlp1(x)
        x = self.down_bn(self.down(self.down_lif(x)))
        x = x + self.attention2(x)
        x = x + self.mlp2(x)
        return self.head(self.pool(x).flatten(2)).mean(0)
