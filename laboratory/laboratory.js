// The laboratory in the page: a prediction, a button, curves that grow, runs that accumulate.
// Nothing is loaded and nothing trains before the reader asks.
"use strict";

(() => {
  const { make, chart, choices, button, mean, percent, ticks } = window.liveFigures;
  const here = document.currentScript.src;
  const BATCH = 50;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  // ---- The engine, its images and its workers: one crew for all laboratories of a page ----

  let loading = null;

  // `window.laboratoryParts` is set by a script and not fetched, so that pages work from a folder.
  function load() {
    loading = loading || new Promise((done, fail) => {
      const script = make("script", { src: here.replace("laboratory.js", "laboratory_parts.js") });
      script.onload = () => done(unpack(window.laboratoryParts));
      script.onerror = () => fail(new Error("the engine could not be loaded"));
      document.head.append(script);
    });
    return loading;
  }

  function unpack({ simd, scalar, images, trainer }) {
    const bytes = (text) => Uint8Array.from({ length: text.length / 2 }, (_, k) => parseInt(text.slice(2 * k, 2 * k + 2), 16));
    const lines = images.trim().split("\n");
    const shades = Uint8Array.from(lines.map((line) => line.slice(1)).join(""), (digit) => parseInt(digit, 16));
    return { trainer, parts: { simd: bytes(simd), scalar: bytes(scalar), shades, labels: Uint8Array.from(lines, (line) => Number(line[0])) } };
  }

  function open({ trainer, parts }, hear) {
    const code = `${trainer}\nlet run; onmessage = ({ data }) => { if (data.parts) run = trainer(data.parts, postMessage); else run(data); };`;
    const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    const worker = new Worker(address);
    URL.revokeObjectURL(address);
    worker.onmessage = ({ data }) => hear(data);
    worker.postMessage({ parts });
    return { send: (job) => worker.postMessage({ ...job, slice: 60 }), end: () => worker.terminate(), worker };
  }

  // Where a browser refuses workers the page trains itself, in slices that leave it responsive.
  function local({ trainer, parts }, hear) {
    const run = new Function(`${trainer}; return trainer;`)()(parts, (data) => setTimeout(() => hear(data)));
    let last = null;
    return { send: (job) => { last = job.id; run({ ...job, slice: 12 }); }, end: () => run({ stop: last }) };
  }

  const crew = { hands: [], queue: [], on_page: new URLSearchParams(location.search).get("workers") === "none" };

  function hire(loaded) {
    if (crew.hands.length) return;
    const cores = navigator.hardwareConcurrency || 2;
    const count = crew.on_page ? 1 : Math.max(1, Math.min(4, cores - (cores > 2 ? 1 : 0)));
    for (let k = 0; k < count; k += 1) {
      const hand = { run: null };
      const hear = (told) => heard(hand, told, loaded);
      try {
        hand.post = (crew.on_page ? local : open)(loaded, hear);
      } catch {
        crew.on_page = true;
        hand.post = local(loaded, hear);
        crew.hands.push(hand);
        return;
      }
      if (hand.post.worker) hand.post.worker.onerror = (event) => { event.preventDefault(); refused(loaded); };
      crew.hands.push(hand);
    }
  }

  function refused(loaded) { // a policy of the site forbids workers: begin again on the page
    if (crew.on_page) return;
    crew.on_page = true;
    const again = crew.hands.map((hand) => hand.run).filter(Boolean);
    for (const run of again) Object.assign(run, { losses: [], wrong: [] });
    dismiss();
    crew.queue.unshift(...again);
    hire(loaded);
    assign();
  }

  function dismiss() {
    for (const hand of crew.hands) hand.post.end();
    crew.hands = [];
  }

  function assign() {
    for (const hand of crew.hands) {
      if (hand.run || !crew.queue.length) continue;
      hand.run = crew.queue.shift();
      hand.post.send({ id: hand.run.id, ...hand.run.setting });
    }
  }

  function heard(hand, told) {
    const run = hand.run;
    if (!run || run.id !== told.id) return;
    if (told.losses) {
      run.losses.push(...told.losses);
      run.wrong.push(...told.wrong);
      run.first = told.first || run.first;
      run.now = told.now;
    } else {
      Object.assign(run, told, { done: true, diverged: !Number.isFinite(run.losses.at(-1)) });
      hand.run = null;
      assign();
    }
    run.changed(run);
  }

  let runs_begun = 0;

  async function start(runs) {
    crew.queue.push(...runs);
    hire(await load());
    assign();
  }

  function stop() {
    dismiss();
    crew.queue = [];
  }

  // ---- Settings ----

  const USUAL = { depth: 8, skip: 0, norm: 1, scaled: 0, factor: 1, shuffled: 0, images: 500, epochs: 6, rate: 0.05, seed: 1 };

  function nameOf(setting) {
    const also = [!setting.norm && "no norm", setting.scaled && setting.skip && "F from 0", setting.factor !== 1 && "half weights", setting.shuffled && "shuffled"];
    return [`${setting.skip ? "residual" : "plain"}-${setting.depth}`, ...also.filter(Boolean)].join(", ");
  }

  const same = (one, other) => Object.keys(USUAL).every((key) => key === "seed" || one[key] === other[key]);

  // ---- What the runs say ----

  const T = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13];

  function interval(values) { // 95 %, by Student's t
    const middle = mean(values), n = values.length;
    const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (n - 1));
    const half = ((T[n - 2] || 2.05) * sd) / Math.sqrt(n);
    return [Math.max(0, middle - half), Math.min(1, middle + half)];
  }

  function told(errors) {
    const about = errors.length > 2 ? ` (${interval(errors).map((value) => percent(value)).join(" to ")})` : "";
    return `${percent(mean(errors))}${about}`;
  }

  // The errors of two settings with the same seeds, as pairs.
  function pairs(runs, one, other) {
    const bySeed = (setting) => new Map(runs.filter((run) => run.done && !run.failed && same(run.setting, setting)).map((run) => [run.setting.seed, run.error]));
    const [first, second] = [bySeed(one), bySeed(other)];
    return [...first.keys()].filter((seed) => second.has(seed)).map((seed) => [first.get(seed), second.get(seed)]);
  }

  // ---- Drawings ----

  const shape = (setting) => (setting.skip ? "circle" : "square");
  const arm = (setting) => (setting.skip ? "residual" : "plain");
  const short = (setting, room) => `${setting.skip && room < 90 ? "res." : arm(setting)}-${setting.depth}`;

  // Of two networks of one kind the first is drawn thinner, so that the lines can be told apart.
  function kindOf(setting, settings) {
    const alike = settings.filter((other) => other.skip === setting.skip);
    return arm(setting) + (alike.length > 1 && same(alike[0], setting) ? " shallow" : "");
  }

  const NAMES = 92; // what the names at the ends of lines take, in pixels
  const widened = (span, width) => (span * (width - 60)) / (width - 60 - NAMES);

  // The part of wrong answers in the batches of the last epoch, at each step.
  function curve(run) {
    const window_ = Math.max(1, run.setting.images / BATCH);
    return run.wrong.map((_, k) => {
      const last = run.wrong.slice(Math.max(0, k + 1 - window_), k + 1);
      return [k + 1, mean(last) / BATCH];
    });
  }

  function apart(labels, least) { // names at the ends of lines, moved until they do not touch
    labels.sort((a, b) => a.y - b.y);
    labels.forEach((label, k) => { if (k) label.y = Math.max(label.y, labels[k - 1].y + least); });
    return labels;
  }

  function curves(width, height, shown, settings) {
    const steps = Math.max(...settings.map(({ epochs, images }) => (epochs * images) / BATCH));
    const axes = chart({
      width, height, x: [0, widened(steps, width)], y: [0, 1], yTicks: ticks(1), xTicks: [0, steps / 2, steps].map((each) => [each, Math.round(each)]),
      xLabel: "steps of 50 images", title: "Training error as they learn",
    });
    const labels = [];
    for (const run of shown) {
      const points = curve(run), kind = kindOf(run.setting, settings);
      if (!points.length) continue;
      axes.line(points, kind);
      axes.mark(points.at(-1), shape(run.setting), kind, 3.5);
      labels.push({ x: points.at(-1)[0] + steps * 0.03, y: points.at(-1)[1], name: short(run.setting, 99), kind });
    }
    for (const { x, y, name, kind } of apart(labels, 17 / (height - 70))) axes.words([x, y], name, kind);
    return axes.svg;
  }

  function ends(width, height, settings, runs, stored) {
    const axes = chart({
      width, height, x: [-0.6, settings.length - 0.4], y: [0, 1], yTicks: ticks(1), xTicks: [],
      xLabel: "points: your seeds; shade: the book's", title: "Training error in the end",
    });
    const room = (width - 60) / settings.length;
    settings.forEach((setting, k) => {
      const kind = arm(setting), held = stored(setting);
      if (held) axes.line([[k, Math.min(...held)], [k, Math.max(...held) + 0.004]], `${kind} band`);
      axes.words([k, -0.085], short(setting, room), room < 70 ? `${kind} narrow` : kind, "middle");
      const errors = runs.filter((run) => run.done && !run.failed && same(run.setting, setting)).map((run) => run.error);
      errors.forEach((error, i) => axes.mark([k + (((i * 3) % 7) - 3) * 0.045, error], shape(setting), `${kind} one`, 3.5));
      if (!errors.length) return;
      axes.line([[k - 0.28, mean(errors)], [k + 0.28, mean(errors)]], `${kind} solid`);
      if (errors.length > 2) axes.line(interval(errors).map((value) => [k + 0.28, value]), `${kind} solid`);
    });
    return axes.svg;
  }

  function byLayer(width, height, shown, settings, measure, when) {
    const all = shown.filter((run) => run[when]).map((run) => ({ run, values: run[when][measure].map((value) => Math.log10(Math.max(value, 1e-8))) }));
    const found = all.flatMap(({ values }) => values).filter(Number.isFinite);
    const low = Math.floor(Math.min(-1, ...found)), high = Math.ceil(Math.max(1, ...found)), step = Math.ceil((high - low) / 6);
    const depth = Math.max(8, ...shown.map((run) => run.setting.depth));
    const powers = Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, k) => low + k * step);
    const axes = chart({
      width, height, x: [1, 1 + widened(depth - 2, width)], y: [low, high], yTicks: powers.map((power) => [power, power < -3 || power > 3 ? `1e${power}` : String(Number((10 ** power).toPrecision(1)))]),
      xTicks: [1, Math.round(depth / 2), depth - 1].map((layer) => [layer, layer]), xLabel: "layer, from the image to the answer",
      title: `${measure === "gradients" ? "Size of the gradient" : "Scale of features"}, ${when === "first" ? "first step" : "now"}`,
    });
    const labels = [];
    for (const { run, values } of all) {
      axes.line(values.map((value, k) => [k + 1, Number.isFinite(value) ? value : high]), kindOf(run.setting, settings));
      labels.push({ x: values.length + depth * 0.03, y: values.at(-1), name: short(run.setting, 99), kind: arm(run.setting) });
    }
    for (const { x, y, name, kind } of apart(labels, (17 * (high - low)) / (height - 70))) axes.words([x, y], name, kind);
    return axes.svg;
  }

  // ---- One laboratory ----

  const quick = (results, name) => ({
    ...USUAL, depth: Number(name.split("-")[1]), skip: Number(name.startsWith("residual")),
    rate: results.quick.networks[name]?.rate ?? USUAL.rate, images: results.quick.images, epochs: results.quick.epochs,
  });

  const SHOWN = {
    four: { names: ["plain-8", "plain-32", "residual-8", "residual-32"], question: "After the same training, which network makes the most mistakes on its own training images?" },
    plain: { names: ["plain-8", "plain-32"], question: "Which of the two ends with the higher error on its own training images?" },
    residual: { names: ["plain-8", "plain-32", "residual-32"], question: "Which of the three ends with the lowest error on its own training images?" },
  };

  function laboratory(place, results) {
    const kind = place.dataset.laboratory;
    const bench = kind === "bench";
    const runs = [];
    const wanted = new URLSearchParams(location.search);
    let seed = Number(wanted.get("seed")) || 1, when = "first", guess = null, begun = 0;
    let settings = bench ? twoSettings(wanted, results) : SHOWN[kind].names.map((name) => quick(results, name));

    const panels = make("div", { class: "panels" });
    const says = make("p", { class: "told", role: "status", "aria-live": "polite" });
    const train = button(bench ? "Train both" : `Train ${["", "", "two", "three", "four"][settings.length]} networks`, () => more(1));
    const five = button("Five more seeds", () => more(5));
    const halt = button("Stop", () => { stop(); for (const run of runs.filter((each) => !each.done)) runs.splice(runs.indexOf(run), 1); draw(); });
    const save = button("Runs as CSV", () => download(runs));
    const buttons = make("div", { class: "controls" }, train, five, halt, ...(bench ? [save] : []));

    function more(count) {
      const added = [];
      for (let k = 0; k < count; k += 1, seed += 1) {
        for (const setting of settings) {
          added.push({ id: (runs_begun += 1), setting: { ...setting, seed }, losses: [], wrong: [], changed });
        }
      }
      open = true;
      runs.push(...added);
      begun = performance.now();
      draw();
      start(added).catch((problem) => { runs.length = 0; says.textContent = `Nothing can train here: ${problem.message}. The shade shows the book's stored runs.`; });
    }

    function changed(run) {
      if (run.done && !runs.some((each) => !each.done)) place.dataset.seconds = ((performance.now() - begun) / 1000).toFixed(2);
      if (run.done || !calm.matches) draw();
    }

    const stored = (setting) => {
      const plan = [results.quick, results.patient].find((each) => each && each.images === setting.images && each.epochs === setting.epochs);
      const name = `${setting.skip ? "residual" : "plain"}-${setting.depth}`;
      const held = plan && plan.networks[name];
      return held && same({ ...USUAL, depth: setting.depth, skip: setting.skip, images: plan.images, epochs: plan.epochs, rate: held.rate }, setting) ? held.errors : null;
    };

    const trains = typeof WebAssembly === "object";
    let open = !trains; // the book's runs wait for the reader's prediction
    function paint() {
      [waiting, painted] = [false, performance.now()];
      const wide = panels.clientWidth;
      if (!wide) return;
      const width = Math.min(wide >= 560 ? Math.floor(wide / 2) - 8 : wide, 640), height = Math.round(Math.min(0.72 * width + 40, 320));
      const inTraining = runs.filter((run) => run.wrong.length && !run.done);
      const latest = settings.map((setting) => runs.filter((run) => run.wrong.length && same(run.setting, setting)).at(-1)).filter(Boolean);
      const drawn = [curves(width, height, latest, settings), ends(width, height, settings, runs, open ? stored : () => null)];
      if (bench) drawn.push(byLayer(width, height, latest, settings, "gradients", when), byLayer(width, height, latest, settings, "features", when));
      panels.replaceChildren(...drawn);
      const left = runs.filter((run) => !run.done).length, done = runs.length - left;
      train.disabled = guess === null;
      five.disabled = train.disabled || !done;
      halt.disabled = !left;
      save.disabled = !done;
      const sentence = left ? `In training: ${done} of ${runs.length} networks are done.` : guess === null ? "First predict, then press the button." : done ? verdict() : "Ready to train.";
      if (says.textContent !== sentence) says.textContent = sentence;
      panels.dataset.training = inTraining.length;
    }

    let waiting = false, painted = 0;
    function draw() {
      if (waiting) return;
      waiting = true; // seven pictures per second are enough for curves that grow
      setTimeout(() => requestAnimationFrame(paint), Math.max(0, painted + 150 - performance.now()));
    }

    function verdict() {
      const errorsOf = (setting) => runs.filter((run) => run.done && !run.failed && same(run.setting, setting)).map((run) => run.error);
      const broken = runs.find((run) => run.failed);
      if (broken) return `Nothing could train here: ${broken.failed}.`;
      const shown = settings.filter((setting) => errorsOf(setting).length);
      const means = shown.map((setting) => `${nameOf(setting)} ${told(errorsOf(setting))}`).join(", ");
      const blown = runs.some((run) => run.diverged) ? " At least one loss was no longer a number: try a smaller rate." : "";
      if (bench) {
        const both = shown.length === 2 ? pairs(runs, settings[0], settings[1]) : [];
        const count = both.length ? ` With the same seed the first has the higher error in ${both.filter(([a, b]) => a > b).length} of ${both.length} ${both.length > 1 ? "pairs" : "pair"}.` : "";
        return `${both.length ? commented(errorsOf) : ""} Training error: ${means}.${count}${blown}`.trim();
      }
      const [shallow, deep] = settings, deepest = settings.at(-1);
      const degraded = pairs(runs, deep, shallow), helped = deepest.skip ? pairs(runs, deepest, deep) : [];
      const fewer = (some, how) => `${some.filter(([a, b]) => how * (a - b) > 0).length} of ${some.length}`;
      const one = `With the same seed, plain-32 makes more mistakes than plain-8 in ${fewer(degraded, 1)}`;
      const two = helped.length ? `, and residual-32 fewer than plain-32 in ${fewer(helped, -1)}` : "";
      return `${commented(errorsOf)} Training error: ${means}. ${one}${two}.${blown}`;
    }

    function commented(errorsOf) {
      const found = settings.map((setting) => mean(errorsOf(setting)));
      const right = found.indexOf(kind === "residual" ? Math.min(...found) : Math.max(...found));
      const name = bench ? answers[right] : nameOf(settings[right]);
      if (bench) return guess === right ? `As you predicted, ${name} has the higher training error.` : `You predicted ${answers[guess]}; the higher training error is that of ${name}.`;
      return guess === right ? `As you predicted, it is ${name}.` : `You predicted ${nameOf(settings[guess])}; it is ${name}.`;
    }

    const question = bench ? "Which ends with the higher training error?" : SHOWN[kind].question;
    const answers = bench ? ["the first", "the second"] : settings.map(nameOf);
    const ask = choices(question, "radio", answers, () => false, (k) => { guess = k; draw(); });
    const asked = bench ? benchControls(settings, change, (next) => { when = next; draw(); }, () => seed) : [];

    function change(next) { // another setting asks for another prediction
      [settings, guess, open] = [next, null, !trains];
      for (const input of ask.querySelectorAll("input")) input.checked = false;
      draw();
    }

    const live = make("div", { class: `live-figure laboratory ${kind}`, role: "group", "aria-label": "Laboratory: train networks in this page" }, ...asked, ask, buttons, panels, says);
    place.classList.add("is-live");
    place.after(live);
    if (!trains) {
      buttons.remove();
      live.append(make("p", { class: "told" }, "This browser has no WebAssembly, so nothing can train here. The shade shows the book's stored runs."));
    }
    let seen = 0;
    new ResizeObserver(() => { if (panels.clientWidth !== seen) { seen = panels.clientWidth; draw(); } }).observe(panels);
    document.addEventListener("visibilitychange", draw);
  }

  // ---- The bench: two networks side by side, each with all its switches ----

  const DEPTHS = [8, 14, 20, 32, 56], RATES = [0.0125, 0.025, 0.05, 0.1, 0.2, 0.4];
  const SIZES = [["500 images, 6 epochs", 500, 6], ["500 images, 24 epochs", 500, 24], ["1,000 images, 6 epochs", 1000, 6], ["1,000 images, 24 epochs", 1000, 24]];
  const SWITCHES = [["skip", "shortcuts"], ["norm", "batch norm"], ["scaled", "scale on F, from zero"]];

  // A setting of the address, with nothing but numbers that the engine takes.
  function read(text, fallback) {
    const setting = { ...USUAL, ...fallback };
    for (const part of (text || "").split("_")) {
      const [key, value] = [part.replace(/[\d.]+$/, ""), Number(part.replace(/^[a-z]+/, ""))];
      if (!(key in USUAL) || !Number.isFinite(value)) continue;
      setting[key] = value;
    }
    const within = DEPTHS.includes(setting.depth) && RATES.includes(setting.rate) && SIZES.some(([, images, epochs]) => images === setting.images && epochs === setting.epochs);
    for (const [key] of SWITCHES) setting[key] = setting[key] ? 1 : 0;
    setting.shuffled = setting.shuffled ? 1 : 0;
    setting.factor = setting.factor === 0.5 ? 0.5 : 1;
    return within ? setting : { ...USUAL, ...fallback };
  }

  const written = (setting) => Object.keys(USUAL).filter((key) => key !== "seed").map((key) => `${key}${setting[key]}`).join("_");

  function twoSettings(wanted, results) {
    return [read(wanted.get("a"), quick(results, "plain-32")), read(wanted.get("b"), quick(results, "residual-32"))];
  }

  function benchControls(settings, changed, looked, seed) {
    const now = settings.map((setting) => ({ ...setting }));
    const link = make("a", { href: "#" }, "Link to this setting");
    function tell() {
      const address = new URLSearchParams({ a: written(now[0]), b: written(now[1]), seed: seed() });
      link.href = `${location.pathname}?${address}`;
      changed(now.map((setting) => ({ ...setting })));
    }
    function select(label, options, at, chosen) {
      const list = make("select", {}, ...options.map((words, k) => make("option", { value: k, ...(k === at ? { selected: "" } : {}) }, words)));
      list.addEventListener("change", () => { chosen(Number(list.value)); tell(); });
      return make("label", { class: "control" }, `${label} `, list);
    }
    const both = (key, value) => { for (const setting of now) setting[key] = value; };
    const own = now.map((setting, k) => make("fieldset", { class: "own" },
      make("legend", {}, k ? "Second network" : "First network"),
      select("depth", DEPTHS.map((depth) => `${depth} layers`), DEPTHS.indexOf(setting.depth), (i) => { setting.depth = DEPTHS[i]; }),
      choices("", "checkbox", SWITCHES.map(([, words]) => words), (i) => Boolean(setting[SWITCHES[i][0]]), (i, on) => { setting[SWITCHES[i][0]] = Number(on); tell(); }),
      select("first weights", ["He's", "half of He's"], setting.factor === 1 ? 0 : 1, (i) => { setting.factor = i ? 0.5 : 1; }),
      select("peak rate", RATES, RATES.indexOf(setting.rate), (i) => { setting.rate = RATES[i]; }),
    ));
    const size = SIZES.findIndex(([, images, epochs]) => images === now[0].images && epochs === now[0].epochs);
    const shared = make("div", { class: "controls" },
      select("both train on", SIZES.map(([words]) => words), size, (i) => { both("images", SIZES[i][1]); both("epochs", SIZES[i][2]); }),
      choices("", "checkbox", ["shuffled labels"], () => Boolean(now[0].shuffled), (_, on) => { both("shuffled", Number(on)); tell(); }),
      choices("layers", "radio", ["first step", "while it trains"], (k) => k === 0, (k) => looked(k ? "now" : "first")),
      link,
    );
    setTimeout(tell);
    return [make("div", { class: "two" }, ...own), shared];
  }

  function download(runs) {
    const columns = [...Object.keys(USUAL), "error", "last_loss", "seconds"];
    const rows = runs.filter((run) => run.done && !run.failed).map((run) => [...Object.keys(USUAL).map((key) => run.setting[key]), run.error, run.losses.at(-1), run.seconds]);
    const text = [columns, ...rows].map((row) => row.join(",")).join("\n");
    const link = make("a", { href: URL.createObjectURL(new Blob([`${text}\n`], { type: "text/csv" })), download: "laboratory.csv" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  function bring() {
    const results = JSON.parse(document.querySelector("script.laboratory-results").textContent);
    for (const place of document.querySelectorAll("[data-laboratory]")) laboratory(place, results);
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", bring);
  else bring();
})();
