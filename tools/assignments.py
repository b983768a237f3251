"""Builds what students, instructors and nbgrader get of the course, into `_build/assignments`."""

import argparse
import sys

from assignments import build


def main(arguments: list[str]) -> int:
    """As `python -m assignments build`; exit status 1 where a source is not fit for it."""
    parser = argparse.ArgumentParser(prog="python -m tools assignments", description=__doc__)
    build.add_arguments(parser)
    return build.run(parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
