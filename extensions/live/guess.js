// The reader's points against the measured ones: placed with sliders or dragged in the chart.

const draws = []; // of all figures on the page: one shows what was placed in another
const placed = new Map(); // the reader's own points, by depth, once they are compared

const REACH = 18; // pixels from a point from which a finger still takes it

// A pointer in the chart takes the nearest point along; `axes()` is the chart as last drawn.
function draggable(panels, axes, points, moved) {
  let held = -1;
  const inChart = (event) => {
    const svg = axes().svg, box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  };
  panels.addEventListener("pointerdown", (event) => {
    const [x, y] = inChart(event);
    const away = points().map((point) => Math.hypot(axes().at(...point)[0] - x, axes().at(...point)[1] - y));
    const nearest = away.indexOf(Math.min(...away));
    held = away[nearest] <= REACH ? nearest : -1;
    if (held < 0) return;
    event.preventDefault();
    panels.setPointerCapture(event.pointerId);
  });
  panels.addEventListener("pointermove", (event) => {
    if (held >= 0) moved(held, axes().height(inChart(event)[1]));
  });
  for (const end of ["pointerup", "pointercancel"]) panels.addEventListener(end, () => { held = -1; });
}

function comment(asked, guesses, measured) {
  const means = asked.map((depth) => mean(measured(depth)));
  const off = guesses.map((guess, k) => guess - means[k]);
  const within = asked.filter((depth, k) => guesses[k] >= Math.min(...measured(depth)) && guesses[k] <= Math.max(...measured(depth)));
  const gained = guesses.at(-1) - guesses[0], grown = means.at(-1) - means[0];
  const way = Math.abs(gained) < 0.02 ? "stay level" : gained > 0 ? "rise" : "fall";
  const course = way === "rise"
    ? `Your points rise with depth, as the measured ones do: by ${percent(gained, 0)} where these rise by ${percent(grown, 0)}.`
    : `Your points ${way} with depth; the measured ones rise by ${percent(grown, 0)}.`;
  const distance = percent(mean(off.map(Math.abs)), 0);
  return `${course} On average they are ${distance} away, and ${within.length} of ${asked.length} lie within the range of the seeds.`;
}

function guessFigure(data, panels) {
  const asked = data.asked;
  const guesses = data.kept || asked.map(() => 0.3);
  let shown = false, axes, sliders = [];
  const show = () => {
    shown = true;
    asked.forEach((depth, k) => placed.set(depth, guesses[k]));
  };
  if (data.kept) show();
  const measured = (depth) => data.arms.plain[depth].training_error.map((run) => run.at(-1));
  const points = () => asked.map((depth, k) => [depth, guesses[k]]);
  const steps = Array.from({ length: 91 }, (_, k) => percent(k / 100, 0));

  function panel(width, height) {
    axes = chart({
      width, height, x: [2, 62], y: [0, 0.9], yTicks: ticks(0.9, 5), xTicks: asked.map((each) => [each, each]),
      xLabel: "layers", title: "Training error of plain networks",
    });
    axes.line(points(), "guess");
    for (const point of points()) axes.mark(point, "cross", "guess", 5);
    if (!shown) {
      for (const point of points()) axes.mark(point, "circle", "handle", REACH);
      return axes.svg;
    }
    for (const depth of asked) for (const error of measured(depth)) axes.mark([depth, error], "square", "plain one", 3);
    axes.line(asked.map((depth) => [depth, mean(measured(depth))]), "plain");
    for (const depth of asked) axes.mark([depth, mean(measured(depth))], "square", "plain");
    return axes.svg;
  }

  draggable(panels, () => axes, () => (shown ? [] : points()), (k, error) => {
    move(sliders[k], Math.round(100 * Math.min(0.9, Math.max(0, error))));
  });

  function form(draw) {
    sliders = asked.map((depth, k) => slider(`${depth} layers`, steps, 30, (step) => { guesses[k] = step / 100; draw(); }));
    const lock = button("Lock my prediction", () => {
      show();
      for (const each of draws) each();
      fields.dispatchEvent(new CustomEvent("predicted", { bubbles: true, detail: guesses }));
      fields.parentElement.nextElementSibling.focus();
      fields.remove();
    });
    const fields = make("div", { class: "controls" }, ...sliders, lock);
    return fields;
  }

  return {
    controls: (draw) => (shown ? [] : [form(draw)]),
    panels: [panel],
    say() {
      const own = asked.map((depth, k) => `${depth} layers ${percent(guesses[k], 0)}`).join(", ");
      if (!shown) return `Your points: ${own}.`;
      const told = asked.map((depth) => `${depth} layers ${percent(mean(measured(depth)))} (${range(measured(depth))})`);
      return `Your points: ${own}. Measured: ${told.join(", ")}, n\u00a0=\u00a0${measured(asked[0]).length} each. ${comment(asked, guesses, measured)}`;
    },
  };
}
