/* Ranks of the samples in a window of any shape, but the lowest and the highest. Medians of the
   smallest windows have loops of their own. There are three more ways to an answer, each in its own
   section: selection networks, column histograms, and a sweep of a bitmap over ranked samples. The
   cheapest is taken. */
#include "bands.h"

#define INLINE static inline __attribute__((always_inline))
#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define NAME(name) JOIN(name, SUFFIX)

/* About how many nanoseconds a step of a network takes for each byte, and a sample that enters and
   leaves a column's histogram.  (Costs here were measured on a 2.5 GHz Xeon, or beside such as were;
   only their ratios matter.) */
#if defined(__AVX512BW__)
#define STEP_COST 0.038
#define COUNT_COST 5
#elif defined(__AVX2__)
#define STEP_COST 0.053
#define COUNT_COST 5
#else
#define STEP_COST 0.09
#define COUNT_COST 10
#endif

enum {
    RANK_AXES = 8,        /* of arrays with more, SciPy takes the ranks */
    MOST_WIRES = 256,     /* a larger window is never sorted by a network */
    MOST_STEPS = 8192,    /* compare-exchange steps in a network */
    MOST_LAP = 128,       /* positions two spans of columns may share */
    CACHE_BYTES = 65536,  /* what the rows of a network take together */
    LEAST_LINES = 5,      /* cache lines in a row: an odd number, so that rows */
    MOST_LINES = 33,      /* do not all fall on the same places in the cache */
    SPAN_BYTES = 8192,    /* the least stretch a network runs over at once */
    PAIR_SPAN = 1024,     /* bytes of two rows of outputs that are computed at once */
    PAIR_ROW = 1344,      /* with what the window adds: an odd number of lines */
    STRIPE_COLUMNS = 768, /* columns whose histograms lie in the second cache */
    SWEEP_SAMPLES = 32768 /* samples that a sweep ranks at once */
};

/* The leaf's own parameters. */
struct rank {
    const uint8_t *footprint;
    int64_t rank;
};

/* ---- the task ---- */

/* One call's task: `extent` is the shape of the input, strides count samples,
   and `offset` lists the window's samples in C order. */
struct task {
    int64_t ndim, count, rank, full;
    int64_t shape[RANK_AXES], window[RANK_AXES], extent[RANK_AXES];
    int64_t stride[RANK_AXES], out_stride[RANK_AXES];
    int64_t in_samples, out_samples;
    const uint8_t *footprint;
    int64_t *offset;
};

/* The offsets of the window's samples under the given strides, in C order. */
static void list_offsets(const struct task *t, const int64_t *stride, int64_t *offset) {
    int64_t at[RANK_AXES] = {0}, found = 0, volume = 1, place = 0;
    for (int64_t i = 0; i < t->ndim; i++)
        volume *= t->window[i];
    for (int64_t k = 0; k < volume; k++) {
        if (t->footprint[k])
            offset[found++] = place;
        for (int64_t i = t->ndim - 1; i >= 0; i--) {
            place += stride[i];
            if (++at[i] < t->window[i])
                break;
            place -= stride[i] * at[i];
            at[i] = 0;
        }
    }
}

/* Fills in the task; the caller frees task->offset.  Returns -1 without memory. */
static int describe(struct task *t, const struct band *band) {
    const struct rank *rank = band->parameters;
    int64_t volume = 1;
    memset(t, 0, sizeof *t);
    t->ndim = band->ndim;
    t->rank = rank->rank;
    t->footprint = rank->footprint;
    t->in_samples = t->out_samples = 1;
    for (int64_t i = t->ndim - 1; i >= 0; i--) {
        t->shape[i] = band->shape[i];
        t->window[i] = band->window[i];
        t->extent[i] = band->padded[i];
        t->stride[i] = t->in_samples;
        t->out_stride[i] = t->out_samples;
        t->in_samples *= t->extent[i];
        t->out_samples *= t->shape[i];
        volume *= t->window[i];
    }
    for (int64_t k = 0; k < volume; k++)
        t->count += t->footprint[k] != 0;
    t->full = t->count == volume;
    t->offset = malloc((size_t)t->count * sizeof *t->offset);
    if (!t->offset)
        return -1;
    list_offsets(t, t->stride, t->offset);
    return 0;
}

