#include "folderwatch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "log.h"

void folderwatch_open(struct folderwatch *f, const char *who, const char *now)
{
    *f = (struct folderwatch){.folder = -1, .who = who};
    snprintf(f->now, sizeof f->now, "%s", now);
    f->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (f->inotify < 0)
        log_warning(who, "why=\"inotify: %s\" now=\"%s\"", strerrordesc_np(errno), now);
}

void folderwatch_close(struct folderwatch *f)
{
    if (f->inotify >= 0)
        close(f->inotify);
    f->inotify = f->folder = -1;
}

bool folderwatch_set(struct folderwatch *f, const char *path, uint32_t events)
{
    int before = f->folder;

    f->folder = inotify_add_watch(f->inotify, path, events | IN_ONLYDIR | IN_EXCL_UNLINK);
    bool is_short = f->folder < 0 && errno == ENOSPC;
    if (is_short && !f->is_short)
        log_warning(f->who,
                    "why=\"inotify: no watch is left, see fs.inotify.max_user_watches\" now=\"%s\"",
                    f->now);
    f->is_short = is_short;
    if (before < 0 || before == f->folder)
        return false;
    (void)inotify_rm_watch(f->inotify, before); /* it may be gone with its directory */
    return true;
}
