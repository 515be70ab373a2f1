#include "bundle.h"

#include <assert.h>
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

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
        int sent = sendmmsg(fd, heads + at, length - at, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent > 0)
            at += (unsigned)sent;
        else if (sent == 0 || errno != EINTR)
            at++;
    }
}

/* ---- who goes with whom ---- */

static unsigned slot_of(const struct msghdr *head)
{
    const struct sockaddr_in *to = head->msg_name; /* the port of IPv6 stands at the same place */
    uint32_t mixed = (to->sin_port ^ to->sin_addr.s_addr) * UINT32_C(0x9e3779b1);

    return mixed >> (32 - SLOTS_BITS);
}

static bool go_together(const struct msghdr *a, const struct msghdr *b)
{
    return a->msg_iov->iov_len == b->msg_iov->iov_len && a->msg_namelen == b->msg_namelen &&
           memcmp(a->msg_name, b->msg_name, a->msg_namelen) == 0;
}

static bool may_be_joined(const struct msghdr *head)
{
    return head->msg_controllen == 0 && head->msg_iov->iov_len <= BUNDLE_SIZE;
}

/* Sorts the batch into groups, each in the order of the batch.  True: one of them is to be joined.
 */
static bool group(struct bundle *b, const struct mmsghdr *heads, unsigned length)
{
    uint8_t slots[1 << SLOTS_BITS] = {0}; /* one more than a group's place */
    unsigned largest = 0;

    b->length = 0;
    for (unsigned i = 0; i < length; i++) {
        const struct msghdr *head = &heads[i].msg_hdr;
        unsigned slot = slot_of(head);
        struct bundle_group *g = &b->groups[slots[slot] - (slots[slot] > 0)];

        if (slots[slot] > 0 && may_be_joined(head) && go_together(head, &heads[g->first].msg_hdr)) {
            b->next[g->last] = (uint8_t)i;
            g->last = (uint8_t)i;
            g->count++;
            largest = g->count > largest ? g->count : largest;
        } else {
            b->groups[b->length] = (struct bundle_group){(uint8_t)i, (uint8_t)i, 1};
            slots[slot] = (uint8_t)++b->length;
        }
    }
    return largest >= BUNDLE_LEAST;
}

/* ---- the way out ---- */

/* One head for all of the group; its parts stand from 'parts' on. */
static void join(struct bundle *b, unsigned place, const struct bundle_group *g,
                 const struct mmsghdr *heads, struct iovec *parts)
{
    struct msghdr *to = &b->heads[place].msg_hdr;
    uint16_t size = (uint16_t)heads[g->first].msg_hdr.msg_iov->iov_len;

    *to = heads[g->first].msg_hdr;
    to->msg_iov = parts;
    to->msg_iovlen = g->count;
    for (unsigned n = 0, i = g->first; n < g->count; n++, i = b->next[i])
        parts[n] = *heads[i].msg_hdr.msg_iov;
    to->msg_control = b->control[place];
    to->msg_controllen = sizeof b->control[place];
    struct cmsghdr *c = CMSG_FIRSTHDR(to);
    c->cmsg_level = SOL_UDP;
    c->cmsg_type = UDP_SEGMENT;
    c->cmsg_len = CMSG_LEN(sizeof size);
    memcpy(CMSG_DATA(c), &size, sizeof size);
}

/* Returns how many heads there are. */
static unsigned load(struct bundle *b, const struct mmsghdr *heads)
{
    unsigned length = 0, used = 0;

    for (unsigned n = 0; n < b->length; n++) {
        struct bundle_group *g = &b->groups[n];

        if (g->count >= BUNDLE_LEAST) {
            join(b, length, g, heads, b->parts + used);
            used += g->count;
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

void bundle_send(struct bundle *b, int fd, bool *possible, struct mmsghdr *heads, unsigned length)
{
    assert(length <= BUNDLE_BATCH);
    if (!*possible || length < BUNDLE_LEAST || !group(b, heads, length)) {
        send_plain(fd, heads, length);
        return;
    }
    unsigned loaded = load(b, heads);
    for (unsigned at = 0; at < loaded;) {
        int sent = sendmmsg(fd, b->heads + at, loaded - at, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent > 0) {
            at += (unsigned)sent;
        } else if (sent == 0 || errno != EINTR) {
            if (b->of[at]->count >= BUNDLE_LEAST) {
                *possible = *possible && !is_refusal(errno);
                send_apart(b, fd, b->of[at], heads);
            }
            at++;
        }
    }
}
