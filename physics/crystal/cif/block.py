"""A CIF's text as blocks whose tags are found in any case, whatever the file's encoding."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import gemmi

_NUMBER = re.compile(r"^[+-]?(\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:\(\d*\))?$")
_ROUGHEST = 0.005  # a coordinate is not taken for rougher than two digits
_MOST_QUOTES = 10
_FRACTION = re.compile(r"^([+-]?\d+)\s*/\s*(\d+)$")


class CifError(ValueError):
    """A CIF that cannot be read, or not without a guess that may be wrong; one line that says what to mend."""


class Block:
    """One ``data_`` block.

    Parameters
    ----------
    block : as gemmi read it

    Notes
    -----
    CIF names are case-insensitive (Hall, Allen & Brown, Acta Cryst. A47 (1991) 655); the second dictionary writes a dot
    where the first has an underscore, which is read alike.
    """

    def __init__(self, block: gemmi.cif.Block) -> None:
        self.name = block.name
        self._columns: dict[str, list[str]] = {}
        for item in block:
            pair: Any = item.pair
            if pair is not None:
                self._columns.setdefault(_plain(pair[0]), [pair[1]])
            elif item.loop is not None:
                for number, tag in enumerate(item.loop.tags):
                    self._columns.setdefault(_plain(tag), item.loop.values[number :: item.loop.width()])

    def column(self, *tags: str) -> list[str]:
        """Return the values of the first of these tags that the block has, unquoted; empty where it has none."""
        for tag in tags:
            found = self._columns.get(_plain(tag))
            if found:
                return [gemmi.cif.as_string(value) if not gemmi.cif.is_null(value) else value for value in found]
        return []

    def text(self, *tags: str) -> str:
        """Return the first value of these tags that is not unknown, on one line; "" where there is none."""
        for tag in tags:
            for value in self.column(tag):
                if known(value):
                    return " ".join(value.split())
        return ""

    def has(self, tag: str) -> bool:
        """Whether the block has a tag, whatever its value."""
        return _plain(tag) in self._columns


def read_blocks(path: Path, notes: list[str]) -> list[Block]:
    """Read every block of a CIF file; what was mended to read it is added to ``notes``.

    Raises
    ------
    CifError : no text, or not a CIF
    OSError : the file cannot be read
    """
    text = _decoded(path.read_bytes())
    if not re.search(r"^\s*data_", text, re.IGNORECASE | re.MULTILINE):
        raise CifError("does not parse: it has no line data_NAME, as every CIF has; check it or export it anew")
    for _ in range(_MOST_QUOTES):
        try:
            return [Block(block) for block in gemmi.cif.read_string(text, check_level=0)]
        except (ValueError, RuntimeError) as problem:
            said = " ".join(str(problem).split())
            text = _closed_quote(text, said, notes)
    raise CifError(f"does not parse: more than {_MOST_QUOTES} quotes are not closed; check it or export it anew")


def _closed_quote(text: str, said: str, notes: list[str]) -> str:
    """The text with the quote closed that gemmi found open; raises CifError for any other mistake."""
    found = re.match(r"string:(\d+):\d+.*unterminated ('|\")string", said)
    lines = text.splitlines()
    if not found or int(found[1]) > len(lines):
        line = re.sub(r"^string:(\d+)(:\d+)?(\(\d+\))?", r"line \1", said)
        raise CifError(f"does not parse: {line}; check it or export it anew")
    number = int(found[1]) - 1
    mark = min((mark for mark in ("'", '"') if mark in lines[number]), key=lines[number].find, default=found[2])
    lines[number] = f"{lines[number].rstrip()}{mark}"
    notes.append(f"line {number + 1}: a quote is not closed; it is taken to end with the line")
    return "\n".join(lines) + "\n"


def known(value: str) -> bool:
    """Whether a CIF value is given: neither '.' nor '?' nor empty."""
    return value.strip() not in ("", ".", "?")


def number(value: str) -> float | None:
    """Return a CIF number such as 0.0052(3), or a fraction such as 1/3; None for '.', '?' and what is no number."""
    text = value.strip()
    if fraction := _FRACTION.match(text):
        return int(fraction[1]) / int(fraction[2]) if int(fraction[2]) else None
    if not _NUMBER.match(text):
        return None
    found = float(text.partition("(")[0])
    return found if abs(found) < 1e300 else None


def rounding(value: str) -> float:
    """Return how far a coordinate meant may lie from the one written: half a unit of its last digit.

    0, 0.5, 0.25 and the other eighths with up to three decimals are exact as they stand; nothing is rougher than 0.005.
    """
    text = value.strip().partition("(")[0].lower()
    if "/" in text:
        return 0.0
    digits, _, power = text.partition("e")
    decimals = len(digits.partition(".")[2]) - int(power or 0)
    if decimals <= 3 and (8.0 * float(text)).is_integer():
        return 0.0
    return min(float(0.5 * 10.0**-decimals), _ROUGHEST)


def numbered(columns: Iterable[list[str]]) -> Iterator[tuple[str, ...]]:
    """Yield rows of columns that may differ in length; what a column lacks is '?'."""
    held = list(columns)
    for row in range(max((len(column) for column in held), default=0)):
        yield tuple(column[row] if row < len(column) else "?" for column in held)


def _plain(tag: str) -> str:
    return tag.lower().replace(".", "_")


def _decoded(content: bytes) -> str:
    """Text of a file in UTF-8 or UTF-16 with a byte order mark, UTF-8 without, or Latin-1, which reads anything."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")
