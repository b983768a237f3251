// Controls: the browser's own, so that keys and fingers work. Shared with the laboratory.

// Two scripts on a page hold this piece, and their names must differ: they count together.
const newName = () => `live-${(window.liveControls = (window.liveControls || 0) + 1)}`;

function slider(label, steps, start, changed) {
  const id = newName();
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
  const group = newName();
  const fields = names.map((name, k) => {
    const input = make("input", { type: kind, name: group, value: k });
    input.checked = chosen(k);
    input.addEventListener("change", () => changed(k, input.checked));
    return make("label", {}, input, ` ${name}`);
  });
  return make("fieldset", { class: "control" }, make("legend", {}, legend), ...fields);
}

function menu(label, names, start, changed) {
  const options = names.map((name, k) => make("option", { value: k }, name));
  const list = make("select", {}, ...options);
  list.value = start;
  list.addEventListener("change", () => changed(Number(list.value)));
  return make("label", { class: "control" }, make("span", { class: "name" }, label), list);
}

// A slider and its words go where something else has put its value.
function move(control, step) {
  const input = control.querySelector("input");
  input.value = step;
  input.dispatchEvent(new Event("input"));
}

function button(words, pressed) {
  const node = make("button", { type: "button" }, words);
  node.addEventListener("click", pressed);
  return node;
}
