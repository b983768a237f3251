// Puts the figures on the page, each in the place of its picture or below its cell.

const FIGURES = {
  guess: guessFigure, depth: depthFigure, knob: knobFigure, network: networkFigure,
  remove: removeFigure, paths: pathsFigure, shortcuts: compareFigure, insides: compareFigure,
  published: publishedFigure, ring: ringFigure, transformers: compareFigure,
};

function bring(source) {
  const { kind, place, legend, caption, ...data } = JSON.parse(source.textContent);
  const picture = document.querySelector(place);
  if (!picture) return;
  const points = picture.closest(".gate")?.dataset.points; // that the reader locked earlier
  const panels = make("div", { class: "panels" });
  const figure = FIGURES[kind]({ ...data, kept: points && JSON.parse(points) }, panels);
  const told = make("p", { class: "told", role: "status", tabindex: -1 });
  const draw = () => {
    const wide = panels.clientWidth;
    if (!wide) return; // folded away: drawn when it opens
    const beside = figure.panels.length > 1 && wide >= 560;
    const width = Math.min(beside ? Math.floor(wide / 2) - 8 : wide, 640);
    const height = Math.round(Math.min(0.72 * width + 40, 320));
    panels.replaceChildren(...figure.panels.map((panel) => panel(width, height)));
    told.textContent = figure.say();
  };
  const controls = make("div", { class: "controls" }, ...figure.controls(draw));
  const live = make("div", { class: "live-figure", role: "group", "aria-label": legend }, panels, controls, told);
  if (picture.matches("figure")) {
    picture.classList.add("is-live");
    picture.prepend(live);
    picture.querySelector(".caption-text").after(make("span", { class: "caption-live" }, caption));
  } else {
    picture.after(live);
    if (caption) live.append(make("p", { class: "caption-live" }, caption));
  }
  draws.push(draw);
  let drawn = 0; // a drawing changes the height: only another width is a reason to draw again
  new ResizeObserver(() => {
    if (panels.clientWidth === drawn) return;
    drawn = panels.clientWidth;
    draw();
  }).observe(panels);
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("script.live-figure-data").forEach(bring);
});
