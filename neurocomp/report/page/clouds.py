"""Figures of many points at once: clouds with a front, parallel coordinates, means along each parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurocomp.report.page.figures import FAINT, SERIES, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOG_FROM = 50.0  # an axis over more than this ratio is logarithmic
UNITS = {  # by what a metric's name ends with: divisors and their units
    "pj": ((1.0, "pJ"), (1e3, "nJ"), (1e6, "uJ"), (1e9, "mJ"), (1e12, "J")),
    "ns": ((1.0, "ns"), (1e3, "us"), (1e6, "ms"), (1e9, "s")),
    "mw": ((1.0, "mW"), (1e3, "W")),
}


@dataclass(frozen=True)
class Front:
    """The points (m, 2) of a front, sorted along its first column. names: beside its points; empty for none. line:
    whether nothing but the two axes decides, so that a line divides what is beaten from what cannot be."""

    points: np.ndarray
    names: Sequence[str] = ()
    line: bool = True


def cloud(points: np.ndarray, front: Front, across: str, up: str) -> str:
    """Points (n, 2) as dots and a front as larger ones. across, up: metrics, with their unit at the end of the name."""
    scales = scaled(across, points[:, 0]), scaled(up, points[:, 1])
    divisors = np.array([divisor for divisor, _ in scales])
    dots, best = points / divisors, front.points / divisors

    def draw(axes: Axes) -> None:
        axes.scatter(dots[:, 0], dots[:, 1], s=18, color=SERIES[4], alpha=0.7, linewidths=0, label="all points")
        if front.line:
            axes.plot(best[:, 0], best[:, 1], color=SERIES[1], linewidth=0.9, drawstyle="steps-post", zorder=2)
        axes.scatter(best[:, 0], best[:, 1], s=30, color=SERIES[1], linewidths=0, zorder=3, label="front")
        for name, place in zip(front.names, best, strict=False):
            axes.annotate(name, place, (5, 4), textcoords="offset points", fontsize=7.5)
        for axis, values in ((axes.xaxis, dots[:, 0]), (axes.yaxis, dots[:, 1])):
            if values.min() > 0 and values.max() / values.min() > LOG_FROM:
                (axes.set_xscale if axis is axes.xaxis else axes.set_yscale)("log")
            axis.set_major_formatter("{x:g}")
        axes.margins(0.09)
        axes.set_xlabel(scales[0][1])
        axes.set_ylabel(scales[1][1])
        axes.grid(True)
        axes.set_axisbelow(True)
        axes.legend(loc="best")

    return drawn((7.2, 4.0), draw)


@dataclass(frozen=True)
class Column:
    """One axis of parallel coordinates: shares 0..1 of the way up, one per line, and what stands at marked heights."""

    name: str
    shares: Sequence[float]
    marks: Sequence[tuple[float, str]]


def parallel(columns: Sequence[Column]) -> str:
    """Every point as a line across all columns; its colour goes with its place on the last column."""
    width = min(10.0, max(4.0, 1.35 * len(columns) + 1.0))

    def draw(axes: Axes) -> None:
        heights = np.array([column.shares for column in columns], float)
        for line in heights.T:
            colour = SERIES[0] if line[-1] < 0.5 else SERIES[1]
            axes.plot(np.arange(len(columns)), line, color=colour, linewidth=1.1, alpha=0.7)
        for index, column in enumerate(columns):
            axes.axvline(index, color=FAINT, linewidth=1.0, zorder=0)
            for share, text in column.marks:
                axes.annotate(text, (index, share), (3, 2), textcoords="offset points", fontsize=7.5)
        axes.set_xticks(np.arange(len(columns)), [column.name.replace(".", "\n") for column in columns], fontsize=7.5)
        axes.set_yticks([])
        axes.set_xlim(-0.15, len(columns) - 0.4)
        axes.set_ylim(-0.05, 1.08)
        axes.spines[:].set_visible(False)

    return drawn((width, 3.6), draw)


def scaled(metric: str, values: np.ndarray) -> tuple[float, str]:
    """(divisor, label) with which a metric's values are easy to read: ``energy_pj`` in uJ, for example. Metrics whose
    names end with no unit known here, as products of units do, stay as they are."""
    name, _, unit = metric.rpartition("_")
    steps = UNITS.get(unit, ()) if name.rpartition("_")[2] not in UNITS else ()
    most, chosen = float(np.abs(values).max(initial=0.0)), (1.0, metric)
    for divisor, shown in steps:
        if most >= divisor:
            chosen = (divisor, f"{name} ({shown})")
    return chosen


def means(lines: Mapping[str, tuple[Sequence[float], Sequence[float]]], up: str, ticks: Sequence[str] = ()) -> str:
    """One line per parameter: (share of the way through its values, mean of the metric there). ticks: the values of a
    single parameter, to stand under them."""
    divisor, label = scaled(up, np.array([value for _, values in lines.values() for value in values]))

    def draw(axes: Axes) -> None:
        for (name, (shares, means_)), colour in zip(lines.items(), SERIES, strict=False):
            values = np.asarray(means_, float) / divisor
            axes.plot(shares, values, color=colour, label=name, marker="o", markersize=3.5, linewidth=1.2)
        axes.set_ylabel(label)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.grid(axis="y")
        if ticks:
            ((name, (shares, _)),) = lines.items()
            axes.set_xticks(shares, ticks)
            axes.set_xlabel(name)
            return
        axes.set_xlabel("from a parameter's first or smallest value to its last or largest")
        axes.set_xticks([])
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=1, fontsize=8)

    return drawn((7.2, 3.2 + 0.17 * len(lines)), draw)
