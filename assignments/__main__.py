"""The course's commands: `python -m assignments grade`, `rubric` or `build`, each with --help."""

import argparse
import importlib
import sys

COMMANDS = {
    "grade": ("grade", "grade a folder of submissions"),
    "rubric": (
        "marking.command",
        "write anonymised sheets for those who mark the answers in words",
    ),
    "build": (
        "editions.build",
        "make what students, instructors and nbgrader get of each assignment",
    ),
}


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit status; what the others import is not needed."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m assignments", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (module, help) in COMMANDS.items():
        command = commands.add_parser(name, help=help)
        if arguments[:1] == [name]:
            own = importlib.import_module(f".{module}", __package__)
            own.add_arguments(command)
            command.set_defaults(run=own.run)
            command.description = own.__doc__
    options = parser.parse_args(arguments)
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
