// Errors at one depth, epoch by epoch, and at the end over all depths.

function depthFigure(data) {
  const measures = { training_error: "training error", test_error: "test error" };
  let [at, measure] = [data.depths.length - 1, "training_error"];
  const guessed = () => (measure === "training_error" ? [...placed] : []); // what the reader was asked
  const runs = (arm, depth) => data.arms[arm][depth][measure];
  const ends = (arm, depth) => runs(arm, depth).map((run) => run.at(-1));
  const highest = (values) => 1.08 * Math.max(...values);

  function curves(width, height) {
    const depth = data.depths[at];
    const all = Object.keys(ARMS).flatMap((arm) => data.depths.flatMap((each) => runs(arm, each).flat()));
    const epochs = runs("plain", depth)[0].map((_, k) => k + 1);
    const top = highest(all);
    const axes = chart({
      width, height, x: [1, epochs.at(-1) + 0.2], y: [0, top], yTicks: ticks(top),
      xTicks: epochs.map((each) => [each, each]), xLabel: "epoch", title: `${depth} layers: ${measures[measure]}`,
    });
    for (const [arm, shape] of Object.entries(ARMS)) {
      for (const run of runs(arm, depth)) axes.line(run.map((error, k) => [k + 1, error]), `${arm} one`);
      const middle = epochs.map((each, k) => [each, mean(runs(arm, depth).map((run) => run[k]))]);
      axes.line(middle, arm);
      for (const point of middle) axes.mark(point, shape, arm);
    }
    return axes.svg;
  }

  function overview(width, height) {
    const top = highest([...Object.keys(ARMS).flatMap((arm) => data.depths.flatMap((each) => ends(arm, each))), ...guessed().map(([, error]) => error)]);
    const axes = chart({
      width, height, x: [2, data.depths.at(-1) + 6], y: [0, top], yTicks: ticks(top),
      xTicks: data.depths.map((each) => [each, each]), xLabel: "layers", title: "At the end, over depth",
    });
    axes.bar([data.depths[at], top], 9, "here");
    for (const [arm, shape] of Object.entries(ARMS)) {
      axes.line(data.depths.map((each) => [each, mean(ends(arm, each))]), arm);
      for (const each of data.depths) {
        for (const error of ends(arm, each)) axes.mark([each, error], shape, `${arm} one`, 2.5);
        axes.mark([each, mean(ends(arm, each))], shape, arm);
      }
    }
    for (const arm of Object.keys(ARMS)) {
      axes.words([data.depths.at(-1), mean(ends(arm, data.depths.at(-1))) + 0.07 * top], arm, arm, "end");
    }
    for (const point of guessed()) axes.mark(point, "cross", "guess", 5);
    return axes.svg;
  }

  return {
    controls: (draw) => [
      slider("Depth", data.depths.map((each) => `${each} layers`), at, (k) => { at = k; draw(); }),
      choices("Show", "radio", Object.values(measures), (k) => k === 0, (k) => {
        measure = Object.keys(measures)[k];
        draw();
      }),
    ],
    panels: [curves, overview],
    say() {
      const depth = data.depths[at];
      const told = Object.keys(ARMS).map((arm) => `${arm} ${percent(mean(ends(arm, depth)))} (${range(ends(arm, depth))})`);
      return `${depth} layers, ${measures[measure]} at the end: ${told.join(", ")}, n\u00a0=\u00a0${ends("plain", depth).length} each.`;
    },
  };
}
