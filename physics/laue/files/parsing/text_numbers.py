"""Numbers out of text files that people and programs wrote: a whole entry is a number, or it is none."""

import re
from pathlib import Path

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[-+]?(?:nan|inf|infinity)", re.IGNORECASE)
_NUMPY_SCALAR = re.compile(r"\b(?:np|numpy)\.(?:float|int|uint)\d+\(([^()]*)\)")
LARGEST_TEXT = 50_000_000
"""Bytes above which a file is no list of peaks and no calibration: a list of a million peaks has fewer."""


def read_text(file: Path) -> str:
    """Return a text file's content: UTF-8 with or without a byte order mark, UTF-16 with one, or Latin-1.

    Raises
    ------
    ValueError : a file that is no text, or larger than ``LARGEST_TEXT``
    """
    if file.stat().st_size > LARGEST_TEXT:
        raise ValueError(f"{file.name} is larger than {LARGEST_TEXT // 1_000_000} MB, which no text file read here is")
    raw = file.read_bytes()
    try:
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")  # a µ or ° of an older program; binary files hold control characters as well
    if any(ord(letter) < 32 and letter not in "\t\n\r\f\v" for letter in text):
        raise ValueError(f"{file.name} is not text")
    return text


def number(word: str, decimal: str = ".") -> float | None:
    """Return the number that a word is as a whole, or None; "nan" and "inf" are numbers that are not finite.

    Parameters
    ----------
    word : one entry, without the separators around it
    decimal : "." or ","; where it is ",", a "." in the word makes it none
    """
    word = word.strip().strip("\"'")
    if decimal == ",":
        word = word.replace(".", "?").replace(",", ".")
    if _NOT_FINITE.fullmatch(word):
        return float(word)
    return float(re.sub("[dD]", "e", word)) if _NUMBER.fullmatch(word) else None


def numbers_of_line(line: str) -> list[float]:
    """Return the numbers of a line such as "70.1, 1024, 1030", also in brackets, with ";" or as numpy 2 prints them.

    Raises
    ------
    ValueError : an entry that is no finite number; the message names it
    """
    bare = _NUMPY_SCALAR.sub(r"\1", line).strip().strip("[](){}").strip()
    decimal = "," if ";" in bare else "."
    words = re.split(r"\s*;\s*" if decimal == "," else r"\s*,\s*|\s+", bare.rstrip(",; "))
    return [_finite(word, number(word, decimal), line) for word in words]


def _finite(word: str, value: float | None, line: str) -> float:
    if value is None or abs(value) == float("inf") or value != value:
        raise ValueError(f"{word[:40]!r} is not a number, in {line.strip()[:80]!r}")
    return value
