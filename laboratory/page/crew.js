// Who trains: workers, one network each, and one queue for all laboratories of a page. Nothing is
// loaded before the reader asks.

const here = document.currentScript.src;
const crew = { hands: [], queue: [], on_page: new URLSearchParams(location.search).get("workers") === "none" };
let loading = null;

// `window.laboratoryParts` is set by a script and not fetched, so that pages work from a folder.
function load() {
  loading = loading || new Promise((done, fail) => {
    const script = make("script", { src: here.replace("laboratory.js", "laboratory_parts.js") });
    script.onload = () => done(window.laboratoryParts);
    script.onerror = () => fail(new Error("the engine could not be loaded"));
    document.head.append(script);
  });
  return loading;
}

function inWorker({ trainer, ...parts }, hear) {
  const code = `${trainer}\nlet run; onmessage = ({ data }) => { if (data.simd) run = trainer(data, postMessage); else run(data); };`;
  const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const worker = new Worker(address);
  URL.revokeObjectURL(address);
  worker.onmessage = ({ data }) => hear(data);
  worker.postMessage(parts);
  return { send: (job) => worker.postMessage({ ...job, slice: 60 }), end: () => worker.terminate(), worker };
}

// Where a browser refuses workers the page trains itself, in slices that leave it responsive.
function onPage({ trainer, ...parts }, hear) {
  const run = new Function(`${trainer}; return trainer;`)()(parts, (data) => setTimeout(() => hear(data)));
  let last = null;
  return { send: (job) => { last = job.id; run({ ...job, slice: 12, shares: true }); }, end: () => run({ stop: last }) };
}

function hire(parts) {
  const cores = navigator.hardwareConcurrency || 2;
  const count = crew.on_page ? 1 : Math.max(1, Math.min(4, cores - (cores > 2 ? 1 : 0)));
  while (crew.hands.length < count) {
    const hand = { run: null };
    try {
      hand.post = (crew.on_page ? onPage : inWorker)(parts, (news) => hear(hand, news));
    } catch (problem) {
      if (crew.on_page) throw problem;
      return withoutWorkers(parts);
    }
    if (hand.post.worker) hand.post.worker.onerror = (event) => { event.preventDefault(); withoutWorkers(parts); };
    crew.hands.push(hand);
  }
  return assign();
}

function withoutWorkers(parts) { // a policy of the site forbids them: begin again on the page
  if (crew.on_page) return;
  crew.on_page = true;
  const again = crew.hands.map((hand) => hand.run).filter(Boolean);
  for (const run of again) Object.assign(run, { losses: [], wrong: [] });
  dismiss();
  crew.queue.unshift(...again);
  hire(parts);
}

function dismiss() {
  for (const hand of crew.hands) hand.post.end();
  crew.hands = [];
}

function assign() {
  for (const hand of crew.hands) {
    if (hand.run || !crew.queue.length) continue;
    hand.run = crew.queue.shift();
    hand.post.send({ id: hand.run.id, ...hand.run.setting });
  }
}

function hear(hand, news) {
  const run = hand.run;
  if (!run || run.id !== news.id) return;
  if (news.losses) {
    run.losses.push(...news.losses);
    run.wrong.push(...news.wrong);
    run.first = news.first || run.first;
    run.now = news.now;
  } else {
    Object.assign(run, news, { done: true, diverged: !Number.isFinite(run.losses.at(-1)) });
    hand.run = null;
    assign();
  }
  run.changed(run);
}

async function start(runs) {
  crew.queue.push(...runs);
  hire(await load());
}

function stop() {
  dismiss();
  crew.queue = [];
}
