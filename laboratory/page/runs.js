// A run: one network, its setting and what training told. The words of a setting are those of
// tools/engine.py.

const BATCH = 50;
const USUAL = { depth: 8, skip: 0, norm: 1, scaled: 0, factor: 1, shuffled: 0, images: 500, epochs: 6, rate: 0.05, seed: 1 };

const arm = (setting) => (setting.skip ? "residual" : "plain");
const steps = ({ images, epochs }) => (images * epochs) / BATCH;
const same = (one, other) => Object.keys(USUAL).every((key) => key === "seed" || one[key] === other[key]);
const trained = (runs, setting) => runs.filter((run) => run.done && !run.failed && same(run.setting, setting));
const errorsOf = (runs, setting) => trained(runs, setting).map((run) => run.error);

function nameOf(setting) {
  const also = [!setting.norm && "no norm", setting.scaled && setting.skip && "F from 0", setting.factor !== 1 && "half weights", setting.shuffled && "shuffled"];
  return [`${arm(setting)}-${setting.depth}`, ...also.filter(Boolean)].join(", ");
}

// ---- The book's own runs ----

// A network such as `plain-8` as a plan of the stored results trains it.
function planned(plan, name) {
  const [kind, depth] = name.split("-");
  return { ...USUAL, depth: Number(depth), skip: Number(kind === "residual"), images: plan.images, epochs: plan.epochs, rate: plan.networks[name].rate };
}

function storedErrors(results, setting) {
  const name = `${arm(setting)}-${setting.depth}`;
  const plan = Object.values(results).find((each) => each.networks[name] && same(planned(each, name), setting));
  return plan ? plan.networks[name].errors : null;
}

// The peak rate that the book's sweep found best for this network, images and epochs.
function storedRate(results, { depth, skip, images, epochs }) {
  const name = `${arm({ skip })}-${depth}`;
  const plan = Object.values(results).find((each) => each.networks[name] && each.images === images && each.epochs === epochs);
  return plan && plan.networks[name].rate;
}

// ---- What several runs say ----

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
  const bySeed = (setting) => new Map(trained(runs, setting).map((run) => [run.setting.seed, run.error]));
  const [first, second] = [bySeed(one), bySeed(other)];
  return [...first.keys()].filter((seed) => second.has(seed)).map((seed) => [first.get(seed), second.get(seed)]);
}

// The share of wrong answers in the batches of the last epoch, at each step.
function curve(run) {
  const epoch = run.setting.images / BATCH;
  return run.wrong.map((_, k) => [k + 1, mean(run.wrong.slice(Math.max(0, k + 1 - epoch), k + 1)) / BATCH]);
}

function asTable(runs) {
  const keys = Object.keys(USUAL);
  const rows = runs.filter((run) => run.done && !run.failed).map((run) => [...keys.map((key) => run.setting[key]), run.error, run.losses.at(-1), run.seconds.toFixed(2)]);
  return `${[[...keys, "error", "last_loss", "seconds"], ...rows].map((row) => row.join(",")).join("\n")}\n`;
}
