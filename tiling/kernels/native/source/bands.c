#include "bands.h"

#include "samples.h"
#include "scratch.h"
#include "vectors.h"

#define STRETCH 65536        /* samples of rows that one call of a function gets */
#define LONG_ROW (1 << 20) /* samples that are copied between two looks at the watch */

/* A block, the region of the result that is computed, and the part of that which is wanted. Python
   makes it. */
struct windows {
    const char *source;
    const int64_t *stride, *shape;
    char *target;
    const int64_t *out_stride;
    int64_t ndim;
    const int64_t *low, *extent;  /* the region, in coordinates of the block */
    const int64_t *skip, *wanted; /* the part, in coordinates of the region; its shape */
    const int64_t *chunk;         /* extents of a band */
    const int64_t *window, *before;
    int64_t mode;
    double fill;
    int64_t from, work, result, to; /* dtypes of source, band, what a leaf makes, and target */
    int64_t flat;
    int64_t line; /* of `run_rows` and `run_lines`: the axis of the window */
    void *leaf;
    const void *parameters;
};

static int64_t itemsize_of(int64_t dtype) {
    static const int64_t sizes[] = {1, 1, 2, 4, 8, 2, 4, 8, 4, 8, [CAREFUL_UINT64] = 8};
    return sizes[dtype];
}

#define COPY(bytes, type)                                                                        \
    static void copy_##bytes(const char *source, int64_t step, int64_t count, char *target,       \
                             int64_t pace) {                                                      \
        typedef type anywhere __attribute__((aligned(1), may_alias));                             \
        if (step == bytes && pace == bytes) {                                                     \
            memcpy(target, source, (size_t)(count * bytes));                                      \
            return;                                                                               \
        }                                                                                         \
        for (int64_t i = 0; i < count; i++)                                                       \
            *(anywhere *)(target + i * pace) = *(const anywhere *)(source + i * step);            \
    }
COPY(1, uint8_t)
COPY(2, uint16_t)
COPY(4, uint32_t)
COPY(8, uint64_t)

typedef void copy_function(const char *source, int64_t step, int64_t count, char *target,
                           int64_t pace);

static copy_function *copy_of(int64_t itemsize) {
    return itemsize == 1 ? copy_1 : itemsize == 2 ? copy_2 : itemsize == 4 ? copy_4 : copy_8;
}

/* Copy a row that may be as long as the whole block, unless cancelled in between. */
static void copy_long(int64_t itemsize, const char *source, int64_t step, int64_t count,
                      char *target, int64_t pace) {
    int64_t from = 0;
    do
        copy_of(itemsize)(source + from * step, step, least(LONG_ROW, count - from),
                          target + from * pace, pace);
    while ((from += LONG_ROW) < count && !is_cancelled());
}

/* Trailing axes that the window does not extend, and that lie dense in the block and in the target,
   such as the channels of a picture: `samples` of them are one unit, and `last` is the axis before. */
struct units {
    int64_t last, samples;
};

static struct units units_of(const struct windows *w) {
    struct units units = {w->ndim - 1, 1};
    int64_t from = itemsize_of(w->from), to = itemsize_of(w->to);
    for (; units.last > 0; units.last--) {
        int64_t i = units.last, length = w->shape[i];
        if (w->window[i] != 1 || w->chunk[i] != length || w->wanted[i] != length ||
            w->stride[i] != units.samples * from || w->out_stride[i] != units.samples * to)
            break;
        units.samples *= length;
    }
    return units;
}

/* Copy a row of samples, bytes apart, into a row of the band's dtype. */
static void copy_row(const struct windows *w, const char *source, int64_t step, int64_t count,
                     char *target) {
    int64_t itemsize = itemsize_of(w->work);
    if (w->work == w->from)
        copy_long(itemsize, source, step, count, target, itemsize);
    else
        gather_of(w->from)(source, 0, step, 1, count, (double *)target, count);
}

/* Do the same with units: as one dense row, where they follow each other. */
static void copy_units(const struct windows *w, const struct units *units, const char *source,
                       int64_t step, int64_t count, char *target) {
    int64_t from = itemsize_of(w->from), samples = units->samples;
    if (samples == 1 || step == samples * from) {
        copy_row(w, source, samples == 1 ? step : from, count * samples, target);
        return;
    }
    for (int64_t i = 0; i < count; i++)
        copy_row(w, source + i * step, from, samples, target + i * samples * itemsize_of(w->work));
}

#define FILL_CASE(number, name, type)                 \
    case number:                                       \
        for (int64_t i = 0; i < count; i++)            \
            ((type *)target)[i] = cast_##name(fill);   \
        break;

static void fill_row(int64_t dtype, double fill, int64_t count, char *target) {
    switch (dtype) { EACH_DTYPE(FILL_CASE) }
}

