#include "source_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "slurp.h"
#include "yamldoc.h"

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

bool source_dir_read(const char *path, struct catalog *catalog, const char **why)
{
    struct listing list;
    int folder;

    if (!list_folder(path, &folder, &list, why))
        return false;
    for (size_t i = 0; i < list.length; i++) {
        char *bytes;
        size_t size;
        const char *problem;
        if (slurp_file(folder, list.names[i], YAMLDOC_SIZE_MAX, &bytes, &size, NULL, &problem)) {
            (void)catalog_offer(catalog, list.names[i], bytes, size);
            free(bytes);
        } else {
            catalog_offer_unreadable(catalog, list.names[i], problem);
        }
    }
    clear(&list);
    close(folder);
    return true;
}

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
