#include "tablediff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "arena.h"
#include "tablelayout.h"

/* A name that stands in one of the trees. */
struct point {
    const uint8_t *name;
    uint16_t flags; /* of both trees' nodes, together */
};

struct run {
    const struct table *tables[2];
    struct arena arena;
    struct point *points;
    size_t length, space;
    tablediff_fn *each;
    void *arg;
};

static void collect(struct run *run, const struct table *table)
{
    uint32_t cursor = 0, place;
    uint8_t name[DNAME_MAX];

    while ((place = nametree_next(&table->names, &cursor)) != NAMETREE_NONE) {
        if (run->length == run->space) {
            run->space = run->space == 0 ? 1024 : 2 * run->space;
            run->points = alloc_resize(run->points, run->space, sizeof *run->points);
        }
        size_t size = nametree_name(&table->names, place, name);
        run->points[run->length++] = (struct point){
            .name = arena_copy(&run->arena, name, size),
            .flags = table_node(table, place)->flags,
        };
    }
}

/* By labels from the right, so that a name comes before all below it. */
static int compare_names(const uint8_t *a, const uint8_t *b)
{
    const uint8_t *left[DNAME_LABELS_MAX], *right[DNAME_LABELS_MAX];
    unsigned m = 0, n = 0;

    for (; *a != 0; a += 1 + *a)
        left[m++] = a;
    for (; *b != 0; b += 1 + *b)
        right[n++] = b;
    while (m > 0 && n > 0) {
        const uint8_t *x = left[--m], *y = right[--n];
        int order = memcmp(x + 1, y + 1, *x < *y ? *x : *y);
        if (order != 0 || *x != *y)
            return order != 0 ? order : *x - *y;
    }
    return (m > 0) - (n > 0);
}

static int compare_points(const void *a, const void *b)
{
    const struct point *left = a, *right = b;

    return compare_names(left->name, right->name);
}

static void merge(struct run *run)
{
    size_t kept = 0;

    if (run->length > 0)
        qsort(run->points, run->length, sizeof *run->points, compare_points);
    for (size_t i = 0; i < run->length; i++) {
        if (kept > 0 && compare_names(run->points[kept - 1].name, run->points[i].name) == 0)
            run->points[kept - 1].flags |= run->points[i].flags;
        else
            run->points[kept++] = run->points[i];
    }
    run->length = kept;
}

static bool is_point(const struct run *run, const struct dname *name)
{
    struct point key = {.name = name->wire};

    return bsearch(&key, run->points, run->length, sizeof key, compare_points) != NULL;
}

/* ---- comparing ---- */

static int compare_v4(const void *a, const void *b)
{
    return memcmp(a, b, 4);
}

static int compare_v6(const void *a, const void *b)
{
    return memcmp(a, b, 16);
}

/* Their order is no difference: it changes from answer to answer. */
static bool is_same_answer(const struct answer *a, const struct answer *b)
{
    uint8_t left[ANSWER_RECORDS_MAX * 16], right[ANSWER_RECORDS_MAX * 16];

    if (a == NULL || b == NULL)
        return a == b;
    if (a->ttl != b->ttl || a->a_count != b->a_count || a->a_waits != b->a_waits ||
        a->aaaa_count != b->aaaa_count)
        return false;
    size_t v4 = 4u * a->a_count, size = v4 + 16u * a->aaaa_count;
    memcpy(left, a->addresses, size);
    memcpy(right, b->addresses, size);
    qsort(left, a->a_count, 4, compare_v4);
    qsort(right, a->a_count, 4, compare_v4);
    qsort(left + v4, a->aaaa_count, 16, compare_v6);
    qsort(right + v4, a->aaaa_count, 16, compare_v6);
    return memcmp(left, right, size) == 0;
}

