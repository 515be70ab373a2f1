#include "document.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "arena.h"
#include "overlap.h"
#include "reader.h"
#include "yamldoc.h"

enum { CONNECTIONS, NEXT_PAGE, TOTAL_SIZE };
static const char *const known_of_list[] = {
    [CONNECTIONS] = "privateLinkConnections",
    [NEXT_PAGE] = "nextPageToken",
    [TOTAL_SIZE] = "totalSize",
    NULL,
};

struct holding {
    struct document document;
    struct arena arena;
};

struct parse {
    const struct yamldoc *yaml;
    struct arena *arena;
    struct error_list *errors;
    struct connection *connections;
    size_t length;
};

static const struct yamldoc_node *list_of(const struct yamldoc_node *root)
{
    const struct yamldoc_node *child = root->child;

    while (child != NULL && strcmp(child->key, known_of_list[CONNECTIONS]) != 0)
        child = child->next;
    return child;
}

/* True: a map with "privateLinkConnections"; else the root is a connection itself, or wrong. */
static bool is_list(const struct yamldoc_node *root)
{
    return root->kind == YAMLDOC_MAP && list_of(root) != NULL;
}

static size_t count_connections(const struct yamldoc *yaml, size_t *documents)
{
    struct yamldoc_node *root;
    size_t length = 0;

    *documents = 0;
    for (size_t i = 0; (root = yamldoc_root(yaml, i)) != NULL; i++) {
        if (yamldoc_is_null(root))
            continue;
        ++*documents;
        length += is_list(root) ? list_of(root)->size : 1;
    }
    return length;
}

static bool read_list(struct parse *parse, struct yamldoc_node *root)
{
    struct fields fields;
    struct yamldoc_node *item;
    const char *next_page = "";
    int64_t total;
    size_t length;
    bool ok = true;

    if (!fields_open(&fields, parse->yaml, parse->arena, parse->errors, root, known_of_list))
        return false;
    if (fields.at[CONNECTIONS] == NULL) {
        fields_error(&fields, CONNECTIONS, list_of(root),
                     "wants a list ([] for none), has nothing");
        return false;
    }
    ok &= fields_integer(&fields, TOTAL_SIZE, 0, INT64_MAX, &total);
    ok &= fields_text(&fields, NEXT_PAGE, &next_page);
    if (next_page[0] != '\0')
        fields_warn(&fields, NEXT_PAGE, NULL,
                    "the API has more connections than this page; the others are not attached");
    if (!fields_list(&fields, CONNECTIONS, &item, &length))
        return false;
    for (; item != NULL; item = item->next) {
        struct fields of_item;
        ok &= fields_enter(&of_item, &fields, CONNECTIONS, item, reader_fields()) &&
              reader_connection(&of_item, &parse->connections[parse->length++]);
    }
    return ok;
}

static bool read_single(struct parse *parse, struct yamldoc_node *root)
{
    struct fields fields;

    return fields_open(&fields, parse->yaml, parse->arena, parse->errors, root, reader_fields()) &&
           reader_connection(&fields, &parse->connections[parse->length++]);
}

static bool read_roots(struct parse *parse)
{
    struct yamldoc_node *root;
    size_t documents;
    bool ok = true;
    size_t most = count_connections(parse->yaml, &documents);

    if (documents == 0) {
        error_add(parse->errors, yamldoc_file(parse->yaml), 0, 0,
                  "holds nothing; write 'privateLinkConnections: []' if that is meant");
        return false;
    }
    parse->connections = arena_array(parse->arena, most, sizeof *parse->connections);
    for (size_t i = 0; (root = yamldoc_root(parse->yaml, i)) != NULL; i++) {
        if (!yamldoc_is_null(root))
            ok &= is_list(root) ? read_list(parse, root) : read_single(parse, root);
    }
    return ok;
}

static bool read_all(const char *name, const void *bytes, size_t size, struct holding *holding,
                     struct error_list *errors)
{
    struct parse parse = {.arena = &holding->arena, .errors = errors};
    struct document *document = &holding->document;
    struct yamldoc *yaml = yamldoc_parse(name, bytes, size, errors);
    size_t errors_before = errors->errors;

    if (yaml == NULL)
        return false;
    parse.yaml = yaml;
    bool ok = read_roots(&parse);
    yamldoc_free(yaml);
    if (!ok)
        return false;
    document->connections = parse.connections;
    document->length = parse.length;
    overlap_check(name, &document->digest, parse.connections, parse.length, errors);
    return errors->errors == errors_before;
}

struct document *document_parse(const char *name, const void *bytes, size_t size,
                                struct error_list *errors)
{
    struct holding *holding = alloc_array(1, sizeof *holding);
    struct document *document = &holding->document;
    size_t errors_before = errors->errors, warnings_before = errors->warnings;
    size_t complaints_before = errors->length;

    document->arena = holding;
    document->holders = 1;
    document->name = arena_text(&holding->arena, name, strlen(name));
    digest_of(&document->digest, bytes, size);
    bool ok = read_all(name, bytes, size, holding, errors);
    error_sort(errors, complaints_before);
    document->warnings = errors->warnings - warnings_before;
    if (ok && errors->errors == errors_before)
        return document;
    document_release(document);
    return NULL;
}

/* ---- what a new version leaves untold ---- */

static int compare_ids(const void *a, const void *b)
{
    const struct connection *const *left = a, *const *right = b;

    return strcmp((*left)->id, (*right)->id);
}

/* The connections that attach something, by id. */
static const struct connection **attaching(const struct document *document, size_t *length)
{
    const struct connection **list = alloc_array(document->length, sizeof(struct connection *));

    *length = 0;
    for (size_t i = 0; i < document->length; i++) {
        if (document->connections[i].domains_length > 0)
            list[(*length)++] = &document->connections[i];
    }
    qsort(list, *length, sizeof(struct connection *), compare_ids);
    return list;
}

bool document_tells(const struct document *newer, const struct document *older,
                    struct error_list *errors)
{
    size_t length, errors_before = errors->errors;
    const struct connection **before = attaching(older, &length);

    for (size_t i = 0; i < newer->length; i++) {
        const struct connection *key = &newer->connections[i];
        const struct connection **was =
            key->domains_absent ? bsearch(&key, before, length, sizeof *before, compare_ids) : NULL;
        if (was != NULL)
            error_add(
                errors, newer->name, key->line, 0,
                "attachedDomains of '%s' is absent, while %u attached %s in service; the API's "
                "List leaves it out, its Get tells; write [] if there are none any more",
                key->id, (*was)->domains_length,
                (*was)->domains_length == 1 ? "domain is" : "domains are");
    }
    free(before);
    return errors->errors == errors_before;
}

/* ---- holding ---- */

struct document *document_hold(struct document *document)
{
    document->holders++;
    return document;
}

void document_release(struct document *document)
{
    if (document == NULL || --document->holders > 0)
        return;
    struct holding *holding = document->arena;
    arena_clear(&holding->arena);
    free(holding);
}