/* Steps `at` to the next output in C order over the axes whose bit in
   `still` is clear, keeping its place in the input and in the output.  Returns
   0 at the end. */
static int step_on(const struct task *t, unsigned still, int64_t *at,
                   int64_t *in_place, int64_t *out_place) {
    for (int64_t i = t->ndim - 1; i >= 0; i--) {
        if (still >> i & 1)
            continue;
        *in_place += t->stride[i];
        *out_place += t->out_stride[i];
        if (++at[i] < t->shape[i])
            return 1;
        *in_place -= t->stride[i] * at[i];
        *out_place -= t->out_stride[i] * at[i];
        at[i] = 0;
    }
    return 0;
}

/* ---- flat stretches ---- */

/* Networks run over the input as one flat line, computing the
   few positions between rows in vain.  A layout has a task's axes with every
   axis of window 1 joined to the axis before it, so that rows are long. */
static void join_axes(const struct task *t, struct task *layout) {
    int64_t n = 0;
    *layout = *t;
    for (int64_t i = 0; i < t->ndim; i++) {
        if (n && t->window[i] == 1) {
            layout->shape[n - 1] *= t->shape[i];
            layout->extent[n - 1] *= t->extent[i];
        } else {
            layout->shape[n] = t->shape[i];
            layout->extent[n] = t->extent[i];
            n++;
        }
        layout->stride[n - 1] = t->stride[i];
        layout->out_stride[n - 1] = t->out_stride[i];
    }
    layout->ndim = n;
}

/* The place in the output, relative to axis `first`, of the row of the flat
   input with number `row`; -1 where that row holds no output. */
static int64_t row_place(const struct task *layout, int64_t first, int64_t row) {
    int64_t place = 0, width = layout->shape[layout->ndim - 1];
    for (int64_t i = layout->ndim - 2; i >= first; i--) {
        int64_t at = row % layout->extent[i];
        row /= layout->extent[i];
        if (at >= layout->shape[i])
            return -1;
        place += at * width;
        width *= layout->shape[i];
    }
    return place;
}

/* Copies results for `count` flat positions from `start` to where they belong
   in the output; `size` is the bytes of a sample. */
static void place_results(const struct task *layout, int64_t first, int64_t start,
                          int64_t count, const char *result, char *out, int64_t size) {
    int64_t extent = layout->extent[layout->ndim - 1];
    int64_t width = layout->shape[layout->ndim - 1];
    int64_t row = start / extent, column = start % extent;
    while (count > 0) {
        int64_t run = least(count, extent - column);
        int64_t place = column < width ? row_place(layout, first, row) : -1;
        if (place >= 0)
            memcpy(out + (place + column) * size, result,
                   (size_t)(least(run, width - column) * size));
        result += run * size;
        count -= run;
        column = 0;
        row++;
    }
}

/* ---- selection networks ---- */

/* A step leaves the smaller sample on wire `low` and the larger on `high`, or
   only one of them: bit 0 of `keep` keeps the low one, bit 1 the high one. */
struct step {
    uint16_t low, high, keep;
};

struct network {
    int64_t steps, wires, result;
    struct step *step; /* MOST_STEPS of them; more are counted, not kept */
};

static void add_step(struct network *net, uint16_t low, uint16_t high) {
    if (net->steps < MOST_STEPS)
        net->step[net->steps] = (struct step){low, high, 3};
    net->steps++;
}

/* Batcher's odd-even merge of two sorted lists of any lengths (Knuth, The Art
   of Computer Programming, volume 3, section 5.3.4): merges the samples of even
   and of odd place apart, then compares neighbours. */
