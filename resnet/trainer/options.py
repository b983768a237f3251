"""The options of `python -m resnet train`, in groups, and its examples."""

import argparse
from pathlib import Path

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


class Help(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Defaults behind each option, where there are any, and examples as they are written."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        plain = action.default is None or action.default is False
        return action.help if plain else super()._get_help_string(action)


def add_options(train: argparse.ArgumentParser) -> None:
    """Adds all options to the parser of the command."""
    _add_network(train.add_argument_group("the network"))
    _add_images(train.add_argument_group("the images"))
    _add_descent(train.add_argument_group("the training"))
    _add_devices(train.add_argument_group("the devices"))
    _add_files(train.add_argument_group("what is kept"))


def _add_network(add) -> None:
    add.add_argument(
        "--network",
        choices=("series", "document", "family"),
        help="the series of 6n + 2 layers for small images, the document's ResNet-18, or the "
        "family of 18, 34, 50, 101 and 152 layers (default: the series, at depth 18 the "
        "document's)",
    )
    add.add_argument("--depth", type=int, default=20, help="layers with weights")
    add.add_argument(
        "--block", choices=BLOCKS, default="residual", help="of the series: what to stack"
    )
    add.add_argument(
        "--small-images",
        action="store_true",
        help="of the family: a stem of 3x3 without stride and pooling, for 32 pixels a side or so",
    )
    add.add_argument(
        "--zero-scale",
        action="store_true",
        help="of the family: each block's last batch norm starts with scale 0",
    )


def _add_images(add) -> None:
    add.add_argument(
        "--data",
        metavar="SOURCE",
        default="embedded",
        help="'embedded' (6,000 images), 'full' (Fashion-MNIST, first source that works), "
        "'cifar10', or a folder: with train/CLASS and val/CLASS, or with the files of one of these",
    )
    add.add_argument(
        "--augment",
        action=argparse.BooleanOptionalAction,
        help="vary training images: of a folder of images by random crops and flips, else by "
        "shifts and flips (default: for folders of images and CIFAR-10)",
    )
    folder = "of a folder of images: "
    add.add_argument("--image-size", type=int, default=224, help=folder + "pixels a side")
    add.add_argument(
        "--resize",
        type=int,
        help=folder + "pixels of the shorter side from which validation cuts the centre "
        "(default: 8/7 of the size)",
    )
    add.add_argument("--workers", type=int, default=4, help=folder + "threads that decode")
    add.add_argument(
        "--bad-images",
        choices=("refuse", "skip"),
        default="refuse",
        help=folder + "what to do about files that are no whole images, which are named",
    )
    add.add_argument(
        "--most-bad",
        type=float,
        metavar="SHARE",
        default=0.3,
        help=folder + "how much of train or val --bad-images skip may leave out; never a whole "
        "class",
    )
    add.add_argument(
        "--most-megapixels",
        type=float,
        metavar="MILLIONS",
        default=200,
        help=folder + "larger images are bad",
    )


def _add_descent(add) -> None:
    add.add_argument("--epochs", type=int, default=6, help="passes over the training images")
    add.add_argument("--batch-size", type=int, default=64, help="images a step, of all processes")
    add.add_argument("--learning-rate", type=float, default=0.02, help="peak of the schedule")
    add.add_argument(
        "--schedule",
        choices=("one-cycle", "steps"),
        default="one-cycle",
        help="cosines up and down, or a tenth after 1/3, 2/3 and 8/9 of the epochs",
    )
    add.add_argument(
        "--warm-up",
        type=float,
        help="of one-cycle the share of all steps (default: 0.3), of steps the epochs (default: 5)",
    )
    add.add_argument("--weight-decay", type=float, default=1e-4, help="towards zero, per step")
    add.add_argument(
        "--accumulation", type=int, default=1, help="passes a batch, each with a part of it"
    )
    add.add_argument("--seed", type=int, default=0, help="of the weights and of the order")


def _add_devices(add) -> None:
    add.add_argument("--device", help="cpu, cuda or mps (default: a GPU where there is one)")
    add.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16", "float16"),
        default="auto",
        help="of the arithmetic; 'auto': what a self-test of a few steps finds fastest, under "
        "torchrun bfloat16 where the GPU has it, else float32",
    )
    add.add_argument(
        "--threads",
        type=int,
        help="of a CPU (default: one for small networks, on which others would wait, else all)",
    )
    add.add_argument(
        "--sync-batch-norm",
        action="store_true",
        help="batch norm over the images of all processes (CUDA alone)",
    )


def _add_files(add) -> None:
    add.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="where history.json, curve.png and checkpoint.pt are written, from which the same "
        "command goes on and another is refused; nothing is written without it",
    )
    add.add_argument(
        "--begin-anew",
        action="store_true",
        help="train from the start where the folder holds another run, which is lost, or this one",
    )
    add.add_argument(
        "--checkpoint-every",
        type=int,
        metavar="STEPS",
        help="a checkpoint after so many steps, too, and not at the end of epochs alone",
    )
    add.add_argument(
        "--metrics",
        type=int,
        nargs="?",
        const=50,
        metavar="STEPS",
        help="metrics.jsonl in the folder: a line of JSON an epoch, and one for so many steps (50)",
    )
    add.add_argument(
        "--tensorboard", action="store_true", help="the same for TensorBoard, which must be there"
    )
    add.add_argument(
        "--score-training",
        action=argparse.BooleanOptionalAction,
        help="measure the training error after each epoch (default: but for a folder of images)",
    )
