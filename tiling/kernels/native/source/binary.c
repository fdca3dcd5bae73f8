/* Binary erosion and dilation on bits.

   Samples are packed along the last axis, 64 to a word, lowest bit first, into
   an array with a border on all sides: whole rows before and after along every
   other axis, and guard words between the rows. Border bits, and those of a
   row's last word past its end, hold what SciPy sees outside the array, so an
   element of the structure is one distance in words and bits wherever it is
   taken (shifts of whole bitmaps: van den Boomgaard and van Balen, "Methods for
   fast morphological image transforms using bitmapped binary images", 1992).
   A dilation is the erosion of the complement, as in SciPy's NI_BinaryErosion.
   Words are taken to be little-endian. */

#include "bits.h"
#include "watch.h"

/* Words eroded along the last axis at a time. */
#define CHUNK 1024
/* Words of a plane between two looks at the watch. */
#define STRETCH 8192
/* Runs of more elements than this are combined by doubling. */
#define SHORT_RUN 4

/* ---- between bytes and bits ---- */

static inline uint64_t pack_word(const uint8_t *in) {
    uint64_t word = 0;
    for (int i = 0; i < 8; i++) {
        uint64_t x;
        memcpy(&x, in + 8 * i, 8);
        x = (((x & EACH_BYTE(0x7F)) + EACH_BYTE(0x7F)) | x) >> 7 & EACH_BYTE(1);
        word |= gather_bits(x) << 8 * i;
    }
    return word;
}

static inline void unpack_word(uint64_t word, uint8_t *out) {
    for (int i = 0; i < 8; i++) {
        uint64_t x = spread_bits(word >> 8 * i);
        memcpy(out + 8 * i, &x, 8);
    }
}

/* Leaves the bits of the last word past the end. */
static void pack_row(const uint8_t *in, uint64_t *row, int64_t width, uint64_t flip) {
    int64_t whole = width / 64, rest = width % 64;
    for (int64_t i = 0; i < whole; i++)
        row[i] = pack_word(in + 64 * i) ^ flip;
    if (rest) {
        uint8_t bytes[64] = {0};
        uint64_t valid = ((uint64_t)1 << rest) - 1;
        memcpy(bytes, in + 64 * whole, rest);
        row[whole] = (row[whole] & ~valid) | ((pack_word(bytes) ^ flip) & valid);
    }
}

static void unpack_row(const uint64_t *row, uint8_t *out, int64_t width, uint64_t flip) {
    int64_t whole = width / 64, rest = width % 64;
    for (int64_t i = 0; i < whole; i++)
        unpack_word(row[i] ^ flip, out + 64 * i);
    if (rest) {
        uint8_t bytes[64];
        unpack_word(row[whole] ^ flip, bytes);
        memcpy(out + 64 * whole, bytes, rest);
    }
}

/* ---- along rows ---- */

/* The 64 bits that begin `bits` (0 to 63) after those of *x. */
static inline uint64_t funnel(const uint64_t *x, int bits) {
    return x[0] >> bits | x[1] << 1 << (63 - bits);
}

static void and_shifted(const uint64_t *restrict x, uint64_t *restrict y, int64_t n,
                        int64_t bits) {
    x += bits >> 6;
    for (int64_t i = 0; i < n; i++)
        y[i] &= funnel(x + i, bits & 63);
}

static void and_two(const uint64_t *restrict x, uint64_t *restrict y, int64_t n,
                    int64_t bits) {
    const uint64_t *restrict later = x + (bits >> 6);
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] & funnel(later + i, bits & 63);
}

/* A run of neighbouring elements, by doubling: each step joins two runs, the
 * last two of them overlapping. A step reads (grow >> 6) + 1 words more than it
 * writes. */