static void merge_lists(struct network *net, const uint16_t *a, int64_t n,
                        const uint16_t *b, int64_t m, uint16_t *out) {
    uint16_t part[4][MOST_WIRES / 2 + 1], merged[2][MOST_WIRES + 1];
    int64_t i, evens = (n + 1) / 2 + (m + 1) / 2, odds = n / 2 + m / 2;
    if (n == 0 || m == 0) {
        memcpy(out, n ? a : b, (size_t)(n + m) * sizeof *out);
        return;
    }
    if (n == 1 && m == 1) {
        add_step(net, *a, *b);
        out[0] = *a;
        out[1] = *b;
        return;
    }
    for (i = 0; i < n; i++)
        part[i & 1][i / 2] = a[i];
    for (i = 0; i < m; i++)
        part[2 + (i & 1)][i / 2] = b[i];
    merge_lists(net, part[0], (n + 1) / 2, part[2], (m + 1) / 2, merged[0]);
    merge_lists(net, part[1], n / 2, part[3], m / 2, merged[1]);
    *out++ = merged[0][0];
    for (i = 0; i < odds; i++) {
        if (i + 1 < evens)
            add_step(net, merged[1][i], merged[0][i + 1]);
        *out++ = merged[1][i];
        if (i + 1 < evens)
            *out++ = merged[0][i + 1];
    }
    if (odds + 1 < evens)
        *out = merged[0][odds + 1];
}

/* Sorts `lists` lists of `length` wires each, every one sorted already. */
static void sort_lists(struct network *net, uint16_t *wire, int64_t lists, int64_t length) {
    uint16_t sorted[MOST_WIRES];
    int64_t half = lists / 2;
    if (lists < 2)
        return;
    sort_lists(net, wire, half, length);
    sort_lists(net, wire + half * length, lists - half, length);
    merge_lists(net, wire, half * length, wire + half * length,
                (lists - half) * length, sorted);
    memcpy(wire, sorted, (size_t)(lists * length) * sizeof *wire);
}

/* Drops what the wanted wire does not depend on, from the last step back. */
static void prune(struct network *net) {
    uint8_t live[MOST_WIRES] = {0};
    int64_t kept = net->steps;
    live[net->result] = 1;
    for (int64_t i = net->steps - 1; i >= 0; i--) {
        struct step s = net->step[i];
        s.keep = (uint16_t)(live[s.low] | live[s.high] << 1);
        if (s.keep) {
            live[s.low] = live[s.high] = 1;
            net->step[--kept] = s;
        }
    }
    net->steps -= kept;
    memmove(net->step, net->step + kept, (size_t)net->steps * sizeof *net->step);
}

/* Builds the network that finds the sample of rank `rank` among lists of
   sorted wires, or (rank < 0) the one that sorts them all.  Returns -1 where it
   would be too long. */
static int build_network(struct network *net, int64_t lists, int64_t length, int64_t rank) {
    uint16_t wire[MOST_WIRES];
    net->steps = 0;
    net->wires = lists * length;
    for (int64_t i = 0; i < net->wires; i++)
        wire[i] = (uint16_t)i;
    sort_lists(net, wire, lists, length);
    if (net->steps > MOST_STEPS)
        return -1;
    net->result = rank < 0 ? 0 : wire[rank];
    if (rank >= 0)
        prune(net);
    return 0;
}

/* The two networks of a task.  Neighbours along the last axis of the window
   share their columns, so with a full window `columns` sorts each column once
   (its wires in order then lie in `sorted`), and `select` merges them. */
struct selection {
    struct network columns, select;
    int64_t lists, length, step_x;
    uint16_t sorted[MOST_WIRES];
};

static void free_selection(struct selection *s) {
    free(s->columns.step);
    free(s->select.step);
}

/* Returns -1 without memory, 1 where the networks would be too long. */
static int build_selection(const struct task *t, struct selection *s) {
    int64_t x = t->ndim - 1;
    while (x > 0 && t->window[x] == 1)
        x--;
    memset(s, 0, sizeof *s);
    s->lists = t->full ? t->window[x] : t->count;
    if ((s->lists - 1) * t->stride[x] > MOST_LAP)
        s->lists = t->count;
    s->length = t->count / s->lists;
    s->step_x = t->stride[x];
    s->columns.step = malloc(MOST_STEPS * sizeof *s->columns.step);
    s->select.step = malloc(MOST_STEPS * sizeof *s->select.step);
    if (!s->columns.step || !s->select.step)
        return -1;
    for (int64_t i = 0; i < s->length; i++)
        s->sorted[i] = (uint16_t)i;
    s->columns.wires = s->length;
    sort_lists(&s->columns, s->sorted, s->length, 1);
    if (s->columns.steps > MOST_STEPS)
        return 1;
    return build_network(&s->select, s->lists, s->length, t->rank) ? 1 : 0;
}

