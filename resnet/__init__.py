"""Residual networks by experiment: the small module that the book's chapters import.

Names are handed on at first use, so `import resnet` costs next to nothing and the parts that only
read or draw results work without torch.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "BasicBlock": "models",
    "Bottleneck": "models",
    "Plain": "models",
    "Residual": "models",
    "residual_block": "models",
    "resnet18": "models",
    "resnet_block": "models",
    "six_n_plus_two": "models",
    "grow": "growing",
    "ImageSet": "data",
    "embedded": "data",
    "load_fashion_mnist": "fashion_mnist",
    "split": "data",
    "evaluate": "training",
    "fit": "training",
    "History": "results",
    "within_band": "results",
    "budget": "experiments",
    "images": "experiments",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'resnet' has no attribute {name!r}")
    return getattr(import_module(f"resnet.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
