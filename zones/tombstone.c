#include "tombstone.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "dname.h"
#include "domain.h"

struct adding {
    struct tombstone_list *list;
    const struct claims *live;
    uint64_t until;
};

static void add_root(void *arg, const struct domain_root *root)
{
    struct adding *adding = arg;
    struct tombstone_list *list = adding->list;

    if (list->length >= TOMBSTONE_MAX ||
        claims_has_root(adding->live, root->name.wire, root->subtree)) {
        return;
    }
    if (list->length == list->space) {
        list->space = 2 * list->space + 16;
        list->items = alloc_resize(list->items, list->space, sizeof(*list->items));
    }
    list->items[list->length++] = (struct tombstone){
        .what = {alloc_copy(root->name.wire, root->name.size), root->subtree},
        .until = adding->until,
    };
}

void tombstone_add(struct tombstone_list *list, const struct document *document,
                   const struct claims *live, uint64_t until)
{
    struct adding adding = {list, live, until};

    for (size_t i = 0; i < document->length; i++) {
        domain_roots(&document->connections[i], add_root, &adding);
    }
}

static int compare_names(const struct tombstone *a, const struct tombstone *b)
{
    size_t size = dname_size(a->what.name), other = dname_size(b->what.name);

    if (size != other) {
        return size < other ? -1 : 1;
    }
    int order = memcmp(a->what.name, b->what.name, size);
    return order != 0 ? order : a->what.subtree - b->what.subtree;
}

static int compare(const void *a, const void *b)
{
    const struct tombstone *x = a, *y = b;
    int order = compare_names(x, y);

    return order != 0 ? order : (x->until < y->until) - (x->until > y->until);
}

static void drop(struct tombstone *tombstone)
{
    free((uint8_t *)(uintptr_t)tombstone->what.name);
}

void tombstone_settle(struct tombstone_list *list, const struct claims *live)
{
    size_t kept = 0;

    if (list->length == 0) {
        return;
    }
    qsort(list->items, list->length, sizeof(*list->items), compare);
    for (size_t i = 0; i < list->length; i++) {
        struct tombstone *item = &list->items[i];
        if ((kept > 0 && compare_names(item, &list->items[kept - 1]) == 0) ||
            claims_has_root(live, item->what.name, item->what.subtree)) {
            drop(item);
        } else {
            list->items[kept++] = *item;
        }
    }
    list->length = kept;
}

bool tombstone_expire(struct tombstone_list *list, uint64_t now)
{
    size_t kept = 0, before = list->length;

    for (size_t i = 0; i < list->length; i++) {
        if (list->items[i].until <= now) {
            drop(&list->items[i]);
        } else {
            list->items[kept++] = list->items[i];
        }
    }
    list->length = kept;
    return kept != before;
}

uint64_t tombstone_next(const struct tombstone_list *list)
{
    uint64_t next = UINT64_MAX;

    for (size_t i = 0; i < list->length; i++) {
        if (list->items[i].until < next) {
            next = list->items[i].until;
        }
    }
    return next;
}

void tombstone_clear(struct tombstone_list *list)
{
    for (size_t i = 0; i < list->length; i++) {
        drop(&list->items[i]);
    }
    free(list->items);
    *list = (struct tombstone_list){0};
}