/* Copy units `from` to `to` of a row one by one, from where the edge mode finds them. */
static void edge(const struct windows *w, const struct units *units, const char *source,
                 const int64_t *map, int64_t from, int64_t to, char *target) {
    int64_t bytes = units->samples * itemsize_of(w->work);
    for (int64_t i = from; i < to; i++) {
        if (map[i] < 0)
            fill_row(w->work, w->fill, units->samples, target + i * bytes);
        else
            copy_units(w, units, source + map[i] * w->stride[units->last], 0, 1,
                       target + i * bytes);
    }
}

/* Copy the band whose outputs begin at `start`, extended by the window: `maps` has, axis by axis,
   the coordinate in the block of each coordinate of the extended band, or -1. */
static void extend(const struct windows *w, const struct units *units, int64_t *const *maps,
                   const int64_t *padded, const int64_t *start, char *target) {
    int64_t last = units->last, bytes = units->samples * itemsize_of(w->work), row = padded[last];
    const int64_t *map = maps[last];
    /* Coordinates inside the block are one run. */
    int64_t first = start[last] - w->before[last], begin = most(0, -first);
    int64_t end = most(begin, least(row, w->shape[last] - first));
    begin = least(begin, end);
    int64_t index[MOST_AXES] = {0}, ones[MOST_AXES];
    for (int64_t i = 0; i <= last; i++)
        ones[i] = i == last ? row : 1;
    do {
        const char *source = w->source;
        int outside = 0;
        for (int64_t i = 0; i < last; i++) {
            outside |= maps[i][index[i]] < 0;
            source += maps[i][index[i]] * w->stride[i];
        }
        if (outside) {
            fill_row(w->work, w->fill, row * units->samples, target);
        } else {
            if (begin < end)
                copy_units(w, units, source + map[begin] * w->stride[last], w->stride[last],
                           end - begin, target + begin * bytes);
            edge(w, units, source, map, 0, begin, target);
            edge(w, units, source, map, end, row, target);
        }
        target += row * bytes;
    } while (advance(index, padded, ones, last + 1));
}

/* Copy what is wanted of a band's result to the target, cast as SciPy casts. */
static void deliver(const struct windows *w, const struct units *units, const int64_t *start,
                    const int64_t *shape, const int64_t *laid, const char *result, double *line) {
    int64_t last = units->last, size = itemsize_of(w->result), samples = units->samples;
    int64_t count[MOST_AXES], step[MOST_AXES], index[MOST_AXES] = {0}, ones[MOST_AXES];
    int64_t place = samples * size, delivered = samples;
    char *target = w->target;
    for (int64_t i = last; i >= 0; i--) {
        int64_t at = start[i] - w->low[i], from = most(0, w->skip[i] - at);
        count[i] = least(shape[i], w->skip[i] + w->wanted[i] - at) - from;
        if (count[i] <= 0)
            return;
        step[i] = place;
        result += from * place;
        target += (at + from - w->skip[i]) * w->out_stride[i];
        place *= laid[i];
        ones[i] = i == last ? count[i] : 1;
        delivered *= count[i];
    }
    count_done(delivered);
    /* SciPy keeps results as float64, to which 64-bit integers are rounded. */
    int same = w->result == w->to && (size < 8 || w->to == FLOAT64);
    int64_t pace = samples == 1 ? w->out_stride[last] : itemsize_of(w->to);
    int64_t runs = samples == 1 || w->out_stride[last] == samples * pace ? 1 : count[last];
    int64_t length = count[last] * samples / runs;
    do {
        const char *row = result;
        char *to = target;
        for (int64_t i = 0; i < last; i++) {
            row += index[i] * step[i];
            to += index[i] * w->out_stride[i];
        }
        for (int64_t run = 0; run < runs; run++) {
            if (same) {
                copy_long(size, row, size, length, to, pace);
            } else {
                gather_of(w->result)(row, 0, size, 1, length, line, length);
                scatter_of(w->to)(to, 0, pace, 1, length, line, length);
            }
            row += length * size;
            to += w->out_stride[last];
        }
    } while (advance(index, count, ones, last + 1));
}

int64_t flat_count(const struct band *band) {
    int64_t count = 0;
    for (int64_t i = 0; i < band->ndim; i++)
        count = count * band->padded[i] + band->shape[i] - 1;
    return count + 1;
}

int64_t flat_offsets(const struct band *band, const uint8_t *table, int64_t *offsets) {
    int64_t index[MOST_AXES] = {0}, ones[MOST_AXES], found = 0;
    for (int64_t i = 0; i < band->ndim; i++)
        ones[i] = 1;
    do {
        if (!*table++)
            continue;
        int64_t offset = 0;
        for (int64_t i = 0; i < band->ndim; i++)
            offset = offset * band->padded[i] + index[i];
        offsets[found++] = offset;
    } while (advance(index, band->window, ones, band->ndim));
    return found;
}

