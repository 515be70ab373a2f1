/* Loaded into pldnsd by LD_PRELOAD: counts what its workers ask of the allocator, of locks and of
 * the kernel, in a file that the test has mapped.  See test_fast_path.py, which knows the counters
 * by their place here.  Other threads are told apart by their name and not counted. */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum counter { ALLOCATIONS, LOCKS, RECEIVED, SENT, WAITS, OTHERS, COUNTERS };

static _Atomic unsigned *counters;

__attribute__((constructor)) static void map_counters(void)
{
    const char *path = getenv("CALLS");
    int file = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;

    if (file < 0)
        return;
    void *memory =
        mmap(NULL, COUNTERS * sizeof *counters, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    counters = memory == MAP_FAILED ? NULL : memory;
}

static void count(enum counter counter)
{
    char name[16] = "";

    if (counters != NULL && prctl(PR_GET_NAME, name) == 0 && strncmp(name, "pldns-w", 7) == 0)
        atomic_fetch_add(&counters[counter], 1);
}

/* ---- memory: dlsym() itself wants some, so the C library's own names are used ---- */

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

void *malloc(size_t size)
{
    count(ALLOCATIONS);
    return __libc_malloc(size);
}

void *calloc(size_t length, size_t size)
{
    count(ALLOCATIONS);
    return __libc_calloc(length, size);
}

void *realloc(void *old, size_t size)
{
    count(ALLOCATIONS);
    return __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t length, size_t size)
{
    size_t whole;

    count(ALLOCATIONS);
    return __builtin_mul_overflow(length, size, &whole) ? NULL : __libc_realloc(old, whole);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    count(ALLOCATIONS);
    return __libc_memalign(alignment, size);
}

/* ---- the rest ---- */

#define COUNTED(type, counter, name, parameters, arguments)                                        \
    type name parameters                                                                           \
    {                                                                                              \
        static type(*real) parameters;                                                             \
        if (real == NULL)                                                                          \
            real = (type(*) parameters)(unsigned long)dlsym(RTLD_NEXT, #name);                     \
        count(counter);                                                                            \
        return real arguments;                                                                     \
    }

COUNTED(int, LOCKS, pthread_mutex_lock, (pthread_mutex_t * m), (m))
COUNTED(int, LOCKS, pthread_rwlock_rdlock, (pthread_rwlock_t * l), (l))
COUNTED(int, LOCKS, pthread_rwlock_wrlock, (pthread_rwlock_t * l), (l))
COUNTED(int, RECEIVED, recvmmsg,
        (int fd, struct mmsghdr *v, unsigned n, int flags, struct timespec *t),
        (fd, v, n, flags, t))
COUNTED(int, SENT, sendmmsg, (int fd, struct mmsghdr *v, unsigned n, int flags), (fd, v, n, flags))
COUNTED(int, WAITS, epoll_wait, (int fd, struct epoll_event *v, int n, int t), (fd, v, n, t))
COUNTED(int, OTHERS, epoll_ctl, (int fd, int op, int of, struct epoll_event *e), (fd, op, of, e))
COUNTED(ssize_t, OTHERS, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags))
COUNTED(ssize_t, OTHERS, recv, (int fd, void *b, size_t n, int flags), (fd, b, n, flags))
COUNTED(ssize_t, OTHERS, sendmsg, (int fd, const struct msghdr *m, int flags), (fd, m, flags))
COUNTED(ssize_t, OTHERS, send, (int fd, const void *b, size_t n, int flags), (fd, b, n, flags))
COUNTED(ssize_t, OTHERS, read, (int fd, void *b, size_t n), (fd, b, n))
COUNTED(ssize_t, OTHERS, write, (int fd, const void *b, size_t n), (fd, b, n))
COUNTED(int, OTHERS, socket, (int domain, int type, int protocol), (domain, type, protocol))

/* Of those that are made without a wrapper (kernelcall.h). */
long syscall(long number, ...)
{
    static long (*real)(long, ...);
    va_list arguments;
    long a[6];

    if (real == NULL)
        real = (long (*)(long, ...))(unsigned long)dlsym(RTLD_NEXT, "syscall");
    if (number == SYS_recvmmsg)
        count(RECEIVED);
    else if (number == SYS_sendmmsg)
        count(SENT);
    else if (number == SYS_recvmsg || number == SYS_sendto)
        count(OTHERS);
    va_start(arguments, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(arguments, long);
    va_end(arguments);
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
