"""Docstrings as this project writes them, for the site: `name : what it is, with shape and unit` has no type field."""

import re
from typing import Any

from griffe import Extension, Object

_SECTION = re.compile(r"^(Parameters|Returns|Raises|Notes|Yields|Attributes)\n-{3,}\n", flags=re.MULTILINE)
_DIRECTION = re.compile(r"(?<![\w\])`])\[(-?\d[\d -]*)\]")
"""[001] is a direction, and no link."""


def as_numpydoc(text: str) -> str:
    """The same with what stands behind the colon as a description, and `Returns` as a paragraph."""
    parts = _SECTION.split(_DIRECTION.sub(r"\\[\1\\]", text))
    return parts[0] + "".join(_section(*pair) for pair in zip(parts[1::2], parts[2::2], strict=True))


def _section(name: str, body: str) -> str:
    if name in ("Returns", "Yields", "Notes"):
        return f"**{name}** {body.strip()}\n\n"
    entries = re.sub(r"^(\S[^\n]*?) : (.*)$", r"\1\n    \2", body, flags=re.MULTILINE)
    return f"{name}\n{'-' * len(name)}\n{entries.rstrip()}\n\n"


class PlainFields(Extension):
    """Rewrites every docstring before it is parsed."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """See griffe's documentation of extensions."""
        if obj.docstring is not None:
            obj.docstring.value = as_numpydoc(obj.docstring.value)
