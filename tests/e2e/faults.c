/* Loaded into pldnsd by LD_PRELOAD: the n-th call of one function fails, as the test says through a
 * file that both have mapped.  See test_faults.py, which knows the functions by their place here.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct orders {
    _Atomic int function; /* which one, 0 = none */
    _Atomic int left;     /* the call that fails: 1 = the next */
    _Atomic int number;   /* errno */
    _Atomic int failed;   /* how many did */
};

enum function {
    NONE,
    OPEN,
    READ,
    WRITE,
    FSYNC,
    SYNCFS,
    RENAME,
    STAT,
    READDIR,
    UNLINK,
    RECEIVE,
    SEND,
    SOCKET,
    ACCEPT,
    CONNECT,
    BIND,
    WATCH
};

static struct orders *orders;

__attribute__((constructor)) static void map_orders(void)
{
    const char *path = getenv("FAULTS");
    int file = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;

    if (file < 0)
        return;
    void *memory = mmap(NULL, sizeof *orders, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    orders = memory == MAP_FAILED ? NULL : memory;
}

/* Eventfds and pipes of our own do not fail: only files do. */
static bool is_file(int fd)
{
    struct statx status;
    int before = errno;
    bool is = statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &status) == 0 && S_ISREG(status.stx_mode);

    errno = before;
    return is;
}

static bool fails(enum function function)
{
    if (orders == NULL || orders->function != (int)function ||
        atomic_fetch_sub(&orders->left, 1) != 1)
        return false;
    orders->function = NONE;
    orders->failed++;
    errno = orders->number;
    return true;
}

/* FILE_FAULT(function, name, (parameters), (arguments)) */
#define FILE_FAULT(function, name, parameters, arguments)                                          \
    ssize_t name parameters;                                                                       \
    ssize_t name parameters                                                                        \
    {                                                                                              \
        static ssize_t(*real) parameters;                                                          \
                                                                                                   \
        if (is_file(fd) && fails(function))                                                        \
            return -1;                                                                             \
        if (real == NULL)                                                                          \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
        return real arguments;                                                                     \
    }

/* FAULT(result, function, name, (parameters), (arguments), what it returns when it fails) */
#define FAULT(type, function, name, parameters, arguments, failure)                                \
    type name parameters;                                                                          \
    type name parameters                                                                           \
    {                                                                                              \
        static type(*real) parameters;                                                             \
                                                                                                   \
        if (fails(function))                                                                       \
            return failure;                                                                        \
        if (real == NULL)                                                                          \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
        return real arguments;                                                                     \
    }

FILE_FAULT(READ, read, (int fd, void *to, size_t size), (fd, to, size))
FILE_FAULT(WRITE, write, (int fd, const void *from, size_t size), (fd, from, size))
FILE_FAULT(WRITE, pwrite, (int fd, const void *from, size_t size, off_t at), (fd, from, size, at))
FILE_FAULT(WRITE, pwrite64, (int fd, const void *from, size_t size, off64_t at),
           (fd, from, size, at))
FAULT(ssize_t, WRITE, sendfile, (int to, int from, off_t *at, size_t size), (to, from, at, size),
      -1)
FAULT(ssize_t, WRITE, sendfile64, (int to, int from, off64_t *at, size_t size),
      (to, from, at, size), -1)
FAULT(int, FSYNC, fsync, (int fd), (fd), -1)
FAULT(int, SYNCFS, syncfs, (int fd), (fd), -1)
FAULT(int, RENAME, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), -1)
FAULT(int, STAT, fstat, (int fd, struct stat *to), (fd, to), -1)
FAULT(int, STAT, fstat64, (int fd, struct stat64 *to), (fd, to), -1)
FAULT(int, STAT, fstatat, (int fd, const char *path, struct stat *to, int flags),
      (fd, path, to, flags), -1)
FAULT(int, STAT, fstatat64, (int fd, const char *path, struct stat64 *to, int flags),
      (fd, path, to, flags), -1)
FAULT(struct dirent *, READDIR, readdir, (DIR * dir), (dir), NULL)
FAULT(struct dirent64 *, READDIR, readdir64, (DIR * dir), (dir), NULL)
FAULT(int, UNLINK, unlinkat, (int fd, const char *path, int flags), (fd, path, flags), -1)
FAULT(ssize_t, RECEIVE, recv, (int fd, void *to, size_t size, int flags), (fd, to, size, flags), -1)
FAULT(int, RECEIVE, recvmmsg,
      (int fd, struct mmsghdr *v, unsigned n, int flags, struct timespec *t), (fd, v, n, flags, t),
      -1)
FAULT(ssize_t, RECEIVE, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags), -1)
FAULT(ssize_t, SEND, send, (int fd, const void *from, size_t size, int flags),
      (fd, from, size, flags), -1)
FAULT(ssize_t, SEND, sendmsg, (int fd, const struct msghdr *m, int flags), (fd, m, flags), -1)
FAULT(int, SEND, sendmmsg, (int fd, struct mmsghdr *v, unsigned n, int flags), (fd, v, n, flags),
      -1)
FAULT(ssize_t, SEND, writev, (int fd, const struct iovec *v, int n), (fd, v, n), -1)
FAULT(int, SOCKET, socket, (int family, int type, int protocol), (family, type, protocol), -1)
FAULT(int, ACCEPT, accept4, (int fd, struct sockaddr *a, socklen_t *size, int flags),
      (fd, a, size, flags), -1)
FAULT(int, CONNECT, connect, (int fd, const struct sockaddr *a, socklen_t size), (fd, a, size), -1)
FAULT(int, BIND, bind, (int fd, const struct sockaddr *a, socklen_t size), (fd, a, size), -1)

/* To wait for less, or for nothing, takes no memory. */
int epoll_ctl(int set, int what, int fd, struct epoll_event *event)
{
    static int (*real)(int, int, int, struct epoll_event *);

    if (what == EPOLL_CTL_ADD && fails(WATCH))
        return -1;
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "epoll_ctl");
    return real(set, what, fd, event);
}

/* Of those that are made without a wrapper (kernelcall.h). */
long syscall(long number, ...)
{
    static long (*real)(long, ...);
    va_list arguments;
    long a[6];

    if (((number == SYS_recvmsg || number == SYS_recvmmsg) && fails(RECEIVE)) ||
        ((number == SYS_sendto || number == SYS_sendmmsg) && fails(SEND)))
        return -1;
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "syscall");
    va_start(arguments, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(arguments, long);
    va_end(arguments);
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* The open calls take a mode or none. */
#define OPEN_FAULT(name)                                                                           \
    int name(int folder, const char *path, int flags, ...);                                        \
    int name(int folder, const char *path, int flags, ...)                                         \
    {                                                                                              \
        static int (*real)(int, const char *, int, ...);                                           \
        va_list arguments;                                                                         \
                                                                                                   \
        if (fails(OPEN))                                                                           \
            return -1;                                                                             \
        if (real == NULL)                                                                          \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
        va_start(arguments, flags);                                                                \
        mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;                      \
        va_end(arguments);                                                                         \
        return real(folder, path, flags, mode);                                                    \
    }

OPEN_FAULT(openat)
OPEN_FAULT(openat64)

int open64(const char *path, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return openat64(AT_FDCWD, path, flags, mode);
}
