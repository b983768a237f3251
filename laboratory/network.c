// A plain or residual network of 6n + 2 layers, built, trained and measured. The paper's series for
// small images: a stem, three stages of n blocks of two convolutions, pooling, one linear layer.
// Source: He et al. 2015, arXiv 1512.03385, section 4.2; the block is that of Dive into Deep
// Learning, with a bare 1x1 convolution on the shortcut where the shape changes.
#include "memory.h"
#include "arithmetic.h"
#include "layers.h"

enum { SIZE = 14, CLASSES = 10, WIDTH = 8, BATCH = 50, MOST_BLOCKS = 100 };
enum { LARGEST_MAP = SIZE / 2 * SIZE / 2, LAST_CHANNELS = 4 * WIDTH };  // behind stem and stages
enum { WIDEST_MAP = (SIZE / 2 + 2) * (SIZE / 2 + 2) };  // with a row of zeros on each side

typedef struct {  // a convolution, and the batch norm or the bias that follows it
  Shape shape;
  int has_norm, first;              // `first`: where its weights begin among all
  real *W, *gamma, *beta;           // (k k C, out_C), (out_C), (out_C); without norm beta is b
  real *dW, *dgamma, *dbeta;
  real *mean, *scale;               // of the batch, (out_C)
  real *running_mean, *running_variance;
  real *Z, *Y;                      // what the convolution gives, and what follows; (P, out_C)
} Conv;

typedef struct {
  Conv conv1, conv2, projection;
  int has_skip, has_projection;
  real *scale, *dscale;             // of F, one number; without the option there is none
  const real *X;                    // input
  real *Y;                          // output: relu(scale F(X) + shortcut(X))
} Block;

static int depth, has_skip, has_norm, has_scale, blocks_count;
static Conv stem;
static Block blocks[MOST_BLOCKS];
static real *weights, *gradients, *velocity;  // of the whole network, in one row each
static int weights_count, weights_placed;
static real *head_W, *head_b, *head_dW, *head_db;
static real *pooled, *logits, *probabilities, *dlogits, *dpooled;
static real *input;                           // the batch, (BATCH, 14, 14)
static Room room;                             // for one convolution
static real *dA, *dB, *dS, *dZ;               // gradients of maps, on their way to the image
static unsigned char *pixels_of_images;       // (images, 14, 14), 0 to 15
static int images_count, *labels, *order, *batch_labels, next, wrong;
static real brightness, contrast;             // mean and standard deviation of all pixels
static Random order_stream;

// ---- Building ----

static real *place(int n, real **gradient) {
  int at = weights_placed;
  weights_placed += n;
  *gradient = gradients ? gradients + at : 0;
  return weights ? weights + at : 0;
}

static Conv new_conv(int H, int C, int out_C, int k, int stride, int norm) {
  int out_H = (H + stride - 1) / stride;
  Conv c = {.shape = {BATCH, H, C, k, stride, out_H, out_C}, .has_norm = norm};
  c.first = weights_placed;
  c.W = place(k * k * C * out_C, &c.dW);
  if (norm) c.gamma = place(out_C, &c.dgamma);
  c.beta = place(out_C, &c.dbeta);
  if (!weights) return c;  // only counting
  c.mean = take(out_C * sizeof(real));
  c.scale = take(out_C * sizeof(real));
  c.running_mean = take(out_C * sizeof(real));
  c.running_variance = take(out_C * sizeof(real));
  c.Z = take(pixels(c.shape) * out_C * sizeof(real));
  c.Y = take(pixels(c.shape) * out_C * sizeof(real));
  return c;
}

static void place_block(Block *b, const real *X, int H, int C, int out_C, int stride) {
  *b = (Block){.X = X, .has_skip = has_skip, .has_projection = has_skip && C != out_C};
  b->conv1 = new_conv(H, C, out_C, 3, stride, has_norm);
  b->conv2 = new_conv(b->conv1.shape.out_H, out_C, out_C, 3, 1, has_norm);
  if (b->has_projection) b->projection = new_conv(H, C, out_C, 1, stride, 0);
  if (has_skip && has_scale) b->scale = place(1, &b->dscale);
  if (weights) b->Y = take(pixels(b->conv2.shape) * out_C * sizeof(real));
}

