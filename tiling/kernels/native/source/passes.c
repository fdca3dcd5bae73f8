/* One-dimensional correlations over a block: micro-tiles, passes, columns.

   A group of passes runs micro-tile by micro-tile: each one goes through all passes of the group
   while its intermediate (in the output dtype, as SciPy keeps it) is in cache. Only the axis of the
   first pass and axes that the group does not filter are cut, so no pass computes a halo; the first
   one merely gathers it again.

   One pass over one micro-tile takes the filter axis and one other axis, the columns, as a matrix in
   float64 scratch, one row for each sample along the filter axis:

           before | g g g g g g g g | after       rows outside the array come from the edge mode
                  |<- outputs ---->|              columns: a chunk of the axis with the least stride

   Rows are dense, so a run of outputs over several rows is one run of `correlate` with the row
   length as tap distance. A filter axis that is itself contiguous needs no columns: the matrix is
   one line, unless it is short; then the next axis becomes the columns, which transposes it. */
#include "samples.h"
#include "scratch.h"
#include "sums.h"
#include "watch.h"

#define BATCH 512       /* outputs between correlate and scatter: they stay in the first-level cache */
#define WINDOW 4096     /* samples under all taps of a run of columns: likewise */
#define LINE 2048       /* samples of a run of lines */
#define SHORT 48        /* a contiguous filter axis below this is transposed */
#define NARROW 64       /* bounds of a chunk of columns */
#define WIDE 512
#define BUFFER (2 * LINE + PADDING)

/* When samples are checked for unlike NaNs. */
enum strict { NEVER, IF_SEEN, ALWAYS };

/* One pass; Python makes the rows of a table so. */
struct pass {
    int64_t axis, length, before, size, kind, mode;
    const double *taps;
};

/* One pass over one micro-tile. */
struct walk {
    const struct pass *pass;
    double fill;
    gather_function *gather;
    scatter_function *scatter;
    int64_t strict;
    int64_t *nan_seen;
    double *scratch, *buffer;
    int64_t room; /* samples of scratch */
};

/* A filter axis and the columns beside it, in bytes. */
struct matrix {
    int64_t stride, step, out_stride, out_step;
};

/* Gather `rows` samples of the filter axis from coordinate `start`, the edge mode supplying some:
   each a row of `width` samples of scratch, or, `transposed`, a column. */
static void fill(const struct walk *walk, const char *source, const struct matrix *m, int64_t width,
                 int64_t pitch, int64_t start, int64_t rows, int transposed) {
    int64_t length = walk->pass->length, along = transposed ? 1 : pitch;
    int64_t across = transposed ? pitch : 1;
    int64_t first = least(most(start, 0), length), last = most(least(start + rows, length), 0);
    double *place = walk->scratch + (first - start) * along;
    if (first < last && transposed)
        walk->gather(source + first * m->stride, m->step, m->stride, width, last - first, place,
                     pitch);
    else if (first < last)
        walk->gather(source + first * m->stride, m->stride, m->step, last - first, width, place,
                     pitch);
    for (int64_t row = 0; row < rows; row++) {
        if (first <= start + row && start + row < last) {
            row = last - start - 1;
            continue;
        }
        int64_t origin = fold(start + row, length, walk->pass->mode);
        double *to = walk->scratch + row * along;
        if (origin < 0 || (first <= origin && origin < last)) {
            for (int64_t column = 0; column < width; column++)
                to[column * across] =
                    origin < 0 ? walk->fill
                               : walk->scratch[(origin - start) * along + column * across];
        } else if (transposed) {
            walk->gather(source + origin * m->stride, m->step, 0, width, 1, to, pitch);
        } else {
            walk->gather(source + origin * m->stride, 0, m->step, 1, width, to, pitch);
        }
    }
}

static int checked(const struct walk *walk) {
    return walk->strict == ALWAYS || (walk->strict == IF_SEEN && *walk->nan_seen);
}

