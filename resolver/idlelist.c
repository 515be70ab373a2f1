#include "idlelist.h"

#include <assert.h>

static void check(const struct idlelist *list)
{
    assert((list->head == NULL) == (list->length == 0));
    assert((list->tail == NULL) == (list->length == 0));
    assert(list->head == NULL || (list->head->before == NULL && list->tail->behind == NULL));
}

void idlelist_append(struct idlelist *list, struct idlelist_entry *entry, uint64_t now)
{
    entry->touched = now;
    entry->before = list->tail;
    entry->behind = NULL;
    *(list->tail != NULL ? &list->tail->behind : &list->head) = entry;
    list->tail = entry;
    list->length++;
    check(list);
}

void idlelist_remove(struct idlelist *list, struct idlelist_entry *entry)
{
    assert(list->length > 0);
    *(entry->before != NULL ? &entry->before->behind : &list->head) = entry->behind;
    *(entry->behind != NULL ? &entry->behind->before : &list->tail) = entry->before;
    entry->before = entry->behind = NULL;
    list->length--;
    check(list);
}

void idlelist_touch(struct idlelist *list, struct idlelist_entry *entry, uint64_t now)
{
    if (list->tail == entry) {
        entry->touched = now;
        return;
    }
    idlelist_remove(list, entry);
    idlelist_append(list, entry, now);
}
