#include "publish.h"

#include <stdlib.h>

/* ThreadSanitizer does not see through liburcu (it has no instrumentation and orders threads by
 * sys_membarrier), so under it the same order is said in its own words: what a reader did inside a
 * section happens before publish_swap() returns. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZER 1
#endif

/* The read side inline (a few lines of code, which the library's licence leaves to anybody): it
 * stands in the way of every batch and of every reply. */
#ifndef THREAD_SANITIZER
#define _LGPL_SOURCE
#endif
#include <urcu.h>

#include "alloc.h"

#ifdef THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
static char grace;
#define ORDER_SECTION_END() __tsan_release(&grace)
#define ORDER_ALL_SEEN()    __tsan_acquire(&grace)
#else
#define ORDER_SECTION_END()
#define ORDER_ALL_SEEN()
#endif

struct publish {
    void *current; /* atomic */
};

struct publish *publish_new(void *first)
{
    struct publish *publish = alloc_array(1, sizeof *publish);

    __atomic_store_n(&publish->current, first, __ATOMIC_RELEASE);
    return publish;
}

void publish_free(struct publish *publish)
{
    free(publish);
}

void publish_thread_enter(void)
{
    rcu_register_thread();
}

void publish_thread_leave(void)
{
    rcu_unregister_thread();
}

void publish_read_begin(void)
{
    rcu_read_lock();
}

void publish_read_end(void)
{
    ORDER_SECTION_END();
    rcu_read_unlock();
}

void *publish_get(const struct publish *publish)
{
    return __atomic_load_n(&publish->current, __ATOMIC_ACQUIRE);
}

void *publish_swap(struct publish *publish, void *next)
{
    void *old = __atomic_exchange_n(&publish->current, next, __ATOMIC_ACQ_REL);

    synchronize_rcu();
    ORDER_ALL_SEEN();
    return old;
}
