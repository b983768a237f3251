"""Values leave the sandbox with their exact types, and are compared without running any code."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from assignments.grading import values
from assignments.grading.values import Array, Other, Pairs, decode, encode, same
from assignments.sandbox.inside import encoding

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
sequences = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.lists(inner).map(tuple), max_leaves=20
)


def through(value: object) -> object:
    """What the grader gets of a value that a child sends."""
    return decode(json.loads(json.dumps(encode(value))))


@given(sequences)
def test_plain_values_arrive_as_they_were(value) -> None:
    assert repr(through(value)) == repr(value)
    assert same(through(value), through(value))


@settings(deadline=None, max_examples=40)
@given(st.dictionaries(scalars, sequences))
def test_dicts_arrive_too(value) -> None:
    arrived = through(value)
    assert same(arrived, through(dict(reversed(value.items()))))
    assert len(arrived.items if isinstance(arrived, Pairs) else arrived) == len(value)
    assert same(arrived, through({})) == (not value)


def test_kinds_of_numbers_are_told_apart() -> None:
    kinds = [1, 1.0, True, "1", [1], (1,), np.array(1), np.array(1.0), np.array(True), {"1": 1}]
    kinds += [None, {1: 1}, {True: 1}, {1.0: 1}, [1.0], [[1]], np.ones(1), np.ones((1, 1))]
    arrived = [through(kind) for kind in kinds]
    for i, ours in enumerate(arrived):
        assert [j for j, theirs in enumerate(arrived) if same(ours, theirs)] == [i]


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "bfloat16", "int64", "bool"])
def test_tensors_and_arrays_of_any_width_are_the_same(kind: str) -> None:
    tensor = torch.tensor([[0, 1, 2], [3, 4, 5]]).to(getattr(torch, kind)).requires_grad_(
        "float" in kind
    )  # fmt: skip
    plain = "bool" if kind == "bool" else "float" if "float" in kind else "int"
    expected = np.arange(6).reshape(2, 3).astype(plain)
    assert through(tensor).shape == (2, 3) and through(tensor).kind == plain
    assert same(through(tensor), through(expected))
    assert same(through(tensor.t().contiguous().t()), through(expected))


def test_rounding_is_forgiven_and_no_more() -> None:
    right = np.linspace(-1, 1, 1000)
    assert same(through(right.astype("float32")), through(right))
    assert not same(through(right * 1.001), through(right))
    one_wrong = right.copy()
    one_wrong[7] += 0.1
    assert not same(through(one_wrong), through(right))
    assert same(through(0.1 + 0.2), through(0.3)) and not same(through(0.301), through(0.3))
    assert same(through(1e-8), through(0.0)) and not same(through(1e-4), through(0.0))


def test_what_is_not_finite_must_stand_at_the_same_places() -> None:
    nan, inf = math.nan, math.inf
    right = through(np.array([nan, inf, -inf, 1.0]))
    assert same(right, through(np.array([nan, inf, -inf, 1.0])))
    for wrong in ([inf, nan, -inf, 1], [nan, inf, inf, 1], [nan, inf, -inf, nan], [0, 0, 0, 1.0]):
        assert not same(through(np.array(wrong, dtype=float)), right)
    assert not same(through(nan), through(0.0)) and same(through(nan), through(nan))
    assert not same(through(1e308), through(-1e308))


class Agreeable:
    """Equals everything, in whatever guise."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = object.__hash__


class AgreeableList(list, Agreeable):
    pass


class AgreeableInt(int):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


class AgreeableArray(np.ndarray):
    pass


class AgreeableTensor(torch.Tensor):
    pass


class Renamed(type):
    __name__ = property(lambda cls: 1 / 0)


STRANGE = [Agreeable(), AgreeableList([1]), AgreeableInt(3), np.ones(2).view(AgreeableArray)]
STRANGE += [torch.ones(2).as_subclass(AgreeableTensor), torch.nn.Parameter(torch.ones(2)), len, int]
STRANGE += [np.float64(1), np.array(["a"]), np.array([None]), np.ones(2, dtype=complex), 10**400]
STRANGE += [{1, 2}, b"bytes", Renamed("Hidden", (), {})()]


@pytest.mark.parametrize("value", STRANGE, ids=lambda value: encoding.type_name(type(value)))
def test_what_is_no_plain_value_is_the_same_as_nothing(value) -> None:
    arrived = through(value)
    assert type(arrived) is Other
    for other in (arrived, through(1), through([1]), through(np.ones(2)), through(None)):
        assert not same(arrived, other) and not same(other, arrived)
    assert not same(through([value]), through([value]))


def test_dicts_are_equal_in_any_order_and_their_keys_are_typed() -> None:
    assert same(through({"a": 1, "b": 2}), through({"b": 2, "a": 1}))
    assert type(through({1: 2, "a": 3})) is Pairs
    assert same(through({1: 2, "a": 3}), through({"a": 3, 1: 2}))
    assert not same(through({Agreeable(): 1}), through({Agreeable(): 1}))
    assert not same(through({"a": 1}), through({"a": 1, "b": 1}))


def test_too_much_and_too_deep_is_refused() -> None:
    deep: list = []
    deep.append(deep)
    with pytest.raises(ValueError, match="nested more than 20"):
        encode(deep)
    nested: object = 1
    for _ in range(20):
        nested = [nested]
    assert same(through(nested), through(nested))
    with pytest.raises(ValueError, match="nested"):
        encode([nested])
    million = encoding.LARGEST
    for large in ([0] * million, np.zeros(million), torch.zeros(million), [[0] * 1000] * 1000):
        with pytest.raises(encoding.TooLargeError, match="more than"):
            encode(large)


FORGED = [{"list": 3}, {"list": [1], "tuple": [1]}, [1], {}, {"set": [1]}, {"float": "1"}, math.nan]
FORGED += [{"dict": [1]}, {"dict": [[1]]}, {"array": ["float32", [2], [1.0]]}, {"array": [1, 2]}]
FORGED += [{"array": ["float32", [1], [1]]}, {"array": ["int64", [1], [True]]}, {"list": None}]
FORGED += [{"array": ["complex64", [1], [1.0]]}, {"array": ["float32", [-1, -1], [1.0]]}]
FORGED += [{"array": ["int64", [10**300] * 1000, []]}, {"array": ["bool", [1], [1]]}]


@pytest.mark.parametrize("seen", FORGED, ids=repr)
def test_json_that_no_child_writes_is_refused(seen) -> None:
    with pytest.raises(ValueError):
        decode(seen)


def test_json_nested_too_deep_is_refused() -> None:
    seen: object = 1
    for _ in range(500):
        seen = {"list": [seen]}
    with pytest.raises(ValueError):
        decode(seen)


def test_an_array_knows_kind_and_shape() -> None:
    assert through(np.array([[1, 2]], dtype="uint8")) == Array("int", (1, 2), (1, 2))
    assert through(torch.zeros(0, 3)) == Array("float", (0, 3), ())
    assert not same(through(torch.zeros(0, 3)), through(torch.zeros(3, 0)))


def test_values_need_neither_torch_nor_numpy() -> None:
    code = "import sys; from assignments.grading import values; "
    code += "assert not {'torch', 'numpy'} & {*sys.modules}"
    root = Path(__file__).resolve().parents[3]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
    assert values.encode is encoding.encode
