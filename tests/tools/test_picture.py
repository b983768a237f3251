"""The opening picture draws every run, and only what bears out its title."""

import copy
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import pytest
from PIL import Image

from tools import picture

ARMS = {
    "plain": {8: [0.05, 0.07], 20: [0.12, 0.14], 56: [0.4, 0.6]},
    "residual": {20: [0.03, 0.05], 56: [0.02, 0.04]},
}


def store(arms: picture.Arms) -> dict:
    """Bands as they are stored."""
    return {
        "bands": {
            name: {"values": [{"seed": k, "value": v} for k, v in enumerate(arms[arm][depth])]}
            for arm, row in picture.BANDS.items()
            for depth, name in row.items()
        }
    }


def test_measured_takes_all_values_by_arm_and_depth() -> None:
    assert picture.measured(store(ARMS)) == ARMS
    with pytest.raises(KeyError, match="01.plain_8_training_error"):
        picture.measured({"bands": {}})


def altered(arm: str, depth: int, value: float) -> picture.Arms:
    arms = copy.deepcopy(ARMS)
    arms[arm][depth] = [value, value]
    return arms


def test_the_title_is_held_to_the_runs() -> None:
    picture.check(ARMS)
    for arm, depth, value in (("plain", 8, 0.2), ("plain", 56, 0.1), ("residual", 56, 0.07)):
        with pytest.raises(picture.ClaimContradicted):
            picture.check(altered(arm, depth, value))


def test_it_is_drawn_at_twice_the_resolution_and_says_from_what(tmp_path: Path) -> None:
    with matplotlib.rc_context():
        for name in ("one.png", "two.png"):
            picture.draw(ARMS, tmp_path / name)
    image = Image.open(tmp_path / "one.png")
    assert image.size == (960, 640)
    assert image.text["Source"] == picture.fingerprint(ARMS)
    assert picture.fingerprint(ARMS) != picture.fingerprint(altered("plain", 8, 0.06))
    for suffix in (".png", ".svg"):
        one, two = (tmp_path / f"{name}{suffix}" for name in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
    assert "residual</text>" in one.read_text("utf-8")


def test_the_command_draws_or_says_why_not(tmp_path: Path, monkeypatch, capsys) -> None:
    target = tmp_path / "opening.png"
    monkeypatch.setattr(picture, "ROOT", tmp_path)
    monkeypatch.setattr(picture, "TARGET", target)
    for given, said in (
        ({"bands": {}}, "01.plain_8_training_error"),
        (store(altered("residual", 56, 0.5)), "no better"),
    ):
        monkeypatch.setattr(picture, "stored", lambda name, given=given: given)
        assert picture.main([]) == 1
        assert said in capsys.readouterr().err
        assert not target.exists()
    monkeypatch.setattr(picture, "stored", lambda name: store(ARMS))
    with matplotlib.rc_context():
        assert picture.main([]) == 0
    assert target.exists()


def test_without_bands_the_command_says_what_to_do(monkeypatch, capsys) -> None:
    def missing(name: str):
        raise FileNotFoundError(name)

    monkeypatch.setattr(picture, "stored", missing)
    assert picture.main([]) == 1
    assert "make bands" in capsys.readouterr().err