/* The last axis but `but` with a window larger than 1, or -1. */
static int64_t last_wide_axis(const struct task *t, int64_t but) {
    int64_t i = t->ndim - 1;
    while (i >= 0 && (i >= but || t->window[i] == 1))
        i--;
    return i;
}

/* ---- the median of three by three and of five by five ---- */

/* Steps X of networks: sorting three, four and five; of six, only the four in the middle; merging
   sorted four and four; and leaving in order the six in the middle of sorted eight, eight and four. */
#define SORT_3(X) X(0, 1) X(1, 2) X(0, 1)
#define SORT_4(X) X(0, 1) X(2, 3) X(0, 2) X(1, 3) X(1, 2)
#define SORT_5(X) X(0, 3) X(1, 4) X(0, 2) X(1, 3) X(0, 1) X(2, 4) X(1, 2) X(3, 4) X(2, 3)
#define SORT_6(X)                                                                                 \
    X(0, 1) X(2, 3) X(4, 5) X(0, 2) X(1, 3) X(1, 2) X(0, 4) X(2, 4) X(1, 5) X(3, 5) X(1, 2) X(3, 4)
#define MERGE_4_4(X) X(0, 4) X(1, 5) X(2, 6) X(3, 7) X(2, 4) X(3, 5) X(1, 2) X(3, 4) X(5, 6)
#define MERGE_8_8_4(X)                                                                            \
    X(0, 8) X(4, 12) X(4, 8) X(2, 10) X(6, 14) X(6, 10) X(2, 4) X(6, 8) X(10, 12) X(1, 9)         \
    X(5, 13) X(5, 9) X(3, 11) X(7, 15) X(7, 11) X(3, 5) X(7, 9) X(11, 13) X(3, 4) X(5, 6)         \
    X(7, 8) X(9, 10) X(11, 12)                                                                    \
    X(3, 16) X(11, 16) X(7, 11) X(5, 18) X(9, 18) X(5, 7) X(9, 11) X(18, 16) X(4, 17) X(12, 17)   \
    X(8, 12) X(6, 19) X(10, 19) X(6, 8) X(10, 12) X(6, 7) X(8, 9) X(10, 11) X(12, 18)

/* Whether the window is one of those, its rows are no shorter than a vector, and its columns lie near
   enough to each other. */
static int takes_pairs(const struct task *t, int64_t size) {
    int64_t x = last_wide_axis(t, t->ndim), y = last_wide_axis(t, x);
    return t->full && y >= 0 && t->window[x] == t->window[y] &&
           (t->window[x] == 3 || t->window[x] == 5) && t->count == t->window[x] * t->window[x] &&
           t->rank == t->count / 2 && t->shape[y] > 1 && t->shape[x] * t->stride[x] * size >= 64 &&
           4 * t->stride[x] * size <= PAIR_ROW - PAIR_SPAN - 64;
}

/* ---- column histograms ---- */

typedef uint16_t bins __attribute__((vector_size(32)));

/* The histograms of a stripe of columns, each of 16 coarse bins and of 256 fine
   ones; the fine bins of one coarse bin lie side by side for all columns.  Bin
   k holds how many samples lie below it, so sums of histograms are looked
   through by one comparison. */
struct stripe {
    int64_t columns;
    bins *coarse, *fine;
    uint8_t *bin;   /* of a row's outputs: the coarse bin, */
    uint16_t *left; /* and the rank within it */
};

/* What a sample of bin k adds to a histogram. */
#define ABOVE(k)                                                                                  \
    {k < 0, k < 1, k < 2, k < 3, k < 4, k < 5, k < 6, k < 7, k < 8, k < 9, k < 10, k < 11,        \
     k < 12, k < 13, k < 14, k < 15}
static const bins above[16] = {ABOVE(0),  ABOVE(1),  ABOVE(2),  ABOVE(3), ABOVE(4),  ABOVE(5),
                               ABOVE(6),  ABOVE(7),  ABOVE(8),  ABOVE(9), ABOVE(10), ABOVE(11),
                               ABOVE(12), ABOVE(13), ABOVE(14), ABOVE(15)};

