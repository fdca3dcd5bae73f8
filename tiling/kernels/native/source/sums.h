/* Weighted sums of samples that lie a fixed distance apart, in SciPy's order. */
#ifndef TILEFAN_SUMS_H
#define TILEFAN_SUMS_H

#include "common.h"

/* Samples that `correlate` may read and write past the end. */
#define PADDING 64

enum kind { SYMMETRIC, ANTISYMMETRIC, PLAIN };

/* Compute a run of `count` outputs, whose taps lie `distance` samples apart. */
void correlate(const double *source, double *target, int64_t count, int64_t distance,
               const double *taps, int64_t size, int64_t kind);

#endif
