#include "imagefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalogimage.h"

#define NAME     "image"
#define NAME_NEW NAME ".new"
#define FLAGS    (O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)

struct shelf *imagefile_open(int folder)
{
    struct stat status;
    int file = folder >= 0 ? openat(folder, NAME, FLAGS) : -1;

    if (file < 0)
        return NULL;
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(file);
        return NULL;
    }
    return shelf_new(file, (uint64_t)status.st_size);
}

struct shelf *imagefile_begin(int folder)
{
    (void)unlinkat(folder, NAME_NEW, 0);
    int file = openat(folder, NAME_NEW, FLAGS | O_CREAT | O_EXCL, 0640);
    struct shelf *shelf = file >= 0 ? shelf_new(file, 0) : NULL;

    if (shelf == NULL || catalogimage_begin(shelf))
        return shelf;
    int why = errno;
    shelf_drop(shelf);
    imagefile_give_up(folder);
    errno = why;
    return NULL;
}

void imagefile_give_up(int folder)
{
    (void)unlinkat(folder, NAME_NEW, 0);
}

void imagefile_remove(int folder)
{
    imagefile_give_up(folder);
    (void)unlinkat(folder, NAME, 0);
}

bool imagefile_commit(int folder)
{
    return renameat(folder, NAME_NEW, folder, NAME) == 0 && fsync(folder) == 0;
}
