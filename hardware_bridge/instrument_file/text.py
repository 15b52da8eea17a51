"""Reads YAML as data and turns pydantic's errors into one line with a remedy."""

from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from beamgym.physics.messages import one_line

MAX_BYTES, MAX_DEPTH = 200_000, 20
"""Largest instrument file, and levels of nesting; one of six axes has 5 kB and five levels."""

_REMEDIES = {
    "missing": "missing; add it",
    "float_parsing": "found {input!r}, which is no number; give a number without its unit",
    "float_type": "found {input!r}, which is no number; give a number without its unit",
    "finite_number": "found {input}, which is not finite; give a finite number",
    "int_parsing": "found {input!r}; give a whole number",
    "int_from_float": "found {input!r}; give a whole number",
    "int_type": "found {input!r}; give a whole number",
    "bool_parsing": "found {input!r}; give true or false",
    "bool_type": "found {input!r}; give true or false",
    "greater_than": "found {input!r}; it must be above {gt:g}",
    "greater_than_equal": "found {input!r}; it must be {ge:g} or more",
    "less_than_equal": "found {input!r}; it must be {le:g} or less",
    "string_type": "found {input!r}; give text, in quotes where YAML reads it as something else",
    "string_too_short": "empty; give its name",
    "string_pattern_mismatch": "found {input!r}; a name starts with a letter and has letters, digits, '_', '.' and '-'",
    "tuple_type": "found {input!r}; give a list in brackets",
    "too_short": "empty or too short: found {input!r}; give at least {min_length}",
}
_UNIT_WORDS = {
    "degree": "deg",
    "degrees": "deg",
    "°": "deg",
    "millimetre": "mm",
    "millimeter": "mm",
    "millimetres": "mm",
    "seconds": "s",
    "sec": "s",
}
_UNIT_FACTORS = {
    "rad": "deg: multiply by 57.29578",
    "mrad": "deg: multiply by 0.05729578",
    "um": "mm: divide by 1000",
    "µm": "mm: divide by 1000",
    "m": "mm: multiply by 1000",
    "nm": "mm: divide by 1000000",
    "ms": "s: divide by 1000",
}


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping, as plain data.

    Raises
    ------
    ValueError : in one line, for a file that is not there, too large, not UTF-8, not YAML, with a key twice, with
        aliases, with more than one document, or with anything but a mapping
    """
    text = _text(path)
    try:
        _check_tokens(text, path)
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {_yaml_mistake(error)}") from None
    if not isinstance(content, dict):
        found = "nothing" if content is None else f"a {type(content).__name__}"
        raise ValueError(f"{path} holds {found}; give keys and values, such as name: my-instrument")
    return content


def first_mistake(error: ValidationError, model: type[BaseModel], content: Any) -> str:
    """Return the first of pydantic's errors as a line: where, what was found, what would be right."""
    first = error.errors(include_url=False)[0]
    loc = first["loc"]
    if first["type"] == "extra_forbidden":
        return f"{_place(loc[:-1], content)}{_unknown_key(str(loc[-1]), _model_at(model, loc[:-1]))}"
    return f"{_place(loc, content)}{_what(first)}"


def nearest(word: str, known: list[str]) -> str:
    """Return a hint at the known word most like ``word``, such as "; did you mean 'chi'?", or nothing."""
    match = get_close_matches(word, known, n=1)
    return f"; did you mean {match[0]!r}?" if match else ""


def _text(path: Path) -> str:
    try:
        # Before it is read: the path may name an image.
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"{path} has {path.stat().st_size} bytes; an instrument file has {MAX_BYTES} at most")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"cannot read the instrument file {path}: {error.strerror}; check its path") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text; save it as UTF-8") from None


