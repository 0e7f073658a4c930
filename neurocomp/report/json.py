"""The result as JSON, schema ``neurocomp/result/1``: stable key order, units in the names, ASCII only.

``run_total`` figures are exact integers; ``per_inference`` figures are derived from them for reading.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from neurocomp.report.mapping import mapping_tree
from neurocomp.report.model import SCHEMA, EnergyFacts, LayerFacts, NeuroBenchFacts, Result

Tree = dict[str, Any]


def to_json(result: Result) -> str:
    """Indented JSON text ending with a newline; equal results give equal bytes."""
    return json.dumps(to_tree(result), indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def to_tree(result: Result) -> Tree:
    """The result as plain values."""
    samples = result.run.samples
    return {
        "schema": SCHEMA,
        "neurocomp_version": result.version,
        "fits": True,
        "per_inference": _summary(result),
        "network": asdict(result.network),
        "mapped_network": asdict(result.mapped),
        "chip": asdict(result.chip),
        "run": asdict(result.run),
        "cores": asdict(result.fit),
        "mapping": mapping_tree(result.mapping),
        "timing": _timing(result),
        "energy": _energy(result.energy, samples),
        "layers": [_layer(layer, samples) for layer in result.layers],
        "neurobench": {
            "definitions": "NeuroBench 2.3; SynapticOperations per sample",
            "as_mapped": _neurobench(result.neurobench, samples),
            "as_trained": _neurobench(result.neurobench_trained, samples) if result.neurobench_trained else None,
        },
        "traffic": {"run_total": asdict(result.traffic)},
        "signals": asdict(result.signals),
        "network_on_chip": asdict(result.routing),
        "time_series": [asdict(each) for each in result.steps],
        "accuracy": _accuracy(result),
        "saturations": result.saturations,
        "warnings": list(result.warnings),
        "assumptions": list(result.assumptions),
        "mismatches": list(result.mismatches),
        "not_modelled": list(result.not_modelled),
        "profile_values": [asdict(value) for value in result.values],
    }


def _summary(result: Result) -> Tree:
    return {
        "energy_pj": result.energy_per_inference_pj,
        "energy_is_lower_bound": result.energy.is_lower_bound,
        "latency_ns": result.latency_ns,
        "interval_ns": result.interval_ns,
        "power_mw": result.power_mw,
    }


def _timing(result: Result) -> Tree:
    timing, samples = result.timing, result.run.samples
    return {
        "chip_steps_per_inference": timing.steps_per_inference,
        "step_ns": {
            "mean": timing.total_ps / timing.chip_steps / 1e3,
            "min": timing.step_min_ps / 1e3,
            "max": timing.step_max_ps / 1e3,
        },
        "time_step_ns": result.time_step_ns,
        "latency_ns": {
            "mean": timing.latency_total_ps / samples / 1e3,
            "min": timing.latency_min_ps / 1e3,
            "max": timing.latency_max_ps / 1e3,
        },
        "inferences_per_second": samples * 1e12 / timing.streaming_ps,
        "bounds": [asdict(bound) for bound in timing.bounds],
        "run_total": {
            "chip_steps": timing.chip_steps,
            "time_ps": timing.total_ps,
            "latency_ps": timing.latency_total_ps,
            "streaming_ps": timing.streaming_ps,
        },
    }


def _energy(energy: EnergyFacts, samples: int) -> Tree:
    return {
        "per_inference_pj": {unit: part / samples / 1e6 for unit, part in energy.by_unit.items()},
        "run_total": {
            "energy_aj": energy.total_aj,
            "by_unit_aj": energy.by_unit,
            "static_aj": energy.static,
            "chip_wide_aj": energy.chip_wide_aj,
            "by_kind_of_profile_value_aj": energy.by_kind,
            "dynamic_by_kind_of_profile_value_aj": energy.dynamic_by_kind,
        },
        "unknown_costs": list(energy.unknown),
        "is_lower_bound": energy.is_lower_bound,
    }


def _layer(layer: LayerFacts, samples: int) -> Tree:
    spiking = layer.role != "readout"
    return {
        "name": layer.name,
        "role": layer.role,
        "shape": list(layer.shape),
        "elements": layer.elements,
        "cores": layer.cores,
        "pipeline_level": layer.level,
        "value_kind": layer.value_kind,
        "activation_sparsity": layer.sparsity if spiking else None,
        "per_inference": {
            "spikes": layer.spikes / samples if spiking else None,
            "effective_acs": layer.effective_acs / samples,
            "effective_macs": layer.effective_macs / samples,
            "dense_operations": layer.dense_operations / samples,
            "synaptic_events": layer.synaptic_events / samples,
            "neuron_updates": layer.neuron_updates / samples,
            "integer_operations": layer.integer_operations / samples,
            "product_operations": layer.product_operations / samples,
            "host_operations": layer.host_operations / samples,
            "dynamic_energy_pj": layer.energy_aj / samples / 1e6,
        },
        "run_total": {
            "outputs": layer.outputs,
            "nonzero_outputs": layer.spikes,
            "effective_acs": layer.effective_acs,
            "effective_macs": layer.effective_macs,
            "dense_operations": layer.dense_operations,
            "synaptic_events": layer.synaptic_events,
            "neuron_updates": layer.neuron_updates,
            "integer_operations": layer.integer_operations,
            "product_operations": layer.product_operations,
            "host_operations": layer.host_operations,
            "dynamic_energy_aj": dict(layer.energy),
        },
    }


def _neurobench(facts: NeuroBenchFacts, samples: int) -> Tree:
    return {
        "Footprint": facts.footprint_bytes,
        "ConnectionSparsity": facts.connection_sparsity,
        "ActivationSparsity": facts.activation_sparsity,
        "SynapticOperations": {
            "Effective_ACs": facts.effective_acs / samples,
            "Effective_MACs": facts.effective_macs / samples,
            "Dense": facts.dense_operations / samples,
        },
    }


def _accuracy(result: Result) -> Tree | None:
    accuracy = result.accuracy
    if accuracy is None:
        return None

    def share(count: int | None) -> float | None:
        return None if count is None else count / accuracy.samples

    return {
        **asdict(accuracy),
        "on_chip": share(accuracy.correct_on_chip),
        "in_float": share(accuracy.correct_in_float),
        "agreement": share(accuracy.agreeing),
        "spikes_differing": None if not accuracy.spike_sites else (accuracy.differing or 0) / accuracy.spike_sites,
    }
