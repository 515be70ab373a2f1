#include "slurp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"

/* Room for the first read: a file may grow between fstat() and read(). */
#define ROOM_SPARE 256

/* strerror() of this thread, in words that live for ever. */
static const char *why_of(int number)
{
    const char *text = strerrordesc_np(number);

    return text != NULL ? text : "unknown error";
}

static bool read_all(int file, size_t expected, size_t most, char **bytes, size_t *size,
                     const char **why)
{
    size_t room = expected + ROOM_SPARE, used = 0;
    char *buffer = alloc_resize(NULL, room, 1);

    for (;;) {
        ssize_t n = read(file, buffer + used, room - used - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            *why = why_of(errno);
            break;
        }
        if (n == 0) {
            buffer[used] = '\0';
            *bytes = buffer;
            *size = used;
            return true;
        }
        used += (size_t)n;
        if (used > most) {
            *why = "too large";
            break;
        }
        if (room - used - 1 < ROOM_SPARE / 2) {
            room *= 2;
            buffer = alloc_resize(buffer, room, 1);
        }
    }
    free(buffer);
    return false;
}

bool slurp_file(int folder, const char *name, size_t most, char **bytes, size_t *size,
                struct stat *status, const char **why)
{
    struct stat own;
    bool ok = false;
    /* Not blocking: opening a FIFO would wait for a writer. */
    int file = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (status == NULL)
        status = &own;
    if (file < 0 || fstat(file, status) != 0)
        *why = why_of(errno);
    else if (S_ISDIR(status->st_mode))
        *why = "is a directory";
    else if (!S_ISREG(status->st_mode))
        *why = "is not a regular file";
    else if ((uint64_t)status->st_size > most)
        *why = "too large";
    else
        ok = read_all(file, (size_t)status->st_size, most, bytes, size, why);
    if (file >= 0)
        close(file);
    return ok;
}
