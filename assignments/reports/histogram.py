"""A histogram of totals as a picture in the page itself, and as a table for whoever sees none."""

from collections.abc import Iterable, Sequence

from ..pages import table, text
from ..tables import printable

BINS = 10
WIDTH, HEIGHT, TOP, BASE = 460, 210, 20, 170  # in the picture's own units


def histogram(values: Sequence[float], of: float) -> Iterable[str]:
    """Ten columns, each with how many totals lie in that tenth of the points, as lines of HTML."""
    bins = binned(values, of)
    labels = [label(place, of) for place in range(BINS)]
    said = "; ".join(f"{name}: {n}" for name, n in zip(labels, bins, strict=True) if n)
    alternative = text(f"Submissions by total points. {said}")
    yield "<figure>"
    yield f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{alternative}">'
    for place, count in enumerate(bins):
        yield from column(place, count, count / max(*bins, 1))
    yield f'<line x1="0" y1="{BASE}" x2="{WIDTH}" y2="{BASE}"></line>'
    yield from axis(of)
    yield "</svg>"
    yield "<figcaption>Submissions by total points. A total on the border of two columns "
    yield "counts in the right one.</figcaption>"
    yield "</figure>"
    yield "<details><summary>The same as a table</summary>"
    rows = [(name, str(n)) for name, n in zip(labels, bins, strict=True)]
    yield table(("Points", "Submissions"), rows, numbers=[1])
    yield "</details>"


def binned(values: Sequence[float], of: float) -> list[int]:
    """How many values lie in each tenth of the points; more than all of them counts in the last."""
    bins = [0] * BINS
    for value in values:
        bins[min(BINS - 1, int(BINS * value / of + 1e-9))] += 1
    return bins


def label(place: int, of: float) -> str:
    return f"{printable(of * place / BINS)} to {printable(of * (place + 1) / BINS)}"


def column(place: int, count: int, share: float) -> Iterable[str]:
    """A column of that share of the height, with its count above it."""
    width, tall = WIDTH / BINS, (BASE - TOP) * share
    if count:
        yield (
            f'<rect class="column" x="{place * width + 3:.1f}" y="{BASE - tall:.1f}" '
            f'width="{width - 6:.1f}" height="{tall:.1f}" rx="2"></rect>'
        )
        yield words(place * width + width / 2, BASE - tall - 6, str(count))


def axis(of: float) -> Iterable[str]:
    """Every second border of the columns in points."""
    for place in range(0, BINS + 1, 2):
        anchor = {0: "start", BINS: "end"}.get(place, "middle")
        yield words(place * WIDTH / BINS, BASE + 18, printable(of * place / BINS), anchor)
    yield words(WIDTH / 2, HEIGHT - 6, "points")


def words(x: float, y: float, said: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{said}</text>'
