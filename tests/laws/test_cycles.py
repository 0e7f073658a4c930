"""No two modules need each other: not when they are imported, not when a function runs, not for a type hint.

What a type holds may hold it in turn (an operator whose function is a network): the hint of such a field is no arrow.
A data class may have doors to its writers: methods that import a function and hand the object on to it, and nothing
else (``result.to_json()``). The writer knows the class; the class knows where its writer is, and that is all.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@cache
def trees() -> dict[str, ast.Module]:
    """The package's modules by name."""
    found = {}
    for path in sorted((ROOT / "neurocomp").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = ast.parse(path.read_text("utf-8"))
    return found


def is_door(function: ast.AST, holder: ast.AST) -> bool:
    """A method whose body, its docstring apart, is an import and a call with the object itself."""
    if not (isinstance(function, ast.FunctionDef) and isinstance(holder, ast.ClassDef)):
        return False
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if len(body) != 2 or not isinstance(body[0], ast.ImportFrom) or not isinstance(body[1], ast.Return | ast.Expr):
        return False
    return any(
        isinstance(call, ast.Call) and any(isinstance(given, ast.Name) and given.id == "self" for given in call.args)
        for call in ast.walk(body[1])
    )


def held_types(tree: ast.Module) -> set[str]:
    """Names that are wanted for the fields of classes and for nothing else."""
    fields = [n for c in tree.body if isinstance(c, ast.ClassDef) for n in c.body if isinstance(n, ast.AnnAssign)]
    inside = [n.id for field in fields for n in ast.walk(field.annotation) if isinstance(n, ast.Name)]
    everywhere = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name)]
    return {name for name in inside if inside.count(name) == everywhere.count(name)}


def hints_of_fields(tree: ast.Module) -> set[str]:
    """Full names that are imported for hints alone, and those for fields alone."""
    blocks = [n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    found = [n for block in blocks for n in block.body if isinstance(n, ast.ImportFrom)]
    held = held_types(tree)
    return {f"{n.module}.{alias.name}" for n in found for alias in n.names if alias.name in held}


def imports(node: ast.AST) -> Iterator[str]:
    """Full names of what is imported, but for doors."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module is not None:
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        elif not is_door(child, node):
            yield from imports(child)


def arrows(found: dict[str, ast.Module]) -> dict[str, set[str]]:
    """By module, the others that it imports; a name inside a module counts for the module."""

    def home(name: str) -> str:
        while name and name not in found:
            name = name.rpartition(".")[0]
        return name

    names = {module: set(imports(tree)) - hints_of_fields(tree) for module, tree in found.items()}
    return {module: {home(name) for name in needed} - {module, ""} for module, needed in names.items()}


def reached(graph: dict[str, set[str]], module: str) -> set[str]:
    """Everything that a module needs in the end."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def tied(graph: dict[str, set[str]]) -> list[str]:
    """``a -> b`` for every import of a module that needs the importing one in turn."""
    needs = {module: reached(graph, module) for module in graph}
    return [f"{a} -> {b}" for a in sorted(graph) for b in sorted(graph[a]) if a in needs[b]]


def test_no_two_modules_need_each_other():
    wrong = tied(arrows(trees()))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("left", "right", "loop"),
    [
        ("import neurocomp.b", "", False),
        ("import neurocomp.b", "from neurocomp.a import x", True),
        ("def f():\n    from neurocomp import b", "from neurocomp.a import x", True),
        ("if TYPE_CHECKING:\n  from neurocomp.b import C", "import neurocomp.a", True),
        ("if TYPE_CHECKING:\n  from neurocomp.b import C\nclass A:\n  c: C | None", "import neurocomp.a", False),
        (
            "if TYPE_CHECKING:\n    from neurocomp.b import C\nclass A:\n  c: C\ndef f(c: C): ...",
            "import neurocomp.a",
            True,
        ),
        ("class A:\n  def f(self):\n    from neurocomp.b import g\n    return g(self)", "import neurocomp.a", False),
        ("class A:\n  def f(self):\n    from neurocomp.b import g\n    return g(1)", "import neurocomp.a", True),
        ("def f(self):\n    from neurocomp.b import g\n    return g(self)", "import neurocomp.a", True),
    ],
)
def test_what_counts_as_a_loop(left, right, loop):
    found = {"neurocomp": "", "neurocomp.a": left, "neurocomp.b": right}
    assert bool(tied(arrows({name: ast.parse(text) for name, text in found.items()}))) == loop
