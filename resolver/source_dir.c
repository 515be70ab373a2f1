#include "source_dir.h"

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
#include "folderlist.h"
#include "slurp.h"
#include "yamldoc.h"

/* What keeps a thread busy for some ten milliseconds is worth one. */
#define OCTETS_PER_HAND (256u << 10)

struct seen {
    char *name;
    struct stat status; /* all zero: it has none */
    uint64_t hash;      /* of both */
    bool settled;       /* as long as 'status' stays, so do the bytes */
    bool unreadable;
};

struct source_dir {
    char *path;
    struct seen *seen; /* sorted by name */
    size_t length;
    size_t unreadable;
    uint64_t fingerprint;    /* of them; 0: the directory could not be read */
    struct stat folder;      /* the directory itself */
    bool linked;             /* what stands elsewhere may change unheard */
    struct writing *writing; /* NULL: nobody is waited for */
    char *being_written;     /* NULL: nothing is … */
    uint64_t look_again;     /* … and nobody need look */
};

/* ---- the fingerprint ---- */

/* FNV-1a: nobody gains anything by a collision of his own files. */
static uint64_t mix(uint64_t hash, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * 0x100000001b3u;
    return hash;
}

/* Of a file whose status is all zero, its name alone: unreadable is a state too. */
static uint64_t hash_of(const char *name, const struct stat *status)
{
    uint64_t hash = mix(0xcbf29ce484222325u, name, strlen(name) + 1);

    hash = mix(hash, &status->st_dev, sizeof status->st_dev);
    hash = mix(hash, &status->st_ino, sizeof status->st_ino);
    hash = mix(hash, &status->st_size, sizeof status->st_size);
    hash = mix(hash, &status->st_mtim, sizeof status->st_mtim);
    hash = mix(hash, &status->st_ctim, sizeof status->st_ctim);
    return hash ^ hash >> 32; /* they are added up */
}

static void look_at(int folder, const char *name, struct stat *status)
{
    if (fstatat(folder, name, status, 0) != 0)
        *status = (struct stat){0};
}

static uint64_t fingerprint_of(uint64_t sum)
{
    return sum != 0 ? sum : 1;
}

uint64_t source_dir_fingerprint(const char *path)
{
    struct folderlist list;
    struct stat status;
    uint64_t sum = 0;
    const char *why;
    int folder;

    if (!folderlist_read(path, &folder, &list, &why))
        return 0;
    for (size_t i = 0; i < list.length; i++) {
        look_at(folder, list.names[i], &status);
        sum += hash_of(list.names[i], &status);
    }
    folderlist_clear(&list);
    close(folder);
    return fingerprint_of(sum);
}

