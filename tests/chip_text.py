"""A small chip profile as text, for tests that change a line of it."""

from __future__ import annotations

TINY = """\
schema: neurocomp/chip/1
name: tiny
title: A chip for tests
process: none
sources:
  paper: A. Author, A Paper, 2020
noc:
  topology: mesh
  width: 2
  height: 2
  cores_per_router: 1
  multicast: unicast
  flits_per_spike: 1
  link_flit_ns: null
  hop_east_west: {energy_pj: 3.0, latency_ns: 4.1}
  hop_north_south: {energy_pj: null, latency_ns: 6.5}
  input_port: [0, 1]
core:
  count: 4
  neurons_max: {value: 1024, source: paper, kind: measured, note: counted}
  weight_bits: [4, 8]
  kernel_sharing: true
  memories:
    - name: main
      size_kib: 64
      holds: [synapses, neuron_state]
    - name: axons
      size_kib: {value: 8, source: a data sheet, kind: published-vendor}
      holds: [axons_in, axons_out]
  neuron_state_bytes: 4
  axon_in_bytes: 0.5
  axon_out_bytes: 2
  synapse_index_bits: 10
engines:
  fp:
    style: event
    synaptic_operation:
      value:
        dense: {energy_pj: 2, latency_ns: 1}
        sparse: {energy_pj: 3, latency_ns: 1.5}
        conv: {energy_pj: {value: 4, source: paper, kind: derived}, latency_ns: 2}
      source: paper
      kind: estimated
    neuron_access: {energy_pj: 51.2, latency_ns: 6}
    neuron_update: {energy_pj: 21.6, latency_ns: 3.7}
    spike_out: {energy_pj: 69.3, latency_ns: 30}
    packet_out: {energy_pj: 111, latency_ns: 5.1}
    packet_in: {energy_pj: 0, latency_ns: 16}
step:
  barrier_ns: {1: 600, 2: 1000, 4: 1400}
  floor_ns: 1500
power:
  static_mw: 107.5
numeric:
  arithmetic: integer
  weight_bits: 8
  state_bits: 24
  decay_bits: 12
  state_shift: 6
  input_bits: 8
  delivery: next_step
  resets: [zero]
  graded_spikes: false
  spike_bits: 1
  delay_max: 62
  synaptic_current: true
"""


def tiny(*changes: tuple[str, str]) -> str:
    """The profile with each ``old`` replaced by ``new``; ``old`` must occur exactly once."""
    text = TINY
    for old, new in changes:
        if text.count(old) != 1:
            raise ValueError(f"{old!r} occurs {text.count(old)} times")
        text = text.replace(old, new)
    return text
