// The ring all-reduce, step by step: which chunks each device holds, and what travels.

// How many devices' gradients each chunk of each device holds after `steps` steps.
function summed(devices, steps) {
  const held = Array.from({ length: devices }, () => Array(devices).fill(1));
  for (let step = 0; step < steps; step += 1) {
    for (const { from, chunk } of sentIn(devices, step)) {
      const to = (from + 1) % devices;
      held[to][chunk] = step < devices - 1 ? step + 2 : devices;
    }
  }
  return held;
}

const sentIn = (devices, step) => Array.from({ length: devices }, (_, from) => ({ from, chunk: (from - step + 2 * devices) % devices }));

function ringFigure() {
  let [devices, done] = [4, 0];
  const rounds = () => 2 * (devices - 1);
  const LETTERS = "ABCDEFGH";

  function box(svg, size, [x, y], name, chunks) {
    const wide = size / 5, high = size / 10, each = wide / devices;
    svg.append(make("rect", { class: "device", x: x - wide / 2, y: y - high / 2, width: wide, height: high }));
    chunks.forEach((count, k) => {
      const tall = (high * count) / devices;
      svg.append(make("rect", { class: count === devices ? "bar residual" : "bar partly", x: x - wide / 2 + k * each + 1, y: y + high / 2 - tall, width: each - 2, height: tall }));
    });
    svg.append(make("text", { class: "tick", x, y: y - high / 2 - 5, "text-anchor": "middle" }, name));
  }

  function arrow(svg, from, to, chunk) {
    const [ends, [dx, dy]] = [[0.34, 0.66], [to[0] - from[0], to[1] - from[1]]];
    const [[ax, ay], [bx, by]] = ends.map((share) => [from[0] + share * dx, from[1] + share * dy]);
    const turn = (Math.atan2(dy, dx) * 180) / Math.PI;
    svg.append(make("path", { class: "line residual", d: `M${ax} ${ay}L${bx} ${by}` }));
    svg.append(make("path", { class: "mark residual", d: "M0 0l-8 -5v10z", transform: `translate(${bx} ${by}) rotate(${turn})` }));
    svg.append(make("text", { class: "words residual", x: (ax + bx) / 2 + dy * 0.12, y: (ay + by) / 2 - dx * 0.12 + 4, "text-anchor": "middle" }, chunk));
  }

  function drawing(width) {
    const size = Math.min(width, 380), middle = size / 2, radius = 0.38 * size;
    const svg = make("svg", { viewBox: `0 0 ${size} ${size}`, width: size, height: size, "aria-hidden": true });
    const places = Array.from({ length: devices }, (_, k) => {
      const angle = (2 * Math.PI * k) / devices - Math.PI / 2;
      return [middle + radius * Math.cos(angle), middle + radius * Math.sin(angle)];
    });
    const ring = [...places, places[0]].map(([x, y], k) => `${k ? "L" : "M"}${x} ${y}`).join("");
    svg.append(make("path", { class: "line wire", d: ring }));
    if (done) {
      for (const { from, chunk } of sentIn(devices, done - 1)) arrow(svg, places[from], places[(from + 1) % devices], LETTERS[chunk]);
    }
    summed(devices, done).forEach((chunks, k) => box(svg, size, places[k], `device ${k + 1}`, chunks));
    const words = done === 0 ? "start" : done < devices ? "adding" : "passing on";
    svg.append(make("text", { class: "title", x: middle, y: middle, "text-anchor": "middle" }, `step ${done} of ${rounds()}`));
    svg.append(make("text", { class: "tick", x: middle, y: middle + 18, "text-anchor": "middle" }, words));
    return svg;
  }

  function controls(draw) {
    const steps = make("div", { class: "control" });
    const renew = () => {
      const names = Array.from({ length: rounds() + 1 }, (_, k) => `${k} of ${rounds()}`);
      steps.replaceChildren(slider("Step", names, done, (k) => { done = k; draw(); }));
    };
    renew();
    const counts = [2, 3, 4, 5, 6, 7, 8];
    return [
      slider("Devices", counts, counts.indexOf(devices), (k) => { [devices, done] = [counts[k], 0]; renew(); draw(); }),
      steps,
      button("Next step", () => move(steps, done < rounds() ? done + 1 : 0)),
    ];
  }

  return {
    controls,
    panels: [drawing],
    say() {
      const whole = summed(devices, done).flat().filter((count) => count === devices).length;
      const sent = (steps) => (steps / devices).toFixed(3);
      const now = done === 0 ? "Each device holds its own gradient, in chunks"
        : `Step ${done} of ${rounds()}: each device has sent one chunk to the next, which ${done < devices ? "added it to its own" : "put it in the place of its own"}`;
      return `${now}. ${whole} of ${devices ** 2} chunks are whole sums. Each device has sent ${sent(done)} of a gradient, and ${sent(rounds())} by the end.`;
    },
  };
}
