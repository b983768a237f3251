// One laboratory: a question where none was asked above it, a button, curves that grow, runs that
// accumulate, and a sentence about them.

const PLACES = {
  four: { names: ["plain-8", "plain-20", "residual-8", "residual-20"], question: "After the same training, which network makes the most mistakes on its own training images?" },
  plain: { names: ["plain-8", "plain-20"] },
  residual: { names: ["plain-8", "plain-20", "residual-20"] },
  bench: { question: "Which ends with the higher training error?", answers: ["the first", "the second"] },
};
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let begun = 0; // runs of all laboratories of the page

class Laboratory {
  constructor(place, results) {
    const wanted = new URLSearchParams(location.search);
    Object.assign(this, { place, results: results.plans, pictures: results.pictures, bench: place.dataset.laboratory === "bench", runs: [], when: "first", guess: null });
    const { names, question, answers } = PLACES[place.dataset.laboratory];
    const usual = (name) => planned(this.results.quick, name);
    this.first = Number(wanted.get("seed")) || 1;
    this.settings = names ? names.map(usual) : [read(wanted.get("a"), usual("plain-20")), read(wanted.get("b"), usual("residual-20"))];
    this.answers = answers || this.settings.map(nameOf);
    this.question = question;
    this.build();
  }

  build() {
    this.panels = make("div", { class: "panels" });
    this.says = make("p", { class: "told", role: "status", "aria-live": "polite" });
    this.train = button(this.bench ? "Train both" : `Train ${["", "", "two", "three", "four"][this.settings.length]} networks`, () => this.more(1));
    this.train.classList.add("main");
    this.five = button("Five more seeds", () => this.more(5));
    this.halt = button("Stop", () => this.end());
    this.save = button("Runs as CSV", () => this.download());
    const buttons = make("div", { class: "controls" }, this.train, this.five, this.halt, ...(this.bench ? [this.save] : []));
    this.place.classList.add("is-live");
    this.place.after(make("div", { class: "live-figure laboratory", role: "group", "aria-label": "Laboratory: train networks in this page" },
      ...this.introduce(), buttons, this.says, this.panels));
    let seen = 0;
    new ResizeObserver(([{ contentRect }]) => { if (contentRect.width !== seen) { seen = contentRect.width; this.draw(); } }).observe(this.panels.parentElement);
    document.addEventListener("visibilitychange", () => this.draw());
    this.draw();
  }

  // What stands above the button: the switches or the networks, and the question.
  introduce() {
    const asked = this.bench
      ? benchControls(this.settings, (next) => this.change(next), (when) => { this.when = when; this.draw(); }, () => this.first, (setting) => storedRate(this.results, setting))
      : [pictures(this.pictures)];
    if (!this.question) return [...asked, make("div", { class: "networks" }, ...this.settings.map((setting) => make("div", {}, `${nameOf(setting)} `, network(setting))))];
    this.ask = choices(this.question, "radio", this.answers, () => false, (k) => { this.guess = k; load(); this.draw(); });
    this.ask.classList.add("ask");
    if (!this.bench) this.ask.querySelectorAll("label").forEach((label, k) => label.append(network(this.settings[k])));
    return [...asked, this.ask];
  }

  change(next) { // another setting asks for another prediction
    [this.settings, this.guess] = [next, null];
    for (const input of this.ask.querySelectorAll("input")) input.checked = false;
    this.draw();
  }

  // ---- Training ----

  // So many seeds more for all networks; what a network has trained already is not trained again.
  more(count) {
    const deepest = [...this.settings].sort((a, b) => b.depth - a.depth); // so that no worker waits at the end
    const added = [];
    this.runs = this.runs.filter((run) => !run.stopped);
    for (let seed = this.first; count; seed += 1) {
      const lacking = deepest.filter((setting) => !this.runs.some((run) => run.setting.seed === seed && same(run.setting, setting)));
      added.push(...lacking.map((setting) => ({ id: (begun += 1), setting: { ...setting, seed }, losses: [], wrong: [], changed: (run) => this.changed(run) })));
      count -= lacking.length > 0;
    }
    this.runs.push(...added);
    this.started = performance.now();
    this.draw();
    start(added).catch((problem) => { this.runs = []; this.draw(); this.failed = problem.message; });
  }

  changed(run) {
    if (run.done && this.runs.every((each) => each.done)) this.place.dataset.seconds = ((performance.now() - this.started) / 1000).toFixed(2);
    if (run.done || !calm.matches) this.draw();
  }

  end() {
    stop();
    for (const run of this.runs) run.stopped = !run.done;
    this.draw();
  }

  // ---- Drawing ----

  draw() {
    if (this.waiting) return;
    this.waiting = true; // seven pictures per second are enough for curves that grow
    setTimeout(() => requestAnimationFrame(() => this.paint()), Math.max(0, (this.painted || 0) + 150 - performance.now()));
  }

