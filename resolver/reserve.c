#include "reserve.h"

#include <sys/eventfd.h>
#include <unistd.h>

void reserve_fill(struct reserve *r)
{
    while (r->length < r->wanted) {
        int fd = eventfd(0, EFD_CLOEXEC);

        if (fd < 0)
            return;
        r->fds[r->length++] = fd;
    }
}

bool reserve_lend(struct reserve *r)
{
    if (r->length == 0)
        return false;
    close(r->fds[--r->length]);
    return true;
}

void reserve_clear(struct reserve *r)
{
    while (reserve_lend(r))
        continue;
}
