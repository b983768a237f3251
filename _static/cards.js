// Cards: what a link to a term, a work, a figure or a formula leads to, shown next to the link.
// A card is read from the page where its text stands, so nothing is held twice, and without
// scripts a link is a link. What a prediction still holds back has no card.
"use strict";

(() => {
  if (location.protocol === "file:") return; // no page may read another there
  const SOON = 300, LATER = 300; // milliseconds until a card comes, and until it goes
  const LEADS = { term: "To the glossary", bib: "To the bibliography", fig: "To the figure", equation: "To the equation" };
  const TARGETS = { term: "dt", bib: ".citation", fig: "figure", equation: ".math" };
  const kinds = Object.keys(LEADS).map((kind) => `[href*="#${kind}-"]`);
  const LINKS = `article a:is(${kinds}, [class*="cites-"]):not(.headerlink)`;
  const root = new URL(document.documentElement.dataset.content_root, location);
  const pages = new Map();

  // ---- What a card shows ----

  // A link that leaves the book for a work has its card from the work's entry.
  function placeOf(link) {
    const mark = [...link.classList].find((name) => name.startsWith("cites-"));
    return mark ? new URL(mark.replace("cites-", "chapters/bibliography.html#bib-"), root) : new URL(link.href);
  }

  async function read(place) {
    const response = await fetch(place);
    return new DOMParser().parseFromString(await response.text(), "text/html");
  }

  function nameOf(term) {
    const name = document.createElement("p");
    name.append(document.createElement("strong"));
    name.firstChild.textContent = term.firstChild.textContent.trim();
    return name;
  }

  const PARTS = {
    term: (term) => [nameOf(term), ...term.nextElementSibling.children],
    bib: (entry) => [...entry.querySelectorAll(":scope > p:not(.cited-in)")],
    fig: (figure) => [figure],
    equation: (formula) => [formula],
  };

  function copy(part, place) {
    const made = document.importNode(part, true);
    for (const each of made.querySelectorAll(".headerlink")) each.remove();
    for (const each of made.querySelectorAll("a[href]")) each.href = new URL(each.getAttribute("href"), place);
    for (const each of made.querySelectorAll("img[src]")) each.src = new URL(each.getAttribute("src"), place);
    made.removeAttribute("id");
    return made;
  }

  function leadTo(place, kind) {
    const lead = document.createElement("a");
    lead.href = place;
    lead.textContent = LEADS[kind];
    lead.className = "hover-card-lead";
    return lead;
  }

  // Nothing where the place is held back or out of reach, or where this page sets no formulas.
  async function contentOf(link) {
    const place = placeOf(link), id = place.hash.slice(1), kind = id.split("-")[0];
    if (!pages.has(place.pathname)) pages.set(place.pathname, read(place).catch(() => null));
    const target = (await pages.get(place.pathname))?.getElementById(id);
    const page = place.pathname.slice(root.pathname.length).replace(/\.html$/, "");
    if (!target?.matches(TARGETS[kind]) || !window.gates.shows(target, page)) return [];
    const parts = PARTS[kind](target).map((part) => copy(part, place));
    const formulas = parts.some((part) => part.matches(".math") || part.querySelector(".math"));
    return formulas && !window.MathJax ? [] : [...parts, leadTo(place, kind)];
  }

  // ---- The one card: it stands behind its link, so that the next Tab leads into it ----

  const card = document.createElement("span");
  card.id = "hover-card";
  card.popover = "auto"; // a click elsewhere closes it
  card.tabIndex = -1; // so that a click into it leaves it open
  let shown = null, wanted = null;

  // Whether there is a card for the link, unless another link was asked for meanwhile.
  async function show(link) {
    wanted = link;
    const content = await contentOf(link);
    if (wanted !== link) return true;
    hide();
    if (!content.length) return false;
    shown = link;
    link.removeAttribute("title"); // which the browser would show next to the card
    link.after(card);
    card.replaceChildren(...content);
    await window.MathJax?.typesetPromise?.([card]);
    if (shown === link) {
      link.setAttribute("aria-describedby", card.id);
      card.showPopover();
      put(link);
    }
    return true;
  }

  // Below the link, or above it where there is more room; what is taller than that scrolls.
  function put(link) {
    const [line] = link.getClientRects(), below = innerHeight - line.bottom;
    card.style.setProperty("--room", `${Math.max(below, line.top) - 12}px`);
    const { width, height } = card.getBoundingClientRect(), edge = document.documentElement.clientWidth - width - 8;
    const top = height + 8 < below || below > line.top ? line.bottom + 4 : line.top - height - 4;
    card.style.left = `${Math.max(8, Math.min(line.left, edge)) + scrollX}px`;
    card.style.top = `${top + scrollY}px`;
  }

  addEventListener("resize", () => { if (shown?.getClientRects().length) put(shown); }); // a turned phone

  function hide() {
    wanted = null;
    if (card.matches(":popover-open")) card.hidePopover();
    forget();
  }

  function forget() {
    shown?.removeAttribute("aria-describedby");
    shown = null;
  }

  card.addEventListener("beforetoggle", ({ newState }) => { if (newState === "closed") forget(); });

  // ---- Mouse, keys and touch ----

  const linkAt = (node) => (card.contains(node) ? null : node.closest(LINKS));
  let timer = null, dismissed = null, touch = false;

  function plan(link) {
    clearTimeout(timer);
    if (link !== shown) timer = setTimeout(() => (link ? show(link) : hide()), link ? SOON : LATER);
  }

  document.addEventListener("pointerover", ({ target, pointerType }) => {
    if (pointerType !== "mouse") return;
    const link = linkAt(target), focus = document.activeElement;
    if (link && link === dismissed) return;
    dismissed = null;
    const stays = card.contains(target) || card.contains(focus) || focus === shown;
    plan(link || (stays ? shown : null));
  });

  document.addEventListener("focusin", ({ target }) => {
    const link = linkAt(target);
    if (link && link !== dismissed && target.matches(":focus-visible")) plan(link);
    if (link !== dismissed) dismissed = null;
  });

  document.addEventListener("focusout", ({ relatedTarget }) => {
    if (card.contains(relatedTarget)) return;
    clearTimeout(timer);
    hide();
  });

  // Closed by Escape it stays so until pointer or focus have been elsewhere; focus returns to the link.
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    dismissed = shown;
    hide();
  }, true);

  // The first tap shows the card, and the link in it goes on; what has no card goes at once.
  document.addEventListener("pointerdown", ({ pointerType }) => { touch = pointerType !== "mouse"; }, true);
  document.addEventListener("click", async (event) => {
    const link = linkAt(event.target);
    if (!link || !touch || !event.detail) return; // a key clicks without a pointer
    event.preventDefault();
    if (!await show(link)) location.assign(link.href);
  });
})();
