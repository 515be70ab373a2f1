/* Domains that were detached and stay owned for a while: see "Tombstones" in docs/answers.md. */
#ifndef PLDNS_TOMBSTONE_H
#define PLDNS_TOMBSTONE_H

#include <limits.h>

#include "ledger.h"
#include "table.h"

/* So many are held at once.  Beyond that those are let go whose hold ends first: they are forwarded
 * before it does. */
#define TOMBSTONE_MAX (1u << 20)
/* Room for all of them with names of usual length. */
#define TOMBSTONE_TEXT_MAX (96u << 20)

/* As 'view': in each, for nobody knows any more in which. */
#define TOMBSTONE_EVERYWHERE UINT_MAX

struct tombstone {
    struct table_tombstone what; /* its name is owned */
    uint64_t until;              /* monotonic milliseconds */
    uint64_t change;             /* the list's 'changes' when it came */
    unsigned view;               /* where it was attached, and only there it is held */
};

struct tombstone_list {
    const struct view_list *views; /* set once, or NULL */
    struct tombstone *items;
    size_t length, space;
    uint64_t changes; /* grows with every one that comes or goes */
    size_t let_go;    /* since the list was settled */
};

/* Adds the roots of a document that is served no more and that nobody in 'live' has, in each view
 * that saw them. */
void tombstone_add(struct tombstone_list *, const struct document *, const struct ledger *live,
                   uint64_t until);

/* Puts the list in order: one per name and view, the later end counts; what is live again goes, and
 * what is too much.  Returns how many were let go for that since the last time. */
size_t tombstone_settle(struct tombstone_list *, const struct ledger *live);

/* Drops those that end at 'now' or before; true if there was any. */
bool tombstone_expire(struct tombstone_list *, uint64_t now);

/* When the first ends; UINT64_MAX if there is none. */
uint64_t tombstone_next(const struct tombstone_list *);

/* One moment by either clock, in milliseconds.  The monotonic one means something to other
 * processes of the same boot, and jumps of the wall clock change nothing there. */
struct tombstone_moment {
    uint64_t now, wall;
    const char *boot; /* which boot, a word; "" if that cannot be told */
};
#define TOMBSTONE_BOOT_MAX 63 /* octets of that word */

/* All of them as lines of text, to outlast a restart: when it was written, and their ends by the
 * wall clock; their views by name, and what the views were.  The caller's to free(); what would go
 * beyond TOMBSTONE_TEXT_MAX is left out. */
char *tombstone_write(const struct tombstone_list *, const struct tombstone_moment *, size_t *size);

/* Adds what was written.  In the same boot each ends when it would have, wherever the wall clock
 * went; after another nobody knows what time has passed, and each begins with what was left of it.
 * Where the boot cannot be told the wall clock is believed.  Nothing lasts longer than 'hold'; what
 * has ended, and lines that are no tombstone's, are left out.  If there were other views then, or
 * none, the clients who asked for a name may be in any now: it is held everywhere.  Returns how
 * many lines are no tombstone's. */
size_t tombstone_read(struct tombstone_list *, const char *text, size_t size,
                      const struct tombstone_moment *, uint64_t hold);

void tombstone_clear(struct tombstone_list *);

#endif