/* Compute the band whose first output is at `start`. */
static int run_band(const struct windows *w, const struct units *units, const int64_t *start,
                    int64_t *const *maps, char *in, char *out, double *line) {
    int64_t shape[MOST_AXES], padded[MOST_AXES], *shifted[MOST_AXES];
    for (int64_t i = 0; i < w->ndim; i++) {
        int64_t at = start[i] - w->low[i];
        shape[i] = least(w->chunk[i], w->extent[i] - at);
        padded[i] = shape[i] + w->window[i] - 1;
        shifted[i] = maps[i] + at;
    }
    extend(w, units, shifted, padded, start, in);
    struct band band = {in, out, w->ndim, shape, w->window, padded, w->parameters};
    int done = ((leaf_function *)w->leaf)(&band);
    if (done == 1)
        deliver(w, units, start, shape, w->flat ? padded : shape, out, line);
    return done;
}

/* Run a leaf over all bands. Returns what leaves return. */
EXPORT int run_windows(const struct windows *w) {
    int64_t coordinates = 0, samples = 1, *maps[MOST_AXES], start[MOST_AXES], index[MOST_AXES] = {0};
    for (int64_t i = 0; i < w->ndim; i++) {
        coordinates += w->extent[i] + w->window[i] - 1;
        samples *= least(w->chunk[i], w->extent[i]) + w->window[i] - 1;
    }
    size_t in_bytes = (size_t)(samples * itemsize_of(w->work) + SLACK + 63) / 64 * 64;
    size_t out_bytes = (size_t)(samples * itemsize_of(w->result) + SLACK + 63) / 64 * 64;
    struct units units = units_of(w);
    size_t line_bytes = (size_t)(w->chunk[units.last] * units.samples + 8) / 8 * 64;
    int64_t *map = malloc((size_t)coordinates * sizeof *map);
    char *memory = scratch_take(in_bytes + out_bytes + line_bytes);
    int done = map != NULL && memory != NULL ? 1 : -1;
    if (done == 1) {
        /* What vectors read past the end is not used, but they must not trip over it. */
        memset(memory + in_bytes - SLACK, 0, SLACK);
        int64_t *free_map = map;
        for (int64_t i = 0; i < w->ndim; i++) {
            maps[i] = free_map;
            for (int64_t k = 0; k < w->extent[i] + w->window[i] - 1; k++) {
                int64_t at = w->low[i] - w->before[i] + k;
                *free_map++ = at < 0 || at >= w->shape[i] ? fold(at, w->shape[i], w->mode) : at;
            }
        }
        do {
            for (int64_t i = 0; i < w->ndim; i++)
                start[i] = w->low[i] + index[i];
            done = is_cancelled() ? CANCELLED
                                  : run_band(w, &units, start, maps, memory, memory + in_bytes,
                                             (double *)(memory + in_bytes + out_bytes));
        } while (done == 1 && advance(index, w->extent, w->chunk, w->ndim));
    }
    free(map);
    scratch_give(memory);
    return done;
}

/* The rows beside one line, with the rest of their places. */
struct beside {
    int64_t axis, width; /* the first axis of a row, and its samples */
};

/* Rows are as long as axes after the line lie dense in the block and in the target. */
static struct beside beside_of(const struct windows *w) {
    int64_t size = itemsize_of(w->from);
    struct beside rows = {w->ndim - 1, w->wanted[w->ndim - 1]};
    while (rows.axis - 1 > w->line && rows.width * size == w->stride[rows.axis - 1] &&
           rows.width * size == w->out_stride[rows.axis - 1]) {
        rows.axis--;
        rows.width *= w->wanted[rows.axis];
    }
    return rows;
}

/* Run a function over rows, a stretch of their samples at a time. The pointers are moved on. */
static int run_stretches(const struct windows *w, const void **in, void **out, int64_t width) {
    int64_t length = w->extent[w->line], size = w->window[w->line], done = 1;
    int64_t bytes = itemsize_of(w->from);
    for (int64_t at = 0; done == 1 && at < width; at += STRETCH) {
        struct rows rows = {in, out, length, least(STRETCH, width - at), size, w->parameters};
        done = ((rows_function *)w->leaf)(&rows);
        count_done(done == 1 ? rows.width * w->wanted[w->line] : 0);
        for (int64_t k = 0; k < length + size - 1; k++)
            in[k] = (const char *)in[k] + rows.width * bytes;
        for (int64_t k = 0; k < length; k++)
            out[k] = (char *)out[k] + rows.width * bytes;
    }
    return (int)done;
}

