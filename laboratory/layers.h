// Every layer, forward beside backward. `dY` is the gradient of the loss with respect to `Y`.
// Maps are (N, H, H, C): image, row, column, channel. A row of P = N H H pixels has C channels.
// Forward overwrites its output; backward overwrites the gradients that it returns.

static void fill(real *X, int n, real value) {
  for (int i = 0; i < n; i++) X[i] = value;
}

// ---- Convolution k x k, zeros around the map: nearly all the time goes here ----

typedef struct {
  int N, H, C;         // input (N, H, H, C)
  int k, stride;       // odd k, padded by k / 2
  int out_H, out_C;    // output (N, out_H, out_H, out_C), out_H = ceil(H / stride)
} Shape;

static int pixels(Shape s) { return s.N * s.out_H * s.out_H; }
static int patch_size(Shape s) { return s.k * s.k * s.C; }

// Room for one convolution. `wide` holds maps (N, L, L, C) with L = H + k - 1: in a window of k rows
// and columns each row is `along` = k C numbers side by side, and rows are `down` = L C apart.
typedef struct { real *wide, *turned; int *starts; } Room;

// Sets the maps X (N, H, H, C) into zeros (N, L, L, C), `apart` pixels from each other.
static void widen(real *restrict wide, int L, const real *restrict X, int N, int H, int C,
                  int apart, int edge) {
  fill(wide, N * L * L * C, 0);
  for (int n = 0; n < N; n++)
    for (int y = 0; y < H; y++)
      for (int x = 0; x < H; x++) {
        real *to = wide + ((n * L + edge + y * apart) * L + edge + x * apart) * C;
        for (int c = 0; c < C; c++) to[c] = *X++;
      }
}

// Where the windows of N H H pixels begin in maps (N, L, L, C), `stride` apart. Returns their number.
static int find_windows(int *starts, int L, int N, int H, int C, int stride) {
  int P = 0;
  for (int n = 0; n < N; n++)
    for (int y = 0; y < H; y++)
      for (int x = 0; x < H; x++) starts[P++] = ((n * L + y * stride) * L + x * stride) * C;
  return P;
}

typedef real Lanes __attribute__((vector_size(4 * sizeof(real)), aligned(sizeof(real))));
#define TILE static inline __attribute__((always_inline)) void

// A tile is `rows` (1 or 4) by `lanes` (1 or 2) times four sums, kept in registers. Each sum has one
// order, however it is tiled. Here: Y[r] = window r times W, whose rows are `n` apart.
TILE forward_tile(int rows, int lanes, real *Y, const real *wide, const int *starts, int k,
                  int down, int along, const real *W, int n) {
  Lanes sums[4][2] = {0};
  for (int i = 0; i < k; i++)
    for (int q = 0; q < along; q++, W += n)
      for (int r = 0; r < rows; r++)
        for (int l = 0; l < lanes; l++)
          sums[r][l] += wide[starts[r] + i * down + q] * *(const Lanes *)(W + 4 * l);
  for (int r = 0; r < rows; r++)
    for (int l = 0; l < lanes; l++) *(Lanes *)(Y + r * n + 4 * l) = sums[r][l];
}

// dW[r] = the sum over all P windows of their number r times dY, whose rows are `n` apart.
TILE weights_tile(int rows, int lanes, real *dW, const real *wide, const int *starts, int P,
                  const real *dY, int n) {
  Lanes sums[4][2] = {0};
  for (int p = 0; p < P; p++, dY += n)
    for (int r = 0; r < rows; r++)
      for (int l = 0; l < lanes; l++)
        sums[r][l] += wide[starts[p] + r] * *(const Lanes *)(dY + 4 * l);
  for (int r = 0; r < rows; r++)
    for (int l = 0; l < lanes; l++) *(Lanes *)(dW + r * n + 4 * l) = sums[r][l];
}

