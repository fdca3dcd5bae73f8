#include "samples.h"
#include "watch.h"

#include <math.h>

#define GATHER(number, name, type)                                                               \
    static void gather_##name(const char *source, int64_t row_step, int64_t step, int64_t rows,  \
                              int64_t columns, double *restrict target, int64_t pitch) {         \
        if (pitch == columns && (columns == 1 || row_step == columns * step)) {                  \
            step = columns == 1 ? row_step : step;                                               \
            columns *= rows;                                                                     \
            rows = 1;                                                                            \
        }                                                                                        \
        for (int64_t row = 0; row < rows; row++, source += row_step, target += pitch) {          \
            if (step == (int64_t)sizeof(type)) {                                                 \
                const name##_anywhere *dense = (const name##_anywhere *)source;                  \
                for (int64_t i = 0; i < columns; i++)                                            \
                    target[i] = (double)dense[i];                                                \
            } else {                                                                             \
                for (int64_t i = 0; i < columns; i++)                                            \
                    target[i] = (double)*(const name##_anywhere *)(source + i * step);           \
            }                                                                                    \
        }                                                                                        \
    }

#define SCATTER(number, name, type)                                                              \
    static void scatter_##name(char *target, int64_t row_step, int64_t step, int64_t rows,       \
                               int64_t columns, const double *restrict source, int64_t pitch) {  \
        if (pitch == columns && (columns == 1 || row_step == columns * step)) {                  \
            step = columns == 1 ? row_step : step;                                               \
            columns *= rows;                                                                     \
            rows = 1;                                                                            \
        }                                                                                        \
        for (int64_t row = 0; row < rows; row++, target += row_step, source += pitch) {          \
            if (step == (int64_t)sizeof(type)) {                                                 \
                name##_anywhere *restrict dense = (name##_anywhere *)target;                     \
                for (int64_t i = 0; i < columns; i++)                                            \
                    dense[i] = cast_##name(source[i]);                                           \
            } else {                                                                             \
                for (int64_t i = 0; i < columns; i++)                                            \
                    *(name##_anywhere *)(target + i * step) = cast_##name(source[i]);            \
            }                                                                                    \
        }                                                                                        \
    }

EACH_DTYPE(GATHER)
EACH_DTYPE(SCATTER)

/* SciPy's functions of n-d windows cast to unsigned numbers with care (`CASE_FILTER_OUT_SAFE`); of
   64 bits, this makes a difference. */
typedef uint64_anywhere careful_anywhere;
static inline uint64_t cast_careful(double x) {
    return x > -1.0 ? cast_uint64(x) : -cast_uint64(-x);
}
SCATTER(CAREFUL_UINT64, careful, uint64_t)

#define GATHER_CASE(number, name, type) \
    case number:                        \
        return gather_##name;
#define SCATTER_CASE(number, name, type) \
    case number:                         \
        return scatter_##name;

gather_function *gather_of(int64_t dtype) {
    switch (dtype) { EACH_DTYPE(GATHER_CASE) }
    return NULL;
}

scatter_function *scatter_of(int64_t dtype) {
    switch (dtype) { EACH_DTYPE(SCATTER_CASE) SCATTER_CASE(CAREFUL_UINT64, careful, uint64_t) }
    return NULL;
}

/* Where two NaNs with different bits meet, x86 answers one operand, and which one that is was
   settled when SciPy was compiled. An invalid operation makes `DEFAULT_NAN`: so while no other NaN
   comes in, all are alike. Sums of samples up to `LARGEST` stay finite while the sum of absolute
   weights stays below 1e100. */
#define LARGEST 1e200
#define DEFAULT_NAN 0xFFF8000000000000u

enum nans classify(const double *samples, int64_t count) {
    int64_t beyond = 0;
    uint64_t nan = 0;
    int huge = 0;
    for (int64_t from = 0; from < count && !is_cancelled(); from += UNWATCHED_WORK)
        for (int64_t i = from; i < least(count, from + UNWATCHED_WORK); i++)
            beyond += !(fabs(samples[i]) <= LARGEST);
    for (int64_t i = 0; beyond && i < count; i++) {
        uint64_t bits;
        memcpy(&bits, samples + i, sizeof bits);
        if (isnan(samples[i])) {
            if (nan != 0 && nan != bits)
                return AMBIGUOUS;
            nan = bits;
        } else if (fabs(samples[i]) > LARGEST) {
            huge = 1;
        }
    }
    if (huge && nan != 0 && nan != DEFAULT_NAN)
        return AMBIGUOUS;
    return nan != 0 ? SEEN : CLEAR;
}
