/* What the machine can do. */
#include "common.h"

#include <unistd.h>

/* Return the x86-64 level whose instructions the processor and the system have: 1, 3 or 4. */
EXPORT int machine_level(void) {
#ifdef __x86_64__
    if (__builtin_cpu_supports("x86-64-v4"))
        return 4;
    if (__builtin_cpu_supports("x86-64-v3"))
        return 3;
#endif
    return 1;
}

/* Return the bytes of a core's second-level cache; 0 where the system does not tell. */
EXPORT int machine_cache(void) {
#ifdef _SC_LEVEL2_CACHE_SIZE
    long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
    return bytes > 0 && bytes < 1 << 28 ? (int)bytes : 0;
#else
    return 0;
#endif
}