// Once to count the weights, once more to give each layer its part of them.
static void place_network(void) {
  weights_placed = 0;
  stem = new_conv(SIZE, 1, WIDTH, 3, 2, has_norm);
  int H = stem.shape.out_H, C = WIDTH;
  const real *X = stem.Y;
  for (int i = 0; i < blocks_count; i++) {
    int halves = i && i % (blocks_count / 3) == 0;  // the first block of the second and third stage
    place_block(&blocks[i], X, H, C, halves ? 2 * C : C, halves ? 2 : 1);
    X = blocks[i].Y, H = blocks[i].conv2.shape.out_H, C = blocks[i].conv2.shape.out_C;
  }
  head_W = place(C * CLASSES, &head_dW);
  head_b = place(CLASSES, &head_db);
}

static real *take_reals(int n) { return take(n * sizeof(real)); }

// A network of `layers` = 6n + 2, for `images` images; returns how many weights it has.
// `skip`, `norm`: with shortcuts, with batch norm; `scaled`: F times a learned number, first zero.
EXPORT(build) int build(int layers, int skip, int norm, int scaled, int images) {
  taken = 0, weights = gradients = 0;
  depth = layers, has_skip = skip, has_norm = norm, has_scale = scaled;
  blocks_count = (depth - 2) / 2, images_count = images;
  place_network();
  weights_count = weights_placed;
  weights = take_reals(weights_count), gradients = take_reals(weights_count);
  velocity = take_reals(weights_count);
  place_network();
  int largest = BATCH * LARGEST_MAP * WIDTH;  // later maps have fewer numbers
  input = take_reals(BATCH * SIZE * SIZE);
  dA = take_reals(largest), dB = take_reals(largest);
  dS = take_reals(largest), dZ = take_reals(largest);
  room.wide = take_reals(BATCH * WIDEST_MAP * 2 * WIDTH);
  room.turned = take_reals(9 * LAST_CHANNELS * LAST_CHANNELS);
  room.starts = take(BATCH * LARGEST_MAP * sizeof(int));
  pooled = take_reals(BATCH * LAST_CHANNELS), dpooled = take_reals(BATCH * LAST_CHANNELS);
  logits = take_reals(BATCH * CLASSES), dlogits = take_reals(BATCH * CLASSES);
  probabilities = take_reals(BATCH * CLASSES);
  pixels_of_images = take(images * SIZE * SIZE);
  labels = take(images * sizeof(int)), order = take(images * sizeof(int));
  batch_labels = take(BATCH * sizeof(int));
  return weights_count;
}

// ---- Beginning: the same seed gives the same order of images to every network, and the same first
// weights to every layer that two networks have in common ----

enum { ORDER = 1, LABELS = 2, HEAD = 3, PROJECTIONS = 1000, CONVS = 2000 };

static void begin_conv(Conv *c, Random random, real factor) {  // He et al. 2015, arXiv 1502.01852
  int fan_in = patch_size(c->shape), n = fan_in * c->shape.out_C;
  real sd = factor * square_root((real)2 / fan_in);
  for (int i = 0; i < n; i++) c->W[i] = sd * normal(&random);
  if (c->has_norm) fill(c->gamma, c->shape.out_C, 1);
  fill(c->beta, c->shape.out_C, 0);
  fill(c->running_mean, c->shape.out_C, 0);
  fill(c->running_variance, c->shape.out_C, 1);
}

// First weights from `seed`; their standard deviation is `factor` times He's.
EXPORT(begin) void begin(int seed, real factor) {
  begin_conv(&stem, stream(seed, CONVS), factor);
  for (int i = 0; i < blocks_count; i++) {
    begin_conv(&blocks[i].conv1, stream(seed, CONVS + 2 * i + 1), factor);
    begin_conv(&blocks[i].conv2, stream(seed, CONVS + 2 * i + 2), factor);
    if (blocks[i].has_projection)
      begin_conv(&blocks[i].projection, stream(seed, PROJECTIONS + i), factor);
    if (blocks[i].scale) *blocks[i].scale = 0;
  }
  Random random = stream(seed, HEAD);
  int C = blocks[blocks_count - 1].conv2.shape.out_C;
  real bound = 1 / square_root(C);  // PyTorch's linear layer
  for (int i = 0; i < C * CLASSES; i++) head_W[i] = bound * (2 * uniform(&random) - 1);
  for (int i = 0; i < CLASSES; i++) head_b[i] = bound * (2 * uniform(&random) - 1);
  fill(velocity, weights_count, 0);
  long sum = 0, squares = 0, n = (long)images_count * SIZE * SIZE;  // whole numbers: exact
  for (long i = 0; i < n; i++) sum += pixels_of_images[i];
  for (long i = 0; i < n; i++) squares += pixels_of_images[i] * pixels_of_images[i];
  brightness = (real)sum / n;
  contrast = square_root((real)squares / n - brightness * brightness);
  for (int i = 0; i < images_count; i++) order[i] = i;
  order_stream = stream(seed, ORDER);
  next = images_count;
}

