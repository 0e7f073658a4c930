"""Chips whose core holds one layer: no core holds two, no layer two cores, and memories suffice. Part of the
legality check; shares no code with the mapper."""

from __future__ import annotations

import math
from collections.abc import Iterator

from neurocomp.mapping.program import Program
from neurocomp.network.ops import Conv, Linear


def one_layer_each(program: Program) -> Iterator[tuple[str, str]]:
    """(place, finding) for every core or layer that breaks the rule; nothing on chips that tile layers."""
    rule = program.chip.core.layer_cores
    if rule is None:
        return
    held: dict[int, set[str]] = {}
    for tile in program.tiles:
        if tile.core >= 0:
            held.setdefault(tile.core, set()).add(tile.population)
    homes = [name for names in held.values() for name in names]
    for core, names in held.items():
        if len(names) > 1:
            yield f"core {core}", f"holds {len(names)} layers: {', '.join(sorted(names))}"
            continue
        (name,) = names
        if homes.count(name) > 1:
            yield name, f"lies on {homes.count(name)} cores; a layer takes one"
        channels, height, width = program.shape(name)
        taken = channels << (_ceil_log2(height) + _ceil_log2(width))
        if taken > rule.neuron_words[core]:
            yield f"core {core}", f"{taken} words of neurons; {rule.neuron_words[core]} are allowed"
        if channels > rule.bias_words[core]:
            yield f"core {core}", f"{channels} biases; {rule.bias_words[core]} are allowed"
        kernel = _kernel_words(program, name, channels)
        if kernel > rule.kernel_words[core]:
            yield f"core {core}", f"{kernel} words of kernels; {rule.kernel_words[core]} are allowed"


def _kernel_words(program: Program, name: str, channels: int) -> int:
    """Of a fully connected layer: one kernel for each channel before it that covers its whole map."""
    for projection in program.placed.incoming[name]:
        op = projection.op
        if isinstance(op, Conv):
            return op.weight.shape[1] << (_ceil_log2(math.prod(op.weight.shape[2:])) + _ceil_log2(channels))
        if isinstance(op, Linear):
            before, shape = projection.source, program.shape(projection.source)
            while shape[1:] == (1, 1) and program.placed.by_name[before].neuron is None:
                steps = program.placed.incoming[before]
                if len(steps) != 1 or program.shape(steps[0].source)[0] == shape[0]:
                    break
                before, shape = steps[0].source, program.shape(steps[0].source)
            return shape[0] << (_ceil_log2(shape[1] * shape[2]) + _ceil_log2(channels))
    return 0


def _ceil_log2(number: int) -> int:
    return math.ceil(math.log2(number))
