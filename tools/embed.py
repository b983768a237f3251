"""Writes the embedded images: a subset of Fashion-MNIST in which every class has the same share."""

import sys
from pathlib import Path

import numpy

from resnet.data import DataError, ImageSet
from resnet.fashion_mnist import DEBIAN_FOLDER, read_folder

from .environment import ROOT

TARGET = ROOT / "resnet" / "assets" / "fashion_mnist_subset.npz"
PER_CLASS = {"train": 600, "test": 200}


def main(arguments: list[str]) -> int:
    """Writes the subset of the full set in the folder given, by default Debian's."""
    folder = Path(arguments[0]) if arguments else DEBIAN_FOLDER
    try:
        training, test = read_folder(folder)
    except DataError as error:
        print(f"tools: {error} (Debian: apt-get install dataset-fashion-mnist)", file=sys.stderr)
        return 1
    write(training, test, TARGET)
    print(f"{TARGET.relative_to(ROOT)}: {TARGET.stat().st_size / 1e6:.1f} MB")
    return 0


def write(training: ImageSet, test: ImageSet, target: Path) -> None:
    """Draws the subset by a fixed seed, shuffled, so that every slice of it is representative."""
    generator = numpy.random.default_rng(0)
    arrays = {}
    for part, images in (("train", training), ("test", test)):
        labels = images.labels.numpy()
        drawn = [
            generator.choice(numpy.flatnonzero(labels == label), PER_CLASS[part], replace=False)
            for label in range(len(images.class_names))
        ]
        chosen = generator.permutation(numpy.concatenate(drawn))
        arrays[f"{part}_images"] = images.images.numpy()[chosen, 0]
        arrays[f"{part}_labels"] = labels[chosen].astype(numpy.uint8)
    numpy.savez_compressed(target, **arrays)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
