#include "catalogtables.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "documentchange.h"
#include "viewsplit.h"

/* A list of documents. */
struct list {
    struct document **items;
    size_t length, connections;
};

struct catalogtables {
    const struct view_list *views;
    size_t count;           /* view_count() */
    struct table **bases;   /* what was built whole last, held; NULL: nothing, or it is spoiled */
    struct list documents;  /* of them, held */
    uint64_t tombstones;    /* how many changes of the tombstones they know … */
    size_t graves;          /* … and how many of them they hold */
    bool fresh;             /* they were not handed out yet */
    bool patched;           /* what was handed out last lies over them */
    bool joined;            /* what is built whole next is to hold the tombstones, too */
    bool plain;             /* they were built without targets and health */
    struct learned learned; /* about endpoints since they were built … */
    struct learned news;    /* … and since something was handed out last */
    struct documentchange_list changes; /* since they were built, as it was handed out last */
};

struct catalogtables *catalogtables_new(const struct view_list *views)
{
    struct catalogtables *tables = alloc_array(1, sizeof(*tables));

    *tables = (struct catalogtables){.views = views, .count = view_count(views)};
    return tables;
}

void catalogtables_spoil(struct catalogtables *tables)
{
    for (size_t i = 0; tables->bases != NULL && i < tables->count; i++) {
        table_free(tables->bases[i]);
    }
    for (size_t i = 0; i < tables->documents.length; i++) {
        document_release(tables->documents.items[i]);
    }
    free(tables->bases);
    free(tables->documents.items);
    learned_clear(&tables->learned);
    learned_clear(&tables->news);
    documentchange_clear(&tables->changes);
    tables->bases = NULL;
    tables->fresh = false;
    tables->documents = (struct list){0};
}

void catalogtables_learned(struct catalogtables *tables, const struct learned_facts *before,
                           const struct learned_facts *after)
{
    if (tables->bases == NULL) {
        return;
    }
    learned_add(&tables->news, before, after);
    if (tables->learned.length + tables->news.length > CATALOGTABLES_PATCH_MAX) {
        catalogtables_spoil(tables);
    }
}

void catalogtables_join(struct catalogtables *tables)
{
    catalogtables_spoil(tables);
    tables->joined = true;
}

/* True if the tombstones have nothing to do with what is live. */
static bool are_apart(const struct ledger *live, const struct tombstone_list *graves)
{
    bool apart = live != NULL;

    for (size_t i = 0; i < graves->length && apart; i++) {
        const struct tombstone *grave = &graves->items[i];
        apart = grave->view != TOMBSTONE_EVERYWHERE &&
                ledger_is_apart_from(live, grave->view, grave->what.name);
    }
    return apart;
}

void catalogtables_restored(struct catalogtables *tables, const struct ledger *live,
                            const struct tombstone_list *graves)
{
    if (catalogtables_wait(tables) && !are_apart(live, graves)) {
        catalogtables_spoil(tables);
    }
}

void catalogtables_free(struct catalogtables *tables)
{
    if (tables == NULL) {
        return;
    }
    catalogtables_spoil(tables);
    free(tables);
}

void catalogtables_rest(const struct catalogtables *tables)
{
    const struct shelf *before = NULL;

    for (size_t i = 0; i < tables->documents.length; i++) {
        struct shelf *shelf = tables->documents.items[i]->own.shelf;
        if (shelf != NULL && shelf != before) { /* mostly it is one for all */
            shelf_rest(shelf);
        }
        before = shelf;
    }
}

bool catalogtables_wait(const struct catalogtables *tables)
{
    return tables->bases != NULL;
}

bool catalogtables_patched(const struct catalogtables *tables)
{
    return tables->patched;
}

/* ---- what changed ---- */

static void add(struct list *list, struct document *document)
{
    list->items[list->length++] = document;
    list->connections += document->length;
}

/* One document's difference, which was found when something was handed out last, or is now. */
static void add_change(struct catalogtables *tables, struct document *before,
                       struct document *after, struct documentchange_list *changes)
{
    bool known = after == NULL || !learned_concerns_any(&tables->news, after);

    if (!known || !documentchange_move(changes, &tables->changes, before, after)) {
        documentchange_add(changes, before, after, &tables->learned);
    }
}

/* What differs from the documents of the tables, or is to be answered otherwise; both stand by
 * name. */
static void compare(struct catalogtables *tables, const struct list *new,
                    struct documentchange_list *changes)
{
    const struct list *old = &tables->documents;
    size_t o = 0, n = 0;

    while (o < old->length || n < new->length) {
        struct document *mine = o < old->length ? old->items[o] : NULL;
        struct document *theirs = n < new->length ? new->items[n] : NULL;
        int order = mine == theirs   ? 0
                    : mine == NULL   ? 1
                    : theirs == NULL ? -1
                                     : strcmp(mine->name, theirs->name);
        o += order <= 0;
        n += order >= 0;
        if (mine != theirs || learned_concerns_any(&tables->learned, theirs)) {
            add_change(tables, order <= 0 ? mine : NULL, order >= 0 ? theirs : NULL, changes);
        }
    }
}

