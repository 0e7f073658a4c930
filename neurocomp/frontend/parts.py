"""Which weights of a checkpoint: many hold several state_dicts, averaged ones or those of several networks beside.

A part is named by its place, as in ``ema``, ``0`` or ``ema.model``. Where one of the usual wrappers says which weights
are meant, they are taken and the others named; where nothing says it, the user has to.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from neurocomp.errors import InputError, bad_input
from neurocomp.frontend.checkpoint import MAX_UNWRAPPED, Weights, bare, unwrap

OPTION = "--key"
OPTIMIZER = "param_groups"
"""What an optimizer's state has beside tensors that are shaped like weights and are none."""
NAMED = 8  # parts in a message


def parts_of(value: Any, depth: int = 0) -> dict[str, Weights]:
    """Every state_dict in a checkpoint by its place; that of a bare one is ''."""
    if isinstance(value, dict):
        if OPTIMIZER in value:
            return {}
        weights = bare(value)
        if weights is not None:
            return {"": weights}
        entries = list(value.items())
    else:
        entries = list(enumerate(value)) if isinstance(value, list | tuple) else []
    if depth > MAX_UNWRAPPED:
        return {}
    return {
        f"{key}.{place}" if place else str(key): weights
        for key, inner in entries
        for place, weights in parts_of(inner, depth + 1).items()
    }


def weights_in(value: Any, key: str | None, where: str) -> Weights | None:
    """The weights that are meant, or None if a checkpoint holds none. key: as the user gave it; where: the file.

    Raises InputError if there are several and nothing says which, or if there are none by this key.
    """
    parts = parts_of(value)
    if key is not None:
        return None if not parts else _by_key(parts, key, where)
    found = unwrap(value)
    if found is not None:
        rivals = tuple(place for place, part in parts.items() if part.tensors.keys() != found.tensors.keys()
                       or any(part.tensors[name] is not tensor for name, tensor in found.tensors.items()))  # fmt: skip
        return replace(found, rivals=rivals)
    if len(parts) > 1:
        raise several(parts, where)
    return next((replace(part, found=f"under {place!r}") for place, part in parts.items()), None)


def several(parts: dict[str, Weights], where: str) -> InputError:
    """The error for weights of which nothing says which are meant."""
    first = next(iter(parts))
    hint = f"say which: {OPTION} {first}, with the code that builds the network, --source net.py:build"
    return bad_input(where, f"holds {len(parts)} state_dicts: {_listed(parts)}", hint=hint)


def _by_key(parts: dict[str, Weights], key: str, where: str) -> Weights:
    """The part at a place, the only one below it, or the weights whose names begin with it."""
    below = [place for place in parts if place == key or place.startswith(f"{key}.")]
    if len(below) == 1:
        return replace(parts[below[0]], found=f"under {below[0]!r} ({OPTION})")
    if below:
        raise several({place: parts[place] for place in below}, where)
    prefix = f"{key.rstrip('.')}."
    for place, part in parts.items():
        named = {name.removeprefix(prefix): t for name, t in part.tensors.items() if name.startswith(prefix)}
        if named and len(parts) == 1:
            return Weights(named, f"{f'under {place!r}, ' * bool(place)}names that begin with {prefix!r} ({OPTION})")
    raise bad_input(OPTION, f"is {key!r}, and {where} holds no weights by that name", hint=f"it holds {_listed(parts)}")


def _listed(parts: dict[str, Weights]) -> str:
    words = [f"{place or 'one alone'} ({len(part.tensors)} tensors)" for place, part in parts.items()]
    return ", ".join(words[:NAMED]) + f", and {len(words) - NAMED} more" * (len(words) > NAMED)
