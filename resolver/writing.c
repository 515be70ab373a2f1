#include "writing.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "folderwatch.h"

#define BEGINS (IN_MODIFY | IN_CREATE)
#define ENDS   (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)
/* Every event read at once may carry a name of NAME_MAX octets. */
#define BUFFER (16 * (sizeof(struct inotify_event) + NAME_MAX + 1))

struct file {
    char *name;
    uint64_t since, last; /* written to, for the first and the last time */
    bool let_go;          /* not waited for in this reading … */
    bool again;           /* … and written to since it was let go */
};

struct writing {
    char *path;
    struct folderwatch folder; /* without inotify nothing is ever known */
    struct file files[WRITING_FILES_MAX];
    size_t length;
};

/* ---- the files ---- */

static struct file *find(struct writing *w, const char *name)
{
    for (size_t i = 0; i < w->length; i++) {
        if (strcmp(w->files[i].name, name) == 0)
            return &w->files[i];
    }
    return NULL;
}

static void drop(struct writing *w, struct file *file)
{
    free(file->name);
    *file = w->files[--w->length];
}

static void drop_all(struct writing *w)
{
    while (w->length > 0)
        drop(w, &w->files[w->length - 1]);
}

static void note(struct writing *w, const char *name, uint64_t now)
{
    struct file *file = find(w, name);

    if (file == NULL && w->length == WRITING_FILES_MAX)
        return;
    if (file == NULL) {
        file = &w->files[w->length++];
        *file = (struct file){.name = alloc_string(name), .since = now};
    }
    file->last = now;
    file->again = true;
}

static uint64_t end_of(const struct file *file)
{
    uint64_t pause = file->last + WRITING_PAUSE_MS, most = file->since + WRITING_MOST_MS;

    return pause < most ? pause : most;
}

/* Who was let go has been read since; a write behind that begins a new wait. */
static void judge(struct writing *w, struct file *file, uint64_t now)
{
    if (file->let_go && !file->again) {
        drop(w, file);
        return;
    }
    if (file->let_go)
        file->since = file->last;
    file->let_go = now >= end_of(file);
    file->again = false;
}

/* ---- what inotify tells ---- */

/* A file that was made and holds nothing will be written to.  One that holds something already is
 * whole (link(2)), or the event of its being written follows. */
static bool is_empty(const struct writing *w, const char *name)
{
    char path[PATH_MAX];
    struct stat status;
    int size = snprintf(path, sizeof path, "%s/%s", w->path, name);

    return size > 0 && (size_t)size < sizeof path && lstat(path, &status) == 0 &&
           S_ISREG(status.st_mode) && status.st_size == 0;
}

static void hear(struct writing *w, const struct inotify_event *event, uint64_t now)
{
    if (event->wd != w->folder.folder || event->len == 0 || (event->mask & IN_ISDIR) != 0)
        return;
    if ((event->mask & IN_MODIFY) != 0 ||
        ((event->mask & IN_CREATE) != 0 && is_empty(w, event->name))) {
        note(w, event->name, now);
    } else if ((event->mask & ENDS) != 0) {
        struct file *file = find(w, event->name);
        if (file != NULL)
            drop(w, file);
    }
}

/* The directory may be another one by now. */
static void watch_folder(struct writing *w)
{
    if (folderwatch_set(&w->folder, w->path, BEGINS | ENDS))
        drop_all(w);
}

void writing_learn(struct writing *w, uint64_t now)
{
    _Alignas(struct inotify_event) char buffer[BUFFER];
    ssize_t size;

    if (w->folder.inotify < 0)
        return;
    while ((size = read(w->folder.inotify, buffer, sizeof buffer)) > 0) {
        for (ssize_t at = 0; at < size;) {
            const struct inotify_event *event = (const struct inotify_event *)(void *)(buffer + at);
            hear(w, event, now);
            at += (ssize_t)(sizeof *event + event->len);
        }
    }
    watch_folder(w);
}

/* ---- the contract ---- */

struct writing *writing_new(const char *path)
{
    struct writing *w = alloc_array(1, sizeof *w);

    w->path = alloc_string(path);
    folderwatch_open(&w->folder, "writing", "files are read while they are written");
    if (w->folder.inotify >= 0)
        watch_folder(w);
    return w;
}

void writing_free(struct writing *w)
{
    if (w == NULL)
        return;
    drop_all(w);
    folderwatch_close(&w->folder);
    free(w->path);
    free(w);
}

void writing_begin(struct writing *w, uint64_t now)
{
    writing_learn(w, now);
    for (size_t i = w->length; i > 0; i--) /* the last one takes the place of a dropped one */
        judge(w, &w->files[i - 1], now);
}

bool writing_holds(const struct writing *w, const char *name, uint64_t *end)
{
    for (size_t i = 0; i < w->length; i++) {
        const struct file *file = &w->files[i];
        if (strcmp(file->name, name) != 0)
            continue;
        if (end != NULL)
            *end = end_of(file);
        return !file->let_go;
    }
    return false;
}
