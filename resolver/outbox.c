#include "outbox.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "datagram.h"

static void copy_letter(struct outbox_letter *to, const struct outbox_letter *from)
{
    memcpy(to, from, offsetof(struct outbox_letter, octets) + from->size);
}

static void remove_letter(struct outbox *o, unsigned place)
{
    o->length--;
    o->tried -= place < o->tried;
    for (; place < o->length; place++)
        copy_letter(&o->letters[place], &o->letters[place + 1]);
}

RARE static bool make_room(struct outbox *o)
{
    outbox_send(o);
    errno = o->letters[OUTBOX_LENGTH - 1].error;
    return !outbox_is_full(o);
}

bool outbox_put(struct outbox *o, void *from, int fd, const uint8_t *octets, size_t size)
{
    assert(size <= OUTBOX_SIZE);
    if (outbox_is_full(o) && !make_room(o))
        return false;
    memmove(outbox_room(o), octets, size); /* it may have been written there */
    (void)outbox_seal(o, from, fd, size);
    return true;
}

/* Those that could not be sent move to the front. */
RARE static void keep_unsent(struct outbox *o, struct outbox_letter *letter, unsigned unsent)
{
    letter->error = errno;
    if (&o->letters[unsent] != letter)
        copy_letter(&o->letters[unsent], letter);
}

void outbox_send(struct outbox *o)
{
    unsigned unsent = o->tried;

    for (unsigned i = o->tried; i < o->length; i++) {
        struct outbox_letter *letter = &o->letters[i];

        if (!datagram_send(letter->fd, letter->octets, letter->size))
            keep_unsent(o, letter, unsent++);
    }
    o->length = o->tried = unsent;
}

bool outbox_take_unsent(struct outbox *o, struct outbox_letter *out)
{
    if (o->tried == 0)
        return false;
    copy_letter(out, o->letters);
    remove_letter(o, 0);
    return true;
}

void outbox_forget(struct outbox *o, const void *from)
{
    for (unsigned i = o->length; i-- > 0;) {
        if (o->letters[i].from == from)
            remove_letter(o, i);
    }
}
