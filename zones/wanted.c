#include "wanted.h"

#include <stdlib.h>

#include "alloc.h"
#include "dname.h"
#include "targets.h"

struct draft {
    struct wanted *wanted;
    size_t names_room, checks_room;
};

static int compare_names(const void *a, const void *b)
{
    uint8_t *const *x = a, *const *y = b;

    return targets_compare(*x, *y);
}

static int compare_checks(const void *a, const void *b)
{
    const struct wanted_check *x = a, *y = b;

    if (x->name != y->name) {
        return x->name > y->name ? 1 : -1;
    }
    return health_compare(&x->key, &y->key);
}

/* ---- names ---- */

static bool wants_name(const struct connection *connection,
                       const struct connection_endpoint *endpoint)
{
    return endpoint->target != NULL && connection->state != STATE_GONE &&
           endpoint->state != STATE_GONE;
}

static void add_names(struct draft *draft, const struct connection *connection)
{
    struct wanted *wanted = draft->wanted;

    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        const uint8_t *target = connection->endpoints[i].target;
        if (!wants_name(connection, &connection->endpoints[i])) {
            continue;
        }
        if (wanted->names_length == draft->names_room) {
            draft->names_room = 2 * draft->names_room + 16;
            wanted->names = alloc_resize(wanted->names, draft->names_room, sizeof(uint8_t *));
        }
        wanted->names[wanted->names_length++] = alloc_copy(target, dname_size(target));
    }
}

static void settle_names(struct wanted *wanted)
{
    size_t length = 0;

    if (wanted->names_length > 0) {
        qsort(wanted->names, wanted->names_length, sizeof(uint8_t *), compare_names);
    }
    for (size_t i = 0; i < wanted->names_length; i++) {
        uint8_t *name = wanted->names[i];
        bool again = length > 0 && targets_compare(wanted->names[length - 1], name) == 0;
        if (again || length == WANTED_NAMES_MAX) {
            wanted->names_left_out += !again;
            free(name);
        } else {
            wanted->names[length++] = name;
        }
    }
    wanted->names_length = length;
}

/* ---- checks ---- */

static uint32_t place_of(const struct wanted *wanted, const uint8_t *target)
{
    uint8_t *const *found = wanted->names_length == 0
                                ? NULL
                                : bsearch(&target, wanted->names, wanted->names_length,
                                          sizeof(uint8_t *), compare_names);

    return found == NULL ? WANTED_NO_NAME : (uint32_t)(found - wanted->names);
}

static void add_check(struct draft *draft, const struct wanted_check *check)
{
    struct wanted *wanted = draft->wanted;

    if (wanted->checks_length == draft->checks_room) {
        draft->checks_room = 2 * draft->checks_room + 16;
        wanted->checks = alloc_resize(wanted->checks, draft->checks_room, sizeof(*wanted->checks));
    }
    wanted->checks[wanted->checks_length] = *check;
    /* Not part of what is tried: each rule has its own. */
    wanted->checks[wanted->checks_length++].key.check.min_healthy_percent = 0;
}

static void add_checks(struct draft *draft, const struct connection *connection)
{
    if (!connection->health.on || connection->state != STATE_USABLE) {
        return;
    }
    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        const struct connection_endpoint *endpoint = &connection->endpoints[i];
        struct wanted_check check = {.key = {.check = connection->health}, .name = WANTED_NO_NAME};
        if (endpoint->state != STATE_USABLE) {
            continue;
        }
        if (endpoint->target != NULL) {
            check.name = place_of(draft->wanted, endpoint->target);
            if (check.name != WANTED_NO_NAME) {
                add_check(draft, &check);
            }
        }
        for (unsigned a = 0; a < endpoint->length; a++) {
            check.key.address = endpoint->addresses[a];
            add_check(draft, &check);
        }
    }
}

static void settle_checks(struct wanted *wanted)
{
    size_t length = 0;

    if (wanted->checks_length > 0) {
        qsort(wanted->checks, wanted->checks_length, sizeof(*wanted->checks), compare_checks);
    }
    for (size_t i = 0; i < wanted->checks_length; i++) {
        bool again =
            length > 0 && compare_checks(&wanted->checks[length - 1], &wanted->checks[i]) == 0;
        if (again || length == WANTED_CHECKS_MAX) {
            wanted->checks_left_out += !again;
        } else {
            wanted->checks[length++] = wanted->checks[i];
        }
    }
    wanted->checks_length = length;
}

/* ---- the whole ---- */

bool wanted_any(const struct document *document)
{
    struct document_walk walk;
    const struct connection *connection;
    bool any = false;

    document_begin(&walk, document);
    while (!any && (connection = document_next(&walk)) != NULL) {
        any = connection->health.on;
        for (unsigned i = 0; i < connection->endpoints_length && !any; i++) {
            any = connection->endpoints[i].target != NULL;
        }
    }
    document_end(&walk);
    return any;
}

static void each_connection(struct document *const *documents, size_t length,
                            void (*each)(struct draft *, const struct connection *),
                            struct draft *draft)
{
    struct document_walk walk;
    const struct connection *connection;

    for (size_t i = 0; i < length; i++) {
        document_begin(&walk, documents[i]);
        while ((connection = document_next(&walk)) != NULL) {
            each(draft, connection);
        }
        document_end(&walk);
    }
}

struct wanted *wanted_of(struct document *const *documents, size_t length)
{
    struct wanted *wanted = alloc_array(1, sizeof(*wanted));
    struct draft draft = {.wanted = wanted};

    each_connection(documents, length, add_names, &draft);
    settle_names(wanted);
    each_connection(documents, length, add_checks, &draft);
    settle_checks(wanted);
    return wanted;
}

void wanted_free(struct wanted *wanted)
{
    if (wanted == NULL) {
        return;
    }
    for (size_t i = 0; i < wanted->names_length; i++) {
        free(wanted->names[i]);
    }
    free(wanted->names);
    free(wanted->checks);
    free(wanted);
}
