// Trains one network after another with the engine. It knows no document, so that it runs in a
// worker, on the page and in node alike. `parts` holds the engine and the images as text; `tell` gets
// what happens. A job is a setting, as in tools/engine.py, with an `id` and a `slice`: the
// milliseconds after which it tells. Where it `shares` its thread, others then have a turn.
function trainer(parts, tell) {
  "use strict";
  const BATCH = 50, PIXELS = 196;
  const stopped = new Set();
  let compiled = null, pictures = null;

  const digit = (text, k) => parseInt(text[k], 16);
  const bytes = (text) => Uint8Array.from({ length: text.length / 2 }, (_, k) => 16 * digit(text, 2 * k) + digit(text, 2 * k + 1));

  function compile() {
    const simd = bytes(parts.simd);
    const kind = WebAssembly.validate(simd) && !parts.without_simd ? "simd" : "scalar";
    return WebAssembly.compile(kind === "simd" ? simd : bytes(parts.scalar)).then((module) => ({ kind, module }));
  }

  function unpack() { // a line for each image: its label, then a digit for each pixel
    const lines = parts.images.trim().split("\n");
    const shades = new Uint8Array(lines.length * PIXELS);
    lines.forEach((line, n) => { for (let p = 0; p < PIXELS; p += 1) shades[n * PIXELS + p] = digit(line, p + 1); });
    return { shades, labels: Uint8Array.from(lines, (line) => Number(line[0])) };
  }

  async function begin(job) {
    compiled = compiled || compile();
    pictures = pictures || unpack();
    const { kind, module } = await compiled;
    const engine = (await WebAssembly.instantiate(module)).exports;
    engine.build(job.depth, job.skip, job.norm, job.scaled, job.images);
    const put = (type, address, values) => new type(engine.memory.buffer, address, values.length).set(values);
    put(Uint8Array, engine.images_address(), pictures.shades.subarray(0, job.images * PIXELS));
    put(Int32Array, engine.labels_address(), pictures.labels.subarray(0, job.images));
    engine.begin(job.seed, job.factor);
    if (job.shuffled) engine.shuffle_labels(job.seed);
    return { engine, kind };
  }

  function layers(engine, job) {
    const all = Array.from({ length: job.depth - 1 }, (_, k) => k + 1);
    return { gradients: all.map(engine.gradient_norm), features: all.map(engine.feature_scale) };
  }

  return async function run(job) {
    if (job.stop) return stopped.add(job.stop);
    const started = performance.now(), steps = (job.epochs * job.images) / BATCH;
    const pause = () => (job.shares ? new Promise((go) => setTimeout(go)) : null);
    try {
      const { engine, kind } = await begin(job);
      let losses = [], wrong = [], since = performance.now();
      for (let step = 0; step < steps; step += 1) {
        losses.push(engine.train(job.rate, step, steps));
        wrong.push(engine.wrong_in_batch());
        const first = step === 0 ? layers(engine, job) : undefined;
        if (first || performance.now() - since > job.slice || step === steps - 1) {
          tell({ id: job.id, losses, wrong, first, now: layers(engine, job) });
          await pause();
          if (stopped.delete(job.id)) return undefined;
          [losses, wrong, since] = [[], [], performance.now()];
        }
      }
      let mistakes = 0;
      for (let first = 0; first < job.images; first += BATCH) {
        mistakes += engine.wrong_from(first);
        await pause();
      }
      stopped.delete(job.id);
      return tell({ id: job.id, error: mistakes / job.images, kind, seconds: (performance.now() - started) / 1000, memory: engine.memory.buffer.byteLength });
    } catch (problem) {
      return tell({ id: job.id, failed: String(problem) });
    }
  };
}
