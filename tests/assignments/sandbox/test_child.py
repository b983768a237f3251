"""What the child makes of cells and observations, and what torch can do there."""

import math

import numpy as np
import pytest

from assignments.grading import values
from assignments.sandbox.kinds import Bubblewrap, Limits, PartSeen
from tests.support.attacks import DESERVED, HONEST, LOOK, SMALL, attacked, part, sandbox, shown

pytestmark = pytest.mark.slow  # each test starts processes

__all__ = ["sandbox"]

RETURN_ONE = "def observe(seed):\n    return 1"


def one(sandbox: Bubblewrap, *cells: str, **settings) -> PartSeen:
    [seen] = sandbox.run({"preload": [], "parts": [part("one", *cells, **settings)]}, SMALL)
    return seen


def test_cells_share_a_namespace_and_the_given_names_win(sandbox) -> None:
    job = part("one", "STUDENT = 'friend'", "seen = [STUDENT, __name__, seed_of]", observe="""
def observe(seed):
    return [*seen, STUDENT, RESULTS, seed]""")  # fmt: skip
    job["cells"][0] = "STUDENT = ''; seed_of = 3"
    job["names"] = {"STUDENT": "ab123", "RESULTS": {"a": [1, None]}}
    [seen] = sandbox.run({"preload": [], "parts": [job]}, SMALL)
    assert shown(seen) == ["ab123", "__main__", 3, "ab123", {"a": [1, None]}, 22]


IPYTHON = [
    ("%matplotlib inline\n!pip install nothing\nseen = 1", 1),
    ("%%time\nseen = 2", 2),
    ("%%bash\nrm -rf *", None),
    ("if True:\n    %time x = 1\nseen = 3\nprint?\nseen??", 3),
    ("seen = ('%d'\n  % 4)", "4"),
    ("display(5)\nseen = 5", 5),
    ("import inspect\ndef double(x):\n    return 2 * x\nseen = inspect.getsource(double)",
     "def double(x):\n    return 2 * x\n"),
    ("from dataclasses import dataclass\nimport pickle\n@dataclass\nclass P:\n    x: int\n"
     "seen = pickle.loads(pickle.dumps(P(6))).x", 6),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "expected"), IPYTHON, ids=[cell[:12] for cell, _ in IPYTHON])
def test_what_notebooks_hold_besides_python(sandbox, cell: str, expected: object) -> None:
    seen = one(sandbox, "seen = None", cell)
    assert shown(seen) == expected and seen.errors == ()


def test_errors_are_told_in_order_and_not_without_end(sandbox) -> None:
    seen = one(sandbox, "1 / 0", "y = (", "import no_such_module", "later = 1", observe="""
def observe(seed):
    return later + missing""")  # fmt: skip
    kinds = [error.partition(":")[0] for error in seen.errors]
    assert kinds == ["ZeroDivisionError", "SyntaxError", "ModuleNotFoundError", "NameError"]
    assert (seen.status, seen.value) == ("error", None)
    many = one(sandbox, *["1 / 0"] * 30, "x = {}['last']", observe="def observe(seed): return gone")
    assert len(many.errors) == 10 and many.errors[-1].startswith("NameError")


def test_an_observation_that_is_missing_or_fails_is_an_error(sandbox) -> None:
    for observe, error in {"observe = 3": "TypeError", "def observe(": "SyntaxError",
                           "x = 1": "KeyError"}.items():  # fmt: skip
        seen = one(sandbox, observe=observe)
        assert seen.status == "error" and seen.errors[0].startswith(error)


def test_the_same_job_gives_the_same_twice(sandbox) -> None:
    cells = "import random; seen = [random.random(), list({'a', 'b', 'c', 'd', 'e'}), hash('x')]"
    assert one(sandbox, cells).value == one(sandbox, cells).value


