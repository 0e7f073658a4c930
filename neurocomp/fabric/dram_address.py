"""Addresses and DRAM: which channel, bank, row and column a byte lies in, and accesses that cover a piece of memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.errors import bad_input
from neurocomp.fabric.dram_spec import DramSpec


@dataclass(frozen=True, eq=False)
class Places:
    """Where accesses go, n each. channel int32; bank int32: flat within the channel, ((pseudo channel, rank), bank
    group, bank); row int32; column int32: counted in accesses."""

    channel: np.ndarray
    bank: np.ndarray
    row: np.ndarray
    column: np.ndarray


def field_sizes(dram: DramSpec) -> dict[str, int]:
    """How many values each field of the address mapping has."""
    o = dram.organisation
    return {
        "ch": o.channels, "pc": o.pseudo_channels, "ra": o.ranks, "bg": o.bank_groups, "ba": o.banks_per_group,
        "ro": o.rows, "co": o.accesses_per_row,
    }  # fmt: skip


def places_of(dram: DramSpec, address: np.ndarray) -> Places:
    """Where bytes lie. address: integers (n). Raises InputError if one is outside the memory."""
    address = np.asarray(address)
    if address.dtype.kind not in "iu":
        raise bad_input("DRAM requests", f"addresses must be whole numbers, not {address.dtype}")
    capacity = dram.organisation.capacity_bytes
    outside = np.flatnonzero((address < 0) | (address >= capacity))
    if outside.size:
        what = f"request {outside[0]} has address {address[outside[0]]}, but {dram.name} ends at {capacity}"
        raise bad_input("DRAM requests", what, hint="choose a larger organisation, or wrap the addresses")
    rest, sizes, value = address.astype(np.int64) // dram.organisation.access_bytes, field_sizes(dram), {}
    for name in reversed(dram.fields):
        shift = sizes[name].bit_length() - 1
        value[name] = (rest & (sizes[name] - 1)).astype(np.int32)
        rest = rest >> shift
    o = dram.organisation
    rank = value.get("pc", np.int32(0)) * o.ranks + value["ra"]
    bank = (rank * o.bank_groups + value["bg"]) * o.banks_per_group + value["ba"]
    return Places(value["ch"], bank.astype(np.int32), value["ro"], value["co"])
