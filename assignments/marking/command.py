"""Writes anonymised sheets for those who mark the answers in words."""

import argparse
import sys
from pathlib import Path

from . import sheets


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("submissions", type=Path, help="the folder as the platform exports it")
    parser.add_argument("--out", type=Path, required=True, help="the folder for sheets and key")
    parser.add_argument(
        "--assignment", help="its name, or its notebook, where those handed in do not tell"
    )
    parser.add_argument("--roster", type=Path, help="the platform's gradebook, for full names")
    parser.add_argument("--key", default="", help="a secret of the course from which codes come")


def run(arguments: argparse.Namespace) -> int:
    """Writes the sheets and the key, and says what is where; 1 with a sentence where it cannot."""
    try:
        lines = sheets.write(
            arguments.submissions,
            arguments.out,
            assignment=arguments.assignment,
            book=arguments.roster,
            secret=arguments.key,
        )
    except (ValueError, OSError) as error:  # each file's own error is a ValueError with a sentence
        print(f"assignments: {error}", file=sys.stderr)
        return 1
    print("\n".join(lines))
    return 0
