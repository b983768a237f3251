"""The options of `python -m resnet train`, in groups, and its examples."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

BLOCKS = ("plain", "residual", "basic")
EXAMPLES = """
examples:
  a deep plain network on the images that come with the package:
    python -m resnet train --depth 56 --block plain --epochs 6 --out runs/plain-56

  two processes on a folder of images of your own, photos/train/CLASS/*.jpg and
  photos/val/CLASS/*.jpg; a process that dies is replaced, and training goes on
  from the last hundred steps:
    torchrun --standalone --nproc-per-node 2 --max-restarts 3 -m resnet train \\
      --data photos --network family --depth 18 --epochs 10 --checkpoint-every 100 \\
      --out runs/photos
"""

# What each option says of itself.
HELP = {
    "--network": "the series of 6n + 2 layers for small images, the document's ResNet-18, or the "
    "family of 18, 34, 50, 101 and 152 layers (default: the series, at depth 18 the document's)",
    "--depth": "layers with weights",
    "--block": "of the series: what to stack",
    "--small-images": "of the family: a stem of 3x3 without stride and pooling, for 32 pixels a "
    "side or so",
    "--zero-scale": "of the family: each block's last batch norm starts with scale 0",
    "--data": "'embedded' (6,000 images), 'full' (Fashion-MNIST, first source that works), "
    "'cifar10', or a folder: with train/CLASS and val/CLASS, or with the files of one of these",
    "--augment": "vary training images: of a folder of images by random crops and flips, else by "
    "shifts and flips (default: for folders of images and CIFAR-10)",
    "--image-size": "of a folder of images: pixels a side",
    "--resize": "of a folder of images: pixels of the shorter side from which validation cuts the "
    "centre (default: 8/7 of the size)",
    "--workers": "of a folder of images: threads that decode",
    "--bad-images": "of a folder of images: what to do about files that are no whole images, which "
    "are named",
    "--most-bad": "of a folder of images: how much of train or val --bad-images skip may leave "
    "out; never a whole class",
    "--most-megapixels": "of a folder of images: larger images are bad",
    "--epochs": "passes over the training images",
    "--batch-size": "images a step, of all processes",
    "--learning-rate": "peak of the schedule",
    "--schedule": "cosines up and down, or a tenth after 1/3, 2/3 and 8/9 of the epochs",
    "--warm-up": "of one-cycle the share of all steps (default: 0.3), of steps the epochs "
    "(default: 5)",
    "--weight-decay": "towards zero, per step",
    "--accumulation": "passes a batch, each with a part of it",
    "--seed": "of the weights and of the order",
    "--device": "cpu, cuda or mps (default: a GPU where there is one)",
    "--precision": "of the arithmetic; 'auto': what a self-test of a few steps finds fastest, "
    "under torchrun bfloat16 where the GPU has it, else float32",
    "--threads": "of a CPU (default: one for small networks, on which others would wait, else all)",
    "--sync-batch-norm": "batch norm over the images of all processes (CUDA alone)",
    "--out": "where history.json, curve.png and checkpoint.pt are written, from which the same "
    "command goes on and another is refused; nothing is written without it",
    "--begin-anew": "train from the start where the folder holds another run, which is lost, or "
    "this one",
    "--checkpoint-every": "a checkpoint after so many steps, too, and not at the end of epochs "
    "alone",
    "--metrics": "metrics.jsonl in the folder: a line of JSON an epoch, and one for so many steps "
    "(50)",
    "--tensorboard": "the same for TensorBoard, which must be there",
    "--score-training": "measure the training error after each epoch (default: but for a folder of "
    "images)",
}


class Help(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Defaults behind each option, where there are any, and examples as they are written."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        plain = action.default is None or action.default is False
        return action.help if plain else super()._get_help_string(action)


def add_options(train: argparse.ArgumentParser) -> None:
    """Adds all options to the parser of the command, in groups."""
    add = _adding(train, "the network")
    add("--network", choices=("series", "document", "family"))
    add("--depth", type=int, default=20)
    add("--block", choices=BLOCKS, default="residual")
    add("--small-images", action="store_true")
    add("--zero-scale", action="store_true")
    add = _adding(train, "the images")
    add("--data", metavar="SOURCE", default="embedded")
    add("--augment", action=argparse.BooleanOptionalAction)
    add("--image-size", type=int, default=224)
    add("--resize", type=int)
    add("--workers", type=int, default=4)
    add("--bad-images", choices=("refuse", "skip"), default="refuse")
    add("--most-bad", type=float, metavar="SHARE", default=0.3)
    add("--most-megapixels", type=float, metavar="MILLIONS", default=200)
    add = _adding(train, "the training")
    add("--epochs", type=int, default=6)
    add("--batch-size", type=int, default=64)
    add("--learning-rate", type=float, default=0.02)
    add("--schedule", choices=("one-cycle", "steps"), default="one-cycle")
    add("--warm-up", type=float)
    add("--weight-decay", type=float, default=0.0001)
    add("--accumulation", type=int, default=1)
    add("--seed", type=int, default=0)
    add = _adding(train, "the devices")
    add("--device")
    add("--precision", choices=("auto", "float32", "bfloat16", "float16"), default="auto")
    add("--threads", type=int)
    add("--sync-batch-norm", action="store_true")
    add = _adding(train, "what is kept")
    add("--out", type=Path, metavar="FOLDER")
    add("--begin-anew", action="store_true")
    add("--checkpoint-every", type=int, metavar="STEPS")
    add("--metrics", type=int, nargs="?", const=50, metavar="STEPS")
    add("--tensorboard", action="store_true")
    add("--score-training", action=argparse.BooleanOptionalAction)


def _adding(train: argparse.ArgumentParser, title: str) -> Callable[..., None]:
    """Adds options to a group of this title."""
    group = train.add_argument_group(title)

    def add(name: str, **settings: Any) -> None:
        group.add_argument(name, help=HELP[name], **settings)

    return add
