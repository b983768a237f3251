"""What a process of `torchrun` does for the tests of the trainer; `python -m` runs it in each."""

import copy
import hashlib
import os
import signal
import sys
from pathlib import Path

import torch
from torch import nn

from resnet.__main__ import main as command
from resnet.data import ImageSet
from resnet.results import History
from resnet.runtime import checkpoints as checkpoint
from resnet.runtime import distributed
from resnet.runtime.device import choose
from resnet.runtime.distributed import ALONE
from resnet.trainer.loop import Run, evaluate, fit
from tests.support.tiny import image_set, network

QUIET = {"precision": "float32", "device": "cpu", "progress": False}


def gradients(team, accumulation=1, model=None):
    """Of one step on a batch of twelve, of which this process takes its share."""
    model = model or nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 4)
    )
    for number, tensor in enumerate(model.parameters()):
        generator = torch.Generator().manual_seed(number)
        tensor.data = torch.randn(tensor.shape, generator=generator) / 4
    optimizer = torch.optim.SGD(model.parameters(), 0.0)
    schedule = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    history = History("a test")
    run = Run(model, optimizer, schedule, history, choose("cpu"), team, accumulation)
    run.network = team.wrap(model, image_set(2).batch(slice(2))[0])
    loss, _ = run.step(*image_set(12).batch(team.share(torch.arange(12))))
    return [tensor.grad.clone() for tensor in model.parameters()], loss


def fitted(team, accumulation=1, **options):
    """A whole run with batch norm, and the digest of its weights and statistics."""
    model = network()
    options = {"epochs": 2, "batch_size": 8, "team": team, "accumulation": accumulation, **options}
    history = fit(model, image_set(27), image_set(23, seed=1), **QUIET, **options)
    return model, history


def digest(model):
    whole = hashlib.sha256()
    for tensor in model.state_dict().values():
        whole.update(tensor.numpy().tobytes())
    return whole.hexdigest()


def furthest(ones, others):
    return max((a - b).abs().max().item() for a, b in zip(ones, others, strict=True))


def measure(path: Path) -> None:
    """All comparisons between this team and one process, as plain data."""
    torch.set_num_threads(1)
    ImageSet.at_once, place = 4, choose("cpu", "float32")  # several batches to evaluate
    with distributed.team("cpu") as (team, _):
        found = {"size": team.size}
        alone, loss = gradients(ALONE)
        for accumulation in (1, 3):
            joint, joint_loss = gradients(team, accumulation)
            found[f"gradient, {accumulation} passes"] = furthest(alone, joint)
            found[f"loss, {accumulation} passes"] = abs(loss - joint_loss)
        own, _ = gradients(ALONE, 2)
        found["gradient, two passes alone"] = furthest(alone, own)
        model, history = fitted(team)
        found["digests"] = team.gather(digest(model))
        found["training_loss"] = history.column("training_loss")
        twin, _ = fitted(ALONE, accumulation=2)
        found["weights"] = furthest(model.parameters(), twin.parameters())
        found["scores"] = [
            [vars(evaluate(twin, image_set(count), place, each)) for count in (1, 23, 24)]
            for each in (team, ALONE)
        ]
        seen = []
        counted = copy.deepcopy(twin)
        counted.register_forward_pre_hook(lambda _, X: seen.append(len(X[0])))
        evaluate(counted, image_set(23), place, team)
        found["seen"] = team.gather(sum(seen))
        found["errors"] = team.gather(refused(team, path))
        if team.leads:
            checkpoint.save(path, found)


def refused(team, path: Path) -> list:
    """What each process sees of a failure in the first one, and of one that all run into."""
    found = []
    for options in ({"checkpoint": path / "no" / "such.pt"}, {"batch_size": 5}):
        try:
            fitted(team, **options)
        except (OSError, ValueError) as error:
            found.append([type(error).__name__, str(error), getattr(error, "told", False)])
    return found


def main(arguments: list[str]) -> int:
    """`measure FILE`, or `killed FLAG ...`: a command whose second process is killed once."""
    if arguments[0] == "measure":
        measure(Path(arguments[1]))
        return 0
    flag, step, taken = Path(arguments[1]), Run.step, []

    def killed(self, X, y):
        taken.append(1)
        if len(taken) == 5 and os.environ["RANK"] == "1" and not flag.exists():
            flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return step(self, X, y)

    Run.step = killed
    return command(arguments[2:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
