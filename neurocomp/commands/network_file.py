"""The network that a command is given: a file that needs nothing more, or a live one to be frozen on the way."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neurocomp.errors import bad_input
from neurocomp.frontend.read import load_network
from neurocomp.network.graph import Network

if TYPE_CHECKING:
    from neurocomp.frontend.example import Example

NOUN = "as in --input-shape 1,28,28"


@dataclass(frozen=True)
class NirChoices:
    """What a NIR file leaves open; None: it was not said."""

    dt_s: float | None = None
    reset: str | None = None
    discretise: str | None = None


@dataclass(frozen=True)
class Live:
    """Options for networks that are frozen first, as they were given. source: ``net.py:build``; shape: of one sample,
    where there is no data; encoding: ``direct`` or ``temporal``, where the axes of the data can be read in two ways."""

    source: str | None = None
    shape: str | None = None
    encoding: str | None = None

    @property
    def asked(self) -> bool:
        return self.source is not None or self.shape is not None

    def example(self, inputs: Path | None, steps: int | None) -> Example | None:
        """What to freeze with: the data, noise of the shape, or None where neither was given. Raises InputError."""
        from neurocomp.frontend.example import Example
        from neurocomp.inputs.npz import read_npz

        if self.encoding not in (None, "direct", "temporal"):
            raise bad_input("--encoding", f"is {self.encoding!r}", hint="possible are direct, temporal")
        if inputs is not None and self.shape is not None:
            raise bad_input("--input-shape", "is of no use beside --input", hint="leave it away")
        if self.shape is not None:
            return Example.of_shape(_sizes(self.shape), steps)
        if inputs is None:
            return None
        arrays = read_npz(inputs, ("x",), ("y",))
        x, y = arrays["x"], arrays.get("y")
        if y is not None and y.shape != x.shape[:1]:
            raise bad_input(str(inputs), f"y has shape {y.shape} where {x.shape[0]} labels are needed")
        if x.size == 0:
            raise bad_input(str(inputs), f"x is empty (shape {x.shape})")
        return Example(x, y, steps, self.encoding)  # type: ignore[arg-type]


UNSAID = NirChoices()
FROM_FILE = Live()
"""Nothing is frozen on the way."""


def open_network(path: Path, live: Live, nir: NirChoices = UNSAID, steps: int | None = None) -> Network:
    """The network in a file, frozen with noise if it has to be. Raises InputError."""
    example = live.example(None, steps) if live.asked else None
    return load_network(
        path, dt_s=nir.dt_s, reset=nir.reset, discretise=nir.discretise,  # type: ignore[arg-type]
        source=live.source, example=example,
    )  # fmt: skip


def _sizes(text: str) -> tuple[int, ...]:
    words = [word.strip() for word in text.split(",")]
    if not all(re.fullmatch(r"[0-9]{1,6}", word) and int(word) > 0 for word in words):
        raise bad_input("--input-shape", f"is {text!r}; sizes of one sample are needed", hint=NOUN)
    return tuple(map(int, words))
