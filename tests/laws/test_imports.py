"""Laws of the source tree itself: who may import whom, and the limits that STYLE.md sets."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "neurocomp"

# Each room and the rooms it may read, the ground for all included. "neurocomp" is the public face.
GROUND = {"errors", "files", "interrupts", "splitmix", "version"}
MAY_READ = {
    "errors": set(),
    "files": set(),
    "interrupts": set(),
    "splitmix": set(),
    "version": set(),
    "network": {*GROUND},
    "activity": {*GROUND, "network"},
    "frontend": {*GROUND, "network", "activity"},  # activity: a frozen module is run against the original
    "chip": {*GROUND},
    "fabric": {*GROUND, "chip", "network"},
    "mapping": {*GROUND, "network", "activity", "chip", "fabric"},
    "simulate": {*GROUND, "network", "activity", "chip", "fabric", "mapping"},
    "energy": {*GROUND, "network", "activity", "chip", "fabric", "mapping", "simulate"},
}
MAY_READ["report"] = MAY_READ["energy"] | {"energy"}
MAY_READ["inputs"] = {*GROUND, "network", "activity", "chip", "frontend"}
MAY_READ["sweep"] = MAY_READ["report"] | {"report", "frontend", "inputs"}
MAY_READ["commands"] = MAY_READ["sweep"] | {"sweep"}
MAY_READ["doctor"] = MAY_READ["commands"] | {"commands", "neurocomp"}
MAY_READ["cli"] = MAY_READ["doctor"] | {"doctor"}
MAY_READ["__main__"] = {"cli"}
MAY_READ["_core"] = {"errors"}

# the doors to the compiled core, one per part of it
CORE_DOORS = {
    "activity/execute.py",
    "doctor.py",
    "fabric/dram.py",
    "fabric/links.py",
    "fabric/noc_cycle.py",
    "mapping/hypergraph/core.py",
    "mapping/placing/board.py",
    "mapping/rows.py",
    "simulate/engines/core.py",
    "simulate/inference.py",
}

EXECUTES_DATA = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}

# written in two parts, so that this file does not hold them itself
UNFINISHED = ("TO" + "DO", "FIX" + "ME", "XX" + "X")
MACHINE_PATHS = ("/wo" + "rk/", "/tm" + "p/", "/ho" + "me/", "/ro" + "ot/")

MOST_LINES_PER_FILE = 400
MOST_LINES_PER_FUNCTION = 40
MOST_COLUMNS = 120


@cache
def modules() -> dict[str, ast.Module]:
    """Syntax trees of the package's modules by path within the package."""
    return {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def source_files() -> Iterator[Path]:
    """Everything that people wrote: code, data sheets, tests, examples, documents."""
    for folder in ("neurocomp", "csrc", "chips", "tests", "examples", "benchmarks", "docs", ".ci"):
        for path in sorted((ROOT / folder).rglob("*")):
            text = path.suffix in {".py", ".pyx", ".pxd", ".c", ".h", ".yaml", ".md", ".expect", ".toml", ""}
            if path.is_file() and text and "cache" not in str(path.relative_to(ROOT)):
                yield path
    yield from sorted(ROOT.glob("*.md"))
    yield from (ROOT / "setup.py", ROOT / "pyproject.toml", ROOT / "MANIFEST.in")


def room_of(path: str) -> str:
    room = path.partition("/")[0].removesuffix(".py")
    return "neurocomp" if room == "__init__" else room


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, full module name) of every import, wherever in the file it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module == "neurocomp":
                names = (alias.name for alias in node.names)
                yield from ((node.lineno, f"neurocomp.{name}" if name in MAY_READ else "neurocomp") for name in names)
            else:
                yield node.lineno, node.module or "."


def docstring_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """What is written for the reader is not what makes a function long."""
    first = function.body[0]
    has_one = ast.get_docstring(function) is not None
    return (first.end_lineno or first.lineno) - first.lineno + 1 if has_one else 0


