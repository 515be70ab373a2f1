#include "fullwrite.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <unistd.h>

bool fullwrite_at(int file, const void *bytes, size_t size, uint64_t place)
{
    const uint8_t *at = bytes;

    while (size > 0) {
        ssize_t n = pwrite(file, at, size, (off_t)place);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            errno = n == 0 ? ENOSPC : errno;
            return false;
        }
        at += n;
        size -= (size_t)n;
        place += (uint64_t)n;
    }
    return true;
}

/* Not by copy_file_range(): where the file system lets both have the same blocks, none of the copy
 * is in memory, and who looks into it next waits for the disk. */
bool fullwrite_copy(int file, int from, uint64_t size)
{
    off_t place = 0;

    while ((uint64_t)place < size) {
        ssize_t n = sendfile(file, from, &place, size - (uint64_t)place);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            errno = n == 0 ? ENODATA : errno;
            return false;
        }
    }
    return true;
}