uint64_t source_dir_seen(const struct source_dir *dir)
{
    return dir->fingerprint;
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
static bool offer_same(struct catalog *catalog, struct seen *file, const struct seen *before)
{
    file->settled = before != NULL && before->settled &&
                    is_same_status(&file->status, &before->status) &&
                    catalog_offer_same(catalog, file->name);
    return file->settled;
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

    pass->files = alloc_array(length, sizeof *pass->files);
    for (size_t i = 0; i < length; i++) {
        const struct seen *before = trust ? seen_before(dir, files[i].name, &at) : NULL;
        look_at(pass->folder, files[i].name, &files[i].status);
        if (is_held(dir, files[i].name)) {
            hold(dir, pass->catalog, files[i].name);
            continue;
        }
        if (offer_same(pass->catalog, &files[i], before))
            continue;
        pass->files[pass->length++] = &files[i];
        if (S_ISREG(files[i].status.st_mode))
            pass->octets += (size_t)files[i].status.st_size;
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

/* Reads the files of these names, which stand in order and are taken over. */
static struct seen *read_files(struct source_dir *dir, struct catalog *catalog, int folder,
                               struct folderlist *list, bool trust, uint64_t now_us)
{
    struct seen *fresh = alloc_array(list->length, sizeof *fresh);
    struct pass pass = {
        .catalog = catalog, .folder = folder, .times = filetime_of(folder), .now_us = now_us};

    for (size_t i = 0; i < list->length; i++)
        fresh[i].name = list->names[i];
    free(list->names);
    offer_all(dir, &pass, fresh, list->length, trust);
    for (size_t i = 0; i < list->length; i++)
        fresh[i].hash = hash_of(fresh[i].name, &fresh[i].status);
    return fresh;
}

static void free_names(struct source_dir *dir)
{
    for (size_t i = 0; i < dir->length; i++)
        free(dir->seen[i].name);
}

/* The names of those before are taken over, or free. */
static void replace_seen(struct source_dir *dir, struct seen *seen, size_t length)
{
    uint64_t sum = 0;

    free(dir->seen);
    dir->seen = seen;
    dir->length = length;
    dir->unreadable = 0;
    for (size_t i = 0; i < length; i++) {
        dir->unreadable += seen[i].unreadable;
        sum += seen[i].hash;
    }
    dir->fingerprint = fingerprint_of(sum);
}

bool source_dir_read(struct source_dir *dir, struct catalog *catalog, bool trust, uint64_t now_us,
                     const char **why)
{
    struct folderlist list;
    int folder;

    begin_holding(dir);
    dir->fingerprint = 0;
    if (!folderlist_read(dir->path, &folder, &list, why))
        return false;
    folderlist_sort(&list);
    dir->linked = list.linked;
    if (fstat(folder, &dir->folder) != 0)
        dir->folder = (struct stat){0};
    struct seen *fresh = read_files(dir, catalog, folder, &list, trust, now_us);
    close(folder);
    free_names(dir);
    replace_seen(dir, fresh, list.length);
    return true;
}

/* ---- some of them ---- */

/* The documents among these, and those of them that are there as files of their own.  False: of
 * one it cannot be told. */
static bool list_some(int folder, const struct fileset *which, struct folderlist *heard,
                      struct folderlist *there)
{
    struct stat status;
    bool good = true;

    *heard = (struct folderlist){.names = alloc_array(which->length, sizeof(char *))};
    *there = (struct folderlist){.names = alloc_array(which->length, sizeof(char *))};
    for (size_t i = 0; i < which->length && good; i++) {
        char *name = which->names[i];
        if (!folderlist_is_document(name))
            continue;
        heard->names[heard->length++] = alloc_string(name);
        if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
            there->names[there->length++] = alloc_string(name);
        else
            status.st_mode = errno == ENOENT ? S_IFREG : 0;
        good = !S_ISLNK(status.st_mode) && status.st_mode != 0;
    }
    folderlist_sort(heard);
    folderlist_sort(there);
    return good;
}

/* Both the list and the names that are asked for are sorted, '*at' only grows. */
static bool is_among(const struct folderlist *list, const char *name, size_t *at)
{
    while (*at < list->length && strcmp(list->names[*at], name) < 0)
        ++*at;
    return *at < list->length && strcmp(list->names[*at], name) == 0;
}

/* All but these stand as they stood.  False: of one that is not known. */
static bool offer_others(const struct source_dir *dir, struct catalog *catalog,
                         const struct folderlist *but)
{
    size_t at = 0;
    bool known = true;

    for (size_t i = 0; i < dir->length && known; i++) {
        const char *name = dir->seen[i].name;
        known = is_among(but, name, &at) || catalog_offer_same(catalog, name);
    }
    return known;
}

/* Puts these in the place of those of which something was heard; both stand in order. */
static void join(struct source_dir *dir, const struct folderlist *heard, struct seen *fresh,
                 size_t length)
{
    struct seen *all = alloc_array(dir->length + length, sizeof *all);
    size_t n = 0, at = 0, used = 0;

    for (size_t i = 0; i < dir->length; i++) {
        struct seen *old = &dir->seen[i];
        while (n < length && strcmp(fresh[n].name, old->name) <= 0)
            all[used++] = fresh[n++];
        if (is_among(heard, old->name, &at))
            free(old->name);
        else
            all[used++] = *old;
    }
    while (n < length)
        all[used++] = fresh[n++];
    replace_seen(dir, all, used);
}

static bool may_read_some(const struct source_dir *dir, int folder, const struct fileset *which)
{
    struct stat status;

    return !which->any && dir->length + which->length <= FOLDERLIST_MAX && dir->fingerprint != 0 &&
           !dir->linked && dir->being_written == NULL && fstat(folder, &status) == 0 &&
           status.st_ino == dir->folder.st_ino && status.st_dev == dir->folder.st_dev;
}

bool source_dir_read_some(struct source_dir *dir, struct catalog *catalog,
                          const struct fileset *which, uint64_t now_us)
{
    int folder = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct folderlist heard = {0}, there = {0};

    bool good = folder >= 0 && may_read_some(dir, folder, which) &&
                list_some(folder, which, &heard, &there) && offer_others(dir, catalog, &heard);
    if (good) {
        begin_holding(dir);
        struct seen *fresh = read_files(dir, catalog, folder, &there, true, now_us);
        join(dir, &heard, fresh, there.length);
        free(fresh);
        there = (struct folderlist){0};
    }
    folderlist_clear(&heard);
    folderlist_clear(&there);
    if (folder >= 0)
        close(folder);
    return good;
}

bool source_dir_read_early(const struct source_dir *dir, struct catalog *catalog, const char *name,
                           uint64_t now, struct catalog_change *out)
{
    int folder = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char *bytes;
    size_t size;
    const char *why;
    bool read = folder >= 0 && folderlist_is_document(name) && catalogearly_knows(catalog, name) &&
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
    free_names(dir);
    free(dir->seen);
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
