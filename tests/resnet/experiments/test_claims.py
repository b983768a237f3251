"""Claims: effects computed by other means, and what is in doubt about their rates."""

import math
import re

import pytest

from resnet.experiments import effects
from resnet.experiments.claims import claims
from resnet.results import stored
from resnet.runs import stored_runs


def test_effects_are_the_stored_numbers_paired():
    """Two of the rows, computed here by other means."""
    found = {claim.says.split(" ")[0] + claim.shown: claim.effects for claim in claims()}
    bands = stored("bands")["bands"]
    means = [
        sum(run["value"] for run in bands[name]["values"]) / 20
        for name in ("02.residual_56_training_error", "01.plain_56_training_error")
    ]
    effects = found["Atfig-hope"]
    assert len(effects) == 10, "seeds, and not runs"
    assert sum(effects) / 10 == pytest.approx(means[0] - means[1])
    growth = [
        math.log10(norms[0] / norms[-1])
        for run in stored_runs("initial")
        if (run.arm, run.setting["depth"]) == ("plain-56", 56)
        for norms in [list(run.result["gradient_norm"].values())]
    ]
    assert sorted(found["Withfig-gradients"]) == pytest.approx(sorted(growth)) and len(growth) == 5


def test_no_claim_is_contradicted_by_its_own_measurements():
    assert [claim.says for claim in claims() if claim.verdict == "contradicts"] == []
    assert all(re.fullmatch(r"[A-Z0-9].*\.", claim.says) for claim in claims())


def test_paths_are_weighted_with_their_number_and_their_size():
    level = {str(length): [1.0, 3.0] for length in range(4)}
    assert effects.path_length(level) == pytest.approx(1.5), "1, 3, 3 and 1 paths"
    halving = {str(length): [0.5**length] for length in range(4)}
    assert effects.path_length(halving) == pytest.approx((3 / 2 + 6 / 4 + 3 / 8) / (1.5**3))
    roots = [1, math.sqrt(3), math.sqrt(3), 1]
    expected = (roots[1] / 2 + 2 * roots[2] / 4 + 3 / 8) / sum(
        root * 0.5**length for length, root in enumerate(roots)
    )
    assert effects.path_length(halving, power=0.5) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("losses", "number"), [([3, 1, 2], 1), ([1, 2, 3], 0), ([3, 1, 2, 1, 3], 2), ([2, 1, 1, 2], 1)]
)
def test_valleys(losses, number):
    assert effects.valleys(losses) == number
