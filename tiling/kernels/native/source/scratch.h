/* Memory for a call that the next call uses again. */
#ifndef TILEFAN_SCRATCH_H
#define TILEFAN_SCRATCH_H

#include <stddef.h>

/* Return memory on a cache line, of any contents; NULL if there is none. */
void *scratch_take(size_t bytes);

/* Take it back; NULL is nothing. */
void scratch_give(void *memory);

#endif
