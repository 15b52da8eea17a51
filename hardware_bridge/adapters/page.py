"""Every adapter's options as docs/adapters.md shows them; this prints them:

python -m beamgym.hardware_bridge.adapters.page
"""

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from beamgym.hardware_bridge.adapters.table import OPTIONS
from beamgym.hardware_bridge.devices import AdapterOptions

_LONGEST = 40  # characters of a default that a table shows


def as_markdown() -> str:
    """Return a heading and a table of options for each part that an adapter can be; needs every adapter's library."""
    parts = sorted(OPTIONS, key=lambda part: (part[1], part[0]))
    return "\n".join(line for part in parts for line in _table(*part))


def described(options: type[AdapterOptions]) -> list[tuple[tuple[str, ...], str]]:
    """Return what the docstring of options says: the names that a line is about, and the line."""
    text = (inspect.getdoc(options) or "").partition("Parameters\n----------\n")[2]
    lines = re.sub(r"\n\s+", " ", text).strip().splitlines()
    pairs = [line.partition(" : ")[::2] for line in lines if " : " in line]
    return [(tuple(name.strip() for name in names.split(",")), words.replace("``", "`")) for names, words in pairs]


def _table(role: str, adapter: str) -> Iterator[str]:
    module, name = OPTIONS[role, adapter]
    options = getattr(import_module(f"beamgym.hardware_bridge.{module}"), name)
    yield from (f"### {adapter}: {role}", "", "| option | by default | what it says |", "|---|---|---|")
    for names, words in described(options):
        fields = [options.model_fields[each] for each in names]
        shown = ", ".join(f"`{each}`" for each in names)
        yield f"| {shown} | {', '.join(map(_default, fields))} | {words}{_bounds(fields[0])} |"
    yield ""


def _default(field: FieldInfo) -> str:
    default: Any = field.default
    if default is PydanticUndefined:
        return "needed"
    if isinstance(default, tuple):
        return "[" + ", ".join(map(str, default)) + "]"
    if isinstance(default, str) and len(default) > _LONGEST:
        return "see the code"
    return "none" if default in (None, "") else f"`{default!r}`" if isinstance(default, str) else str(default).lower()


def _bounds(field: FieldInfo) -> str:
    words = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
    found = [
        f"{said} {getattr(each, key):g}" for each in field.metadata for key, said in words.items() if hasattr(each, key)
    ]
    return f"; {', '.join(found)}" if found else ""


if __name__ == "__main__":
    print(as_markdown())
