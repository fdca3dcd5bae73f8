/* Samples of any dtype, from arrays to float64 scratch and back. */
#ifndef TILEFAN_SAMPLES_H
#define TILEFAN_SAMPLES_H

#include "common.h"

/* Copy rows x columns samples, byte steps apart, to float64 rows `pitch` samples apart. */
typedef void gather_function(const char *source, int64_t row_step, int64_t step, int64_t rows,
                             int64_t columns, double *target, int64_t pitch);
/* Cast rows x columns float64 samples, rows `pitch` apart, to where byte steps lead. */
typedef void scatter_function(char *target, int64_t row_step, int64_t step, int64_t rows,
                              int64_t columns, const double *source, int64_t pitch);

#define FLOAT64 9
/* Beside the dtypes: that of uint64 written by an n-d window. */
#define CAREFUL_UINT64 10

gather_function *gather_of(int64_t dtype);
scatter_function *scatter_of(int64_t dtype);

/* What sums of samples could make of NaNs. */
enum nans { CLEAR, SEEN, AMBIGUOUS };

/* Tell whether NaNs with different bits could meet in sums of these samples; anything, once
   cancelled. */
enum nans classify(const double *samples, int64_t count);

#endif
