"""Networks that answer for every pixel or every frame: a spiking U-Net and a spiking video transformer."""

from __future__ import annotations

from typing import Any, Literal

import torch
from spikingjelly.activation_based import layer, neuron
from torch import nn

Upsampling = Literal["nearest", "bilinear", "transposed"]


class _Stage(nn.Module):
    """Convolution, batch normalisation, neuron."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = layer.Conv2d(inputs, outputs, 3, padding=1, bias=False, step_mode="m")
        self.bn, self.lif = layer.BatchNorm2d(outputs, step_mode="m"), neuron.LIFNode(step_mode="m")

    def forward(self, x: Any) -> Any:
        return self.lif(self.bn(self.conv(x)))


class SpikingUNet(nn.Module):
    """An encoder and a decoder joined by concatenation (after Li et al. 2024, arXiv:2307.10974). Takes one frame
    per step, (steps, samples, 2, height, width), and returns a map per class, averaged over the steps."""

    def __init__(self, upsampling: Upsampling, width: int = 8, classes: int = 3) -> None:
        super().__init__()
        self.enter, self.down1, self.down2 = _Stage(2, width), _Stage(width, 2 * width), _Stage(2 * width, 4 * width)
        self.pool = layer.MaxPool2d(2, step_mode="m")
        self.up2, self.up1 = self._up(upsampling, 4 * width), self._up(upsampling, 2 * width)
        self.join2, self.join1 = _Stage(6 * width, 2 * width), _Stage(3 * width, width)
        self.head = layer.Conv2d(width, classes, 1, step_mode="m")

    def _up(self, upsampling: Upsampling, channels: int) -> nn.Module:
        if upsampling == "transposed":
            return layer.ConvTranspose2d(channels, channels, 2, stride=2, step_mode="m")
        if upsampling == "nearest":
            return layer.SeqToANNContainer(nn.Upsample(scale_factor=2, mode="nearest"))
        return layer.SeqToANNContainer(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False))

    def forward(self, x: Any) -> Any:
        first = self.enter(x)
        second = self.down1(self.pool(first))
        third = self.down2(self.pool(second))
        x = self.join2(torch.cat([self.up2(third), second], dim=2))
        x = self.join1(torch.cat([self.up1(x), first], dim=2))
        return self.head(x).mean(0)


class VideoAttention(nn.Module):
    """Spiking self attention between the tokens of one frame; what frames share is carried by the membranes."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.bn = nn.Linear(dim, 3 * dim, bias=False), nn.BatchNorm1d(3 * dim)
        self.qkv_lif = neuron.ParametricLIFNode(step_mode="m")
        self.attn_lif = neuron.ParametricLIFNode(v_threshold=0.5, step_mode="m")
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Any) -> Any:
        frames, samples, tokens, dim = x.shape
        qkv = self.bn(self.qkv(x).flatten(0, 2)).reshape(frames, samples, tokens, 3 * dim)
        q, k, v = self.qkv_lif(qkv).reshape(frames, samples, tokens, 3, self.heads, dim // self.heads).unbind(3)
        attention = torch.einsum("tbnhd,tbmhd->tbhnm", q, k)
        mixed = torch.einsum("tbhnm,tbmhd->tbnhd", attention, v) * 0.125
        return self.proj(self.attn_lif(mixed.flatten(3)))


class SpikingVideoTransformer(nn.Module):
    """After SVFormer (Yu et al. 2024, arXiv:2406.15034): frames are time steps, a local extractor of convolutions
    in front of attention between the tokens of a frame. Takes (samples, channels, frames, height, width) as video
    networks do; convolutions over three axes look at one frame at a time."""

    def __init__(self, dim: int = 24, heads: int = 3, classes: int = 6) -> None:
        super().__init__()
        self.stem, self.bn1 = nn.Conv3d(2, dim, (1, 4, 4), (1, 4, 4)), nn.BatchNorm3d(dim)
        self.stem_lif = neuron.ParametricLIFNode(step_mode="m")
        self.local = layer.Conv2d(dim, dim, 3, padding=1, groups=dim, step_mode="m")
        self.bn2, self.local_lif = layer.BatchNorm2d(dim, step_mode="m"), neuron.ParametricLIFNode(step_mode="m")
        self.attention = VideoAttention(dim, heads)
        self.mlp_lif, self.fc1 = neuron.ParametricLIFNode(step_mode="m"), nn.Linear(dim, 2 * dim)
        self.fc_lif, self.fc2 = neuron.ParametricLIFNode(step_mode="m"), nn.Linear(2 * dim, dim)
        self.out_lif, self.head = neuron.ParametricLIFNode(step_mode="m"), nn.Linear(dim, classes)

    def forward(self, video: Any) -> Any:
        x = self.bn1(self.stem(video)).permute(2, 0, 1, 3, 4)
        x = self.stem_lif(x)
        x = x + self.local_lif(self.bn2(self.local(x)))
        x = x.flatten(3).transpose(2, 3)
        x = x + self.attention(x)
        x = x + self.fc2(self.fc_lif(self.fc1(self.mlp_lif(x))))
        return self.head(self.out_lif(x).mean((0, 2)))
