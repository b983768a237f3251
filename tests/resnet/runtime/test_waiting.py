"""Torch's threads are told to sleep while they wait, unless the user says otherwise."""

import os
import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow  # each test starts processes

SAID = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")


def spinning(code: str, **settings: str) -> set[int]:
    """How long threads spin before they sleep, as OpenMP says it when a fresh Python runs `code`.

    In turns of a loop or milliseconds; the policy that it says is passive unless told otherwise,
    and means some hundred thousand turns then.
    """
    environment = {name: value for name, value in os.environ.items() if name not in SAID}
    environment |= {"OMP_DISPLAY_ENV": "verbose", **settings}
    call = [sys.executable, "-c", code]
    done = subprocess.run(call, env=environment, capture_output=True, text=True, check=True)
    found = re.findall(r"(?:GOMP_SPINCOUNT|KMP_BLOCKTIME)\s*=\s*'(\d+)", done.stderr)
    if not found:
        pytest.skip("this torch's OpenMP does not say how its threads wait")
    return set(map(int, found))


@pytest.mark.parametrize(
    "code", ["import resnet, torch", "import resnet.models", "import resnet.__main__, torch"]
)
def test_threads_that_wait_sleep_where_the_module_comes_before_torch(code):
    assert spinning(code) == {0}


def test_what_the_user_has_set_stays():
    assert spinning("import resnet, torch", OMP_WAIT_POLICY="active") != {0}


def test_nothing_is_said_that_torch_no_longer_hears():
    code = "import torch, resnet, os; assert 'OMP_WAIT_POLICY' not in os.environ"
    assert spinning(code) != {0}