/* Adds the samples of one row to the columns, and takes out those of another unless it is NULL.
   Not inlined, for gcc 12 then makes it half as fast. */
static __attribute__((noinline)) void count_row(const struct stripe *s, const uint8_t *enter,
                                                const uint8_t *leave, int64_t step,
                                                const int64_t *deep, int64_t depth,
                                                uint8_t flip) {
    bins *restrict coarse = s->coarse, *restrict fine = s->fine;
    int64_t columns = s->columns;
    for (int64_t d = 0; d < depth; d++)
        for (int64_t c = 0; c < columns; c++) {
            uint8_t new = enter[deep[d] + c * step] ^ flip;
            bins change = above[new >> 4];
            fine[(new >> 4) * columns + c] += above[new & 15];
            if (leave) {
                uint8_t old = leave[deep[d] + c * step] ^ flip;
                change -= above[old >> 4];
                fine[(old >> 4) * columns + c] -= above[old & 15];
            }
            coarse[c] += change;
        }
}

/* The bin that holds the sample of rank `rank`; tells the rank within it. */
INLINE int64_t find_bin(const bins *histogram, uint16_t rank, uint16_t *left) {
    typedef uint16_t half __attribute__((vector_size(16), may_alias));
    typedef uint64_t words __attribute__((vector_size(16)));
    const half *h = (const half *)histogram;
    words found = (words)(((half)(h[0] <= rank) & 0x0001) | ((half)(h[1] <= rank) & 0x0100));
    int64_t bin = (int64_t)((found[0] + found[1]) * 0x0101010101010101 >> 56) - 1;
    *left = (uint16_t)(rank - ((const uint16_t *)histogram)[bin]);
    return bin;
}

/* One row of outputs by Perreault and Hebert's method (Median Filtering in
   Constant Time, IEEE Transactions on Image Processing 16, 2007): the window's
   coarse histogram moves by adding a column and taking one out; fine bins are
   brought up to date only where they are looked at.  All coarse bins are found
   first, so that no branch waits for one. */
static void filter_row(const struct stripe *s, uint8_t *restrict out, int64_t out_step,
                       int64_t outputs, int64_t width, uint16_t rank, uint8_t flip) {
    const bins *restrict coarse = s->coarse;
    uint8_t *restrict bin = s->bin;
    uint16_t *restrict left = s->left;
    bins sum = {0}, fine[16] = {{0}};
    int64_t fresh[16];
    for (int64_t c = 0; c < width - 1; c++)
        sum += coarse[c];
    for (int64_t x = 0; x < outputs; x++) {
        sum += coarse[x + width - 1];
        bin[x] = (uint8_t)find_bin(&sum, rank, &left[x]);
        sum -= coarse[x];
    }
    for (int64_t k = 0; k < 16; k++)
        fresh[k] = -width;
    for (int64_t x = 0; x < outputs;) {
        int64_t k = bin[x];
        const bins *restrict column = s->fine + k * s->columns;
        sum = fine[k];
        if (x - fresh[k] > width / 2) {
            sum = (bins){0};
            for (int64_t c = x; c < x + width; c++)
                sum += column[c];
        } else {
            for (int64_t c = fresh[k]; c < x; c++)
                sum += column[c + width] - column[c];
        }
        for (;;) {
            uint16_t rest;
            out[x * out_step] = (uint8_t)(k * 16 + find_bin(&sum, left[x], &rest)) ^ flip;
            fresh[k] = x++;
            if (x == outputs || bin[x] != k)
                break;
            sum += column[x - 1 + width] - column[x - 1];
        }
        fine[k] = sum;
    }
}

/* A stripe of outputs, from the first row to the last along axis y; fewer once cancelled. */
static void filter_stripe(const struct task *t, struct stripe *s, const uint8_t *in,
                          uint8_t *out, int64_t y, int64_t x, int64_t outputs,
                          const int64_t *deep, int64_t depth, uint8_t flip) {
    memset(s->coarse, 0, (size_t)s->columns * sizeof *s->coarse);
    memset(s->fine, 0, (size_t)s->columns * 16 * sizeof *s->fine);
    for (int64_t row = 0; row < t->extent[y] && !is_cancelled(); row++) {
        int64_t first = row - t->window[y] + 1;
        const uint8_t *enter = in + row * t->stride[y];
        const uint8_t *leave = first > 0 ? in + (first - 1) * t->stride[y] : NULL;
        count_row(s, enter, leave, t->stride[x], deep, depth, flip);
        if (first >= 0)
            filter_row(s, out + first * t->out_stride[y], t->out_stride[x], outputs,
                       t->window[x], (uint16_t)t->rank, flip);
    }
}

