"""Small random image sets and networks, so that tests of training take a moment."""

import math

import torch
from torch import nn

from resnet import training
from resnet.data import ImageSet, split
from resnet.experiments import settings
from resnet.models import residual_block, six_n_plus_two

torch.set_num_threads(1)  # networks this small only wait for a second thread


def image_set(count=24, *, classes=4, side=8, channels=1, seed=0) -> ImageSet:
    """Noise with the label written into its brightness, so that there is something to learn."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % classes
    noise = torch.randint(0, 60, (count, channels, side, side), generator=generator)
    images = (noise + (190 * labels / classes).long().view(-1, 1, 1, 1)).to(torch.uint8)
    names = tuple(f"class {k}" for k in range(classes))
    return ImageSet(images, labels, names, (0.4,) * channels, (0.25,) * channels, "a test")


def network(block=residual_block, *, depth=8, seed=0, **options) -> nn.Sequential:
    """A narrow `six_n_plus_two` network with weights from `seed`."""
    options = {"width": 4, "num_classes": 4, "stem_strides": 1, **options}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return six_n_plus_two(depth, block, **options)


def randomise(model: nn.Module, seed: int = 1) -> nn.Module:
    """Random values for all parameters and statistics, so that no part of a sum is hidden."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                low = 0.5 if name.endswith("running_var") else -0.5
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + low)
    return model


def through(monkeypatch, loop, change):
    """Passes the batches of training steps in the module `loop` through the generator `change`."""
    bar = loop.tqdm
    monkeypatch.setattr(loop, "tqdm", lambda batches, *a, **k: bar(change(batches), *a, **k))


def interrupt_after(monkeypatch, steps, error=KeyboardInterrupt, *, loop=training):
    """Makes the training step after so many others fail; returns a list of those taken."""
    taken = []

    def failing(batches):
        for batch in batches:
            if len(taken) == steps:
                raise error
            taken.append(1)
            yield batch

    through(monkeypatch, loop, failing)
    return taken


def small_parts(monkeypatch):
    """Puts a few small images in place of the parts that a grid's settings draw on."""
    whole, test = (image_set(count, classes=10, side=28) for count in (200, 60))
    monkeypatch.setattr(settings, "_parts", lambda data: (whole, *split(whole, 60), test))


def plain_numbers(result):
    """Whether JSON holds it, with no number that JSON knows no name for."""
    if isinstance(result, dict):
        return all(isinstance(key, str) and plain_numbers(value) for key, value in result.items())
    if isinstance(result, list):
        return all(map(plain_numbers, result))
    return result is None or isinstance(result, int | float) and math.isfinite(result)