static void and_run(const uint64_t *x, uint64_t *y, int64_t n, int64_t bits,
                    int64_t run, uint64_t *scratch, int64_t room) {
    uint64_t *half[2] = {scratch, scratch + room};
    int64_t need = n + 1 + (run >> 6);
    for (int64_t have = 1; have < run; have *= 2)
        need++;
    x += bits >> 6;
    int turn = 0;
    for (int64_t have = 1, grow; have < run; have += grow, turn ^= 1) {
        grow = least(have, run - have);
        need -= (grow >> 6) + 1;
        and_two(x, half[turn], need, grow);
        x = half[turn];
    }
    and_shifted(x, y, n, bits & 63);
}

/* ---- the whole array ---- */

/* Rows of the structure that have the same elements. */
struct group {
    const uint8_t *elements; /* bytes, one structure row */
    int64_t first, count;    /* of these rows in plan.offsets */
};

struct plan {
    int64_t width;              /* samples in a row */
    int64_t words, stride;      /* words in a row, and from row to row */
    int64_t stretch;            /* words from a plane's first to its last */
    int64_t rows, planes;       /* rows of a plane, and planes */
    int64_t total, slack;       /* words in the array, and before and after it */
    int64_t window, lowest;      /* of a structure row: its size, and the offset of
                                   its first element in samples */
    int64_t room;               /* words in each half of scratch */
    int64_t keep_step;          /* 1 if `keep` covers all planes, 0 if one */
    uint64_t border;            /* 64 bits of the border */
    struct group *groups;
    int64_t group_count;
    int64_t *offsets;           /* of rows of the structure, in words */
    int64_t *plane_at;          /* the first word of each plane */
    uint64_t *keep, *eroded, *scratch;
};

static void erode_along_rows(const struct plan *p, const uint64_t *in,
                             const uint8_t *elements) {
    for (int64_t at = 0; at < p->total && !is_cancelled(); at += CHUNK) {
        int64_t n = least(CHUNK, p->total - at), run;
        memset(p->eroded + at, 0xFF, n * 8);
        for (int64_t k = 0; k < p->window; k += run + 1) {
            for (run = 0; k + run < p->window && elements[k + run]; run++)
                ;
            int64_t bits = p->lowest + k;
            if (run > SHORT_RUN)
                and_run(in + at, p->eroded + at, n, bits, run, p->scratch, p->room);
            else
                for (int64_t e = 0; e < run; e++)
                    and_shifted(in + at, p->eroded + at, n, bits + e);
        }
    }
}

static int only_centre(const struct plan *p, const uint8_t *elements) {
    int64_t count = 0;
    for (int64_t k = 0; k < p->window; k++)
        count += elements[k];
    return count == 1 && elements[-p->lowest];
}

/* Samples outside `keep`, and so the border, stay what they were. */
static void restore(const uint64_t *restrict in, uint64_t *restrict out,
                    const uint64_t *restrict keep, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        out[i] = in[i] ^ ((in[i] ^ out[i]) & keep[i]);
}

/* y &= each of the rows that lie at `offsets` from x, four at a time. */
static void and_stretch(const uint64_t *x, const int64_t *offsets, int64_t count,
                     uint64_t *restrict y, int64_t n) {
    int64_t k = 0;
    for (; k + 4 <= count; k += 4) {
        const uint64_t *a = x + offsets[k], *b = x + offsets[k + 1];
        const uint64_t *c = x + offsets[k + 2], *d = x + offsets[k + 3];
        for (int64_t i = 0; i < n; i++)
            y[i] &= (a[i] & b[i]) & (c[i] & d[i]);
    }
    for (; k < count; k++) {
        const uint64_t *a = x + offsets[k];
        for (int64_t i = 0; i < n; i++)
            y[i] &= a[i];
    }
}

static void and_rows(const uint64_t *x, const int64_t *offsets, int64_t count, uint64_t *y,
                     int64_t n) {
    for (int64_t at = 0; at < n && !is_cancelled(); at += STRETCH)
        and_stretch(x + at, offsets, count, y + at, least(STRETCH, n - at));
}