  paint() {
    [this.waiting, this.painted] = [false, performance.now()];
    const left = this.runs.filter((run) => !run.done && !run.stopped).length, done = this.runs.filter((run) => run.done).length;
    this.train.disabled = Boolean(this.question) && this.guess === null;
    this.five.disabled = this.train.disabled || !done;
    this.halt.disabled = !left;
    this.save.disabled = !done;
    this.show(this.panels.clientWidth);
    const sentence = this.sentence(left, done);
    if (this.says.textContent !== sentence) this.says.textContent = sentence;
  }

  show(wide) {
    const latest = this.settings.map((setting) => this.runs.filter((run) => run.wrong.length && same(run.setting, setting)).at(-1)).filter(Boolean);
    if (!wide || !this.runs.length) return this.panels.replaceChildren();
    const width = Math.min(wide >= 560 ? Math.floor(wide / 2) - 8 : wide, 640), height = Math.round(Math.min(0.72 * width + 40, 320));
    const stored = (setting) => storedErrors(this.results, setting);
    const drawn = [curves(width, height, latest, this.settings), ends(width, height, this.settings, this.runs, stored)];
    if (this.bench) drawn.push(...Object.keys(MEASURES).map((measure) => byLayer(width, height, latest, this.settings, measure, this.when)));
    return this.panels.replaceChildren(...drawn);
  }

  // ---- What it says ----

  sentence(left, done) {
    const broken = this.failed || this.runs.find((run) => run.failed)?.failed;
    if (broken) return `Nothing could train here: ${broken}.`;
    if (left) return `In training: ${done} of ${done + left} networks are done.`;
    const stopped = Math.max(...this.runs.map((run) => (run.stopped ? run.wrong.length : 0)));
    if (stopped > 0) return `Stopped after ${stopped} of ${steps(this.settings[0])} steps. The next press begins this seed again.`;
    if (this.question && this.guess === null) return "First predict, then press the button.";
    return this.settings.some((setting) => errorsOf(this.runs, setting).length) ? this.verdict() : "Ready to train.";
  }

  verdict() {
    const shown = this.settings.filter((setting) => errorsOf(this.runs, setting).length);
    const means = shown.map((setting) => `${nameOf(setting)} ${told(errorsOf(this.runs, setting))}`).join(", ");
    const blown = this.runs.some((run) => run.diverged) ? "At least one loss was no longer a number: try a smaller rate." : "";
    const seeds = [...new Set(shown.flatMap((setting) => trained(this.runs, setting).map((run) => run.setting.seed)))].sort((a, b) => a - b);
    const which = seeds.length > 1 ? `Seeds ${seeds[0]} to ${seeds.at(-1)}` : `Seed ${seeds[0]}`;
    const alone = seeds.length > 1 ? "" : "One seed can be an accident: press “Five more seeds”.";
    const parts = [shown.length === this.settings.length ? this.comment() : "", `${which}, training error: ${means}.`, this.bench ? this.comparePair() : this.compare(), alone, blown];
    return parts.filter(Boolean).join(" ");
  }

  comment() { // on the prediction
    if (this.guess === null) return "";
    const found = this.settings.map((setting) => mean(errorsOf(this.runs, setting)));
    const right = this.answers[found.indexOf(Math.max(...found))], chosen = this.answers[this.guess];
    if (right === chosen) return `As you predicted, it is ${right}.`;
    return `You predicted ${chosen}; it is ${right}.`;
  }

  compare() {
    const [shallow, deep] = this.settings, last = this.settings.at(-1);
    const counted = (one) => {
      const found = pairs(this.runs, one, shallow);
      return `${found.filter(([a, b]) => a > b).length} of ${found.length}`;
    };
    const cured = last.skip ? `, and ${nameOf(last)} does in ${counted(last)}` : "";
    return `With the same seed, ${nameOf(deep)} makes more mistakes than ${nameOf(shallow)} in ${counted(deep)}${cured}.`;
  }

  comparePair() {
    const both = pairs(this.runs, ...this.settings);
    return both.length ? `With the same seed the first has the higher error in ${both.filter(([a, b]) => a > b).length} of ${both.length} ${both.length > 1 ? "pairs" : "pair"}.` : "";
  }

  download() {
    const link = make("a", { href: URL.createObjectURL(new Blob([asTable(this.runs)], { type: "text/csv" })), download: "laboratory.csv" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
}

function bring() {
  const results = JSON.parse(document.querySelector("script.laboratory-results").textContent);
  for (const place of document.querySelectorAll("[data-laboratory]")) {
    if (typeof WebAssembly === "object") new Laboratory(place, results);
    else place.after(make("p", { class: "laboratory-missing" }, "This browser has no WebAssembly, so nothing can train here."));
  }
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", bring);
else bring();
