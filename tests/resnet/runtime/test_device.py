"""Which device, precision and memory format is chosen, with GPUs played by patches."""

import contextlib
from dataclasses import replace

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.overrides import TorchFunctionMode

from resnet.runtime import device


def play(monkeypatch, *, cuda=False, capability=(8, 0), mps=False):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "A GPU")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        ({}, ("cpu", torch.float32, torch.contiguous_format)),
        ({"mps": True}, ("mps", torch.float32, torch.contiguous_format)),
        ({"cuda": True}, ("cuda", torch.bfloat16, torch.channels_last)),
        ({"cuda": True, "capability": (7, 5)}, ("cuda", torch.float32, torch.channels_last)),
        ({"cuda": True, "capability": (9, 0)}, ("cuda", torch.bfloat16, torch.channels_last)),
    ],
)
def test_the_best_of_a_machine_is_chosen(monkeypatch, machine, expected):
    play(monkeypatch, **machine)
    place = device.choose()
    assert (place.device.type, place.precision, place.memory_format) == expected


def test_what_is_asked_for_is_given(monkeypatch):
    play(monkeypatch, cuda=True)
    assert device.choose("cpu").device.type == "cpu"
    assert device.choose("cpu").precision == torch.float32
    assert device.choose(torch.device("cuda"), "float32").precision == torch.float32
    assert device.choose(precision="bfloat16").precision == torch.bfloat16


def test_a_line_for_the_screen(monkeypatch):
    place = device.choose("cpu")
    assert place.describe() == "cpu, float32, contiguous"
    assert replace(place, threads=1).describe() == "cpu, float32, contiguous, 1 thread"
    assert replace(place, threads=2).describe() == "cpu, float32, contiguous, 2 threads"
    play(monkeypatch, cuda=True)
    assert device.choose().describe() == "A GPU, bfloat16, channels_last"


def test_mixed_precision_only_where_it_was_chosen():
    X, W = torch.ones(2, 2), torch.ones(2, 2)
    with device.choose("cpu").arithmetic():
        assert (X @ W).dtype == torch.float32
    with device.choose("cpu", "bfloat16").arithmetic():
        assert (X @ W).dtype == torch.bfloat16
    assert (X @ W).dtype == torch.float32


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    size=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
    groups=st.sampled_from([1, 2]),
)
def test_idle_taps_are_left_out_without_a_change(size, kernel, stride, padding, dilation, groups):
    """Outputs and all gradients, for any convolution that has an output."""
    assume(all(side + 2 * padding > dilation * (kernel - 1) for side in size))
    layer = nn.Conv2d(2, 4, kernel, stride, padding, dilation, groups).double()
    X = torch.randn(3, 2, *size, dtype=torch.double, requires_grad=True)
    wanted = [X, *layer.parameters()]
    found = []
    for mode in (contextlib.nullcontext(), device.WithoutIdleTaps()):
        with mode:
            Y = layer(X)
        weighting = torch.linspace(-1, 1, Y.numel(), dtype=torch.double).view_as(Y)
        found.append([Y, *torch.autograd.grad((weighting * Y).sum(), wanted)])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(
    ("side", "strides", "taps"), [(1, 1, (1, 1)), (2, 2, (2, 2)), (2, 1, (3, 3)), (7, 1, (3, 3))]
)
def test_a_map_of_one_pixel_meets_one_tap(side, strides, taps, monkeypatch):
    kernels = []

    class Spy(TorchFunctionMode):
        def __torch_function__(self, function, types, arguments=(), options=None):
            if function is torch.conv2d:
                kernels.append(tuple(arguments[1].shape[2:]))
            return function(*arguments, **(options or {}))

    with Spy(), device.WithoutIdleTaps():
        nn.Conv2d(1, 1, 3, strides, padding=1)(torch.ones(1, 1, side, side))
    assert kernels == [taps]


def test_what_cannot_be_had_is_named(monkeypatch):
    play(monkeypatch)
    with pytest.raises(ValueError, match="'cuda' was asked for.*no GPU"):
        device.choose("cuda")
    with pytest.raises(ValueError, match="'abacus': take cpu, cuda or mps"):
        device.choose("abacus")
    with pytest.raises(ValueError, match="float32, bfloat16, float16, not 'float8'"):
        device.choose("cpu", "float8")
    with pytest.raises(ValueError, match="'mps' was asked for.*no GPU"):
        device.choose("mps")


def tried(place, **options):
    return [
        tuple(each.names().values()) for each in device.candidates(nn.Identity(), place, **options)
    ]


@pytest.mark.parametrize(
    ("capability", "half"), [((7, 5), "float16"), ((8, 0), "bfloat16"), ((9, 0), "bfloat16")]
)
def test_a_gpu_tries_the_half_precision_that_it_has(monkeypatch, capability, half):
    play(monkeypatch, cuda=True, capability=capability)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)  # as it says on a T4
    assert tried(device.choose()) == [
        ("float32", "contiguous"), ("float32", "channels_last"), (half, "channels_last")
    ]  # fmt: skip


@pytest.mark.parametrize("supported", [True, False])
def test_a_cpu_tries_bfloat16_where_it_is_arithmetic(monkeypatch, supported):
    monkeypatch.setattr(device, "_has_bfloat16", lambda _: supported)
    places = tried(device.choose("cpu"))
    assert places[0] == ("float32", "contiguous")
    assert (("bfloat16", "channels_last") in places) == supported
    assert len(places) == len(set(places)) == 2 + supported


def test_a_layout_can_be_fixed(monkeypatch):
    play(monkeypatch, mps=True)
    assert {layout for _, layout in tried(device.choose("cpu"), layout="contiguous")} == {
        "contiguous"
    }
    assert device.choose("cpu", layout="channels_last").names()["layout"] == "channels_last"
    assert tried(device.choose()) == [("float32", "contiguous")]


@pytest.mark.parametrize(
    ("channels", "stride", "safe"), [(4, 2, False), (8, 2, True), (4, 1, True)]
)
def test_a_layout_that_can_crash_is_neither_tried_nor_taken(channels, stride, safe):
    model = nn.Sequential(nn.Conv2d(channels, 16, 1, stride))
    layouts = {p.names()["layout"] for p in device.candidates(model, device.choose("cpu"))}
    assert layouts == ({"contiguous", "channels_last"} if safe else {"contiguous"})
    place = device.choose("cpu", layout="channels_last")
    if safe:
        device.check_layout(model, place)
    else:
        with pytest.raises(ValueError, match="layout must be contiguous on a CPU"):
            device.check_layout(model, place)
    device.check_layout(model, device.choose("cpu"))
