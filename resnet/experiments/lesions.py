"""What a grid finds inside a trained network: lesions, swaps, paths, slices of its loss."""

import random
from collections.abc import Iterable
from itertools import combinations
from typing import Any

from torch import Tensor, nn

from .. import probes
from ..data import ImageSet
from ..probes import renew_batch_norm
from ..training import evaluate
from .measures import PROBED_IMAGES, rounded, six_digits
from .settings import Setting, grid_images, trained


def inside(setting: Setting) -> dict[str, Any]:
    """A trained network looked at: lesions, swaps, paths, responses, slices of its landscape."""
    model, history = trained(setting)
    training, watched = grid_images(setting)
    X, y = training.batch(slice(PROBED_IMAGES))
    found = {
        "training_error": history.last("training_error"),
        "validation_error": history.last("validation_error"),
        "responses": rounded(probes.responses(model, X)),
        **lesions(model, training, watched, setting.seed),
        **landscape(model, training.subset(slice(500)), setting.seed),
    }
    if setting.block != "plain":
        found["path_gradient"] = path_gradients(model, X[:64], y[:64], setting.seed)
    return found


def lesions(
    model: nn.Module, training: ImageSet, images: ImageSet, seed: int, draws: int = 5
) -> dict[str, Any]:
    """Errors on `images` without each block, with neighbours swapped, and without several.

    `removed_renewed` is `removed` after batch norm has gone over 500 training images anew, so that
    statistics of a network that is no more are not what does the harm. The draws of several blocks
    are many, so they are scored on the first 500 images.
    """
    few, renewing = images.subset(slice(500)), training.subset(slice(500))
    removable = probes.removable_blocks(model)
    pairs = [
        (one, other)
        for one, other in zip(removable, removable[1:], strict=False)
        if one.split(".")[0] == other.split(".")[0]
    ]
    drawn = random.Random(seed)
    removed, renewed = {}, {}
    for name in removable:
        cut = probes.without_blocks(model, [name])
        removed[name] = evaluate(cut, images).error
        renew_batch_norm(cut, renewing)
        renewed[name] = evaluate(cut, images).error
    return {
        "removed": removed,
        "removed_renewed": renewed,
        "swapped": {
            f"{one} {other}": evaluate(probes.with_swapped_blocks(model, one, other), images).error
            for one, other in pairs
        },
        "several_removed": {
            str(count): [
                evaluate(probes.without_blocks(model, drawn.sample(removable, count)), few).error
                for _ in range(draws)
            ]
            for count in range(1, len(removable) + 1)
        },
    }


def path_gradients(model, X, y, seed: int, draws: int = 10) -> dict[str, list[float]]:
    """Norms of the gradient through `draws` random paths of each length, lengths as keys."""
    names, drawn = probes.blocks(model), random.Random(seed)
    return {
        str(length): [
            six_digits(_norm(probes.gradient_along(model, X, y, drawn.sample(names, length))))
            for _ in range(draws)
        ]
        for length in range(len(names) + 1)
    }


def _norm(gradient: Tensor) -> float:
    return gradient.double().norm().item()


def landscape(model: nn.Module, images: ImageSet, seed: int) -> dict[str, Any]:
    """Losses along three filter-normalised directions, 41 places each from -1 to 1.

    The trained weights are in the middle.
    """
    directions = [probes.filter_normalised_direction(model, 10 * seed + k) for k in range(3)]
    along = [(step / 20,) for step in range(-20, 21)]
    return {"slices": [_losses(model, [each], along, images) for each in directions]}


def _losses(model, directions, places: Iterable, images: ImageSet) -> list[float]:
    moved = probes.moved(model, directions, places)
    return [six_digits(evaluate(each, images).loss) for each in moved]


def every_subset(setting: Setting) -> dict[str, Any]:
    """The error without each subset of the blocks that keep the shape, named by their places.

    The key `0 3` is the network without the first and the fourth of them, the empty key the whole
    one. That is 2 to the number of blocks, so this is for networks of 20 layers and less.
    """
    model, _ = trained(setting)
    _, watched = grid_images(setting)
    names = probes.removable_blocks(model)
    places = range(len(names))
    removals = [out for count in range(len(names) + 1) for out in combinations(places, count)]
    return {
        "blocks": names,
        "error": {
            " ".join(map(str, out)): evaluate(
                probes.without_blocks(model, [names[place] for place in out]), watched
            ).error
            for out in removals
        },
    }
