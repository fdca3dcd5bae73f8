/* Binary erosion and dilation within a mask, until nothing changes, on bits.

   A sample is *open* if it may change and has not yet; it changes as soon as a sample at one of the
   structure's distances from it has. The order does not matter (see `tiling.operations.binary`), so
   words of 64 samples are carried on, each with all that has come to it until its turn. `fresh` has
   the bits whose neighbours have not been told yet; a word that has any is queued. The queue is swept
   up and down the array, as by the raster scans of Vincent, "Morphological grayscale reconstruction in
   image analysis" (IEEE Transactions on Image Processing 2, 1993), but finds the next word at once,
   so that a long path costs no more than its length: a tree of bits (van Emde Boas, Kaas and Zijlstra,
   "Design and implementation of an efficient priority queue", 1976, with 64 branches).

   The array is one run of bits, its axes extended by what the structure reaches: that gap is what
   lies beyond the border, both after a line and before the next one, and is never open. So an element
   of the structure is one distance in bits, wherever it is taken. */

#include "bits.h"
#include "watch.h"

enum { VALUE = 1, FREE = 2 }; /* bits of a state, see `tiling.operations.arithmetic` */

/* Elements of the structure side by side: they take a change to `run` samples (64 at most), the
   first of them `distance` away. Python makes them, those of one length together. */
struct reach {
    int64_t distance, run;
};

/* A block of states, what of it may change, and where that goes; lines lie dense. Python makes it. */
struct block {
    const uint8_t *states;
    const int64_t *stride, *shape;
    int64_t ndim;
    const int64_t *low, *extent; /* what may change */
    uint8_t *target;
    const int64_t *out_stride;
    const int64_t *gap;
    int64_t margin; /* bits, the reach of the structure: whole words */
    int64_t dilate, border;
    const struct reach *reaches;
    int64_t reach_count;
    int64_t up, down; /* whether the structure has the next sample of a line, and the one before */
};

#define MOST_LEVELS 11 /* 64 branches each, of as many words as there are addresses */

struct flood {
    uint64_t *open, *fresh;
    uint64_t *queued[MOST_LEVELS]; /* a bit for each word; then for each word of the level before */
    int levels;
    int64_t alone; /* the one queued word, which is not in the tree then; or -1 */
};

static inline void insert(struct flood *f, int64_t word) {
    uint64_t had = 0;
    for (int level = 0; level < f->levels && !had; level++, word >>= 6) {
        had = f->queued[level][word >> 6];
        f->queued[level][word >> 6] = had | (uint64_t)1 << (word & 63);
    }
}

static inline void enqueue(struct flood *f, int64_t word) {
    if (f->alone >= 0) {
        insert(f, f->alone);
        f->alone = -1;
    } else if (!f->queued[f->levels - 1][0]) {
        f->alone = word;
        return;
    }
    insert(f, word);
}

static inline void take_out(struct flood *f, int64_t word) {
    uint64_t left = 0;
    for (int level = 0; level < f->levels && !left; level++, word >>= 6)
        left = f->queued[level][word >> 6] &= ~((uint64_t)1 << (word & 63));
}

/* The first queued word from this one on, or -1. A level ends with a word without bits. */
static inline int64_t next_up(const struct flood *f, int64_t word) {
    for (int level = 0; level < f->levels; level++, word = (word >> 6) + 1) {
        uint64_t left = f->queued[level][word >> 6] >> (word & 63);
        if (!left)
            continue;
        for (word += __builtin_ctzll(left); level; level--)
            word = word << 6 | __builtin_ctzll(f->queued[level - 1][word]);
        return word;
    }
    return -1;
}

/* The last queued word up to this one, or -1. */
static inline int64_t next_down(const struct flood *f, int64_t word) {
    for (int level = 0; level < f->levels && word >= 0; level++, word = (word >> 6) - 1) {
        uint64_t left = f->queued[level][word >> 6] << (63 - (word & 63));
        if (!left)
            continue;
        for (word -= __builtin_clzll(left); level; level--)
            word = word << 6 | (63 - __builtin_clzll(f->queued[level - 1][word]));
        return word;
    }
    return -1;
}

static inline void change(struct flood *f, int64_t word, uint64_t bits) {
    bits &= f->open[word];
    if (!bits)
        return;
    f->open[word] ^= bits;
    if (!f->fresh[word])
        enqueue(f, word);
    f->fresh[word] |= bits;
}

