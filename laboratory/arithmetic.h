// Numbers that are the same to the last bit everywhere: browsers and libraries differ in their exp,
// log and cos, so these are our own. Sums run in one order, products and sums are rounded apart.
#include <stdint.h>

#ifndef REAL
#define REAL float  // the tests also build the engine in double
#endif
typedef REAL real;

// e to the power x, within 3e-7 of its value. Polynomial of Cephes, S. L. Moshier 1989.
static real exponential(real x) {
  if (!(x > -87)) return 0;
  if (x > 88) x = 88;
  int power = (int)(x * (real)1.44269504 + (real)(x < 0 ? -0.5 : 0.5));
  real r = x - power * (real)0.69314718055994531, p = (real)1.9875691500e-4;
  p = p * r + (real)1.3981999507e-3;
  p = p * r + (real)8.3334519073e-3;
  p = p * r + (real)4.1665795894e-2;
  p = p * r + (real)1.6666665459e-1;
  p = p * r + (real)5.0000001201e-1;
  union { uint32_t bits; float value; } scale = {(uint32_t)(power + 127) << 23};
  return (p * r * r + r + 1) * scale.value;
}

// The natural logarithm of a positive number, within 1e-7. Polynomial of Cephes.
static real logarithm(real x) {
  union { float value; uint32_t bits; } parts = {(float)x};
  int power = (int)(parts.bits >> 23) - 126;
  parts.bits = (parts.bits & 0x7fffff) | 0x3f000000;
  real m = parts.value, y = (real)7.0376836292e-2;
  if (m < (real)0.70710678) power--, m = m + m;
  m -= 1;
  y = y * m - (real)1.1514610310e-1;
  y = y * m + (real)1.1676998740e-1;
  y = y * m - (real)1.2420140846e-1;
  y = y * m + (real)1.4249322787e-1;
  y = y * m - (real)1.6668057665e-1;
  y = y * m + (real)2.0000714765e-1;
  y = y * m - (real)2.4999993993e-1;
  y = y * m + (real)3.3333331174e-1;
  return m - m * m / 2 + y * m * m * m + power * (real)0.69314718055994531;
}

// The cosine of pi times p, 0 <= p <= 1, as the sine of what is left to a right angle.
static real cosine_of_pi_times(real p) {
  real h = (real)1.5707963267948966 * (1 - 2 * p), q = h * h;
  real s = (real)2.7525562e-6 - q * (real)2.3889859e-8;
  s = (real)-1.9840874e-4 + q * s;
  s = (real)8.3333310e-3 + q * s;
  s = (real)-1.6666667e-1 + q * s;
  return h * (1 + q * s);
}

static real square_root(real x) {
  return sizeof(real) == 4 ? (real)__builtin_sqrtf((float)x) : (real)__builtin_sqrt((double)x);
}

// ---- Random numbers: splitmix64 (Steele, Lea and Flood 2014), a stream for each purpose ----

typedef struct { uint64_t state; } Random;

static uint32_t draw(Random *random) {
  uint64_t z = random->state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (uint32_t)((z ^ (z >> 31)) >> 32);
}

static Random stream(uint32_t seed, uint32_t purpose) {
  Random random = {((uint64_t)seed << 32) | purpose};
  random.state = ((uint64_t)draw(&random) << 32) | draw(&random);
  return random;
}

static real uniform(Random *random) { return (real)(draw(random) >> 8) / 16777216; }

static real normal(Random *random) {  // Marsaglia's polar method
  for (;;) {
    real a = 2 * uniform(random) - 1, b = 2 * uniform(random) - 1, s = a * a + b * b;
    if (s > 0 && s < 1) return a * square_root(-2 * logarithm(s) / s);
  }
}

static void shuffle(Random *random, int *list, int n) {  // Fisher and Yates
  for (int i = n - 1; i > 0; i--) {
    int j = (int)(draw(random) % (uint32_t)(i + 1)), kept = list[i];
    list[i] = list[j];
    list[j] = kept;
  }
}
