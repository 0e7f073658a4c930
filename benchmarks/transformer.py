"""One sample of a Spikformer-8-512 at 224x224, T = 4: our engine against torch on the same cores.

Goals: within 8 GB; not slower than torch at firing rates of 10 to 20 %, faster below 5 %.

    python -m benchmarks.transformer [--rates 0.2 0.1 0.04] [--threads 2] [--blocks 8] [--size 224] [--repeats 3]

Weights are random; each layer's threshold is set so that the wanted part of its neurons fires. Torch runs
SpikingJelly's neurons (multi-step LIF, torch back end) in inference mode, with the same weights. Both sides run in one
process, in turn, torch with as many threads; the best time of each counts.
"""

from __future__ import annotations

import argparse
import resource
import time
from typing import Any

import numpy as np

from benchmarks.transformer_network import HEADS, SIZE, STEM, ir_network, random_weights
from neurocomp.activity.execute import execute

STEPS = 4


class TorchNetwork:
    """The same network in torch. neurons: called as neurons(name, x) with x (T, N, ...)."""

    def __init__(self, weights: dict[str, np.ndarray], blocks: int) -> None:
        import torch

        self.torch, self.blocks = torch, blocks
        self.weights = {name: torch.from_numpy(weight) for name, weight in weights.items()}

    def conv(self, name: str, x: Any) -> Any:
        functional, weight = self.torch.nn.functional, self.weights[name]
        flat = x.flatten(0, 1)
        y = functional.conv1d(flat, weight) if weight.ndim == 3 else functional.conv2d(flat, weight, padding=1)
        return y.unflatten(0, x.shape[:2])

    def __call__(self, image: Any, neurons: Any) -> Any:
        functional = self.torch.nn.functional
        x = image.expand(STEPS, *image.shape)
        for k in range(len(STEM) - 1):
            drive = self.conv(f"stem{k}", x)
            pooled = functional.max_pool2d(drive.flatten(0, 1), 3, 2, 1).unflatten(0, drive.shape[:2])
            x = neurons(f"stem{k}", pooled)
        x = (x + neurons("position", self.conv("position", x))).flatten(3)
        for b in range(self.blocks):
            x = self.attention(f"block{b}", x, neurons)
            hidden = neurons(f"block{b}.fc1", self.conv(f"block{b}.fc1", x))
            x = x + neurons(f"block{b}.fc2", self.conv(f"block{b}.fc2", hidden))
        return functional.linear(x.mean(3), self.weights["head"])

    def attention(self, name: str, x: Any, neurons: Any) -> Any:
        t, n, dim, tokens = x.shape
        form = (t, n, HEADS, dim // HEADS, tokens)
        q, k, v = (neurons(f"{name}.{part}", self.conv(f"{name}.{part}", x)).view(form) for part in "qkv")
        scores = q.transpose(3, 4) @ k
        y = (scores @ v.transpose(3, 4)) * 0.125
        y = neurons(f"{name}.attended", y.transpose(3, 4).reshape(x.shape))
        return x + neurons(f"{name}.proj", self.conv(f"{name}.proj", y))


def fitted_thresholds(network: TorchNetwork, image: Any, rate: float) -> tuple[dict[str, float], dict[str, float]]:
    """Thresholds at which about ``rate`` of each layer's neurons fire, and the rates reached."""
    thresholds: dict[str, float] = {}
    rates: dict[str, float] = {}

    def fit(name: str, x: Any) -> Any:
        some = x.flatten(1)[:, ::13]
        low, high = 0.0, float(some.max()) + 1e-3
        for _ in range(24):
            middle = (low + high) / 2
            low, high = (middle, high) if float(lif(some, middle).mean()) > rate else (low, middle)
        fired = lif(x, high)
        thresholds[name], rates[name] = high, float(fired.mean())
        return fired

    network(image, fit)
    return thresholds, rates


def lif(x: Any, threshold: float) -> Any:
    """Leaky integrate-and-fire neurons with tau = 2 and a reset to zero, over the first axis."""
    import torch

    v, out = x[0] * 0, []
    for step in x:
        v = v + (step - v) / 2
        fired = (v >= threshold).to(x.dtype)
        v = v * (1 - fired)
        out.append(fired)
    return torch.stack(out)


def spikingjelly_neurons(thresholds: dict[str, float]) -> Any:
    from spikingjelly.activation_based import neuron

    layers = {
        name: neuron.LIFNode(2.0, v_threshold=threshold, step_mode="m").eval() for name, threshold in thresholds.items()
    }

    def run(name: str, x: Any) -> Any:
        layers[name].reset()
        return layers[name](x)

    return run


def best(call: Any, repeats: int, clock: Any) -> float:
    times = []
    for _ in range(repeats):
        begin = clock()
        call()
        times.append(clock() - begin)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", type=float, nargs="+", default=[0.2, 0.1, 0.04])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--blocks", type=int, default=8)
    parser.add_argument("--size", type=int, default=SIZE)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cpu-time", action="store_true", help="of all threads together; for a busy machine")
    options = parser.parse_args()
    clock = time.process_time if options.cpu_time else time.perf_counter
    import torch

    torch.set_num_threads(options.threads)
    weights = random_weights(options.blocks)
    network = TorchNetwork(weights, options.blocks)
    image = torch.rand(1, STEM[0], options.size, options.size, generator=torch.Generator().manual_seed(1))
    inputs = np.broadcast_to(image.numpy()[:, None], (1, STEPS, *image.shape[1:]))
    print(f"{'wanted':>7} {'rate':>6} {'torch s':>8} {'ours s':>8} {'ratio':>6}  wrong spikes")
    for rate in options.rates:
        with torch.inference_mode():
            thresholds, rates = fitted_thresholds(network, image, rate)
            neurons = spikingjelly_neurons(thresholds)
            theirs = best(lambda neurons=neurons: network(image, neurons), options.repeats, clock)
        ours = ir_network(weights, thresholds, options.blocks, options.size)
        mine = best(lambda ours=ours: execute(ours, inputs, threads=options.threads), options.repeats, clock)
        wrong, total = compared(network, image, thresholds, ours, inputs, options.threads)
        mean = float(np.mean(list(rates.values())))
        print(f"{rate:7.0%} {mean:6.1%} {theirs:8.3f} {mine:8.3f} {theirs / mine:6.2f}  {wrong} of {total}", flush=True)
    print(f"peak memory of both together: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


def compared(
    network: TorchNetwork, image: Any, thresholds: dict[str, float], ours: Any, inputs: np.ndarray, threads: int
) -> tuple[int, int]:
    """Spikes that differ from torch's, and neuron updates. Sums are rounded in another order, so few may."""
    import torch

    trace = execute(ours, inputs, threads=threads).trace
    wrong = total = 0

    def compare(name: str, x: Any) -> Any:
        nonlocal wrong, total
        fired = lif(x, thresholds[name])
        mine = torch.from_numpy(np.ascontiguousarray(trace.dense(name)[0])).reshape(fired.shape)
        wrong += int((mine != (fired != 0)).sum())
        total += fired.numel()
        return mine.to(x.dtype)

    with torch.inference_mode():
        network(image, compare)
    return wrong, total


if __name__ == "__main__":
    main()
