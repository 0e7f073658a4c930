"""Figures as inline SVG. Colours are variables of the page, so that figures follow its light or dark theme."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Placeholders that stand for variables of the page's style sheet; matplotlib only takes real colours.
INK, FAINT, PAPER = "#010203", "#010204", "#010205"
SERIES = ("#01020a", "#01020b", "#01020c", "#01020d", "#01020e", "#01020f")
_VARIABLES = {INK: "--ink", FAINT: "--faint", PAPER: "--paper", **{c: f"--series-{k}" for k, c in enumerate(SERIES)}}
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "neurocomp", "font.family": "sans-serif", "font.size": 9,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": FAINT, "xtick.color": INK, "ytick.color": INK,
    "axes.spines.top": False, "axes.spines.right": False, "grid.color": FAINT, "grid.linewidth": 0.5,
    "legend.frameon": False, "text.parse_math": False,
}  # fmt: skip


def stacked_bars(names: Sequence[str], parts: dict[str, Sequence[float]], label: str) -> str:
    """One horizontal bar per name, made of parts. names are shown as they are; the first is on top."""
    height = 1.1 + 0.26 * len(names)

    def draw(axes: Axes) -> None:
        places, left = np.arange(len(names)), np.zeros(len(names))
        for (part, values), colour in zip(parts.items(), SERIES, strict=False):
            axes.barh(places, values, left=left, color=colour, label=part, height=0.72)
            left = left + np.asarray(values, float)
        axes.set_yticks(places, names)
        axes.invert_yaxis()
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        axes.set_xlabel(label)
        if len(parts) > 1:
            axes.figure.legend(loc="outside upper left", ncols=min(6, len(parts)), handlelength=1.0)

    return _drawn((7.2, height), draw)


def grouped_bars(names: Sequence[str], values: dict[str, Sequence[float]], label: str) -> str:
    """For each name a group of horizontal bars, one per series, in the same order from the top."""
    thick = 0.8 / max(1, len(values))
    height = 1.1 + len(names) * (0.12 + 0.14 * len(values))

    def draw(axes: Axes) -> None:
        places = np.arange(len(names))
        for k, ((name, lengths), colour) in enumerate(zip(values.items(), SERIES, strict=False)):
            axes.barh(places + (k - (len(values) - 1) / 2) * thick, lengths, color=colour, label=name, height=thick)
        axes.set_yticks(places, names)
        axes.invert_yaxis()
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        axes.set_xlabel(label)
        if len(values) > 1:
            axes.figure.legend(loc="outside upper left", ncols=min(3, len(values)), handlelength=1.0)

    return _drawn((7.2, height), draw)


def series(values: dict[str, tuple[np.ndarray, np.ndarray]], across: str, up: str) -> str:
    """Lines over a common axis: name -> (x, y)."""

    def draw(axes: Axes) -> None:
        for (name, (x, y)), colour in zip(values.items(), SERIES, strict=False):
            axes.plot(x, y, color=colour, label=name, linewidth=1.0)
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        axes.set_ylim(bottom=0)
        axes.grid(axis="y")
        if len(values) > 1:
            axes.figure.legend(loc="outside upper left", ncols=min(6, len(values)), handlelength=1.0)

    return _drawn((7.2, 2.6), draw)


def mesh_map(cells: np.ndarray, links: tuple[np.ndarray, np.ndarray] | None, label: str) -> str:
    """Routers as squares, the fuller the darker; links between them as lines, the busier the thicker.

    cells: (height, width), 0 to 1, NaN where nothing is. links: east-west (height, width - 1) and north-south
    (height - 1, width) loads, 0 to 1, the larger one of both directions.
    """
    height, width = cells.shape
    size = min(7.2, 1.0 + 0.42 * width)

    def draw(axes: Axes) -> None:
        if links is not None:
            _draw_links(axes, *links)
        area = (min(7.2, size) * 72 / max(width, height) * 0.5) ** 2
        down, along = np.indices(cells.shape).reshape(2, -1)
        axes.scatter(along, down, s=area, marker="s", color=PAPER, edgecolors=FAINT, linewidths=0.6)
        rows, columns = np.nonzero(~np.isnan(cells))
        axes.scatter(
            columns, rows, s=area, marker="s", color=SERIES[0], linewidths=0,
            alpha=np.clip(cells[rows, columns], 0.04, 1.0),
        )  # fmt: skip
        axes.set_xlim(-0.6, width - 0.4)
        axes.set_ylim(height - 0.4, -0.6)
        axes.set_aspect("equal")
        axes.set_xlabel(label)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)

    return _drawn((size, 0.7 + size * height / width), draw)


def _draw_links(axes: Axes, across: np.ndarray, down: np.ndarray) -> None:
    from matplotlib.collections import LineCollection

    for loads, step in ((across, (1, 0)), (down, (0, 1))):
        rows, columns = np.nonzero(loads > 0)
        ends = [((x, y), (x + step[0], y + step[1])) for y, x in zip(rows, columns, strict=True)]
        axes.add_collection(
            LineCollection(ends, colors=SERIES[1], linewidths=0.4 + 3.6 * loads[rows, columns], zorder=0)
        )


def _drawn(inches: tuple[float, float], draw: Any) -> str:
    """The SVG of one figure, without its XML head, scaled to the width that there is."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure: Figure = Figure(figsize=inches, layout="constrained")
        figure.patch.set_alpha(0.0)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0.0)
        draw(axes)
        text = io.StringIO()
        FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' width="[0-9.]+pt"', ' width="100%"', svg, count=1)
    svg = re.sub(r' height="[0-9.]+pt"', f' style="max-width:{inches[0] * 96:.0f}px"', svg, count=1)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return svg.strip()
