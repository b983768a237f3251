"""Values as plain JSON with their exact types: how what students' code made leaves the sandbox.

The file goes into the sandbox beside child.py, so it knows nothing of the rest.
"""

import math
import re
import sys
from typing import Any

DEPTH = 20  # how deep a value may be nested
LARGEST = 1_000_000  # how many numbers, texts and containers a value may hold
LONGEST_INTEGER = 1024  # bits; the decimal digits of longer ones take long to read


class TooLargeError(ValueError):
    """A value with more in it than a part may give."""


def encode(value: Any) -> Any:
    """A value as plain JSON with its exact type; `assignments.grading.values` decodes it.

    ValueError where it is nested too deep, TooLargeError where it holds too much.
    """
    return _encoded(value, DEPTH, [LARGEST])


def _encoded(value: Any, depth: int, left: list[int]) -> Any:
    _count(left, 1)
    kind = type(value)  # exact: a subclass may say of itself that it equals anything
    if value is None or kind is bool or kind is str:
        return value
    if kind is int:
        return value if value.bit_length() <= LONGEST_INTEGER else {"other": "a very long int"}
    if kind is float:
        return _number(value)
    if kind is list or kind is tuple or kind is dict:
        if depth == 0:
            raise ValueError(f"the value is nested more than {DEPTH} deep")
        items = value.items() if kind is dict else value
        return {kind.__name__: [_item(each, kind, depth - 1, left) for each in items]}
    array = _array(value, kind, left)
    return {"other": type_name(kind)} if array is None else array


def _item(each: Any, kind: type, depth: int, left: list[int]) -> Any:
    if kind is dict:
        return [_encoded(each[0], depth, left), _encoded(each[1], depth, left)]
    return _encoded(each, depth, left)


def _count(left: list[int], number: int) -> None:
    left[0] -= number
    if left[0] < 0:
        raise TooLargeError(f"the value holds more than {LARGEST} numbers, texts and containers")


def _number(value: float) -> Any:
    return value if math.isfinite(value) else {"float": str(value)}


def _array(value: Any, kind: type, left: list[int]) -> Any:
    """The encoding of a numpy array or a torch tensor, None for anything else."""
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if torch is not None and kind is torch.Tensor:
        name, size = str(value.dtype).removeprefix("torch."), value.numel()
    elif numpy is not None and kind is numpy.ndarray:
        name, size = value.dtype.name, value.size
    else:
        return None
    if not re.fullmatch(r"bool|u?int\d+|b?float\d+", name):
        return {"other": f"an array of {name}"}
    _count(left, size)
    if torch is not None and kind is torch.Tensor:
        value = value.detach().cpu()
    flat = value.reshape(-1).tolist()
    if "float" in name:
        flat = [_number(number) for number in flat]
    return {"array": [name, list(value.shape), flat]}


def type_name(kind: type) -> str:
    """The name of a type, also where its metaclass tells another."""
    return str(type.__dict__["__name__"].__get__(kind))[:80]
