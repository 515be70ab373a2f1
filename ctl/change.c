#include "change.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"

#define LINE_SIZE 4096
#define MODE_NEW  0666 /* less the umask */

static void add(struct change *change, const char *name, const struct offline_file *old,
                char *bytes, size_t size)
{
    if (change->names == NULL) {
        change->names = json_object();
    }
    /* The name of a file may be no UTF-8. */
    (void)json_object_set_new_nocheck(change->names, name, json_true());
    change->items = alloc_resize(change->items, change->length + 1, sizeof(*change->items));
    change->items[change->length++] =
        (struct change_item){.name = alloc_string(name), .bytes = bytes, .size = size, .old = old};
}

void change_put(struct change *change, const char *name, const struct offline_file *old,
                char *bytes, size_t size)
{
    add(change, name, old, bytes, size);
}

void change_remove(struct change *change, const struct offline_file *old)
{
    add(change, old->name, old, NULL, 0);
}

void change_clear(struct change *change)
{
    for (size_t i = 0; i < change->length; i++) {
        free(change->items[i].name);
        free(change->items[i].bytes);
    }
    free(change->items);
    json_decref(change->names);
    tableset_free(change->before);
    tableset_free(change->after);
    *change = (struct change){.folder = change->folder};
}

/* ---- judging ---- */

static bool is_changed(const struct change *change, const char *name)
{
    return json_object_get(change->names, name) != NULL;
}

static void offer_all(const struct change *change, struct catalog *catalog)
{
    const struct offline *files = &change->folder->files;

    for (size_t i = 0; i < files->length; i++) {
        const struct offline_file *file = &files->files[i];

        if (is_changed(change, file->name)) {
            continue;
        }
        if (file->trouble != NULL) {
            catalog_offer_unreadable(catalog, file->name, file->trouble);
        } else {
            (void)catalog_offer(catalog, file->name, file->bytes, file->size);
        }
    }
    for (size_t i = 0; i < change->length; i++) {
        const struct change_item *item = &change->items[i];

        if (item->bytes != NULL) {
            (void)catalog_offer(catalog, item->name, item->bytes, item->size);
        }
    }
}

static bool tell(const struct change *change, const struct catalog_entry *entry)
{
    char line[LINE_SIZE];

    if (!entry->refused || !is_changed(change, entry->name)) {
        return true;
    }
    for (size_t i = 0; i < entry->complaints->length; i++) {
        const struct error *complaint = &entry->complaints->items[i];

        if (!complaint->warning) {
            output_error(&change->folder->call->output, "%s",
                         error_format(complaint, line, sizeof(line)));
        }
    }
    return false;
}

/* As check would of the same documents. */
static void warn(const struct change *change)
{
    const struct catalog *catalog = change->folder->catalog;
    char line[LINE_SIZE];

    for (size_t i = 0; i < catalog_length(catalog); i++) {
        struct catalog_entry entry;

        catalog_entry(catalog, i, &entry);
        for (size_t j = 0; is_changed(change, entry.name) && j < entry.complaints->length; j++) {
            struct error complaint = entry.complaints->items[j];

            complaint.warning = false; /* the word stands in front */
            output_warning(&change->folder->call->output, "%s",
                           error_format(&complaint, line, sizeof(line)));
        }
    }
}

enum exitcode change_judge(struct change *change)
{
    struct catalog *catalog = change->folder->catalog;
    struct table_options options = {.zone = ""};
    struct catalog_change ignored;
    bool ok = true;

    if (change->compared) {
        change->before = catalog_build_set(catalog, &options);
    }
    catalog_begin(catalog);
    offer_all(change, catalog);
    catalog_finish(catalog, 0, &ignored);
    for (size_t i = 0; i < catalog_length(catalog); i++) {
        struct catalog_entry entry;

        catalog_entry(catalog, i, &entry);
        ok &= tell(change, &entry);
    }
    if (!ok) {
        output_error(&change->folder->call->output, "pldnsd would refuse this: nothing is written");
        return EXITCODE_WRONG;
    }
    warn(change);
    if (change->compared) {
        change->after = catalog_build_set(catalog, &options);
    }
    return EXITCODE_FINE;
}

/* ---- writing ---- */

static char *path_of(const struct folder *folder, const char *format, const char *name)
{
    size_t size = strlen(folder->path) + strlen(format) + strlen(name) + 2;
    char *path = alloc_array(size, 1);
    int used = snprintf(path, size, "%s/", folder->path);

    while (*format != '\0') {
        if (*format == '%') {
            used += snprintf(path + used, size - (size_t)used, "%s", name);
            format++;
        } else {
            path[used++] = *format++;
            path[used] = '\0';
        }
    }
    return path;
}