/* Stops early once cancelled. */
static void erode_once(const struct plan *p, const uint64_t *in, uint64_t *out) {
    for (int64_t i = 0; i < p->planes; i++)
        memset(out + p->plane_at[i], 0xFF, p->stretch * 8);
    for (int64_t g = 0; g < p->group_count && !is_cancelled(); g++) {
        const struct group *group = p->groups + g;
        const uint64_t *from = in;
        if (!only_centre(p, group->elements)) {
            erode_along_rows(p, in, group->elements);
            from = p->eroded;
        }
        for (int64_t i = 0; i < p->planes; i++)
            and_rows(from + p->plane_at[i], p->offsets + group->first, group->count,
                     out + p->plane_at[i], p->stretch);
    }
    for (int64_t i = 0; i < p->planes && !is_cancelled(); i++) {
        restore(in + p->plane_at[i], out + p->plane_at[i],
                p->keep + p->keep_step * p->plane_at[i], p->stretch);
        count_done(p->rows * p->width);
    }
}

/* ---- setting up ---- */

/* Collects the rows of the structure that have elements, those with the same
 * ones together; `step` holds the words from one index to the next. */
static void collect_rows(struct plan *p, const uint8_t *cells, int64_t count,
                         int64_t ndim, const int64_t *window,
                         const int64_t *lowest, const int64_t *step,
                         uint8_t *taken) {
    int64_t used = 0;
    for (int64_t r = 0; r < count; r++)
        taken[r] = !memchr(cells + r * p->window, 1, p->window);
    for (int64_t r = 0; r < count; r++) {
        if (taken[r])
            continue;
        struct group *group = p->groups + p->group_count++;
        group->elements = cells + r * p->window;
        group->first = used;
        for (int64_t other = r; other < count; other++) {
            if (taken[other] ||
                memcmp(group->elements, cells + other * p->window, p->window))
                continue;
            taken[other] = 1;
            int64_t left = other, offset = 0;
            for (int64_t a = ndim - 2; a >= 0; a--) {
                offset += (left % window[a] + lowest[a]) * step[a];
                left /= window[a];
            }
            p->offsets[used++] = offset;
        }
        group->count = used - group->first;
    }
}

/* The first words of the planes: the array without its last two axes. */
static void place_planes(struct plan *p, int64_t ndim, const int64_t *shape,
                         const int64_t *lowest, const int64_t *step) {
    for (int64_t i = 0; i < p->planes; i++) {
        int64_t left = i, at = ndim > 1 ? -lowest[ndim - 2] * step[ndim - 2] : 0;
        for (int64_t a = ndim - 3; a >= 0; a--) {
            at += (left % shape[a] - lowest[a]) * step[a];
            left /= shape[a];
        }
        p->plane_at[i] = at;
    }
}

static void pack(const struct plan *p, const uint8_t *in, uint64_t *out, uint64_t flip) {
    for (int64_t i = 0; i < p->planes; i++)
        for (int64_t r = 0; r < p->rows && !is_cancelled(); r++, in += p->width)
            pack_row(in, out + p->plane_at[i] + r * p->stride, p->width, flip);
}

static void unpack(const struct plan *p, const uint64_t *in, uint8_t *out, uint64_t flip) {
    for (int64_t i = 0; i < p->planes; i++)
        for (int64_t r = 0; r < p->rows && !is_cancelled(); r++, out += p->width)
            unpack_row(in + p->plane_at[i] + r * p->stride, out, p->width, flip);
}

/* Where samples may change: where `mask` is true, or in all of a plane's rows. */
static void set_keep(struct plan *p, const uint8_t *mask) {
    memset(p->keep, 0, (mask ? p->total : p->stretch) * 8);
    p->keep_step = mask != NULL;
    if (mask) {
        pack(p, mask, p->keep, 0);
        return;
    }
    for (int64_t r = 0; r < p->rows; r++) {
        uint64_t *row = p->keep + r * p->stride;
        memset(row, 0xFF, p->words * 8);
        if (p->width % 64)
            row[p->words - 1] = ((uint64_t)1 << p->width % 64) - 1;
    }
}

