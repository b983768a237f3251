// Every layer, forward beside backward. `dY` is the gradient of the loss with respect to `Y`.
// Maps are (N, H, H, C): image, row, column, channel. A row of P = N H H pixels has C channels.
// Forward overwrites its output; backward overwrites the gradients that it returns.

static void fill(real *X, int n, real value) {
  for (int i = 0; i < n; i++) X[i] = value;
}

// ---- Matrix product: nearly all the time goes here ----

typedef real Lanes __attribute__((vector_size(4 * sizeof(real)), aligned(sizeof(real))));

// `rows` (1 or 4) by `lanes` (1 or 2) times four elements of C, kept in registers.
static inline __attribute__((always_inline)) void multiply_tile(
    int rows, int lanes, real *C, const real *A, int down, int along, const real *B, int k, int n) {
  Lanes sums[4][2];
  for (int r = 0; r < rows; r++)
    for (int l = 0; l < lanes; l++) sums[r][l] = *(Lanes *)(C + r * n + 4 * l);
  for (int q = 0; q < k; q++)
    for (int r = 0; r < rows; r++)
      for (int l = 0; l < lanes; l++)
        sums[r][l] += A[r * down + q * along] * *(const Lanes *)(B + q * n + 4 * l);
  for (int r = 0; r < rows; r++)
    for (int l = 0; l < lanes; l++) *(Lanes *)(C + r * n + 4 * l) = sums[r][l];
}

// C (m, n) += A (m, k) B (k, n), n a multiple of 4. A[i, q] is at i `down` + q `along`, so that a
// matrix can be read transposed. Each element is one sum in the order of q, however it is tiled.
static void multiply(real *C, const real *A, int down, int along, const real *B,
                     int m, int k, int n) {
  for (int j = 0; j < n;) {
    int lanes = n - j >= 8 ? 2 : 1;
    for (int i = 0; i < m;) {
      int rows = m - i >= 4 ? 4 : 1;
      real *c = C + i * n + j;
      const real *a = A + i * down, *b = B + j;
      if (rows == 4 && lanes == 2) multiply_tile(4, 2, c, a, down, along, b, k, n);
      else if (rows == 4) multiply_tile(4, 1, c, a, down, along, b, k, n);
      else if (lanes == 2) multiply_tile(1, 2, c, a, down, along, b, k, n);
      else multiply_tile(1, 1, c, a, down, along, b, k, n);
      i += rows;
    }
    j += 4 * lanes;
  }
}

// ---- Convolution k x k, zeros around the map: patches of the input times the weights ----

typedef struct {
  int N, H, C;         // input (N, H, H, C)
  int k, stride;       // odd k, padded by k / 2
  int out_H, out_C;    // output (N, out_H, out_H, out_C), out_H = ceil(H / stride)
} Shape;

static int pixels(Shape s) { return s.N * s.out_H * s.out_H; }
static int patch_size(Shape s) { return s.k * s.k * s.C; }

// A row of a patch: `count` numbers of a row of the map, which are next to each other, from `from`
// on. The border cuts columns off, and the first that is left has the place `at` in the patch.
typedef struct { int from, at, count; } Row;

// Row i of the patch around output pixel (y, x) of image n.
static inline Row patch_row(Shape s, int n, int y, int x, int i) {
  int row = y * s.stride + i - s.k / 2, first = x * s.stride - s.k / 2, end = first + s.k;
  if (row < 0 || row >= s.H) return (Row){0};
  int left = first < 0 ? -first : 0, right = end > s.H ? end - s.H : 0;
  int from = ((n * s.H + row) * s.H + first + left) * s.C;
  return (Row){from, left * s.C, (s.k - left - right) * s.C};
}

// patches (P, k k C) of X (N, H, H, C)
static void unfold_forward(Shape s, real *restrict patches, const real *restrict X) {
  for (int n = 0; n < s.N; n++)
    for (int y = 0; y < s.out_H; y++)
      for (int x = 0; x < s.out_H; x++)
        for (int i = 0; i < s.k; i++, patches += s.k * s.C) {
          Row row = patch_row(s, n, y, x, i);
          if (row.count < s.k * s.C) fill(patches, s.k * s.C, 0);
          for (int c = 0; c < row.count; c++) patches[row.at + c] = X[row.from + c];
        }
}

// A pixel of X is in several patches, and its gradient is the sum of theirs.
static void unfold_backward(Shape s, real *restrict dX, const real *restrict dpatches) {
  fill(dX, s.N * s.H * s.H * s.C, 0);
  for (int n = 0; n < s.N; n++)
    for (int y = 0; y < s.out_H; y++)
      for (int x = 0; x < s.out_H; x++)
        for (int i = 0; i < s.k; i++, dpatches += s.k * s.C) {
          Row row = patch_row(s, n, y, x, i);
          for (int c = 0; c < row.count; c++) dX[row.from + c] += dpatches[row.at + c];
        }
}

