"""Finished points on disk: one file each, named by the hash of everything that determines it, written atomically.

However a sweep ends, what is finished stays, and the next run of the same sweep takes it from here. Points of another
version of neurocomp have other names, so they are neither used nor harmed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from neurocomp.errors import bad_input
from neurocomp.files import remove_stale, write_whole
from neurocomp.sweep.outcome import Outcome, outcome_from_tree

POINTS = "points"
RUNS = "runs"
MARK = "sweep.json"
ASKED = "asked.json"
SPACE = "space.yaml"
SCHEMA = "neurocomp/sweep-store/1"


class Store:
    """A folder of finished points. Raises InputError if the folder is something else, or cannot be written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        where = str(folder)
        try:
            if folder.exists() and not folder.is_dir():
                raise bad_input(where, "exists and is not a folder", hint="give another one: -o DIR")
            if folder.is_dir() and any(folder.iterdir()):
                _check_mark(folder)
            (folder / POINTS).mkdir(parents=True, exist_ok=True)
            for place in (folder, folder / POINTS, folder / RUNS):
                remove_stale(place)
            write_whole(folder / MARK, json.dumps({"schema": SCHEMA}) + "\n")
        except OSError as error:
            raise bad_input(where, "cannot be written", why=error.strerror or str(error)) from error

    @property
    def runs(self) -> Path:
        """Where runs of networks are kept; made when there is one."""
        return self.folder / RUNS

    def path_of(self, key: str) -> Path:
        return self.folder / POINTS / f"{key}.json"

    def get(self, key: str) -> Outcome | None:
        """A finished point, or None; a damaged file counts as none, so that its point is computed again."""
        try:
            outcome = outcome_from_tree(json.loads(self.path_of(key).read_text("utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return outcome if outcome.key == key else None

    def put(self, outcome: Outcome) -> None:
        """Keep a finished point. Equal outcomes give equal bytes."""
        text = json.dumps(outcome.to_tree(), sort_keys=True, indent=1, allow_nan=False) + "\n"
        write_whole(self.path_of(outcome.key), text)

    def ask_for(self, keys: Sequence[str]) -> None:
        """Which points the sweep has that runs now; others in the folder are from other spaces, or from earlier forms
        of this one. None: a search, which finds out as it goes. Raises OSError."""
        if keys:
            write_whole(self.folder / ASKED, json.dumps(sorted(set(keys))) + "\n")
        else:
            (self.folder / ASKED).unlink(missing_ok=True)

    def all(self) -> Iterator[Outcome]:
        """Every finished point that was asked for, in the order of the keys."""
        try:
            keys = [key for key in json.loads((self.folder / ASKED).read_text("utf-8")) if key.isalnum()]
        except (OSError, ValueError, TypeError, AttributeError):
            keys = sorted(path.stem for path in (self.folder / POINTS).glob("*.json"))
        for key in keys:
            outcome = self.get(key)
            if outcome is not None:
                yield outcome


def open_store(folder: Path) -> Store:
    """A store that must exist already. Raises InputError if it does not."""
    if not (folder / MARK).is_file():
        raise bad_input(str(folder), "is no folder of a sweep", hint="neurocomp sweep SPACE.yaml -o DIR makes one")
    return Store(folder)


def _check_mark(folder: Path) -> None:
    try:
        schema = json.loads((folder / MARK).read_text("utf-8")).get("schema")
    except (OSError, ValueError, AttributeError):
        raise bad_input(
            str(folder),
            "the folder is not empty and was not written by neurocomp sweep",
            hint="give another one: -o DIR",
        ) from None
    if schema != SCHEMA:
        raise bad_input(str(folder), f"holds a sweep of schema {schema}", hint=f"this version writes {SCHEMA}")