EXPORT(shuffle_labels) void shuffle_labels(int seed) {
  Random random = stream(seed, LABELS);
  shuffle(&random, labels, images_count);
}

// ---- A convolution, and the batch norm or the bias that follows it ----

static int size_of(const Conv *c) { return pixels(c->shape) * c->shape.out_C; }

// In training those of the batch, which the running ones follow; otherwise the running ones.
static void find_statistics(Conv *c, int training) {
  int P = pixels(c->shape), C = c->shape.out_C;
  if (training) batch_statistics(c->mean, c->scale, c->Z, P, C);
  for (int j = 0; j < C; j++) {
    real *mean = &c->running_mean[j], *variance = &c->running_variance[j];
    if (training) {
      real found = (1 / (c->scale[j] * c->scale[j]) - EPSILON) * P / (P - 1);
      *mean += MOMENTUM * (c->mean[j] - *mean), *variance += MOMENTUM * (found - *variance);
    } else c->mean[j] = *mean, c->scale[j] = 1 / square_root(*variance + EPSILON);
  }
}

static void conv_and_norm_forward(Conv *c, const real *X, int training) {
  int P = pixels(c->shape), C = c->shape.out_C;
  conv_forward(c->shape, c->Z, X, c->W, room);
  if (c->has_norm) {
    find_statistics(c, training);
    norm_forward(c->Y, c->Z, c->gamma, c->beta, c->mean, c->scale, P, C);
  } else bias_forward(c->Y, c->Z, c->beta, P, C);
}

static void conv_and_norm_backward(Conv *c, real *dX, const real *dY, const real *X) {
  int P = pixels(c->shape), C = c->shape.out_C;
  if (c->has_norm)
    norm_backward(dZ, c->dgamma, c->dbeta, dY, c->Z, c->gamma, c->mean, c->scale, P, C);
  else bias_backward(dZ, c->dbeta, dY, P, C);
  conv_backward_weights(c->shape, c->dW, dZ, X, room);
  if (dX) conv_backward_input(c->shape, dX, dZ, c->W, room);
}

// ---- A block: Y = relu(scale F(X) + shortcut(X)) ----

static real scale_of(const Block *b) { return b->scale ? *b->scale : 1; }

static void block_forward(Block *b, int training) {
  conv_and_norm_forward(&b->conv1, b->X, training);
  relu_forward(b->conv1.Y, size_of(&b->conv1));
  conv_and_norm_forward(&b->conv2, b->conv1.Y, training);
  if (b->has_projection) conv_and_norm_forward(&b->projection, b->X, training);
  const real *shortcut = b->has_projection ? b->projection.Y : b->has_skip ? b->X : 0;
  skip_forward(b->Y, b->conv2.Y, shortcut, scale_of(b), size_of(&b->conv2));
  relu_forward(b->Y, size_of(&b->conv2));
}

static void block_backward(Block *b) {  // dA is dY before and dX after
  relu_backward(dA, b->Y, size_of(&b->conv2));
  real dscale = skip_backward(dB, dA, b->conv2.Y, scale_of(b), size_of(&b->conv2));
  if (b->scale) *b->dscale = dscale;
  conv_and_norm_backward(&b->conv2, dS, dB, b->conv1.Y);
  relu_backward(dS, b->conv1.Y, size_of(&b->conv1));
  conv_and_norm_backward(&b->conv1, dB, dS, b->X);
  if (b->has_projection) conv_and_norm_backward(&b->projection, dS, dA, b->X);
  const real *shortcut = b->has_projection ? dS : b->has_skip ? dA : 0;
  Shape s = b->conv1.shape;
  skip_forward(dA, dB, shortcut, 1, s.N * s.H * s.H * s.C);  // both ways lead to X
}

// ---- The network ----

// The images numbered by `which` (BATCH), with mean 0 and standard deviation 1, and their labels.
static void load_batch(const int *which) {
  for (int n = 0; n < BATCH; n++) {
    const unsigned char *image = pixels_of_images + which[n] * SIZE * SIZE;
    batch_labels[n] = labels[which[n]];
    for (int p = 0; p < SIZE * SIZE; p++)
      input[n * SIZE * SIZE + p] = (image[p] - brightness) / contrast;
  }
}

