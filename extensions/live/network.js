// A residual network to be built: what each part of it costs, by the formulas of the layers.

// Multiply-adds and parameters of a convolution without bias, and of the batch norm after it.
const layer = (side, kernel, from, to) => ({ work: kernel ** 2 * from * to * side ** 2, parameters: kernel ** 2 * from * to + 2 * to });

function blockLayers({ bottleneck, from, width, before, after }) {
  const to = bottleneck ? 4 * width : width;
  const layers = bottleneck
    ? [layer(before, 1, from, width), layer(after, 3, width, width), layer(after, 1, width, to)]
    : [layer(after, 3, from, width), layer(after, 3, width, width)];
  if (from !== to || before !== after) layers.push(layer(after, 1, from, to)); // the projection
  return layers;
}

const total = (layers) => ({ work: layers.reduce((sum, each) => sum + each.work, 0), parameters: layers.reduce((sum, each) => sum + each.parameters, 0) });

// The stem, four stages and the head; each halving rounds up, as padding by half a kernel does.
function parts({ bottleneck, blocks, width, side }) {
  const halved = (length) => Math.ceil(length / 2);
  let channels = width, map = halved(halved(side));
  const found = [layer(halved(side), 7, 3, width)];
  blocks.forEach((count, stage) => {
    const layers = [];
    for (let k = 0; k < count; k += 1) {
      const after = stage > 0 && k === 0 ? halved(map) : map;
      layers.push(...blockLayers({ bottleneck, from: channels, width: width * 2 ** stage, before: map, after }));
      channels = width * 2 ** stage * (bottleneck ? 4 : 1);
      map = after;
    }
    found.push(total(layers));
  });
  return [...found, { work: 1000 * channels, parameters: 1000 * channels + 1000 }];
}

function networkFigure(data) {
  const [mostBlocks, widths, sides] = [36, [16, 32, 64, 128], [32, 96, 224]];
  const net = { bottleneck: false, blocks: [2, 2, 2, 2], width: 64, side: 224 };
  const names = ["stem", "stage 1", "stage 2", "stage 3", "stage 4", "head"];
  const layers = () => 2 + (net.bottleneck ? 3 : 2) * net.blocks.reduce((sum, each) => sum + each);
  const known = () => Object.entries(data.family).find(([, { bottleneck, blocks }]) =>
    net.width === 64 && bottleneck === net.bottleneck && `${blocks}` === `${net.blocks}`);

  // A bar for each block: as high as its map, so that one sees the network narrow.
  function drawing(width, height) {
    const count = net.blocks.reduce((sum, each) => sum + each);
    const axes = chart({
      width, height, x: [0, count + 4], y: [0, net.side / 4], yTicks: [], xTicks: [], xLabel: "blocks, as high as their maps, from left to right",
      title: `${layers()} layers`,
    });
    let place = 0.5;
    net.blocks.forEach((each, stage) => {
      const side = Math.ceil(net.side / 4 / 2 ** stage);
      for (let k = 0; k < each; k += 1, place += 1) axes.bar([place, side], 0.75, "residual");
      place += 1;
    });
    return axes.svg;
  }

  function shares(width, height) {
    const found = parts(net), sums = total(found);
    const axes = chart({
      width, height, x: [-0.6, 5.6], y: [0, 1], yTicks: ticks(1, 5), xLabel: "part",
      xTicks: [...names.keys()].map((k) => [k, k === 0 || k === 5 ? names[k] : k]), title: "Shares",
    });
    found.forEach((part, k) => {
      axes.bar([k - 0.2, part.work / sums.work], 0.38, "residual");
      axes.bar([k + 0.2, part.parameters / sums.parameters], 0.38, "other");
    });
    axes.words([-0.4, 0.95], "multiply-adds", "residual");
    axes.words([-0.4, 0.86], "parameters", "chance");
    return axes.svg;
  }

  function controls(draw) {
    const kinds = choices("Block", "radio", ["two 3 × 3", "bottleneck"], (k) => k === 0, (k) => { net.bottleneck = k === 1; draw(); });
    const blocks = net.blocks.map((count, stage) => slider(
      `Stage ${stage + 1}`, Array.from({ length: mostBlocks }, (_, k) => `${k + 1} block${k ? "s" : ""}`), count - 1,
      (step) => { net.blocks[stage] = step + 1; draw(); }));
    const width = choices("Channels of stage 1", "radio", widths, (k) => widths[k] === net.width, (k) => { net.width = widths[k]; draw(); });
    const side = choices("Image", "radio", sides.map((each) => `${each} × ${each}`), (k) => sides[k] === net.side, (k) => { net.side = sides[k]; draw(); });
    const paper = Object.entries(data.family).map(([depth, plan]) => button(`ResNet-${depth}`, () => {
      kinds.querySelectorAll("input")[Number(plan.bottleneck)].click();
      width.querySelectorAll("input")[widths.indexOf(64)].click();
      plan.blocks.forEach((count, stage) => move(blocks[stage], count - 1));
    }));
    return [make("div", { class: "controls" }, ...paper), kinds, width, side, ...blocks];
  }

  return {
    controls,
    panels: [drawing, shares],
    say() {
      const { work, parameters } = total(parts(net));
      const name = known() ? `ResNet-${known()[0]}` : `A network of ${layers()} layers`;
      return `${name}, ${net.blocks.join(", ")} blocks: ${parameters.toLocaleString("en")} parameters, ${(work / 1e9).toFixed(3)} billion multiply-adds for an image of ${net.side} × ${net.side}.`;
    },
  };
}
