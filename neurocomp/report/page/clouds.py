"""Figures of many points at once: clouds with a front, parallel coordinates, means along each parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurocomp.report.page.figures import FAINT, SERIES, _drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOG_FROM = 50.0  # an axis over more than this ratio is logarithmic


def cloud(points: np.ndarray, front: np.ndarray, across: str, up: str) -> str:
    """Points (n, 2) as dots and a front (m, 2), sorted along its first column, as a line with larger dots."""

    def draw(axes: Axes) -> None:
        axes.scatter(points[:, 0], points[:, 1], s=9, color=SERIES[4], alpha=0.55, linewidths=0, label="all points")
        axes.plot(front[:, 0], front[:, 1], color=SERIES[1], linewidth=0.9, drawstyle="steps-post", zorder=2)
        axes.scatter(front[:, 0], front[:, 1], s=26, color=SERIES[1], linewidths=0, zorder=3, label="front")
        for axis, values in (("x", points[:, 0]), ("y", points[:, 1])):
            if values.min() > 0 and values.max() / values.min() > LOG_FROM:
                (axes.set_xscale if axis == "x" else axes.set_yscale)("log")
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        axes.grid(True)
        axes.set_axisbelow(True)
        axes.legend(loc="best")

    return _drawn((7.2, 4.0), draw)


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

    return _drawn((width, 3.6), draw)


def means(lines: Mapping[str, tuple[Sequence[float], Sequence[float]]], up: str) -> str:
    """One line per parameter: (share of the way through its values, mean of the metric there)."""

    def draw(axes: Axes) -> None:
        for (name, (shares, values)), colour in zip(lines.items(), SERIES, strict=False):
            axes.plot(shares, values, color=colour, label=name, marker="o", markersize=3.5, linewidth=1.2)
        axes.set_xlabel("from a parameter's first or smallest value to its last or largest")
        axes.set_ylabel(up)
        axes.set_xticks([])
        axes.grid(axis="y")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=1, fontsize=8)

    return _drawn((7.2, 3.2 + 0.17 * len(lines)), draw)
