"""One script of several pieces: pages work from a folder, too, where browsers load no modules."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

LIVE = Path(__file__).resolve().parent / "live"
COMMENT = re.compile(r"^ *//.*\n", re.MULTILINE)
CHART = tuple(LIVE / f"{name}.js" for name in ("chart", "controls"))  # what draws and asks


def joined(pieces: Iterable[Path]) -> str:
    """The pieces, in their order, as one function that leaves no names on the page.

    Lines of comment alone stay behind: a reader's browser need not fetch them.
    """
    texts = (COMMENT.sub("", piece.read_text("utf-8")) for piece in pieces)
    return "\n".join(["(() => {", '"use strict";', *texts, "})();", ""])


def address(context: dict, name: str, text: str) -> str:
    """Where a page finds a file beside the others, at a new address when its text changes."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{context['pathto'](f'_static/{name}', 1)}?v={digest}"
