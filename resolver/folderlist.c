#include "folderlist.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"

bool folderlist_is_document(const char *name)
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

void folderlist_clear(struct folderlist *list)
{
    for (size_t i = 0; i < list->length; i++)
        free(list->names[i]);
    free(list->names);
    *list = (struct folderlist){0};
}

/* errno is left as readdir() set it: 0 at the end of the directory. */
static void collect(struct folderlist *list, DIR *folder, bool *cut)
{
    const struct dirent *entry;
    size_t room = 0;

    while (errno = 0, (entry = readdir(folder)) != NULL) {
        if (!folderlist_is_document(entry->d_name))
            continue;
        if (list->length == FOLDERLIST_MAX) {
            *cut = true;
            break;
        }
        if (list->length == room) {
            room = room == 0 ? 16 : room * 2;
            list->names = alloc_resize(list->names, room, sizeof(char *));
        }
        list->linked = list->linked || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN;
        list->names[list->length++] = alloc_string(entry->d_name);
    }
}

bool folderlist_read(const char *path, int *folder, struct folderlist *list, const char **why)
{
    *list = (struct folderlist){0};
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
    bool cut = false;
    collect(list, stream, &cut);
    int failure = errno;
    closedir(stream);
    /* Half a directory is not the truth: what is missing from it would be detached. */
    if (failure != 0 || cut) {
        *why = cut ? "holds more than 100000 documents" : strerrordesc_np(failure);
        folderlist_clear(list);
        close(*folder);
        return false;
    }
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void folderlist_sort(struct folderlist *list)
{
    if (list->length > 1)
        qsort(list->names, list->length, sizeof(char *), by_name);
}
