// Accuracy on ImageNet against what a network costs, by the measure of cost that is chosen.

function publishedFigure(data) {
  const measures = {
    "multiply-adds": { words: (each) => `${each.work} billion multiply-adds`, of: (each) => each.work, ticks: [2, 4, 8, 16, 32], label: "multiply-adds, billions (log scale)" },
    parameters: { words: (each) => `${each.parameters.toLocaleString("en")} parameters`, of: (each) => each.parameters / 1e6, ticks: [12, 25, 50, 100], label: "parameters, millions (log scale)" },
    depth: { words: (each) => `${each.layers} layers`, of: (each) => each.layers, ticks: [18, 34, 50, 101, 152], label: "layers (log scale)" },
  };
  const recipes = { V1: ["plain", "square"], V2: ["residual", "circle"] };
  const networks = data.networks;
  const standard = networks.find(({ name, recipe }) => name === "ResNet-50" && recipe === "V1");
  let [at, measure] = [networks.indexOf(standard), "multiply-adds"];

  function points(width, height) {
    const { of, ticks: marks, label } = measures[measure];
    const across = (each) => Math.log2(of(each));
    const all = networks.map(across), [low, high] = [Math.min(...all), Math.max(...all)];
    const axes = chart({
      width, height: Math.max(height, 300), x: [low - 0.35, high + 0.5], y: [68.5, 84], yTicks: [70, 72, 74, 76, 78, 80, 82].map((each) => [each, each]),
      xTicks: marks.map((each) => [Math.log2(each), each]), xLabel: label, title: "Top-1 accuracy on ImageNet, %",
    });
    for (const [recipe, [arm, shape]] of Object.entries(recipes)) {
      const own = networks.filter((each) => each.recipe === recipe);
      const usual = own.filter(({ name }) => name.startsWith("ResNet-"));
      axes.line(usual.map((each) => [across(each), each.accuracy]), arm);
      for (const each of own) axes.mark([across(each), each.accuracy], shape, usual.includes(each) ? arm : `${arm} open`, 4.5);
      const first = usual[recipe === "V1" ? 1 : 0];
      axes.words([across(first) - 0.16, first.accuracy], `recipe ${recipe}`, arm, "end");
    }
    const here = networks[at], right = across(here) > (low + high) / 2;
    axes.mark([across(here), here.accuracy], "circle", "guess", 9);
    axes.words([across(here) + (right ? -0.1 : 0.1), here.accuracy + (right ? 1.1 : -1.2)], here.name, "name", right ? "end" : "start");
    return axes.svg;
  }

  function against(here) {
    if (here === standard) return "The others are compared with this one.";
    const gain = here.accuracy - standard.accuracy;
    const times = measures[measure].of(here) / measures[measure].of(standard);
    const gained = `${gain < 0 ? "\u2212" : "+"}${Math.abs(gain).toFixed(1)} points`;
    return `Against ResNet-50 with recipe V1: ${gained} for ${times.toFixed(2)} times the ${measure}.`;
  }

  return {
    controls: (draw) => [
      slider("Network", networks.map(({ name, recipe }) => `${name}, recipe ${recipe}`), at, (k) => { at = k; draw(); }),
      choices("Cost as", "radio", Object.keys(measures), (k) => k === 0, (k) => { measure = Object.keys(measures)[k]; draw(); }),
    ],
    panels: [points],
    say() {
      const here = networks[at];
      return `${here.name}, recipe ${here.recipe}: ${here.accuracy.toFixed(1)}\u00a0% with ${Object.values(measures).map(({ words }) => words(here)).join(", ")}. ${against(here)}`;
    },
  };
}
