"""A program in a notebook: one row per population that lies on the chip. All text is escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neurocomp.mapping.program import Program


def to_html(program: Program) -> str:
    """A table of populations, tiles and cores, then how full the fullest core is."""
    rows = []
    for name in {tile.population: None for tile in program.tiles if tile.core >= 0}:
        tiles = [tile for tile in program.tiles if tile.population == name]
        shape = " x ".join(map(str, program.network.by_name[name].shape))
        cores = len({tile.core for tile in tiles})
        rows.append((name, shape, f"{sum(t.size for t in tiles):,}", f"{len(tiles):,}", f"{cores:,}"))
    title = f"<b>{escape(program.network.name)} on {escape(program.chip.title)}</b>"
    heads = ("layer", "shape", "neurons", "tiles", "cores")
    body = "".join(f"<tr>{_cells('td', row)}</tr>" for row in rows)
    core, limit, share = program.usage.fullest(program.chip)
    note = f"{program.cores_used:,} of {program.chip.cores:,} cores; fullest core {core}: {share:.0%} of its {limit}"
    return (
        f"{title}<table><thead><tr>{_cells('th', heads)}</tr></thead><tbody>{body}</tbody></table><p>{escape(note)}</p>"
    )


def _cells(tag: str, texts: tuple[str, ...]) -> str:
    return "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts)
