// The search page: asks Pagefind's index, in which `extensions/search.py` puts each section.

// Words that readers bring, and what this book calls the same thing.
const SYNONYMS = {
  "batch normalisation": "batch norm",
  "batch normalization": "batch norm",
  ddp: "data parallelism",
  "distributed data parallel": "data parallelism",
  "exploding gradient": "growth of the gradient",
  kaiming: "He initialisation",
  "loss landscape": "slices through the loss",
  "residual connection": "shortcut",
  "skip connection": "shortcut",
};
const SHOWN = 30; // sections at most

const field = document.querySelector(".bd-search-container input[type=search]");
const status = document.getElementById("search-status");
const list = document.getElementById("search-results");

function booksOwn(query) {
  let words = query.toLowerCase();
  for (const [theirs, ours] of Object.entries(SYNONYMS)) {
    words = words.replace(new RegExp(`\\b${theirs}s?\\b`, "g"), ours);
  }
  return words === query.toLowerCase() ? query : words;
}

function element(name, attributes, ...children) {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...children);
  return made;
}

function row(part) {
  const { title, page } = part.meta;
  return element(
    "li",
    {},
    element("a", { href: part.url, textContent: title }),
    title === page ? "" : element("span", { className: "page", textContent: page }),
    element("p", { innerHTML: part.excerpt }), // Pagefind's own: escaped, with <mark>
  );
}

// What is called just so comes first, and names of the module that only resemble it come last.
function inOrder(parts, query) {
  const rank = ({ meta, url }) => {
    const isName = url.includes("/api.html#");
    const same = isName ? meta.title === query : meta.title.toLowerCase() === query.toLowerCase();
    return same ? 0 : isName ? 2 : 1;
  };
  return parts.sort((a, b) => rank(a) - rank(b)); // keeps Pagefind's order where ranks are equal
}

async function answer(pagefind, query) {
  const asked = booksOwn(query);
  const { results } = await pagefind.search(asked);
  const parts = await Promise.all(results.slice(0, SHOWN).map((result) => result.data()));
  if (field.value.trim() !== query) {
    return; // the reader has typed on
  }
  const name = asked === query ? `“${query}”` : `“${asked}”, the book’s word for “${query}”`;
  const count = results.length === 1 ? "One section" : `${results.length} sections`;
  status.textContent = results.length
    ? `${count} on ${name}.`
    : `Nothing on ${name}. The glossary lists the book’s words.`;
  list.replaceChildren(...inOrder(parts, asked).map(row));
}

async function begin() {
  field.value = new URLSearchParams(location.search).get("q") ?? "";
  field.focus();
  const pagefind = await import(new URL("../pagefind/pagefind.js", import.meta.url));
  const base = new URL("..", import.meta.url).pathname;
  await pagefind.options({ baseUrl: base });
  const ask = () => {
    const query = field.value.trim();
    if (query) {
      return answer(pagefind, query);
    }
    status.textContent = "";
    list.replaceChildren();
  };
  field.addEventListener("input", ask);
  await ask();
}

begin();