/* Names of endpoints stand for addresses that no table of documents alone knows. */
static bool is_same_note(const struct run *run, const struct tablediff *diff)
{
    struct table_why before, after;

    if (diff->before.rule == NULL || diff->after.rule == NULL)
        return true;
    table_describe(run->tables[0], diff->before.rule, &before);
    table_describe(run->tables[1], diff->after.rule, &after);
    return strcmp(before.note, after.note) == 0;
}

static bool is_same(const struct table_match *a, const struct table_match *b)
{
    return a->outcome == b->outcome && is_same_answer(a->answer, b->answer);
}

static void report(const struct run *run, const struct tablediff *diff)
{
    if (!is_same(&diff->before, &diff->after) || !is_same_note(run, diff))
        run->each(run->arg, diff);
}

static void ask(const struct run *run, const struct dname *name, struct tablediff *out)
{
    table_find(run->tables[0], name->wire, &out->before);
    table_find(run->tables[1], name->wire, &out->after);
    out->kind = out->before.outcome == TABLE_NOT_OWNED  ? TABLEDIFF_PRIVATE
                : out->after.outcome == TABLE_NOT_OWNED ? TABLEDIFF_PUBLIC
                                                        : TABLEDIFF_CHANGED;
}

/* One label in front of the point that is in no tree; false: there is no room for it. */
static bool find_stranger(const struct run *run, const struct dname *parent, struct dname *out)
{
    for (unsigned i = 0;; i++) {
        char label[16];
        int length =
            i == 0 ? snprintf(label, sizeof label, "0") : snprintf(label, sizeof label, "0-%u", i);
        if (!dname_prepend(out, (const uint8_t *)label, (size_t)length, parent))
            return false;
        if (!is_point(run, out))
            return true;
    }
}

/* The same with a label that is a zone id, of those that clouds use last: a zone that has an
 * endpoint may be in no tree. */
static bool find_strange_zone(const struct run *run, unsigned cloud, const struct dname *parent,
                              struct dname *out)
{
    static const char *const ids[][2] = {[CLOUD_AWS] = {"use9-az99", "usw9-az98"},
                                         [CLOUD_ALICLOUD] = {"cn-hangzhou-z", "cn-beijing-z"},
                                         [CLOUD_AZURE] = {"az9", "az8"},
                                         [CLOUD_GCP] = {"us-central9-z", "us-west9-z"}};

    for (unsigned i = 0; i < ARRAY_LENGTH(ids[0]); i++) {
        const char *id = ids[cloud][i];
        if (!dname_prepend(out, (const uint8_t *)id, strlen(id), parent))
            return false;
        if (!is_point(run, out))
            return true;
    }
    return false;
}

static void compare_at(const struct run *run, const struct point *point)
{
    struct tablediff here = {.scope = TABLEDIFF_NAME}, below = {.scope = TABLEDIFF_BELOW};
    struct tablediff zones = {.scope = TABLEDIFF_ZONES};
    struct dname name;

    here.name.size = (uint8_t)dname_size(point->name);
    memcpy(here.name.wire, point->name, here.name.size);
    below.name = zones.name = here.name;
    ask(run, &here.name, &here);
    report(run, &here);
    if (!find_stranger(run, &here.name, &name))
        return;
    ask(run, &name, &below);
    report(run, &below);
    unsigned cloud = point->flags >> NAMETREE_CLOUD_SHIFT & 3;
    if ((point->flags & NAMETREE_ZONED) == 0 || !find_strange_zone(run, cloud, &here.name, &name))
        return;
    ask(run, &name, &zones);
    bool as_below = is_same(&zones.before, &below.before) && is_same(&zones.after, &below.after);
    if (!as_below)
        report(run, &zones);
}

void tablediff_run(const struct table *before, const struct table *after, tablediff_fn *each,
                   void *arg)
{
    struct run run = {.tables = {before, after}, .each = each, .arg = arg};

    collect(&run, before);
    collect(&run, after);
    merge(&run);
    for (size_t i = 0; i < run.length; i++)
        compare_at(&run, &run.points[i]);
    free(run.points);
    arena_clear(&run.arena);
}
