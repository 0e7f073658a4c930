"""A live torch module without spiking neurons as a network: its rectifiers run on the host until they are converted."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurocomp.errors import InputError, bad_input
from neurocomp.frontend.conversion.values import outputs
from neurocomp.network.graph import Network

CLOSE = 1e-3
"""Relative difference of outputs that float32 sums in another order may make."""


def stateless_network(module: Any, example: np.ndarray, name: str) -> Network:
    """The network of a module in eval mode. example: (samples, *shape), as the module takes it.

    Raises InputError if an operation has no form, or if the outputs differ from the module's.
    """
    import torch

    from neurocomp.frontend.freezing.emit import emit
    from neurocomp.frontend.freezing.example_axes import input_layouts
    from neurocomp.frontend.freezing.export import export
    from neurocomp.frontend.freezing.lower import Lowering, understood

    tensor = torch.from_numpy(np.ascontiguousarray(example, np.float32))
    graph = export(module, tensor, [], understood)
    layout = input_layouts(tuple(tensor.shape), 1, "direct")[0]
    network = emit(Lowering(graph, [], 1, layout).run(), [], name, f"torch module (torch {torch.__version__})")
    _compare(module, network, tensor)
    return network


def _compare(module: Any, network: Network, tensor: Any) -> None:
    import torch

    try:
        with torch.no_grad():
            told = module(tensor)
    except Exception as error:
        raise bad_input(
            type(module).__name__, "the module failed on the example input", why=f"{type(error).__name__}: {error}"
        ) from error
    told = told[0] if isinstance(told, tuple | list) else told
    theirs = told.detach().cpu().numpy().reshape(len(tensor), -1)
    ours = outputs(network, tensor.numpy())
    if ours.shape != theirs.shape:
        raise bad_input(network.name, f"gives outputs of shape {ours.shape[1:]}, the module {theirs.shape[1:]}")
    if not np.allclose(ours, theirs, rtol=CLOSE, atol=CLOSE * max(float(np.abs(theirs).max(initial=0)), 1e-6)):
        worst = float(np.abs(ours - theirs).max())
        raise InputError(
            bad_input(
                network.name, f"gives other outputs than the module: they differ by up to {worst:.3g}"
            ).diagnostics
        )
