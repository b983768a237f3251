"""Seconds from the press of the front page's button to the last network's end, in real browsers.

Each round starts a browser anew, so that the engine is loaded and compiled as it is for a reader.
A script that only this server adds to the page predicts, presses, and sends back what the page
says. `a quarter of a core` is a browser that shares one core with three programs that only turn:
no phone, but about as much of a machine as a phone may have.
"""

import functools
import http.server
import json
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from tools.book import build

from .busy import busy
from .timing import origin, summary

ROUNDS, LONG_ROUNDS, SEEDS = 5, 3, 10
ONE_CORE = ("taskset", "-c", "0")
PATIENCE = 900  # seconds for one browser
HEADLESS = {
    "Chromium": ("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
    "Firefox": ("firefox", "--headless", "--no-remote"),
}
PROFILE = {"Chromium": "--user-data-dir={}", "Firefox": "--profile={}"}
SCRIPT = """
<script type="module">
const until = async (holds) => { while (!holds()) await new Promise((go) => setTimeout(go, 50)); };
const shown = () => document.querySelector(".laboratory");
const buttons = () => [...shown().querySelectorAll("button")];
const named = (words) => buttons().find((each) => each.textContent === words);
const place = document.querySelector("[data-laboratory]");
async function press(words) {
  delete place.dataset.seconds;
  named(words).click();
  await until(() => place.dataset.seconds && !named("Stop").matches(":enabled"));
  return Number(place.dataset.seconds);
}
await until(() => shown()?.querySelector("input[type=radio]"));
shown().querySelector("input[type=radio]").click();
await until(() => !named("Train four networks").disabled);
await new Promise((go) => setTimeout(go, 1000)); // the engine is fetched while the reader decides
const four = await press("Train four networks");
const said = shown().querySelector(".told").textContent;
let more = 0;
for (let seeds = 0; seeds < WANTED; seeds += 5) more += await press("Five more seeds");
await fetch("/told", { method: "POST", body: JSON.stringify({ four, said, more }) });
</script>
"""


def run() -> dict:
    """Seconds for four networks and for forty more in each browser, and what the page says."""
    missing = [call[0] for call in HEADLESS.values() if not shutil.which(call[0])]
    if missing:
        sys.exit(f"install {' and '.join(missing)} first: the button is pressed in them")
    found, said = {}, set()
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder), everything=True)
        pages = Path(folder) / "_build" / "html"
        for browser in HEADLESS:
            rounds = [press(pages, browser) for _ in range(ROUNDS)]
            found[f"four networks, {browser}"] = [each["four"] for each in rounds]
            said |= {each["said"] for each in rounds}
        rounds = [press(pages, "Chromium", SEEDS) for _ in range(LONG_ROUNDS)]
        found["forty networks, Chromium"] = [each["more"] for each in rounds]
        with busy(3, *ONE_CORE):
            rounds = [press(pages, "Chromium", 0, *ONE_CORE) for _ in range(LONG_ROUNDS)]
        found["four networks, Chromium on a quarter of a core"] = [each["four"] for each in rounds]
        said |= {each["said"] for each in rounds}
    if len(said) > 1:
        raise RuntimeError(f"the browsers found different errors: {said}")
    for name, seconds in found.items():
        print(f"{name:47} {summary(seconds, ' s')}")
    return {"seconds": found, "said": said.pop(), "origin": origin()}


def press(pages: Path, browser: str, seeds: int = 0, *before: str) -> dict:
    """What one fresh browser found: seconds of `four`, of `more` seeds, and the first sentence."""
    heard: queue.Queue[dict] = queue.Queue()
    handler = functools.partial(Pages, heard, SCRIPT.replace("WANTED", str(seeds)), directory=pages)
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        tempfile.TemporaryDirectory() as profile,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/intro.html"
        call = [*before, *HEADLESS[browser], PROFILE[browser].format(profile), address]
        if browser == "Chromium":  # without it a headless one ends as soon as the page is there
            call.insert(-1, "--remote-debugging-port=0")
        with subprocess.Popen(
            call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as started:
            try:
                return heard.get(timeout=PATIENCE)
            finally:
                started.kill()
                server.shutdown()


class Pages(http.server.SimpleHTTPRequestHandler):
    """The book, its front page with a script at its end, and an ear for what that script tells."""

    def __init__(self, heard: queue.Queue, script: str, *arguments, **options):
        self.heard, self.script = heard, script
        super().__init__(*arguments, **options)

    def do_GET(self) -> None:
        if self.path != "/intro.html":
            return super().do_GET()
        page = (Path(self.directory) / "intro.html").read_text("utf-8") + self.script
        body = page.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    def do_POST(self) -> None:
        self.heard.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *ignored) -> None:
        """Says nothing."""
