"""The other side of each comparison, each as its authors wrote it: d2l 0.17 and torchvision."""

import contextlib
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from d2l import torch as d2l
from torch import Tensor, nn
from torchvision import models as vision

from resnet.data import ImageSet

BATCH_SIZE, SIDE, EPOCHS, RATE = 256, 96, 10, 0.05  # of the chapter on ResNet in d2l's editions


def d2l_resnet18() -> nn.Sequential:
    """The document's ResNet-18 from d2l's own block, initialised as `train_ch6` does it."""

    def stage(channels: int, first: bool = False) -> list[nn.Module]:
        before = channels if first else channels // 2
        start = d2l.Residual(before, channels, use_1x1conv=not first, strides=1 if first else 2)
        return [start, d2l.Residual(channels, channels)]

    stem = [nn.Conv2d(1, 64, 7, 2, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    stages = [nn.Sequential(*stage(c, c == 64)) for c in (64, 128, 256, 512)]
    head = [nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(512, 10)]
    net = nn.Sequential(nn.Sequential(*stem), *stages, nn.Sequential(*head))
    for layer in net.modules():
        if type(layer) in (nn.Linear, nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
    return net


def d2l_step(net: nn.Module) -> Callable[[Tensor, Tensor], None]:
    """The body of the inner loop of `train_ch6`, its drawing left out."""
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE)
    loss, metric = nn.CrossEntropyLoss(), d2l.Accumulator(3)
    net.train()

    def step(X: Tensor, y: Tensor) -> None:
        optimizer.zero_grad()
        y_hat = net(X)
        value = loss(y_hat, y)
        value.backward()
        optimizer.step()
        with torch.no_grad():
            metric.add(value * X.shape[0], d2l.accuracy(y_hat, y), X.shape[0])

    return step


def torchvision_step() -> Callable[[Tensor, Tensor], None]:
    """torchvision's ResNet-18 for one channel and ten classes, in a plain loop in float32."""
    net = vision.resnet18(weights=None, num_classes=10)
    net.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    return d2l_step(net)


@contextlib.contextmanager
def d2l_loaders(training: ImageSet, test: ImageSet) -> Iterator[tuple]:
    """d2l's own pipeline over these images: files, PIL, its resize and its four worker processes.

    The images are written as the files that torchvision looks for, so nothing is downloaded.
    """
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This DataLoader will create 4 worker processes")
        raw, work = Path(name) / "data" / "FashionMNIST" / "raw", Path(name) / "work"
        raw.mkdir(parents=True), work.mkdir()
        for prefix, images in (("train", training), ("t10k", test)):
            _write_idx(raw / f"{prefix}-images-idx3-ubyte", images.images[:, 0])
            _write_idx(raw / f"{prefix}-labels-idx1-ubyte", images.labels.to(torch.uint8))
        os.chdir(work)  # d2l reads ../data
        try:
            yield d2l.load_data_fashion_mnist(BATCH_SIZE, resize=SIDE)
        finally:
            os.chdir(before)


def _write_idx(path: Path, values: Tensor) -> None:
    """The IDX format: two zeros, the type (8 for bytes), the number of sides, each side, values."""
    sides = b"".join(side.to_bytes(4, "big") for side in values.shape)
    path.write_bytes(bytes((0, 0, 8, values.ndim)) + sides + values.numpy().tobytes())