/* A full window of 8-bit samples; `flip` is what makes their order unsigned.
   The rows of a stripe lie along the last wide axis x and follow each other
   along the wide axis y before it; `deep` lists the window's offsets along all
   other axes. */
static int filter_columns(const struct task *t, const uint8_t *in, uint8_t *out,
                          uint8_t flip) {
    int64_t x = last_wide_axis(t, t->ndim), y = last_wide_axis(t, x);
    int64_t depth = t->count / (t->window[x] * t->window[y]);
    int64_t at[RANK_AXES] = {0}, in_place = 0, out_place = 0, found = 0;
    int64_t stripes = (t->shape[x] + STRIPE_COLUMNS - 1) / STRIPE_COLUMNS;
    int64_t wide = (t->shape[x] + stripes - 1) / stripes;
    int64_t widest = wide + t->window[x] - 1;
    unsigned still = 0;
    struct task other = *t;
    int64_t *deep = malloc((size_t)depth * sizeof *deep);
    bins *memory = NULL, *aligned;
    uint8_t bin[STRIPE_COLUMNS];
    uint16_t left[STRIPE_COLUMNS];
    memory = malloc((size_t)(widest * 17 + 2) * sizeof *memory);
    if (!deep || !memory) {
        free(deep);
        free(memory);
        return -1;
    }
    aligned = memory + 1;
    aligned = (bins *)((char *)aligned - (uintptr_t)aligned % sizeof *aligned);
    still = 1u << x | 1u << y;
    for (int64_t i = 0; i < t->ndim; i++)
        other.shape[i] = t->window[i];
    do
        deep[found++] = in_place;
    while (step_on(&other, still, at, &in_place, &out_place));
    out_place = 0;
    do {
        for (int64_t start = 0; start < t->shape[x] && !is_cancelled(); start += wide) {
            int64_t outputs = least(wide, t->shape[x] - start);
            int64_t columns = outputs + t->window[x] - 1;
            struct stripe s = {columns, aligned, aligned + columns, bin, left};
            filter_stripe(t, &s, in + in_place + start * t->stride[x],
                          out + out_place + start * t->out_stride[x], y, x, outputs,
                          deep, depth, flip);
        }
    } while (!is_cancelled() && step_on(t, still, at, &in_place, &out_place));
    free(deep);
    free(memory);
    return 0;
}

/* About how many nanoseconds an output costs with column histograms. */
static double columns_cost(const struct task *t) {
    int64_t x = last_wide_axis(t, t->ndim), y = last_wide_axis(t, x);
    double depth = (double)(t->count / (t->window[x] * t->window[y]));
    double columns = (double)t->extent[x] / (double)t->shape[x];
    double rows = (double)t->extent[y] / (double)t->shape[y];
    return COUNT_COST * (3 + columns * rows * depth);
}

/* ---- sweep ---- */

/* A tile of the input, whose samples are ranked, and the window's offsets in
   it: all of them, those that enter when the window moves on by one along the
   axis, and those that leave. */
struct sweep {
    int64_t axis, runs, samples;
    double cost;
    int64_t tile[RANK_AXES], stride[RANK_AXES];
    int64_t *all, *enter, *leave;
};

/* Lists the ends of the window's runs along the axis: its samples that have no
   window sample after them (enter) or before them (leave).  Returns how many
   runs there are; lists nothing where the lists are NULL. */
