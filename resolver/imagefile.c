#include "imagefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalogimage.h"
#include "fullwrite.h"

#define NAME     "image"
#define NAME_NEW NAME ".new"
#define FLAGS    (O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)

static void give_up(int folder, int file)
{
    int why = errno;

    (void)unlinkat(folder, NAME_NEW, 0);
    close(file);
    errno = why;
}

/* An empty file.  One that was left behind makes way. */
static int new_file(int folder)
{
    (void)unlinkat(folder, NAME_NEW, 0);
    return openat(folder, NAME_NEW, O_RDWR | O_CREAT | O_EXCL | FLAGS, 0640);
}

/* Not by O_TMPFILE, which not every file system has. */
static int nameless_file(int folder)
{
    int file = new_file(folder);

    if (file >= 0 && unlinkat(folder, NAME_NEW, 0) != 0) {
        give_up(folder, file);
        return -1;
    }
    return file;
}

static struct shelf *copy(int folder, int image, uint64_t size)
{
    int file = nameless_file(folder);

    if (file >= 0 && !fullwrite_copy(file, image, size)) {
        give_up(folder, file);
        file = -1;
    }
    return file >= 0 ? shelf_new(file, size) : NULL;
}

/* No more of the file than the image itself, whatever was put behind it. */
static struct shelf *read_image(int folder, int image, const struct digest *stamp, const char **why)
{
    uint8_t page[SHELF_PAGE];
    struct stat status;

    *why = "it is no image";
    if (fstat(image, &status) != 0 || !S_ISREG(status.st_mode) ||
        pread(image, page, sizeof page, 0) != sizeof page)
        return NULL;
    uint64_t size = catalogimage_size(page, stamp, why);
    if (size == 0 || size > (uint64_t)status.st_size)
        return NULL;
    struct shelf *shelf = copy(folder, image, size);
    *why = shelf == NULL ? strerrordesc_np(errno) : NULL;
    return shelf;
}

struct shelf *imagefile_open(int folder, const struct digest *stamp, const char **why)
{
    int image = folder >= 0 ? openat(folder, NAME, O_RDONLY | FLAGS) : -1;

    *why = NULL;
    if (image < 0)
        return NULL;
    struct shelf *shelf = read_image(folder, image, stamp, why);
    close(image);
    return shelf;
}

struct shelf *imagefile_begin(int folder)
{
    int file = nameless_file(folder);
    struct shelf *shelf = file >= 0 ? shelf_new(file, 0) : NULL;

    if (shelf == NULL || catalogimage_begin(shelf))
        return shelf;
    int why = errno;
    shelf_drop(shelf);
    errno = why;
    return NULL;
}

bool imagefile_commit(int folder, const struct shelf *shelf)
{
    int file = new_file(folder);

    if (file < 0)
        return false;
    if (!shelf_save(shelf, file) || fsync(file) != 0 ||
        renameat(folder, NAME_NEW, folder, NAME) != 0) {
        give_up(folder, file);
        return false;
    }
    close(file);
    return fsync(folder) == 0;
}

void imagefile_remove(int folder)
{
    (void)unlinkat(folder, NAME, 0);
}
