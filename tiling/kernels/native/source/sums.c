#include "sums.h"

/* `NI_Correlate1D` adds in a fixed order, and a lane does just what its scalar loop does. With c the
   centre tap and the others from the farthest pair to the nearest:

       symmetric       acc = x[c] w[c];  acc += (x[c-k] + x[c+k]) w[c-k]
       antisymmetric   acc = x[c] w[c];  acc += (x[c-k] - x[c+k]) w[c-k]
       plain           acc = x[last] w[last];  acc += x[t] w[t], t from the first

   Sums stay in registers while all their taps are added; several are in flight, for an addition
   takes some cycles. */
#define UNROLL 4

static inline vector load(const double *from) { return *(const vector *)from; }

#define SWEEP(name, centre, taps_before, term)                                                   \
    static inline void block_##name(const double *x, double *y, int64_t distance,                \
                                    const double *taps, int64_t size, int width) {               \
        int64_t last = size - 1, first_tap = centre;                                             \
        (void)last;                                                                              \
        vector sums[UNROLL];                                                                     \
        for (int j = 0; j < width; j++)                                                          \
            sums[j] = load(x + first_tap * distance + j * LANES) * taps[first_tap];              \
        for (int64_t tap = 0; tap < taps_before; tap++) {                                        \
            const double *here = x + tap * distance, *there = x + (last - tap) * distance;       \
            double weight = taps[tap];                                                           \
            (void)there;                                                                         \
            for (int j = 0; j < width; j++) {                                                    \
                int64_t at = j * LANES;                                                          \
                sums[j] += (term) * weight;                                                      \
            }                                                                                    \
        }                                                                                        \
        for (int j = 0; j < width; j++)                                                          \
            *(vector *)(y + j * LANES) = sums[j];                                                \
    }                                                                                            \
    static void sweep_##name(const double *source, double *target, int64_t count,                \
                             int64_t distance, const double *taps, int64_t size) {               \
        int64_t i = 0;                                                                           \
        for (; i + UNROLL * LANES <= count; i += UNROLL * LANES)                                 \
            block_##name(source + i, target + i, distance, taps, size, UNROLL);                  \
        for (; i < count; i += LANES)                                                            \
            block_##name(source + i, target + i, distance, taps, size, 1);                       \
    }

SWEEP(symmetric, size / 2, first_tap, load(here + at) + load(there + at))
SWEEP(antisymmetric, size / 2, first_tap, load(here + at) - load(there + at))
SWEEP(plain, last, last, load(here + at))

void correlate(const double *source, double *target, int64_t count, int64_t distance,
               const double *taps, int64_t size, int64_t kind) {
    if (kind == SYMMETRIC)
        sweep_symmetric(source, target, count, distance, taps, size);
    else if (kind == ANTISYMMETRIC)
        sweep_antisymmetric(source, target, count, distance, taps, size);
    else
        sweep_plain(source, target, count, distance, taps, size);
}
