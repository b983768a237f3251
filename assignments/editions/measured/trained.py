"""Trains the small network whose weights assignment 2 hands out, and stores it with the package.

    python -m assignments.editions.measured.trained        about three minutes on one CPU core

The weights are stored under names and in layouts that are not PyTorch's, because translating them
is one of the tasks. They are rounded to half precision, which keeps the file small; the test error
and the choice of images are measured with the rounded weights.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy
import torch
from torch import Tensor, nn

import resnet
from resnet.data import ImageSet, embedded
from resnet.models import BasicBlock, six_n_plus_two
from resnet.training import fit

PATH = Path(resnet.__file__).parent / "assets" / "coursework" / "network_weights.npz"
SETTINGS = {"epochs": 15, "batch_size": 64, "learning_rate": 0.1, "seed": 0}
# Images are handed out where the first class is not certain and the second is not as likely.
MOST_SURE, LEAST_GAP = 0.9, 0.2
NORM = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


def untrained() -> nn.Sequential:
    """The network of the assignment: 8 layers, 8, 16 and 32 channels, a stem without stride."""
    return six_n_plus_two(8, BasicBlock, width=8, stem_strides=1)


def renamed(state: Mapping[str, Tensor]) -> dict[str, numpy.ndarray]:
    """A state dict of that network as it is handed out; kernels have their channels last."""
    given = {}
    for name, tensor in state.items():
        layer, _, kind = name.rpartition(".")
        if kind == "num_batches_tracked":
            continue
        place, norm = _place(layer), "norm" in _place(layer)
        array = tensor.detach().cpu().numpy()
        if array.ndim == 4:
            array = array.transpose(2, 3, 1, 0)
        elif array.ndim == 2:
            array = array.T
        given[f"{place}/{NORM[kind] if norm else 'kernel' if kind == 'weight' else kind}"] = array
    return given


def _place(layer: str) -> str:
    """`stage2.0.shortcut.1` is `stage2_block1_shortcut_norm`; blocks count from 1."""
    fixed = {"stem.0": "stem_conv", "stem.1": "stem_norm", "head.2": "head_dense"}
    if layer in fixed:
        return fixed[layer]
    stage, block, *rest = layer.split(".")
    inner = {"shortcut.0": "shortcut_conv", "shortcut.1": "shortcut_norm"}
    part = ".".join(rest)
    return f"{stage}_block{int(block) + 1}_{inner.get(part, part.replace('bn', 'norm'))}"


@torch.inference_mode()
def scores(net: nn.Module, images: ImageSet) -> Tensor:
    """Logits (N, classes) of all images."""
    parts = torch.arange(len(images)).split(500)
    return torch.cat([net.eval()(images.batch(part)[0]) for part in parts])


def uncertain(logits: Tensor) -> list[int]:
    """The images whose first class is neither certain nor in a draw with the second."""
    best = logits.topk(2, dim=1).values
    wavers = logits.softmax(dim=1).amax(dim=1) < MOST_SURE
    return (wavers & (best[:, 0] - best[:, 1] > LEAST_GAP)).nonzero().flatten().tolist()


def main() -> None:
    training, test = embedded()
    torch.manual_seed(SETTINGS["seed"])
    net = untrained()
    history = fit(net, training, **SETTINGS, precision="float32", label="assignment 2")
    net.load_state_dict({n: t.half().to(t.dtype) for n, t in net.state_dict().items()})
    logits = scores(net, test)
    about = {
        "test_error": (logits.argmax(dim=1) != test.labels).double().mean().item(),
        "settings": history.settings,
        "provenance": history.provenance,
    }
    PATH.parent.mkdir(exist_ok=True)
    numpy.savez_compressed(
        PATH,
        about=numpy.array(json.dumps(about)),
        images=numpy.array(uncertain(logits), dtype=numpy.int16),
        **{n: array.astype(numpy.float16) for n, array in renamed(net.state_dict()).items()},
    )
    print(json.dumps(about, indent=2), len(uncertain(logits)), PATH.stat().st_size)


if __name__ == "__main__":
    main()
