"""Pictures of a network on chip: the latency-load curve, and a heat map of the links."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurocomp.chip.messages import did_you_mean
from neurocomp.errors import bad_input
from neurocomp.fabric.burst import BurstResult
from neurocomp.fabric.noc import Noc
from neurocomp.fabric.topology import DIRECTIONS, EAST, SOUTH, Mesh
from neurocomp.files import whole_file

if TYPE_CHECKING:
    from neurocomp.report.noc import Curve

SUFFIXES = (".svg", ".png", ".pdf")
DOTS_PER_INCH = 150
STEEP = 6  # the vertical axis ends where latency is so many times that of an empty network


def check_plot(path: Path) -> None:
    """Raise InputError if no picture could be written there; before the work starts."""
    where = str(path)
    if path.suffix.lower() not in SUFFIXES:
        raise bad_input(where, "is no name for a picture", hint=did_you_mean(path.suffix, SUFFIXES))
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise bad_input(where, "cannot be written: there is no such folder, or it is a folder itself")
    if not os.access(path.absolute().parent, os.W_OK):
        raise bad_input(where, "cannot be written (permission denied)")


def _figure(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _save(figure: Any, path: Path) -> None:
    import matplotlib

    kind = path.suffix[1:].lower()
    same_file: Any = {"svg.hashsalt": "neurocomp", "svg.fonttype": "none"}  # the same picture is the same bytes
    date = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
    try:
        with matplotlib.rc_context(same_file), whole_file(path) as temporary:
            figure.savefig(temporary, format=kind, dpi=DOTS_PER_INCH, metadata=date)
    except OSError as error:
        raise bad_input(str(path), "cannot be written", why=error.strerror or str(error)) from error


def plot_curve(curve: Curve, path: Path) -> None:
    """Mean, median and p99 latency over the offered load; the load that the network accepts at most is a line."""
    figure, axes = _figure(6.4, 4.2)
    points = [point for point in curve.points if not point.saturated]
    loads = [point.load for point in points]
    for name, style in (("mean", "o-"), ("p50", "^:"), ("p99", "s--")):
        values = [getattr(point, f"latency_{name}") for point in points]
        axes.plot(loads, values, style, label=name.replace("p50", "median"), markersize=4)
    axes.axvline(curve.saturation, color="0.5", linewidth=1, label=f"accepted under full load: {curve.saturation:.3f}")
    if points:
        empty = min(point.latency_mean or 0 for point in points)
        highest = max(point.latency_p99 or 0 for point in points)
        axes.set_ylim(0, min(highest * 1.1, STEEP * empty))
    axes.set_xlim(0, max([curve.saturation, *(point.load for point in curve.points)]) * 1.05)
    axes.set_xlabel("offered load (flits per core and cycle)")
    axes.set_ylabel("latency (cycles)")
    net = curve.network
    axes.set_title(f"{net['width']}x{net['height']} {net['topology']}, {curve.traffic}", fontsize=11)
    axes.grid(color="0.9")
    axes.legend(frameon=False)
    _save(figure, path)


def plot_links(noc: Noc, result: BurstResult, path: Path) -> None:
    """Each link as an arrow, coloured by the flits that went over it; opposite links lie side by side.

    Raises InputError for networks that are no grid.
    """
    mesh = noc.mesh
    if not isinstance(mesh, Mesh):
        raise bad_input("--plot", f"can draw the links of grids only, not of a {mesh.name}")
    links = np.flatnonzero(result.link_flits)
    figure, axes = _figure(1.5 + min(12.0, 0.6 * mesh.width + 1), 0.8 + min(12.0, 0.6 * mesh.height))
    router, direction = np.divmod(links, DIRECTIONS)
    x, y = router % mesh.width, router // mesh.width
    along_x = direction <= 1
    step = np.where((direction == EAST) | (direction == SOUTH), 1.0, -1.0)
    dx, dy = np.where(along_x, step, 0), np.where(along_x, 0, step)
    shift = 0.1 * step
    axes.plot(np.arange(mesh.routers) % mesh.width, np.arange(mesh.routers) // mesh.width, "s", color="0.8", zorder=1)
    arrows = axes.quiver(
        x + np.where(along_x, 0, shift) + 0.15 * dx, y + np.where(along_x, shift, 0) + 0.15 * dy, 0.7 * dx, 0.7 * dy,
        result.link_flits[links], cmap="viridis_r", angles="xy", scale_units="xy", scale=1, width=0.045,
        units="xy", headwidth=3, headlength=3, headaxislength=3, zorder=2,
    )  # fmt: skip
    figure.colorbar(arrows, ax=axes, label="flits over the link", shrink=0.9)
    axes.set_xlim(-0.9, mesh.width - 0.1)
    axes.set_ylim(mesh.height - 0.1, -0.9)
    axes.set_aspect("equal")
    axes.set_xlabel("x")
    axes.set_ylabel("y")
    _save(figure, path)
