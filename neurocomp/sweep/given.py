"""The files that all points of a sweep share, by the names that points have for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from neurocomp.inputs.reading import PLAIN, Reading
from neurocomp.network.graph import Network


@dataclass(frozen=True)
class Saved:
    """A network's file and how it is read."""

    path: Path
    reading: Reading = PLAIN

    def network(self) -> Network:
        """Raises InputError."""
        return self.reading.network(self.path)


@dataclass(frozen=True)
class Given:
    """input: .npz, or None for the samples stored with the networks; calibrate: .npz that scales are chosen from, or
    None for the input; networks: by name, where that is not just the file's path."""

    input: Path | None = None
    calibrate: Path | None = None
    networks: tuple[tuple[str, Saved], ...] = ()

    def saved(self, name: str) -> Saved:
        """The network that points call so."""
        return dict(self.networks).get(name) or Saved(Path(name))

    def absolute(self, names: tuple[str, ...]) -> Given:
        """The same for a process that runs in another folder; these networks by name."""

        def there(path: Path | None) -> Path | None:
            return None if path is None else path.absolute()

        found = [(name, self.saved(name)) for name in names]
        networks = tuple((name, replace(saved, path=saved.path.absolute())) for name, saved in found)
        return Given(there(self.input), there(self.calibrate), networks)


NOTHING = Given()
