"""What is in doubt about a learning rate: whether its sweep went far enough, and fits the run."""

from collections.abc import Iterable
from dataclasses import replace

from ..results import stored
from ..runs import StoredRun, stored_runs

SWEEPS = (
    "middle-rates",
    "depth-rates",
    "family-rates",
    "stem-rates",
    "large-batch-rates",
    "transformers-rates",
    "holding-rates",
)
CHAPTERS_IMAGES = 3_000  # of the chapters' live runs, whose sweep is `learning_rates.json`
# What a run shares with the sweep from which its rate comes.
NETWORK = {
    "block": None,
    "depth": None,
    "batch_norm": True,
    "stem_strides": 2,
    "data": "embedded",
    "training_images": None,
    "batch_size": 64,
}


def doubts(runs: Iterable[StoredRun]) -> tuple[str, ...]:
    """Words on each network whose rate is in doubt, such as `plain-8 has a rate from the edge`."""
    networks = {run.arm: run for run in runs}
    return tuple(f"{arm} {words}" for arm, run in networks.items() if (words := doubt(run)))


def doubt(run: StoredRun) -> str:
    """What is to be said of a run by its rate, or nothing where none was swept or none is wrong."""
    rate, swept = run.setting["learning_rate"], _sweep(run)
    if not swept:
        return ""
    epochs = swept[0].setting["epochs"]
    if any(each.result.get("diverged") for each in swept if _rate(each) == rate):
        return "diverged at every rate of its sweep"
    if run.setting["epochs"] != epochs:
        return f"has a rate chosen for {epochs} epochs"
    rates = {_rate(each) for each in swept}
    return "has a rate from the edge of its sweep" if rate in (min(rates), max(rates)) else ""


def _sweep(run: StoredRun) -> list[StoredRun]:
    if run.setting["training_images"] == CHAPTERS_IMAGES:
        return [
            replace(run, setting={**run.setting, "learning_rate": tried["rate"]}, result=tried)
            for tried in stored("learning_rates")["runs"]
            if tried["arm"] == run.arm
        ]
    swept = [each for sweep in SWEEPS for each in stored_runs(sweep)]
    return [each for each in swept if _network(each) == _network(run)]


def _network(run: StoredRun) -> list:
    return [run.setting.get(name, default) for name, default in NETWORK.items()]


def _rate(run: StoredRun) -> float:
    return run.setting["learning_rate"]
