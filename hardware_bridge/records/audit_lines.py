"""One line of an audit log: JSON that holds the hash of the line before and its own.

Own hash: SHA-256 of the line's bytes without its last member ``sha256``, so that a changed line shows at itself and not
only at the next one. ``previous``: SHA-256 of all bytes of the line before, zeros in the first line.
"""

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

START = "0" * 64
"""What stands for the line before the first."""

TORN = b" <cut short>"
"""Put behind a line that a crash cut short, so that it can never pass for a whole one."""

_TAIL = re.compile(rb',"sha256":"([0-9a-f]{64})"\}$')
_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class LineError(ValueError):
    """A line that is not what was written."""


def digest(line: bytes) -> str:
    """Return the SHA-256 of a whole line, without its newline, in hex."""
    return hashlib.sha256(line).hexdigest()


def write_line(members: Mapping[str, Any], previous: str) -> bytes:
    """Return a line, newline included; numbers that JSON lacks are kept as objects, see ``encode``."""
    # No spaces and no NaN: the same members are the same bytes, and any JSON reader can read them.
    body = json.dumps({**encode(members), "previous": previous}, separators=(",", ":"), allow_nan=False).encode()
    return body[:-1] + f',"sha256":"{digest(body)}"}}\n'.encode()


def read_line(line: bytes) -> dict[str, Any]:
    """Return the members of a line (without newline), decoded.

    Raises
    ------
    LineError : the line is cut short, changed, or no JSON
    """
    tail = _TAIL.search(line)
    if tail is None:
        raise LineError("it does not end with its own hash")
    body = line[: tail.start()] + b"}"
    if digest(body).encode() != tail.group(1):
        raise LineError("it does not match its own hash")
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        # A line may hold anything, also a thousand brackets.
        raise LineError("it is no JSON") from None
    if not isinstance(members, dict):
        raise LineError("it is no JSON object")
    decoded: dict[str, Any] = decode(members)
    return decoded


def encode(value: Any) -> Any:
    """Return a value as JSON has it: arrays as lists, NaN as {"float": "nan"}, the rest as {"text": repr}.

    A log line must never fail for what it is told, since an abort writes too.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.bool_ | np.integer | int):
        return value.item() if isinstance(value, np.generic) else int(value)
    if isinstance(value, float | np.floating):
        number = float(value)
        return number if math.isfinite(number) else {"float": str(number)}
    if isinstance(value, np.ndarray):
        return encode(value.tolist())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return encode({field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
    if isinstance(value, Mapping):
        return {str(key): encode(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        parts = value if isinstance(value, list | tuple) else sorted(value, key=repr)
        return [encode(part) for part in parts]
    # Cut, since some objects print their whole contents.
    return {"text": repr(value)[:1000]}


def decode(value: Any) -> Any:
    """Undo ``encode`` where it can be undone."""
    if isinstance(value, dict):
        if len(value) == 1 and value.get("float") in _FLOATS:
            return _FLOATS[value["float"]]
        return {key: decode(part) for key, part in value.items()}
    if isinstance(value, list):
        return [decode(part) for part in value]
    return value