// Y (P, out_C) = patches (P, k k C) W (k k C, out_C)
static void conv_forward(Shape s, real *Y, const real *X, const real *W, real *patches) {
  int K = patch_size(s);
  unfold_forward(s, patches, X);
  fill(Y, pixels(s) * s.out_C, 0);
  multiply(Y, patches, K, 1, W, pixels(s), K, s.out_C);
}

// dW = patches^T dY and dpatches = dY W^T. `turned` has room for W^T; without dX only dW is found.
static void conv_backward(Shape s, real *dX, real *dW, const real *dY, const real *X,
                          const real *W, real *patches, real *turned) {
  int P = pixels(s), K = patch_size(s);
  unfold_forward(s, patches, X);
  fill(dW, K * s.out_C, 0);
  multiply(dW, patches, 1, K, dY, K, P, s.out_C);
  if (!dX) return;
  for (int q = 0; q < K; q++)
    for (int c = 0; c < s.out_C; c++) turned[c * K + q] = W[q * s.out_C + c];
  fill(patches, P * K, 0);
  multiply(patches, dY, s.out_C, 1, turned, P, s.out_C, K);
  unfold_backward(s, dX, patches);
}

// ---- Batch norm: each channel to mean 0 and variance 1 over the batch, then scale and shift ----

enum { MOST_CHANNELS = 64 };
static const real EPSILON = (real)1e-5, MOMENTUM = (real)0.1;  // PyTorch's

// mean and scale (C): the mean and one over the standard deviation of Z (P, C)
static void batch_statistics(real *restrict mean, real *restrict scale, const real *restrict Z,
                             int P, int C) {
  fill(mean, C, 0);
  for (int p = 0; p < P; p++)
    for (int c = 0; c < C; c++) mean[c] += Z[p * C + c];
  for (int c = 0; c < C; c++) mean[c] /= P;
  fill(scale, C, 0);
  for (int p = 0; p < P; p++)
    for (int c = 0; c < C; c++) scale[c] += (Z[p * C + c] - mean[c]) * (Z[p * C + c] - mean[c]);
  for (int c = 0; c < C; c++) scale[c] = 1 / square_root(scale[c] / P + EPSILON);
}

// Y = gamma (Z - mean) scale + beta, all (P, C)
static void norm_forward(real *restrict Y, const real *restrict Z, const real *restrict gamma,
                         const real *restrict beta, const real *restrict mean,
                         const real *restrict scale, int P, int C) {
  for (int p = 0; p < P; p++)
    for (int c = 0; c < C; c++)
      Y[p * C + c] = gamma[c] * ((Z[p * C + c] - mean[c]) * scale[c]) + beta[c];
}

// Mean and variance depend on Z, too, which takes the mean of dY and its part along Z off:
// dZ = gamma scale (dY - mean(dY) - Zhat mean(dY Zhat)) with Zhat = (Z - mean) scale
static void norm_backward(real *restrict dZ, real *restrict dgamma, real *restrict dbeta,
                          const real *restrict dY, const real *restrict Z,
                          const real *restrict gamma, const real *restrict mean,
                          const real *restrict scale, int P, int C) {
  fill(dgamma, C, 0);
  fill(dbeta, C, 0);
  for (int p = 0; p < P; p++)
    for (int c = 0; c < C; c++) {
      dgamma[c] += dY[p * C + c] * ((Z[p * C + c] - mean[c]) * scale[c]);
      dbeta[c] += dY[p * C + c];
    }
  real mean_dY[MOST_CHANNELS], mean_dYZhat[MOST_CHANNELS];
  for (int c = 0; c < C; c++) mean_dY[c] = dbeta[c] / P, mean_dYZhat[c] = dgamma[c] / P;
  for (int p = 0; p < P; p++)
    for (int c = 0; c < C; c++) {
      real Zhat = (Z[p * C + c] - mean[c]) * scale[c];
      dZ[p * C + c] = gamma[c] * scale[c] * (dY[p * C + c] - mean_dY[c] - Zhat * mean_dYZhat[c]);
    }
}

// ---- Bias, where no batch norm follows: Y (P, C) = Z (P, C) + b (C) ----

static void bias_forward(real *restrict Y, const real *restrict Z, const real *restrict b,
                         int P, int C) {
  for (int p = 0; p < P; p++)
    for (int c = 0; c < C; c++) Y[p * C + c] = Z[p * C + c] + b[c];
}

static void bias_backward(real *restrict dZ, real *restrict db, const real *restrict dY,
                          int P, int C) {
  fill(db, C, 0);
  for (int p = 0; p < P; p++)
    for (int c = 0; c < C; c++) {
      db[c] += dY[p * C + c];
      dZ[p * C + c] = dY[p * C + c];
    }
}

// ---- ReLU, in place ----

static void relu_forward(real *Y, int n) {
  for (int i = 0; i < n; i++) Y[i] = Y[i] > 0 ? Y[i] : 0;
}

static void relu_backward(real *restrict dY, const real *restrict Y, int n) {
  for (int i = 0; i < n; i++) dY[i] = Y[i] > 0 ? dY[i] : 0;
}

