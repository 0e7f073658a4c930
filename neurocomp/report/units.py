"""Numbers for people: three significant digits and the unit that fits the value."""

from __future__ import annotations

import unicodedata

_ENERGY = ("aJ", "fJ", "pJ", "nJ", "uJ", "mJ", "J", "kJ")
_TIME = ("ps", "ns", "us", "ms", "s")
_POWER = ("nW", "uW", "mW", "W", "kW")
_BYTES = ("B", "KiB", "MiB", "GiB")


def energy(attojoules: float) -> str:
    """In the unit that leaves one to three digits before the point, as the next ones."""
    return _scaled(attojoules, _ENERGY)


def time(picoseconds: float) -> str:
    """From ps to s."""
    return _scaled(picoseconds, _TIME)


def power(microwatts: float) -> str:
    """From nW to kW."""
    return _scaled(microwatts * 1000, _POWER)


def memory(size_bytes: float) -> str:
    """From B to GiB, in steps of 1024."""
    return _scaled(size_bytes, _BYTES, 1024)


def count(number: float) -> str:
    """Whole numbers with separators; means with as many decimals as three digits ask for."""
    if number == int(number) or number >= 1000:
        return f"{round(number):,}"
    return _three_digits(number)


def large(number: float) -> str:
    """A count for a narrow column: in millions, billions and so on from ten million up."""
    return count(number) if number < 10_000_000 else _scaled(number / 1e6, ("M", "G", "T", "P"))


def rate(per_second: float) -> str:
    """Whole numbers with separators from a hundred on, else three digits."""
    return f"{round(per_second):,}" if per_second >= 100 else _three_digits(per_second)


def share(fraction: float) -> str:
    """A percentage that is 0 % or 100 % only if it is exactly that."""
    percent = 100 * fraction
    if percent in (0, 100):
        return f"{percent:.0f} %"
    if percent < 0.1:
        return "<0.1 %"
    if percent > 99.9:
        return ">99.9 %"
    return f"{percent:.1f} %"


def shape(sizes: tuple[int, ...]) -> str:
    """As in 2x8x8."""
    return "x".join(map(str, sizes))


def clean(text: str, width: int = 60) -> str:
    """Text from a file made safe to print: no control, direction or line characters, cut to ``width``."""
    safe = "".join("?" if unicodedata.category(c)[0] in "CZ" and c != " " else c for c in text)
    return safe if len(safe) <= width else safe[: width - 3] + "..."


def label(text: str, width: int = 28) -> str:
    """A name made safe and short for a figure; long ones lose their middle, as their ends tell them apart."""
    safe = clean(text, len(text))
    head = width // 2 - 2
    return safe if len(safe) <= width else f"{safe[:head]}...{safe[head + 3 - width :]}"


def _scaled(value: float, units: tuple[str, ...], base: int = 1000) -> str:
    if value == 0:
        return "0"
    place = 0
    while place < len(units) - 1 and abs(float(_digits(value))) >= base:
        value, place = value / base, place + 1
    return f"{_digits(value)} {units[place]}"


def _digits(value: float) -> str:
    """Three significant digits without an exponent."""
    return f"{value:.0f}" if abs(value) >= 999.5 else _three_digits(value)


def _three_digits(value: float) -> str:
    if value == 0:
        return "0"
    if abs(value) < 0.001:
        return f"{value:.3g}"
    return f"{value:#.3g}".rstrip(".")


def ties(tied: int, samples: int) -> str:
    """What stands beside accuracy and agreement if the outputs of ``tied`` samples are all equal."""
    if tied == samples:
        return "all outputs are equal in every sample: accuracy and agreement mean nothing"
    return f"in {tied:,} of {samples:,} samples all outputs are equal; the first class is taken there"


def many(number: int, noun: str) -> str:
    """As in "1 core" and "2,048 cores"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
