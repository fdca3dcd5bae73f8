/* Windows of any footprint, on flat bands: sums, minima and maxima over lists of offsets.

   All outputs of a band lie in one run, with some between rows that nobody reads; the sample that a
   tap sees is a fixed offset away. So rows of three samples cost no more than long ones. */
#include "bands.h"
#include "samples.h"
#include "vectors.h"

#include <math.h>

#define UNROLL 4

/* The window's table, one byte a sample, and for sums and structures a float64 for each that is
   nonzero, in C order. */
struct footprint {
    const uint8_t *table;
    const double *values;
    int64_t minimum; /* or the maximum */
    int64_t strict;  /* whether unlike NaNs that meet in sums are SciPy's */
};

static int64_t window_size(const struct band *band) {
    int64_t size = 1;
    for (int64_t i = 0; i < band->ndim; i++)
        size *= band->window[i];
    return size;
}

/* `NI_Correlate`: from 0.0, tap by tap in C order. */
static inline void sum_block(const double *x, double *y, const int64_t *offsets,
                             const double *weights, int64_t taps, int width) {
    vector sums[UNROLL];
    for (int j = 0; j < width; j++)
        sums[j] = (vector){0};
    for (int64_t tap = 0; tap < taps; tap++) {
        const double *from = x + offsets[tap];
        double weight = weights[tap];
        for (int j = 0; j < width; j++)
            sums[j] += *(const vector *)(from + j * LANES) * weight;
    }
    for (int j = 0; j < width; j++)
        *(vector *)(y + j * LANES) = sums[j];
}

static void sum_stretch(const double *x, double *y, int64_t count, const int64_t *offsets,
                        const double *weights, int64_t taps) {
    int64_t i = 0;
    for (; i + UNROLL * LANES <= count; i += UNROLL * LANES)
        sum_block(x + i, y + i, offsets, weights, taps, UNROLL);
    for (; i < count; i += LANES)
        sum_block(x + i, y + i, offsets, weights, taps, 1);
}

EXPORT int correlate_band(const struct band *band) {
    const struct footprint *footprint = band->parameters;
    int64_t samples = 1;
    for (int64_t i = 0; i < band->ndim; i++)
        samples *= band->padded[i];
    if (footprint->strict && classify(band->in, samples) == AMBIGUOUS)
        return 0;
    int64_t *offsets = malloc((size_t)window_size(band) * sizeof *offsets), count = flat_count(band);
    if (offsets == NULL)
        return -1;
    int64_t taps = flat_offsets(band, footprint->table, offsets), part = unwatched(taps), from = 0;
    for (; from < count && !is_cancelled(); from += part)
        sum_stretch((const double *)band->in + from, (double *)band->out + from,
                    least(part, count - from), offsets, footprint->values, taps);
    free(offsets);
    return from < count ? CANCELLED : 1;
}

/* `NI_MinOrMaxFilter`: the first sample of the window stays until another one is less (or more):
   of -0.0 and 0.0 the first is taken, a NaN in the first place stays, and others are passed over. */
#define EXTREMUM(name, type, which, operator)                                                     \
    static inline void which##_block_##name(const type *x, type *y, const int64_t *offsets,       \
                                            int64_t taps, int width) {                            \
        enum { PER = VECTOR_BYTES / sizeof(type) };                                               \
        name##_vector best[UNROLL];                                                               \
        for (int j = 0; j < width; j++)                                                           \
            best[j] = *(const name##_vector *)(x + offsets[0] + j * PER);                         \
        for (int64_t tap = 1; tap < taps; tap++) {                                                \
            const type *from = x + offsets[tap];                                                  \
            for (int j = 0; j < width; j++) {                                                     \
                name##_vector value = *(const name##_vector *)(from + j * PER);                   \
                best[j] = name##_select((name##_mask)(value operator best[j]), value, best[j]);   \
            }                                                                                     \
        }                                                                                         \
        for (int j = 0; j < width; j++)                                                           \
            *(name##_vector *)(y + j * PER) = best[j];                                            \
    }                                                                                             \
    static void which##_##name(const type *x, type *y, int64_t count, const int64_t *offsets,     \
                               int64_t taps) {                                                    \
        enum { PER = VECTOR_BYTES / sizeof(type) };                                               \
        int64_t i = 0;                                                                            \
        for (; i + UNROLL * PER <= count; i += UNROLL * PER)                                      \
            which##_block_##name(x + i, y + i, offsets, taps, UNROLL);                            \
        for (; i < count; i += PER)                                                               \
            which##_block_##name(x + i, y + i, offsets, taps, 1);                                 \
    }

#define EXTREMUM_BAND(number, name, type)                                                         \
    EXTREMUM(name, type, minimum, <)                                                              \
    EXTREMUM(name, type, maximum, >)                                                              \
    EXPORT int extremum_##name(const struct band *band) {                                         \
        const struct footprint *footprint = band->parameters;                                     \
        int64_t *offsets = malloc((size_t)window_size(band) * sizeof *offsets);                   \
        if (offsets == NULL)                                                                      \
            return -1;                                                                            \
        int64_t taps = flat_offsets(band, footprint->table, offsets), part = unwatched(taps);     \
        int64_t count = flat_count(band), from = 0;                                               \
        for (; from < count && !is_cancelled(); from += part)                                     \
            (footprint->minimum ? minimum_##name : maximum_##name)(                               \
                (const type *)band->in + from, (type *)band->out + from,                          \
                least(part, count - from), offsets, taps);                                        \
        free(offsets);                                                                            \
        return from < count ? CANCELLED : 1;                                                      \
    }

