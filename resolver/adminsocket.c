#include "adminsocket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"

#define BACKLOG     64
#define SOCKET_MODE 0660 /* owner and group: who may reload and flush */

static socklen_t size_of(const union config_address *address)
{
    switch (address->any.sa_family) {
    case AF_INET:
        return sizeof address->v4;
    case AF_INET6:
        return sizeof address->v6;
    default:
        return sizeof address->path;
    }
}

static int complain(const union config_address *address, struct error_list *errors, const char *why)
{
    char text[160];

    error_add(errors, "admin.listen", 0, 0, "%s: %s",
              config_address_text(&address->any, text, sizeof text), why);
    return -1;
}

/* What stands at the path already.  False: it must stay, 'why' says what it is. */
static bool clear_path(const union config_address *address, const char **why)
{
    struct stat status;

    if (lstat(address->path.sun_path, &status) != 0)
        return true; /* nothing; other reasons come up again at bind() */
    if (!S_ISSOCK(status.st_mode)) {
        *why = "there is a file of that name which is no socket";
        return false;
    }
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) {
        *why = strerrordesc_np(errno);
        return false;
    }
    int failed = connect(probe, &address->any, size_of(address));
    int reason = errno;
    close(probe);
    if (failed == 0 || reason == EAGAIN) { /* EAGAIN: somebody listens, the queue is full */
        *why = "another process serves it";
        return false;
    }
    if (reason != ECONNREFUSED) {
        *why = strerrordesc_np(reason);
        return false;
    }
    (void)unlink(address->path.sun_path); /* bind() says if it is still there */
    return true;
}

/* /run/pldns is gone after every boot, and nobody else makes it outside systemd.  0, or why it
 * could not be made. */
static int make_parent(const char *path)
{
    char *copy = alloc_string(path), *slash = strrchr(copy, '/');
    int error = 0;

    if (slash != NULL && slash != copy) {
        *slash = '\0';
        error = mkdir(copy, 0755) == 0 || errno == EEXIST ? 0 : errno;
    }
    free(copy);
    return error;
}

/* errno after bind(2): a folder that is missing is so because of what kept us from making it. */
static const char *why_not_bound(int parent)
{
    int error = errno;

    return strerrordesc_np(error == ENOENT && parent != 0 ? parent : error);
}

int adminsocket_open(const union config_address *address, struct error_list *errors)
{
    bool path = address->any.sa_family == AF_UNIX;
    const char *why;
    int on = 1, parent = 0;

    if (path) {
        parent = make_parent(address->path.sun_path);
        if (!clear_path(address, &why))
            return complain(address, errors, why);
    }
    int s = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s < 0)
        return complain(address, errors, strerrordesc_np(errno));
    /* Connections of a daemon that ended just now must not keep the next one from starting. */
    if (!path)
        (void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    /* Nobody can connect before listen(), so the mode is right from the beginning. */
    if (bind(s, &address->any, size_of(address)) != 0 ||
        (path && chmod(address->path.sun_path, SOCKET_MODE) != 0) || listen(s, BACKLOG) != 0) {
        complain(address, errors, why_not_bound(parent));
        close(s);
        return -1;
    }
    return s;
}

/* The kernel knows a bound socket under its own inode; the file's is another one.  So: a file that
 * nobody else serves by now is ours. */
void adminsocket_remove(const union config_address *address, int s)
{
    const char *why;

    close(s);
    if (address->any.sa_family == AF_UNIX)
        (void)clear_path(address, &why);
}
