"""Folders of images in ImageNet's layout, `train/CLASS/*.jpg` and `val/CLASS/*.jpg`.

Images are decoded anew for each batch, by threads and ahead of the training. How one is cropped and
flipped depends on seed, epoch and index alone, so that a run that goes on, or on more processes,
sees the same.
"""

import os
import random
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from tqdm.auto import tqdm

from . import crops
from .distributed import ALONE, Team
from .image_files import PARTS, BadImageError, look_at, read, shown

AHEAD = 3  # batches that are decoded while one is trained on
# Of the training images of ImageNet, the usual choice for photographs.
MEAN, SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class ImageFolder:
    """One part of a folder of images, with the methods of an `ImageSet`.

    Training images are cropped at random to `size` x `size` pixels and flipped; others are the
    centre that remains when the shorter side has `resize` pixels. `bad_images` is `refuse`, or
    `skip`: then the next file of the list stands in for a bad one in training, and validation
    leaves it out. `bad` collects what was met, by name.
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

    def settings(self) -> dict[str, int]:
        """What a run on these images must have in common with one that goes on."""
        return {"training_images": len(self), "image_size": self.size, "resize": self.resize}

    def digest(self) -> dict[str, str]:
        """Checksums of the files' names and sizes, and of their labels."""
        files = (f"{path.relative_to(self.source)} {path.stat().st_size}" for path in self.files)
        listed = zlib.crc32(os.fsencode("\n".join(files)))
        return {"files": f"{listed:08x}", "labels": f"{zlib.crc32(self.labels.numpy()):08x}"}

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
            if image is not None:
                box, flip = crops.at_random(*image.size, draw), draw.random() < 0.5
                return crops.cut(image, box, self.size, flip), there % len(self)
        raise BadImageError(f"{self.source} holds no image that can be decoded")

    def _as_it_is(self, index: int) -> tuple[Tensor, int] | None:
        image = self._image(index)
        if image is None:
            return None
        box = crops.at_centre(*image.size, self.size / self.resize)
        return crops.cut(image, box, self.size), index

    def _image(self, index: int) -> Image.Image | None:
        path = self.files[index]
        try:
            return read(path)
        except BadImageError as error:
            if self.bad_images == "refuse":
                raise
            if shown(path) not in self.bad:
                self.bad[shown(path)] = str(error)
                tqdm.write(f"Skipped: {error}")
            return None


def load_image_folder(
    folder: str | Path,
    *,
    size: int = 224,
    resize: int | None = None,
    seed: int = 0,
    workers: int = 4,
    bad_images: str = "refuse",
    team: Team = ALONE,
) -> tuple[ImageFolder, ImageFolder]:
    """Training and validation part of `folder`; classes are the folders of `train`, by name.

    `resize` is 8/7 of `size` unless given. Every file is looked at, bad ones are named on the
    screen. Raises DataError where there are some and `bad_images` is not `skip`, or where nothing
    is left.
    """
    folder = Path(folder)
    resize = resize or round(size * 8 / 7)
    if not 1 <= size <= resize or workers < 1:
        raise ValueError(
            f"images need a size of at least 1, no larger than resize, and a worker or more, "
            f"not {size}, {resize} and {workers}"
        )
    # One process looks, so that all have the same list, whatever a file system shows to others.
    names, parts = team.decide(lambda: look_at(folder, workers, bad_images == "skip"))
    sets = [
        ImageFolder(
            tuple(folder / part / name for name, _ in parts[part]),
            torch.tensor([label for _, label in parts[part]]),
            names,
            str(folder / part),
            size,
            resize,
            seed,
            workers,
            bad_images,
        )
        for part in PARTS
    ]
    return sets[0], sets[1]