/* What stands there is no ordinary file of ours to replace. */
static bool is_foreign(const struct folder *folder, const char *path, const char *name)
{
    const struct output *output = &folder->call->output;
    char *data = path_of(folder, "..data", "");
    struct stat st;
    bool mounted = lstat(data, &st) == 0;

    free(data);
    if (mounted) {
        output_error(output,
                     "%s is a mounted ConfigMap or Secret, which cannot be changed from here: "
                     "change the object itself (kubectl edit), or give --attachments DIR",
                     folder->path);
        return true;
    }
    if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode)) {
        output_error(output,
                     "%s/%s is a symbolic link: change what it points to (give that directory "
                     "with --attachments)",
                     folder->path, name);
        return true;
    }
    return false;
}

/* Somebody without a lock, an editor, may have written since we read. */
static bool is_as_read(const struct folder *folder, const struct change_item *item,
                       const char *path)
{
    struct offline now = {0};
    struct stat st;
    char why[LINE_SIZE];
    bool same;

    if (item->old == NULL) {
        same = lstat(path, &st) != 0;
    } else {
        same = offline_add(&now, path, OFFLINE_PATHS, why, sizeof(why)) &&
               now.files[0].trouble == NULL && now.files[0].size == item->old->size &&
               memcmp(now.files[0].bytes, item->old->bytes, item->old->size) == 0;
        offline_clear(&now);
    }
    if (!same) {
        output_error(&folder->call->output,
                     item->old == NULL ? "%s/%s is there already: nothing is written"
                                       : "%s/%s was changed by somebody else meanwhile: nothing is "
                                         "written",
                     folder->path, item->name);
    }
    return same;
}

/* The new file is as readable as the old one was. */
static void copy_rights(int fd, const char *path)
{
    struct stat st;
    mode_t mask = umask(0);

    (void)umask(mask);
    if (lstat(path, &st) != 0) {
        (void)fchmod(fd, MODE_NEW & ~mask);
        return;
    }
    if (fchown(fd, st.st_uid, st.st_gid) != 0 && fchown(fd, (uid_t)-1, st.st_gid) != 0) {
        errno = 0; /* not root: the file is ours then, and its mode says who may read it */
    }
    (void)fchmod(fd, st.st_mode & 07777);
}

static bool fill(int fd, const struct change_item *item)
{
    size_t done = 0;

    while (done < item->size) {
        ssize_t n = write(fd, item->bytes + done, item->size - done);

        if (n < 0 && errno != EINTR) {
            return false;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) == 0;
}

/* Who interrupts us is heard when nothing half done stands beside. */
static void hold_signals(sigset_t *before)
{
    sigset_t held;

    (void)sigemptyset(&held);
    (void)sigaddset(&held, SIGINT);
    (void)sigaddset(&held, SIGTERM);
    (void)sigaddset(&held, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &held, before);
}

/* Complete beside, then put in its place: whoever reads sees the old version or the new one. */
static bool replace(const struct folder *folder, const struct change_item *item, const char *path)
{
    sigset_t before;

    hold_signals(&before);
    char *temporary = path_of(folder, ".%.XXXXXX", item->name);
    int fd = mkostemp(temporary, O_CLOEXEC);
    bool ok = fd >= 0, as_read = true;

    if (ok) {
        copy_rights(fd, path);
        ok = fill(fd, item) && close(fd) == 0;
        as_read = !ok || is_as_read(folder, item, path); /* the disk may have taken its time */
        ok = ok && as_read && rename(temporary, path) == 0;
        if (!ok) {
            int error = errno;

            (void)unlink(temporary);
            errno = error;
        }
    }
    if (!ok && as_read) {
        output_error(&folder->call->output, "%s/%s cannot be written: %s; %s", folder->path,
                     item->name, strerror(errno),
                     item->old != NULL ? "the old version stays" : "there is no such document");
    }
    free(temporary);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return ok;
}

static bool write_one(const struct change *change, const struct change_item *item)
{
    struct folder *folder = change->folder;
    char *path = path_of(folder, "%", item->name);
    bool ok = !is_foreign(folder, path, item->name) && is_as_read(folder, item, path);

    if (ok && item->bytes != NULL) {
        ok = replace(folder, item, path);
    } else if (ok && unlink(path) != 0) {
        output_error(&folder->call->output, "%s cannot be removed: %s", path, strerror(errno));
        ok = false;
    }
    /* The rename itself must be on the disk before anybody is told that it happened. */
    if (ok && fsync(folder->fd) != 0) {
        output_error(&folder->call->output, "%s: %s", folder->path, strerror(errno));
        ok = false;
    }
    free(path);
    return ok;
}

enum exitcode change_write(const struct change *change)
{
    /* A file that may not grow is an error to be told, not the end of us. */
    (void)signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < change->length; i++) {
        if (!write_one(change, &change->items[i])) {
            if (i > 0) {
                output_error(&change->folder->call->output,
                             "written before that: %zu of %zu documents", i, change->length);
            }
            return EXITCODE_WRONG;
        }
    }
    return EXITCODE_FINE;
}
