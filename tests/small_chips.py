"""Chips made to measure for the mapper's tests; costs do not matter there."""

from __future__ import annotations

from typing import Any

from neurocomp.chip.spec import ChipSpec

FREE = {"energy_pj": 0.0, "latency_ns": 1.0}


def make_chip(
    width: int = 4,
    height: int = 4,
    per_router: int = 1,
    *,
    topology: str = "mesh",
    multicast: str = "tree",
    memories: list[dict[str, Any]] | None = None,
    numeric: dict[str, Any] | None = None,
    noc: dict[str, Any] | None = None,
    **core: Any,
) -> ChipSpec:
    """A chip with loose limits; keyword arguments beyond the mesh replace values of ``core``."""
    return ChipSpec.model_validate({
        "schema": "neurocomp/chip/1", "name": "test-chip", "title": "A chip for tests", "process": "none",
        "noc": {
            "topology": topology, "width": width, "height": height, "cores_per_router": per_router,
            "multicast": multicast, "flits_per_spike": 1, "link_flit_ns": None, "hop_east_west": FREE,
            "hop_north_south": FREE, "input_port": [0, 0], **(noc or {}),
        },
        "core": {
            "count": width * height * per_router, "neurons_max": 1000, "fan_in_axons_max": None,
            "fan_out_axons_max": None, "fan_in_max": None, "weight_bits": [1, 2, 4, 8], "kernel_sharing": True,
            "crossbar": None, "memories": memories or [], "neuron_state_bytes": 4, "axon_in_bytes": 2,
            "axon_out_bytes": 4, "synapse_index_bits": 8, **core,
        },
        "engines": {"fp": {
            "style": "event", "synaptic_operation": {"dense": FREE, "sparse": FREE, "conv": FREE},
            "neuron_access": FREE, "neuron_update": FREE, "spike_out": FREE, "packet_out": FREE, "packet_in": FREE,
        }},
        "step": {"barrier_ns": {1: 1.0}}, "power": {"static_mw": 1.0},
        "numeric": {
            "arithmetic": "integer", "weight_bits": 8, "state_bits": 24, "decay_bits": 12, "state_shift": 6,
            "input_bits": 16, "delivery": "next_step", "resets": ["zero", "subtract"], "graded_spikes": True,
            "spike_bits": 32, "delay_max": 62, "synaptic_current": True, **(numeric or {}),
        },
    })  # fmt: skip
