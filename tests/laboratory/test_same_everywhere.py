"""The same numbers to the last bit: in C, in node with SIMD and without, in a worker, on a page."""

import json
import subprocess
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.laboratory.test_gradients import engine_of
from tests.support.programs import need_program
from tools.engine import SOURCES, Setting
from tools.laboratory import BUILT
from tools.laboratory_images import images
from tools.patience import patient

NUMBERS = Path(__file__).with_name("numbers.json")
SETTINGS = {
    "plain": Setting(8, False, 0.1),
    "residual": Setting(8, True, 0.1),
    "deep": Setting(32, True, 0.05, seed=7, epochs=1),
    "no norm": Setting(14, True, 0.025, norm=False, scaled=True, factor=0.5, epochs=1),
    "shuffled": Setting(8, True, 0.1, shuffled=True, images=1000, epochs=1),
}
STORED = json.loads(NUMBERS.read_text("utf-8")) if NUMBERS.exists() else {}
IN_NODE = """
const fs = require("fs");
const [built, code, without_simd, jobs] = process.argv.slice(2);
const parts = {
  simd: fs.readFileSync(built + "/simd.wasm", "hex"),
  scalar: fs.readFileSync(built + "/scalar.wasm", "hex"),
  images: fs.readFileSync(built + "/images.txt", "utf-8"),
  without_simd: without_simd === "true",
};
const trainer = new Function(fs.readFileSync(code, "utf-8") + "; return trainer;")();
const found = {};
const run = trainer(parts, ({ id, losses, first, error, kind, failed }) => {
  found[id] = found[id] || { losses: [] };
  found[id].losses.push(...(losses || []));
  if (first) Object.assign(found[id], first);
  if (error !== undefined) Object.assign(found[id], { error, kind });
  if (failed) throw new Error(failed);
});
(async () => {
  for (const job of JSON.parse(jobs)) await run(job);
  console.log(JSON.stringify(found));
})();
"""


def summary(losses: list, error: float, gradients: list, features: list) -> dict:
    """What is compared: every part of a run goes into one of these."""
    return {
        "losses": [losses[0], sum(losses), losses[-1]],
        "error": error,
        "gradients": [gradients[0], sum(gradients)],
        "features": [features[0], sum(features)],
    }


@pytest.mark.slow
def test_in_c() -> None:
    engine, pictures = engine_of("float"), images()
    found = {
        name: summary(**asdict(engine.train(setting, *pictures)))
        for name, setting in SETTINGS.items()
    }
    assert found == STORED


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["simd", "scalar"])
def test_in_node(kind: str) -> None:
    node = need_program("node")
    jobs = [
        {"id": name, "slice": 1000, **{key: number(value) for key, value in asdict(each).items()}}
        for name, each in SETTINGS.items()
    ]
    call = [node, "-e", IN_NODE, "-", BUILT, SOURCES / "page" / "trainer.js"]
    call += [str(kind == "scalar").lower(), json.dumps(jobs)]
    done = subprocess.run(call, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {run.pop("kind") for run in found.values()} == {kind}
    assert {name: summary(**run) for name, run in found.items()} == STORED


def number(value: bool | float) -> float:
    return int(value) if isinstance(value, bool) else value


@pytest.mark.slow
@pytest.mark.parametrize("how", ["worker", "page", "file"])
def test_in_chromium(how: str, address: str, browser) -> None:
    """The book's own page, in workers, where these are refused, and opened as a file."""
    if how == "file":
        from tests.support.built_book import html_folder

        address = html_folder().as_uri()
    settings = {"a": "depth8_skip0_rate0.1_epochs6", "b": "depth8_skip1_rate0.1_epochs6"}
    asked: dict[str, str | int] = {**settings, "seed": 1}
    if how == "page":
        asked["workers"] = "none"
    page = browser.new_page()
    page.goto(f"{address}/chapters/laboratory.html?{urlencode(asked)}")
    page.get_by_label("the first").check()
    page.get_by_role("button", name="Train both").click()
    page.locator("[data-seconds]").wait_for(state="attached", timeout=patient(120_000))
    with page.expect_download() as waited:
        page.get_by_role("button", name="Runs as CSV").click()
    names, *rows = Path(waited.value.path()).read_text("utf-8").split()
    found = [dict(zip(names.split(","), row.split(","), strict=True)) for row in rows]
    by_skip = {row["skip"]: [float(row["last_loss"]), float(row["error"])] for row in found}
    stored = [[STORED[name]["losses"][-1], STORED[name]["error"]] for name in ("plain", "residual")]
    assert [by_skip["0"], by_skip["1"]] == stored
    page.close()