/* Tell whether the scratch holds NaNs that could become each other; note that there are some. */
static int ambiguous(const struct walk *walk, int64_t count) {
    enum nans nans = classify(walk->scratch, count);
    *walk->nan_seen |= nans == SEEN;
    return nans == AMBIGUOUS;
}

/* Set what lies between rows to zero: sums over it are not read, but no NaN must come from it. */
static void clear(double *scratch, int64_t rows, int64_t width, int64_t pitch) {
    for (int64_t row = 0; pitch != width && row < rows; row++)
        memset(scratch + row * pitch + width, 0, (size_t)(pitch - width) * sizeof(double));
}

/* Add up `count` outputs, some at a time; tell whether nobody cancelled. */
static int add_up(const struct pass *pass, const double *source, double *target, int64_t count,
                  int64_t distance) {
    int64_t part = unwatched(pass->size), from = 0;
    for (; from < count && !is_cancelled(); from += part)
        correlate(source + from, target + from, least(part, count - from), distance, pass->taps,
                  pass->size, pass->kind);
    return from >= count;
}

/* Compute `rows` outputs of `width` columns; 0 if NaNs with different bits could meet. */
static int run_rows(const struct walk *walk, const char *source, char *target,
                    const struct matrix *m, int64_t width, int64_t start, int64_t rows) {
    const struct pass *pass = walk->pass;
    int64_t reach = rows + pass->size - 1;
    int64_t pitch = width < 32 ? width : (width + 7) / 8 * 8;
    clear(walk->scratch, reach, width, pitch);
    fill(walk, source, m, width, pitch, start - pass->before, reach, 0);
    if (checked(walk) && ambiguous(walk, reach * pitch))
        return 0;
    int64_t batch = most(1, BATCH / pitch);
    for (int64_t row = 0; row < rows; row += batch) {
        int64_t count = least(batch, rows - row);
        if (!add_up(pass, walk->scratch + row * pitch, walk->buffer, count * pitch, pitch))
            return CANCELLED;
        walk->scatter(target + row * m->out_stride, m->out_stride, m->out_step, count, width,
                      walk->buffer, pitch);
    }
    return 1;
}

/* Compute `rows` outputs of each of `width` lines in one run; else as `run_rows`. The outputs
   between two lines mix both; they are not read. */
static int run_lines(const struct walk *walk, const char *source, char *target,
                     const struct matrix *m, int64_t width, int64_t start, int64_t rows) {
    const struct pass *pass = walk->pass;
    int64_t reach = rows + pass->size - 1, pitch = (reach + 7) / 8 * 8;
    clear(walk->scratch, width, reach, pitch);
    fill(walk, source, m, width, pitch, start - pass->before, reach, 1);
    if (checked(walk) && ambiguous(walk, width * pitch))
        return 0;
    if (!add_up(pass, walk->scratch, walk->buffer, (width - 1) * pitch + rows, 1))
        return CANCELLED;
    walk->scatter(target, m->out_step, m->out_stride, width, rows, walk->buffer, pitch);
    return 1;
}

static int64_t magnitude(int64_t x) { return x < 0 ? -x : x; }

/* Choose the axis of the columns: the least stride, but no run of a few samples. */
static int64_t choose(const int64_t *extent, const int64_t *stride, int64_t ndim, int64_t axis) {
    int64_t best = axis ? 0 : ndim - 1;
    for (int64_t other = 0; other < ndim; other++) {
        if (other == axis || extent[other] == 1)
            continue;
        if (extent[best] == 1 || best == axis || magnitude(stride[other]) < magnitude(stride[best]))
            best = other;
    }
    if (extent[best] * extent[axis] < SHORT)
        for (int64_t other = 0; other < ndim; other++)
            if (other != axis && extent[other] > extent[best])
                best = other;
    return best;
}

