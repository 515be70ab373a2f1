#include "documentchange.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "domain.h"
#include "ledger.h"
#include "view.h"

/* ---- apart from each other ---- */

struct apart {
    struct ledger *roots; /* of the connections so far */
    bool near;            /* one of the connection in hand has to do with them */
};

static void meet(void *arg, const struct domain_root *root)
{
    struct apart *apart = arg;

    apart->near = apart->near || !ledger_is_apart_from(apart->roots, VIEW_NONE, root->name.wire);
}

static void add(void *arg, const struct domain_root *root)
{
    struct apart *apart = arg;

    ledger_add_root(apart->roots, VIEW_NONE, root->name.wire, root->subtree);
}

static bool find_apart(const struct document *document)
{
    struct document_walk walk;
    const struct connection *connection;
    struct hash_key key;

    /* As overlap.c has it: made of the document's own bytes. */
    memcpy(&key, document->digest.bytes, sizeof(key));
    struct apart apart = {ledger_new(&key, NULL), false};
    document_begin(&walk, document);
    while (!apart.near && (connection = document_next(&walk)) != NULL) {
        domain_roots(connection, meet, &apart);
        domain_roots(connection, add, &apart);
    }
    document_end(&walk);
    ledger_free(apart.roots);
    return !apart.near;
}

static bool is_apart(struct document *document)
{
    if (document->apart == DOCUMENT_APART_UNKNOWN) {
        document->apart = find_apart(document) ? DOCUMENT_APART : DOCUMENT_NOT_APART;
    }
    return document->apart == DOCUMENT_APART;
}

/* ---- the difference ---- */

/* One version: what is read of it, and what is kept of that. */
struct side {
    struct document_walk walk;
    const struct connection *connection; /* in hand, or NULL: there are no more */
    struct document *part;
    size_t space;
};

static void begin(struct side *side, const struct document *document)
{
    document_begin(&side->walk, document);
    side->part = document_part(document);
    side->space = 0;
}

static void keep(struct side *side)
{
    if (side->connection == NULL) {
        return;
    }
    struct document *part = side->part;
    if (part->length == side->space) {
        side->space = 2 * side->space + 4;
        struct connection *room =
            arena_room(&side->walk.arena, side->space, sizeof(struct connection));
        if (part->length > 0) {
            memcpy(room, part->connections, part->length * sizeof(*room));
        }
        part->connections = room;
    }
    ((struct connection *)(uintptr_t)part->connections)[part->length++] = *side->connection;
    document_keep(&side->walk);
}

static void end(struct side *side, bool good)
{
    side->part->own.arena = side->walk.arena;
    if (!good) {
        document_release(side->part);
    }
}

static bool differ(const struct connection *old, const struct connection *new,
                   const struct learned *learned)
{
    return old == NULL || new == NULL || !connection_equal(old, new) ||
           (learned != NULL && learned_concerns(learned, new));
}

/* Holds the versions against each other place by place.  False: they are to be told whole. */
static bool find_difference(const struct documentchange_list *list, struct document *before,
                            struct document *after, const struct learned *learned,
                            struct documentchange *out)
{
    struct side old, new;
    size_t most = DOCUMENTCHANGE_MOST - list->connections;
    bool good = true;

    begin(&old, before);
    begin(&new, after);
    do {
        old.connection = document_next(&old.walk);
        new.connection = document_next(&new.walk);
        if (differ(old.connection, new.connection, learned)) {
            keep(&old);
            keep(&new);
            good = old.part->length + new.part->length <= most;
        }
    } while (good && (old.connection != NULL || new.connection != NULL));
    good = good && is_apart(before) && is_apart(after);
    *out = (struct documentchange){.before = old.part, .after = new.part};
    end(&old, good);
    end(&new, good);
    return good;
}

/* ---- the list ---- */

static void put(struct documentchange_list *list, const struct documentchange *change)
{
    if (list->length == list->space) {
        list->space = 2 * list->space + 4;
        list->items = alloc_resize(list->items, list->space, sizeof(*list->items));
    }
    list->items[list->length++] = *change;
}

static struct document *hold(struct document *document)
{
    return document != NULL ? document_hold(document) : NULL;
}

void documentchange_add(struct documentchange_list *list, struct document *before,
                        struct document *after, const struct learned *learned)
{
    struct documentchange change;

    if (before != NULL && after != NULL && find_difference(list, before, after, learned, &change)) {
        list->connections += change.before->length + change.after->length;
    } else {
        change = (struct documentchange){.before = hold(before), .after = hold(after)};
    }
    change.old = hold(before);
    change.new = hold(after);
    put(list, &change);
}

/* True if it is told by connections of its own. */
static bool has_parts(const struct documentchange *change)
{
    return change->before != change->old;
}

static const char *name_of(const struct document *before, const struct document *after)
{
    return (before != NULL ? before : after)->name;
}

bool documentchange_move(struct documentchange_list *list, struct documentchange_list *from,
                         const struct document *before, const struct document *after)
{
    const char *name = name_of(before, after);

    while (from->next < from->length &&
           strcmp(name_of(from->items[from->next].old, from->items[from->next].new), name) < 0) {
        from->next++;
    }
    if (from->next == from->length) {
        return false;
    }
    struct documentchange *change = &from->items[from->next];
    if (change->old != before || change->new != after) {
        return false;
    }
    put(list, change);
    *change = (struct documentchange){0};
    from->next++;
    return true;
}

void documentchange_rest(struct documentchange_list *list)
{
    for (size_t i = 0; i < list->length; i++) {
        if (has_parts(&list->items[i])) {
            document_rest(list->items[i].before);
            document_rest(list->items[i].after);
        }
    }
}

void documentchange_clear(struct documentchange_list *list)
{
    for (size_t i = 0; i < list->length; i++) {
        const struct documentchange *change = &list->items[i];
        struct document *const held[] = {change->before, change->after, change->old, change->new};
        for (size_t h = 0; h < ARRAY_LENGTH(held); h++) {
            document_release(held[h]);
        }
    }
    free(list->items);
    *list = (struct documentchange_list){0};
}
