// Controls: the browser's own, so that keys and fingers work. Shared with the laboratory.

// Two scripts on a page hold this piece, and their names must differ: they count together.
const newName = () => `live-${(window.liveControls = (window.liveControls || 0) + 1)}`;

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

function button(words, pressed) {
  const node = make("button", { type: "button" }, words);
  node.addEventListener("click", pressed);
  return node;
}
