"""The digest of an instrument file's content, to which direction checks and a human's yes are bound.

A key that a later version added counts only where a file says something with it: what was checked and confirmed before
holds for the same file after an upgrade.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

LATER: Mapping[str, frozenset[str]] = {
    "InstrumentFile": frozenset({"attenuator", "suspensions", "nozzles", "protected_names"}),
    "AxisEntry": frozenset({"overrun", "stall_s", "readback_s", "turn", "cable_turns", "cable_zero", "egu"}),
    "DetectorEntry": frozenset({"stamped_at", "max_pixel_per_s", "max_total_per_s", "background_per_s"}),
    "IdentityEntry": frozenset({"real_time"}),
}
"""Keys by the class of their part that version 0.1.0 did not have."""

FORMER_DEFAULTS: Mapping[tuple[str, str], Any] = {("DetectorEntry", "max_age_s"): 10.0}
"""What stands in the digest for a key that is left out, where 0.1.0 had another default."""


def digest_of(file: BaseModel) -> str:
    """Return the SHA-256 of a file's content, in hex: comments and order of keys do not matter, every value does."""
    # Over the values as checked, not over the text: a comment or another order of keys is no other instrument.
    text = json.dumps(_content(file), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _content(value: Any) -> Any:
    """Return a part as plain numbers, texts, lists and dictionaries."""
    if isinstance(value, BaseModel):
        return _entries(value)
    if isinstance(value, Mapping):
        return {key: _content(item) for key, item in value.items()}
    return [_content(item) for item in value] if isinstance(value, tuple | list) else value


def _entries(part: BaseModel) -> dict[str, Any]:
    name, entries = type(part).__name__, {}
    for key, field in type(part).model_fields.items():
        value = getattr(part, key)
        left_out = value == field.get_default(call_default_factory=True)
        if left_out and key in LATER.get(name, ()):
            continue
        entries[key] = FORMER_DEFAULTS.get((name, key), _content(value)) if left_out else _content(value)
    return entries
