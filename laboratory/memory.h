// Memory for one network: taken from the front, never given back, forgotten as a whole.
#include <stdint.h>

#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(#name)))
extern unsigned char __heap_base;
static unsigned char *const memory = &__heap_base;
static int has_room(uintptr_t end) {
  uintptr_t page = 65536, pages = __builtin_wasm_memory_size(0);
  uintptr_t needed = ((uintptr_t)memory + end + page - 1) / page;
  return needed <= pages || __builtin_wasm_memory_grow(0, needed - pages) != (uintptr_t)-1;
}
#else
#define EXPORT(name)
static unsigned char memory[1 << 28] __attribute__((aligned(64)));
static int has_room(uintptr_t end) { return end <= sizeof memory; }
#endif

static uintptr_t taken;

// `bytes` of zeros, at a multiple of 64.
static void *take(uintptr_t bytes) {
  uintptr_t start = (((uintptr_t)memory + taken + 63) & ~(uintptr_t)63) - (uintptr_t)memory;
  taken = start + bytes;
  if (!has_room(taken)) __builtin_trap();
  for (uintptr_t i = start; i < taken; i++) memory[i] = 0;
  return memory + start;
}
