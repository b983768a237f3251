// The bench: two networks side by side, each with all its switches, and an address that holds them.

const DEPTHS = [8, 14, 20, 32, 56], RATES = [0.00625, 0.0125, 0.025, 0.05, 0.1, 0.2, 0.4], IMAGES = [500, 1000], EPOCHS = [6, 12, 24];
const SIZES = IMAGES.flatMap((images) => EPOCHS.map((epochs) => [`${images.toLocaleString("en")} images, ${epochs} epochs`, images, epochs]));
const SWITCHES = [["skip", "shortcuts"], ["norm", "batch norm"], ["scaled", "scale on F, from zero"]];

// A setting of the address, with nothing but numbers that the engine takes.
function read(text, usual) {
  const setting = { ...usual };
  for (const part of (text || "").split("_")) {
    const [key, value] = [part.replace(/[\d.]+$/, ""), Number(part.replace(/^[a-z]+/, ""))];
    if (key in USUAL && Number.isFinite(value)) setting[key] = value;
  }
  for (const key of ["skip", "norm", "scaled", "shuffled"]) setting[key] = setting[key] ? 1 : 0;
  setting.factor = setting.factor === 0.5 ? 0.5 : 1;
  const allowed = { depth: DEPTHS, rate: RATES, images: IMAGES, epochs: EPOCHS };
  return Object.entries(allowed).every(([key, values]) => values.includes(setting[key])) ? setting : usual;
}

const written = (setting) => Object.keys(USUAL).filter((key) => key !== "seed").map((key) => `${key}${setting[key]}`).join("_");

function select(label, options, at, chosen) {
  const list = make("select", {}, ...options.map((words, k) => make("option", { value: k, ...(k === at ? { selected: "" } : {}) }, words)));
  list.addEventListener("change", () => chosen(Number(list.value)));
  return make("label", { class: "control" }, `${label} `, list);
}

// The rate follows to the best one of the book's sweep, where there is one for the new setting.
function switches(setting, k, changed, bestRate) {
  const rate = select("peak rate", RATES, RATES.indexOf(setting.rate), (i) => { setting.rate = RATES[i]; changed(); });
  const put = (key, value) => {
    setting[key] = value;
    setting.rate = bestRate(setting) || setting.rate;
    rate.querySelector("select").value = RATES.indexOf(setting.rate);
    changed();
  };
  const box = make("fieldset", { class: "own" },
    make("legend", {}, k ? "Second network" : "First network"),
    select("depth", DEPTHS.map((depth) => `${depth} layers`), DEPTHS.indexOf(setting.depth), (i) => put("depth", DEPTHS[i])),
    choices("", "checkbox", SWITCHES.map(([, words]) => words), (i) => Boolean(setting[SWITCHES[i][0]]), (i, on) => put(SWITCHES[i][0], Number(on))),
    select("first weights", ["He's", "half of He's"], setting.factor === 1 ? 0 : 1, (i) => put("factor", i ? 0.5 : 1)),
    rate,
  );
  return { box, put };
}

// The controls of both networks; `changed` gets their settings, `looked` when the layers are shown.
function benchControls(settings, changed, looked, seed, bestRate) {
  const now = settings.map((setting) => ({ ...setting }));
  const link = make("a", { href: "#" }, "Link to this setting");
  function tell() {
    link.href = `${location.pathname}?${new URLSearchParams({ a: written(now[0]), b: written(now[1]), seed: seed() })}`;
    changed(now.map((setting) => ({ ...setting })));
  }
  const own = now.map((setting, k) => switches(setting, k, tell, bestRate));
  const both = (values) => { for (const { put } of own) for (const [key, value] of Object.entries(values)) put(key, value); };
  const size = SIZES.findIndex(([, images, epochs]) => images === now[0].images && epochs === now[0].epochs);
  const shared = make("div", { class: "controls" },
    select("both train on", SIZES.map(([words]) => words), size, (i) => both({ images: SIZES[i][1], epochs: SIZES[i][2] })),
    choices("", "checkbox", ["shuffled labels"], () => Boolean(now[0].shuffled), (_, on) => both({ shuffled: Number(on) })),
    choices("layers", "radio", ["first step", "while it trains"], (k) => k === 0, (k) => looked(k ? "now" : "first")),
    link,
  );
  setTimeout(tell);
  return [make("div", { class: "two" }, ...own.map(({ box }) => box)), shared];
}
