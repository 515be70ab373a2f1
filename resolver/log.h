/* Log lines to standard error: logfmt or JSON, one event a line, said so that a stranger can act:
 * who, what, why, and what happens now.  Untrusted text is escaped here.  Callable from any thread
 * (one write(2) a line); never waits for who reads them: as long as a pipe or a terminal takes no
 * more, lines are lost, and how many is told when it does again.
 *
 *     log_info("reload", "generation=%llu accepted=%zu", …);
 *
 * 'event' is a fixed word or phrase; the format makes key=value pairs (quote values that may hold
 * blanks with log_quote()). */
#ifndef PLDNS_LOG_H
#define PLDNS_LOG_H

#include "error.h"
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

#define LOG_LINE_MAX 2048

/* Set once at start, before threads. */
void log_setup(enum log_level, enum log_format);

void log_error(const char *event, const char *format, ...) PRINTF_LIKE(2, 3);
void log_warning(const char *event, const char *format, ...) PRINTF_LIKE(2, 3);
void log_info(const char *event, const char *format, ...) PRINTF_LIKE(2, 3);
void log_debug(const char *event, const char *format, ...) PRINTF_LIKE(2, 3);
/* What somebody asked for: at level info, and written whatever the least level is. */
void log_asked(const char *event, const char *format, ...) PRINTF_LIKE(2, 3);
bool log_wants(enum log_level);

/* Writes "text" with quotes and escapes so that it is one logfmt value; returns 'buffer'. */
char *log_quote(const char *text, char *buffer, size_t size);

/* What a peer can provoke is limited: true if the line may be written now.  At most LOG_LIMIT_BURST
 * a second per limit; '*suppressed' is how many were swallowed since the last true.  One limit
 * belongs to one thread. */
#define LOG_LIMIT_BURST 5
struct log_limit {
    uint64_t second;
    unsigned count;
    uint64_t suppressed;
};
bool log_allowed(struct log_limit *, uint64_t now_ms, uint64_t *suppressed);

#endif
