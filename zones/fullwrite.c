#include "fullwrite.h"

#include <errno.h>
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
