"""What runs on the server: pinned, with few rights, and by commands that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tools.__main__ import COMMANDS

FOLDER = Path(__file__).resolve().parents[2] / ".github"
WORKFLOWS = sorted((FOLDER / "workflows").glob("*.yml"))
RIGHTS = {
    "deploy": {"pages": "write", "id-token": "write"},
    "notebooks": {"contents": "write"},
    "report": {"issues": "write"},
}


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.stem)
def workflow(request: pytest.FixtureRequest) -> tuple[str, dict]:
    text = request.param.read_text(encoding="utf-8")
    return text, yaml.safe_load(text)


def test_actions_are_pinned_by_hash_and_say_their_version(workflow) -> None:
    uses = re.findall(r"uses: (.+)", workflow[0])
    pinned = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    assert [each for each in uses if not pinned.fullmatch(each)] == []


def test_one_version_of_each_action() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)
    pins = set(re.findall(r"uses: ([\w-]+/[\w-]+)@(\w+)", text))
    assert len(pins) == len({action for action, _ in pins}) > 0


def test_each_job_has_only_the_rights_that_it_needs(workflow) -> None:
    assert workflow[1]["permissions"] == {}
    for name, job in workflow[1]["jobs"].items():
        assert job["permissions"] == RIGHTS.get(name, {"contents": "read"}), name
        assert job["timeout-minutes"] <= 90, name


def test_no_secret_is_needed(workflow) -> None:
    assert "secrets." not in workflow[0]


def test_the_commands_exist(workflow) -> None:
    assert set(re.findall(r"run: make ([a-z-]+)", workflow[0])) <= set(COMMANDS)


def test_dependabot_keeps_what_must_stay() -> None:
    settings = yaml.safe_load((FOLDER / "dependabot.yml").read_text(encoding="utf-8"))
    pip, actions = settings["updates"]
    kept = {each["dependency-name"]: each["versions"] for each in pip["ignore"]}
    assert kept["jupyter-book"] == [">=2"] and {"d2l", "sphinx-book-theme"} < set(kept)
    assert actions["package-ecosystem"] == "github-actions"
