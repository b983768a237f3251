"""How far colours are apart, as WCAG defines it."""

from collections.abc import Sequence


def contrast(one: Sequence[int], other: Sequence[int]) -> float:
    """The ratio of two colours, each red, green and blue from 0 to 255."""
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: Sequence[int]) -> float:
    parts = [value / 255 for value in colour]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return sum(share * v for share, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