def _check_tokens(text: str, path: Path) -> None:
    """Refuse depth and aliases, which can explode, and keys given twice, of which safe_load silently keeps the last."""
    depth = 0
    # Before it is built: aliases of aliases grow without bounds.
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        line = event.start_mark.line + 1 if event.start_mark is not None else 0
        if depth > MAX_DEPTH:
            raise ValueError(
                f"{path}, line {line}: nested more than {MAX_DEPTH} deep; an instrument file has five levels"
            )
        if isinstance(event, yaml.AliasEvent):
            raise ValueError(f"{path}, line {line}: aliases such as *{event.anchor} are not read; write the values out")
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    waiting = [root] if root is not None else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.MappingNode):
            _check_keys(node, path)
            waiting += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value


def _check_keys(node: yaml.MappingNode, path: Path) -> None:
    seen: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise ValueError(f"{path}, line {line}: a key that is no word; check the brackets there")
        if key.value in seen:
            first = seen[key.value]
            raise ValueError(
                f"{path}, line {line}: {key.value!r} is given twice, first in line {first}; remove or rename one"
            )
        seen[key.value] = line


def prefixed(place: str, build: Callable[[], object]) -> None:
    """Build something to see whether it can be; a ValueError is raised again with its place in the file before it."""
    try:
        build()
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _yaml_mistake(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = one_line(getattr(error, "problem", None) or error)
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    if "\\t" in problem:
        return f"{place}a tab; indent with spaces"
    if "could not determine a constructor" in problem:
        return f"{place}{problem}; tags are not read, give plain values"
    return f"{place}{problem}; check indentation, colons and quotes there"


def _place(loc: tuple[int | str, ...], content: Any) -> str:
    """Write ("axes", 1, "limits") as "axes[1] (j2): limits: "."""
    parts: list[str] = []
    here = content
    for step in loc:
        if isinstance(step, int) and isinstance(here, list | tuple) and step < len(here):
            here = here[step]
            label = here.get("name") if isinstance(here, dict) else None
            parts[-1:] = [f"{parts[-1] if parts else ''}[{step}]" + (f" ({label})" if isinstance(label, str) else "")]
        elif isinstance(step, str) and step not in ("[key]", "float", "int", "str", "bool") and "[" not in step:
            here = here.get(step) if isinstance(here, dict) else None
            parts.append(step)
    return "".join(f"{part}: " for part in parts)


def _what(first: Any) -> str:
    kind, found = first["type"], first.get("input")
    context = first.get("ctx", {})
    if kind == "value_error":
        return str(context.get("error", first["msg"])).strip()
    if kind == "literal_error":
        return _wrong_choice(found, str(context["expected"]))
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return f"found {_short(found)}; give keys and values"
    if kind == "missing" and isinstance(first["loc"][-1], int):
        return "missing; the list is too short"
    if kind == "too_long":
        return f"found {_short(found)}; give {context.get('max_length', 'fewer')} at most"
    if kind in _REMEDIES:
        return _REMEDIES[kind].format(**{"input": found, **context})
    return f"{first['msg']}; found {_short(found)}"


def _wrong_choice(found: Any, expected: str) -> str:
    if found in _UNIT_WORDS and _UNIT_WORDS[found] in expected:
        return f"found {found!r}; write {_UNIT_WORDS[found]}"
    # A number in another unit must not be relabelled; so the factor is told, not applied.
    if found in _UNIT_FACTORS and "'deg'" in expected:
        return f"found {found!r}; give every number of this axis in {_UNIT_FACTORS[found]}"
    return f"found {found!r}; give {expected}"


def _short(found: Any) -> str:
    text = repr(found)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _unknown_key(key: str, model: type[BaseModel] | None) -> str:
    fields = list(model.model_fields) if model is not None else []
    known = f"; the keys are {', '.join(fields)}" if fields else ""
    return f"unknown key {key!r}{nearest(key, fields) or known}"


def _model_at(model: type[BaseModel] | None, loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    """Return the model that checks the place ``loc``, to name its keys."""
    for step in loc:
        if model is None:
            return None
        if isinstance(step, str) and step in model.model_fields:
            model = _model_in(model.model_fields[step].annotation)
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = [_model_in(part) for part in get_args(annotation)]
    return next((part for part in found if part is not None), None)
