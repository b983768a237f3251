"""Networks that train at the same time: the same numbers, a core each, and one Ctrl-C for all."""

import signal
import threading
import time

import pytest
import torch

from resnet.runtime.cores import side_by_side
from resnet.training import fit
from tests.support.tiny import image_set, network
from tools.patience import patient

IMAGES = image_set()
SETTINGS = {"batch_size": 8, "device": "cpu", "precision": "float32", "progress": False}


@pytest.fixture(autouse=True)
def two_threads():
    """As on a machine of two cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def trained(several) -> tuple[dict, dict]:
    """Weights and losses of three networks that differ in their seed."""
    nets = {}
    for seed in range(3):
        torch.manual_seed(seed)
        nets[seed] = network()
    histories = several(lambda seed: fit(nets[seed], IMAGES, epochs=3, seed=seed, **SETTINGS), nets)
    weights = {seed: list(net.parameters()) for seed, net in nets.items()}
    errors = {seed: history.column("training_loss") for seed, history in histories.items()}
    return weights, errors


def test_the_numbers_are_those_of_one_network_after_another():
    weights, errors = trained(side_by_side)
    alone, alone_errors = trained(lambda train, keys: {key: train(key) for key in keys})
    assert errors == alone_errors and list(errors) == [0, 1, 2]
    for seed in weights:
        assert all(map(torch.equal, weights[seed], alone[seed]))


def test_two_run_at_the_same_time_on_a_thread_each():
    both = threading.Barrier(2, timeout=patient(30))

    def call(key):
        both.wait()  # breaks, unless the other has begun
        return torch.get_num_threads()

    assert side_by_side(call, "ab") == {"a": 1, "b": 1}


def test_one_at_a_time_where_torch_has_one_thread_or_there_is_a_gpu(monkeypatch):
    inside = []

    def call(key):
        inside.append(key)
        time.sleep(0.01)
        assert inside.pop() == key and not inside
        return torch.get_num_threads()

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert side_by_side(call, range(4)) == dict.fromkeys(range(4), 2)
    monkeypatch.undo()
    torch.set_num_threads(1)
    assert side_by_side(call, range(4)) == dict.fromkeys(range(4), 1)
    torch.set_num_threads(2)


@pytest.mark.parametrize("order", [("diverges", "long"), ("long", "diverges")])
def test_one_error_ends_the_others_and_is_raised(order):
    both, ended = threading.Barrier(2, timeout=patient(30)), []

    def call(key):
        try:
            both.wait()
            if key == "diverges":
                raise ArithmeticError(key)
            while True:
                time.sleep(0.01)
        except KeyboardInterrupt:
            ended.append(key)

    with pytest.raises(ArithmeticError, match="diverges"):
        side_by_side(call, order)
    assert ended == ["long"]


def test_ctrl_c_ends_each_run_as_fit_ends_one_and_begins_no_other():
    begun, histories = threading.Barrier(3, timeout=patient(30)), {}

    def call(key):
        begun.wait()
        histories[key] = fit(network(), IMAGES, epochs=10_000, **SETTINGS)

    def press():
        begun.wait()
        time.sleep(0.2)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    with pytest.raises(KeyboardInterrupt):
        side_by_side(call, "abc")
    presser.join()
    assert set(histories) == {"a", "b"} and all(one.interrupted for one in histories.values())