/* Make the axes that continue the columns in both arrays part of them. */
static void merge(int64_t *extent, const int64_t *stride, const int64_t *out_stride, int64_t ndim,
                  int64_t axis, int64_t columns) {
    for (int64_t other = ndim - 1; other >= 0; other--) {
        if (other == axis || other == columns || extent[other] == 1)
            continue;
        int64_t count = extent[columns];
        if (stride[other] == count * stride[columns] &&
            out_stride[other] == count * out_stride[columns]) {
            extent[columns] *= extent[other];
            extent[other] = 1;
        }
    }
}

/* Cut `count` into equal parts of at most about `limit`, in whole vectors. */
static int64_t even(int64_t count, int64_t limit) {
    int64_t parts = (count + limit - 1) / limit;
    return parts == 1 ? count : ((count + parts - 1) / parts + 7) / 8 * 8;
}

/* Apply one pass; `source` and `target` are at the first output on all but the filter axis. On the
   filter axis, `source` is at coordinate 0 and `start` is that of the first output. */
static int run_pass(const struct walk *walk, const char *source, const int64_t *stride, char *target,
                    const int64_t *out_stride, const int64_t *extent, int64_t ndim, int64_t start) {
    int64_t axis = walk->pass->axis, reach = walk->pass->size - 1, rows = extent[axis];
    int64_t counts[MOST_AXES], pace[MOST_AXES], index[MOST_AXES];
    for (int64_t i = 0; i < ndim; i++)
        counts[i] = extent[i], pace[i] = 1, index[i] = 0;
    int64_t columns = choose(extent, stride, ndim, axis); /* `axis` itself in one dimension */
    struct matrix m = {stride[axis], stride[columns], out_stride[axis], out_stride[columns]};
    int in_lines = columns == axis || (magnitude(m.stride) < magnitude(m.step) && rows >= SHORT);
    int64_t wide = 1;
    if (columns != axis)
        merge(counts, stride, out_stride, ndim, axis, columns);
    if (in_lines) {
        pace[axis] = even(rows, LINE);
        wide = most(1, LINE / (pace[axis] + reach + 7));
    } else {
        wide = even(counts[columns],
                    least(WIDE, most(NARROW, WINDOW / walk->pass->size / 32 * 32)));
        pace[axis] = least(rows, most(1, (walk->room - PADDING) / (wide + 7) - reach));
    }
    if (columns != axis)
        pace[columns] = wide;
    do {
        const char *here = source;
        char *there = target;
        for (int64_t i = 0; i < ndim; i++) {
            here += i == axis ? 0 : index[i] * stride[i];
            there += index[i] * out_stride[i];
        }
        int64_t width = columns == axis ? 1 : least(wide, counts[columns] - index[columns]);
        int64_t part = least(pace[axis], rows - index[axis]);
        int done = (in_lines ? run_lines : run_rows)(walk, here, there, &m, width,
                                                     start + index[axis], part);
        if (done != 1)
            return done;
        count_done(width * part);
    } while (advance(index, counts, pace, ndim));
    return 1;
}

/* Memory of one call, on cache lines: vectors across two lines cost double. */
struct memory {
    double *scratch, *buffer;
    char *between[2];
    int64_t room;
};

static int take(struct memory *memory, const struct pass *passes, int64_t count, int64_t room,
                int64_t bytes) {
    for (int64_t k = 0; k < count; k++)
        room = most(room, 72 * (passes[k].size + 64));
    bytes = (bytes + 63) / 64 * 64;
    size_t whole = (size_t)(room + BUFFER) * sizeof(double) + 2 * (size_t)bytes;
    char *start = scratch_take(whole);
    memory->scratch = (double *)start;
    if (start == NULL)
        return 0;
    memory->room = room;
    memory->buffer = memory->scratch + room;
    memory->between[0] = (char *)(memory->buffer + BUFFER);
    memory->between[1] = memory->between[0] + bytes;
    return 1;
}

