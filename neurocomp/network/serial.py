"""A network as a tree of plain JSON values plus named arrays, and back.

The containers (a torch zip, a program directory) only store the two parts; everything about the format
``neurocomp/network/1`` is here. Reading checks every field; a file from elsewhere is not trusted.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurocomp.errors import bad_input
from neurocomp.network.graph import Float32, Held, Integer, Network, Population, Projection, Sample
from neurocomp.network.neuron import PARAMETERS, SETTINGS, Neuron
from neurocomp.network.ops import AllSteps, Op
from neurocomp.network.serial_ops import Get, Put, Tree, check_choice, op_of, op_tree
from neurocomp.network.verify import verify

SCHEMA = "neurocomp/network/1"
Arrays = dict[str, np.ndarray]


def to_tree(network: Network) -> tuple[Tree, Arrays]:
    """The network as (tree, arrays). Arrays are named after the element they belong to, e.g. ``conv1.weight``."""
    arrays: Arrays = {}

    def put(key: str, value: float | np.ndarray) -> Any:
        if not isinstance(value, np.ndarray):
            return value
        free, count = key, 1
        while free in arrays:  # a population and a projection of one name may both have a bias
            count += 1
            free = f"{key}#{count}"
        arrays[free] = value
        return {"array": free}

    return _network_tree(network, put), arrays


def _network_tree(network: Network, put: Put) -> Tree:
    tree: Tree = {
        "schema": SCHEMA,
        "name": network.name,
        "origin": network.origin,
        "assumptions": list(network.assumptions),
        "inputs": list(network.inputs),
        "output": network.output,
        "arithmetic": _arithmetic_tree(network),
        "populations": [_population_tree(p, put) for p in network.populations],
        "projections": [_projection_tree(network, p, put) for p in network.projections],
        "sample": _sample_tree(network.sample, put),
    }
    if network.stations:
        tree["stations"] = list(network.stations)
    return tree


def from_tree(tree: Tree, arrays: Arrays, where: str) -> Network:
    """Rebuild and verify a network. ``where`` names the file in errors. Raises InputError."""
    if not isinstance(tree, dict) or tree.get("schema") != SCHEMA:
        found = tree.get("schema") if isinstance(tree, dict) else type(tree).__name__
        raise bad_input(
            where,
            f"holds a network of schema {found!r}; this version reads {SCHEMA!r}",
            hint="freeze the network again with this version of neurocomp",
        )

    def get(value: Any) -> Any:
        if isinstance(value, dict):
            return arrays[value["array"]]
        return value

    try:
        return verify(_network(tree, get))
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        raise bad_input(
            where,
            "the network description is damaged",
            why=f"{type(error).__name__}: {error}",
            hint="freeze the network again",
        ) from error


def _network(tree: Tree, get: Get, inside: bool = False) -> Network:
    """inside: it is a function of all steps, which holds no further ones."""
    return Network(
        populations=tuple(_population(p, get) for p in tree["populations"]),
        projections=_projections(tree["projections"], get, inside),
        inputs=tuple(_text(name) for name in tree["inputs"]),
        output=None if tree["output"] is None else _text(tree["output"]),
        arithmetic=_arithmetic(tree["arithmetic"]),
        name=str(tree["name"]),
        origin=str(tree["origin"]),
        assumptions=tuple(map(str, tree["assumptions"])),
        sample=_sample(tree["sample"], get),
        stations=tuple(_text(name) for name in tree.get("stations", [])),
    )


def _arithmetic_tree(network: Network) -> Tree:
    arithmetic = network.arithmetic
    return {"kind": "float32"} if isinstance(arithmetic, Float32) else {"kind": "integer", **vars(arithmetic)}


def _arithmetic(tree: Tree) -> Float32 | Integer:
    fields = dict(tree)
    kind = fields.pop("kind")
    if kind not in ("float32", "integer"):
        raise ValueError(f"unknown arithmetic {kind!r}")
    return Float32() if kind == "float32" else Integer(**fields)


def _population_tree(population: Population, put: Put) -> Tree:
    tree: Tree = {"name": population.name, "shape": list(population.shape), "neuron": None, "bias": None}
    if population.bias is not None:
        tree["bias"] = put(f"{population.name}.bias", population.bias)
    if population.exponent:
        tree["exponent"] = population.exponent
    if population.held is not None:
        tree["held"] = vars(population.held)
    if population.neuron is not None:
        parameters = population.neuron.parameters()
        tree["neuron"] = {
            **population.neuron.settings(),
            **{key: put(f"{population.name}.{key}", value) for key, value in parameters.items()},
        }
    return tree


def _population(tree: Tree, get: Get) -> Population:
    neuron = tree["neuron"]
    if neuron is not None:
        neuron = Neuron(**{key: get(value) if key in PARAMETERS else value for key, value in neuron.items()})
        for setting, words in SETTINGS.items():
            check_choice(getattr(neuron, setting), *words)
    held = None if tree.get("held") is None else Held(**tree["held"])
    exponent = int(tree.get("exponent", 0))
    return Population(_text(tree["name"]), tuple(tree["shape"]), neuron, get(tree["bias"]), exponent, held)


def _projection_tree(network: Network, projection: Projection, put: Put) -> Tree:
    op = projection.op
    return {
        "name": projection.name,
        "source": projection.source,
        "target": projection.target,
        "delay": projection.delay,
        "op": _all_steps_tree(network, projection, op, put)
        if isinstance(op, AllSteps)
        else op_tree(op, projection.name, put),
    }


def _all_steps_tree(network: Network, projection: Projection, op: AllSteps, put: Put) -> Tree:
    """The function goes with the first of the projections that feed it."""
    first = network.incoming[projection.target][0] is projection
    function = _network_tree(op.function, lambda key, value: put(f"{projection.name}.{key}", value)) if first else None
    units = {} if op.units is None else {"units": list(op.units)}
    return {
        "kind": "allsteps",
        "function": function,
        "port": op.port,
        "steps": op.steps,
        "shape": list(op.shape),
        **units,
    }


def _projections(trees: list[Tree], get: Get, inside: bool) -> tuple[Projection, ...]:
    functions: dict[str, Network] = {}
    found = []
    for tree in trees:
        target = _text(tree["target"])
        if tree["op"]["kind"] != "allsteps":
            op: Op = op_of(tree["op"], get)
        elif inside:
            raise ValueError("a function of all steps holds another one")
        else:
            if tree["op"]["function"] is not None:
                functions[target] = _network(tree["op"]["function"], get, inside=True)
            op = _all_steps(tree["op"], functions[target])
        found.append(Projection(_text(tree["name"]), _text(tree["source"]), target, op, int(tree["delay"])))
    return tuple(found)


def _all_steps(tree: Tree, function: Network) -> AllSteps:
    units = (float(tree["units"][0]), float(tree["units"][1])) if "units" in tree else None
    shape = tuple(int(size) for size in tree["shape"])
    return AllSteps(function, _text(tree["port"]), int(tree["steps"]), shape, units)


def _sample_tree(sample: Sample | None, put: Put) -> Tree | None:
    if sample is None:
        return None
    labels = None if sample.labels is None else put("sample.labels", sample.labels)
    return {
        "inputs": put("sample.inputs", sample.inputs),
        "labels": labels,
        "steps": sample.steps,
        "encoding": sample.encoding,
        "seed": sample.seed,
    }


def _sample(tree: Tree | None, get: Get) -> Sample | None:
    if tree is None:
        return None
    check_choice(tree["encoding"], "direct", "rate", "latency", "temporal")
    return Sample(get(tree["inputs"]), int(tree["steps"]), tree["encoding"], get(tree["labels"]), int(tree["seed"]))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a name is {value!r}")
    return value
