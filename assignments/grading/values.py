"""What a part's observation gave, as plain values that can be compared without running any code.

The JSON keeps exact types: null, true, numbers and texts are themselves, and the rest is marked:
{"float": "nan"}, {"list": [...]}, {"tuple": [...]}, {"dict": [[key, value], ...]},
{"array": [dtype, shape, flat numbers]} for numpy's arrays and torch's tensors, and
{"other": type's name} for everything else, subclasses of these types too.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..sandbox.inside.encoding import DEPTH, encode

__all__ = ["Array", "Other", "Pairs", "decode", "encode", "same"]

TOLERANCE = 1e-4
ROUNDING = 1e-6  # the difference from exactly zero that arithmetic in float32 may leave
KINDS = {"bool": bool, "int": int, "float": float}


@dataclass(frozen=True)
class Array:
    """Numbers with a shape; `kind` is bool, int or float, whatever their width."""

    kind: str
    shape: tuple[int, ...]
    numbers: tuple[Any, ...]


@dataclass(frozen=True)
class Pairs:
    """A dict with keys that are not all texts, in an order that depends on the keys alone."""

    items: tuple[tuple[Any, Any], ...]


@dataclass(frozen=True)
class Other:
    """What could not be sent: the name of its type. It is the same as nothing, itself included."""

    name: str


def decode(seen: Any) -> Any:
    """The value behind JSON: plain Python, Array, Pairs or Other; ValueError for anything else."""
    return _decoded(seen, DEPTH)


def _decoded(seen: Any, depth: int) -> Any:
    if seen is None or type(seen) in (bool, int, str):
        return seen
    if type(seen) is float:
        return _number(seen)
    if type(seen) is not dict or len(seen) != 1 or depth < 0:
        raise ValueError("this is not the JSON of a value")
    [(mark, content)] = seen.items()
    if mark == "float":
        return _number(seen)
    if mark == "other":
        return Other(str(content)[:80])
    if type(content) is not list:
        raise ValueError(f"a {mark} without its content")
    if mark in ("list", "tuple"):
        items = [_decoded(each, depth - 1) for each in content]
        return items if mark == "list" else tuple(items)
    if mark == "dict":
        return _mapping(content, depth)
    if mark == "array":
        return _array(content)
    raise ValueError(f"values have no mark {mark[:80]!r}")


def _number(seen: Any) -> float:
    if type(seen) is float and math.isfinite(seen):
        return seen
    if type(seen) is dict and seen.get("float") in ("nan", "inf", "-inf"):
        return float(seen["float"])
    raise ValueError("this is not a float")


def _mapping(content: list, depth: int) -> dict[str, Any] | Pairs:
    if any(type(pair) is not list or len(pair) != 2 for pair in content):
        raise ValueError("a dict's items are pairs")
    content = sorted(content, key=lambda pair: json.dumps(pair[0]))
    items = [(_decoded(key, depth - 1), _decoded(value, depth - 1)) for key, value in content]
    if all(type(key) is str for key, _ in items):
        return dict(items)
    return Pairs(tuple(items))


def _array(content: list) -> Array:
    if len(content) != 3 or type(content[0]) is not str:
        raise ValueError("an array has a type, a shape and numbers")
    name, shape, flat = content
    kind = name.removeprefix("u").removeprefix("b").rstrip("0123456789")
    kind = "bool" if name == "bool" else kind
    if kind not in KINDS or type(shape) is not list or type(flat) is not list:
        raise ValueError("an array has a type, a shape and numbers")
    if len(shape) > DEPTH or any(type(size) is not int or size < 0 for size in shape):
        raise ValueError("a shape is a few sizes")
    if math.prod(shape) != len(flat):
        raise ValueError("the numbers do not fill the array's shape")
    numbers = tuple(map(_number, flat)) if kind == "float" else tuple(flat)
    if any(type(number) is not KINDS[kind] for number in numbers):
        raise ValueError(f"not all numbers of the array are of type {kind}")
    return Array(kind, tuple(shape), numbers)


def same(ours: Any, expected: Any, tolerance: float = TOLERANCE) -> bool:
    """Whether two decoded values are equal: types, shapes, integers and texts exactly.

    Floats may differ by `tolerance` times the norm of all expected numbers of their array, or by
    a millionth where that is more; nan and infinities must stand at the same places.
    """
    if type(ours) is not type(expected):
        return False
    compare = COMPARISONS.get(type(expected))
    return ours == expected if compare is None else compare(ours, expected, tolerance)


def _same_floats(ours: Sequence[float], expected: Sequence[float], tolerance: float) -> bool:
    if len(ours) != len(expected):
        return False
    if any(repr(a) != repr(b) for a, b in zip(ours, expected, strict=True)
           if not (math.isfinite(a) and math.isfinite(b))):  # fmt: skip
        return False
    ours, expected = [[x for x in each if math.isfinite(x)] for each in (ours, expected)]
    distance = math.dist(ours, expected)
    return math.isfinite(distance) and distance <= tolerance * math.hypot(*expected) + ROUNDING


def _same_float(ours: float, expected: float, tolerance: float) -> bool:
    return _same_floats([ours], [expected], tolerance)


def _same_sequences(ours: Sequence, expected: Sequence, tolerance: float) -> bool:
    pairs = zip(ours, expected, strict=False)
    return len(ours) == len(expected) and all(same(a, b, tolerance) for a, b in pairs)


def _same_dicts(ours: dict, expected: dict, tolerance: float) -> bool:
    if ours.keys() != expected.keys():
        return False
    return all(same(ours[key], expected[key], tolerance) for key in expected)


def _same_pairs(ours: Pairs, expected: Pairs, tolerance: float) -> bool:
    return _same_sequences(ours.items, expected.items, tolerance)


def _same_arrays(ours: Array, expected: Array, tolerance: float) -> bool:
    if (ours.kind, ours.shape) != (expected.kind, expected.shape):
        return False
    if expected.kind == "float":
        return _same_floats(ours.numbers, expected.numbers, tolerance)
    return ours.numbers == expected.numbers


def _never(ours: Other, expected: Other, tolerance: float) -> bool:
    return False


COMPARISONS: dict[type, Callable[[Any, Any, float], bool]] = {
    float: _same_float,
    list: _same_sequences,
    tuple: _same_sequences,
    dict: _same_dicts,
    Array: _same_arrays,
    Pairs: _same_pairs,
    Other: _never,
}
