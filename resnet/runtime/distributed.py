"""What only several devices need: who shares which work, and what all must know together.

The training loop asks its team, which is `ALONE` unless `torchrun` started several processes. Data
are not split beforehand: every process knows the whole order, and takes its part of each batch.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist


class Team:
    """The processes that share a training, by what each of them asks; `rank` is its own number.

    This one is a team of one, which does all the work and sends nothing; `Processes` are several.
    """

    rank, size = 0, 1

    @property
    def leads(self) -> bool:
        """Whether this process is the one that prints and writes."""
        return self.rank == 0

    def share(self, batch: Tensor) -> Tensor:
        """This process's part of the indices of one batch."""
        return batch

    def wrap(self, model: nn.Module, X: Tensor) -> nn.Module:
        """The model to call in training, whose backward pass averages gradients over the team.

        X is a batch of some images that the model can take.
        """
        return model

    def apart(self, network: nn.Module) -> contextlib.AbstractContextManager:
        """In here gradients add up in each process, and are not averaged yet."""
        return contextlib.nullcontext()

    def agree(self, model: nn.Module) -> None:
        """Gives all processes the first one's batch norm statistics."""

    def sum(self, *numbers: float) -> tuple[float, ...]:
        """Each number summed over the team."""
        return numbers

    def gather(self, value: Any) -> list[Any]:
        """The values of all processes, by rank."""
        return [value]

    def decide(self, act: Callable[[], Any]) -> Any:
        """What `act` returns or raises in the first process, which alone calls it."""
        return act()


ALONE = Team()


class Processes(Team):
    """The processes of one `torchrun`, each with a device and a copy of the model."""

    def __init__(self, device: torch.device):
        self.device, self.rank, self.size = device, dist.get_rank(), dist.get_world_size()

    def share(self, batch: Tensor) -> Tensor:
        return batch.tensor_split(self.size)[self.rank]

    def wrap(self, model: nn.Module, X: Tensor) -> nn.Module:
        ids = [self.device.index] if self.device.type == "cuda" else None
        network = nn.parallel.DistributedDataParallel(model, device_ids=ids)
        # After its first backward pass it packs the gradients anew, in another order of summation.
        # Gone through here, a run that goes on sums as one that was never stopped.
        model.eval()
        network(X).sum().backward()
        model.zero_grad()
        return network

    def apart(self, network: nn.Module) -> contextlib.AbstractContextManager:
        return network.no_sync()

    def agree(self, model: nn.Module) -> None:
        for buffer in model.buffers():
            dist.broadcast(buffer, src=0)

    def sum(self, *numbers: float) -> tuple[float, ...]:
        total = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return tuple(total.tolist())

    def gather(self, value: Any) -> list[Any]:
        values = [None] * self.size
        dist.all_gather_object(values, value)
        return values

    def decide(self, act: Callable[[], Any]) -> Any:
        outcome: list[Any] = [None, None]
        if self.leads:
            try:
                outcome[0] = act()
            except (OSError, ValueError, RuntimeError) as error:
                outcome[1] = error  # else the others would wait for a process that has ended
        dist.broadcast_object_list(outcome, src=0, device=self.device)
        result, error = outcome
        if error is not None:
            error.told = not self.leads  # one sentence on the screen is enough
            raise error
        return result


@contextlib.contextmanager
def team(device: str | torch.device | None = None) -> Iterator[tuple[Team, torch.device | None]]:
    """The processes that `torchrun` started, and the device of this one; `ALONE` without it.

    NCCL joins GPUs, one a process, and gloo joins CPUs. Raises ValueError where there are fewer
    GPUs than processes.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        yield ALONE, device
        return
    wanted = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if wanted.type == "cuda":
        local, there = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if local >= there:
            raise ValueError(
                f"{os.environ.get('LOCAL_WORLD_SIZE', local + 1)} processes need as many GPUs, "
                f"and torch finds {there}: lower --nproc-per-node or take --device cpu"
            )
        wanted = torch.device("cuda", local)
        torch.cuda.set_device(wanted)
    backend = "nccl" if wanted.type == "cuda" else "gloo"
    store, rank, size = next(dist.rendezvous("env://"))
    # torchrun keeps one store for all its attempts, in which gloo would find the addresses of
    # processes that are gone: it then fails or waits for ever (seen in torch 2.14.1).
    store = dist.PrefixStore(f"attempt {_attempt()}, {size} processes", store)
    dist.init_process_group(
        backend, store=store, rank=rank, world_size=size, timeout=timedelta(minutes=30)
    )
    try:
        yield Processes(wanted), wanted
    except RuntimeError as error:
        if isinstance(error, dist.DistError) or "gloo" in str(error):
            raise RuntimeError(
                "another process cannot be reached, so this one ends too: torchrun says why below"
            ) from error
        raise
    finally:
        dist.destroy_process_group()


def restarted() -> bool:
    """Whether `torchrun` started these processes because earlier ones had ended."""
    return _attempt() != "0"


def _attempt() -> str:
    return os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")


def synchronised(model: nn.Module, device: torch.device) -> nn.Module:
    """`model` with batch norm over the images of all processes; ValueError without CUDA."""
    if device.type != "cuda":
        raise ValueError(
            "synchronised batch norm needs CUDA, because torch has it for GPUs alone: "
            "leave out --sync-batch-norm on a CPU"
        )
    return nn.SyncBatchNorm.convert_sync_batchnorm(model)