// dX[r] = window r times the turned weights: first over the C channels of a pixel, then over pixels.
TILE input_tile(int rows, int lanes, real *dX, const real *wide, const int *starts, int k,
                int down, int C, const real *turned, int n) {
  Lanes sums[4][2] = {0};
  for (int i = 0; i < k; i++)
    for (int j = 0; j < k; j++) {
      Lanes pixel[4][2] = {0};
      for (int c = 0; c < C; c++, turned += n)
        for (int r = 0; r < rows; r++)
          for (int l = 0; l < lanes; l++)
            pixel[r][l] +=
                wide[starts[r] + i * down + j * C + c] * *(const Lanes *)(turned + 4 * l);
      for (int r = 0; r < rows; r++)
        for (int l = 0; l < lanes; l++) sums[r][l] += pixel[r][l];
    }
  for (int r = 0; r < rows; r++)
    for (int l = 0; l < lanes; l++) *(Lanes *)(dX + r * n + 4 * l) = sums[r][l];
}

// Y (P, out_C) = windows (P, k k C) of X times W (k k C, out_C)
static void conv_forward(Shape s, real *Y, const real *X, const real *W, Room room) {
  int L = s.H + s.k - 1, down = L * s.C, along = s.k * s.C, n = s.out_C;
  widen(room.wide, L, X, s.N, s.H, s.C, 1, s.k / 2);
  int P = find_windows(room.starts, L, s.N, s.out_H, s.C, s.stride);
  for (int p = 0, rows; p < P; p += rows) {
    rows = P - p >= 4 ? 4 : 1;
    for (int c = 0; c < n; c += 8) {  // channels are multiples of 8
      if (rows == 4)
        forward_tile(4, 2, Y + p * n + c, room.wide, room.starts + p, s.k, down, along, W + c, n);
      else
        forward_tile(1, 2, Y + p * n + c, room.wide, room.starts + p, s.k, down, along, W + c, n);
    }
  }
}

// dW = windows of X, transposed, times dY
static void conv_backward_weights(Shape s, real *dW, const real *dY, const real *X, Room room) {
  int L = s.H + s.k - 1, down = L * s.C, along = s.k * s.C, n = s.out_C;
  widen(room.wide, L, X, s.N, s.H, s.C, 1, s.k / 2);
  int P = find_windows(room.starts, L, s.N, s.out_H, s.C, s.stride);
  for (int i = 0; i < s.k; i++)
    for (int q = 0, rows; q < along; q += rows) {
      rows = along - q >= 4 ? 4 : 1;
      for (int c = 0; c < n; c += 8) {
        real *to = dW + (i * along + q) * n + c, *from = room.wide + i * down + q;
        if (rows == 4) weights_tile(4, 2, to, from, room.starts, P, dY + c, n);
        else weights_tile(1, 2, to, from, room.starts, P, dY + c, n);
      }
    }
}

// A convolution, too: of dY, as far apart as the stride, with the weights turned by 180 degrees.
static void conv_backward_input(Shape s, real *dX, const real *dY, const real *W, Room room) {
  int L = s.H + s.k - 1, down = L * s.out_C, n = s.C, positions = s.k * s.k;
  widen(room.wide, L, dY, s.N, s.out_H, s.out_C, s.stride, s.k / 2);
  int P = find_windows(room.starts, L, s.N, s.H, s.out_C, 1);
  for (int q = 0; q < positions; q++)
    for (int c = 0; c < s.C; c++)
      for (int o = 0; o < s.out_C; o++)
        room.turned[((positions - 1 - q) * s.out_C + o) * n + c] = W[(q * s.C + c) * s.out_C + o];
  for (int p = 0, rows; p < P; p += rows) {
    rows = P - p >= 4 ? 4 : 1;
    for (int c = 0; c < n; c += 8) {
      const int *starts = room.starts + p;
      const real *turned = room.turned + c;
      if (rows == 4)
        input_tile(4, 2, dX + p * n + c, room.wide, starts, s.k, down, s.out_C, turned, n);
      else input_tile(1, 2, dX + p * n + c, room.wide, starts, s.k, down, s.out_C, turned, n);
    }
  }
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
  for (int i = 0; i < n; i++) {
    real d = dY[i];  // read in any case, which lets the compiler take four at a time
    dY[i] = Y[i] > 0 ? d : 0;
  }
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
