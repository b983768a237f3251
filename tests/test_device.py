"""Which device, precision and memory format is chosen, with GPUs played by patches."""

import pytest
import torch

from resnet import device


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
    threads = torch.get_num_threads()
    assert device.choose("cpu").describe() == f"cpu, float32, contiguous, {threads} threads"
    play(monkeypatch, cuda=True)
    assert device.choose().describe() == "A GPU, bfloat16, channels_last"


def test_autocast_only_where_precision_is_mixed():
    X, W = torch.ones(2, 2), torch.ones(2, 2)
    with device.choose("cpu").autocast():
        assert (X @ W).dtype == torch.float32
    with device.choose("cpu", "bfloat16").autocast():
        assert (X @ W).dtype == torch.bfloat16


def test_what_cannot_be_had_is_named(monkeypatch):
    play(monkeypatch)
    with pytest.raises(ValueError, match="'cuda' was asked for.*no GPU"):
        device.choose("cuda")
    with pytest.raises(ValueError, match="'abacus': take cpu, cuda or mps"):
        device.choose("abacus")
    with pytest.raises(ValueError, match="float32, bfloat16, not 'float8'"):
        device.choose("cpu", "float8")
    with pytest.raises(ValueError, match="'mps' was asked for.*no GPU"):
        device.choose("mps")
