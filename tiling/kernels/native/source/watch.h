/* The watch on a computation: whether it is cancelled, and how far it is. */
#ifndef TILEFAN_WATCH_H
#define TILEFAN_WATCH_H

#include "common.h"

/* Python makes it. Another thread may set `cancelled` at any time, and read `done`, the samples of
   results that are finished. */
struct watch {
    int64_t cancelled, done;
};

/* What exported functions return once they are cancelled: what is written is unspecified then. */
#define CANCELLED (-2)

/* Operations between two looks at the watch, about: some ten milliseconds of the slowest. */
#define UNWATCHED_WORK (1 << 24)

/* The watch on what this thread computes; NULL where nobody watches. */
extern _Thread_local struct watch *watched;

static inline int is_cancelled(void) {
    const struct watch *watch = watched;
    return watch != NULL && __atomic_load_n(&watch->cancelled, __ATOMIC_RELAXED);
}

static inline void count_done(int64_t samples) {
    struct watch *watch = watched;
    if (watch != NULL) /* this thread alone writes it */
        __atomic_store_n(&watch->done, watch->done + samples, __ATOMIC_RELAXED);
}

/* Return how many outputs of so much work each are computed between two looks, in whole groups of
   unrolled vectors. */
static inline int64_t unwatched(int64_t work) {
    return most(256, UNWATCHED_WORK / most(work, 1) & -256);
}

#endif