TOO_MUCH = {
    "ten million numbers": "def observe(seed): return [0] * 10_000_000",
    "a long text": "def observe(seed): return 'x' * 9_000_000",
    "floats that are long as text": "def observe(seed): return [1 / 3] * 900_000",
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_a_result_that_is_too_large_is_not_taken(sandbox, name: str) -> None:
    assert attacked(sandbox, observe=TOO_MUCH[name], limits=Limits()).status == "output"


def test_numbers_that_are_not_finite_arrive(sandbox) -> None:
    code = "inf = float('inf'); seen = [inf, -inf, inf - inf, 10**300, 10**400, {1: 2, None: ()}]"
    low, high, nan, long, *rest = shown(one(sandbox, code))
    assert (low, high, long) == (math.inf, -math.inf, 10**300) and math.isnan(nan)
    assert rest == [values.Other("a very long int"), values.Pairs(((1, 2), (None, ())))]


def test_printed_gigabytes_go_nowhere(sandbox) -> None:
    code = (
        "import sys, os\nblock = b'x' * 10**7\nfor n in range(300):\n    os.write(n % 3, block)\n"
    )
    code += "    print('y' * 10**5); sys.stderr.write('z' * 10**5)\nseen = 1"
    assert shown(attacked(sandbox, code, limits=Limits(), seconds=60)) == 1
    assert attacked(sandbox, "input()", observe=RETURN_ONE).errors[0].startswith("EOFError")


PATCHED = """
import builtins, json, os
json.dumps = json.JSONEncoder.encode = lambda *a, **k: '{"status": "ok", "value": 1, "errors": []}'
json.loads = os.write = lambda *a, **k: 1
builtins.type = lambda x: int
builtins.len = builtins.sorted = builtins.isinstance = lambda *a: True
"""
FORGED = {
    "no JSON": "[", "deep": "[" * 100_000, "no dict": "[]", "long": '{"status": "ok", "errors": [],'
    ' "value": ' + "1" * 5000 + "}", "odd": '{"status": ["ok"], "value": 1, "errors": []}',
    "errors": '{"status": "ok", "value": 1, "errors": [1]}', "none": "null", "NUL": "\\0",
    "status": '{"status": "time out", "value": 1, "errors": []}', "newline": "\\n{}\\n",
}  # fmt: skip


def test_patched_modules_spoil_the_own_part_alone(sandbox) -> None:
    assert attacked(sandbox, PATCHED, observe=RETURN_ONE).status in ("died", "ok")


@pytest.mark.parametrize("name", FORGED)
def test_an_answer_that_is_none_counts_as_no_answer(sandbox, name: str) -> None:
    seen = attacked(sandbox, f"import os; os.write(3, b'''{FORGED[name]}'''); os._exit(0)")
    assert (seen.status, seen.value, seen.errors) == ("died", None, ())


def test_a_value_that_a_part_writes_itself_is_its_own_alone(sandbox) -> None:
    answer = '{"status": "ok", "value": {"set": [1]}, "errors": ["\\\\ud800 and x"]}'
    seen = attacked(sandbox, f"import os; os.write(3, b'''{answer}'''); os._exit(0)")
    assert seen.status == "ok" and seen.errors == ("\\ud800 and x",)
    with pytest.raises(ValueError):
        values.decode(seen.value)


READ_MEMORY = """
import re
seen = [0, 0]
for line in open("/proc/self/maps"):
    start, end = (int(number, 16) for number in line.split()[0].split("-"))
    if "rw" not in line.split()[1]: continue
    with open("/proc/self/mem", "rb", 0) as memory:
        try:
            memory.seek(start)
            text = memory.read(end - start)
        except (OSError, ValueError, OverflowError):
            continue
    seen[0] += len(re.findall(b"SECRET[-]LATER", text))
    seen[1] += len(re.findall(b"SECRET[-]OWN", text))
"""


def test_no_part_finds_the_tests_of_a_later_one(sandbox) -> None:
    own, later = (LOOK.replace("return", f"'SECRET-{name}'; return") for name in ("OWN", "LATER"))
    parts = [part("reading", READ_MEMORY, observe=own), part("later", "seen = 1", observe=later)]
    reading, last = sandbox.run({"preload": [], "parts": parts}, Limits())
    assert shown(last) == 1
    of_later, of_own = shown(reading)
    assert of_later == 0 < of_own


def test_a_job_has_an_end(sandbox) -> None:
    loops = [part(str(number), "while True: pass", seconds=1) for number in range(5)]
    seen = sandbox.run({"preload": [], "parts": loops}, Limits(seconds=1.5))
    assert [one.id for one in seen] == list("01234") and {one.status for one in seen} == {"time"}
    assert [one.seconds for one in seen[2:]] == [0, 0, 0]  # these did not begin


TRAINING = """
import torch
from torch import nn
net = nn.Sequential(nn.Conv2d(1, 32, 3), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten(),
                    nn.Linear(32 * 26 * 26, 10))
optimiser = torch.optim.SGD(net.parameters(), 0.01)
for _ in range(3):
    loss = nn.functional.cross_entropy(net(torch.randn(128, 1, 28, 28)), torch.arange(128) % 10)
    optimiser.zero_grad(); loss.backward(); optimiser.step()
seen = [loss.detach(), torch.get_num_threads()]
"""
BEYOND = {
    "a tensor": "import torch; seen = torch.zeros(3 << 28)",
    "an array": "import numpy; seen = numpy.ones(3 << 27)",
}
STRANGE = """
import numpy as np, torch
class A(np.ndarray): pass
class T(torch.Tensor): pass
seen = [np.ones(2).view(A), torch.ones(2).as_subclass(T), torch.nn.Parameter(torch.ones(2))]
seen += [np.array([np.nan, 1.0]), torch.tensor([[float("inf")]])]
"""
TORCH_PATCHED = """
import numpy, torch
torch.Tensor.__eq__ = torch.allclose = torch.equal = numpy.allclose = lambda *a, **k: True
torch.Tensor.tolist = torch.Tensor.numel = lambda self: 1 / 0
torch.manual_seed = lambda seed: 1 / 0
"""
PACKAGE = (
    "import resnet.data, resnet.training, resnet.plots, resnet.experiments as e; seen = e.__name__"
)


def test_torch_works_within_the_limits_and_what_goes_beyond_fails(sandbox) -> None:
    parts = [part("training", TRAINING), part("strange", STRANGE), part("patched", TORCH_PATCHED,
             observe="import torch\ndef observe(seed): return torch.ones(2)"),
             part("large", observe="import torch\ndef observe(seed): return torch.zeros(10**7)"),
             *(part(name, code) for name, code in BEYOND.items()), part("after", *HONEST),
             part("package", PACKAGE)]  # fmt: skip
    parts = [each | {"seconds": 120} for each in parts]
    job = {"preload": ["torch", "numpy", "resnet.models"], "parts": parts}
    seen = {one.id: one for one in sandbox.run(job, Limits())}
    loss, threads = shown(seen["training"])
    assert loss.kind == "float" and loss.shape == () and threads == 1
    *strange, nan, inf = shown(seen["strange"])
    assert strange == [values.Other("A"), values.Other("T"), values.Other("Parameter")]
    assert values.same(nan, values.decode(values.encode(np.array([np.nan, 1.0]))))
    assert inf.numbers == (math.inf,)
    assert (seen["patched"].status, seen["large"].status) == ("error", "output")
    assert {seen[name].status for name in BEYOND} == {"memory"}
    assert shown(seen["after"]) == DESERVED and shown(seen["package"]) == "resnet.experiments"