/* Fill the runs of open bits that fresh ones lie in, up by the carry of a sum, down by doubling. */
static inline uint64_t fill_runs(uint64_t fresh, uint64_t open, int64_t up, int64_t down) {
    uint64_t run = open | fresh;
    if (up)
        fresh |= ((run + fresh) ^ run) & run;
    if (down && fresh >> 1 & open)
        for (int step = 1; step < 64; step *= 2) {
            fresh |= fresh >> step & run;
            run &= run >> step;
        }
    return fresh;
}

static inline unsigned __int128 spread_run(uint64_t bits, int64_t run) {
    unsigned __int128 spread = bits;
    for (int64_t have = 1, grow; have < run; have += grow) {
        grow = least(have, run - have);
        spread |= spread << grow;
    }
    return spread;
}

static inline void carry_word(struct flood *f, const struct block *b, int64_t word) {
    uint64_t fresh = fill_runs(f->fresh[word], f->open[word], b->up, b->down);
    f->fresh[word] = 0;
    f->open[word] &= ~fresh;
    uint64_t low = 0, high = 0;
    int64_t run = 0;
    for (int64_t i = 0; i < b->reach_count; i++) {
        const struct reach *reach = b->reaches + i;
        if (reach->run != run) {
            run = reach->run;
            unsigned __int128 spread = spread_run(fresh, run);
            low = (uint64_t)spread;
            high = (uint64_t)(spread >> 64);
        }
        int64_t to = word + (reach->distance >> 6);
        int bits = (int)(reach->distance & 63);
        uint64_t third = high >> 1 >> (63 - bits);
        change(f, to, low << bits);
        change(f, to + 1, high << bits | low >> 1 >> (63 - bits));
        if (third)
            change(f, to + 2, third);
    }
}

/* Tell, each 4,096 words, whether to go on. */
static inline int is_due(int64_t *words) { return (++*words & 4095) || !is_cancelled(); }

static void carry_on(struct flood *f, const struct block *b) {
    int64_t word = 0, words = 0;
    for (int up = 1, turned = 0; turned < 2 && is_due(&words);) {
        while (f->alone >= 0 && is_due(&words)) {
            word = f->alone;
            f->alone = -1;
            carry_word(f, b, word);
        }
        int64_t next = up ? next_up(f, word) : next_down(f, word);
        if (next < 0) {
            up = !up;
            turned++;
            continue;
        }
        turned = 0;
        word = next;
        take_out(f, word);
        carry_word(f, b, word);
    }
}

/* ---- between states and bits ---- */

/* The bits of samples `from` to `to`, as far as a word has them. */
static inline uint64_t between(int64_t from, int64_t to) {
    from = most(0, from);
    to = least(64, to);
    return from < to ? ~(uint64_t)0 >> (64 - (to - from)) << from : 0;
}

/* Change bits of an array, the first of them anywhere in a word. */
static inline void toggle(uint64_t *words, int64_t at, uint64_t bits) {
    words[at >> 6] ^= bits << (at & 63);
    words[(at >> 6) + 1] ^= bits >> 1 >> (63 - (at & 63));
}

static inline uint64_t bits_at(const uint64_t *words, int64_t at) {
    return words[at >> 6] >> (at & 63) | words[(at >> 6) + 1] << 1 << (63 - (at & 63));
}

/* A line of the block, its first bit, which of its samples may change, and where those go. */
struct line {
    const uint8_t *states;
    int64_t at, low, high;
    uint8_t *target;
};

/* Every bit of samples that have changed, or began so. */
static inline uint64_t changed(const struct block *b) { return b->dilate ? ~(uint64_t)0 : 0; }

/* Tell whether a line has open samples, before any flood. */
static uint64_t find_open(struct flood *f, const struct block *b, const struct line *line) {
    const uint8_t *states = line->states + line->low;
    int64_t count = line->high - line->low;
    uint8_t found = 0, set = (uint8_t)changed(b);
    (void)f;
    for (int64_t i = 0; i < count; i++)
        found |= (uint8_t)((states[i] ^ set) & states[i] >> 1);
    return found & VALUE;
}

/* Write the samples of a line as they are. */
static uint64_t copy_line(struct flood *f, const struct block *b, const struct line *line) {
    const uint8_t *restrict states = line->states + line->low;
    uint8_t *restrict target = line->target;
    int64_t count = line->high - line->low;
    (void)f, (void)b;
    for (int64_t i = 0; i < count; i++)
        target[i] = states[i] & (VALUE | FREE);
    return 0;
}

