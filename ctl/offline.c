#include "offline.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "yamldoc.h"

/* One octet more than a document may have, so that the parser sees that it is too large. */
#define READ_MAX  ((size_t)YAMLDOC_SIZE_MAX + 1)
#define READ_STEP 65536

static void read_all(struct offline_file *file, int fd)
{
    size_t room = 0;
    ssize_t n;

    do {
        if (file->size == room) {
            room = room == 0 ? READ_STEP : 2 * room;
            room = room > READ_MAX ? READ_MAX : room;
            file->bytes = alloc_resize(file->bytes, room, 1);
        }
        n = read(fd, file->bytes + file->size, room - file->size);
        if (n > 0) {
            file->size += (size_t)n;
        }
    } while ((n > 0 && file->size < READ_MAX) || (n < 0 && errno == EINTR));
    if (n < 0) {
        file->trouble = alloc_string(strerror(errno));
    }
}

/* 'regular': what a directory holds must be a file; who names a pipe on the command line means it.
 */
static void read_path(struct offline_file *file, const char *path, bool regular)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | (regular ? O_NONBLOCK : 0));

    if (fd < 0 || fstat(fd, &st) != 0) {
        file->trouble = alloc_string(strerror(errno));
    } else if (S_ISDIR(st.st_mode)) {
        file->trouble = alloc_string("is a directory");
    } else if (regular && !S_ISREG(st.st_mode)) {
        file->trouble = alloc_string("is not a regular file");
    } else {
        read_all(file, fd);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

static struct offline_file *add(struct offline *o, const char *name)
{
    o->files = alloc_resize(o->files, o->length + 1, sizeof(*o->files));
    o->files[o->length] = (struct offline_file){.name = alloc_string(name)};
    return &o->files[o->length++];
}

static bool has_name(const struct offline *o, const char *name)
{
    for (size_t i = 0; i < o->length; i++) {
        if (strcmp(o->files[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static int is_document(const struct dirent *entry)
{
    static const char *const endings[] = {".yaml", ".yml", ".json"};
    size_t length = strlen(entry->d_name);

    if (entry->d_name[0] == '.') {
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(endings); i++) {
        size_t tail = strlen(endings[i]);

        if (length > tail && strcmp(entry->d_name + length - tail, endings[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

/* By octets, not by the locale's alphabet: the daemon's order of names. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static char *join(const char *directory, const char *name)
{
    size_t length = strlen(directory), size = length + strlen(name) + 2;
    char *path = alloc_array(size, 1);
    bool slash = length > 0 && directory[length - 1] == '/';

    (void)snprintf(path, size, "%s%s%s", directory, slash ? "" : "/", name);
    return path;
}

static bool add_directory(struct offline *o, const char *directory, enum offline_naming naming,
                          char *why, size_t why_size)
{
    struct dirent **entries;
    int n = scandir(directory, &entries, is_document, by_name);

    if (n < 0 || n > OFFLINE_FILES_MAX) {
        (void)snprintf(why, why_size, "%s: %s", directory,
                       n < 0 ? strerror(errno) : "has too many documents");
    }
    bool ok = n >= 0 && n <= OFFLINE_FILES_MAX;
    for (int i = 0; i < n; i++) {
        if (ok) {
            char *path = join(directory, entries[i]->d_name);

            read_path(add(o, naming == OFFLINE_PATHS ? path : entries[i]->d_name), path, true);
            free(path);
        }
        free(entries[i]);
    }
    if (n >= 0) {
        free(entries);
    }
    return ok;
}

bool offline_add(struct offline *o, const char *path, enum offline_naming naming, char *why,
                 size_t why_size)
{
    struct stat st;

    if (strcmp(path, "-") == 0) {
        if (!has_name(o, "(standard input)")) {
            read_all(add(o, "(standard input)"), STDIN_FILENO);
        }
        return true;
    }
    if (stat(path, &st) != 0) {
        (void)snprintf(why, why_size, "%s: %s", path, strerror(errno));
        return false;
    }
    if (S_ISDIR(st.st_mode)) {
        return add_directory(o, path, naming, why, why_size);
    }
    if (!has_name(o, path)) {
        read_path(add(o, path), path, false);
    }
    return true;
}

void offline_views(const char *path, struct view_list *out, struct error_list *errors)
{
    struct offline_file file = {0};

    read_path(&file, path, false);
    if (file.trouble != NULL) {
        error_add(errors, path, 0, 0, "cannot be read: %s", file.trouble);
    } else {
        viewread_file(path, file.bytes, file.size, out, errors);
    }
    free(file.bytes);
    free(file.trouble);
}

struct catalog *offline_catalog(const struct offline *o, const struct view_list *views,
                                struct catalog_change *change)
{
    struct catalog *catalog = catalog_new(0);

    catalog_set_views(catalog, views);
    catalog_begin(catalog);
    for (size_t i = 0; i < o->length; i++) {
        const struct offline_file *file = &o->files[i];

        if (file->trouble != NULL) {
            catalog_offer_unreadable(catalog, file->name, file->trouble);
        } else {
            (void)catalog_offer(catalog, file->name, file->bytes, file->size);
        }
    }
    catalog_finish(catalog, 0, change);
    return catalog;
}

void offline_clear(struct offline *o)
{
    for (size_t i = 0; i < o->length; i++) {
        free(o->files[i].name);
        free(o->files[i].bytes);
        free(o->files[i].trouble);
    }
    free(o->files);
    *o = (struct offline){0};
}
