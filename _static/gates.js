// Predictions: a choice that is locked opens what follows its question, and this browser keeps it.
// Without scripts, and on paper, everything stands open as the chapter's source has it.
"use strict";

(() => {
  const ALL = "show all outcomes";
  const root = document.documentElement;
  const keyOf = (page, name) => `prediction ${page} ${name}`;

  // A browser may refuse to keep anything; then the choice lasts as long as the page.
  const memory = {
    get(key) { try { return localStorage.getItem(key); } catch { return null; } },
    set(key, value) { try { localStorage.setItem(key, value); } catch { /* see above */ } },
  };

  function make(name, attributes = {}, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  }

  const close = () => root.classList.toggle("gated", memory.get(ALL) !== "yes");
  close(); // before the page is drawn

  // ---- One gate ----

  const letterOf = (answer) => answer.querySelector("summary").textContent.trim()[0];
  const isRight = (answer) => answer.querySelector(":scope > p").textContent.startsWith("Right");

  function choices(gate, answers) {
    const question = gate.querySelector(".gate-question");
    question.id = `${gate.id}-question`;
    const fields = answers.map((answer) => {
      const choice = make("input", { type: "radio", name: gate.id, value: letterOf(answer), required: "" });
      const words = [...answer.querySelector("summary").childNodes].map((node) => node.cloneNode(true));
      return make("label", {}, choice, make("span", {}, ...words));
    });
    const legend = make("legend", {}, "Your prediction");
    return make(
      "form", { class: "gate-form" },
      make("fieldset", { "aria-describedby": question.id }, legend, ...fields),
      make("button", { type: "submit" }, "Lock my prediction"),
    );
  }

  function open(gate, answers, told, letter) {
    const chosen = answers.find((answer) => letterOf(answer) === letter);
    const right = answers.find(isRight);
    gate.classList.add("open");
    told.textContent = chosen === right ? `You chose ${letter}, and that is right.` : `You chose ${letter}. The answer is ${letterOf(right)}.`;
    for (const answer of new Set([right, chosen])) { // the reason of the right one, too
      answer.open = true;
      told.after(answer);
    }
    return chosen;
  }

  function bring(gate) {
    const key = keyOf(DOCUMENTATION_OPTIONS.pagename, gate.id);
    const kept = memory.get(key);
    const answers = [...gate.querySelectorAll(":scope > details")];
    const told = make("p", { class: "gate-told", role: "status" });
    if (!answers.length) {
      gate.append(told);
      bringPoints(gate, key, kept);
      return;
    }
    const form = choices(gate, answers);
    answers[0].before(form, told);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const letter = new FormData(form).get(gate.id);
      memory.set(key, letter);
      const chosen = open(gate, answers, told, letter);
      chosen.querySelector("summary").focus();
      count();
    });
    if (answers.some((answer) => letterOf(answer) === kept)) open(gate, answers, told, kept);
  }

  // The live figure in the gate takes the points, shows them again, and says when they are locked.
  function bringPoints(gate, key, kept) {
    if (kept) {
      gate.dataset.points = kept;
      gate.classList.add("open");
    }
    gate.addEventListener("predicted", (event) => {
      memory.set(key, JSON.stringify(event.detail));
      gate.classList.add("open");
      count();
    });
  }

  // ---- The page around the gates ----

  const gates = () => [...document.querySelectorAll(".gate")];

  // What sums a chapter up, and the exercises below, hold all answers: they wait for the last one.
  function count() {
    const summaries = [...document.querySelectorAll(".gate-summary")];
    if (!summaries.length) return;
    const [locked, asked] = [gates().filter((gate) => gate.matches(".open")).length, gates().length];
    for (const summary of summaries) summary.classList.toggle("open", locked === asked);
    const waits = document.querySelector(".gate-waits") || make("div", { class: "gate-waits" });
    waits.textContent = `The rest of this page sums up. It opens when you have locked all ${asked} predictions, ${locked} so far, or with “Show all outcomes” at the top.`;
    summaries[0].querySelector("h2").after(waits);
  }

  function addSwitch() {
    const box = make("input", { type: "checkbox", role: "switch" });
    box.checked = memory.get(ALL) === "yes";
    box.addEventListener("change", () => {
      memory.set(ALL, box.checked ? "yes" : "no");
      root.classList.toggle("gated", !box.checked);
      // The theme lets keys scroll what is wider than the screen, and looks again after a resize.
      window.dispatchEvent(new Event("resize"));
    });
    document.querySelector("article h1").after(make("p", { class: "gate-switch" }, make("label", {}, box, " Show all outcomes"), " Otherwise each opens with your prediction."));
  }

  // A link to what a gate holds back leads to its question.
  function lead() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target || target.checkVisibility()) return;
    const closed = gates().filter((gate) => gate.matches(":not(.open)"));
    const before = (gate) => gate.compareDocumentPosition(target) & Node.DOCUMENT_POSITION_FOLLOWING;
    const gate = closed.find((each) => before(each) && each.parentElement.contains(target)) || closed[0];
    if (!gate) return;
    gate.querySelector(".gate-told").textContent = "What you came for opens with this question, or with “Show all outcomes” at the top of the page.";
    gate.querySelector("input").focus({ preventScroll: true });
    gate.scrollIntoView();
  }

  // ---- What other scripts may show ----

  // Whether a part of a page, of this one or of one that was fetched, is open to the reader.
  function shows(part, page) {
    if (part.closest("details:not([open])")) return false;
    const all = (selector) => [...part.ownerDocument.querySelectorAll(selector)];
    const holds = (each) => each.contains(part) || (each.parentElement.contains(part) && each.compareDocumentPosition(part) & Node.DOCUMENT_POSITION_FOLLOWING);
    const held = all(".gate-summary").some(holds) ? all(".gate") : all(".gate").filter(holds);
    return memory.get(ALL) === "yes" || held.every((gate) => memory.get(keyOf(page, gate.id)));
  }

  window.gates = { shows };

  // ---- The reader's record: all questions, those that are locked, and what guessing would give ----

  function locked(pages) {
    return pages.flatMap(({ page, questions }) => questions
      .map((question) => ({ ...question, choice: memory.get(keyOf(page, question.name)) }))
      .filter(({ choice, answers }) => answers.includes(choice)));
  }

  // The chance that guessing alone is right at least `least` times.
  function byChance(chances, least) {
    const exactly = chances.reduce((sums, chance) => [...sums, 0].map(
      (sum, k) => sum * (1 - chance) + (k ? sums[k - 1] * chance : 0)), [1]);
    return exactly.slice(least).reduce((sum, each) => sum + each, 0);
  }

  function told(pages) {
    const taken = locked(pages);
    const asked = pages.flatMap(({ questions }) => questions).filter(({ right }) => right).length;
    if (!taken.length) return `You have not locked any of the ${asked} predictions in this browser yet.`;
    const right = taken.filter((each) => each.choice === each.right).length;
    const chances = taken.map(({ answers }) => 1 / answers.length);
    const mean = chances.reduce((sum, each) => sum + each, 0);
    return `You have locked ${taken.length} of ${asked} predictions, and ${right} were right. Guessing would be right in ${mean.toFixed(1)} of them on average; it does as well as you or better with a chance of ${(100 * byChance(chances, right)).toFixed(0)}\u00a0%.`;
  }

  function verdict({ answers, right }, choice) {
    if (!answers.length) return choice ? "points placed" : "not asked yet";
    if (!answers.includes(choice)) return "not asked yet";
    return choice === right ? `${choice}, right` : `${choice}, where ${right} is right`;
  }

  function record(place, pages) {
    place.replaceChildren(make("p", { class: "gate-told" }, told(pages)));
    for (const { page, title, link, questions } of pages) {
      const rows = questions.map((question) => make("li", {},
        make("a", { href: `${link}#${question.name}` }, question.question), ` ${verdict(question, memory.get(keyOf(page, question.name)))}`));
      place.append(make("h3", {}, title), make("ol", {}, ...rows));
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    gates().forEach(bring);
    if (gates().length) {
      addSwitch();
      count();
      window.addEventListener("hashchange", lead);
      window.addEventListener("load", lead); // after the browser has gone where the link leads
    }
    const place = document.querySelector(".gate-record");
    if (place) record(place, JSON.parse(document.getElementById("gate-questions").textContent));
  });
})();
