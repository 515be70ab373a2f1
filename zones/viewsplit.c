#include "viewsplit.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "arena.h"

/* What one view sees. */
struct share {
    struct document **documents;
    size_t length, space;
    struct document *part; /* of the document in hand, if it is not seen whole */
    size_t place;          /* in 'seen', behind the first; 0: not there */
};

struct viewsplit {
    const struct view_list *views;
    size_t count;
    struct share *shares; /* by number; NULL: there are no views */
    struct document *const *all;
    size_t length;
    bool closed;                       /* parts are counted only */
    struct document_seen *seen;        /* of the document in hand, with room for all views */
    struct arena arena;                /* parts, and their connections */
    struct document_reading *readings; /* of documents that are not seen whole */
    size_t readings_length, readings_space;
};

static void add_document(struct share *share, struct document *document)
{
    if (share->length == share->space) {
        share->space = 2 * share->space + 16;
        share->documents = alloc_resize(share->documents, share->space, sizeof(struct document *));
    }
    share->documents[share->length++] = document;
}

/* ---- who sees how much ---- */

static struct document_share *seen_by(struct viewsplit *split, unsigned view)
{
    struct document_seen *seen = split->seen;
    struct share *share = &split->shares[view];

    if (share->place == 0) {
        seen->shares[seen->length] = (struct document_share){.view = view};
        share->place = ++seen->length;
    }
    return &seen->shares[share->place - 1];
}

/* Looks into the document, this once. */
static void note(struct viewsplit *split, struct document *document)
{
    struct document_seen *seen = split->seen;
    struct document_walk walk;
    const struct connection *connection;
    const uint16_t *views;

    seen->length = 0;
    document_begin(&walk, document);
    while ((connection = document_next(&walk)) != NULL) {
        size_t length = view_of_cluster(split->views, connection->cluster_id, &views);
        for (size_t v = 0; v < length; v++) {
            seen_by(split, views[v])->connections++;
        }
    }
    document_end(&walk);
    if (document->length == 0) {
        (void)seen_by(split, VIEW_NONE);
    }
    for (size_t i = 0; i < seen->length; i++) {
        split->shares[seen->shares[i].view].place = 0;
    }
    document->seen = alloc_copy(seen, sizeof(*seen) + seen->length * sizeof(seen->shares[0]));
}

/* ---- parts ---- */

static struct connection *connections_of(const struct document *part)
{
    return (struct connection *)(uintptr_t)part->connections;
}

static void add_part(struct viewsplit *split, struct document *document,
                     const struct document_share *seen)
{
    struct share *share = &split->shares[seen->view];

    share->part = arena_array(&split->arena, 1, sizeof(*share->part));
    *share->part = (struct document){.name = document->name, .digest = document->digest};
    memcpy(share->part->sum, document_sum(document), sizeof(document->sum));
    if (split->closed) {
        share->part->length = seen->connections;
    } else {
        share->part->connections =
            arena_room(&split->arena, seen->connections, sizeof(struct connection));
    }
    add_document(share, share->part);
}

/* Parts point into what was read. */
static const struct document_reading *keep_open(struct viewsplit *split,
                                                const struct document *document)
{
    if (split->readings_length == split->readings_space) {
        split->readings_space = 2 * split->readings_space + 16;
        split->readings =
            alloc_resize(split->readings, split->readings_space, sizeof(*split->readings));
    }
    struct document_reading *reading = &split->readings[split->readings_length++];
    document_open(reading, document);
    return reading;
}

static void fill_parts(struct viewsplit *split, const struct document *document)
{
    const struct document_reading *reading = keep_open(split, document);
    const uint16_t *views;

    for (size_t i = 0; i < reading->length; i++) {
        const struct connection *connection = &reading->connections[i];
        size_t length = view_of_cluster(split->views, connection->cluster_id, &views);
        for (size_t v = 0; v < length; v++) {
            struct document *part = split->shares[views[v]].part;
            connections_of(part)[part->length++] = *connection;
        }
    }
}

static void divide(struct viewsplit *split, struct document *document)
{
    if (document->seen == NULL) {
        note(split, document);
    }
    const struct document_seen *seen = document->seen;
    if (seen->length == 1) {
        add_document(&split->shares[seen->shares[0].view], document);
        return;
    }
    for (size_t i = 0; i < seen->length; i++) {
        add_part(split, document, &seen->shares[i]);
    }
    if (!split->closed) {
        fill_parts(split, document);
    }
}

/* ---- the whole ---- */

static struct viewsplit *split_all(const struct view_list *views, struct document *const *documents,
                                   size_t length, bool closed)
{
    struct viewsplit *split = alloc_array(1, sizeof(*split));

    *split = (struct viewsplit){.views = views,
                                .count = view_count(views),
                                .all = documents,
                                .length = length,
                                .closed = closed};
    if (split->count == 1) {
        return split;
    }
    split->shares = alloc_array(split->count, sizeof(*split->shares));
    split->seen =
        alloc_array(1, sizeof(*split->seen) + split->count * sizeof(split->seen->shares[0]));
    for (size_t i = 0; i < length; i++) {
        divide(split, documents[i]);
    }
    return split;
}

struct viewsplit *viewsplit_new(const struct view_list *views, struct document *const *documents,
                                size_t length)
{
    return split_all(views, documents, length, false);
}

struct viewsplit *viewsplit_closed(const struct view_list *views, struct document *const *documents,
                                   size_t length)
{
    return split_all(views, documents, length, true);
}

void viewsplit_free(struct viewsplit *split)
{
    for (size_t i = 0; split->shares != NULL && i < split->count; i++) {
        free(split->shares[i].documents);
    }
    for (size_t i = 0; i < split->readings_length; i++) {
        document_close(&split->readings[i]);
    }
    free(split->readings);
    free(split->shares);
    free(split->seen);
    arena_clear(&split->arena);
    free(split);
}

struct document *const *viewsplit_documents(const struct viewsplit *split, unsigned view,
                                            size_t *length)
{
    const struct share *share = split->shares != NULL ? &split->shares[view] : NULL;

    *length = share != NULL ? share->length : split->length;
    return share != NULL ? share->documents : split->all;
}
