#include "statefolders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"

#define ACCEPTED "accepted"
#define LOCK     "lock"

/* False: errno. */
static bool make_folder(const char *path)
{
    char *copy = alloc_string(path);

    /* Missing parents too: a container's volume is often mounted empty. */
    for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(copy, 0755); /* the last mkdir says what is wrong */
        *slash = '/';
    }
    bool ok = mkdir(copy, 0750) == 0 || errno == EEXIST;
    free(copy); /* errno stays */
    return ok;
}

static int open_folder(int at, const char *path)
{
    return openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Mostly it is there. */
static int open_own_folder(int top)
{
    int folder = open_folder(top, ACCEPTED);

    if (folder >= 0 || errno != ENOENT || (mkdirat(top, ACCEPTED, 0750) != 0 && errno != EEXIST))
        return folder;
    return open_folder(top, ACCEPTED);
}

void statefolders_close(struct statefolders *f)
{
    const int all[] = {f->accepted, f->lock, f->top};

    for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
        if (all[i] >= 0)
            close(all[i]);
    }
    *f = statefolders_none;
}

bool statefolders_open(struct statefolders *f, const char *path, char why[STATEFOLDERS_WHY])
{
    *f = statefolders_none;
    f->top = open_folder(AT_FDCWD, path);
    if (f->top < 0 && errno == ENOENT && make_folder(path))
        f->top = open_folder(AT_FDCWD, path);
    if (f->top >= 0)
        f->lock = openat(f->top, LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (f->top < 0)
        snprintf(why, STATEFOLDERS_WHY, "%.200s: %s", path, strerrordesc_np(errno));
    else if (f->lock < 0)
        snprintf(why, STATEFOLDERS_WHY, "%.200s/" LOCK ": %s", path, strerrordesc_np(errno));
    else if (flock(f->lock, LOCK_EX | LOCK_NB) != 0)
        snprintf(why, STATEFOLDERS_WHY, "%.200s: another pldnsd uses it", path);
    else if ((f->accepted = open_own_folder(f->top)) < 0)
        snprintf(why, STATEFOLDERS_WHY, "%.200s/" ACCEPTED ": %s", path, strerrordesc_np(errno));
    if (f->accepted >= 0)
        return true;
    int error = errno;
    statefolders_close(f);
    errno = error;
    return false;
}

/* What cannot be told counts as being there. */
static bool leads_to(int at, const char *path, int folder)
{
    struct stat there, here;

    if (fstatat(at, path, &there, 0) != 0)
        return errno != ENOENT;
    return fstat(folder, &here) != 0 ||
           (there.st_ino == here.st_ino && there.st_dev == here.st_dev);
}

bool statefolders_stand(const struct statefolders *f, const char *path)
{
    return leads_to(AT_FDCWD, path, f->top) && leads_to(f->top, ACCEPTED, f->accepted);
}