// The loss of a batch; counts the wrong answers.
static real forward(const int *which, int training) {
  load_batch(which);
  conv_and_norm_forward(&stem, input, training);
  relu_forward(stem.Y, size_of(&stem));
  for (int i = 0; i < blocks_count; i++) block_forward(&blocks[i], training);
  Block *last = &blocks[blocks_count - 1];
  Shape s = last->conv2.shape;
  pool_forward(pooled, last->Y, BATCH, s.out_H * s.out_H, s.out_C);
  linear_forward(logits, pooled, head_W, head_b, BATCH, s.out_C, CLASSES);
  wrong = wrong_answers(logits, batch_labels, BATCH, CLASSES);
  return cross_entropy_forward(probabilities, logits, batch_labels, BATCH, CLASSES);
}

static void backward(void) {
  Block *last = &blocks[blocks_count - 1];
  Shape s = last->conv2.shape;
  cross_entropy_backward(dlogits, probabilities, batch_labels, BATCH, CLASSES);
  linear_backward(dpooled, head_dW, head_db, dlogits, pooled, head_W, BATCH, s.out_C, CLASSES);
  pool_backward(dA, dpooled, BATCH, s.out_H * s.out_H, s.out_C);
  for (int i = blocks_count - 1; i >= 0; i--) block_backward(&blocks[i]);
  relu_backward(dA, stem.Y, size_of(&stem));
  conv_and_norm_backward(&stem, 0, dA, input);
}

// ---- Training and measuring ----

// One step on the next images; they are shuffled at the start of each epoch. Returns the loss.
EXPORT(train) real train(real peak, int step, int steps) {
  if (next + BATCH > images_count) shuffle(&order_stream, order, images_count), next = 0;
  real loss = forward(order + next, 1);
  backward();
  descend(weights, velocity, gradients, weights_count, one_cycle(peak, step, steps), (real)0.9,
          (real)1e-4);
  next += BATCH;
  return loss;
}

EXPORT(wrong_in_batch) int wrong_in_batch(void) { return wrong; }

// How many of the BATCH images from number `first` on are classified wrongly, by the running
// statistics of batch norm.
EXPORT(wrong_from) int wrong_from(int first) {
  int which[BATCH];
  for (int n = 0; n < BATCH; n++) which[n] = first + n;
  forward(which, 0);
  return wrong;
}

// Layers 1 to depth - 1 are convolutions, in the order in which an image meets them.
static Conv *conv_of_layer(int layer) {
  if (layer == 1) return &stem;
  return layer % 2 ? &blocks[(layer - 2) / 2].conv2 : &blocks[(layer - 2) / 2].conv1;
}

// The length of the gradient of a layer's weights, all of them as one vector, in the last step.
EXPORT(gradient_norm) real gradient_norm(int layer) {
  Conv *c = conv_of_layer(layer);
  real sum = 0;
  for (int i = 0; i < patch_size(c->shape) * c->shape.out_C; i++) sum += c->dW[i] * c->dW[i];
  return square_root(sum);
}

// The root mean square of what a layer passes on, after its ReLU, in the last step.
EXPORT(feature_scale) real feature_scale(int layer) {
  Conv *c = conv_of_layer(layer);
  const real *Y = layer > 1 && layer % 2 ? blocks[(layer - 2) / 2].Y : c->Y;
  real sum = 0;
  for (int i = 0; i < size_of(c); i++) sum += Y[i] * Y[i];
  return square_root(sum / size_of(c));
}

// Multiply-adds of one image's forward pass.
EXPORT(multiply_adds) double multiply_adds(void) {
  double sum = LAST_CHANNELS * CLASSES;
  for (int layer = 1; layer < depth; layer++) {
    Conv *c = conv_of_layer(layer);
    sum += (double)patch_size(c->shape) * size_of(c) / BATCH;
  }
  for (int i = 0; i < blocks_count; i++)
    if (blocks[i].has_projection)
      sum += (double)patch_size(blocks[i].projection.shape) * size_of(&blocks[i].projection) / BATCH;
  return sum;
}

EXPORT(images_address) unsigned char *images_address(void) { return pixels_of_images; }
EXPORT(labels_address) int *labels_address(void) { return labels; }
EXPORT(order_address) int *order_address(void) { return order; }
EXPORT(input_address) real *input_address(void) { return input; }
EXPORT(weights_address) real *weights_address(void) { return weights; }
EXPORT(gradients_address) real *gradients_address(void) { return gradients; }
EXPORT(memory_taken) int memory_taken(void) { return (int)taken; }
