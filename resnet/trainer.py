"""`python -m resnet train`: options, run and report, in one process or under `torchrun`."""

import argparse
import sys
from pathlib import Path

from . import reporting

BLOCKS = ("plain", "residual", "basic")
EXAMPLES = """
examples:
  a deep plain network on the images that come with the package:
    python -m resnet train --depth 56 --block plain --epochs 6 --out runs/plain-56

  two processes on a folder of images of your own, photos/train/CLASS/*.jpg and
  photos/val/CLASS/*.jpg; a process that dies is replaced, and training goes on
  from the last hundred steps:
    torchrun --standalone --nproc-per-node 2 --max-restarts 3 -m resnet train \\
      --data photos --depth 18 --epochs 10 --out runs/photos --checkpoint-every 100
"""


class _Help(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Defaults behind each option, where there are any, and examples as they are written."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        plain = action.default is None or action.default is False
        return action.help if plain else super()._get_help_string(action)


def add_to(commands) -> None:
    """Adds the command with its options, in groups."""
    train = commands.add_parser(
        "train",
        help="train one network (the default command); under torchrun on many devices",
        description="Train one network, in one process or under torchrun in many.",
        epilog=EXAMPLES,
        formatter_class=_Help,
    )
    train.set_defaults(run=run)
    _add_network(train.add_argument_group("the network"))
    _add_images(train.add_argument_group("the images"))
    _add_descent(train.add_argument_group("the training"))
    _add_devices(train.add_argument_group("the devices"))
    _add_files(train.add_argument_group("what is kept"))


def _add_network(add) -> None:
    add.add_argument("--depth", type=int, default=20, help="6n + 2 layers, or 18: ResNet-18")
    add.add_argument("--block", choices=BLOCKS, default="residual", help="what to stack")


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
        help="shift and flip training images (default: for CIFAR-10 alone; a folder of images "
        "always has random crops and flips)",
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
        "command goes on; nothing is written without it",
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


def run(options: argparse.Namespace) -> int:
    """Trains, prints a table of epochs and writes what `--out` asks for."""
    from . import distributed

    for stream in (sys.stdout, sys.stderr):  # a file's name may be more than the screen can show
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    with distributed.team(options.device) as (team, device):
        return _train(options, team, device)


def _train(options: argparse.Namespace, team, device) -> int:
    from .device import choose
    from .distributed import synchronised
    from .training import TrainingDiverged, fit

    metrics = _metrics(options)  # before the images, which may take their time
    training, validation = _images(options, team)
    model, label = _build(options, training)
    if options.sync_batch_norm:
        model = synchronised(model, choose(device).device)
    if options.out:
        team.decide(lambda: reporting.make_writable(options.out))
    by_itself = not hasattr(training, "files")
    try:
        history = fit(
            model,
            training,
            validation,
            epochs=options.epochs,
            batch_size=options.batch_size,
            learning_rate=options.learning_rate,
            weight_decay=options.weight_decay,
            schedule=_schedule(options),
            accumulation=options.accumulation,
            seed=options.seed,
            device=device,
            precision=None if options.precision == "auto" else options.precision,
            score_training=by_itself if options.score_training is None else options.score_training,
            label=label,
            checkpoint=options.out and options.out / "checkpoint.pt",
            checkpoint_every=options.checkpoint_every,
            metrics=metrics if team.leads else None,
            team=team,
        )
    except TrainingDiverged as error:
        history = error.history
        team.decide(lambda: reporting.report(history, options.out))
        raise
    team.decide(lambda: reporting.report(history, options.out))
    bad = {name for each in team.gather(getattr(training, "bad", {})) for name in each}
    bad |= {name for each in team.gather(getattr(validation, "bad", {})) for name in each}
    if bad and team.leads:
        print(f"Skipped in training and validation: {len(bad)} images, named above")
    return 130 if history.interrupted else 0


def _build(options: argparse.Namespace, images):
    import torch

    from . import experiments, models

    torch.manual_seed(options.seed)
    sizes = {"input_channels": images.shape[0], "num_classes": len(images.class_names)}
    if options.depth == 18:
        if options.block != "residual":
            raise ValueError("depth 18 is the document's ResNet-18: it has --block residual alone")
        return models.resnet18(**sizes), "ResNet-18"
    block = experiments.BLOCKS[options.block]
    return models.six_n_plus_two(options.depth, block, **sizes), f"{options.block}-{options.depth}"


def _images(options: argparse.Namespace, team):
    """Training and validation images, which the first process finds, names and hands on."""
    if (Path(options.data) / "train").is_dir():
        from .image_folder import load_image_folder

        return load_image_folder(
            options.data,
            size=options.image_size,
            resize=options.resize,
            seed=options.seed,
            workers=options.workers,
            bad_images=options.bad_images,
            team=team,
        )
    return team.decide(lambda: _tensors(options))


def _tensors(options: argparse.Namespace):
    from . import augmentation, cifar10, data
    from .fashion_mnist import load_fashion_mnist

    source, is_cifar10 = options.data, options.data == "cifar10"
    if is_cifar10 or cifar10.holds_cifar10(Path(source)):
        whole, _ = cifar10.load_cifar10(None if is_cifar10 else source)
        is_cifar10 = True
    elif source == "embedded":
        whole, _ = data.embedded()
    else:
        whole, _ = load_fashion_mnist(None if source == "full" else source)
    training, validation = data.split(whole, held_out=len(whole) // 6)
    varied = is_cifar10 if options.augment is None else options.augment
    return augmentation.augmented(training, options.seed) if varied else training, validation


def _schedule(options: argparse.Namespace):
    from .descent import OneCycle, Steps

    kind = {"one-cycle": OneCycle, "steps": Steps}[options.schedule]
    return kind() if options.warm_up is None else kind(options.warm_up)


def _metrics(options: argparse.Namespace):
    from .metrics import Metrics

    for name in ("metrics", "checkpoint_every"):
        steps = getattr(options, name)
        if steps is not None and steps < 1:
            raise ValueError(f"--{name.replace('_', '-')} must be at least 1, not {steps}")
    asked = options.metrics is not None or options.tensorboard
    if options.out is None:
        if asked or options.checkpoint_every:
            raise ValueError("metrics and checkpoints need a folder: name one by --out")
        return None
    board = options.out / "tensorboard" if options.tensorboard else None
    return Metrics(options.out / "metrics.jsonl", options.metrics or 50, board) if asked else None
