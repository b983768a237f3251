"""Where a network runs: which device, precision, memory format, and how many threads."""

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

PRECISIONS = {
    "float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16
}  # fmt: skip
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
# With fewer multiply-adds in a mean layer, over a batch, threads mostly wait for each other: on two
# cores the second one costs 40 % more processor time at 26 million and 4 % at 106 million.
WORTH_ALL_THREADS = 60e6


@dataclass(frozen=True)
class Place:
    """A device with the precision and memory format that `fit` uses there, and why these.

    `threads` are those of a CPU, None until a run has chosen them.
    """

    device: torch.device
    precision: torch.dtype
    memory_format: torch.memory_format
    threads: int | None = None
    reason: str = field(default="", compare=False)

    @contextlib.contextmanager
    def arithmetic(self) -> Iterator[None]:
        """For the forward pass: mixed precision unless float32, on a CPU without idle taps."""
        mixed = self.precision != torch.float32
        with contextlib.ExitStack() as stack:
            stack.enter_context(torch.autocast(self.device.type, self.precision, enabled=mixed))
            if self.device.type == "cpu":
                stack.enter_context(WithoutIdleTaps())
            yield

    def scaler(self) -> torch.amp.GradScaler:
        """Keeps small gradients of float16 above zero; does nothing in the other precisions."""
        mixed = self.precision == torch.float16
        # From 2^10 and not from 2^16, which overflows and costs these short runs their first steps.
        return torch.amp.GradScaler(self.device.type, init_scale=2.0**10, enabled=mixed)

    def names(self) -> dict[str, str]:
        """Precision and memory format as `choose` takes them."""
        (layout,) = (name for name, kind in LAYOUTS.items() if kind == self.memory_format)
        return {"precision": str(self.precision).removeprefix("torch."), "layout": layout}

    def describe(self) -> str:
        """One line for the screen, such as `cpu, float32, contiguous, 1 thread`."""
        name = str(self.device)
        if self.device.type == "cuda":
            name = torch.cuda.get_device_name(self.device)
        words = [name, *self.names().values()]
        if self.threads:
            words.append("1 thread" if self.threads == 1 else f"{self.threads} threads")
        return ", ".join(words)


class WithoutIdleTaps(TorchFunctionMode):
    """Leaves out the rows and columns of a kernel that meet nothing but padding.

    A 3x3 kernel on a 1x1 map multiplies one pixel and eight zeros, and a CPU's library does all
    nine. The outputs are the same, and the gradient of the taps left out is zero as before.
    """

    def __torch_function__(self, function, types, arguments=(), options=None):
        if function is torch.conv2d and len(arguments) == 7 and not isinstance(arguments[4], str):
            X, weight, bias, strides, padding, dilation, groups = arguments
            sizes = zip(X.shape[2:], weight.shape[2:], strides, padding, dilation, strict=True)
            rows, columns = (_busy_taps(*size) for size in sizes)
            if rows and columns:
                arguments = (X, weight[:, :, rows, columns], bias, strides, 0, dilation, groups)
        return function(*arguments, **(options or {}))


@functools.cache
def _busy_taps(size: int, kernel: int, stride: int, padding: int, dilation: int) -> slice | None:
    """The taps that meet a pixel, None unless these do the same without any padding."""
    outputs = (size + 2 * padding - kernel) // stride + 1
    met = [tap for tap in range(kernel) for at in range(outputs)
           if 0 <= at * stride + tap - padding < size]  # fmt: skip
    if dilation != 1 or not met or min(met) != padding:
        return None
    same = (size - (max(met) - min(met) + 1)) // stride + 1 == outputs
    return slice(min(met), max(met) + 1) if same else None


def choose(
    device: str | torch.device | None = None,
    precision: str | None = None,
    layout: str | None = None,
) -> Place:
    """The GPU where there is one, else the CPU; float32 there, on a GPU the half that it has.

    Below CUDA capability 8.0 bfloat16 is emulated, slowly, though `is_bf16_supported` says yes
    (pytorch issue 148322): float32 there. Raises ValueError for what is not to be had.
    """
    try:
        place = torch.device(device or _best_device())
    except RuntimeError as error:
        raise ValueError(f"torch knows no device {device!r}: take cpu, cuda or mps") from error
    missing_cuda = place.type == "cuda" and not torch.cuda.is_available()
    if missing_cuda or place.type == "mps" and not torch.backends.mps.is_available():
        raise ValueError(f"device {str(place)!r} was asked for, and torch finds no GPU here")
    for kind, asked, known in (("precision", precision, PRECISIONS), ("layout", layout, LAYOUTS)):
        if asked is not None and asked not in known:
            raise ValueError(f"{kind} must be one of {', '.join(known)}, not {asked!r}")
    on_gpu = place.type == "cuda"
    chosen = precision or ("bfloat16" if on_gpu and _has_bfloat16(place) else "float32")
    layout = layout or ("channels_last" if on_gpu else "contiguous")
    return Place(place, PRECISIONS[chosen], LAYOUTS[layout])


def candidates(model: nn.Module, place: Place, layout: str | None = None) -> list[Place]:
    """What a self-test tries on the device of `place`: plain float32 first; `layout` fixes one."""
    with contextlib.suppress(ValueError):
        check_layout(model, replace(place, memory_format=torch.channels_last))
        return _candidates(place, layout)
    return _candidates(place, "contiguous")


def _candidates(place: Place, layout: str | None) -> list[Place]:
    device = place.device
    if device.type == "mps":
        return [place]
    half = torch.bfloat16 if _has_bfloat16(device) else torch.float16
    if device.type == "cpu" and half == torch.float16:
        half = torch.float32  # a CPU without bfloat16 has no fast float16 either
    both = [LAYOUTS[layout]] if layout else list(LAYOUTS.values())
    places = [replace(place, precision=torch.float32, memory_format=each) for each in both]
    return list(dict.fromkeys([*places, replace(places[-1], precision=half)]))


def check_layout(model: nn.Module, place: Place) -> None:
    """ValueError where channels_last would crash the process.

    With AVX2 alone oneDNN writes beyond its memory in the backward pass of a strided 1x1
    convolution of fewer than 8 channels (seen in torch 2.14.1).
    """
    if place.device.type != "cpu" or place.memory_format != torch.channels_last:
        return
    convolutions = (layer for layer in model.modules() if isinstance(layer, nn.Conv2d))
    for layer in convolutions:
        strided = layer.kernel_size == (1, 1) and max(layer.stride) > 1
        if strided and layer.in_channels < 8:
            raise ValueError(f"layout must be contiguous on a CPU for {layer}: it can crash")


def enough_threads(work: float) -> int:
    """One thread where `work`, multiply-adds of a mean layer over a batch, is little; else all."""
    return 1 if work < WORTH_ALL_THREADS else torch.get_num_threads()


@contextlib.contextmanager
def same_threads_afterwards() -> Iterator[None]:
    """Puts torch's number of threads back, whatever happens in between."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is arithmetic of the device and not emulated."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    has_onednn = device.type == "cpu" and torch.backends.mkldnn.is_available()
    return has_onednn and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def _best_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