/* Set the bits of a line. */
static uint64_t read_line(struct flood *f, const struct block *b, const struct line *line) {
    int64_t length = b->shape[b->ndim - 1];
    uint64_t set = changed(b), border = b->border ? ~(uint64_t)0 : 0;
    for (int64_t i = 0; i < length; i += 64) {
        uint8_t rest[64] = {0};
        const uint8_t *states = line->states + i;
        if (length - i < 64)
            states = memcpy(rest, states, (size_t)(length - i));
        uint64_t value = 0, free = 0;
        for (int k = 0; k < 8; k++) {
            uint64_t bytes;
            memcpy(&bytes, states + 8 * k, 8);
            value |= gather_bits(bytes & EACH_BYTE(VALUE)) << 8 * k;
            free |= gather_bits(bytes >> 1 & EACH_BYTE(VALUE)) << 8 * k;
        }
        /* What is fresh now is what lies beyond the border, everywhere, or nothing. */
        toggle(f->fresh, line->at + i, (value ^ border) & between(0, length - i));
        toggle(f->open, line->at + i,
               (value ^ set) & free & between(line->low - i, line->high - i));
    }
    return 0;
}

/* Write the samples of a line: what could change, and is not open any more, has. */
static uint64_t write_line(struct flood *f, const struct block *b, const struct line *line) {
    uint64_t set = changed(b);
    for (int64_t i = line->low; i < line->high; i += 64) {
        size_t count = (size_t)least(64, line->high - i);
        uint8_t states[64] = {0};
        uint64_t open = bits_at(f->open, line->at + i);
        memcpy(states, line->states + i, count);
        for (int k = 0; k < 8; k++) {
            uint64_t bytes;
            memcpy(&bytes, states + 8 * k, 8);
            uint64_t turned = (bytes ^ set) & bytes >> 1 & ~spread_bits(open >> 8 * k);
            bytes = (bytes & EACH_BYTE(VALUE | FREE)) ^ (turned & EACH_BYTE(VALUE));
            memcpy(states + 8 * k, &bytes, 8);
        }
        memcpy(line->target + i - line->low, states, count);
    }
    return 0;
}

/* ---- the block ---- */

typedef uint64_t line_function(struct flood *, const struct block *, const struct line *);

static uint64_t each_line(struct flood *f, const struct block *b, line_function *function) {
    int64_t last = b->ndim - 1, index[MOST_AXES] = {0}, ones[MOST_AXES];
    uint64_t found = 0;
    for (int64_t i = 0; i < b->ndim; i++)
        ones[i] = 1;
    do {
        struct line line = {b->states, 0, b->low[last], b->low[last] + b->extent[last], NULL};
        int64_t to = 0;
        for (int64_t i = 0; i < last; i++) {
            int64_t place = index[i] - b->low[i];
            line.states += index[i] * b->stride[i];
            line.at = (line.at + index[i]) * (b->shape[i + 1] + b->gap[i + 1]);
            to += place * b->out_stride[i];
            if (place < 0 || place >= b->extent[i])
                line.high = line.low;
        }
        line.at += 2 * b->margin;
        if (line.low < line.high)
            line.target = b->target + to;
        found |= function(f, b, &line);
    } while (advance(index, b->shape, ones, last));
    return found;
}

/* Carry changes on until there are none. Returns 1; -1 if there is no memory; CANCELLED. */
EXPORT int propagate(const struct block *b) {
    int64_t bits = 1, margin = b->margin / 64;
    if (!each_line(NULL, b, find_open)) {
        each_line(NULL, b, copy_line);
        return 1;
    }
    for (int64_t i = 0; i < b->ndim; i++)
        bits *= b->shape[i] + b->gap[i];
    /* On both sides a margin that lies beyond the border, and one that its own changes go to. */
    int64_t words = (bits + 63) / 64 + 4 * margin + 3;
    struct flood f = {.alone = -1};
    int64_t sizes[MOST_LEVELS], total = 2 * words;
    for (int64_t left = words; left > 1 || !f.levels; total += sizes[f.levels++]) {
        left = (left + 63) / 64;
        sizes[f.levels] = left + 1;
    }
    uint64_t *memory = calloc((size_t)total, sizeof *memory);
    if (!memory)
        return -1;
    f.open = memory;
    f.fresh = memory + words;
    f.queued[0] = f.fresh + words;
    for (int level = 1; level < f.levels; level++)
        f.queued[level] = f.queued[level - 1] + sizes[level - 1];
    if (b->border == b->dilate)
        memset(f.fresh + margin, 0xFF, (size_t)(words - 2 * margin - 3) * sizeof *f.fresh);
    each_line(&f, b, read_line);
    for (int64_t word = 0; word < words; word++)
        if (f.fresh[word])
            enqueue(&f, word);
    carry_on(&f, b);
    each_line(&f, b, write_line);
    free(memory);
    return is_cancelled() ? CANCELLED : 1;
}