/* The arrays of a group: `source` is at coordinate 0 of its input, `target` at its first output. */
struct group {
    const char *source;
    const int64_t *stride;
    char *target;
    const int64_t *out_stride;
    int64_t ndim;
    const int64_t *chunk;      /* extents of a micro-tile */
    int64_t count;             /* of passes */
    const int64_t *lows, *highs; /* the box that each pass has to give: count x ndim */
    const struct pass *passes;
    const double *fills;
    int64_t from, to;          /* dtypes */
    int64_t width;             /* bytes of a sample that is written */
    int64_t room;              /* float64 samples of scratch under and around a chunk of columns */
    int64_t strict[2];         /* of the first pass, and of later ones */
};

/* Run all passes over the micro-tile at `index`. */
static int run_tile(const struct group *g, const int64_t *index, const struct memory *memory,
                    int64_t *nan_seen) {
    int64_t ndim = g->ndim, last = g->count - 1;
    int64_t offset[MOST_AXES] = {0}, extent[MOST_AXES], low[MOST_AXES], steps[2][MOST_AXES];
    const char *here = g->source;
    const int64_t *step_from = g->stride;
    for (int64_t k = 0; k <= last; k++) {
        const int64_t *whole_low = g->lows + k * ndim, *whole_high = g->highs + k * ndim;
        for (int64_t i = 0; i < ndim; i++) {
            int64_t final = g->highs[last * ndim + i] - g->lows[last * ndim + i];
            low[i] = whole_low[i];
            extent[i] = whole_high[i] - whole_low[i];
            if (g->chunk[i] < final) {
                low[i] += index[i];
                extent[i] = least(g->chunk[i], extent[i] - index[i]);
            }
        }
        char *there = memory->between[k % 2];
        int64_t *dense = steps[k % 2], step = g->width;
        for (int64_t i = ndim - 1; i >= 0; i--) {
            dense[i] = step;
            step *= extent[i];
        }
        const int64_t *step_to = dense;
        if (k == last) {
            there = g->target;
            step_to = g->out_stride;
            for (int64_t i = 0; i < ndim; i++)
                there += (low[i] - whole_low[i]) * step_to[i];
        }
        const struct pass *pass = g->passes + k;
        const char *begin = here;
        for (int64_t i = 0; i < ndim; i++)
            begin += i == pass->axis ? 0 : (low[i] - offset[i]) * step_from[i];
        struct walk walk = {pass,     g->fills[k],     gather_of(k ? g->to : g->from),
                            scatter_of(g->to), g->strict[k > 0], nan_seen,
                            memory->scratch, memory->buffer, memory->room};
        int done = run_pass(&walk, begin, step_from, there, step_to, extent, ndim, low[pass->axis]);
        if (done != 1)
            return done;
        here = there;
        step_from = step_to;
        memcpy(offset, low, (size_t)ndim * sizeof *low);
    }
    return 1;
}

/* Run a group of passes. Returns 1; 0 if a NaN could meet another one, and SciPy has to compute it;
   -1 for want of memory; CANCELLED. `nan_seen` says whether a NaN has come in, so that later passes are
   checked, and is updated. */
EXPORT int correlate_passes(const struct group *g, int64_t *nan_seen) {
    int64_t whole[MOST_AXES], index[MOST_AXES] = {0}, bytes = g->count > 1 ? g->width : 0;
    for (int64_t i = 0; i < g->ndim; i++) {
        int64_t at = (g->count - 1) * g->ndim + i;
        whole[i] = g->highs[at] - g->lows[at];
        bytes *= g->chunk[i];
    }
    struct memory memory;
    if (!take(&memory, g->passes, g->count, g->room, bytes))
        return -1;
    int done;
    do
        done = run_tile(g, index, &memory, nan_seen);
    while (done == 1 && advance(index, whole, g->chunk, g->ndim));
    scratch_give(memory.scratch);
    return done;
}
