"""Shows that the unit tests catch wrong blocks: each mutant of `Residual` must fail a test.

The mutants live in temporary copies; the tree is never touched.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .environment import ROOT

CONV1 = "kernel_size=3, padding=1, stride=strides)"
CONV2 = "self.conv2 = nn.Conv2d(num_channels, num_channels, kernel_size=3, padding=1)"
ADD = "return F.relu(self.residual(X) + self.shortcut(X))"
IN_PLACE = "Y = self.residual(X)\n        X.data += Y\n        return F.relu(Y + self.shortcut(X))"
# What is wrong, and the edit of the class's source (as `ast.unparse` prints it) that makes it so.
MUTANTS = {
    "no last ReLU": (ADD, "return self.residual(X) + self.shortcut(X)"),
    "ReLU before the addition": (ADD, "return F.relu(self.residual(X)) + self.shortcut(X)"),
    "no shortcut": (ADD, "return F.relu(self.residual(X))"),
    "addition in place before the shortcut is taken": (ADD, IN_PLACE),
    "shortcut added twice": (ADD, "return F.relu(self.residual(X) + 2 * self.shortcut(X))"),
    "stride on both convolutions": (CONV2, CONV2[:-1] + ", stride=strides)"),
    "wrong width of the second convolution": (CONV2, CONV2.replace(
        "(num_channels, num_channels", "(num_channels, input_channels")),
    "first convolution of 1x1": (CONV1, "kernel_size=1, padding=0, stride=strides)"),
    "first convolution without padding": (CONV1, "kernel_size=3, padding=0, stride=strides)"),
    "second convolution without bias": (CONV2, CONV2[:-1] + ", bias=False)"),
    "no second batch norm": ("return self.bn2(self.conv2(Y))", "return self.conv2(Y)"),
    "one batch norm used twice": ("return self.bn2(self.conv2(Y))",
                                  "return self.bn1(self.conv2(Y))"),
    "batch norms swapped": ("Y = F.relu(self.bn1(self.conv1(X)))\n        return self.bn2(",
                            "Y = F.relu(self.bn2(self.conv1(X)))\n        return self.bn1("),
    "ReLU inside dropped": ("F.relu(self.bn1(self.conv1(X)))", "self.bn1(self.conv1(X))"),
    "projection without its stride": ("kernel_size=1, stride=strides)", "kernel_size=1)"),
    "projection never used": ("return X if self.conv3 is None else self.conv3(X)", "return X"),
    "no guard": ("if not use_1x1conv and (strides != 1 or input_channels != num_channels):",
                 "if False:"),
    "guard blind to strides": ("(strides != 1 or input_channels != num_channels)",
                               "input_channels != num_channels"),
}  # fmt: skip


class EditDoesNotApply(RuntimeError):
    """The source of the block has changed, so a mutant must be written anew."""


def main(arguments: list[str]) -> int:
    """Prints a line a mutant; 1 where one survives, where an edit no longer applies, or where the
    tests fail without any."""
    source = (ROOT / "resnet" / "models.py").read_text(encoding="utf-8")
    try:
        mutated = {"(none)": source, **{name: mutate(source, *MUTANTS[name]) for name in MUTANTS}}
    except EditDoesNotApply as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 1
    with ThreadPoolExecutor(max(1, (os.cpu_count() or 2))) as pool:
        caught = dict(zip(mutated, pool.map(failing_test, mutated.values()), strict=True))
    print(f"{'mutant of Residual':<50}caught by")
    for name, test in caught.items():
        print(f"{name:<50}{test or '-'}")
    survivors = [name for name in MUTANTS if caught[name] is None]
    if caught["(none)"]:
        print("mutants: the tests fail without a mutant, so they show nothing", file=sys.stderr)
    if survivors:
        print(f"mutants: not caught: {', '.join(survivors)}", file=sys.stderr)
    return int(bool(survivors or caught["(none)"]))


def mutate(source: str, old: str, new: str, name: str = "Residual") -> str:
    """`source` with one edit in the class `name`, which must be possible in exactly one place."""
    tree = ast.parse(source)
    block = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name)
    text = ast.unparse(block)
    if text.count(old) != 1:
        raise EditDoesNotApply(f"{old!r} stands {text.count(old)} times in {name}, not once")
    tree.body[tree.body.index(block)] = ast.parse(text.replace(old, new)).body[0]
    return ast.unparse(tree)


def failing_test(document: str) -> str | None:
    """The first test of the models that fails with `document` as resnet/models.py."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        shutil.copytree(ROOT / "resnet", copy / "resnet", ignore=shutil.ignore_patterns("*.npz"))
        for file in ("tests/support/tiny.py", "tests/resnet/test_models.py", "pyproject.toml"):
            (copy / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, copy / file)
        (copy / "resnet" / "models.py").write_text(document, encoding="utf-8")
        call = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*call, "tests/resnet/test_models.py"],
            cwd=copy,
            env={
                **os.environ,
                "PYTHONPATH": name,
                "PYTHONDONTWRITEBYTECODE": "1",
                "OMP_NUM_THREADS": "1",
            },
            capture_output=True,
            text=True,
        )
    if done.returncode == 0:
        return None
    found = re.search(r"^(?:FAILED|ERROR) \S*?::(\S+)", done.stdout, re.MULTILINE)
    # Anything but a failing test (a mutant that cannot be imported, no test) proves nothing.
    if done.returncode != 1 or found is None:
        raise RuntimeError(f"the tests could not be run:\n{done.stdout}{done.stderr}")
    return found[1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
