"""Networks whose layers mix time steps, written from the papers; input (T, N, ...), multi-step neurons."""

from __future__ import annotations

from typing import Any

import torch
from spikingjelly.activation_based import layer, neuron
from torch import nn
from torch.nn import functional


def lif(**options: Any) -> nn.Module:
    return neuron.LIFNode(tau=2.0, step_mode="m", **options)


class Conv3dNet(nn.Module):
    """Spiking 3-d convolutions over frames, as for gestures and lip reading (conv3d, BatchNorm3d, LIF). pad: of the
    time axis; causal: zeros in front only."""

    def __init__(self, causal: bool = False) -> None:
        super().__init__()
        self.causal = causal
        pad = (0 if causal else 1, 1, 1)
        self.conv1, self.bn1, self.lif1 = nn.Conv3d(2, 8, 3, padding=pad, bias=False), nn.BatchNorm3d(8), lif()
        self.conv2, self.bn2, self.lif2 = nn.Conv3d(8, 8, (3, 1, 1), padding=(pad[0], 0, 0)), nn.BatchNorm3d(8), lif()
        self.pool, self.fc = nn.MaxPool3d((1, 2, 2)), nn.Linear(8 * 4 * 4, 5)

    def forward(self, x: Any) -> Any:  # (T, N, C, H, W)
        for conv, bn, spiking in ((self.conv1, self.bn1, self.lif1), (self.conv2, self.bn2, self.lif2)):
            x = x.permute(1, 2, 0, 3, 4)
            x = functional.pad(x, (0, 0, 0, 0, 2, 0)) if self.causal else x
            x = spiking(bn(conv(x)).permute(2, 0, 1, 3, 4))
        x = self.pool(x.permute(1, 2, 0, 3, 4)).permute(2, 0, 1, 3, 4)
        return self.fc(x.flatten(2)).mean(0)


class TemporalConvNet(nn.Module):
    """Dilated causal convolutions over time (Bai et al. 2018), padded on both sides and cut, with spikes between."""

    def __init__(self, groups: int = 1, dilation: int = 2) -> None:
        super().__init__()
        self.pad = 2 * dilation
        self.conv1 = nn.Conv1d(12, 16, 3, padding=self.pad, dilation=dilation)
        self.conv2 = nn.Conv1d(16, 16, 3, padding=self.pad, dilation=dilation, groups=groups)
        self.lif1, self.lif2 = lif(), lif()
        self.fc = nn.Linear(16, 4)

    def forward(self, x: Any) -> Any:  # (T, N, C)
        for conv, spiking in ((self.conv1, self.lif1), (self.conv2, self.lif2)):
            x = conv(x.permute(1, 2, 0))[:, :, : -self.pad]
            x = spiking(x.permute(2, 0, 1))
        return self.fc(x).mean(0)


class DelayedAsConv(nn.Module):
    """Learnt delays per synapse after rounding, as the sparse kernel of a convolution over time (DCLS, Hammouamri et
    al. 2024, arXiv:2306.17670): zeros but for one tap each."""

    def __init__(self, longest: int = 4) -> None:
        super().__init__()
        self.longest = longest
        self.conv1, self.conv2 = (nn.Conv1d(n, m, longest, bias=False) for n, m in ((12, 16), (16, 6)))
        self.lif1, self.lif2 = lif(), lif()

    def sparse(self) -> None:
        """One tap for each synapse; called once the weights are there."""
        for conv in (self.conv1, self.conv2):
            at = torch.randint(0, self.longest, conv.weight.shape[:2])
            conv.weight.data *= functional.one_hot(at, self.longest)

    def forward(self, x: Any) -> Any:
        for conv, spiking in ((self.conv1, self.lif1), (self.conv2, self.lif2)):
            x = functional.pad(x.permute(1, 2, 0), (self.longest - 1, 0))
            x = spiking(conv(x).permute(2, 0, 1))
        return x