def test_imports_go_one_way():
    wrong = []
    for path, tree in modules().items():
        room = room_of(path)
        if room == "neurocomp":
            continue
        for line, name in imported(tree):
            if name.partition(".")[0] != "neurocomp":
                continue
            target = name.split(".")[1] if "." in name else "neurocomp"
            if target not in MAY_READ[room] | {room, "_core"}:
                wrong.append(f"{path}:{line}: {room} must not read {target}")
    assert not wrong, "\n".join(wrong)


def test_the_arrows_have_no_loop():
    """Were there one, the table above would be a picture of a tangle and no law."""
    order: list[str] = []
    while len(order) < len(MAY_READ):
        ready = [room for room, reads in MAY_READ.items() if room not in order and reads - {"neurocomp"} <= set(order)]
        assert ready, f"a loop among {sorted(set(MAY_READ) - set(order))}"
        order += ready


def test_the_compiled_core_has_one_door_per_part():
    users = {
        path
        for path, tree in modules().items()
        if room_of(path) != "_core" and any(name.startswith("neurocomp._core") for _, name in imported(tree))
    }
    assert users <= CORE_DOORS, f"these go past the doors: {sorted(users - CORE_DOORS)}"


def test_what_a_module_keeps_for_itself_is_not_taken():
    """A leading underscore says so; _core is a room of its own."""
    wrong = [
        f"{path}:{node.lineno}: {alias.name}"
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("neurocomp")
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.endswith("__") and alias.name != "_core"
    ]
    assert not wrong, "\n".join(wrong)


def test_nothing_imports_a_module_that_runs_what_it_reads():
    wrong = [
        f"{path}:{line}: {name}"
        for path, tree in modules().items()
        for line, name in imported(tree)
        if name.partition(".")[0] in EXECUTES_DATA
    ]
    assert not wrong, "\n".join(wrong)


def test_no_bare_assert():
    """An assert vanishes under -O and tells a user nothing; raise an error with where, what and why."""
    wrong = [
        f"{path}:{node.lineno}"
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert)
    ]
    assert not wrong, "\n".join(wrong)


def test_every_module_says_what_it_is_for():
    wrong = [path for path, tree in modules().items() if tree.body and not ast.get_docstring(tree)]
    assert not wrong, "\n".join(wrong)


def test_every_folder_is_a_package():
    """A folder without __init__.py would be left out of wheels without a word."""
    folders = {(PACKAGE / path).parent for path in modules()}
    wrong = [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()]
    assert not wrong, "\n".join(wrong)


def test_files_are_short():
    wrong = []
    for path in source_files():
        if path.suffix in {".py", ".pyx", ".pxd", ".c", ".h"}:
            lines = path.read_text("utf-8").count("\n")
            if lines > MOST_LINES_PER_FILE:
                wrong.append(f"{path.relative_to(ROOT)}: {lines} lines")
    assert not wrong, "\n".join(wrong)


def test_functions_are_short():
    wrong = []
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                lines = node.end_lineno - node.lineno + 1 - docstring_lines(node)
                if lines > MOST_LINES_PER_FUNCTION:
                    wrong.append(f"{path}:{node.lineno}: {node.name} has {lines} lines")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("words", [UNFINISHED, MACHINE_PATHS], ids=["unfinished", "machine-paths"])
def test_no_file_holds_what_does_not_belong_there(words):
    wrong = []
    for path in source_files():
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1):
            wrong += [f"{path.relative_to(ROOT)}:{number}: {word}" for word in words if word in line]
    assert not wrong, "\n".join(wrong)


def test_no_line_is_long():
    wrong = []
    for path in source_files():
        if path.suffix in {".c", ".h", ".pyx", ".pxd", ".yaml"}:  # ruff looks after Python
            lines = path.read_text("utf-8").splitlines()
            wrong += [f"{path.relative_to(ROOT)}:{k}" for k, line in enumerate(lines, 1) if len(line) > MOST_COLUMNS]
    assert not wrong, "\n".join(wrong)
