"""How a network's file is to be read: what is said beside its name, the same for all commands and for sweeps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.frontend.read import load_network
from neurocomp.network.graph import Network

if TYPE_CHECKING:
    from neurocomp.frontend.example import Example

NOUN = "as in --input-shape 1,28,28"


@dataclass(frozen=True)
class Reading:
    """Options as they were given; None where they were not.

    source: ``net.py:build``, the code of weights; key: which of several state_dicts in the file; shape: of one sample,
    where there is no data to freeze with; encoding: ``direct`` or ``temporal``, where the axes of the data can be read
    in two ways; dt_s, reset, discretise: what a NIR file leaves open.
    """

    source: str | None = None
    key: str | None = None
    shape: str | None = None
    encoding: str | None = None
    dt_s: float | None = None
    reset: str | None = None
    discretise: str | None = None

    @property
    def live(self) -> bool:
        """Whether something is to be frozen on the way."""
        return self.source is not None or self.shape is not None

    def network(self, path: Path, inputs: Path | None = None, steps: int | None = None) -> Network:
        """The network in a file, frozen with the inputs, or with noise of the shape, if it has to be.

        inputs, steps: of the run, or of the example that is needed for freezing. Raises InputError.
        """
        if not self.live:
            self._refuse_idle()
        example = self.example(inputs, steps) if self.live else None
        return load_network(
            path, dt_s=self.dt_s, reset=self.reset, discretise=self.discretise,  # type: ignore[arg-type]
            source=self.source, key=self.key, example=example,
        )  # fmt: skip

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

    def _refuse_idle(self) -> None:
        given = {"--key": self.key, "--encoding": self.encoding}
        found = [
            Diagnostic(option, "goes with --source, which names the code of the weights", hint=f"leave {option} away")
            for option, value in given.items()
            if value is not None
        ]
        if found:
            raise InputError(found)


PLAIN = Reading()
"""Nothing was said."""


def _sizes(text: str) -> tuple[int, ...]:
    words = [word.strip() for word in text.split(",")]
    if not all(re.fullmatch(r"[0-9]{1,6}", word) and int(word) > 0 for word in words):
        raise bad_input("--input-shape", f"is {text!r}; sizes of one sample are needed", hint=NOUN)
    return tuple(map(int, words))
