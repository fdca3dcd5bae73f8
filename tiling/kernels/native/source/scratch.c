#include "scratch.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

/* The system clears each page that it gives to a process: of a band's memory that takes longer than
   filtering the band. So blocks are kept, as many as threads had at a time, within a bound. */
#define KEPT 64
#define MOST_BYTES ((size_t)64 << 20) /* of all that are kept */
#define LINE_BYTES 64

static _Atomic(void *) spare[KEPT];
static _Atomic size_t kept_bytes;

/* The size of a block stands in the line before it. */
static size_t *size_of(void *memory) { return (size_t *)((char *)memory - LINE_BYTES); }

void *scratch_take(size_t bytes) {
    for (int i = 0; i < KEPT; i++) {
        void *memory = atomic_exchange(&spare[i], NULL);
        if (memory == NULL)
            continue;
        atomic_fetch_sub(&kept_bytes, *size_of(memory));
        if (*size_of(memory) >= bytes)
            return memory;
        free(size_of(memory));
    }
    if (bytes > SIZE_MAX - 2 * LINE_BYTES)
        return NULL;
    size_t whole = (bytes + 2 * LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
    char *block = aligned_alloc(LINE_BYTES, whole);
    if (block == NULL)
        return NULL;
    *(size_t *)block = whole - LINE_BYTES;
    return block + LINE_BYTES;
}

void scratch_give(void *memory) {
    if (memory == NULL)
        return;
    size_t size = *size_of(memory);
    int fits = atomic_fetch_add(&kept_bytes, size) + size <= MOST_BYTES;
    for (int i = 0; fits && i < KEPT; i++) {
        void *nothing = NULL;
        if (atomic_compare_exchange_strong(&spare[i], &nothing, memory))
            return;
    }
    atomic_fetch_sub(&kept_bytes, size);
    free(size_of(memory));
}
