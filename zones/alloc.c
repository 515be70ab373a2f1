#include "alloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void (*alloc_fail_hook)(void);

/* No stdio: it may want memory itself. */
__attribute__((noreturn)) static void out_of_memory(void)
{
    static const char text[] = "pldns: out of memory, ending\n";

    if (alloc_fail_hook != NULL)
        alloc_fail_hook();
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
        _exit(1); /* nobody can be told; the end is the same */
    _exit(1);
}

/* malloc(0) may return NULL, which callers would take for a failure. */
static size_t at_least_one(size_t n)
{
    return n > 0 ? n : 1;
}

void *alloc_array(size_t length, size_t size)
{
    void *memory = calloc(at_least_one(length), at_least_one(size));

    if (memory == NULL)
        out_of_memory();
    return memory;
}

void *alloc_resize(void *old, size_t length, size_t size)
{
    void *memory = reallocarray(old, at_least_one(length), at_least_one(size));

    if (memory == NULL)
        out_of_memory();
    return memory;
}

void *alloc_huge(size_t size)
{
    void *memory;

    if (posix_memalign(&memory, ALLOC_HUGE, at_least_one(size)) != 0)
        out_of_memory();
    /* An offer; without it, small pages do.  So they do for the rest, which fills no large one. */
    (void)madvise(memory, size & ~(size_t)(ALLOC_HUGE - 1), MADV_HUGEPAGE);
    return memory;
}

void *alloc_had(void *memory)
{
    if (memory == NULL)
        out_of_memory();
    return memory;
}

char *alloc_string(const char *text)
{
    return alloc_copy(text, strlen(text) + 1);
}

void *alloc_copy(const void *bytes, size_t size)
{
    void *memory = malloc(at_least_one(size));

    if (memory == NULL)
        out_of_memory();
    if (size > 0)
        memcpy(memory, bytes, size);
    return memory;
}
