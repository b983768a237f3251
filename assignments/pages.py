"""What the grader's HTML pages share: one file each, no scripts, and nothing fetched."""

import html
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

STYLE = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
# The browser holds to it, too: not even an escaped text could make the page fetch or run anything.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"

TURNS = {"RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI"}


def text(value: object) -> str:
    """Text for a page: escaped, without control characters that would turn or break it."""
    kept = "".join(map(visible, str(value)))
    return html.escape(kept.encode("utf-8", "replace").decode("utf-8"))


def visible(letter: str) -> str:
    """The letter, or a stand-in where it is a control, a stray half or turns the text around."""
    turns = unicodedata.bidirectional(letter) in TURNS
    broken = unicodedata.category(letter) in {"Cc", "Cs"} and letter not in "\n\t"
    return "\N{REPLACEMENT CHARACTER}" if turns or broken else letter


def page(title: str, body: Iterable[str], kind: str = "") -> str:
    """A whole page; `title` is plain text, `body` is HTML."""
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="robots" content="noindex">',
            f"<title>{text(title)}</title>",
            f"<style>\n{STYLE}</style>",
            "</head>",
            f'<body class="{kind}">' if kind else "<body>",
            *body,
            "</body>",
            "</html>",
            "",
        ]
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int]) -> str:
    """A table of HTML cells; columns `numbers` are set to the right, the first heads its row."""
    lines = ['<div class="wide" tabindex="0">', "<table>", "<thead><tr>"]
    right = [' class="number"' if place in numbers else "" for place in range(len(head))]
    lines += [f'<th scope="col"{css}>{cell}</th>' for css, cell in zip(right, head, strict=True)]
    lines.append("</tr></thead>")
    for first, *others in rows:
        cells = [f"<td{css}>{cell}</td>" for css, cell in zip(right[1:], others, strict=True)]
        lines.append(f'<tr><th scope="row">{first}</th>{"".join(cells)}</tr>')
    return "\n".join([*lines, "</table>", "</div>"])


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """A list of names and what they are; the names are plain text, the rest is HTML."""
    lines = [f"<dt>{text(name)}</dt><dd>{value}</dd>" for name, value in pairs]
    return "\n".join(['<dl class="facts">', *lines, "</dl>"])


def person(name: str) -> str:
    """A name as it may be in any script, kept from turning the text around it."""
    return f"<bdi>{text(name)}</bdi>"
