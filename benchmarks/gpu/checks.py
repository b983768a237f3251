"""Whether the module does on this device what its tests hold it to on a CPU."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import distributed as dist

from resnet.data import embedded
from resnet.models import residual_block, six_n_plus_two
from resnet.trainer import loop
from resnet.training import fit
from tools.environment import ROOT

from .sizes import Size

CLOSE = 0.02  # of the loss after an epoch: other sums, in another order


def units(size: Size, data: str | None) -> Iterator[tuple[str, Callable[[], dict]]]:
    """Each check by name; one that does not hold raises AssertionError."""
    yield "as on a CPU", lambda: as_on_a_cpu(size.device, size.check_images)
    yield "both loops", lambda: both_loops(size.device, size.check_images)
    yield "goes on", lambda: goes_on(size.device, size.check_images)
    yield "joined processes", lambda: joined(size.device)
    yield "under torchrun", lambda: under_torchrun(size.device)


def as_on_a_cpu(device: str, images: int) -> dict:
    """An epoch in each precision ends at the loss of the CPU's."""
    losses = {"cpu": loss(fit, "cpu", images, precision="float32")}
    for precision in ("float32", "bfloat16"):
        losses[precision] = loss(fit, device, images, precision=precision)
        assert abs(losses[precision] - losses["cpu"]) < CLOSE * losses["cpu"], losses
    return {"losses": losses}


def both_loops(device: str, images: int) -> dict:
    """The plain loop and that of the trainer end at the same loss."""
    losses = [loss(each, device, images, precision="float32") for each in (fit, loop.fit)]
    assert abs(losses[0] - losses[1]) < CLOSE * losses[0], losses
    return {"losses": losses, "same_bits": losses[0] == losses[1]}


def goes_on(device: str, images: int) -> dict:
    """A run that is kept is taken up, and has nothing left to do."""
    with tempfile.TemporaryDirectory() as folder:
        kept = {"checkpoint": Path(folder) / "run.pt", "precision": "float32"}
        losses = [loss(fit, device, images, **kept) for _ in range(2)]
    assert losses[0] == losses[1], losses
    return {"losses": losses}


def loss(train: Callable[..., Any], device: str, images: int, **settings: Any) -> float:
    """Training loss of a small network after one epoch."""
    torch.manual_seed(0)
    few = embedded()[0].subset(slice(images))
    model = six_n_plus_two(8, residual_block)
    history = train(model, few, epochs=1, device=device, progress=False, **settings)
    return history.last("training_loss")


def joined(device: str) -> dict:
    """A process joins itself by NCCL, or gloo, and what it sends arrives."""
    backend = "nccl" if device == "cuda" else "gloo"
    with tempfile.TemporaryDirectory() as folder:
        store = f"file://{folder}/store"
        dist.init_process_group(backend, init_method=store, rank=0, world_size=1)
        message = torch.arange(4.0, device=device)
        dist.all_reduce(message)
        dist.destroy_process_group()
    assert message.tolist() == [0, 1, 2, 3]
    return {"backend": backend}


def under_torchrun(device: str) -> dict:
    """The command of the book on all GPUs, or on two processes of a CPU."""
    count = torch.cuda.device_count() if device == "cuda" else 2
    call = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    call += ["--nproc-per-node", str(count), "-m", "resnet", "train", "--depth", "8"]
    call += ["--epochs", "1", "--device", device, "--precision", "float32", "--no-score-training"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    subprocess.run(call, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    return {"processes": count}
