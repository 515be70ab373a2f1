/* Datagrams that are to leave by many sockets, gathered so that they leave one right behind the
 * other: the processor, and who receives them, stay awake for one kind of work.
 *
 * Bounded: OUTBOX_LENGTH datagrams. */
#ifndef PLDNS_OUTBOX_H
#define PLDNS_OUTBOX_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define OUTBOX_LENGTH 32
#define OUTBOX_SIZE   384 /* octets of the longest one */

/* One datagram, on its way out. */
struct outbox_letter {
    void *from; /* the sender's own notes */
    int fd;
    int error; /* errno, if it could not be sent; else 0 */
    size_t size;
    uint8_t octets[OUTBOX_SIZE];
};

/* All zero is an empty one. */
struct outbox {
    unsigned length, tried; /* those that could not be sent stand in front */
    struct outbox_letter letters[OUTBOX_LENGTH + 1]; /* the last one is room to write in */
};

/* Where the next datagram is best written. */
static inline uint8_t *outbox_room(struct outbox *o)
{
    return o->letters[o->length].octets;
}

static inline bool outbox_is_full(const struct outbox *o)
{
    return o->length == OUTBOX_LENGTH;
}

/* Takes what was written there, if it is not full.  Returns where the next is best written. */
static inline uint8_t *outbox_seal(struct outbox *o, void *from, int fd, size_t size)
{
    struct outbox_letter *letter = &o->letters[o->length++];

    letter->from = from;
    letter->fd = fd;
    letter->error = 0;
    letter->size = size;
    return letter[1].octets;
}

/* Takes a copy.  When there is no room the others are
 * sent first.  False: there is still none, for all have been tried in vain; errno is that of the
 * last. */
MUST_USE bool outbox_put(struct outbox *, void *from, int fd, const uint8_t *octets, size_t size);
/* Sends what has not been tried. */
void outbox_send(struct outbox *);
/* The oldest one that could not be sent leaves the box.  False: there is none. */
MUST_USE bool outbox_take_unsent(struct outbox *, struct outbox_letter *out);
/* What that sender has in the box will neither be sent nor told of. */
void outbox_forget(struct outbox *, const void *from);

#endif
