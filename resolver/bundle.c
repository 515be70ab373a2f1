#include "bundle.h"

#include <assert.h>
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#include "kernelcall.h"

/* Missing in older headers; the number is the kernel's. */
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define SLOTS_BITS 6 /* twice the batch */

bool bundle_is_possible(int fd)
{
    int size;
    socklen_t length = sizeof size;

    /* An older kernel would take no notice of the wish and send one long datagram. */
    return getsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, &length) == 0;
}

static void send_plain(int fd, struct mmsghdr *heads, unsigned length)
{
    for (unsigned at = 0; at < length;) {
        int sent = kernelcall_sendmmsg(fd, heads + at, length - at, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent > 0)
            at += (unsigned)sent;
        else if (sent == 0 || errno != EINTR)
            at++;
    }
}

/* ---- who goes with whom ---- */

/* Family, port, and the address of IPv4: the port of IPv6 stands at the same place. */
static uint64_t start_of(const struct msghdr *head)
{
    uint64_t start;

    memcpy(&start, head->msg_name, sizeof start);
    return start;
}

static unsigned slot_of(const struct msghdr *head)
{
    return (unsigned)(start_of(head) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SLOTS_BITS));
}

static bool go_together(const struct msghdr *a, const struct msghdr *b)
{
    return start_of(a) == start_of(b) && a->msg_iov->iov_len == b->msg_iov->iov_len &&
           a->msg_controllen + b->msg_controllen == 0 &&
           (b->msg_namelen == sizeof(struct sockaddr_in) ||
            memcmp(a->msg_name, b->msg_name, b->msg_namelen) == 0);
}

/* The group that this one goes with, or a new one. */
static struct bundle_group *find(struct bundle *b, const struct mmsghdr *heads, unsigned place,
                                 uint8_t slots[1 << SLOTS_BITS])
{
    uint8_t *slot = &slots[slot_of(&heads[place].msg_hdr)];
    struct bundle_group *g;

    if (*slot > 0) {
        g = &b->groups[*slot - 1];
        if (go_together(&heads[g->first].msg_hdr, &heads[place].msg_hdr))
            return g;
    }
    g = &b->groups[b->length++];
    *slot = (uint8_t)b->length;
    *g = (struct bundle_group){.first = (uint8_t)place, .last = (uint8_t)place};
    return g;
}

/* Sorts the batch into groups, each in the order of the batch.  True: one of them is to be joined.
 * One that goes with the one before it needs no search. */
static bool group(struct bundle *b, const struct mmsghdr *heads, unsigned length)
{
    uint8_t slots[1 << SLOTS_BITS] = {0}; /* one more than a group's place */
    struct bundle_group *g = NULL;

    b->length = 0;
    for (unsigned i = 0; i < length; i++) {
        if (g == NULL || !go_together(&heads[i - 1].msg_hdr, &heads[i].msg_hdr))
            g = find(b, heads, i, slots);
        b->next[g->last] = (uint8_t)i; /* its own, if it is the first */
        g->last = (uint8_t)i;
        g->count++;
    }
    for (unsigned n = 0; n < b->length; n++) {
        if (b->groups[n].count >= BUNDLE_LEAST)
            return true;
    }
    return false;
}

static bool is_to_be_joined(const struct bundle_group *g, const struct mmsghdr *heads)
{
    return g->count >= BUNDLE_LEAST && heads[g->first].msg_hdr.msg_iov->iov_len <= BUNDLE_SIZE;
}

/* ---- the way out ---- */

/* One head for 'count' parts of one length. */
static void join(struct bundle *b, unsigned place, const struct msghdr *first, struct iovec *parts,
                 size_t count)
{
    struct msghdr *to = &b->heads[place].msg_hdr;
    uint16_t size = (uint16_t)parts->iov_len;

    *to = *first;
    to->msg_iov = parts;
    to->msg_iovlen = count;
    to->msg_control = b->control[place];
    to->msg_controllen = sizeof b->control[place];
    struct cmsghdr *c = CMSG_FIRSTHDR(to);
    c->cmsg_level = SOL_UDP;
    c->cmsg_type = UDP_SEGMENT;
    c->cmsg_len = CMSG_LEN(sizeof size);
    memcpy(CMSG_DATA(c), &size, sizeof size);
}

/* What stands together already is taken as it stands. */
static struct iovec *parts_of(struct bundle *b, unsigned *used, const struct bundle_group *g,
                              const struct mmsghdr *heads)
{
    struct iovec *parts = b->parts + *used;

    if (g->last - g->first + 1 == g->count)
        return heads[g->first].msg_hdr.msg_iov;
    for (unsigned k = 0, i = g->first; k < g->count; k++, i = b->next[i])
        parts[k] = *heads[i].msg_hdr.msg_iov;
    *used += g->count;
    return parts;
}

/* Returns how many heads there are. */
static unsigned load(struct bundle *b, const struct mmsghdr *heads)
{
    unsigned length = 0, used = 0;

    for (unsigned n = 0; n < b->length; n++) {
        struct bundle_group *g = &b->groups[n];

        if (is_to_be_joined(g, heads)) {
            join(b, length, &heads[g->first].msg_hdr, parts_of(b, &used, g, heads), g->count);
            b->of[length++] = g;
            continue;
        }
        for (unsigned k = 0, i = g->first; k < g->count; k++, i = b->next[i]) {
            b->heads[length].msg_hdr = heads[i].msg_hdr;
            b->of[length++] = g;
        }
    }
    return length;
}

/* What could not be sent in one goes one by one. */
static void send_apart(const struct bundle *b, int fd, const struct bundle_group *g,
                       struct mmsghdr *heads)
{
    for (unsigned n = 0, i = g->first; n < g->count; n++, i = b->next[i])
        send_plain(fd, &heads[i], 1);
}

/* True for what says that datagrams cannot be cut up here, and nothing of who gets them. */
static bool is_refusal(int error)
{
    return error == EIO || error == EINVAL || error == EOPNOTSUPP || error == EMSGSIZE;
}

static void send_groups(struct bundle *b, int fd, bool *possible, struct mmsghdr *heads)
{
    unsigned loaded = load(b, heads);

    for (unsigned at = 0; at < loaded;) {
        int sent = kernelcall_sendmmsg(fd, b->heads + at, loaded - at, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent > 0) {
            at += (unsigned)sent;
        } else if (sent == 0 || errno != EINTR) {
            if (is_to_be_joined(b->of[at], heads)) {
                *possible = *possible && !is_refusal(errno);
                send_apart(b, fd, b->of[at], heads);
            }
            at++;
        }
    }
}

void bundle_send(struct bundle *b, int fd, bool *possible, struct mmsghdr *heads, unsigned length)
{
    assert(length <= BUNDLE_BATCH);
    if (*possible && length >= BUNDLE_LEAST && group(b, heads, length))
        send_groups(b, fd, possible, heads);
    else
        send_plain(fd, heads, length);
}