/* What differs now, and is known from now on. */
static void find_changes(struct catalogtables *tables, const struct list *all)
{
    struct documentchange_list changes = {0};

    learned_join(&tables->learned, &tables->news);
    compare(tables, all, &changes);
    learned_clear(&tables->news);
    documentchange_clear(&tables->changes);
    tables->changes = changes;
}

static void divide(const struct documentchange_list *changes, struct list *before,
                   struct list *after)
{
    for (size_t i = 0; i < changes->length; i++) {
        if (changes->items[i].before != NULL) {
            add(before, changes->items[i].before);
        }
        if (changes->items[i].after != NULL) {
            add(after, changes->items[i].after);
        }
    }
}

static bool is_small(const struct list *before, const struct list *after, const struct list *all)
{
    size_t changed = before->connections + after->connections;

    return changed <= CATALOGTABLES_PATCH_MAX &&
           changed * CATALOGTABLES_PATCH_PART <= all->connections;
}

/* True if these have nothing to do with the rest of what is live.  What changed was found to, but
 * what was learned may be of any connection. */
static bool lie_apart(struct ledger *live, const struct list *documents)
{
    bool apart = live != NULL;

    for (size_t i = 0; i < documents->length && apart; i++) {
        ledger_remove(live, documents->items[i]);
    }
    for (size_t i = 0; i < documents->length && apart; i++) {
        apart = ledger_is_apart(live, documents->items[i]);
    }
    if (live != NULL) {
        ledger_undo(live);
    }
    return apart;
}

/* ---- building ---- */

/* What all views share. */
struct building {
    struct catalogtables *tables;
    const struct tombstone_list *graves;
    struct ledger *live;
    struct table_options *options;
    const struct viewsplit *all, *before, *after; /* while it lasts; the last two: of a patch */
};

static void take_tombstones(struct building *b, unsigned view, struct table_tombstone *out)
{
    b->options->tombstones = out;
    b->options->tombstones_length = 0;
    for (size_t i = 0; i < b->graves->length; i++) {
        const struct tombstone *grave = &b->graves->items[i];
        if (grave->view == view || grave->view == TOMBSTONE_EVERYWHERE) {
            out[b->options->tombstones_length] = grave->what;
            out[b->options->tombstones_length++].fresh = grave->change > b->tables->tombstones;
        }
    }
}

static struct table *build_one(struct building *b, unsigned view)
{
    struct table_tombstone *tombstones = alloc_array(b->graves->length, sizeof(*tombstones));
    struct table *table;
    size_t length;
    struct document *const *documents = viewsplit_documents(b->all, view, &length);

    take_tombstones(b, view, tombstones);
    if (b->before == NULL) {
        table = table_build(b->options, documents, length);
    } else {
        struct table_patch patch = {.base = b->tables->bases[view]};
        patch.before = viewsplit_documents(b->before, view, &patch.before_length);
        patch.after = viewsplit_documents(b->after, view, &patch.after_length);
        table = table_build_patched(b->options, documents, length, &patch);
    }
    b->options->tombstones = NULL;
    b->options->tombstones_length = 0;
    free(tombstones);
    return table;
}

static struct tableset *build_all(struct building *b, size_t documents)
{
    struct table **all = alloc_array(b->tables->count, sizeof(struct table *));

    for (unsigned view = 0; view < b->tables->count; view++) {
        all[view] = build_one(b, view);
    }
    struct tableset *set = tableset_new(b->tables->views, all, documents);
    free(all);
    return set;
}

static void keep(struct catalogtables *tables, struct table *const *built,
                 struct document *const *documents, size_t length)
{
    tables->bases = alloc_array(tables->count, sizeof(struct table *));
    for (size_t i = 0; i < tables->count; i++) {
        tables->bases[i] = table_hold(built[i]);
    }
    tables->documents = (struct list){alloc_array(length, sizeof(struct document *)), 0, 0};
    for (size_t i = 0; i < length; i++) {
        add(&tables->documents, document_hold(documents[i]));
    }
}

static struct tableset *build_whole(struct building *b, const struct list *all)
{
    struct viewsplit *split = viewsplit_new(b->tables->views, all->items, all->length);

    catalogtables_spoil(b->tables);
    b->all = split;
    struct tableset *set = build_all(b, all->length);
    viewsplit_free(split);
    keep(b->tables, set->tables, all->items, all->length);
    b->tables->tombstones = b->graves->changes;
    b->tables->graves = b->graves->length;
    b->tables->plain = b->options->targets == NULL && b->options->health == NULL;
    b->tables->joined = false;
    return set;
}

