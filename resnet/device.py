"""Where a network runs: which device, which precision, which memory format."""

from dataclasses import dataclass

import torch

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Place:
    """A device with the precision and memory format that `fit` uses there."""

    device: torch.device
    precision: torch.dtype
    memory_format: torch.memory_format

    def autocast(self) -> torch.autocast:
        """Mixed precision for the forward pass; switched off in float32."""
        mixed = self.precision != torch.float32
        return torch.autocast(self.device.type, dtype=self.precision, enabled=mixed)

    def describe(self) -> str:
        """One line for the screen, such as `cpu, float32, contiguous, 2 threads`."""
        name = str(self.device)
        if self.device.type == "cuda":
            name = torch.cuda.get_device_name(self.device)
        words = [str(self.precision), str(self.memory_format).replace("_format", "")]
        if self.device.type == "cpu":
            words.append(f"{torch.get_num_threads()} threads")
        return ", ".join([name, *words]).replace("torch.", "")


def choose(device: str | torch.device | None = None, precision: str | None = None) -> Place:
    """The GPU where there is one, else the CPU; float32 there, bfloat16 where the GPU has it.

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
    if precision is not None and precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, not {precision!r}")
    on_gpu = place.type == "cuda"
    fast = on_gpu and torch.cuda.get_device_capability(place) >= (8, 0)
    chosen = precision or ("bfloat16" if fast else "float32")
    layout = torch.channels_last if on_gpu else torch.contiguous_format
    return Place(place, PRECISIONS[chosen], layout)


def _best_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
