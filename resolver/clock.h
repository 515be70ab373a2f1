/* Time.  The only caller of clock_gettime(): everything else is given 'now'. */
#ifndef PLDNS_CLOCK_H
#define PLDNS_CLOCK_H

#include <stdint.h>

/* Monotonic milliseconds and nanoseconds (jumps of the wall clock change nothing). */
uint64_t clock_ms(void);
uint64_t clock_ns(void);

/* Wall clock, for log lines, files and people only: microseconds since 1970. */
uint64_t clock_wall_us(void);

#endif
