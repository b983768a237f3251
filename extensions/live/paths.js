// How long the paths through a network are, and those that carry its gradient.

function pathsFigure(data) {
  let at = data.blocks.indexOf(27);

  function paths(blocks) {
    let number = 1;
    const numbers = [number];
    for (let m = 1; m <= blocks; m += 1) numbers.push((number *= (blocks - m + 1) / m));
    return numbers.map((each) => each / 2 ** blocks);
  }

  const lengthOf = (shares) => shares.reduce((sum, share, m) => sum + m * share, 0);

  function shares(width, height) {
    const blocks = data.blocks[at], all = paths(blocks), found = data.measured[blocks];
    const top = 1.1 * Math.max(...all, ...(found ? Object.values(found).flat(2) : []));
    const step = Math.ceil(blocks / 9);
    const axes = chart({
      width, height, x: [-0.8, blocks + 0.8], y: [0, top], yTicks: ticks(top),
      xTicks: all.map((_, m) => [m, m]).filter(([m]) => m % step === 0), xLabel: "blocks that a path passes through",
      title: `${2 * blocks + 2} layers: share of each length`,
    });
    all.forEach((share, m) => axes.bar([m, share], 0.8, "paths"));
    for (const [name, arm, shape] of [["agree", "residual", "circle"], ["unrelated", "grown", "triangle"]]) {
      if (!found) break;
      for (const run of found[name]) axes.line(run.map((share, m) => [m, share]), `${arm} one`);
      const middle = all.map((_, m) => [m, mean(found[name].map((run) => run[m]))]);
      axes.line(middle, arm);
      for (const point of middle) axes.mark(point, shape, arm, 3);
    }
    return axes.svg;
  }

  return {
    controls: (draw) => [
      slider("Depth", data.blocks.map((each) => `${2 * each + 2} layers`), at, (k) => { at = k; draw(); }),
    ],
    panels: [shares],
    say() {
      const blocks = data.blocks[at], found = data.measured[blocks];
      const all = `${blocks} blocks, ${(2 ** blocks).toLocaleString("en")} paths (bars), ${(blocks / 2).toFixed(1)} blocks long on average`;
      if (!found) return `${all}. The gradients were measured at ${Object.keys(data.measured).map((each) => 2 * each + 2).join(" and ")} layers.`;
      const lengths = (name) => found[name].map(lengthOf);
      const told = (name) => `${mean(lengths(name)).toFixed(1)} (${Math.min(...lengths(name)).toFixed(1)} to ${Math.max(...lengths(name)).toFixed(1)})`;
      return `${all}; weighted with their gradients ${told("agree")} if all agree (circles), ${told("unrelated")} if none do (triangles), n\u00a0=\u00a0${found.agree.length}.`;
    },
  };
}
