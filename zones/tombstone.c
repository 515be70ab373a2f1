#include "tombstone.h"

#include <inttypes.h>
#include <stdio.h>
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

static void add(struct tombstone_list *list, const uint8_t *wire, size_t size, bool subtree,
                uint64_t until)
{
    if (list->length >= TOMBSTONE_MAX) {
        return;
    }
    if (list->length == list->space) {
        list->space = 2 * list->space + 16;
        list->items = alloc_resize(list->items, list->space, sizeof(*list->items));
    }
    list->items[list->length++] = (struct tombstone){
        .what = {alloc_copy(wire, size), subtree},
        .until = until,
    };
    list->changes++;
}

static void add_root(void *arg, const struct domain_root *root)
{
    struct adding *adding = arg;

    if (!claims_has_root(adding->live, root->name.wire, root->subtree)) {
        add(adding->list, root->name.wire, root->name.size, root->subtree, adding->until);
    }
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

static void drop(struct tombstone_list *list, struct tombstone *tombstone)
{
    free((uint8_t *)(uintptr_t)tombstone->what.name);
    list->changes++;
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
            drop(list, item);
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
            drop(list, &list->items[i]);
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

/* ---- across a restart ---- */

/* A line: "1795270000000 all b1.example" or "… one h.example". */
#define END_DIGITS_MAX 20
#define LINE_ROOM      (END_DIGITS_MAX + sizeof(" all \n") + DNAME_TEXT_MAX)

static const char *const reaches[] = {"one", "all"}; /* the name alone, or what is below it, too */

char *tombstone_write(const struct tombstone_list *list, uint64_t now, uint64_t wall, size_t *size)
{
    char *text = alloc_array(1, 1), name[DNAME_TEXT_MAX];
    size_t used = 0, room = 1;

    for (size_t i = 0; i < list->length && used + LINE_ROOM <= TOMBSTONE_TEXT_MAX; i++) {
        const struct tombstone *item = &list->items[i];
        uint64_t left = item->until > now ? item->until - now : 0;
        if (room - used < LINE_ROOM) {
            room = 2 * room + LINE_ROOM;
            text = alloc_resize(text, room, 1);
        }
        used += (size_t)snprintf(text + used, LINE_ROOM, "%" PRIu64 " %s %s\n", wall + left,
                                 reaches[item->what.subtree], dname_to_text(item->what.name, name));
    }
    *size = used;
    return text;
}

/* The end, and the name's place in the line.  False: it is no tombstone's. */
static bool read_line(const char *line, size_t length, uint64_t *end, bool *subtree,
                      struct dname *name)
{
    const char *why, *at = line, *stop = line + length;

    for (*end = 0; at < stop && *at >= '0' && *at <= '9' && at - line < END_DIGITS_MAX - 1; at++) {
        *end = *end * 10 + (unsigned)(*at - '0');
    }
    for (unsigned i = 0; i < ARRAY_LENGTH(reaches) && at > line; i++) {
        const size_t word = sizeof(" one ") - 1;
        if ((size_t)(stop - at) > word && at[0] == ' ' && at[word - 1] == ' ' &&
            memcmp(at + 1, reaches[i], word - 2) == 0) {
            *subtree = i == 1;
            return dname_from_text(name, at + word, (size_t)(stop - at) - word, &why) &&
                   name->size > 1; /* the root would own everything */
        }
    }
    return false;
}

void tombstone_read(struct tombstone_list *list, const char *text, size_t size, uint64_t now,
                    uint64_t wall, uint64_t hold)
{
    const char *stop = text + size, *line_end;

    for (const char *line = text; line < stop; line = line_end + 1) {
        struct dname name;
        uint64_t end;
        bool subtree;
        line_end = memchr(line, '\n', (size_t)(stop - line));
        if (line_end == NULL) {
            return; /* cut off */
        }
        if (read_line(line, (size_t)(line_end - line), &end, &subtree, &name) && end > wall) {
            uint64_t left = end - wall < hold ? end - wall : hold;
            add(list, name.wire, name.size, subtree, now + left);
        }
    }
}

void tombstone_clear(struct tombstone_list *list)
{
    for (size_t i = 0; i < list->length; i++) {
        drop(list, &list->items[i]);
    }
    free(list->items);
    *list = (struct tombstone_list){0};
}
