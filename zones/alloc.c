#include "alloc.h"

#include <stdint.h>
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

/* In whole huge pages, so that none is shared with anybody else. */
static size_t reserved_size(size_t size)
{
    return size + ALLOC_HUGE - size % ALLOC_HUGE;
}

void *alloc_reserve(size_t size)
{
    size_t whole = reserved_size(size), before;
    char *memory = mmap(NULL, whole + ALLOC_HUGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED)
        out_of_memory();
    before = -(uintptr_t)memory & (ALLOC_HUGE - 1);
    if (before > 0)
        munmap(memory, before);
    munmap(memory + before + whole, ALLOC_HUGE - before);
    return memory + before;
}

void alloc_unreserve(void *memory, size_t size)
{
    munmap(memory, reserved_size(size));
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
