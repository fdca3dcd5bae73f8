/* Windows over a block, band by band: what is common to all that are no 1-d correlation. */
#ifndef TILEFAN_BANDS_H
#define TILEFAN_BANDS_H

#include "watch.h"

/* What a leaf computes: a band whose samples lie dense, extended by the window on every axis. */
struct band {
    const void *in;         /* of shape `padded` */
    void *out;              /* of shape `shape`, or of shape `padded` where the work is `flat` */
    int64_t ndim;
    const int64_t *shape;   /* outputs */
    const int64_t *window;
    const int64_t *padded;  /* shape + window - 1 */
    const void *parameters; /* the leaf's own */
};

/* Returns 1; 0 if SciPy has to compute it; -1 for want of memory; CANCELLED. */
typedef int leaf_function(const struct band *band);

/* Lines that are filtered side by side. */
#define LINES 8

/* Rows of an array along an axis other than the last, where they lie: `length` + `size` - 1 rows of
   `width` samples, and `length` of the same dtype for the result. */
struct rows {
    const void *const *in;
    void *const *out;
    int64_t length, width, size;
    const void *parameters;
};

/* Whole lines instead: in `in`, `length` of them, at most LINES, have `width` + `size` - 1 samples,
   and in `out` `width`. Returns what leaves return. */
typedef int rows_function(const struct rows *rows);

/* Return the number of outputs of a flat band: from its first sample to the last that is wanted,
   with those between rows that nobody reads. */
int64_t flat_count(const struct band *band);

/* Write the offset of each sample of the window that is nonzero in `table`, in C order, for a flat
   band; return how many they are. */
int64_t flat_offsets(const struct band *band, const uint8_t *table, int64_t *offsets);

#endif
