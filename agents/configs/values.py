"""Values as rl-zoo3 writes them in strings: ``dict(…)`` and ``lin_…``, read from the syntax tree and never run."""

import ast
import math
from typing import Any

ACTIVATIONS = ("ReLU", "Tanh", "ELU", "LeakyReLU", "SiLU", "GELU", "Sigmoid", "Softplus", "Mish", "CELU", "SELU")
"""Names of torch.nn that a network's ``activation_fn`` may have."""

CLASSES = ("HerReplayBuffer",)
"""Names that may stand alone, as rl-zoo3 imports them."""

_LONGEST = 10_000  # letters of an expression; the parser of Python itself gives up at some depth
_TAKEN = "numbers, words, lists, dict(…) and nn.ReLU or its kin"


def python_value(text: str) -> Any:
    """Return the value of an expression.

    Parameters
    ----------
    text : such as "dict(net_arch=[64, 64], activation_fn=nn.ReLU)"; a class stands as its name, "ReLU"

    Raises
    ------
    ValueError : names the part that is something else than numbers, words, lists, mappings and known classes
    """
    try:
        if len(text) > _LONGEST:
            raise SyntaxError("too long")
        tree = ast.parse(text.strip(), mode="eval")
        return _value(tree.body)
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError(f"{text[:60]!r} cannot be read; write {_TAKEN}") from None


def linear(value: float | str) -> float | str:
    """Return a number, or a schedule as "lin_" and the number that it falls from to zero.

    Raises
    ------
    ValueError : anything else, or a number that is not above zero
    """
    words = str(value)
    number = _number(words.removeprefix("lin_"))
    if number is None or not number > 0:
        raise ValueError(f"give a number greater than 0, or a schedule such as lin_3e-4, found {value}")
    return f"lin_{number:g}" if words.startswith("lin_") else number


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _value(node: ast.AST) -> Any:
    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [_value(part) for part in parts]
        case ast.Dict(keys=keys, values=values):
            named = [(key, value) for key, value in zip(keys, values, strict=True) if key is not None]
            if len(named) < len(keys):
                raise ValueError(f"{ast.unparse(node)[:60]!r} is not read: it unpacks a mapping; write its keys out")
            return {_value(key): _value(value) for key, value in named}
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=parts):
            if any(part.arg is None for part in parts):
                raise ValueError(f"{ast.unparse(node)[:60]!r} is not read: it unpacks a mapping; write its keys out")
            return {part.arg: _value(part.value) for part in parts if part.arg is not None}
        case ast.Attribute(value=owner, attr=name) if name in ACTIVATIONS and _is_torch_nn(owner):
            return name
        case ast.Name(id=name) if name in CLASSES:
            return name
    raise ValueError(f"{ast.unparse(node)[:60]!r} is not read; write {_TAKEN}")


def _is_torch_nn(node: ast.AST) -> bool:
    match node:
        case ast.Name(id="nn") | ast.Attribute(value=ast.Name(id="th" | "torch"), attr="nn"):
            return True
    return False
