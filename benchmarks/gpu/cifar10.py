"""The paper's networks on CIFAR-10, plain and residual, in He's recipe of 64,000 steps.

Several seeds run side by side; a run that the limit stops goes on from its last checkpoint.
Source: He et al. 2015, arXiv 1512.03385, section 4.2.
"""

import time
from collections.abc import Callable, Iterator
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional as F

from resnet.data import ImageSet
from resnet.datasets.cifar10 import CLASS_NAMES, load_cifar10
from resnet.family import option_a
from resnet.models import Plain, six_n_plus_two
from resnet.runtime import checkpoints
from resnet.runtime.device import choose
from tools.environment import ROOT

from .sizes import Size
from .together import Together

BATCH_SIZE, RATE, PADDING, KEEP_EVERY = 128, 0.1, 4, 15.0
PARTS = ROOT / "_build" / "gpu"
BLOCKS = {"plain": Plain, "residual": option_a}


def units(size: Size, data: str | None) -> Iterator[tuple[str, Callable[[], dict]]]:
    """Each network, the shallow ones first; a missing CIFAR-10 ends the part with a sentence."""
    training, test = images(size, data)
    for depth, block in product(size.depths, BLOCKS):
        unit = f"{block}-{depth}"
        yield unit, lambda d=depth, b=block: trained(d, b, training, test, size)


def images(size: Size, data: str | None) -> tuple[ImageSet, ImageSet]:
    """CIFAR-10 on the device; in a rehearsal noise of its shape."""
    if size.cifar_images is None:
        training, test = load_cifar10(data)
    else:
        noise = torch.randint(0, 256, (size.cifar_images, 3, 32, 32), dtype=torch.uint8)
        labels = torch.arange(size.cifar_images) % 10
        training = ImageSet(noise, labels, CLASS_NAMES, (0.5,) * 3, (0.25,) * 3, "noise")
        test = training
    return training.to(size.device), test.to(size.device)


def trained(depth: int, block: str, training: ImageSet, test: ImageSet, size: Size) -> dict:
    """Test and training errors of all seeds after the whole recipe."""
    place = choose(size.device)
    X = torch.zeros(size.seeds, BATCH_SIZE, 3, 32, 32, device=place.device)
    y = torch.zeros(size.seeds, BATCH_SIZE, dtype=torch.int64, device=place.device)
    networks = Together([built(depth, block, seed, place) for seed in range(size.seeds)],
                        X, y, place.precision)  # fmt: skip
    path = PARTS / f"{size.device}-{block}-{depth}.pt"
    path.parent.mkdir(parents=True, exist_ok=True)
    networks.capture()
    kept = checkpoints.load(path) if path.exists() else {"done": 0, "seconds": 0.0}
    if "networks" in kept:
        networks.load(kept["networks"])
    padded = F.pad(training.batch(slice(None))[0], 4 * (PADDING,))
    done, before, since = kept["done"], kept["seconds"], time.perf_counter()
    kept_at = since
    for step in range(done, size.cifar_steps):
        fill(networks, padded, training.labels, step)
        networks.step(rate(depth, step, size.cifar_steps))
        if time.perf_counter() - kept_at > KEEP_EVERY:
            seconds = before + time.perf_counter() - since
            state = {"done": step + 1, "seconds": seconds, "networks": networks.state()}
            checkpoints.save(path, state)
            kept_at = time.perf_counter()
    losses = networks.losses.tolist()  # waits for the device
    seconds = before + time.perf_counter() - since
    errors = {
        name: networks.errors(part.batches(torch.arange(len(part)).split(500)))
        for name, part in (("training", training), ("test", test))
    }
    path.unlink(missing_ok=True)
    return {"errors": errors, "losses": losses, "seconds": seconds, "steps": size.cifar_steps,
            "seeds": size.seeds, "precision": str(place.precision)}  # fmt: skip


def built(depth: int, block: str, seed: int, place) -> torch.nn.Module:
    """The paper's network for 32x32 pixels, with shortcuts without weights."""
    torch.manual_seed(seed)
    model = six_n_plus_two(depth, BLOCKS[block], input_channels=3, stem_strides=1)
    return model.to(place.device, memory_format=place.memory_format)


def fill(networks: Together, padded: Tensor, labels: Tensor, step: int) -> None:
    """A batch for each network, drawn by the step alone, cut out and flipped at random."""
    X, y = networks.X, networks.y
    generator = torch.Generator(X.device).manual_seed(step)
    several = {"generator": generator, "device": X.device}
    chosen = torch.randint(len(labels), y.shape, **several)
    down, across = torch.randint(2 * PADDING + 1, (2, *y.shape, 1), **several)
    flip = torch.rand((*y.shape, 1), **several) < 0.5
    rows = down + torch.arange(32, device=X.device)
    columns = torch.arange(32, device=X.device)
    columns = torch.where(flip, 31 - columns, columns) + across
    # Channels stand apart from the indices, so that advanced indexing puts them last.
    cut = padded[chosen[..., None, None], :, rows[..., :, None], columns[..., None, :]]
    X.copy_(cut.movedim(-1, 2))
    y.copy_(labels[chosen])


def rate(depth: int, step: int, steps: int) -> float:
    """A tenth after half and after three quarters; 110 layers begin with 400 steps at a tenth."""
    if depth > 100 and step < min(400, steps // 100):
        return 0.1 * RATE
    return RATE * 0.1 ** ((step >= steps // 2) + (step >= 3 * steps // 4))
