"""What to do where no sandbox works, for the person who reads it in a terminal."""

import shutil
import sys

PROFILE_FILE = "/etc/apparmor.d/bwrap"
PROFILE = """\
abi <abi/4.0>,
include <tunables/global>
profile bwrap /usr/bin/bwrap flags=(unconfined) {
  userns,
}
"""
CONTAINER = """\
With Docker or Podman, once and after each change of the package resnet:

    docker build --tag resnet-grader --file assignments/sandbox/Containerfile .

and then grade with `--container docker` (or podman)."""
UNSAFE = """\
`--unsafe` grades without any sandbox: students' code could then read and change all your files."""


def remedy(problem: str) -> str:
    """Why students' code is not run here and what helps; `problem` is what bubblewrap said."""
    if not sys.platform.startswith("linux"):
        why = "Students' code runs in a sandbox, and bubblewrap exists for Linux alone."
        return "\n\n".join([why, CONTAINER, UNSAFE])
    missing = [name for name in ("bwrap", "setpriv") if shutil.which(name) is None]
    if missing:
        why = f"Students' code runs in a sandbox, which needs {' and '.join(missing)}. Install"
        packages = (
            "the packages bubblewrap and util-linux:\n\n    sudo apt install bubblewrap util-linux"
        )
        return "\n\n".join([f"{why} {packages}", "Or use a container. " + CONTAINER, UNSAFE])
    return "\n\n".join([_forbidden(problem), "Or use a container. " + CONTAINER, UNSAFE])


def _forbidden(problem: str) -> str:
    indented = "".join(f"    {line}\n" for line in PROFILE.splitlines())
    return f"""\
Students' code runs in a sandbox, and bubblewrap, though installed, does not work here. It said:

    {problem}

"Unknown option" means that it is older than version 0.8. "Permission denied" or "Operation not
permitted" means that the system forbids it namespaces, as Ubuntu does from 24.04 on until an
AppArmor profile allows them. Write this to {PROFILE_FILE}:

{indented}
and load it:

    sudo apparmor_parser --replace {PROFILE_FILE}

Inside a container that was not started for this, bubblewrap cannot work."""


def container_remedy(problem: str) -> str:
    """As above, where a container was asked for and does not start."""
    return f"The container does not start. It said:\n\n    {problem}\n\n{CONTAINER}"


WARNING = """\
WARNING: NO SANDBOX. Students' code runs as you, with your files, your network and your rights.
Whatever a submission does, it does to this machine. Grade only what you have read."""