static int run_plan(struct plan *p, const uint8_t *in, uint8_t *out, uint64_t flip,
                    int64_t iterations, const uint8_t *mask) {
    int64_t room = p->total + 2 * p->slack;
    uint64_t *memory = malloc((2 * room + p->total + 2 * p->room +
                               (mask ? p->total : p->stretch)) * 8);
    if (!memory)
        return -1;
    uint64_t *now = memory + p->slack, *next = now + room;
    for (int64_t i = 0; i < 2 * room; i++)
        memory[i] = p->border;
    p->eroded = memory + 2 * room;
    p->scratch = p->eroded + p->total;
    p->keep = p->scratch + 2 * p->room;
    set_keep(p, mask);
    pack(p, in, now, flip);
    for (int64_t done = 0, same = 0;
         !same && (iterations < 1 || done < iterations) && !is_cancelled(); done++) {
        erode_once(p, now, next);
        same = !memcmp(now, next, p->total * 8);
        uint64_t *swapped = now;
        now = next;
        next = swapped;
    }
    unpack(p, now, out, flip);
    free(memory);
    return is_cancelled() ? CANCELLED : 0;
}

/* scipy.ndimage.binary_erosion, or binary_dilation where `dilate`, of an array of
 * bytes, for origins that SciPy accepts. `mask` is NULL or as large as the array;
 * iterations < 1 stand for until nothing changes. -1: no memory;
 * CANCELLED. */
EXPORT int binary_erode(const uint8_t *in, uint8_t *out, int64_t ndim,
                        const int64_t *shape, const uint8_t *structure,
                        const int64_t *window, const int64_t *origins,
                        int64_t border, int64_t dilate, int64_t iterations,
                        const uint8_t *mask) {
    int64_t lowest[MOST_AXES], step[MOST_AXES], last = ndim - 1;
    int64_t cell_count = 1, sample_count = 1;
    if (ndim < 1 || ndim > MOST_AXES)
        return -1;
    for (int64_t a = 0; a < ndim; a++) {
        int64_t origin = dilate ? -origins[a] - (window[a] % 2 == 0) : origins[a];
        lowest[a] = -(window[a] / 2) - origin;
        cell_count *= window[a];
        sample_count *= shape[a];
    }
    if (sample_count == 0)
        return 0;
    struct plan p = {.width = shape[last], .words = (shape[last] + 63) / 64};
    p.window = window[last];
    p.lowest = lowest[last];
    int64_t guard = (most(-p.lowest, p.lowest + p.window - 1) + 63) / 64;
    p.stride = p.words + guard;
    p.rows = ndim > 1 ? shape[last - 1] : 1;
    p.planes = sample_count / p.width / p.rows;
    p.stretch = p.rows * p.stride - guard;
    p.room = CHUNK + p.window / 64 + 70;
    p.slack = guard + p.window / 64 + 70;
    p.border = (border != 0) != (dilate != 0) ? ~(uint64_t)0 : 0;
    p.total = p.stride;
    for (int64_t a = last - 1; a >= 0; a--) {
        step[a] = p.total;
        p.total *= shape[a] + window[a] - 1;
    }
    int64_t rows = cell_count / p.window;
    p.groups = malloc(rows * sizeof *p.groups);
    p.offsets = malloc((rows + p.planes) * sizeof *p.offsets);
    uint8_t *cells = malloc(cell_count + rows);
    int failed = -1;
    if (p.groups && p.offsets && cells) {
        for (int64_t i = 0; i < cell_count; i++)
            cells[i] = structure[dilate ? cell_count - 1 - i : i] != 0;
        p.plane_at = p.offsets + rows;
        collect_rows(&p, cells, rows, ndim, window, lowest, step, cells + cell_count);
        place_planes(&p, ndim, shape, lowest, step);
        failed = run_plan(&p, in, out, dilate ? ~(uint64_t)0 : 0, iterations, mask);
    }
    free(p.groups);
    free(p.offsets);
    free(cells);
    return failed;
}
