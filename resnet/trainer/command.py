"""`python -m resnet train`: what it runs and reports, in one process or under `torchrun`."""

import argparse
import sys
from pathlib import Path

from ..runtime import files
from . import reporting
from .options import EXAMPLES, Help, add_options


def add_to(commands) -> None:
    """Adds the command with its options, in groups."""
    train = commands.add_parser(
        "train",
        help="train one network (the default command); under torchrun on many devices",
        description="Train one network, in one process or under torchrun in many.",
        epilog=EXAMPLES,
        formatter_class=Help,
    )
    train.set_defaults(run=run)
    add_options(train)


def run(options: argparse.Namespace) -> int:
    """Trains, prints a table of epochs and writes what `--out` asks for."""
    from . import distributed

    for stream in (sys.stdout, sys.stderr):  # a file's name may be more than the screen can show
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    with distributed.team(options.device) as (team, device):
        return _train(options, team, device)


def _train(options: argparse.Namespace, team, device) -> int:
    from ..runtime.device import choose
    from ..training import TrainingDiverged, fit
    from .distributed import synchronised

    metrics = _metrics(options)  # before the images, which may take their time
    training, validation = _images(options, team)
    model, label = _build(options, training)
    if options.sync_batch_norm:
        model = synchronised(model, choose(device).device)
    if options.out:
        team.decide(lambda: files.make_writable(options.out))
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

    from .. import models
    from ..family.variants import BLOCKS

    torch.manual_seed(options.seed)
    sizes = {"input_channels": images.shape[0], "num_classes": len(images.class_names)}
    network = options.network or ("document" if options.depth == 18 else "series")
    if network != "family" and (options.small_images or options.zero_scale):
        raise ValueError("--small-images and --zero-scale are for --network family alone")
    if network != "series" and options.block != "residual":
        raise ValueError(
            "depth 18 is the document's ResNet-18: it has --block residual alone"
            if network == "document"
            else "--block is for --network series alone"
        )
    if network == "document":
        if options.depth != 18:
            raise ValueError(f"the document's network has --depth 18, not {options.depth}")
        return models.resnet18(**sizes), "ResNet-18"
    if network == "family":
        options_of_it = {"small_images": options.small_images, "zero_scale": options.zero_scale}
        return models.resnet(options.depth, **sizes, **options_of_it), f"ResNet-{options.depth}"
    block = BLOCKS[options.block]
    return models.six_n_plus_two(options.depth, block, **sizes), f"{options.block}-{options.depth}"


def _images(options: argparse.Namespace, team):
    """Training and validation images, which the first process finds, names and hands on."""
    from ..datasets.layout import holds_photographs

    if team.decide(lambda: holds_photographs(options.data)):
        from ..datasets.image_folder import load_image_folder

        return load_image_folder(
            options.data,
            size=options.image_size,
            resize=options.resize,
            seed=options.seed,
            workers=options.workers,
            bad_images=options.bad_images,
            most_bad=options.most_bad,
            most_pixels=round(options.most_megapixels * 1e6),
            augment=options.augment is not False,
            decide=team.decide,
        )
    return team.decide(lambda: _tensors(options))


def _tensors(options: argparse.Namespace):
    from .. import data
    from ..datasets import augmentation, cifar10
    from ..fashion_mnist import load_fashion_mnist

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
