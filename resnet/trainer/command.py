"""`python -m resnet train`: what it runs and reports, in one process or under `torchrun`."""

import argparse
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
    from ..runtime import distributed

    with distributed.team(options.device) as (team, device):
        return _train(options, team, device)


def _train(options: argparse.Namespace, team, device) -> int:
    import torch

    from ..runtime import distributed
    from ..runtime.checkpoints import CheckpointError
    from ..runtime.device import choose
    from ..training import TrainingDiverged
    from . import named_networks, predicting
    from .loop import fit

    _check(options, team)  # before the images, which may take their time
    metrics = _metrics(options)
    network = named_networks.described(vars(options))
    training, validation = _images(options, team)
    torch.manual_seed(options.seed)
    model = named_networks.build(network, training.shape[0], len(training.class_names))
    if options.sync_batch_norm:
        model = distributed.synchronised(model, choose(device).device)
    if options.out:
        team.decide(lambda: files.make_writable(options.out))
    score_training = options.score_training
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
            threads=options.threads,
            score_training=training.in_memory if score_training is None else score_training,
            label=named_networks.label(network),
            checkpoint=options.out and options.out / predicting.CHECKPOINT,
            begin_anew=options.begin_anew and not distributed.restarted(),
            checkpoint_every=options.checkpoint_every,
            about=predicting.about(network, training),
            metrics=metrics if team.leads else None,
            team=team,
        )
    except CheckpointError as error:
        advised = CheckpointError(f"{error}: name another folder by --out, or say --begin-anew")
        advised.told = getattr(error, "told", False)
        raise advised from error
    except TrainingDiverged as error:
        history = error.history
        team.decide(lambda: reporting.report(history, options.out))
        raise
    team.decide(lambda: reporting.report(history, options.out))
    named = [*training.bad, *validation.bad]
    bad = {name for each in team.gather(named) for name in each}
    if bad and team.leads:
        print(f"Skipped in training and validation: {len(bad)} images, named above")
    return 130 if history.interrupted else 0


def _check(options: argparse.Namespace, team) -> None:
    """ValueError for options that cannot be trained with, in the options' own names."""
    from ..runtime.preconditions import check_settings

    check_settings(
        {**vars(options), "processes": team.size}, lambda name: f"--{name.replace('_', '-')}"
    )


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
    from ..runtime.descent import OneCycle, Steps

    kind = {"one-cycle": OneCycle, "steps": Steps}[options.schedule]
    return kind() if options.warm_up is None else kind(options.warm_up)


def _metrics(options: argparse.Namespace):
    from .metrics import Metrics

    asked = options.metrics is not None or options.tensorboard
    if options.out is None:
        if asked or options.checkpoint_every or options.begin_anew:
            raise ValueError("metrics and checkpoints need a folder: name one by --out")
        return None
    board = options.out / "tensorboard" if options.tensorboard else None
    return Metrics(options.out / "metrics.jsonl", options.metrics or 50, board) if asked else None
