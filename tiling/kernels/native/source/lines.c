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

#include <float.h>
#include <math.h>

#define INLINE static inline __attribute__((always_inline))
#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define NAME(stem) JOIN(stem, DTYPE)

#define WIDE_ROW 256       /* bytes: rows as wide are combined as rows, others as one flat line */
#define BUFFER_BYTES 16384 /* of partial extrema: half of a common first-level cache */
#define STRETCH 264        /* samples of each of them at a time: no power of 2, which would collide */
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

/* Rows of samples along the line: `length` + `size` - 1 of them, and `length` outputs. */
static int run_slice(rows_function *function, const struct lines *l, const void *in, void *out,
                     size_t itemsize, const struct running *running) {
    size_t step = (size_t)l->inner * itemsize;
    int64_t count = l->length + l->size - 1;
    const void **rows = malloc((size_t)(count + l->length) * sizeof *rows);
    if (!rows)
        return -1;
    void **outs = (void **)(rows + count);
    for (int64_t r = 0; r < count; r++)
        rows[r] = (const char *)in + (size_t)r * step;
    for (int64_t r = 0; r < l->length; r++)
        outs[r] = (char *)out + (size_t)r * step;
    struct rows all = {rows, outs, l->length, l->inner, l->size, running};
    int done = function(&all);
    free(rows);
    return done;
}

#if defined(__FMA__) || defined(__aarch64__)
/* Tell whether the quotients of these can be corrected: neither tiny nor huge, no -0.0, no NaN. */
static int are_usual(const double *x, int64_t n) {
    int64_t unusual = 0;
    for (int64_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, x + i, sizeof bits);
        uint64_t exponent = bits << 1 >> 53;
        unusual |= !(bits == 0 || (exponent > 200 && exponent < 1800));
    }
    return !unusual;
}
#else
static int are_usual(const double *x, int64_t n) {
    (void)x, (void)n;
    return 0;
}
#endif

/* Divide sums by the size, each rounded correctly. Division takes several cycles a sample; where the
   machine has fused multiply-adds, the product with the inverse is corrected by its remainder: the
   first correction makes it one of the two neighbours of the quotient, the second the nearer one
   (Markstein, Computation of Elementary Functions on the IBM RISC System/6000 Processor, 1990). */
static void divide(double *x, int64_t n, double size) {
    double inverse = 1 / size;
    if (!are_usual(x, n)) {
        for (int64_t i = 0; i < n; i++)
            x[i] /= size;
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        double quotient = x[i] * inverse;
        quotient = fma(fma(-quotient, size, x[i]), inverse, quotient);
        x[i] = fma(fma(-quotient, size, x[i]), inverse, quotient);
    }
}

/* ---- running mean ---- */
/* The order of operations is that of SciPy's NI_UniformFilter1D: the sum of the
 * first window, to which for each further output (sample that enters - sample
 * that leaves) is added; outputs are sums divided by the size. Of a line only
 * the sums are serial; differences and quotients are vectors. */

/* Adds up one line of `inner` columns. */
INLINE void add_up(double *x, double *sums, int64_t n, int64_t inner) {
    for (int64_t j = 0; j < inner; j++)
        for (int64_t i = j; i < n; i += inner)
            x[i] = sums[j] += x[i];
}

/* Adds up eight lines side by side, so that the additions of one line fill the wait for those of
 * another; one by one, or the compiler exchanges the loops. */
static void add_up_eight(double *x, double *sums, int64_t n, int64_t inner) {
    for (int64_t j = 0; j < inner; j++) {
        double *s = sums + j, *y = x + j;
        double a = s[0], b = s[inner], c = s[2 * inner], d = s[3 * inner];
        double e = s[4 * inner], f = s[5 * inner], g = s[6 * inner], h = s[7 * inner];
        for (int64_t i = j; i < n; i += inner, y += inner) {
            y[0] = a += y[0];
            y[STRETCH] = b += y[STRETCH];
            y[2 * STRETCH] = c += y[2 * STRETCH];
            y[3 * STRETCH] = d += y[3 * STRETCH];
            y[4 * STRETCH] = e += y[4 * STRETCH];
            y[5 * STRETCH] = f += y[5 * STRETCH];
            y[6 * STRETCH] = g += y[6 * STRETCH];
            y[7 * STRETCH] = h += y[7 * STRETCH];
        }
        s[0] = a, s[inner] = b, s[2 * inner] = c, s[3 * inner] = d;
        s[4 * inner] = e, s[5 * inner] = f, s[6 * inner] = g, s[7 * inner] = h;
    }
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
#define PLAIN FLT_MAX
#define DTYPE float32
#define T float
#include "lines.inc"
#undef PLAIN
#define PLAIN 1e200
#define DTYPE float64
#define T double
#include "lines.inc"

INLINE void differences(const double *in, double *restrict x, int64_t n,
                              int64_t reach) {
    for (int64_t i = 0; i < n; i++)
        x[i] = in[i + reach] - in[i];
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
    for (int k = 0; k < lanes; k++) {
        memcpy(out + k * n, sums + k * inner, (size_t)inner * sizeof *out);
        divide(out + k * n, inner, (double)size);
    }
    for (int64_t i = inner; i < n && !is_cancelled(); i += piece) {
        int64_t m = least(piece, n - i);
        for (int k = 0; k < lanes; k++)
            differences(in + k * read + i - inner, x + k * STRETCH, m,
                              size * inner);
        if (lanes == LINES)
            add_up_eight(x, sums, m, inner);
        else
            add_up(x, sums, m, inner);
        for (int k = 0; k < lanes; k++) {
            memcpy(out + k * n + i, x + k * STRETCH, (size_t)m * sizeof *out);
            divide(out + k * n + i, m, (double)size);
        }
    }
}

/* Tell whether slices are left for narrow_mean. */
static int more_narrow(const struct lines *l, int64_t o, int64_t lanes) {
    return l->inner < LINES && o + lanes <= l->outer && !is_cancelled();
}

EXPORT int running_mean(const struct band *band) {
    const struct running *running = band->parameters, unchecked = {running->axis, 0, 0};
    struct lines l = lines_of(band, running->axis);
    int64_t n = l.length * l.inner, read = n + (l.size - 1) * l.inner, o = 0;
    const double *in = band->in;
    double *out = band->out;
    int done = 1;
    if (running->strict && classify(in, l.outer * read) == AMBIGUOUS)
        return 0;
    for (; more_narrow(&l, o, LINES); o += LINES)
        narrow_mean(in + o * read, out + o * n, l.length, l.inner, l.size, LINES);
    for (; more_narrow(&l, o, 1); o++)
        narrow_mean(in + o * read, out + o * n, l.length, l.inner, l.size, 1);
    for (; o < l.outer && done == 1; o++)
        done = run_slice(mean_rows_float64, &l, in + o * read, out + o * n, sizeof *in, &unchecked);
    return is_cancelled() ? CANCELLED : done;
}