/* Move from the first samples of the source and of the target to those of the line at `index`. */
static void move_beside(const struct windows *w, const int64_t *index, const char **source,
                        char **target) {
    for (int64_t i = 0; i < w->ndim; i++) {
        *source += i == w->line ? 0 : (w->low[i] + index[i]) * w->stride[i];
        *target += i == w->line ? 0 : index[i] * w->out_stride[i];
    }
}

/* Run a function over rows where they lie, without a copy. Source and target are of one dtype, and
   dense along their last axis, which is not that of the window. */
EXPORT int run_rows(const struct windows *w) {
    int64_t line = w->line, length = w->extent[line], size = w->window[line];
    int64_t count = length + size - 1, index[MOST_AXES] = {0}, ones[MOST_AXES], outer[MOST_AXES];
    struct beside beside = beside_of(w);
    size_t row_bytes = (size_t)(beside.width * itemsize_of(w->from));
    const void **in = malloc((size_t)(count + length) * sizeof *in);
    char *spare = malloc(2 * row_bytes);
    int done = in != NULL && spare != NULL ? 1 : -1;
    void **out = (void **)(in + count);
    for (int64_t i = 0; i < w->ndim; i++) {
        ones[i] = 1;
        outer[i] = i == line || i >= beside.axis ? 1 : w->wanted[i];
    }
    if (done == 1)
        fill_row(w->from, w->fill, beside.width, spare);
    do {
        const char *source = w->source;
        char *target = w->target;
        move_beside(w, index, &source, &target);
        for (int64_t k = 0; done == 1 && k < count; k++) {
            int64_t at = k - w->before[line];
            at = at < 0 || at >= length ? fold(at, length, w->mode) : at;
            in[k] = at < 0 ? spare : source + at * w->stride[line];
        }
        for (int64_t l = 0; done == 1 && l < length; l++) {
            int64_t at = l - w->skip[line];
            int wanted = at >= 0 && at < w->wanted[line];
            out[l] = wanted ? target + at * w->out_stride[line] : spare + row_bytes;
        }
        done = done == 1 ? run_stretches(w, in, out, beside.width) : done;
    } while (done == 1 && advance(index, outer, ones, w->ndim));
    free(in);
    free(spare);
    return done;
}

/* Copy a line of the source, extended by the window, so that its samples lie dense. */
static void extend_line(const struct windows *w, const char *source, char *target) {
    int64_t line = w->line, length = w->extent[line], size = itemsize_of(w->from);
    int64_t stride = w->stride[line], before = w->before[line];
    for (int64_t k = 0; k < length + w->window[line] - 1; k++) {
        int64_t at = k - before;
        if (at == 0) { /* the line itself */
            copy_long(size, source, stride, length, target + k * size, size);
            k += length - 1;
            continue;
        }
        at = fold(at, length, w->mode);
        if (at < 0)
            fill_row(w->from, w->fill, 1, target + k * size);
        else
            copy_of(size)(source + at * stride, 0, 1, target + k * size, size);
    }
}

/* Run a function over lines, some side by side. Source and target are of one dtype. */
EXPORT int run_lines(const struct windows *w) {
    int64_t line = w->line, length = w->extent[line], bytes = itemsize_of(w->from);
    int64_t read = length + w->window[line] - 1, index[MOST_AXES] = {0}, ones[MOST_AXES];
    int64_t outer[MOST_AXES];
    char *memory = scratch_take((size_t)(LINES * (read + length) * bytes)), *targets[LINES];
    const void *in[LINES];
    void *out[LINES];
    struct rows rows = {in, out, 0, length, w->window[line], w->parameters};
    int done = memory != NULL ? 1 : -1, more = 1;
    for (int64_t k = 0; k < LINES; k++) {
        in[k] = memory + k * read * bytes;
        out[k] = memory + (LINES * read + k * length) * bytes;
    }
    for (int64_t i = 0; i < w->ndim; i++) {
        ones[i] = 1;
        outer[i] = i == line ? 1 : w->wanted[i];
    }
    while (done == 1 && more) {
        const char *source = w->source;
        char *target = w->target;
        move_beside(w, index, &source, &target);
        extend_line(w, source, memory + rows.length * read * bytes);
        targets[rows.length++] = target;
        more = advance(index, outer, ones, w->ndim);
        if (more && rows.length < LINES)
            continue;
        done = ((rows_function *)w->leaf)(&rows);
        count_done(done == 1 ? rows.length * w->wanted[line] : 0);
        for (int64_t k = 0; done == 1 && k < rows.length; k++)
            copy_of(bytes)((char *)out[k] + w->skip[line] * bytes, bytes, w->wanted[line],
                           targets[k], w->out_stride[line]);
        rows.length = 0;
    }
    scratch_give(memory);
    return done;
}
