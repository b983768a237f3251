// The laboratory's residual network in TensorFlow.js, for the comparison in laboratory.py:
//   node tensorflow.js PACKAGES IMAGES DEPTH BACKEND
// trains for as many steps as each line of input says, and answers with the last step's loss.
// PACKAGES is a folder into which npm has installed @tensorflow/tfjs and, for the backend `wasm`,
// @tensorflow/tfjs-backend-wasm.
const fs = require("fs");
const path = require("path");
const [packages, images, depth, backend] = process.argv.slice(2);
const modules = path.join(packages, "node_modules", "@tensorflow");
const tf = require(path.join(modules, "tfjs"));
if (backend === "wasm") require(path.join(modules, "tfjs-backend-wasm"));

const BATCH = 50, SIZE = 14, WIDTH = 8, EPSILON = 1e-5;

// The backend `wasm` has no gradient of a convolution by its weights. It is itself a convolution,
// of the images with the gradient, in which channels and images change places.
const by_convolution = tf.customGrad((X, W, stride, save) => {
  const [k, , C] = W.shape, pad = (k - 1) / 2, steps = stride.dataSync()[0];
  const edges = [[0, 0], [pad, pad], [pad, pad], [0, 0]];
  const padded = tf.pad(X, edges);
  save([padded, W]);
  return { value: tf.conv2d(padded, W, steps, "valid"), gradFunc: (dY, [padded, W]) => {
    const dX = tf.conv2dTranspose(dY, W, padded.shape, steps, "valid")
      .slice([0, pad, pad, 0], X.shape);
    const dW = tf.conv2d(padded.transpose([3, 1, 2, 0]), dY.transpose([1, 2, 0, 3]), 1, "valid",
      "NHWC", steps);
    return [dX, dW.slice([0, 0, 0, 0], [C, k, k, W.shape[3]]).transpose([1, 2, 0, 3]),
      tf.zerosLike(stride)];
  } };
});
const STRIDES = {};

function convolution(C, outC, k, stride) {
  const W = tf.variable(tf.randomNormal([k, k, C, outC], 0, Math.sqrt(2 / (k * k * C))));
  return (X) => backend === "wasm"
    ? by_convolution(X, W, STRIDES[stride])
    : tf.conv2d(X, W, stride, k === 3 ? [[0, 0], [1, 1], [1, 1], [0, 0]] : "valid");
}

function norm(C) {
  const gamma = tf.variable(tf.ones([C])), beta = tf.variable(tf.zeros([C]));
  return (Z) => {
    const { mean, variance } = tf.moments(Z, [0, 1, 2]);
    return Z.sub(mean).mul(gamma.div(variance.add(EPSILON).sqrt())).add(beta);
  };
}

function block(C, outC, stride) {
  const conv1 = convolution(C, outC, 3, stride), conv2 = convolution(outC, outC, 3, 1);
  const norm1 = norm(outC), norm2 = norm(outC);
  const projection = C === outC ? (X) => X : convolution(C, outC, 1, stride);
  return (X) => norm2(conv2(norm1(conv1(X)).relu())).add(projection(X)).relu();
}

function network() {
  const stem = convolution(1, WIDTH, 3, 2), norm0 = norm(WIDTH), blocks = [];
  for (let stage = 0, C = WIDTH; stage < 3; stage += 1)
    for (let index = 0; index < (depth - 2) / 6; index += 1) {
      const outC = WIDTH * 2 ** stage;
      blocks.push(block(C, outC, stage && !index ? 2 : 1));
      C = outC;
    }
  const W = tf.variable(tf.randomNormal([4 * WIDTH, 10], 0, 0.1)), b = tf.variable(tf.zeros([10]));
  return (X) => blocks.reduce((A, each) => each(A), norm0(stem(X)).relu())
    .mean([1, 2]).matMul(W).add(b);
}

async function main() {
  await tf.setBackend(backend);
  await tf.ready();
  for (const each of [1, 2]) STRIDES[each] = tf.keep(tf.scalar(each));
  const lines = fs.readFileSync(images, "utf-8").trim().split("\n").slice(0, BATCH);
  const shades = lines.flatMap((line) => [...line.slice(1)].map((each) => parseInt(each, 16)));
  const X = tf.tensor(shades.map((each) => (each - 4) / 5), [BATCH, SIZE, SIZE, 1]);
  const y = tf.oneHot(lines.map((line) => Number(line[0])), 10).toFloat();
  const model = network(), optimizer = tf.train.momentum(0.01, 0.9, true);
  const loss = () => tf.losses.softmaxCrossEntropy(y, model(X));
  const input = require("readline").createInterface({ input: process.stdin });
  for await (const steps of input) {
    let last;
    for (let step = 0; step < Number(steps); step += 1) {
      if (last) last.dispose();
      last = optimizer.minimize(loss, true);
    }
    console.log((await last.data())[0]);
  }
}
main();
