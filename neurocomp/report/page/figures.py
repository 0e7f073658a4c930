"""Figures as inline SVG. Colours are variables of the page, so that figures follow its light or dark theme."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Placeholders that stand for variables of the page's style sheet; matplotlib only takes real colours.
INK, FAINT, PAPER = "#010203", "#010204", "#010205"
SERIES = tuple(f"#0102{k:02x}" for k in range(10, 18))
_VARIABLES = {INK: "--ink", FAINT: "--faint", PAPER: "--paper", **{c: f"--series-{k}" for k, c in enumerate(SERIES)}}
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "neurocomp", "font.family": "sans-serif", "font.size": 9,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": FAINT, "xtick.color": INK, "ytick.color": INK,
    "axes.spines.top": False, "axes.spines.right": False, "grid.color": FAINT, "grid.linewidth": 0.5,
    "legend.frameon": False, "text.parse_math": False,
}  # fmt: skip


BARS_DRAWN = 40  # a figure with more bars cannot be read; the rest becomes one bar


def energy_scale(attojoules: float) -> tuple[float, str]:
    """A unit for an axis up to this energy: (attojoules in it, its name)."""
    for scale, unit in ((1e18, "J"), (1e15, "mJ"), (1e12, "uJ"), (1e9, "nJ"), (1e6, "pJ")):
        if attojoules >= scale:
            return scale, unit
    return 1.0, "aJ"


def kept_and_rest(
    names: Sequence[str], parts: Sequence[Mapping[str, float]]
) -> tuple[list[str], dict[str, list[float]]]:
    """Names and, by part, values of the bars that a figure can show, in their order; the smallest become one."""
    sums = [sum(each.values()) for each in parts]
    kept = sorted(sorted(range(len(names)), key=lambda k: -sums[k])[:BARS_DRAWN])
    rest = sorted(set(range(len(names))) - set(kept))
    found = list(dict.fromkeys(part for each in parts for part in each))
    shown = [names[k] for k in kept]
    values = {part: [float(parts[k].get(part, 0)) for k in kept] for part in found}
    if rest:
        shown.append(f"{len(rest)} other layers")
        for part in found:
            values[part].append(float(sum(parts[k].get(part, 0) for k in rest)))
    return shown, values


def stacked_bars(names: Sequence[str], parts: Mapping[str, Sequence[float]], label: str) -> str:
    """One horizontal bar per name, made of parts. names are shown as they are; the first is on top. Parts beyond the
    last colour become one."""
    parts = _at_most(parts, len(SERIES))
    height = (1.1 if len(parts) > 1 else 0.75) + 0.26 * len(names)  # a legend takes a line

    def draw(axes: Axes) -> None:
        places, left = np.arange(len(names)), np.zeros(len(names))
        for (part, values), colour in zip(parts.items(), SERIES[: len(parts)], strict=True):
            axes.barh(places, values, left=left, color=colour, label=part, height=0.72)
            left = left + np.asarray(values, float)
        axes.set_yticks(places, names)
        axes.set_ylim(len(names) - 0.45, -0.55)
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        axes.set_xlabel(label)
        if len(parts) > 1:
            axes.figure.legend(loc="outside upper left", ncols=min(6, len(parts)), handlelength=1.0)

    return drawn((7.2, height), draw)


def _at_most(parts: Mapping[str, Sequence[float]], most: int) -> Mapping[str, Sequence[float]]:
    if len(parts) <= most:
        return parts
    names = sorted(parts, key=lambda name: -sum(parts[name]))
    kept = {name: values for name, values in parts.items() if name in names[: most - 1]}
    rest = [parts[name] for name in parts if name not in kept]
    return {**kept, "other": [sum(column) for column in zip(*rest, strict=True)]}


def grouped_bars(names: Sequence[str], values: Mapping[str, Sequence[float]], label: str) -> str:
    """For each name a group of horizontal bars, one per series, in the same order from the top; at most 8 series."""
    thick = 0.8 / max(1, len(values))
    height = 1.1 + len(names) * (0.12 + 0.14 * len(values))

    def draw(axes: Axes) -> None:
        places = np.arange(len(names))
        for k, ((name, lengths), colour) in enumerate(zip(values.items(), SERIES, strict=False)):
            axes.barh(places + (k - (len(values) - 1) / 2) * thick, lengths, color=colour, label=name, height=thick)
        axes.set_yticks(places, names)
        axes.set_ylim(len(names) - 0.45, -0.55)
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        axes.set_xlabel(label)
        if len(values) > 1:
            axes.figure.legend(loc="outside upper left", ncols=min(3, len(values)), handlelength=1.0)

    return drawn((7.2, height), draw)


def series(values: dict[str, tuple[np.ndarray, np.ndarray]], across: str, up: str) -> str:
    """Lines over a common axis: name -> (x, y). An axis of whole numbers has no ticks between them."""
    top = max((float(y.max()) for _, y in values.values()), default=0.0)
    whole = all((x == np.rint(x)).all() for x, _ in values.values())

    def draw(axes: Axes) -> None:
        for (name, (x, y)), colour in zip(values.items(), SERIES, strict=False):
            axes.plot(x, y, color=colour, label=name, linewidth=1.0)
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        axes.set_ylim(0, 1.06 * top or 1.0)
        if whole:
            axes.xaxis.get_major_locator().set_params(integer=True)  # type: ignore[attr-defined]
        axes.grid(axis="y")
        if len(values) > 1:
            axes.figure.legend(loc="outside upper left", ncols=min(6, len(values)), handlelength=1.0)

    return drawn((7.2, 2.6), draw)


def drawn(inches: tuple[float, float], draw: Any) -> str:
    """The SVG of one figure, without its XML head, scaled to the width that there is."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):  # type: ignore[arg-type]
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
