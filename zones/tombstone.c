#include "tombstone.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "dname.h"
#include "domain.h"

/* The list may grow so long before it is put in order: names that came twice take no room from
 * others, and the order costs little for each that comes. */
#define LENGTH_MAX (TOMBSTONE_MAX + TOMBSTONE_MAX / 8)

struct adding {
    struct tombstone_list *list;
    const struct ledger *live;
    uint64_t until;
    unsigned view;
};

static int compare_names(const struct tombstone *a, const struct tombstone *b)
{
    size_t size = dname_size(a->what.name), other = dname_size(b->what.name);

    if (size != other) {
        return size < other ? -1 : 1;
    }
    int order = memcmp(a->what.name, b->what.name, size);
    if (order == 0) {
        order = a->what.subtree - b->what.subtree;
    }
    return order != 0 ? order : (a->view > b->view) - (a->view < b->view);
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

static int compare_ends(const void *a, const void *b)
{
    const struct tombstone *x = a, *y = b;

    return x->until != y->until ? (x->until < y->until) - (x->until > y->until)
                                : compare_names(x, y);
}

static void let_go(struct tombstone_list *list)
{
    if (list->length <= TOMBSTONE_MAX) {
        return;
    }
    qsort(list->items, list->length, sizeof(*list->items), compare_ends);
    while (list->length > TOMBSTONE_MAX) {
        drop(list, &list->items[--list->length]);
        list->let_go++;
    }
}

/* 'live' may be NULL: nothing is known of it. */
static void put_in_order(struct tombstone_list *list, const struct ledger *live)
{
    size_t kept = 0;

    if (list->length == 0) {
        return;
    }
    qsort(list->items, list->length, sizeof(*list->items), compare);
    for (size_t i = 0; i < list->length; i++) {
        struct tombstone *item = &list->items[i];
        if ((kept > 0 && compare_names(item, &list->items[kept - 1]) == 0) ||
            (live != NULL && item->view != TOMBSTONE_EVERYWHERE &&
             ledger_has_root(live, item->view, item->what.name, item->what.subtree))) {
            drop(list, item);
        } else {
            list->items[kept++] = *item;
        }
    }
    list->length = kept;
    let_go(list);
}

static void add(struct tombstone_list *list, const struct ledger *live, unsigned view,
                const uint8_t *wire, size_t size, bool subtree, uint64_t until)
{
    if (list->length == LENGTH_MAX) {
        put_in_order(list, live);
    }
    if (list->length == list->space) {
        list->space = 2 * list->space + 16 < LENGTH_MAX ? 2 * list->space + 16 : LENGTH_MAX;
        list->items = alloc_resize(list->items, list->space, sizeof(*list->items));
    }
    list->items[list->length++] = (struct tombstone){
        .what = {.name = alloc_copy(wire, size), .subtree = subtree},
        .until = until,
        .change = ++list->changes,
        .view = view,
    };
}

static void add_root(void *arg, const struct domain_root *root)
{
    struct adding *adding = arg;

    if (!ledger_has_root(adding->live, adding->view, root->name.wire, root->subtree)) {
        add(adding->list, adding->live, adding->view, root->name.wire, root->name.size,
            root->subtree, adding->until);
    }
}

void tombstone_add(struct tombstone_list *list, const struct document *document,
                   const struct ledger *live, uint64_t until)
{
    struct adding adding = {.list = list, .live = live, .until = until};
    struct document_walk walk;
    const struct connection *connection;
    const uint16_t *view;

    document_begin(&walk, document);
    while ((connection = document_next(&walk)) != NULL) {
        size_t views = view_of_cluster(list->views, connection->cluster_id, &view);
        for (; views > 0; views--, view++) {
            adding.view = *view;
            domain_roots(connection, add_root, &adding);
        }
    }
    document_end(&walk);
}

size_t tombstone_settle(struct tombstone_list *list, const struct ledger *live)
{
    put_in_order(list, live);
    size_t gone = list->let_go;
    list->let_go = 0;
    return gone;
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

/* A line: "1795270000000 all b1.example" or "… one h.example", and behind it the view if it has
 * one: "… all b1.example a", or "*" for each.  Names in text form and views have no blanks.  In
 * front of them stands, if there are views, what these are: "views 5f70bf18…"; and if the boot can
 * be told, when this was written: "at 1795269940000 81234567 e174e6d4-…", by the wall clock and
 * since which boot.  Milliseconds all. */
#define END_DIGITS_MAX 20
#define LINE_ROOM      (END_DIGITS_MAX + sizeof(" all  \n") + DNAME_TEXT_MAX + VIEW_NAME_MAX)

#define EVERYWHERE "*" /* the name of no view */
#define VIEWS      "views "
#define VIEWS_ROOM (sizeof(VIEWS) + DIGEST_TEXT)
#define AT         "at "
#define AT_ROOM    (sizeof(AT "  \n") + 2 * END_DIGITS_MAX + TOMBSTONE_BOOT_MAX)

static const char *const reaches[] = {"one", "all"}; /* the name alone, or what is below it, too */

/* The first line; "" if there are no views. */
static void write_views(const struct view_list *views, char line[VIEWS_ROOM])
{
    char text[DIGEST_TEXT];
    struct digest sum;

    line[0] = '\0';
    if (view_count(views) > 1) {
        view_sum(views, &sum);
        snprintf(line, VIEWS_ROOM, VIEWS "%s\n", digest_to_text(&sum, text));
    }
}

static const char *view_text(const struct view_list *views, unsigned view)
{
    return view == TOMBSTONE_EVERYWHERE ? EVERYWHERE : view_name(views, view);
}

static size_t write_moment(const struct tombstone_moment *at, char line[AT_ROOM])
{
    if (at->boot[0] == '\0') {
        return 0;
    }
    return (size_t)snprintf(line, AT_ROOM, AT "%" PRIu64 " %" PRIu64 " %s\n", at->wall, at->now,
                            at->boot);
}

char *tombstone_write(const struct tombstone_list *list, const struct tombstone_moment *at,
                      size_t *size)
{
    char *text = alloc_array(VIEWS_ROOM + AT_ROOM, 1), name[DNAME_TEXT_MAX];
    size_t used = 0, room = VIEWS_ROOM + AT_ROOM;

    if (list->length > 0) {
        write_views(list->views, text);
        used = strlen(text);
        used += write_moment(at, text + used);
    }
    for (size_t i = 0; i < list->length && used + LINE_ROOM <= TOMBSTONE_TEXT_MAX; i++) {
        const struct tombstone *item = &list->items[i];
        uint64_t left = item->until > at->now ? item->until - at->now : 0;
        if (room - used < LINE_ROOM) {
            room = 2 * room + LINE_ROOM;
            text = alloc_resize(text, room, 1);
        }
        used += (size_t)snprintf(text + used, LINE_ROOM, "%" PRIu64 " %s %s%s%s\n", at->wall + left,
                                 reaches[item->what.subtree], dname_to_text(item->what.name, name),
                                 item->view != VIEW_NONE ? " " : "",
                                 view_text(list->views, item->view));
    }
    *size = used;
    return text;
}

/* Cuts the view's name off the end of a line from 'at' on. */
static unsigned take_view(const struct view_list *views, const char *at, const char **stop)
{
    const char *blank = memchr(at, ' ', (size_t)(*stop - at));
    char name[VIEW_NAME_MAX + 1];

    if (blank == NULL) {
        return VIEW_NONE;
    }
    size_t length = (size_t)(*stop - blank) - 1;
    *stop = blank;
    if (length > VIEW_NAME_MAX) {
        return VIEW_NONE;
    }
    memcpy(name, blank + 1, length);
    name[length] = '\0';
    return strcmp(name, EVERYWHERE) == 0 ? TOMBSTONE_EVERYWHERE : view_find(views, name);
}

/* Milliseconds in front of 'stop', and moves '*at' behind them; there are none if it stays. */
static uint64_t take_time(const char **at, const char *stop)
{
    const char *start = *at;
    uint64_t time = 0;

    for (; *at < stop && **at >= '0' && **at <= '9' && *at - start < END_DIGITS_MAX - 1; (*at)++) {
        time = time * 10 + (unsigned)(**at - '0');
    }
    return time;
}

/* The end, and the name.  False: it is no tombstone's. */
static bool read_line(const struct view_list *views, const char *line, size_t length, uint64_t *end,
                      bool *subtree, unsigned *view, struct dname *name)
{
    const char *why, *at = line, *stop = line + length;

    *end = take_time(&at, stop);
    for (unsigned i = 0; i < ARRAY_LENGTH(reaches) && at > line; i++) {
        const size_t word = sizeof(" one ") - 1;
        if ((size_t)(stop - at) > word && at[0] == ' ' && at[word - 1] == ' ' &&
            memcmp(at + 1, reaches[i], word - 2) == 0) {
            *subtree = i == 1;
            *view = take_view(views, at + word, &stop);
            return dname_from_text(name, at + word, (size_t)(stop - at) - word, &why) &&
                   name->size > 1; /* the root would own everything */
        }
    }
    return false;
}

/* True if what is written there was written under these views.  '*text' is then behind them. */
static bool are_same_views(const struct view_list *views, const char **text, size_t size)
{
    const char *end = memchr(*text, '\n', size), *line = *text;
    char wanted[VIEWS_ROOM];

    write_views(views, wanted);
    if (end == NULL || strncmp(line, VIEWS, sizeof(VIEWS) - 1) != 0) {
        return wanted[0] == '\0';
    }
    size_t length = (size_t)(end - line) + 1;
    *text += length;
    return length == strlen(wanted) && memcmp(line, wanted, length) == 0;
}

/* Milliseconds and the blank behind them. */
static bool take_field(const char **at, const char *stop, uint64_t *time)
{
    const char *start = *at;

    *time = take_time(at, stop);
    return *at > start && *at < stop && *(*at)++ == ' ';
}

/* By which clock the ends have to be taken: the wall clock as it stood when they were written, and
 * what has passed since.  '*text' is then behind the line that tells of it, if there is one. */
static uint64_t take_moment(const struct tombstone_moment *now, const char **text, const char *stop)
{
    const char *at = *text + sizeof(AT) - 1, *end = memchr(*text, '\n', (size_t)(stop - *text));
    uint64_t wall, then;

    if (end == NULL || strncmp(*text, AT, sizeof(AT) - 1) != 0 || !take_field(&at, end, &wall) ||
        !take_field(&at, end, &then)) {
        return now->wall;
    }
    *text = end + 1;
    if (now->boot[0] == '\0') {
        return now->wall;
    }
    bool same =
        (size_t)(end - at) == strlen(now->boot) && memcmp(at, now->boot, (size_t)(end - at)) == 0;
    return same && now->now > then ? wall + (now->now - then) : wall;
}

size_t tombstone_read(struct tombstone_list *list, const char *text, size_t size,
                      const struct tombstone_moment *now, uint64_t hold)
{
    const char *stop = text + size, *line_end;
    bool same = are_same_views(list->views, &text, size);
    uint64_t wall = take_moment(now, &text, stop);
    size_t damaged = 0;

    for (const char *line = text; line < stop; line = line_end + 1) {
        struct dname name;
        uint64_t end;
        bool subtree;
        unsigned view;
        line_end = memchr(line, '\n', (size_t)(stop - line));
        if (line_end == NULL) {
            return damaged + 1; /* cut off */
        }
        size_t length = (size_t)(line_end - line);
        if (!read_line(list->views, line, length, &end, &subtree, &view, &name)) {
            damaged++;
        } else if (end > wall) {
            uint64_t left = end - wall < hold ? end - wall : hold;
            if (view_count(list->views) == 1) {
                view = VIEW_NONE;
            } else if (!same) {
                view = TOMBSTONE_EVERYWHERE;
            }
            add(list, NULL, view, name.wire, name.size, subtree, now->now + left);
        }
    }
    return damaged;
}

void tombstone_clear(struct tombstone_list *list)
{
    for (size_t i = 0; i < list->length; i++) {
        drop(list, &list->items[i]);
    }
    free(list->items);
    *list = (struct tombstone_list){.views = list->views};
}
