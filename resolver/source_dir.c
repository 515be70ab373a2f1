#include "source_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "cpus.h"
#include "crew.h"
#include "filetime.h"
#include "slurp.h"
#include "yamldoc.h"

/* What keeps a thread busy for some ten milliseconds is worth one. */
#define OCTETS_PER_HAND (256u << 10)

struct seen {
    char *name;
    struct stat status;
    bool settled; /* as long as 'status' stays, so do the bytes */
    bool unreadable;
};

struct source_dir {
    char *path;
    struct seen *seen; /* sorted by name */
    size_t length;
    size_t unreadable;
    struct writing *writing; /* NULL: nobody is waited for */
    char *being_written;     /* NULL: nothing is … */
    uint64_t look_again;     /* … and nobody need look */
};

struct listing {
    char **names; /* sorted */
    size_t length;
    bool cut; /* there were more than SOURCE_DIR_DOCUMENTS_MAX */
};

static bool is_document(const char *name)
{
    static const char *const endings[] = {".yaml", ".yml", ".json"};
    size_t length = strlen(name);

    if (name[0] == '.')
        return false;
    for (size_t i = 0; i < ARRAY_LENGTH(endings); i++) {
        size_t size = strlen(endings[i]);
        if (length > size && strcmp(name + length - size, endings[i]) == 0)
            return true;
    }
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void clear(struct listing *list)
{
    for (size_t i = 0; i < list->length; i++)
        free(list->names[i]);
    free(list->names);
    *list = (struct listing){0};
}

/* errno is left as readdir() set it: 0 at the end of the directory. */
static void collect(struct listing *list, DIR *folder)
{
    const struct dirent *entry;
    size_t room = 0;

    while (errno = 0, (entry = readdir(folder)) != NULL) {
        if (!is_document(entry->d_name))
            continue;
        if (list->length == SOURCE_DIR_DOCUMENTS_MAX) {
            list->cut = true;
            break;
        }
        if (list->length == room) {
            room = room == 0 ? 16 : room * 2;
            list->names = alloc_resize(list->names, room, sizeof(char *));
        }
        list->names[list->length++] = alloc_string(entry->d_name);
    }
}

/* The documents of the directory; '*folder' is open then.  False: 'why'. */
static bool list_folder(const char *path, int *folder, struct listing *list, const char **why)
{
    *list = (struct listing){0};
    *folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* closedir() closes its descriptor; files are opened relative to the other one. */
    int copy = *folder >= 0 ? fcntl(*folder, F_DUPFD_CLOEXEC, 0) : -1;
    DIR *stream = copy >= 0 ? fdopendir(copy) : NULL;

    if (stream == NULL) {
        *why = strerrordesc_np(errno);
        if (copy >= 0)
            close(copy);
        if (*folder >= 0)
            close(*folder);
        return false;
    }
    collect(list, stream);
    int failure = errno;
    closedir(stream);
    /* Half a directory is not the truth: what is missing from it would be detached. */
    if (failure != 0 || list->cut) {
        *why = list->cut ? "holds more than 100000 documents" : strerrordesc_np(failure);
        clear(list);
        close(*folder);
        return false;
    }
    if (list->length > 1)
        qsort(list->names, list->length, sizeof(char *), by_name);
    return true;
}

/* ---- what is known of files ---- */

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_same_status(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           is_same_time(&a->st_mtim, &b->st_mtim) && is_same_time(&a->st_ctim, &b->st_ctim);
}

/* What is known of 'name' from the last reading; both lists are sorted, '*at' only grows. */
static const struct seen *seen_before(const struct source_dir *dir, const char *name, size_t *at)
{
    while (*at < dir->length && strcmp(dir->seen[*at].name, name) < 0)
        ++*at;
    if (*at == dir->length || strcmp(dir->seen[*at].name, name) != 0)
        return NULL;
    return &dir->seen[*at];
}

/* A link that leads nowhere is there, though. */
static bool is_gone(int folder, const char *name)
{
    struct stat status;

    return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
}

/* ---- files that are being written to ---- */

static bool is_held(const struct source_dir *dir, const char *name)
{
    return dir->writing != NULL && writing_holds(dir->writing, name, NULL);
}

static void hold(struct source_dir *dir, struct catalog *catalog, const char *name)
{
    size_t before = dir->being_written != NULL ? strlen(dir->being_written) : 0;
    size_t size = strlen(name);
    uint64_t end;

    catalog_offer_standing(catalog, name);
    if (writing_holds(dir->writing, name, &end) && end < dir->look_again)
        dir->look_again = end;
    dir->being_written = alloc_resize(dir->being_written, before + size + 2, 1);
    memcpy(dir->being_written + before, name, size);
    memcpy(dir->being_written + before + size, "\n", 2);
}

static void begin_holding(struct source_dir *dir)
{
    free(dir->being_written);
    dir->being_written = NULL;
    dir->look_again = UINT64_MAX;
    if (dir->writing != NULL)
        writing_begin(dir->writing, clock_ms());
}

/* ---- reading ---- */

/* Files that are to be read, by several threads if there are many. */
struct pass {
    struct catalog *catalog;
    int folder;
    struct filetime times;
    uint64_t now_us;
    struct seen **files;
    struct catalog_reading **readings; /* NULL: what to say of the file stands in 'why' … */
    const char **why;                  /* … NULL: it is gone */
    size_t length, octets;
};

static void read_one(void *arg, size_t i)
{
    struct pass *pass = arg;
    struct seen *file = pass->files[i];
    char *bytes;
    size_t size;

    file->settled = slurp_file(pass->folder, file->name, YAMLDOC_SIZE_MAX, &bytes, &size,
                               &file->status, &pass->why[i]);
    if (file->settled) {
        pass->readings[i] = catalog_read(pass->catalog, file->name, bytes, size);
        file->settled = filetime_is_settled(&pass->times, &file->status, pass->now_us);
    } else if (is_gone(pass->folder, file->name)) {
        pass->why[i] = NULL; /* since it was listed: as if it had not been */
    }
}

static void offer_unreadable(struct catalog *catalog, const struct seen *file, const char *why)
{
    char text[128];

    if (S_ISREG(file->status.st_mode) && (uint64_t)file->status.st_size > YAMLDOC_SIZE_MAX) {
        snprintf(text, sizeof text, "too large: has %jd bytes; at most %u are read",
                 (intmax_t)file->status.st_size, YAMLDOC_SIZE_MAX);
        why = text;
    }
    catalog_offer_unreadable(catalog, file->name, why);
}

static void offer_one(struct source_dir *dir, const struct pass *pass, size_t i)
{
    struct catalog *catalog = pass->catalog;
    struct seen *file = pass->files[i];

    if (is_held(dir, file->name)) { /* since it was read, or a moment before */
        file->settled = false;
        catalogearly_drop(pass->readings[i]);
        hold(dir, catalog, file->name);
    } else if (pass->readings[i] != NULL) {
        (void)catalog_offer_reading(catalog, file->name, pass->readings[i]);
    } else if (pass->why[i] != NULL) {
        file->unreadable = true;
        offer_unreadable(catalog, file, pass->why[i]);
    }
}

/* True: it is as it was when it was offered last, and need not be read. */
static bool offer_same(struct catalog *catalog, int folder, struct seen *file,
                       const struct seen *before)
{
    struct stat status;

    if (before == NULL || !before->settled || fstatat(folder, file->name, &status, 0) != 0 ||
        !is_same_status(&status, &before->status) || !catalog_offer_same(catalog, file->name))
        return false;
    file->status = status;
    file->settled = true;
    return true;
}

static size_t hands_for(size_t octets)
{
    size_t worth = 1 + octets / OCTETS_PER_HAND;

    if (worth == 1)
        return 1;
    size_t cpus = cpus_allowed();
    return worth < cpus ? worth : cpus;
}

static void offer_all(struct source_dir *dir, struct pass *pass, struct seen *files, size_t length,
                      bool trust)
{
    size_t at = 0;
    struct stat status;

    pass->files = alloc_array(length, sizeof *pass->files);
    for (size_t i = 0; i < length; i++) {
        const struct seen *before = trust ? seen_before(dir, files[i].name, &at) : NULL;
        if (is_held(dir, files[i].name)) {
            hold(dir, pass->catalog, files[i].name);
            continue;
        }
        if (offer_same(pass->catalog, pass->folder, &files[i], before))
            continue;
        pass->files[pass->length++] = &files[i];
        if (fstatat(pass->folder, files[i].name, &status, 0) == 0 && S_ISREG(status.st_mode))
            pass->octets += (size_t)status.st_size;
    }
    pass->readings = alloc_array(pass->length, sizeof *pass->readings);
    pass->why = alloc_array(pass->length, sizeof *pass->why);
    crew_run(pass->length, hands_for(pass->octets), read_one, pass);
    if (dir->writing != NULL)
        writing_learn(dir->writing, clock_ms());
    for (size_t i = 0; i < pass->length; i++)
        offer_one(dir, pass, i);
    free(pass->files);
    free(pass->readings);
    free(pass->why);
}

static void forget(struct source_dir *dir)
{
    for (size_t i = 0; i < dir->length; i++)
        free(dir->seen[i].name);
    free(dir->seen);
    dir->seen = NULL;
    dir->length = 0;
}

bool source_dir_read(struct source_dir *dir, struct catalog *catalog, bool trust, uint64_t now_us,
                     const char **why)
{
    struct listing list;
    int folder;

    begin_holding(dir);
    if (!list_folder(dir->path, &folder, &list, why))
        return false;
    struct seen *fresh = alloc_array(list.length, sizeof *fresh);
    for (size_t i = 0; i < list.length; i++)
        fresh[i].name = list.names[i]; /* taken over */
    struct pass pass = {
        .catalog = catalog, .folder = folder, .times = filetime_of(folder), .now_us = now_us};
    offer_all(dir, &pass, fresh, list.length, trust);
    close(folder);
    forget(dir);
    dir->unreadable = 0;
    for (size_t i = 0; i < list.length; i++)
        dir->unreadable += fresh[i].unreadable;
    dir->seen = fresh;
    dir->length = list.length;
    free(list.names);
    return true;
}

bool source_dir_read_early(const struct source_dir *dir, struct catalog *catalog, const char *name,
                           uint64_t now, struct catalog_change *out)
{
    int folder = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char *bytes;
    size_t size;
    const char *why;
    bool read = folder >= 0 && is_document(name) && catalogearly_knows(catalog, name) &&
                slurp_file(folder, name, SOURCE_DIR_EARLY_MAX, &bytes, &size, NULL, &why);

    if (folder >= 0)
        close(folder);
    if (dir->writing != NULL)
        writing_learn(dir->writing, clock_ms());
    if (read && is_held(dir, name)) {
        free(bytes);
        return false;
    }
    return read &&
           catalogearly_take(catalog, name, catalog_read(catalog, name, bytes, size), now, out);
}

struct source_dir *source_dir_new(const char *path)
{
    struct source_dir *dir = alloc_array(1, sizeof *dir);

    dir->path = alloc_string(path);
    dir->look_again = UINT64_MAX;
    return dir;
}

void source_dir_free(struct source_dir *dir)
{
    if (dir == NULL)
        return;
    forget(dir);
    free(dir->being_written);
    free(dir->path);
    free(dir);
}

size_t source_dir_unreadable(const struct source_dir *dir)
{
    return dir->unreadable;
}

void source_dir_heed(struct source_dir *dir, struct writing *writing)
{
    dir->writing = writing;
}

const char *source_dir_being_written(const struct source_dir *dir)
{
    return dir->being_written != NULL ? dir->being_written : "";
}

uint64_t source_dir_look_again(const struct source_dir *dir)
{
    return dir->look_again;
}

/* ---- the fingerprint ---- */

/* FNV-1a: nobody gains anything by a collision of his own files. */
static uint64_t mix(uint64_t hash, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * 0x100000001b3u;
    return hash;
}

uint64_t source_dir_fingerprint(const char *path)
{
    struct listing list;
    uint64_t hash = 0xcbf29ce484222325u;
    const char *why;
    int folder;

    if (!list_folder(path, &folder, &list, &why))
        return 0;
    for (size_t i = 0; i < list.length; i++) {
        struct stat status;
        hash = mix(hash, list.names[i], strlen(list.names[i]) + 1);
        if (fstatat(folder, list.names[i], &status, 0) != 0)
            continue; /* its name alone counts: unreadable is a state too */
        hash = mix(hash, &status.st_dev, sizeof status.st_dev);
        hash = mix(hash, &status.st_ino, sizeof status.st_ino);
        hash = mix(hash, &status.st_size, sizeof status.st_size);
        hash = mix(hash, &status.st_mtim, sizeof status.st_mtim);
        hash = mix(hash, &status.st_ctim, sizeof status.st_ctim);
    }
    clear(&list);
    close(folder);
    return hash != 0 ? hash : 1;
}