class TimeAttention(nn.Module):
    """Every step attends to every other: softmax(q k^T) v over time for each neuron's features."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.stem, self.lif = nn.Linear(6, width), lif()
        self.qkv = nn.ModuleList(nn.Linear(width, width) for _ in range(3))
        self.spiking = nn.ModuleList(lif() for _ in range(3))
        self.out, self.lif_out = nn.Linear(width, width), lif()
        self.head = nn.Linear(width, 3)

    def forward(self, x: Any) -> Any:  # (T, N, C)
        x = self.lif(self.stem(x))
        q, k, v = (spiking(fc(x)).transpose(0, 1) for fc, spiking in zip(self.qkv, self.spiking, strict=True))
        weights = torch.softmax(q @ k.transpose(1, 2) * 0.5, -1)
        x = x + self.lif_out(self.out((weights @ v).transpose(0, 1)))
        return self.head(x).mean(0)


class JointAttention(nn.Module):
    """A block of an SVFormer-like video network (arXiv:2406.15034) with joint attention: tokens of all frames together,
    q (k^T v) of spikes without softmax, after patches by a convolution over space and time."""

    def __init__(self, width: int = 8, heads: int = 2, scale: float = 0.25) -> None:
        super().__init__()
        self.heads, self.scale = heads, scale
        self.stem, self.bn, self.lif = (
            nn.Conv3d(2, width, (3, 4, 4), (1, 4, 4), (1, 0, 0)),
            nn.BatchNorm3d(width),
            lif(),
        )
        self.qkv = nn.ModuleList(layer.Linear(width, width, step_mode="m") for _ in range(3))
        self.spiking = nn.ModuleList(lif() for _ in range(3))
        self.attended = neuron.LIFNode(tau=2.0, v_threshold=0.5, step_mode="m")
        self.out, self.lif_out = layer.Linear(width, width, step_mode="m"), lif()
        self.head = nn.Linear(width, 3)

    def forward(self, x: Any) -> Any:  # (T, N, C, H, W)
        x = self.bn(self.stem(x.permute(1, 2, 0, 3, 4))).permute(2, 0, 1, 3, 4)
        x = self.lif(x.flatten(3).transpose(2, 3))  # (T, N, places, width)
        steps, samples, places, width = x.shape
        q, k, v = (
            spiking(fc(x)).transpose(0, 1).reshape(samples, steps * places, self.heads, -1).transpose(1, 2)
            for fc, spiking in zip(self.qkv, self.spiking, strict=True)
        )
        mixed = (q @ (k.transpose(2, 3) @ v)) * self.scale
        mixed = mixed.transpose(1, 2).reshape(samples, steps, places, width).transpose(0, 1)
        x = x + self.lif_out(self.out(self.attended(mixed)))
        return self.head(x.mean((0, 2)))


class Averaged(nn.Module):
    """Rates in the middle: the mean over time of the first layer's spikes drives the next at every step."""

    def __init__(self, kind: str = "mean") -> None:
        super().__init__()
        self.kind = kind
        self.fc1, self.lif1 = nn.Linear(10, 16), lif()
        self.fc2, self.lif2 = nn.Linear(16, 12), lif()
        self.head = nn.Linear(12, 4)

    def forward(self, x: Any) -> Any:
        steps = x.shape[0]
        x = self.lif1(self.fc1(x))
        pooled = x.amax(0, keepdim=True) if self.kind == "max" else x.mean(0, keepdim=True)
        x = self.lif2(self.fc2(pooled).repeat(steps, 1, 1))
        x = x * torch.sigmoid(pooled.mean(-1, keepdim=True)) if self.kind == "gate" else x
        return self.head(x).mean(0)


class MixedSteps(nn.Module):
    """A dense map over the time axis, as token mixers have it (MLP-Mixer, Tolstikhin et al. 2021), and a head of two
    layers behind the mean over time."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(10, 16), lif()
        self.over_time = nn.Linear(steps, steps)
        self.lif2 = lif()
        self.hidden, self.head = nn.Linear(16, 8), nn.Linear(8, 4)

    def forward(self, x: Any) -> Any:
        x = self.lif1(self.fc1(x))
        x = self.lif2(self.over_time(x.permute(1, 2, 0)).permute(2, 0, 1))
        return self.head(functional.gelu(self.hidden(x.mean(0))))