static int64_t list_runs(const struct task *t, int64_t axis, const int64_t *stride,
                         int64_t *enter, int64_t *leave) {
    int64_t inner = 1, volume = 1, entering = 0, leaving = 0;
    for (int64_t i = 0; i < t->ndim; i++) {
        volume *= t->window[i];
        inner *= i > axis ? t->window[i] : 1;
    }
    for (int64_t k = 0; k < volume; k++) {
        int64_t at = k / inner % t->window[axis], place = 0, rest = k;
        if (!t->footprint[k])
            continue;
        int first = at == 0 || !t->footprint[k - inner];
        int last = at == t->window[axis] - 1 || !t->footprint[k + inner];
        for (int64_t i = t->ndim - 1; enter && (first || last) && i >= 0; i--) {
            place += rest % t->window[i] * stride[i];
            rest /= t->window[i];
        }
        if (enter && last)
            enter[entering] = place;
        if (leave && first)
            leave[leaving] = place;
        entering += last;
        leaving += first;
    }
    return leaving;
}

/* About how many nanoseconds an output costs with the given tile. */
static double tile_cost(const struct task *t, const struct sweep *s, const int64_t *tile,
                        int64_t size, int64_t *samples) {
    double outputs = 1;
    *samples = 1;
    for (int64_t i = 0; i < t->ndim; i++) {
        outputs *= (double)tile[i];
        *samples *= tile[i] + t->window[i] - 1;
    }
    return 35 + 3.4 * (double)s->runs +
           (2 + 2 * (double)size) * (double)*samples / outputs +
           ((double)*samples / 500 + 1.7 * (double)t->count) / (double)tile[s->axis];
}

/* Chooses the axis to sweep along, the one with the fewest runs, and the tile,
   by doubling the side that saves most while the tile fits. */
static void plan_sweep(const struct task *t, struct sweep *s, int64_t size) {
    int64_t limit = SWEEP_SAMPLES, samples = 1;
    s->runs = INT64_MAX;
    for (int64_t i = t->ndim - 1; i >= 0; i--) {
        int64_t runs = list_runs(t, i, NULL, NULL, NULL);
        if (runs + t->count / t->shape[i] < s->runs) {
            s->runs = runs + t->count / t->shape[i];
            s->axis = i;
        }
        s->tile[i] = 1;
        samples *= t->window[i];
    }
    s->runs = list_runs(t, s->axis, NULL, NULL, NULL);
    limit = limit < 4 * samples ? 4 * samples : limit;
    double best = tile_cost(t, s, s->tile, size, &s->samples);
    for (int64_t grown = 0; grown >= 0;) {
        grown = -1;
        for (int64_t i = 0; i < t->ndim; i++) {
            int64_t old = s->tile[i], need;
            s->tile[i] = least(2 * old, t->shape[i]);
            double cost = tile_cost(t, s, s->tile, size, &need);
            s->tile[i] = old;
            if (need <= limit && cost < best) {
                best = cost;
                grown = i;
            }
        }
        if (grown >= 0)
            s->tile[grown] = least(2 * s->tile[grown], t->shape[grown]);
    }
    s->cost = best;
    s->samples = 1;
    for (int64_t i = t->ndim - 1; i >= 0; i--) {
        s->stride[i] = s->samples;
        s->samples *= s->tile[i] + t->window[i] - 1;
    }
}

static int list_sweep(const struct task *t, struct sweep *s) {
    s->all = malloc((size_t)(t->count + 2 * s->runs) * sizeof *s->all);
    if (!s->all)
        return -1;
    s->enter = s->all + t->count;
    s->leave = s->enter + s->runs;
    list_offsets(t, s->stride, s->all);
    list_runs(t, s->axis, s->stride, s->enter, s->leave);
    return 0;
}

/* The samples in the window as a set of their ranks, one bit each.  `below`
   counts those in the words before `word`. */
struct set {
    uint64_t *bits;
    int64_t word, below;
};

INLINE void toggle(struct set *set, uint32_t ordinal, int64_t change) {
    int64_t word = ordinal >> 6;
    set->bits[word] ^= (uint64_t)1 << (ordinal & 63);
    set->below += word < set->word ? change : 0;
}

/* The member of rank `rank`, looked for from where the last one was found. */
INLINE uint32_t find_member(struct set *set, int64_t rank) {
    int64_t word = set->word, below = set->below, here;
    while (below > rank)
        below -= __builtin_popcountll(set->bits[--word]);
    while (below + (here = __builtin_popcountll(set->bits[word])) <= rank) {
        below += here;
        word++;
    }
    uint64_t bits = set->bits[word];
    for (int64_t skip = rank - below; skip > 0; skip--)
        bits &= bits - 1;
    set->word = word;
    set->below = below;
    return (uint32_t)(word << 6 | __builtin_ctzll(bits));
}

