#include "filemark.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct filemark {
    struct digest digest;
    uint64_t size, inode, seconds, nanoseconds;
};

static bool look(int folder, const char *file, struct filemark *mark)
{
    struct stat status;

    if (fstatat(folder, file, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    mark->size = (uint64_t)status.st_size;
    mark->inode = status.st_ino;
    mark->seconds = (uint64_t)status.st_ctim.tv_sec;
    mark->nanoseconds = (uint64_t)status.st_ctim.tv_nsec;
    return true;
}

void filemark_tell(struct packing *packing, const char *name, int folder, const char *file,
                   const struct digest *digest)
{
    struct filemark mark = {.digest = *digest};

    if (look(folder, file, &mark)) {
        packing_text(packing, name);
        packing_bytes(packing, &mark, sizeof mark);
    }
}

/* Passes over the marks of names before this one, and takes its own.  False: it has none. */
static bool take(struct unpacking *marks, const char *name, struct filemark *mark)
{
    int order = -1;

    while (order < 0 && marks->at < marks->end) {
        struct unpacking next = *marks;
        order = strcmp(unpacking_text(&next), name);
        const uint8_t *bytes = unpacking_bytes(&next, sizeof *mark);
        if (bytes == NULL)
            return false;
        if (order <= 0)
            *marks = next;
        if (order == 0)
            memcpy(mark, bytes, sizeof *mark);
    }
    return order == 0;
}

bool filemark_find(struct unpacking *marks, const char *name, int folder, const char *file,
                   struct digest *digest)
{
    struct filemark then, now;

    if (!take(marks, name, &then) || !look(folder, file, &now))
        return false;
    *digest = now.digest = then.digest;
    return memcmp(&now, &then, sizeof now) == 0;
}
