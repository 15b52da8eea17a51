"""Lines of YAML with a comment each: where a value is from, or what has to be decided."""

import json
from collections.abc import Sequence
from typing import Any

from beamgym.hardware_bridge.instrument_file import UNDECIDED

_COLUMN = 44  # where comments begin
INDENT = " " * (_COLUMN + 2)
"""Before a comment that goes on in a line of its own."""

_NO_TEXT = ("true", "false", "yes", "no", "on", "off", "null", "y", "n")  # words that YAML 1.1 reads as something else


def line(indent: int, key: str, value: Any, comment: str = "") -> str:
    """Return a key with its value and a comment; ``value`` may be text that is YAML already, see ``shown``."""
    text = f"{' ' * indent}{key}: {shown(value)}".rstrip()
    return f"{text.ljust(_COLUMN)}  # {one_comment(comment)}" if comment else text


def one_comment(text: str) -> str:
    """Return text for a comment: what a record says must not become lines of the file by a line break of its own."""
    words = " ".join(text.split())
    return "".join(letter if letter.isprintable() else "?" for letter in words)


def undecided(indent: int, key: str, comment: str) -> str:
    """Return a key that a human has to give its value."""
    return line(indent, key, UNDECIDED, comment)


def shown(value: Any) -> str:
    """Return a value as YAML: lists and mappings in brackets, texts in quotes where they need them."""
    if value == UNDECIDED:
        return UNDECIDED
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(shown(each) for each in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {shown(each)}" for key, each in value.items()) + "}"
    plain = value.replace("-", "").replace("_", "").isalnum() and value[:1].isalpha()
    return value if plain and value.lower() not in _NO_TEXT else quoted(value)


def number(value: float) -> str:
    """Return a number with up to 10 digits, as YAML reads a number back."""
    text = f"{value:.10g}"
    # YAML 1.1 takes 1e-05 for text; with a point it is a number.
    return text if "e" not in text or "." in text else text.replace("e", ".0e")


def quoted(text: str) -> str:
    """Return a text in quotes: PVs have braces and colons."""
    return json.dumps(text, ensure_ascii=False)
