"""Folders of images in ImageNet's layout, `train/CLASS/*.jpg` and `val/CLASS/*.jpg`.

Images are decoded anew for each batch, by threads and ahead of the training. How one is cropped and
flipped depends on seed, epoch and index alone, so that a run that goes on, or on more processes,
sees the same.
"""

import hashlib
import os
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from tqdm.auto import tqdm

from . import crops
from .image_files import MOST_PIXELS, BadImageError, read
from .layout import PARTS
from .listing import shown
from .looking import MOST_BAD, Folder, Part, look_at

AHEAD = 3  # batches that are decoded while one is trained on
# Of the training images of ImageNet, the usual choice for photographs.
MEAN, SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class ImageFolder:
    """One part of a folder of images, with the methods of an `ImageSet`.

    Training images are cropped at random to `size` x `size` pixels and flipped; others, and all
    where `augment` is false, are the centre that remains when the shorter side has `resize` pixels.
    `bad_images` is `refuse`, or `skip`: then the next file of the list stands in for a bad one in
    training, and validation leaves it out, as long as these are no whole class and no more than
    `most_bad` of the part. `bad` collects what was met, by name; `bad_before` files were found when
    the folder was looked at. `whites` is what is white in images of more than 8 bits.
    """

    files: tuple[Path, ...]
    labels: Tensor
    class_names: tuple[str, ...]
    source: str
    size: int = 224
    resize: int = 256
    seed: int = 0
    workers: int = 4
    bad_images: str = "refuse"
    device: torch.device = torch.device("cpu")
    bad: dict[str, str] = field(default_factory=dict, compare=False)
    file_sizes: tuple[int, ...] = ()
    whites: Mapping[str, float] = field(default_factory=dict, compare=False)
    augment: bool = True
    bad_before: int = 0
    most_bad: float = MOST_BAD
    most_pixels: int = MOST_PIXELS
    mean = MEAN
    sd = SD
    at_once = 64  # images to evaluate in one pass
    in_memory = False

    def __len__(self) -> int:
        return len(self.files)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one image as the network gets it."""
        return 3, self.size, self.size

    def to(self, device: str | torch.device) -> "ImageFolder":
        """The same images, whose batches come on another device."""
        return replace(self, device=torch.device(device))

    def settings(self) -> dict[str, Any]:
        """What a run on these images must have in common with one that goes on."""
        return {
            "training_images": len(self),
            "image_size": self.size,
            "resize": self.resize,
            "augment": self.augment,
            "whites": dict(self.whites),
        }

    def digest(self) -> dict[str, str]:
        """SHA-256 of the classes, and of the files in order: name, size in bytes and class."""
        whole = hashlib.sha256(os.fsencode("\0".join(self.class_names)))
        for path, size, label in zip(
            self.files, self.file_sizes, self.labels.tolist(), strict=True
        ):
            name = os.fsencode(path.relative_to(self.source).as_posix())
            whole.update(b"\n%d %d %s" % (label, size, name))
        return {"files": whole.hexdigest()[:16]}

    def batch(self, indices: Tensor | slice) -> tuple[Tensor, Tensor]:
        """Normalised float32 images (n, 3, size, size), not cropped at random, and labels (n,)."""
        for batch in self.batches([torch.arange(len(self))[indices]]):
            return batch
        raise BadImageError(f"{self.source}: none of the images of a batch can be decoded")

    def batches(
        self, order: Iterable[Tensor], epoch: int | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """The batch of each tensor of indices in `order`, cropped at random if there is an epoch.

        Raises BadImageError for a file that cannot be decoded where those are refused.
        """
        pool = ThreadPoolExecutor(self.workers)
        read = partial(self._for_training, epoch=epoch) if epoch is not None else self._as_it_is
        waiting: deque[list[Future]] = deque()
        try:
            for indices in order:
                waiting.append([pool.submit(read, int(index)) for index in indices])
                if len(waiting) > AHEAD:
                    yield from self._joined(waiting.popleft())
            while waiting:
                yield from self._joined(waiting.popleft())
        finally:
            pool.shutdown(cancel_futures=True)

    def _joined(self, images: list[Future]) -> Iterator[tuple[Tensor, Tensor]]:
        found = [image.result() for image in images]
        found = [image for image in found if image is not None]
        if not found:
            return
        pixels, labels = zip(*found, strict=True)
        X, y = torch.stack(pixels), self.labels[list(labels)]
        if self.device.type == "cuda":
            X, y = X.pin_memory(), y.pin_memory()
        X, y = (part.to(self.device, non_blocking=True) for part in (X, y))
        mean, sd = (torch.tensor(v, device=X.device).view(1, -1, 1, 1) for v in (MEAN, SD))
        yield (X.float() / 255 - mean) / sd, y

    def _for_training(self, index: int, epoch: int) -> tuple[Tensor, int]:
        """The image at `index`, or the next that can be decoded, so that batches stay full."""
        draw = random.Random(f"{self.seed} {epoch} {index}")
        for there in range(index, index + len(self)):
            image = self._image(there % len(self))
            if image is not None and not self.augment:
                return self._centre(image), there % len(self)
            if image is not None:
                box, flip = crops.at_random(*image.size, draw), draw.random() < 0.5
                return crops.cut(image, box, self.size, flip), there % len(self)
        raise BadImageError(f"{self.source} holds no image that can be decoded")

    def _as_it_is(self, index: int) -> tuple[Tensor, int] | None:
        image = self._image(index)
        return None if image is None else (self._centre(image), index)

    def _centre(self, image: Image.Image) -> Tensor:
        return crops.cut(image, crops.at_centre(*image.size, self.size / self.resize), self.size)

    def _image(self, index: int) -> Image.Image | None:
        path = self.files[index]
        try:
            return read(path, self.whites, self.most_pixels)
        except BadImageError as error:
            if self.bad_images == "refuse":
                raise
            if shown(path) not in self.bad:
                self.bad[shown(path)] = str(error)
                tqdm.write(f"Skipped: {error}")
                self._check_bound(int(self.labels[index]))
            return None

    def _check_bound(self, label: int) -> None:
        """BadImageError where more is bad by now than may be left out; each process counts its own.

        Classes are judged by what was whole when the folder was looked at.
        """
        of_class = (self.labels == label).nonzero().flatten().tolist()
        if all(shown(self.files[index]) in self.bad for index in of_class):
            raise BadImageError(
                f"{self.source}: no image of class {self.class_names[label]} can be decoded, and "
                "--bad-images skip leaves out no whole class"
            )
        bad, files = len(self.bad) + self.bad_before, len(self) + self.bad_before
        if bad > self.most_bad * files:
            raise BadImageError(
                f"{self.source}: {bad:,} of {files:,} images are bad by now, and --bad-images skip "
                f"leaves out no more than {self.most_bad:.0%}: mend them, or raise --most-bad"
            )


def load_image_folder(
    folder: str | Path,
    *,
    size: int = 224,
    resize: int | None = None,
    seed: int = 0,
    workers: int = 4,
    bad_images: str = "refuse",
    most_bad: float = MOST_BAD,
    most_pixels: int = MOST_PIXELS,
    augment: bool = True,
    decide: Callable[[Callable[[], Folder]], Folder] = lambda look: look(),
) -> tuple[ImageFolder, ImageFolder]:
    """Training and validation part of `folder`; classes are the folders of `train`, by name.

    `resize` is 8/7 of `size` unless given. Every file is looked at, bad ones are named on the
    screen, and `decide` says in which process. Raises DataError where some are bad and `bad_images`
    is not `skip`, where too many are, or where nothing is left.
    """
    folder = Path(folder)
    resize = resize or round(size * 8 / 7)
    if not 1 <= size <= resize or workers < 1:
        raise ValueError(
            f"images need a size of at least 1, no larger than resize, and a worker or more, "
            f"not {size}, {resize} and {workers}"
        )
    if not 0 <= most_bad < 1 or most_pixels < 1:
        raise ValueError(
            f"the share of bad images is from 0 to below 1, and an image has a pixel or more: not "
            f"{most_bad} and {most_pixels}"
        )
    # One process looks, so that all have the same list, whatever a file system shows to others.
    skip = bad_images == "skip"
    found = decide(lambda: look_at(folder, workers, skip, most_bad, most_pixels))
    settings = {
        "size": size,
        "resize": resize,
        "seed": seed,
        "workers": workers,
        "augment": augment,
        "bad_images": bad_images,
        "most_bad": most_bad,
        "most_pixels": most_pixels,
        "whites": found.whites,
    }
    training, validation = (
        _part(folder / name, found.class_names, found.parts[name], settings) for name in PARTS
    )
    return training, validation


def _part(
    folder: Path, class_names: tuple[str, ...], held: Part, settings: dict[str, Any]
) -> ImageFolder:
    paths, labels, sizes = zip(*held.images, strict=True)
    return ImageFolder(
        tuple(folder / path for path in paths),
        torch.tensor(labels),
        class_names,
        str(folder),
        file_sizes=sizes,
        bad_before=held.bad,
        **settings,
    )
