/* What all files of the kernel share: dtypes, SciPy's casts, edges, vectors. */
#ifndef TILEFAN_COMMON_H
#define TILEFAN_COMMON_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* Most axes of a NumPy array. */
#define MOST_AXES 64

/* Vectors are as wide as the machine's own: of wider ones the compiler makes single samples. */
#ifdef __AVX512BW__
#define VECTOR_BYTES 64
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

#define LANES (VECTOR_BYTES / 8)
typedef double vector __attribute__((vector_size(VECTOR_BYTES), aligned(8), may_alias));

/* Edge modes, with the numbers that Python gives them. */
enum mode { REFLECT, MIRROR, NEAREST, WRAP, CONSTANT };

/* Dtypes, with the numbers that Python gives them. Bool is an unsigned char, as in SciPy. */
#define EACH_DTYPE(X)   \
    X(0, uint8, uint8_t)    \
    X(1, int8, int8_t)      \
    X(2, int16, int16_t)    \
    X(3, int32, int32_t)    \
    X(4, int64, int64_t)    \
    X(5, uint16, uint16_t)  \
    X(6, uint32, uint32_t)  \
    X(7, uint64, uint64_t)  \
    X(8, float32, float)    \
    X(9, float64, double)

/* Samples as they lie in arrays: at any address, seen through any type. */
#define ANYWHERE(number, name, type) \
    typedef type name##_anywhere __attribute__((aligned(1), may_alias));
EACH_DTYPE(ANYWHERE)
#undef ANYWHERE

/* SciPy casts sums by `(type)sum`, which C leaves undefined for what does not fit. On x86-64 gcc
   compiles it to `cvttsd2si` of 32 or 64 bits, which makes the most negative number of those, and
   drops upper bits: so do these, without the undefined. Elsewhere SciPy's cast is what it is. */
#ifdef __x86_64__
static inline int32_t to_int32(double x) {
    return (int32_t)(((x > -0x1p31 - 1) & (x < 0x1p31)) ? x : -0x1p31);
}
static inline int64_t to_int64(double x) {
    return (int64_t)(((x >= -0x1p63) & (x < 0x1p63)) ? x : -0x1p63);
}
static inline uint64_t cast_uint64(double x) {
    int upper = x >= 0x1p63;
    return (uint64_t)to_int64(upper ? x - 0x1p63 : x) ^ ((uint64_t)upper << 63);
}
#define CAST(name, type, wide) \
    static inline type cast_##name(double x) { return (type)wide(x); }
#else
static inline uint64_t cast_uint64(double x) { return (uint64_t)x; }
#define CAST(name, type, wide) \
    static inline type cast_##name(double x) { return (type)x; }
#endif
CAST(uint8, uint8_t, to_int32)
CAST(int8, int8_t, to_int32)
CAST(int16, int16_t, to_int32)
CAST(int32, int32_t, to_int32)
CAST(int64, int64_t, to_int64)
CAST(uint16, uint16_t, to_int32)
CAST(uint32, uint32_t, to_int64)
#undef CAST
static inline float cast_float32(double x) { return (float)x; }
static inline double cast_float64(double x) { return x; }

/* Map a coordinate outside an axis to one inside, or to -1 for the fill value. */
static inline int64_t fold(int64_t index, int64_t length, int64_t mode) {
    if (mode == CONSTANT)
        return -1;
    if (mode == NEAREST || length == 1)
        return index < 0 ? 0 : index < length ? index : length - 1;
    int64_t period = mode == WRAP ? length : 2 * length - (mode == MIRROR ? 2 : 0);
    index %= period;
    index += index < 0 ? period : 0;
    if (index < length)
        return index;
    return period - index - (mode == MIRROR ? 0 : 1);
}

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* Count up, last axis fastest, `pace` at a time; 0 after the last. */
static inline int advance(int64_t *index, const int64_t *extent, const int64_t *pace, int64_t ndim) {
    for (int64_t axis = ndim - 1; axis >= 0; axis--) {
        index[axis] += pace[axis];
        if (index[axis] < extent[axis])
            return 1;
        index[axis] = 0;
    }
    return 0;
}

#endif
