#include "view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "packing.h"

#define WHY(why, ...) (snprintf(why, VIEW_WHY, __VA_ARGS__), false)

/* ---- names ---- */

unsigned view_find(const struct view_list *list, const char *name)
{
    for (size_t i = 0; list != NULL && i < list->length; i++) {
        if (strcmp(list->names[i], name) == 0)
            return (unsigned)i + 1;
    }
    return VIEW_NONE;
}

/* Names stand in metrics, in the state directory and in texts: plain ones need no escapes. */
static bool is_name(const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t length = strspn(name, plain);

    return length > 0 && length <= VIEW_NAME_MAX && name[length] == '\0';
}

unsigned view_add(struct view_list *list, const char *name, char *why)
{
    unsigned known = view_find(list, name);

    if (known != VIEW_NONE)
        return known;
    if (!is_name(name))
        return WHY(why, "wants up to %d letters, digits, '-', '_' or '.', has '%.80s'",
                   VIEW_NAME_MAX, name);
    if (list->length == VIEW_MAX)
        return WHY(why, "wants at most %d views", VIEW_MAX);
    list->names = alloc_resize(list->names, list->length + 1, sizeof(char *));
    list->names[list->length] = alloc_string(name);
    return (unsigned)++list->length;
}

const char *view_name(const struct view_list *list, unsigned view)
{
    return view == VIEW_NONE ? "" : list->names[view - 1];
}

size_t view_count(const struct view_list *list)
{
    return list == NULL ? 1 : list->length + 1;
}

/* ---- clients ---- */

static int compare_blocks(const struct netblock *a, const struct netblock *b)
{
    if (a->bits != b->bits)
        return a->bits > b->bits ? -1 : 1;
    return memcmp(a->address, b->address, sizeof a->address);
}

/* Where the block stands, or belongs. */
static size_t place_of(const struct view_list *list, const struct netblock *block, size_t low,
                       size_t high, bool *found)
{
    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_blocks(&list->networks[middle].block, block);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void find_runs(struct view_list *list)
{
    list->runs_length = 0;
    for (size_t i = 0; i < list->networks_length; i++) {
        if (i == 0 || list->networks[i].block.bits != list->networks[i - 1].block.bits) {
            list->runs = alloc_resize(list->runs, list->runs_length + 1, sizeof *list->runs);
            list->runs[list->runs_length++].at = i;
        }
        list->runs[list->runs_length - 1].end = i + 1;
    }
}

static bool add_network(struct view_list *list, unsigned view, const struct netblock *block,
                        const char *text, char *why)
{
    bool found;
    size_t at = place_of(list, block, 0, list->networks_length, &found);

    if (found && list->networks[at].view == view)
        return true; /* 127.0.0.0/8 beside loopback says nothing new */
    if (found)
        return WHY(why, "'%.80s' is a network of view '%s' already", text,
                   view_name(list, list->networks[at].view));
    if (list->networks_length == VIEW_NETWORKS_MAX)
        return WHY(why, "wants at most %d networks", VIEW_NETWORKS_MAX);
    list->networks =
        alloc_resize(list->networks, list->networks_length + 1, sizeof *list->networks);
    memmove(list->networks + at + 1, list->networks + at,
            (list->networks_length - at) * sizeof *list->networks);
    list->networks[at] = (struct view_network){*block, (uint16_t)view};
    list->networks_length++;
    return true;
}

bool view_add_clients(struct view_list *list, unsigned view, const char *text, char *why)
{
    struct netblock_list blocks = {0};
    const char *reason;
    bool ok = true;

    if (!netblock_add(&blocks, text, &reason))
        return WHY(why, "'%.80s': %s", text, reason);
    for (size_t i = 0; i < blocks.length && ok; i++)
        ok = add_network(list, view, &blocks.items[i], text, why);
    netblock_clear(&blocks);
    find_runs(list);
    return ok;
}

/* Called only where there are views: not in the way of the others. */
APART unsigned view_of_client(const struct view_list *list, const struct sockaddr *address)
{
    struct netblock client, around;

    if (list == NULL || list->length == 0 || !netblock_of(&client, address))
        return VIEW_NONE;
    for (size_t i = 0; i < list->runs_length; i++) {
        const struct view_run *run = &list->runs[i];
        bool found;
        netblock_shorten(&client, list->networks[run->at].block.bits, &around);
        size_t at = place_of(list, &around, run->at, run->end, &found);
        if (found)
            return list->networks[at].view;
    }
    return VIEW_NONE;
}

/* ---- clusters ---- */

/* The first place whose cluster is not before 'id'. */
static size_t first_of(const struct view_list *list, const char *id)
{
    size_t low = 0, high = list->clusters_length;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(list->clusters[middle], id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool view_add_cluster(struct view_list *list, unsigned view, const char *id, char *why)
{
    if (id[0] == '\0' || strlen(id) > VIEW_CLUSTER_MAX)
        return WHY(why, "wants a cluster id of 1 to %d characters, has '%.80s'", VIEW_CLUSTER_MAX,
                   id);
    size_t at = first_of(list, id);
    for (; at < list->clusters_length && strcmp(list->clusters[at], id) == 0; at++) {
        if (list->selecting[at] == view)
            return WHY(why, "'%.80s' is there twice", id);
    }
    if (list->clusters_length == VIEW_CLUSTERS_MAX)
        return WHY(why, "wants at most %d cluster ids", VIEW_CLUSTERS_MAX);
    size_t length = ++list->clusters_length, behind = length - 1 - at;
    list->clusters = alloc_resize(list->clusters, length, sizeof(char *));
    list->selecting = alloc_resize(list->selecting, length, sizeof *list->selecting);
    memmove(list->clusters + at + 1, list->clusters + at, behind * sizeof(char *));
    memmove(list->selecting + at + 1, list->selecting + at, behind * sizeof *list->selecting);
    list->clusters[at] = alloc_string(id);
    list->selecting[at] = (uint16_t)view;
    return true;
}

size_t view_of_cluster(const struct view_list *list, const char *id, const uint16_t **out)
{
    static const uint16_t none = VIEW_NONE;

    *out = &none;
    if (list == NULL || list->length == 0)
        return 1;
    size_t at = first_of(list, id), end = at;
    while (end < list->clusters_length && strcmp(list->clusters[end], id) == 0)
        end++;
    if (end == at)
        return 1;
    *out = list->selecting + at;
    return end - at;
}

void view_clear(struct view_list *list)
{
    for (size_t i = 0; i < list->length; i++)
        free(list->names[i]);
    for (size_t i = 0; i < list->clusters_length; i++)
        free(list->clusters[i]);
    free(list->names);
    free(list->networks);
    free(list->runs);
    free(list->clusters);
    free(list->selecting);
    *list = (struct view_list){0};
}

/* ---- all of it ---- */

void view_sum(const struct view_list *list, struct digest *sum)
{
    struct packing packing = {0};

    packing_number(&packing, view_count(list) - 1);
    for (size_t i = 0; list != NULL && i < list->length; i++)
        packing_text(&packing, list->names[i]);
    for (size_t i = 0; list != NULL && i < list->networks_length; i++) {
        const struct netblock *block = &list->networks[i].block;
        packing_number(&packing, list->networks[i].view);
        packing_number(&packing, block->bits);
        packing_bytes(&packing, block->address, sizeof block->address);
    }
    for (size_t i = 0; list != NULL && i < list->clusters_length; i++) {
        packing_number(&packing, list->selecting[i]);
        packing_text(&packing, list->clusters[i]);
    }
    digest_of(sum, packing.bytes, packing.size);
    free(packing.bytes);
}
