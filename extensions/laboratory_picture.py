"""The laboratory's stored runs as a picture: for print, and for browsers that cannot train."""

from statistics import fmean

WIDTH, HEIGHT = 560, 300
LEFT, TOP, BOTTOM = 52, 34, 40  # pixels around the axes
TOPS = (0.2, 0.4, 0.6, 0.8, 1.0)  # of the axis: the lowest that holds all errors
TITLE = "Training error at the end, a mark for each of {count} stored runs"


def picture(networks: dict[str, dict]) -> str:
    """An SVG in the colours of the page: the errors of each network, and their mean as a line."""
    count = len(next(iter(networks.values()))["errors"])
    means = ", ".join(f"{name} {fmean(n['errors']):.1%}" for name, n in networks.items())
    highest = max(max(found["errors"]) for found in networks.values())
    top = next(each for each in TOPS if each >= highest)
    inside = [f'<text class="title" x="4" y="16">{TITLE.format(count=count)}</text>']
    inside += [grid(quarter * top / 4, top) for quarter in range(5)]
    room = (WIDTH - LEFT) / len(networks)
    for place, (name, found) in enumerate(networks.items()):
        inside += column(name, found["errors"], top, LEFT + (place + 0.5) * room)
    return (
        f'<svg class="laboratory-picture" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="Mean training errors: {means}">{"".join(inside)}</svg>'
    )


def up(share: float, top: float) -> float:
    """Where a share stands on an axis that ends at `top`, in pixels from above."""
    return round(HEIGHT - BOTTOM - share / top * (HEIGHT - TOP - BOTTOM), 1)


def grid(share: float, top: float) -> str:
    y = up(share, top)
    words = f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{share:.0%}</text>'
    return f'<path class="grid" d="M{LEFT} {y}H{WIDTH}"/>{words}'


def column(name: str, errors: list[float], top: float, middle: float) -> list[str]:
    """The marks of one network, side by side so that equal ones can be told apart."""
    kind = name.split("-")[0]
    mean = f'<path class="{kind} mean" d="M{middle - 34:.0f} {up(fmean(errors), top)}h68"/>'
    marks = [
        f'<circle class="{kind}" cx="{middle + (k % 7 - 3) * 7:.0f}" cy="{up(error, top)}" r="3"/>'
        for k, error in enumerate(errors)
    ]
    words = f'<text class="{kind}" x="{middle:.0f}" y="{HEIGHT - 14}" text-anchor="middle">{name}'
    return [mean, *marks, f"{words}</text>"]