/* What was built whole, once more. */
static struct tableset *share(const struct catalogtables *tables)
{
    for (size_t i = 0; i < tables->count; i++) {
        table_hold(tables->bases[i]);
    }
    return tableset_new(tables->views, tables->bases, tables->documents.length);
}

/* What did not change is counted, and not looked into. */
static struct tableset *build_over(struct building *b, const struct list *all,
                                   const struct list *before, const struct list *after)
{
    const struct view_list *views = b->tables->views;
    struct viewsplit *splits[] = {viewsplit_closed(views, all->items, all->length),
                                  viewsplit_new(views, before->items, before->length),
                                  viewsplit_new(views, after->items, after->length)};

    b->all = splits[0];
    b->before = splits[1];
    b->after = splits[2];
    struct tableset *set = build_all(b, all->length);
    b->all = b->before = b->after = NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(splits); i++) {
        viewsplit_free(splits[i]);
    }
    return set;
}

/* NULL: too much changed. */
static struct tableset *build_patched(struct building *b, const struct list *all)
{
    struct catalogtables *tables = b->tables;
    struct documentchange_list *changes = &tables->changes;
    struct tableset *set = NULL;

    find_changes(tables, all);
    struct list before = {alloc_array(changes->length, sizeof(struct document *)), 0, 0};
    struct list after = {alloc_array(changes->length, sizeof(struct document *)), 0, 0};
    divide(changes, &before, &after);
    if (tables->fresh && changes->length + b->graves->length == 0) {
        set = share(tables);
    } else if (is_small(&before, &after, all) &&
               (tables->learned.length == 0 || lie_apart(b->live, &after))) {
        set = build_over(b, all, &before, &after);
        tables->patched = true;
    }
    tables->fresh = false;
    free(before.items);
    free(after.items);
    documentchange_rest(changes);
    return set;
}

/* True if a tombstone that the tables know is none any more: its hold ended, or its name is
 * attached again, and may be detached once more before anything is built whole. */
static bool hold_ended(const struct catalogtables *tables, const struct tombstone_list *graves)
{
    size_t left = 0;

    for (size_t i = 0; i < graves->length; i++) {
        left += graves->items[i].change <= tables->tombstones;
    }
    return left < tables->graves;
}

/* Tombstones come and go while documents stay: whole tables do without, if they can. */
static struct tableset *build_bare(struct building *b, const struct list *all)
{
    static const struct tombstone_list none;
    const struct tombstone_list *graves = b->graves;

    b->graves = &none;
    tableset_free(build_whole(b, all)); /* its tables are held */
    b->graves = graves;
    return build_patched(b, all);
}

struct tableset *catalogtables_build(struct catalogtables *tables,
                                     struct document *const *documents, size_t length,
                                     struct ledger *live, const struct tombstone_list *graves,
                                     struct table_options *options)
{
    struct list all = {(struct document **)(uintptr_t)documents, length, 0};
    struct building b = {.tables = tables, .graves = graves, .live = live, .options = options};
    struct tableset *set = NULL;

    for (size_t i = 0; i < length; i++) {
        all.connections += documents[i]->length;
    }
    tables->patched = false;
    if (tables->bases != NULL && graves->length <= CATALOGTABLES_TOMBSTONES_MAX &&
        !hold_ended(tables, graves)) {
        set = build_patched(&b, &all);
    }
    if (set == NULL && !tables->joined && graves->length > 0 &&
        graves->length <= CATALOGTABLES_TOMBSTONES_MAX && are_apart(live, graves)) {
        set = build_bare(&b, &all);
    }
    if (set == NULL) {
        set = build_whole(&b, &all);
    }
    return set;
}

/* ---- for another process ---- */

static bool is_plain(const struct catalogtables *tables, struct document *const *documents,
                     size_t length)
{
    return tables->bases != NULL && tables->plain && tables->graves == 0 &&
           tables->documents.length == length &&
           memcmp(tables->documents.items, documents, length * sizeof(struct document *)) == 0;
}

struct tableset *catalogtables_plain(struct catalogtables *tables,
                                     struct document *const *documents, size_t length,
                                     struct table_options *options)
{
    static const struct tombstone_list none;
    struct catalogtables *new;

    if (is_plain(tables, documents, length)) {
        return share(tables);
    }
    new = catalogtables_new(tables->views);
    options->targets = NULL;
    options->health = NULL;
    struct tableset *set = catalogtables_build(new, documents, length, NULL, &none, options);
    catalogtables_free(new);
    return set;
}

void catalogtables_take(struct catalogtables *into, struct table *const *tables,
                        struct document *const *documents, size_t length)
{
    catalogtables_spoil(into);
    keep(into, tables, documents, length);
    for (size_t i = 0; i < into->count; i++) {
        table_free(tables[i]); /* held by keep() */
    }
    into->tombstones = 0;
    into->graves = 0;
    into->plain = true;
    into->fresh = true;
}
