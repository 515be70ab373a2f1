#include "filetime.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342 /* missing in older headers */
#endif

/* Those that lie over others (overlay, FUSE) may lie over a network. */
static bool is_here(long type)
{
    switch ((unsigned long)type) {
    case EXT4_SUPER_MAGIC:
    case XFS_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case TMPFS_MAGIC:
        return true;
    default:
        return false;
    }
}

struct filetime filetime_of(int folder)
{
    struct statfs system;
    struct stat status;

    if (fstatfs(folder, &system) != 0 || fstat(folder, &status) != 0)
        return (struct filetime){.here = false};
    return (struct filetime){.here = is_here(system.f_type), .device = status.st_dev};
}

static uint64_t in_us(const struct timespec *t)
{
    return (uint64_t)t->tv_sec * 1000000 + (uint64_t)t->tv_nsec / 1000;
}

/* Even of those some keep whole seconds: ext4 with small inodes. */
static bool is_fine(const struct stat *status)
{
    return status->st_mtim.tv_nsec != 0 && status->st_ctim.tv_nsec != 0;
}

bool filetime_is_settled(const struct filetime *f, const struct stat *status, uint64_t now_us)
{
    bool here = f->here && f->device == status->st_dev && is_fine(status);
    uint64_t wait = here ? FILETIME_SETTLED_HERE_US : FILETIME_SETTLED_US;

    return in_us(&status->st_mtim) + wait < now_us && in_us(&status->st_ctim) + wait < now_us;
}
