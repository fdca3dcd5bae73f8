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
#define DTYPE int64
#define T int64_t
#include "lines.inc"
#define DTYPE uint16
#define T uint16_t
#include "lines.inc"
#define DTYPE uint32
#define T uint32_t
#include "lines.inc"
#define DTYPE uint64
#define T uint64_t
#include "lines.inc"
#undef FLOATING

#define FLOATING 1
#define DTYPE float32
#define T float
#include "lines.inc"
#define DTYPE float64
#define T double
#include "lines.inc"
