/* System calls of which every question has one, made without libc's wrappers: those are points at
 * which a thread may be cancelled, and in a process of several threads see to that before and after
 * each call.  No thread is ever cancelled here.  Results and errno are as of the wrappers. */
#ifndef PLDNS_KERNELCALL_H
#define PLDNS_KERNELCALL_H

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline ssize_t kernelcall_send(int fd, const void *data, size_t size, int flags)
{
    return syscall(SYS_sendto, fd, data, size, flags, NULL, 0);
}

static inline ssize_t kernelcall_recvmsg(int fd, struct msghdr *message, int flags)
{
    return syscall(SYS_recvmsg, fd, message, flags);
}

static inline int kernelcall_sendmmsg(int fd, struct mmsghdr *heads, unsigned length, int flags)
{
    return (int)syscall(SYS_sendmmsg, fd, heads, length, flags);
}

static inline int kernelcall_recvmmsg(int fd, struct mmsghdr *heads, unsigned length, int flags)
{
    return (int)syscall(SYS_recvmmsg, fd, heads, length, flags, NULL);
}

/* What is ready now. */
static inline int kernelcall_epoll(int set, struct epoll_event *ready, int most)
{
    return (int)syscall(SYS_epoll_pwait, set, ready, most, 0, NULL, 0);
}

#endif
