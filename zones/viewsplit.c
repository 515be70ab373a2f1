#include "viewsplit.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

/* What one view sees. */
struct share {
    struct document **documents;
    size_t length, space;
    struct document *part;          /* of the document in hand, if it is not seen whole */
    struct connection *connections; /* of it */
    size_t connections_length;
};

struct viewsplit {
    const struct view_list *views;
    size_t count;
    struct share *shares; /* by number; NULL: there are no views */
    struct document *const *all;
    size_t length;
    void **owned; /* parts and their connections */
    size_t owned_length, owned_space;
    struct document_reading *readings; /* of documents that are not seen whole */
    size_t readings_length, readings_space;
};

static void *own(struct viewsplit *split, void *memory)
{
    if (split->owned_length == split->owned_space) {
        split->owned_space = 2 * split->owned_space + 16;
        split->owned = alloc_resize(split->owned, split->owned_space, sizeof(void *));
    }
    return split->owned[split->owned_length++] = memory;
}

static void add_document(struct share *share, struct document *document)
{
    if (share->length == share->space) {
        share->space = 2 * share->space + 16;
        share->documents = alloc_resize(share->documents, share->space, sizeof(struct document *));
    }
    share->documents[share->length++] = document;
}

/* The one number that sees all of the document; false: there are several, or none does. */
static bool is_of_one(const struct viewsplit *split, const struct document_reading *document,
                      unsigned *view)
{
    const uint16_t *views;

    *view = VIEW_NONE;
    for (size_t i = 0; i < document->length; i++) {
        const char *cluster = document->connections[i].cluster_id;
        if (i > 0 && strcmp(cluster, document->connections[i - 1].cluster_id) == 0) {
            continue;
        }
        size_t length = view_of_cluster(split->views, cluster, &views);
        if (length > 1 || (i > 0 && views[0] != *view)) {
            return false;
        }
        *view = views[0];
    }
    return true;
}

/* Calls for every connection with each number that sees it. */
typedef void seen_fn(struct viewsplit *, struct share *, const struct document *,
                     const struct connection *);

static void each_seen(struct viewsplit *split, const struct document *document,
                      const struct document_reading *reading, seen_fn *seen)
{
    const uint16_t *views;

    for (size_t i = 0; i < reading->length; i++) {
        const struct connection *connection = &reading->connections[i];
        size_t length = view_of_cluster(split->views, connection->cluster_id, &views);
        for (size_t v = 0; v < length; v++) {
            seen(split, &split->shares[views[v]], document, connection);
        }
    }
}

static void count(struct viewsplit *split, struct share *share, const struct document *document,
                  const struct connection *connection)
{
    (void)split;
    (void)document;
    (void)connection;
    share->part = NULL;
    share->connections = NULL;
    share->connections_length++;
}

static void take(struct viewsplit *split, struct share *share, const struct document *document,
                 const struct connection *connection)
{
    if (share->part == NULL) {
        share->connections =
            own(split, alloc_array(share->connections_length, sizeof(*share->connections)));
        share->part = own(split, alloc_array(1, sizeof(*share->part)));
        *share->part = *document;
        share->part->own = (struct document_private){0}; /* it is not at rest */
        share->part->connections = share->connections;
        share->part->length = 0;
        add_document(share, share->part);
    }
    share->connections[share->part->length++] = *connection;
}

static void leave(struct viewsplit *split, struct share *share, const struct document *document,
                  const struct connection *connection)
{
    (void)split;
    (void)document;
    (void)connection;
    share->connections_length = 0;
}

/* Parts point into what was read. */
static void keep_open(struct viewsplit *split, const struct document_reading *reading)
{
    if (split->readings_length == split->readings_space) {
        split->readings_space = 2 * split->readings_space + 16;
        split->readings =
            alloc_resize(split->readings, split->readings_space, sizeof(*split->readings));
    }
    split->readings[split->readings_length++] = *reading;
}

static void divide(struct viewsplit *split, struct document *document)
{
    struct document_reading reading;
    unsigned view;

    document_open(&reading, document);
    if (is_of_one(split, &reading, &view)) {
        add_document(&split->shares[view], document);
        document_close(&reading);
        return;
    }
    each_seen(split, document, &reading, count);
    each_seen(split, document, &reading, take);
    each_seen(split, document, &reading, leave);
    keep_open(split, &reading);
}

struct viewsplit *viewsplit_new(const struct view_list *views, struct document *const *documents,
                                size_t length)
{
    struct viewsplit *split = alloc_array(1, sizeof(*split));

    *split = (struct viewsplit){
        .views = views, .count = view_count(views), .all = documents, .length = length};
    if (split->count == 1) {
        return split;
    }
    split->shares = alloc_array(split->count, sizeof(*split->shares));
    for (size_t i = 0; i < length; i++) {
        divide(split, documents[i]);
    }
    return split;
}

void viewsplit_free(struct viewsplit *split)
{
    for (size_t i = 0; split->shares != NULL && i < split->count; i++) {
        free(split->shares[i].documents);
    }
    for (size_t i = 0; i < split->owned_length; i++) {
        free(split->owned[i]);
    }
    for (size_t i = 0; i < split->readings_length; i++) {
        document_close(&split->readings[i]);
    }
    free(split->readings);
    free(split->shares);
    free(split->owned);
    free(split);
}

struct document *const *viewsplit_documents(const struct viewsplit *split, unsigned view,
                                            size_t *length)
{
    const struct share *share = split->shares != NULL ? &split->shares[view] : NULL;

    *length = share != NULL ? share->length : split->length;
    return share != NULL ? share->documents : split->all;
}
