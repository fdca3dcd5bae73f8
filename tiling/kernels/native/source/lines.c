/* Windows along one axis: running minimum and maximum, and running mean.

   A band is (outer, line, inner): `in` has size - 1 samples more along the line than `out`. The queue
   for lines that hold a NaN, and the order of operations of the running mean, follow
   scipy/ndimage/src/ni_filters.c, which carries this notice:

   Copyright (C) 2003-2005 Peter J. Verveer

   Redistribution and use in source and binary forms, with or without
   modification, are permitted provided that the following conditions
   are met:

   1. Redistributions of source code must retain the above copyright
      notice, this list of conditions and the following disclaimer.

   2. Redistributions in binary form must reproduce the above
      copyright notice, this list of conditions and the following
      disclaimer in the documentation and/or other materials provided
      with the distribution.

   3. The name of the author may not be used to endorse or promote
      products derived from this software without specific prior
      written permission.

   THIS SOFTWARE IS PROVIDED BY THE AUTHOR ``AS IS'' AND ANY EXPRESS
   OR IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED
   WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE
   ARE DISCLAIMED. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY
   DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL
   DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE
   GOODS OR SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS
   INTERRUPTION) HOWEVER CAUSED AND ON ANY THEORY OF LIABILITY,
   WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING
   NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF THIS
   SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.
*/
#include "bands.h"
#include "samples.h"

#include <math.h>

#define INLINE static inline __attribute__((always_inline))
#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define NAME(stem) JOIN(stem, DTYPE)

#define WIDE_ROW 256       /* bytes: rows as wide are combined as rows, others as one flat line */
#define BUFFER_BYTES 16384 /* of partial extrema: half of a common first-level cache */
#define LINES 8            /* lines whose running sums are added side by side */
#define STRETCH 256        /* samples of each of them at a time */
#define COLUMNS 1024       /* columns whose running sums are kept together */

/* The leaf's own parameters. */
struct running {
    int64_t axis, minimum, strict; /* strict: unlike NaNs that meet in sums are SciPy's */
};

/* A band as lines: `outer` slices of `length` rows of `inner` samples. */
struct lines {
    int64_t outer, length, inner, size;
};

static struct lines lines_of(const struct band *band, int64_t axis) {
    struct lines lines = {1, band->shape[axis], 1, band->window[axis]};
    for (int64_t i = 0; i < band->ndim; i++)
        if (i != axis)
            *(i < axis ? &lines.outer : &lines.inner) *= band->shape[i];
    return lines;
}

#define FLOATING 0
#define DTYPE uint8
#define T uint8_t
#include "lines.inc"
#define DTYPE int8
#define T int8_t
#include "lines.inc"
#define DTYPE int16
#define T int16_t
#include "lines.inc"
#define DTYPE int32
#define T int32_t
#include "lines.inc"
#define DTYPE uint16
#define T uint16_t
#include "lines.inc"
#define DTYPE uint32
#define T uint32_t
#include "lines.inc"
#undef FLOATING

#define FLOATING 1
#define DTYPE float32
#define T float
#include "lines.inc"
#define DTYPE float64
#define T double
#include "lines.inc"

/* ---- running mean ---- */
/* The order of operations is that of SciPy's NI_UniformFilter1D: the sum of the
 * first window, to which for each further output (sample that enters - sample
 * that leaves) is added; outputs are sums divided by the size. Of a line only
 * the sums are serial; differences and quotients are vectors. */

INLINE void differences(const double *in, double *restrict x, int64_t n,
                              int64_t reach) {
    for (int64_t i = 0; i < n; i++)
        x[i] = in[i + reach] - in[i];
}

INLINE void divided(const double *restrict x, double *restrict out, int64_t n,
                          double size) {
    for (int64_t i = 0; i < n; i++)
        out[i] = x[i] / size;
}

/* Adds up `lanes` lines side by side, so that the additions of one line fill
 * the wait for those of another. */
INLINE void add_up(double *restrict x, double *restrict sums, int64_t n,
                         int64_t inner, int lanes) {
    for (int64_t j = 0; j < inner; j++) {
        double t[LINES];
        for (int k = 0; k < lanes; k++)
            t[k] = sums[k * inner + j];
        for (int64_t i = j; i < n; i += inner)
            for (int k = 0; k < lanes; k++) {
                t[k] += x[k * STRETCH + i];
                x[k * STRETCH + i] = t[k];
            }
        for (int k = 0; k < lanes; k++)
            sums[k * inner + j] = t[k];
    }
}

/* `lanes` slices of narrow rows (inner < LINES). */
INLINE void narrow_mean(const double *in, double *out, int64_t length, int64_t inner,
                              int64_t size, int lanes) {
    double x[LINES * STRETCH], sums[LINES * LINES] = {0};
    int64_t n = length * inner, read = n + (size - 1) * inner;
    int64_t piece = STRETCH / inner * inner;
    for (int64_t i = 0; i < size * inner; i += inner)
        for (int k = 0; k < lanes; k++)
            for (int64_t j = 0; j < inner; j++)
                sums[k * inner + j] += in[k * read + i + j];
    for (int k = 0; k < lanes; k++)
        divided(sums + k * inner, out + k * n, inner, (double)size);
    for (int64_t i = inner; i < n; i += piece) {
        int64_t m = least(piece, n - i);
        for (int k = 0; k < lanes; k++)
            differences(in + k * read + i - inner, x + k * STRETCH, m,
                              size * inner);
        add_up(x, sums, m, inner, lanes);
        for (int k = 0; k < lanes; k++)
            divided(x + k * STRETCH, out + k * n + i, m, (double)size);
    }
}

/* Up to COLUMNS columns of one slice of wider rows. */
static void column_mean(const double *in, double *out, int64_t length, int64_t inner,
                              int64_t size, int64_t width) {
    double sums[COLUMNS] = {0}, by = (double)size;
    for (int64_t r = 0; r < size; r++)
        for (int64_t j = 0; j < width; j++)
            sums[j] += in[r * inner + j];
    divided(sums, out, width, by);
    for (int64_t l = 1; l < length; l++) {
        const double *leaves = in + (l - 1) * inner, *enters = leaves + size * inner;
        double *restrict y = out + l * inner;
        for (int64_t j = 0; j < width; j++) {
            sums[j] += enters[j] - leaves[j];
            y[j] = sums[j] / by;
        }
    }
}

EXPORT int running_mean(const struct band *band) {
    const struct running *running = band->parameters;
    struct lines l = lines_of(band, running->axis);
    int64_t n = l.length * l.inner, read = n + (l.size - 1) * l.inner, o = 0;
    const double *in = band->in;
    double *out = band->out;
    if (running->strict && classify(in, l.outer * read) == AMBIGUOUS)
        return 0;
    for (; l.inner < LINES && o + LINES <= l.outer; o += LINES)
        narrow_mean(in + o * read, out + o * n, l.length, l.inner, l.size, LINES);
    for (; l.inner < LINES && o < l.outer; o++)
        narrow_mean(in + o * read, out + o * n, l.length, l.inner, l.size, 1);
    for (; o < l.outer; o++)
        for (int64_t j = 0; j < l.inner; j += COLUMNS)
            column_mean(in + o * read + j, out + o * n + j, l.length, l.inner,
                              l.size, least(COLUMNS, l.inner - j));
    return 1;
}