// ---- The skip: Y = scale F + S, where S is the shortcut, or nothing in a plain network ----

static void skip_forward(real *restrict Y, const real *restrict F, const real *restrict S,
                         real scale, int n) {
  for (int i = 0; i < n; i++) Y[i] = S ? scale * F[i] + S[i] : scale * F[i];
}

// The shortcut's gradient is dY as it is: no weight of the block multiplies it.
static real skip_backward(real *restrict dF, const real *restrict dY, const real *restrict F,
                          real scale, int n) {
  real dscale = 0;
  for (int i = 0; i < n; i++) {
    dF[i] = scale * dY[i];
    dscale += dY[i] * F[i];
  }
  return dscale;
}

// ---- Global average pooling: Y (N, C) from X (N, HH, C) ----

static void pool_forward(real *restrict Y, const real *restrict X, int N, int HH, int C) {
  fill(Y, N * C, 0);
  for (int n = 0; n < N; n++)
    for (int p = 0; p < HH; p++)
      for (int c = 0; c < C; c++) Y[n * C + c] += X[(n * HH + p) * C + c] / HH;
}

static void pool_backward(real *restrict dX, const real *restrict dY, int N, int HH, int C) {
  for (int n = 0; n < N; n++)
    for (int p = 0; p < HH; p++)
      for (int c = 0; c < C; c++) dX[(n * HH + p) * C + c] = dY[n * C + c] / HH;
}

// ---- Linear: Y (N, K) = X (N, C) W (C, K) + b (K) ----

static void linear_forward(real *restrict Y, const real *restrict X, const real *restrict W,
                           const real *restrict b, int N, int C, int K) {
  for (int n = 0; n < N; n++)
    for (int k = 0; k < K; k++) {
      Y[n * K + k] = b[k];
      for (int c = 0; c < C; c++) Y[n * K + k] += X[n * C + c] * W[c * K + k];
    }
}

static void linear_backward(real *restrict dX, real *restrict dW, real *restrict db,
                            const real *restrict dY, const real *restrict X,
                            const real *restrict W, int N, int C, int K) {
  fill(dX, N * C, 0);
  fill(dW, C * K, 0);
  fill(db, K, 0);
  for (int n = 0; n < N; n++)
    for (int k = 0; k < K; k++) {
      db[k] += dY[n * K + k];
      for (int c = 0; c < C; c++) {
        dX[n * C + c] += dY[n * K + k] * W[c * K + k];
        dW[c * K + k] += dY[n * K + k] * X[n * C + c];
      }
    }
}

// ---- Softmax and cross-entropy: probabilities (N, K) of logits (N, K); the mean loss in nats ----

static real cross_entropy_forward(real *restrict probabilities, const real *restrict logits,
                                  const int *restrict labels, int N, int K) {
  real loss = 0;
  for (int n = 0; n < N; n++) {
    const real *z = logits + n * K;
    real *p = probabilities + n * K, highest = z[0], sum = 0;
    for (int k = 1; k < K; k++) highest = z[k] > highest ? z[k] : highest;
    for (int k = 0; k < K; k++) sum += p[k] = exponential(z[k] - highest);
    for (int k = 0; k < K; k++) p[k] /= sum;
    loss += logarithm(sum) + highest - z[labels[n]];
  }
  return loss / N;
}

static void cross_entropy_backward(real *restrict dlogits, const real *restrict probabilities,
                                   const int *restrict labels, int N, int K) {
  for (int n = 0; n < N; n++)
    for (int k = 0; k < K; k++)
      dlogits[n * K + k] = (probabilities[n * K + k] - (k == labels[n])) / N;
}

static int wrong_answers(const real *logits, const int *labels, int N, int K) {
  int wrong = 0;
  for (int n = 0; n < N; n++) {
    int best = 0;
    for (int k = 1; k < K; k++)
      if (logits[n * K + k] > logits[n * K + best]) best = k;
    wrong += best != labels[n];
  }
  return wrong;
}

// ---- SGD with Nesterov momentum and weight decay, as PyTorch has it ----

static void descend(real *restrict weights, real *restrict velocity, const real *restrict gradient,
                    int n, real rate, real momentum, real decay) {
  for (int i = 0; i < n; i++) {
    real g = gradient[i] + decay * weights[i];
    velocity[i] = momentum * velocity[i] + g;
    weights[i] -= rate * (g + momentum * velocity[i]);
  }
}

// One cycle: the rate of `step` of `steps`, up for 30 % of them and down to nothing, by cosines.
// Source: Smith and Topin 2017, arXiv 1708.07120; the numbers are those of PyTorch's OneCycleLR.
static real one_cycle(real peak, int step, int steps) {
  real top = (real)0.3 * steps - 1, from = peak / 25, to = peak, part = step / top;
  if (step > top) from = peak, to = peak / 250000, part = (step - top) / (steps - 1 - top);
  return to + (from - to) / 2 * (cosine_of_pi_times(part) + 1);
}
