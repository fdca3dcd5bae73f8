#include "watch.h"

_Thread_local struct watch *watched;

/* Let this thread's computations be watched, or, by NULL, no longer. */
EXPORT void watch_set(struct watch *watch) { watched = watch; }
