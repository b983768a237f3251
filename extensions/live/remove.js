// Blocks that the reader pulls out of a drawn network, and what the trained networks do without them.

// Stem, blocks and head in a row, each block under the arc of its shortcut; a press takes it out.
function drawnNetwork(names, toggled) {
  const fixed = (words, about, arc = "") => make("span", { class: `piece fixed ${arc}`, title: about }, words);
  const stageOf = (name) => name.match(/stage (\d)/)[1];
  const row = [fixed("stem", "the first convolution")];
  names.forEach((name, k) => {
    const stage = stageOf(name);
    if (k && stage !== stageOf(names[k - 1])) row.push(fixed("1", "it changes the shape and has to stay", "shortcut"));
    const block = make("button", { type: "button", class: "piece shortcut", "aria-label": name, "aria-pressed": false }, name.at(-1));
    block.addEventListener("click", () => {
      const out = block.getAttribute("aria-pressed") !== "true";
      block.setAttribute("aria-pressed", out);
      toggled(k, out);
    });
    row.push(block);
  });
  return make("div", { class: "drawn-network", role: "group", "aria-label": "Take out" }, ...row, fixed("head", "pooling and the linear layer"));
}

function removeFigure(data) {
  const out = new Set();
  const key = () => [...out].sort((a, b) => a - b).join(" ");
  const errors = (arm, without = key()) => data.arms[arm][without];

  function rows(width, height) {
    const axes = chart({
      width, height: Math.max(175, 0.62 * height), x: [0, 1], y: [-0.5, 1.7], yTicks: [[1, ""], [0, ""]],
      xTicks: [0, 0.2, 0.4, 0.6, 0.8].map((each) => [each, percent(each, 0)]), xLabel: "validation error",
      title: out.size ? `Without ${out.size} of ${data.blocks.length} blocks` : "The whole networks",
    });
    axes.line([[0.9, -0.5], [0.9, 1.7]], "chance");
    axes.words([0.89, 1.55], "guessing", "chance", "end");
    Object.entries(ARMS).forEach(([arm, shape], k) => {
      const place = 1 - k;
      axes.line([[mean(errors(arm, "")), place], [mean(errors(arm)), place]], `${arm} moved`);
      for (const error of errors(arm)) axes.mark([error, place], shape, `${arm} one`, 3);
      axes.mark([mean(errors(arm)), place], shape, arm, 5.5);
      axes.words([0.005, place + 0.38], arm, arm);
    });
    return axes.svg;
  }

  function overview(width, height) {
    const most = data.blocks.length;
    const axes = chart({
      width, height, x: [-0.4, most + 0.4], y: [0, 1], yTicks: ticks(1, 5), xLabel: "blocks taken out",
      xTicks: Array.from({ length: most + 1 }, (_, k) => [k, k]), title: "Every choice, mean of seeds",
    });
    for (const [arm, shape] of Object.entries(ARMS)) {
      for (const [without, found] of Object.entries(data.arms[arm])) {
        axes.mark([without ? without.split(" ").length : 0, mean(found)], shape, `${arm} one`, 2.5);
      }
      axes.mark([out.size, mean(errors(arm))], shape, arm, 6);
    }
    return axes.svg;
  }

  return {
    controls(draw) {
      const network = drawnNetwork(data.blocks, (k, gone) => {
        if (gone) out.add(k);
        else out.delete(k);
        draw();
      });
      const back = button("Put all back", () => {
        for (const block of network.querySelectorAll("[aria-pressed=true]")) block.click();
      });
      return [network, back];
    },
    panels: [rows, overview],
    say() {
      const without = out.size ? `Without ${[...out].sort((a, b) => a - b).map((k) => data.blocks[k]).join(" and ")}` : "Whole";
      const told = Object.keys(ARMS).map((arm) => `${arm} ${percent(mean(errors(arm)))} (${range(errors(arm))})`);
      return `${without}: ${told.join(", ")}, n\u00a0=\u00a0${errors("plain").length} each.`;
    },
  };
}
