/* Memory, or the end of the process with a message: see "Failure kinds" in docs/decisions.md.
 *
 * Every growth in pldns is bounded by a named limit, so running out of memory is a configuration
 * matter and not something callers can mend.  alloc_fail_hook lets tests see the failure. */
#ifndef PLDNS_ALLOC_H
#define PLDNS_ALLOC_H

#include <stddef.h>

/* Called once before the process ends for want of memory; NULL = nothing.  For tests, which leave
 * it by longjmp. */
extern void (*alloc_fail_hook)(void);

/* Zeroed memory for 'length' items of 'size' bytes; overflow counts as failure.  Free with free().
 */
void *alloc_array(size_t length, size_t size) __attribute__((malloc, returns_nonnull));

/* Grows 'old' (may be NULL) to 'length' items; new bytes are not zeroed. */
void *alloc_resize(void *old, size_t length, size_t size) __attribute__((returns_nonnull));

/* Memory for what is large and soon full, in huge pages if the system has some to give: a million
 * small pages cost more than what is written into them.  Not zeroed.  Free with free(). */
#define ALLOC_HUGE (2u << 20)
void *alloc_huge(size_t size) __attribute__((malloc, returns_nonnull));

/* Zeroed memory that begins where a huge page does and is the system's until it is written to. Give
 * it back with alloc_unreserve() and the same size. */
void *alloc_reserve(size_t size) __attribute__((malloc, returns_nonnull));
void alloc_unreserve(void *memory, size_t size);

/* What another library has allocated; NULL is its want of memory.  Returns 'memory'. */
void *alloc_had(void *memory) __attribute__((returns_nonnull));

/* Copies. */
char *alloc_string(const char *text) __attribute__((malloc, returns_nonnull));
void *alloc_copy(const void *bytes, size_t size) __attribute__((malloc, returns_nonnull));

#endif