/* One line of outputs, after Suomela's Median Filtering is Equivalent to
   Sorting (arXiv:1406.1717) and its program: the window is a set of ranks in
   which a pointer follows the wanted one.  Leaves the ranks in `found`. */
static void sweep_line(const struct task *t, const struct sweep *s,
                       const uint32_t *ordinal, int64_t outputs, struct set *set,
                       uint32_t *found) {
    int64_t step = s->stride[s->axis];
    for (int64_t k = 0; k < t->count; k++)
        toggle(set, ordinal[s->all[k]], 1);
    found[0] = find_member(set, t->rank);
    for (int64_t x = 1; x < outputs; x++) {
        const uint32_t *new = ordinal + x * step, *old = new - step;
        for (int64_t k = 0; k < s->runs; k++) {
            toggle(set, old[s->leave[k]], -1);
            toggle(set, new[s->enter[k]], 1);
        }
        found[x] = find_member(set, t->rank);
    }
}

/* ---- SciPy's own selection ---- */

/* NI_Select of scipy/ndimage/src/ni_filters.c with its recursion made a loop:
   which of several equal zeros it finds, and what it makes of a NaN, follows
   from its order of comparisons.  That file is

   Copyright (C) 2003-2005 Peter J. Verveer

   Redistribution and use in source and binary forms, with or without
   modification, are permitted provided that the following conditions are met:

   1. Redistributions of source code must retain the above copyright notice,
      this list of conditions and the following disclaimer.
   2. Redistributions in binary form must reproduce the above copyright notice,
      this list of conditions and the following disclaimer in the documentation
      and/or other materials provided with the distribution.
   3. The name of the author may not be used to endorse or promote products
      derived from this software without specific prior written permission.

   THIS SOFTWARE IS PROVIDED BY THE AUTHOR ``AS IS'' AND ANY EXPRESS OR IMPLIED
   WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF
   MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE DISCLAIMED. IN NO
   EVENT SHALL THE AUTHOR BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL,
   SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT LIMITED TO,
   PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE, DATA, OR PROFITS;
   OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY THEORY OF LIABILITY,
   WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING NEGLIGENCE OR
   OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF THIS SOFTWARE, EVEN IF
   ADVISED OF THE POSSIBILITY OF SUCH DAMAGE. */
static double scipy_select(double *buffer, int64_t min, int64_t max, int64_t rank) {
    while (min != max) {
        double x = buffer[min];
        int64_t i = min - 1, j = max + 1;
        for (;;) {
            do
                j--;
            while (buffer[j] > x);
            do
                i++;
            while (buffer[i] < x);
            if (i >= j)
                break;
            double swap = buffer[i];
            buffer[i] = buffer[j];
            buffer[j] = swap;
        }
        i = j - min + 1;
        if (rank < i) {
            max = j;
        } else {
            min = j + 1;
            rank -= i;
        }
    }
    return buffer[min];
}

#define T int8_t
#define U uint8_t
#define SUFFIX int8
#define EIGHT_BITS
#define KEY_FLIP 0x80
#include "rank.inc"
#define T uint8_t
#define U uint8_t
#define SUFFIX uint8
#define EIGHT_BITS
#define KEY_FLIP 0
#include "rank.inc"
#define T int16_t
#define U uint16_t
#define SUFFIX int16
#define KEY_FLIP 0x8000
#include "rank.inc"
#define T uint16_t
#define U uint16_t
#define SUFFIX uint16
#define KEY_FLIP 0
#include "rank.inc"
#define T int32_t
#define U uint32_t
#define SUFFIX int32
#define KEY_FLIP 0x80000000u
#include "rank.inc"
#define T uint32_t
#define U uint32_t
#define SUFFIX uint32
#define KEY_FLIP 0
#include "rank.inc"
#define T float
#define U uint32_t
#define SUFFIX float32
#define KEY_FLIP 0x80000000u
#define FLOATING
#include "rank.inc"
#define T double
#define U uint64_t
#define SUFFIX float64
#define KEY_FLIP 0x8000000000000000u
#define FLOATING
#include "rank.inc"
