// A chart: axes with ticks, and what is drawn between them. Shared with the laboratory.

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
    at: (a, b) => [across(a), up(b)],
    height: (row) => y[0] + ((height - bottom - row) / (height - top - bottom)) * (y[1] - y[0]),
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
