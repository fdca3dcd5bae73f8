#include "scratch.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

/* The system clears each page that it gives to a process: of a band's memory that takes longer than
   filtering the band. So a few blocks are kept, one for each thread of a small machine. */
#define KEPT 8
#define MOST_BYTES (8 << 20) /* of a block that is kept */
#define LINE_BYTES 64

static _Atomic(void *) spare[KEPT];

/* The size of a block stands in the line before it. */
static size_t *size_of(void *memory) { return (size_t *)((char *)memory - LINE_BYTES); }

void *scratch_take(size_t bytes) {
    for (int i = 0; i < KEPT; i++) {
        void *memory = atomic_exchange(&spare[i], NULL);
        if (memory == NULL)
            continue;
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
    for (int i = 0; *size_of(memory) <= MOST_BYTES && i < KEPT; i++) {
        void *nothing = NULL;
        if (atomic_compare_exchange_strong(&spare[i], &nothing, memory))
            return;
    }
    free(size_of(memory));
}
