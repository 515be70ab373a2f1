/* Numbers, durations and sizes as people write them. */
#ifndef PLDNS_AMOUNT_H
#define PLDNS_AMOUNT_H

#include <stdbool.h>
#include <stdint.h>

#define AMOUNT_TEXT 32 /* the longest text written here, terminator included */

/* "-12", "0", "3600".  False for anything else: blanks, a plus sign, leading zeros (which some read
 * as octal), a number out of range. */
bool amount_integer(const char *text, int64_t *out);

/* "500ms", "5s", "2m", "1h", "1d"; a bare number counts seconds. */
bool amount_duration(const char *text, uint64_t *ms);

/* "512", "64KiB", "16MiB", "1GiB" */
bool amount_bytes(const char *text, uint64_t *bytes);

/* The shortest such text of a value; returns 'text'. */
char *amount_duration_text(uint64_t ms, char text[AMOUNT_TEXT]);
char *amount_bytes_text(uint64_t bytes, char text[AMOUNT_TEXT]);

#endif
