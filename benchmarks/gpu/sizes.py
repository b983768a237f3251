"""How much each part of the program for a GPU runs, in full and in a rehearsal."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Sizes of all parts; what is counted in steps takes the same time on any data."""

    device: str
    check_images: int
    chapters: tuple[str, ...]
    small_chapters: bool
    rounds: int
    side: int
    batch_size: int
    runs: int  # whole runs to the goal, one per seed
    seeds: int  # that are trained side by side
    seed_steps: int
    depths: tuple[int, ...]
    cifar_steps: int
    cifar_images: int | None  # None for the real ones
    photographs: int
    photograph_side: int
    recipe_depth: int


FULL = Size(
    device="cuda",
    check_images=512,
    chapters=("01", "02", "03", "04", "05", "06", "07", "08"),
    small_chapters=False,
    rounds=9,
    side=96,
    batch_size=256,
    runs=5,
    seeds=8,
    seed_steps=100,
    depths=(20, 56, 110),
    cifar_steps=64_000,
    cifar_images=None,
    photographs=4096,
    photograph_side=224,
    recipe_depth=50,
)
REHEARSAL = Size(
    device="cpu",
    check_images=64,
    chapters=("05",),
    small_chapters=True,
    rounds=2,
    side=32,
    batch_size=4,
    runs=1,
    seeds=2,
    seed_steps=2,
    depths=(8,),
    cifar_steps=4,
    cifar_images=40,
    photographs=8,
    photograph_side=32,
    recipe_depth=18,
)
