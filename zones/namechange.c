#include "namechange.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "verdict.h"

/* A name and what is answered for it, both by hash: counts need no more. */
struct namechange_name {
    uint64_t owner, answer;
    bool now, implied;
};

struct adding {
    struct namechange *change;
    bool now;
    unsigned view;
    struct verdict verdict;
};

static uint64_t hash_answer(struct adding *adding, const struct domain_rule *rule)
{
    const struct hash_key *key = &adding->change->key;
    struct verdict *verdict = &adding->verdict;

    verdict_of(verdict, rule, &(struct verdict_facts){.own_zone = ""});
    uint64_t parts[] = {
        verdict->kind,
        rule->connection->ttl,
        hash_bytes(key, rule->connection->id, strlen(rule->connection->id)),
        hash_bytes(key, verdict->addresses, verdict->length * sizeof(verdict->addresses[0])),
        0, /* the names of endpoints */
    };
    for (unsigned i = 0; i < verdict->targets_length; i++) {
        const uint8_t *name = verdict->targets[i].name;
        parts[ARRAY_LENGTH(parts) - 1] ^= hash_bytes(key, name, dname_size(name));
    }
    return hash_bytes(key, parts, sizeof(parts));
}

static void add_rule(void *arg, const struct domain_rule *rule)
{
    struct adding *adding = arg;
    struct namechange *change = adding->change;
    struct hash_key key = {change->key.k0 ^ adding->view, change->key.k1};

    if (change->length == change->space) {
        change->space = 2 * change->space + 64;
        change->names = alloc_resize(change->names, change->space, sizeof(*change->names));
    }
    struct namechange_name *name = &change->names[change->length++];
    *name = (struct namechange_name){
        .owner = hash_bytes(&key, rule->owner.wire, rule->owner.size),
        .answer = hash_answer(adding, rule),
        .now = adding->now,
        .implied = rule->implied,
    };
}

void namechange_add(struct namechange *change, const struct document *document, bool now)
{
    struct adding adding = {.change = change, .now = now};
    struct document_walk walk;
    const struct connection *connection;
    const uint16_t *view;

    document_begin(&walk, document);
    while ((connection = document_next(&walk)) != NULL) {
        size_t views = view_of_cluster(change->views, connection->cluster_id, &view);
        for (; views > 0; views--, view++) {
            adding.view = *view;
            domain_rules(connection, add_rule, &adding);
        }
    }
    document_end(&walk);
}

static int compare(const void *a, const void *b)
{
    const struct namechange_name *x = a, *y = b;

    if (x->owner != y->owner) {
        return x->owner < y->owner ? -1 : 1;
    }
    return x->now != y->now ? x->now - y->now : x->implied - y->implied;
}

/* Leaves out what is implied where the same name is written, too.  They are sorted. */
static void drop_implied(struct namechange *change)
{
    size_t kept = 0;

    for (size_t i = 0; i < change->length; i++) {
        const struct namechange_name *name = &change->names[i], *last = name - (i > 0);
        if (!name->implied || i == 0 || last->owner != name->owner || last->now != name->now)
            change->names[kept++] = *name;
    }
    change->length = kept;
}

void namechange_count(struct namechange *change, size_t *added, size_t *moved, size_t *removed)
{
    *added = *moved = *removed = 0;
    if (change->length > 0) {
        qsort(change->names, change->length, sizeof(*change->names), compare);
        drop_implied(change);
    }
    for (size_t i = 0; i < change->length; i++) {
        const struct namechange_name *name = &change->names[i], *next = name + 1;
        if (name->now) {
            ++*added;
        } else if (i + 1 < change->length && next->now && next->owner == name->owner) {
            *moved += next->answer != name->answer;
            i++;
        } else {
            ++*removed;
        }
    }
    free(change->names);
    *change = (struct namechange){.key = change->key, .views = change->views};
}
