"""What NeuroBench has no name for: products of two signals, operations on whole numbers, what the host computes.

A product operation is one term of a product of which neither operand is zero. It is an AC if an operand is a spike, an
integer AC if both are whole numbers, a MAC otherwise. Synaptic operations whose input is a whole number are MACs to
NeuroBench, and counted apart here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from neurocomp.activity.execution import Execution
from neurocomp.energy.table import HOST, EnergyTable
from neurocomp.errors import check_failed
from neurocomp.mapping.program import Program
from neurocomp.mapping.stations import is_hosted, is_product, operands_of, product_home
from neurocomp.network.kinds import ValueKind
from neurocomp.network.mixtures import multiplications_of
from neurocomp.network.ops import AllSteps, Host, Mixture, Op, OverTime
from neurocomp.network.text import named_parts
from neurocomp.report import units
from neurocomp.report.table import table
from neurocomp.simulate.host import host_work
from neurocomp.simulate.inference import Simulation


@dataclass(frozen=True)
class ProductFacts:
    """One product of two signals. formed_in: the layer whose cores form it. sizes: (batch, rows, inner, columns). left,
    right: what the operands carry. arithmetic: ``AC``, ``integer AC`` or ``MAC``. operations: terms of which neither
    operand is zero; dense_operations: all terms; both totals of the run."""

    name: str
    formed_in: str
    sizes: tuple[int, int, int, int]
    left: str
    right: str
    arithmetic: str
    operations: int
    dense_operations: int


@dataclass(frozen=True)
class HostFacts:
    """One function that the host computes. operations: elements; values_out, values_in: values that are not zero and
    cross to the host and back; totals of the run. energy_aj: of the host, None if its cost is not known.
    multiplications: what mixtures of time steps take besides, of the run. waits: steps that pass before the first
    result of a mixture of time steps, by which all behind it is later; 0 for functions of one step."""

    name: str
    function: str
    operations: int
    values_out: int
    values_in: int
    energy_aj: int | None
    multiplications: int = 0
    waits: int = 0


@dataclass(frozen=True)
class SignalFacts:
    """integer_operations: effective synaptic operations whose input is a whole number (part of Effective_MACs)."""

    products: tuple[ProductFacts, ...]
    host: tuple[HostFacts, ...]
    integer_operations: int


NO_SIGNALS = SignalFacts((), (), 0)
HOST_HEADS = ("layer", "function", "elements", "MACs", "values out", "values in", "waits", "energy")


def arithmetic_of(left: ValueKind, right: ValueKind) -> str:
    """How a term of a product is computed."""
    if left.accumulates_only or right.accumulates_only:
        return "AC"
    return "integer AC" if left.name == right.name == "int" else "MAC"


def signal_facts(
    program: Program, simulation: Simulation, execution: Execution, spent: EnergyTable, kinds: dict[str, ValueKind],
    integer_operations: int,
) -> SignalFacts:  # fmt: skip
    """Raises CheckFailedError if the chip formed another number of terms than the run counted."""
    products = tuple(_products(program, execution, kinds))
    _check(simulation, execution, products)
    return SignalFacts(products, tuple(_hosted(program, execution, spent)), integer_operations)


def _products(program: Program, execution: Execution, kinds: dict[str, ValueKind]) -> Iterator[ProductFacts]:
    network, trace = program.network, execution.trace
    for name in (p.name for p in network.populations if is_product(network, p.name)):
        operands = operands_of(network, name)
        op, left, right = operands[0].op, *(kinds[operand.projection.source] for operand in operands)
        terms = op.batch * op.rows * op.inner * op.columns
        yield ProductFacts(
            name, product_home(network, name), op.sizes, str(left), str(right), arithmetic_of(left, right),
            execution.product_operations.get(name, 0), terms * trace.samples * trace.steps,
        )  # fmt: skip


def _check(simulation: Simulation, execution: Execution, products: tuple[ProductFacts, ...]) -> None:
    formed, counted = simulation.counters.total("product_operation"), sum(p.operations for p in products)
    if execution.product_operations and formed != counted:
        raise check_failed("report", f"{formed} product operations on the chip, {counted} in the run of the network")


def _hosted(program: Program, execution: Execution, spent: EnergyTable) -> Iterator[HostFacts]:
    network = program.network
    names = [name for name in network.stations if is_hosted(network, name)]
    work = host_work(program, execution.trace) if names else None
    for name in names:
        op = network.incoming[name][0].op
        if work is None:
            continue
        energies = [e.energy_aj for e in spent.entries if e.row.unit == HOST and e.row.layer == name]
        known = [energy for energy in energies if energy is not None]
        yield HostFacts(
            name, _named(op), work.operations[name], work.arriving[name],
            execution.trace.populations[name].spike_count, sum(known) if len(known) == len(energies) else None,
            _multiplications(op, network.by_name[name].size) * execution.trace.samples,
            op.ahead + 1 if isinstance(op, Mixture) else 0,
        )  # fmt: skip


def _named(op: Op) -> str:
    if isinstance(op, Host):
        return op.function
    if isinstance(op, OverTime):
        return f"{op.ahead} steps ahead" if op.moves else f"{op.steps} steps mixed"
    return f"{', '.join(named_parts(op))} over time" if isinstance(op, AllSteps) else type(op).__name__


def _multiplications(op: Op, elements: int) -> int:
    return multiplications_of(op, elements) if isinstance(op, Mixture) else 0


def signal_lines(facts: SignalFacts, samples: int) -> Iterator[str]:
    """The section of the text report; empty if there is nothing of the kind."""
    if facts.products:
        yield "Products of two signals, per inference"
        rows = [["product", "formed in", "sizes", "operands", "operations", "", "of dense"]]
        rows += [product_row(product, samples) for product in facts.products]
        yield from table(rows, "lllrrlr", header=True)
        yield "  sizes: batch x rows x inner x columns. operations: terms of which neither operand is zero"
    if facts.host:
        if facts.products:
            yield ""
        yield "On the host, per inference"
        rows = [[*HOST_HEADS]]
        rows += [host_row(each, samples) for each in facts.host]
        yield from table(rows, "llrrrrrr", header=True)
        if any(each.waits for each in facts.host):
            yield "  waits: steps until the host has all that the first result needs; all behind it is later by these"


def product_row(product: ProductFacts, samples: int) -> list[str]:
    return [
        units.clean(product.name, 24), units.clean(product.formed_in, 24), "x".join(map(str, product.sizes)),
        f"{product.left} x {product.right}", units.count(product.operations / samples), product.arithmetic,
        units.share(product.operations / product.dense_operations),
    ]  # fmt: skip


def host_row(facts: HostFacts, samples: int) -> list[str]:
    energy = "unknown" if facts.energy_aj is None else units.energy(facts.energy_aj / samples)
    return [
        units.clean(facts.name, 24), facts.function, units.count(facts.operations / samples),
        units.count(facts.multiplications / samples), units.count(facts.values_out / samples),
        units.count(facts.values_in / samples), str(facts.waits) if facts.waits else "-", energy,
    ]  # fmt: skip
