"""Patterns of protected names, and whether a name or a description is one of them."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

_LONGEST = 300  # characters of a pattern or a name


def _expression(text: str) -> str:
    try:
        expression = re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}; write PVs with re.escape's marks") from None
    # Otherwise no axis at all would be left.
    if expression.search(""):
        raise ValueError(f"{text!r} fits every name; give what only the protected ones have")
    return text


Text = Annotated[str, StringConstraints(min_length=1, max_length=_LONGEST)]
Pattern = Annotated[str, BeforeValidator(_expression), StringConstraints(min_length=1, max_length=_LONGEST)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Group(_Strict):
    """What protected names have in common.

    Parameters
    ----------
    what : what they are, as a refusal says it
    names : regular expressions that are looked for anywhere in a PV or address, upper and lower case alike
    descriptions : the same for what a record's DESC says
    always : no entry of ``allowed`` makes an exception
    """

    what: Text
    names: tuple[Pattern, ...] = ()
    descriptions: tuple[Pattern, ...] = ()
    always: bool = False


class Allowance(_Strict):
    """One name that may be commanded although a pattern fits it, and why; the name is meant as it stands."""

    name: Text
    why: Text


class NamesFile(_Strict):
    """The content of a file of protected names.

    Parameters
    ----------
    protected : groups, beside those of the package
    allowed : exceptions
    """

    protected: tuple[Group, ...] = ()
    allowed: tuple[Allowance, ...] = Field(default=())


@dataclass(frozen=True)
class Protected:
    """Why a name is refused: the group, the pattern that fits, and the file that it is from."""

    what: str
    pattern: str
    source: str

    def __str__(self) -> str:
        return f"{self.what} (pattern {self.pattern!r} of {self.source})"


class ProtectedNames:
    """Every pattern that holds for an instrument.

    Parameters
    ----------
    files : what was read, with the name of each file
    """

    def __init__(self, files: list[tuple[str, NamesFile]]) -> None:
        self._groups = [(source, group) for source, content in files for group in content.protected]
        self._allowed = {entry.name for _, content in files for entry in content.allowed}

    def find(self, name: str) -> Protected | None:
        """Return why a PV, record or address may not be commanded; None where it may."""
        for source, group in self._groups:
            pattern = _first(group.names, name)
            if pattern is not None and (group.always or not self._is_allowed(name)):
                return Protected(group.what, pattern, source)
        return None

    def find_in_description(self, text: str, name: str) -> Protected | None:
        """Return why the record ``name`` may not be commanded, by what its DESC says; None where it may."""
        for source, group in self._groups:
            pattern = _first(group.descriptions, text)
            if pattern is not None and (group.always or not self._is_allowed(name)):
                return Protected(group.what, pattern, source)
        return None

    def _is_allowed(self, name: str) -> bool:
        # A record's field is the record.
        return name in self._allowed or name.partition(".")[0] in self._allowed


def _first(patterns: tuple[str, ...], text: str) -> str | None:
    return next((pattern for pattern in patterns if re.search(pattern, text[:_LONGEST], re.IGNORECASE)), None)
