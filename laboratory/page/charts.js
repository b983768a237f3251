// What one sees: the networks and their images before training, and the charts of their runs.

const shape = (setting) => (setting.skip ? "circle" : "square");
const short = (setting, room) => `${setting.skip && room < 90 ? "res." : arm(setting)}-${setting.depth}`;

// Of two networks of one kind the first is drawn thinner, so that the lines can be told apart.
function kindOf(setting, settings) {
  const alike = settings.filter((other) => other.skip === setting.skip);
  return arm(setting) + (alike.length > 1 && same(alike[0], setting) ? " shallow" : "");
}

// A bar for each layer, from the image on the left to the answer, and an arc for each shortcut.
function network({ depth, skip }) {
  const step = 5, height = 26, svg = make("svg", { class: "network", width: 32 * step + 4, height, "aria-hidden": true });
  const kind = skip ? "residual" : "plain";
  for (let layer = 0; layer < depth; layer += 1) {
    svg.append(make("rect", { class: `mark ${kind}`, x: 2 + layer * step, y: 11, width: 3, height: 14 }));
  }
  for (let layer = 1; skip && layer < depth - 1; layer += 2) {
    const from = layer * step + 1, to = from + 2 * step;
    svg.append(make("path", { class: `line ${kind}`, d: `M${from} 9C${from + 1} 0 ${to - 1} 0 ${to} 9` }));
  }
  return svg;
}

// The first images that every network learns, each a line as in built/images.txt.
function pictures(lines) {
  const side = 14, canvas = make("canvas", { class: "pictures", width: side * lines.length, height: side, role: "img", "aria-label": "The first images: shoes, shirts, bags and other clothes, grey on black" });
  const pen = canvas.getContext("2d");
  lines.forEach((line, n) => [...line.slice(1)].forEach((shade, p) => {
    const grey = 17 * parseInt(shade, 16);
    pen.fillStyle = `rgb(${grey} ${grey} ${grey})`;
    pen.fillRect(n * side + (p % side), Math.floor(p / side), 1, 1);
  }));
  return canvas;
}

const NAMES = 92; // what the names at the ends of lines take, in pixels
const widened = (span, width) => (span * (width - 60)) / (width - 60 - NAMES);

function named(axes, labels, least) { // names at the ends of lines, moved until they do not touch
  labels.sort((a, b) => a.y - b.y);
  labels.forEach((label, k) => { if (k) label.y = Math.max(label.y, labels[k - 1].y + least); });
  for (const { x, y, name, kind } of labels) axes.words([x, y], name, kind);
}

function curves(width, height, shown, settings) {
  const most = Math.max(...settings.map(steps));
  const axes = chart({
    width, height, x: [0, widened(most, width)], y: [0, 1], yTicks: ticks(1), xTicks: [0, most / 2, most].map((each) => [each, Math.round(each)]),
    xLabel: `steps of ${BATCH} images`, title: "Mistakes while they learn",
  });
  const labels = shown.map((run) => {
    const points = curve(run), kind = kindOf(run.setting, settings), [x, y] = points.at(-1);
    axes.line(points, kind);
    axes.mark([x, y], shape(run.setting), kind, 3.5);
    return { x: x + most * 0.03, y, name: short(run.setting, 99), kind };
  });
  named(axes, labels, 17 / (height - 70));
  return axes.svg;
}

function ends(width, height, settings, runs, stored) {
  const highest = Math.max(0.2, ...settings.flatMap((setting) => [...errorsOf(runs, setting), ...(stored(setting) || [])]));
  const top = [0.2, 0.4, 0.6, 0.8, 1].find((each) => each >= highest);
  const axes = chart({
    width, height, x: [-0.6, settings.length - 0.4], y: [0, top], yTicks: ticks(top), xTicks: [],
    xLabel: settings.some(stored) ? "points: yours; shade: the book's twenty" : "a point for each network", title: "Training error at the end",
  });
  const room = (width - 60) / settings.length;
  settings.forEach((setting, k) => {
    const kind = arm(setting), held = stored(setting), errors = errorsOf(runs, setting);
    if (held) axes.line([[k, Math.min(...held)], [k, Math.max(...held) + 0.004 * top]], `${kind} band`);
    axes.words([k, -0.085 * top], short(setting, room), room < 70 ? `${kind} narrow` : kind, "middle");
    errors.forEach((error, i) => axes.mark([k + (((i * 3) % 7) - 3) * 0.045, error], shape(setting), `${kind} one`, 3.5));
    if (!errors.length) return;
    axes.line([[k - 0.28, mean(errors)], [k + 0.28, mean(errors)]], `${kind} solid`);
    if (errors.length > 2) axes.line(interval(errors).map((value) => [k + 0.28, value]), `${kind} solid`);
  });
  return axes.svg;
}

// ---- The two suspects of chapter 4, layer by layer, on a scale of powers of ten ----

const MEASURES = { gradients: "Size of the gradient", features: "Scale of features" };
const power = (value) => (Number.isFinite(value) ? Math.log10(Math.max(value, 1e-8)) : 8);
const asNumber = (exponent) => (Math.abs(exponent) > 3 ? `1e${exponent}` : String(Number((10 ** exponent).toPrecision(1))));

function byLayer(width, height, shown, settings, measure, when) {
  const all = shown.filter((run) => run[when]).map((run) => ({ run, values: run[when][measure].map(power) }));
  const found = all.flatMap(({ values }) => values);
  const low = Math.floor(Math.min(-1, ...found)), high = Math.ceil(Math.max(1, ...found)), step = Math.ceil((high - low) / 6);
  const depth = Math.max(8, ...settings.map((setting) => setting.depth));
  const powers = Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, k) => low + k * step);
  const axes = chart({
    width, height, x: [1, 1 + widened(depth - 2, width)], y: [low, high], yTicks: powers.map((exponent) => [exponent, asNumber(exponent)]),
    xTicks: [1, Math.round(depth / 2), depth - 1].map((layer) => [layer, layer]), xLabel: "layer, from the image to the answer",
    title: `${MEASURES[measure]}, ${when === "first" ? "first step" : "now"}`,
  });
  const labels = all.map(({ run: { setting }, values }) => {
    axes.line(values.map((value, k) => [k + 1, value]), kindOf(setting, settings));
    return { x: values.length + depth * 0.03, y: values.at(-1), name: short(setting, 99), kind: arm(setting) };
  });
  named(axes, labels, (17 * (high - low)) / (height - 70));
  return axes.svg;
}
