"""One network of a grid: how it is built, on what, and how it is trained."""

import contextlib
import functools
import io
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from ..budgets import CPU, GPU
from ..data import ImageSet, embedded, split
from ..family.transformers import TRANSFORMERS, ImageTransformer
from ..family.variants import BLOCKS, BOTTLENECKS, bottleneck_series, with_last_activation
from ..fashion_mnist import load_fashion_mnist
from ..models import resnet18, six_n_plus_two
from ..probes import without_batch_norm
from ..results import History
from ..training import fit

# Takes the document's ResNet-18 past a test accuracy of 0.910 on the full Fashion-MNIST; chosen on
# validation images by `benchmarks/recipe.py`.
FAST = {"epochs": 3, "batch_size": 128, "learning_rate": 0.05}


@dataclass(frozen=True)
class Setting:
    """One network of a grid, `depth` = 6n + 2 of a block of BLOCKS, and how it is trained.

    Those of BOTTLENECKS have three layers, for which `depth` = 9n + 2: 20 and 56 are both. Depth 18
    is the document's ResNet-18. A name of TRANSFORMERS has `depth` layers of attention and linear
    layers. Without `batch_norm` the network has none, and the weights stay those of He's
    initialisation. A grid runs on the CPU in float32, so that it is the same
    anywhere. `data` is `embedded` or `full`; the training images are the first of those that a
    fixed split leaves, or of all where it leaves too few. `watch` is the held-out part that is
    scored after each epoch: on `validation` a choice may rest, on `test` none. `stem_strides` is
    that of the series.
    """

    depth: int
    block: str
    seed: int
    learning_rate: float
    epochs: int = CPU.depth_epochs
    batch_size: int = 64
    training_images: int = CPU.training_images
    batch_norm: bool = True
    data: str = "embedded"
    watch: str = "validation"
    stem_strides: int = 2

    @property
    def arm(self) -> str:
        """The network's name in figures and stored results, such as `plain-56`."""
        return f"{self.block}-{self.depth}"

    @property
    def cost(self) -> int:
        """In proportion to the time it takes: layers times images seen, by the area of the map."""
        seen = max(self.epochs, 1) * self.training_images
        return 4 * self.depth * seen // self.stem_strides**2


def train(setting: Setting) -> History:
    """Trains the network of one setting from its seed."""
    return trained(setting)[1]


def trained(setting: Setting, scored: bool = True) -> tuple[nn.Module, History]:
    """The network of one setting after its training, and the history of that.

    Without `scored` no epoch is scored, which takes two fifths less time.
    """
    training, watched = grid_images(setting)
    model, validation = build(setting), watched if scored else None
    history = fitted(model, training, setting, validation=validation, score_training=scored)
    if history.interrupted:
        raise KeyboardInterrupt  # half a run is no result
    history.settings.update(asdict(setting))
    return model, history


def fitted(model: nn.Module, training: ImageSet, setting: Setting, **settings: Any) -> History:
    """Trains `model` in place as every network of a grid; `settings` go before those of `setting`.

    They are keywords of `training.fit`, whose history it returns, also of a run that was ended.
    """
    own = {
        "epochs": setting.epochs,
        "learning_rate": setting.learning_rate,
        "batch_size": setting.batch_size,
        "seed": setting.seed,
    }
    place = {
        "device": CPU.device,
        "precision": CPU.precision,
        "layout": "channels_last",  # faster for small networks on one thread
        "threads": torch.get_num_threads(),  # the grid's, whose workers take one each
    }
    words = {"label": setting.arm, "progress": False}
    return fit(model, training, **{**own, **place, **words, **settings})


def build(setting: Setting) -> nn.Module:
    """The network of one setting from its seed, before any training."""
    torch.manual_seed(setting.seed)
    if setting.depth == 18 and setting.block == "residual":
        return resnet18()
    if setting.block in TRANSFORMERS:
        return ImageTransformer(setting.depth, TRANSFORMERS[setting.block])
    if setting.block in BOTTLENECKS:
        return bottleneck_series(setting.depth, BOTTLENECKS[setting.block])
    block, strides = BLOCKS[setting.block], setting.stem_strides
    model = six_n_plus_two(setting.depth, block, stem_strides=strides)
    if setting.block == "pre-activation":
        model = with_last_activation(model)
    return model if setting.batch_norm else without_batch_norm(model)


def grid_images(setting: Setting) -> tuple[ImageSet, ImageSet]:
    """Training images of a setting and the held-out ones that are watched meanwhile."""
    whole, rest, validation, test = _parts(setting.data)
    training = rest if setting.training_images <= len(rest) else whole
    if setting.training_images > len(training) or (
        training is whole and setting.watch == "validation"
    ):
        raise ValueError(f"{setting.training_images} training images are more than there are")
    watched = {"validation": validation, "test": test}[setting.watch]
    return training.subset(slice(setting.training_images)), watched


@functools.cache
def _parts(data: str) -> tuple[ImageSet, ImageSet, ImageSet, ImageSet]:
    """All training images, those left and those cut off for validation, and the test images."""
    size = CPU if data == "embedded" else GPU
    with contextlib.redirect_stdout(io.StringIO()):  # each worker would name the source
        whole, test = embedded() if data == "embedded" else load_fashion_mnist()
    return whole, *split(whole, size.validation_images), test
