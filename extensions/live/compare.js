// Kinds of network, and two of them against each other, seed by seed: a pair shares its seed.

function compareFigure(data) {
  const names = Object.keys(data.kinds), depths = Object.keys(data.kinds[names[0]]);
  const measures = { training_error: "training error", validation_error: "validation error" };
  const chosen = [...data.start];
  let [depth, measure] = [depths.at(-1), "training_error"];
  const errors = (name) => data.kinds[name][depth][measure];
  const differences = () => errors(names[chosen[1]]).map((error, k) => error - errors(names[chosen[0]])[k]);
  const points = (value, digits = 1) => `${value < 0 ? "\u2212" : "+"}${Math.abs(100 * value).toFixed(digits)}`;

  function interval(values) {
    const middle = mean(values);
    const variance = values.reduce((sum, each) => sum + (each - middle) ** 2, 0) / (values.length - 1);
    const half = data.t * Math.sqrt(variance / values.length);
    return [middle, middle - half, middle + half];
  }

  // All kinds in rows, so that one sees where the two that are compared lie among them.
  function rows(width, height) {
    const top = 1.08 * Math.max(...names.flatMap(errors));
    const axes = chart({
      width, height: Math.max(height, 60 * names.length), x: [0, top], y: [0.4 - names.length, 0.8], yTicks: [],
      xTicks: ticks(top), xLabel: measures[measure], title: `${depth} layers`,
    });
    const joined = chosen.map((k) => errors(names[k]));
    joined[0].forEach((error, k) => axes.line([[error, -chosen[0]], [joined[1][k], -chosen[1]]], "residual one"));
    names.forEach((name, k) => {
      const is = chosen.includes(k), middle = mean(errors(name));
      for (const error of errors(name)) axes.mark([error, -k], "circle", is ? "residual" : "residual one", 3.5);
      axes.line([[middle, -k - 0.2], [middle, -k + 0.2]], "residual");
      axes.words([0, 0.4 - k], name, is ? "name" : "chance");
    });
    return axes.svg;
  }

  function difference(width, height) {
    const found = differences(), [middle, low, high] = interval(found);
    const most = 1.15 * Math.max(0.01, ...[low, high, ...found].map(Math.abs));
    const step = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2].find((each) => most / each <= 3) || 0.2;
    const marks = Array.from({ length: 2 * Math.floor(most / step) + 1 }, (_, k) => (k - Math.floor(most / step)) * step);
    const axes = chart({
      width, height: Math.max(150, 0.6 * height), x: [-most, most], y: [0, 1], yTicks: [], xLabel: "percentage points, second minus first",
      xTicks: marks.map((each) => [each, each ? points(each, step < 0.01 ? 1 : 0) : "0"]), title: "Difference, seed by seed",
    });
    axes.line([[0, 0], [0, 1]], "chance");
    for (const each of found) axes.mark([each, 0.65], "circle", "residual one", 3.5);
    axes.line([[low, 0.3], [high, 0.3]], "residual");
    axes.mark([middle, 0.3], "circle", "residual", 5);
    return axes.svg;
  }

  return {
    controls: (draw) => [
      ...["First", "Second"].map((label, place) => menu(label, names, chosen[place], (k) => { chosen[place] = k; draw(); })),
      choices("Layers", "radio", depths, (k) => depths[k] === depth, (k) => { depth = depths[k]; draw(); }),
      choices("Show", "radio", Object.values(measures), (k) => k === 0, (k) => { measure = Object.keys(measures)[k]; draw(); }),
    ],
    panels: [rows, difference],
    say() {
      const told = chosen.map((k) => `${names[k]} ${percent(mean(errors(names[k])))} (${range(errors(names[k]))})`);
      const [middle, low, high] = interval(differences());
      const seeds = `n\u00a0=\u00a0${differences().length}`;
      const difference = chosen[0] === chosen[1] ? "Choose two kinds that differ."
        : `The second minus the first: ${points(middle, 2)} points, 95\u00a0% interval ${points(low, 2)} to ${points(high, 2)}.`;
      return `${depth} layers, ${measures[measure]}: ${told.join(", ")}, ${seeds} each. ${difference}`;
    },
  };
}
