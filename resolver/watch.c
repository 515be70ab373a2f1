#include "watch.h"

#include <event2/event.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "folderwatch.h"
#include "source_dir.h"

/* What may change a document: IN_MODIFY too, for writers that never close their file. */
#define EVENTS                                                                                     \
    (IN_CLOSE_WRITE | IN_MODIFY | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE |            \
     IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)
/* Every event read at once may carry a name of NAME_MAX octets. */
#define BUFFER (16 * (sizeof(struct inotify_event) + NAME_MAX + 1))

struct watch {
    char *path;
    char *parent;
    struct folderwatch folder; /* without inotify: poll only */
    int on_parent;             /* watch descriptor, -1: none */
    uint64_t seen;             /* fingerprint of what was read last */
    struct fileset which;      /* of which something was heard since 'changed' was last called */
    struct event *readable, *merge, *poll;
    watch_changed_fn *changed;
    watch_arrived_fn *arrived; /* may be NULL … */
    uint64_t told;             /* … when it was called last; 0 = never */
    void *arg;
};

static void add_watches(struct watch *watch)
{
    if (watch->folder.inotify < 0)
        return;
    bool was_deaf = watch->folder.folder < 0;
    if (folderwatch_set(&watch->folder, watch->path, EVENTS) || was_deaf)
        fileset_add_any(&watch->which);
    /* The parent tells when the directory comes, or when another one takes its place.  It may be
     * the directory itself ("."), whose events this must not replace. */
    watch->on_parent =
        inotify_add_watch(watch->folder.inotify, watch->parent,
                          IN_CREATE | IN_MOVED_TO | IN_ONLYDIR | IN_EXCL_UNLINK | IN_MASK_ADD);
}

static bool is_quiet(const struct watch *watch)
{
    return watch->arrived != NULL && clock_ms() - watch->told >= WATCH_QUIET_MS;
}

static void soon(struct watch *watch)
{
    static const struct timeval merge = {0, WATCH_MERGE_MS * 1000L};

    if (watch->readable != NULL && !is_quiet(watch))
        event_del(watch->readable); /* nothing is to be learned from more of them */
    /* The first event of a burst sets the time: a steady stream of events cannot put it off. */
    if (!evtimer_pending(watch->merge, NULL))
        evtimer_add(watch->merge, &merge);
}

/* Events in the parent count only if they are about the directory. */
static bool is_of_parent(const struct watch *watch, const struct inotify_event *event)
{
    const char *name = strrchr(watch->path, '/');

    name = name != NULL ? name + 1 : watch->path;
    return event->wd == watch->on_parent && event->len > 0 && strcmp(event->name, name) == 0;
}

/* False: it is of no interest. */
static bool note(struct watch *watch, const struct inotify_event *event)
{
    if (event->wd == watch->folder.folder && event->len > 0)
        fileset_add(&watch->which, event->name);
    else if (event->wd == watch->folder.folder || (event->mask & IN_Q_OVERFLOW) != 0 ||
             is_of_parent(watch, event))
        fileset_add_any(&watch->which);
    else
        return false;
    return true;
}

static bool is_arrival(const struct watch *watch, const struct inotify_event *event)
{
    return event->wd == watch->folder.folder && event->len > 0 &&
           (event->mask & (IN_MOVED_TO | IN_ISDIR)) == IN_MOVED_TO;
}

/* One reading of what is told.  False: nothing was. */
static bool hear(struct watch *watch, bool *relevant)
{
    _Alignas(struct inotify_event) char buffer[BUFFER];
    ssize_t size = read(watch->folder.inotify, buffer, sizeof buffer);

    for (ssize_t at = 0; at < size;) {
        const struct inotify_event *event = (const struct inotify_event *)(void *)(buffer + at);
        if (is_arrival(watch, event) && is_quiet(watch)) {
            watch->arrived(watch->arg, event->name);
            watch->told = clock_ms();
        }
        *relevant |= note(watch, event);
        at += (ssize_t)(sizeof *event + event->len);
    }
    return size > 0;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct watch *watch = arg;
    bool relevant = false;

    (void)fd;
    (void)what;
    (void)hear(watch, &relevant);
    if (relevant)
        soon(watch);
}

static void on_merged(evutil_socket_t fd, short what, void *arg)
{
    struct watch *watch = arg;
    bool relevant = false;

    (void)fd;
    (void)what;
    if (watch->readable != NULL) {
        while (hear(watch, &relevant)) /* what was told meanwhile belongs to it */
            continue;
        event_add(watch->readable, NULL);
    }
    add_watches(watch); /* the directory may be another one by now */
    watch->changed(watch->arg, &watch->which);
    fileset_clear(&watch->which);
}

static void on_poll(evutil_socket_t fd, short what, void *arg)
{
    struct watch *watch = arg;

    (void)fd;
    (void)what;
    add_watches(watch); /* what was read last may be another directory than what is watched */
    if (source_dir_fingerprint(watch->path) == watch->seen)
        return;
    fileset_add_any(&watch->which);
    soon(watch);
}

void watch_was_read(struct watch *watch, uint64_t fingerprint)
{
    watch->seen = fingerprint;
}

static void split_path(struct watch *watch, const char *path)
{
    watch->path = alloc_string(path);
    for (size_t n = strlen(watch->path); n > 1 && watch->path[n - 1] == '/';)
        watch->path[--n] = '\0';
    char *copy = alloc_string(watch->path);
    watch->parent = alloc_string(dirname(copy));
    free(copy);
}

struct watch *watch_new(struct event_base *base, const char *path, uint64_t fingerprint,
                        watch_changed_fn *changed, void *arg)
{
    static const struct timeval poll_every = {WATCH_POLL_MS / 1000, 0};
    struct watch *watch = alloc_array(1, sizeof *watch);
    char now[FOLDERWATCH_NOW_MAX];

    split_path(watch, path);
    watch->changed = changed;
    watch->arg = arg;
    watch->seen = fingerprint;
    watch->on_parent = -1;
    snprintf(now, sizeof now, "looking every %d seconds", WATCH_POLL_MS / 1000);
    folderwatch_open(&watch->folder, "watch", now);
    watch->merge = evtimer_new(base, on_merged, watch);
    watch->poll = event_new(base, -1, EV_PERSIST, on_poll, watch);
    event_add(watch->poll, &poll_every);
    if (watch->folder.inotify >= 0) {
        watch->readable =
            event_new(base, watch->folder.inotify, EV_READ | EV_PERSIST, on_readable, watch);
        event_add(watch->readable, NULL);
        add_watches(watch);
        fileset_clear(&watch->which);
    }
    /* What changed between the first reading and now. */
    on_poll(-1, 0, watch);
    return watch;
}

void watch_tell_arrivals(struct watch *watch, watch_arrived_fn *arrived)
{
    watch->arrived = arrived;
}

void watch_free(struct watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->readable != NULL)
        event_free(watch->readable);
    event_free(watch->merge);
    event_free(watch->poll);
    folderwatch_close(&watch->folder);
    fileset_clear(&watch->which);
    free(watch->path);
    free(watch->parent);
    free(watch);
}