EACH_DTYPE(EXTREMUM_BAND)

/* The same with a structure that is added, or subtracted for a minimum. SciPy adds it to the first
   sample as float64, and to all others cast to the dtype, in which it may wrap. Those others are one
   extremum, which is then held against the first. */
#define STRUCTURED(name, type, wrapping, which, operator, none)                                   \
    static void which##_structured_##name(const type *x, double *y, int64_t count,                \
                                          const int64_t *offsets, const wrapping *shifts,         \
                                          int64_t taps, double first) {                           \
        enum { PER = VECTOR_BYTES / sizeof(type) };                                               \
        for (int64_t i = 0; i < count; i += PER) {                                                \
            type rest[PER];                                                                       \
            name##_vector best = (name##_vector){0} + (type)(none);                               \
            for (int64_t tap = 1; tap < taps; tap++) {                                            \
                name##_vector value = *(const name##_vector *)(x + i + offsets[tap]);             \
                name##_wrapping shift = shifts[tap] - (name##_wrapping){0}; /* also of -0.0 */     \
                value = (name##_vector)((name##_wrapping)value + shift);                          \
                best = name##_select((name##_mask)(value operator best), value, best);            \
            }                                                                                     \
            memcpy(rest, &best, sizeof rest);                                                     \
            for (int64_t k = 0; k < PER; k++) {                                                   \
                double sum = (double)x[i + k + offsets[0]] + first, other = (double)rest[k];      \
                y[i + k] = taps > 1 && other operator sum ? other : sum;                          \
            }                                                                                     \
        }                                                                                         \
    }

#define STRUCTURED_BAND(name, type, wrapping, lowest, highest)                                    \
    STRUCTURED(name, type, wrapping, minimum, <, highest)                                         \
    STRUCTURED(name, type, wrapping, maximum, >, lowest)                                          \
    EXPORT int structured_##name(const struct band *band) {                                       \
        const struct footprint *f = band->parameters;                                             \
        int64_t size = window_size(band);                                                         \
        int64_t *offsets = malloc((size_t)size * (sizeof *offsets + sizeof(wrapping)));           \
        wrapping *shifts = (wrapping *)(offsets + size);                                          \
        if (offsets == NULL)                                                                      \
            return -1;                                                                            \
        int64_t taps = flat_offsets(band, f->table, offsets);                                     \
        for (int64_t tap = 0; tap < taps; tap++) {                                                \
            wrapping shift = (wrapping)cast_##name(f->values[tap]);                               \
            shifts[tap] = f->minimum ? (wrapping)-shift : shift;                                  \
        }                                                                                         \
        double first = f->minimum ? -f->values[0] : f->values[0];                                 \
        int64_t part = unwatched(taps), count = flat_count(band), from = 0;                       \
        for (; from < count && !is_cancelled(); from += part)                                     \
            (f->minimum ? minimum_structured_##name : maximum_structured_##name)(                 \
                (const type *)band->in + from, (double *)band->out + from,                        \
                least(part, count - from), offsets, shifts, taps, first);                         \
        free(offsets);                                                                            \
        return from < count ? CANCELLED : 1;                                                      \
    }

STRUCTURED_BAND(uint8, uint8_t, uint8_t, 0, UINT8_MAX)
STRUCTURED_BAND(int8, int8_t, uint8_t, INT8_MIN, INT8_MAX)
STRUCTURED_BAND(int16, int16_t, uint16_t, INT16_MIN, INT16_MAX)
STRUCTURED_BAND(int32, int32_t, uint32_t, INT32_MIN, INT32_MAX)
STRUCTURED_BAND(int64, int64_t, uint64_t, INT64_MIN, INT64_MAX)
STRUCTURED_BAND(uint16, uint16_t, uint16_t, 0, UINT16_MAX)
STRUCTURED_BAND(uint32, uint32_t, uint32_t, 0, UINT32_MAX)
STRUCTURED_BAND(uint64, uint64_t, uint64_t, 0, UINT64_MAX)
STRUCTURED_BAND(float32, float, float, -INFINITY, INFINITY)
STRUCTURED_BAND(float64, double, double, -INFINITY, INFINITY)
