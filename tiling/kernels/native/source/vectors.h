/* Vectors of samples of each dtype. */
#ifndef TILEFAN_VECTORS_H
#define TILEFAN_VECTORS_H

#include "common.h"

/* Bytes past the end of a band that vectors may read, or write. */
#define SLACK 512

/* For each dtype: its vectors at any address, masks of comparisons, and numbers that wrap. */
#define VECTOR_TYPES(name, type, mask, wrapping)                                                  \
    typedef type name##_vector                                                                    \
        __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(type)), may_alias));             \
    typedef mask name##_mask __attribute__((vector_size(VECTOR_BYTES), may_alias));               \
    typedef wrapping name##_wrapping __attribute__((vector_size(VECTOR_BYTES), may_alias));       \
    static inline name##_vector name##_select(name##_mask mask_of, name##_vector a,               \
                                              name##_vector b) {                                  \
        return (name##_vector)(((name##_mask)a & mask_of) | ((name##_mask)b & ~mask_of));         \
    }

VECTOR_TYPES(uint8, uint8_t, int8_t, uint8_t)
VECTOR_TYPES(int8, int8_t, int8_t, uint8_t)
VECTOR_TYPES(int16, int16_t, int16_t, uint16_t)
VECTOR_TYPES(int32, int32_t, int32_t, uint32_t)
VECTOR_TYPES(int64, int64_t, int64_t, uint64_t)
VECTOR_TYPES(uint16, uint16_t, int16_t, uint16_t)
VECTOR_TYPES(uint32, uint32_t, int32_t, uint32_t)
VECTOR_TYPES(uint64, uint64_t, int64_t, uint64_t)
VECTOR_TYPES(float32, float, int32_t, float)
VECTOR_TYPES(float64, double, int64_t, double)
#undef VECTOR_TYPES

#endif
