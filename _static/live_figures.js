// Figures that answer the reader. Each takes the place of a picture, which stays for print and for
// browsers without scripts, and draws the stored numbers that stand in the page as JSON.
"use strict";

(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const DRAWN = new Set(["svg", "g", "path", "rect", "circle", "line", "text"]);
  // Line, mark and colour tell the arms apart as in the book's pictures; the colours are the page's.
  const ARMS = { plain: "square", residual: "circle" };

  function make(name, attributes = {}, ...children) {
    const node = DRAWN.has(name) ? document.createElementNS(SVG, name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  }

  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const percent = (value, digits = 1) => `${(100 * value).toFixed(digits)}\u00a0%`;
  const range = (values) => `${percent(Math.min(...values))} to ${percent(Math.max(...values))}`;

  // ---- A chart: axes with ticks, and what is drawn between them ----

  function chart({ width, height, x, y, xTicks, yTicks, xLabel, title }) {
    const left = 46, right = 14, top = 26, bottom = 44;
    const across = (value) => left + ((value - x[0]) / (x[1] - x[0])) * (width - left - right);
    const up = (value) => height - bottom - ((value - y[0]) / (y[1] - y[0])) * (height - top - bottom);
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": true });
    const add = (name, attributes, ...children) => svg.append(make(name, attributes, ...children));

    add("text", { class: "title", x: 2, y: 14 }, title);
    for (const [value, words] of yTicks) {
      add("line", { class: "grid", x1: left, x2: width - right, y1: up(value), y2: up(value) });
      add("text", { class: "tick", x: left - 6, y: up(value) + 4, "text-anchor": "end" }, words);
    }
    for (const [value, words] of xTicks) {
      add("text", { class: "tick", x: across(value), y: height - bottom + 18, "text-anchor": "middle" }, words);
    }
    add("text", { class: "tick", x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, xLabel);

    return {
      svg,
      line(points, kind) {
        const steps = points.map(([a, b], k) => `${k ? "L" : "M"}${across(a).toFixed(1)} ${up(b).toFixed(1)}`);
        add("path", { class: `line ${kind}`, d: steps.join("") });
      },
      mark([a, b], shape, kind, size = 4) {
        const [cx, cy] = [across(a), up(b)];
        if (shape === "circle") add("circle", { class: `mark ${kind}`, cx, cy, r: size });
        else if (shape === "square") add("rect", { class: `mark ${kind}`, x: cx - size, y: cy - size, width: 2 * size, height: 2 * size });
        else if (shape === "triangle") add("path", { class: `mark ${kind}`, d: `M${cx} ${cy - size}l${size} ${2 * size}h${-2 * size}z` });
        else add("path", { class: `mark ${kind}`, d: `M${cx - size} ${cy - size}l${2 * size} ${2 * size}m0 ${-2 * size}l${-2 * size} ${2 * size}` });
      },
      bar([a, b], wide, kind) {
        const [from, to] = [across(a - wide / 2), across(a + wide / 2)];
        add("rect", { class: `bar ${kind}`, x: from, y: up(b), width: to - from, height: up(y[0]) - up(b) });
      },
      words([a, b], words, kind, anchor = "start") {
        add("text", { class: `words ${kind}`, x: across(a), y: up(b) + 4, "text-anchor": anchor }, words);
      },
    };
  }

  function ticks(top, count = 4) {
    const step = [0.02, 0.05, 0.1, 0.2, 0.25].find((each) => top / each <= count + 0.01) || 0.25;
    return Array.from({ length: Math.floor(top / step + 1e-6) + 1 }, (_, k) => [k * step, percent(k * step, 0)]);
  }

  // ---- Controls: the browser's own, so that keys and fingers work ----

  let controls = 0;

  function slider(label, steps, start, changed) {
    const id = `live-${(controls += 1)}`;
    const value = make("span", { class: "value", "aria-hidden": true }, steps[start]);
    const input = make("input", { type: "range", id, min: 0, max: steps.length - 1, step: 1, value: start, "aria-valuetext": steps[start] });
    input.addEventListener("input", () => {
      value.textContent = steps[input.value];
      input.setAttribute("aria-valuetext", steps[input.value]);
      changed(Number(input.value));
    });
    return make("div", { class: "control" }, make("label", { for: id }, label), input, value);
  }

  function choices(legend, kind, names, chosen, changed) {
    const group = `live-${(controls += 1)}`;
    const fields = names.map((name, k) => {
      const input = make("input", { type: kind, name: group, value: k });
      input.checked = chosen(k);
      input.addEventListener("change", () => changed(k, input.checked));
      return make("label", {}, input, ` ${name}`);
    });
    return make("fieldset", { class: "control" }, make("legend", {}, legend), ...fields);
  }

  function button(words, pressed) {
    const node = make("button", { type: "button" }, words);
    node.addEventListener("click", pressed);
    return node;
  }

  // ---- The figures: each returns its controls, what it draws at a width, and what it says ----

  const draws = []; // of all figures on the page: one shows what was placed in another
  const placed = new Map(); // the reader's own points, by depth, once they are compared

  function depthFigure(data) {
    const measures = { training_error: "training error", test_error: "test error" };
    let [at, measure] = [data.depths.length - 1, "training_error"];
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
      const top = highest([...Object.keys(ARMS).flatMap((arm) => data.depths.flatMap((each) => ends(arm, each))), ...placed.values()]);
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
      for (const point of placed) axes.mark(point, "cross", "guess", 5);
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

  function guessFigure(data) {
    const asked = data.asked;
    const guesses = data.kept || asked.map(() => 0.3);
    let shown = false;
    const show = () => {
      shown = true;
      asked.forEach((depth, k) => placed.set(depth, guesses[k]));
    };
    if (data.kept) show();
    const measured = (depth) => data.arms.plain[depth].training_error.map((run) => run.at(-1));

    function points(width, height) {
      const axes = chart({
        width, height, x: [2, 62], y: [0, 0.9], yTicks: ticks(0.9, 5), xTicks: asked.map((each) => [each, each]),
        xLabel: "layers", title: "Training error of plain networks",
      });
      axes.line(asked.map((depth, k) => [depth, guesses[k]]), "guess");
      asked.forEach((depth, k) => axes.mark([depth, guesses[k]], "cross", "guess", 5));
      if (shown) {
        for (const depth of asked) for (const error of measured(depth)) axes.mark([depth, error], "square", "plain one", 3);
        axes.line(asked.map((depth) => [depth, mean(measured(depth))]), "plain");
        for (const depth of asked) axes.mark([depth, mean(measured(depth))], "square", "plain");
      }
      return axes.svg;
    }

    const steps = Array.from({ length: 91 }, (_, k) => percent(k / 100, 0));
    function form(draw) {
      const sliders = asked.map((depth, k) => slider(`${depth} layers`, steps, 30, (step) => { guesses[k] = step / 100; draw(); }));
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
      panels: [points],
      say() {
        const own = asked.map((depth, k) => `${depth} layers ${percent(guesses[k], 0)}`).join(", ");
        if (!shown) return `Your points: ${own}.`;
        const told = asked.map((depth) => `${depth} layers ${percent(mean(measured(depth)))} (${range(measured(depth))})`);
        return `Your points: ${own}. Measured: ${told.join(", ")}, n\u00a0=\u00a0${measured(asked[0]).length} each.`;
      },
    };
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
        const boxes = choices("Take out", "checkbox", data.blocks, () => false, (k, checked) => {
          if (checked) out.add(k);
          else out.delete(k);
          draw();
        });
        const back = button("Put all back", () => {
          out.clear();
          for (const box of boxes.querySelectorAll("input")) box.checked = false;
          draw();
        });
        return [boxes, back];
      },
      panels: [rows, overview],
      say() {
        const without = out.size ? `Without ${[...out].sort((a, b) => a - b).map((k) => data.blocks[k]).join(" and ")}` : "Whole";
        const told = Object.keys(ARMS).map((arm) => `${arm} ${percent(mean(errors(arm)))} (${range(errors(arm))})`);
        return `${without}: ${told.join(", ")}, n\u00a0=\u00a0${errors("plain").length} each.`;
      },
    };
  }

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

  // ---- Putting them on the page ----

  const FIGURES = { depth: depthFigure, guess: guessFigure, remove: removeFigure, paths: pathsFigure };

  function bring(source) {
    const { kind, place, legend, ...data } = JSON.parse(source.textContent);
    const picture = document.querySelector(place);
    if (!picture) return;
    const points = picture.closest(".gate")?.dataset.points; // that the reader locked earlier
    const figure = FIGURES[kind]({ ...data, kept: points && JSON.parse(points) });
    const panels = make("div", { class: "panels" });
    const told = make("p", { class: "told", role: "status", tabindex: -1 });
    const draw = () => {
      const wide = panels.clientWidth;
      if (!wide) return; // folded away: drawn when it opens
      const beside = figure.panels.length > 1 && wide >= 560;
      const width = Math.min(beside ? Math.floor(wide / 2) - 8 : wide, 640);
      panels.replaceChildren(...figure.panels.map((panel) => panel(width, Math.round(Math.min(0.72 * width + 40, 320)))));
      told.textContent = figure.say();
    };
    const live = make("div", { class: "live-figure", role: "group", "aria-label": legend }, panels, make("div", { class: "controls" }, ...figure.controls(draw)), told);
    if (picture.matches("figure")) {
      picture.classList.add("is-live");
      picture.prepend(live);
    } else picture.after(live);
    draws.push(draw);
    let drawn = 0; // a drawing changes the height: only another width is a reason to draw again
    new ResizeObserver(() => {
      if (panels.clientWidth === drawn) return;
      drawn = panels.clientWidth;
      draw();
    }).observe(panels);
  }

  window.liveFigures = { make, chart, choices, button, mean, percent, ticks }; // the laboratory's, too

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("script.live-figure-data").forEach(bring);
  });
})();
