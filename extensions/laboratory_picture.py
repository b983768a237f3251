"""The laboratory's stored runs as a picture: for print, and for browsers that cannot train."""

from __future__ import annotations

from statistics import fmean

WIDTH, HEIGHT = 560, 300
LEFT, TOP, BOTTOM = 52, 34, 40  # pixels around the axes
TITLE = "Training error at the end, a mark for each of {count} stored runs"


def picture(networks: dict[str, dict]) -> str:
    """An SVG in the colours of the page: the errors of each network, and their mean as a line."""
    count = len(next(iter(networks.values()))["errors"])
    means = ", ".join(f"{name} {fmean(n['errors']):.1%}" for name, n in networks.items())
    inside = [f'<text class="title" x="4" y="16">{TITLE.format(count=count)}</text>']
    inside += [grid(share) for share in (0, 0.25, 0.5, 0.75, 1)]
    room = (WIDTH - LEFT) / len(networks)
    for place, (name, found) in enumerate(networks.items()):
        inside += column(name, found["errors"], LEFT + (place + 0.5) * room)
    return (
        f'<svg class="laboratory-picture" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="Mean training errors: {means}">{"".join(inside)}</svg>'
    )


def up(share: float) -> float:
    return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def grid(share: float) -> str:
    line = f'<path class="grid" d="M{LEFT} {up(share)}H{WIDTH}"/>'
    return f'{line}<text x="{LEFT - 8}" y="{up(share) + 4}" text-anchor="end">{share:.0%}</text>'


def column(name: str, errors: list[float], middle: float) -> list[str]:
    """The marks of one network, side by side so that equal ones can be told apart."""
    kind = name.split("-")[0]
    mean = f'<path class="{kind} mean" d="M{middle - 34:.0f} {up(fmean(errors))}h68"/>'
    marks = [
        f'<circle class="{kind}" cx="{middle + (k % 7 - 3) * 7:.0f}" cy="{up(error)}" r="3"/>'
        for k, error in enumerate(errors)
    ]
    words = f'<text class="{kind}" x="{middle:.0f}" y="{HEIGHT - 14}" text-anchor="middle">{name}'
    return [mean, *marks, f"{words}</text>"]
