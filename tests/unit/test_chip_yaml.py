"""The strict YAML reader: scalars of YAML 1.2, places, and what it refuses."""

from __future__ import annotations

import pytest

from neurocomp.chip.yaml12 import MAX_DIGITS, Node, Place, Scalar, printable, read_yaml, resolve
from neurocomp.errors import InputError


def values(node: Node) -> object:
    """The tree as plain values."""
    if isinstance(node.value, dict):
        return {key: values(inner) for key, inner in node.value.items()}
    return [values(inner) for inner in node.value] if isinstance(node.value, list) else node.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-12", 1e-12), ("1E3", 1000.0), (".5", 0.5), ("5.", 5.0), ("-0.0", -0.0), ("+1.5", 1.5), ("12", 12),
        ("010", 10), ("-7", -7), ("0x1F", 31), ("0o17", 15), ("0", 0), ("null", None), ("~", None), ("Null", None),
        ("true", True), ("FALSE", False), ("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off"),
        ("1_000", "1_000"), ("1:30", "1:30"), ("2020-01-01", "2020-01-01"), ("0b11", "0b11"), ("e5", "e5"),
        (".", "."), ("1e", "1e"), ("inf", "inf"), ("nan", "nan"), ("\u0661", "\u0661"), ("tRUE", "tRUE"),
        ("0.0e5", 0.0),
    ],
)  # fmt: skip
def test_plain_scalars(text: str, value: Scalar) -> None:
    resolved = resolve(text)
    assert resolved == value
    assert type(resolved) is type(value)


@pytest.mark.parametrize(
    "text", ["", ".inf", "-.Inf", ".NAN", "1e999", "-1e999", "1e-400", "9" * (MAX_DIGITS + 1), "1." + "0" * 100]
)
def test_refused_scalars(text: str) -> None:
    with pytest.raises(ValueError, match=r"has no value|finite|beyond the range|a number of"):
        resolve(text)


@pytest.mark.parametrize("text", ["'1e3'", '"true"', "'null'", '"010"', "''", "|\n  12\n"])
def test_quoted_scalars_are_text(text: str) -> None:
    assert isinstance(read_yaml(f"key: {text}", "f").root.value["key"].value, str)


def test_keys_are_words_or_whole_numbers() -> None:
    root = read_yaml("{no: 1, 010: 2, '3': 3, 1.5: 4, null: 5}", "f").root
    assert list(root.value) == ["no", 10, "3", "1.5", "null"]


def test_nested_collections_keep_their_order() -> None:
    text = "b: {y: [1, {x: 2}], a: []}\na:\n- - 3\n- {}\n"
    assert values(read_yaml(text, "f").root) == {"b": {"y": [1, {"x": 2}], "a": []}, "a": [[3], {}]}
    assert list(read_yaml(text, "f").root.value) == ["b", "a"]


def test_places_count_from_one() -> None:
    root = read_yaml("# comment\na:\n  b: 1\n  c: [2,\n      3]\n", "f").root
    inner = root.value["a"].value
    assert root.value["a"].key_place == Place(2, 1)
    assert (inner["b"].key_place, inner["b"].place) == (Place(3, 3), Place(3, 6))
    assert [item.place for item in inner["c"].value] == [Place(4, 7), Place(5, 7)]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\u2028"])
def test_the_line_in_a_message_is_the_line_of_the_file(newline: str) -> None:
    document = read_yaml(newline.join(["a: 1", "b: 2", "a: 3"]), "f")
    assert [str(finding) for finding in document.findings] == [
        "f:3:1: the key a appears twice\n  why:  the line reads: a: 3\n  next: line 1 has it already"
    ]


def test_all_findings_are_kept() -> None:
    document = read_yaml("a: 1\na: .nan\nb:\nc: &x 3\nd: !t 4\n", "f")
    assert [finding.where for finding in document.findings] == ["f:2:1", "f:2:4", "f:3:1", "f:4:4", "f:5:4"]
    assert document.root.value["b"].refused


@pytest.mark.parametrize(
    "text",
    [
        "? [1]\n: 2", "{{a: 1}: 2}", "*a", "a: *a", "--- 1\n--- 2", '"\\UFFFFFFFF"',
        "%YAML 1." + "9" * 5000 + "\n---\n1", "a: [", "a: b: c",
    ],
)  # fmt: skip
def test_unreadable_text(text: str) -> None:
    with pytest.raises(InputError):
        read_yaml(text, "f")


def test_printable() -> None:
    assert printable("a\tb\x1b[0m") == "a\\tb\\x1b[0m"
    assert printable("x" * 200, 10) == "x" * 10 + "..."
    assert printable("é µ") == "é µ"
