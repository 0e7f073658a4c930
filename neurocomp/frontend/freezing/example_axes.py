"""What the axes of an example may mean: samples, time steps, or features."""

from __future__ import annotations

from neurocomp.frontend.freezing.streams.layout import Atom, Layout, feature_map
from neurocomp.network.ops import Shape


def input_layouts(shape: Shape, steps: int, encoding: str | None, squeezed: bool = False) -> list[Layout]:
    """What the axes of the example may mean, the likeliest first. squeezed: neurons take samples and steps as one
    axis, so the example probably has one, too."""
    found = _layouts(shape, steps, encoding)
    return sorted(found, key=lambda layout: not _is_joint(layout)) if squeezed and steps > 1 else found


def _is_joint(layout: Layout) -> bool:
    """Whether the first axis holds the steps of one sample, or of several after each other."""
    first = layout.dims[0]
    return bool(first) and first[-1].kind == "T" and (len(first) > 1 or layout.size_of("N") is None)


def _layouts(shape: Shape, steps: int, encoding: str | None) -> list[Layout]:
    time = (Atom("T", steps),)
    found: list[Layout] = []

    def batch(size: int) -> tuple[Atom, ...]:
        return (Atom("N", size),)

    if encoding in (None, "temporal"):
        if len(shape) > 2 and shape[0] == steps:
            found.append(Layout((time, batch(shape[1]), *feature_map(shape[2:]))))
        if len(shape) > 2 and shape[1] == steps:
            found.append(Layout((batch(shape[0]), time, *feature_map(shape[2:]))))
    if encoding in (None, "temporal") and len(shape) == 5 and shape[2] == steps:  # video: channels, then frames
        channels, *pixels = feature_map((shape[1], *shape[3:]))
        found.append(Layout((batch(shape[0]), channels, time, *pixels)))
    if encoding in (None, "direct") and len(shape) > 1:
        found.append(Layout((batch(shape[0]), *feature_map(shape[1:]))))
    if encoding in (None, "temporal") and len(shape) > 1 and shape[0] % steps == 0 and shape[0] > steps > 1:
        both = (Atom("N", shape[0] // steps), *time)  # samples after each other, step by step (sinabs)
        found.append(Layout((both, *feature_map(shape[1:]))))
    if encoding in (None, "temporal") and len(shape) > 1 and shape[0] == steps:
        found.append(Layout((time, *feature_map(shape[1:]))))
    if encoding in (None, "direct"):
        found.append(Layout(feature_map(shape)))
    return found
