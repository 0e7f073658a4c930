"""Route classes as the legality check sees them: each within one tile. Shares no code with the mapper."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from neurocomp.mapping.program import Program


@dataclass(frozen=True, eq=False)
class ClassHomes:
    """tile: int64 (classes), where the elements of each class lie, -1 for a class without any. size: int64 (classes),
    its elements. is_input: bool (classes). wrong: (population or place, finding)."""

    tile: np.ndarray
    size: np.ndarray
    is_input: np.ndarray
    wrong: list[tuple[str, str]] = field(default_factory=list)

    def cores(self, program: Program) -> np.ndarray:
        """int64 (classes): the core that each class is sent from, -1 for inputs."""
        return np.array([tile.core for tile in program.tiles], np.int64)[self.tile]


def class_homes(program: Program) -> ClassHomes:
    """Emitting populations have classes, each within one tile."""
    network, routes = program.placed, program.routes
    emitting = {p.name for p in network.populations if p.neuron is not None} | set(network.inputs)
    count = routes.classes
    homes = ClassHomes(np.full(count, -1, np.int64), np.zeros(count, np.int64), np.zeros(count, bool))
    if set(routes.route_class) != emitting:
        said = f"is given for {sorted(routes.route_class)} instead of {sorted(emitting)}"
        homes.wrong.append(("route_class", said))
        return homes
    for name, label in routes.route_class.items():
        low, high = int(label.min(initial=0)), int(label.max(initial=-1))
        if label.shape != (network.by_name[name].size,) or low < -1 or high >= count:
            said = f"route_class has shape {label.shape} or classes outside 0..{count - 1}"
            homes.wrong.append((name, said))
            continue
        tile = program.tile_of[name]
        if low < 0:
            inside = label >= 0
            label, tile = label[inside], tile[inside]
        sizes = np.bincount(label, minlength=count)
        if (homes.size[sizes > 0] > 0).any():
            homes.wrong.append((name, "shares a route class with another population"))
        homes.size[:] += sizes
        homes.is_input[sizes > 0] = name in network.inputs
        homes.tile[label] = tile
        split = int(np.count_nonzero(homes.tile[label] != tile))
        if split:
            said = f"{split} elements lie in another tile than the rest of their route class"
            homes.wrong.append((name, said))
    if (homes.size == 0).any():
        homes.wrong.append(("route_class", f"{int((homes.size == 0).sum())} classes have no elements"))
    return homes
