#include "document.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
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

static bool read_all(const char *name, const void *bytes, size_t size, struct document *document,
                     struct error_list *errors)
{
    struct parse parse = {.arena = &document->own.arena, .errors = errors};
    size_t errors_before = errors->errors;

    parse.yaml = document->own.yaml = yamldoc_parse(name, bytes, size, errors);
    if (parse.yaml == NULL)
        return false;
    bool ok = read_roots(&parse);
    document->connections = parse.connections;
    document->length = parse.length;
    /* Over what could be read: who mends one mistake is not to find the next one then. */
    overlap_check(name, &document->digest, parse.connections, parse.length, errors);
    return ok && errors->errors == errors_before;
}

static struct document *new_document(const char *name, const struct digest *digest)
{
    struct document *document = alloc_array(1, sizeof *document);

    document->own.holders = 1;
    document->name = alloc_string(name);
    document->digest = *digest;
    return document;
}

struct document *document_parse(const char *name, const void *bytes, size_t size,
                                struct error_list *errors)
{
    struct digest digest;

    digest_of(&digest, bytes, size);
    return document_parse_known(name, &digest, bytes, size, errors);
}

struct document *document_parse_known(const char *name, const struct digest *digest,
                                      const void *bytes, size_t size, struct error_list *errors)
{
    struct document *document = new_document(name, digest);
    size_t errors_before = errors->errors, warnings_before = errors->warnings;
    size_t complaints_before = errors->length;

    bool ok = read_all(name, bytes, size, document, errors);
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
static const struct connection **attaching(const struct document_reading *reading, size_t *length)
{
    const struct connection **list = alloc_array(reading->length, sizeof(struct connection *));

    *length = 0;
    for (size_t i = 0; i < reading->length; i++) {
        if (reading->connections[i].domains_length > 0)
            list[(*length)++] = &reading->connections[i];
    }
    qsort(list, *length, sizeof(struct connection *), compare_ids);
    return list;
}

static bool tells_all(const struct document *newer)
{
    for (size_t i = 0; i < newer->length; i++) {
        if (newer->connections[i].domains_absent)
            return false;
    }
    return true;
}

bool document_tells(const struct document *newer, const struct document *older,
                    struct error_list *errors)
{
    struct document_reading reading;
    size_t length, errors_before = errors->errors;

    if (tells_all(newer)) /* nearly always */
        return true;
    document_open(&reading, older);
    const struct connection **before = attaching(&reading, &length);
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
    document_close(&reading);
    return errors->errors == errors_before;
}

/* ---- at rest ---- */

void document_begin(struct document_walk *walk, const struct document *document)
{
    const struct document_private *own = &document->own;

    walk->next = document->connections;
    walk->left = document->length;
    walk->packed = own->packed != NULL;
    walk->arena = (struct arena){0};
    walk->kept = NULL;
    if (walk->packed)
        walk->reading = documentpack_begin(own->packed, own->size, &walk->arena);
}

const struct connection *document_next(struct document_walk *walk)
{
    if (walk->left == 0)
        return NULL;
    walk->left--;
    if (!walk->packed)
        return walk->next++;
    arena_rewind(&walk->arena, walk->kept);
    documentpack_next(&walk->reading, &walk->connection);
    assert(!walk->reading.unpacking.broken); /* what is on a shelf was checked by its digest */
    return &walk->connection;
}

void document_keep(struct document_walk *walk)
{
    walk->kept = walk->arena.next;
}

void document_end(struct document_walk *walk)
{
    arena_clear(&walk->arena);
}

void document_open(struct document_reading *reading, const struct document *document)
{
    const struct document_private *own = &document->own;

    *reading = (struct document_reading){document->connections, document->length, {0}};
    if (own->packed != NULL) {
        reading->connections =
            documentpack_read(own->packed, own->size, document->length, &reading->arena);
        assert(reading->connections != NULL); /* what is on a shelf was checked by its digest */
    }
}

void document_close(struct document_reading *reading)
{
    arena_clear(&reading->arena);
}

static void forget_read(struct document *document)
{
    yamldoc_free(document->own.yaml);
    document->own.yaml = NULL;
    arena_clear(&document->own.arena);
}

void document_rest(struct document *document)
{
    struct packing packing = {0};

    if (document->own.packed != NULL)
        return;
    documentpack_write(&packing, document->connections, document->length);
    document->own.packed = alloc_resize(packing.bytes, packing.size, 1);
    document->own.size = packing.size;
    document->connections = NULL;
    forget_read(document);
}

/* Takes its packed bytes from where they are. */
static void take_up(struct document *document)
{
    if (document->own.shelf == NULL)
        free((uint8_t *)(uintptr_t)document->own.packed);
    shelf_drop(document->own.shelf);
    document->own.shelf = NULL;
    document->own.packed = NULL;
}

bool document_shelve(struct document *document, struct shelf *shelf)
{
    uint64_t place;

    if (document->own.shelf == shelf)
        return true;
    const uint8_t *bytes = shelf_put(shelf, document->own.packed, document->own.size, 1, &place);

    if (bytes == NULL)
        return false;
    take_up(document);
    document->own.shelf = shelf_hold(shelf);
    document->own.packed = bytes;
    document->own.place = place;
    return true;
}

void document_unshelve(struct document *document)
{
    uint8_t *bytes = alloc_copy(document->own.packed, document->own.size);

    take_up(document);
    document->own.packed = bytes;
}

void document_tell(const struct document *document, struct packing *packing)
{
    assert(document->own.shelf != NULL);
    packing_text(packing, document->name);
    packing_bytes(packing, document->digest.bytes, sizeof document->digest.bytes);
    packing_number(packing, document->length);
    packing_number(packing, document->warnings);
    section_tell(packing, document->own.place, document->own.packed, document->own.size);
}

struct document *document_told(struct unpacking *unpacking, struct shelf *shelf)
{
    static const struct digest none;
    struct document *document = new_document(unpacking_text(unpacking), &none);
    const uint8_t *digest = unpacking_bytes(unpacking, sizeof none.bytes);

    if (digest != NULL)
        memcpy(document->digest.bytes, digest, sizeof none.bytes);
    document->length = unpacking_number(unpacking);
    document->warnings = unpacking_number(unpacking);
    document->own.packed =
        section_take(unpacking, shelf, &document->own.place, &document->own.size);
    if (document->own.packed != NULL)
        document->own.shelf = shelf_hold(shelf);
    if (!unpacking->broken)
        return document;
    document_release(document);
    return NULL;
}

const uint64_t *document_sum(struct document *document)
{
    struct hash_key keys[2];

    _Static_assert(sizeof keys == sizeof document->digest, "a key is half a digest");
    if ((document->sum[0] | document->sum[1]) == 0) {
        memcpy(keys, &document->digest, sizeof keys);
        for (size_t i = 0; i < 2; i++)
            document->sum[i] = hash_bytes(&keys[i], document->name, strlen(document->name));
    }
    return document->sum;
}

struct document *document_part(const struct document *document)
{
    return new_document(document->name, &document->digest);
}

struct document *document_hold(struct document *document)
{
    document->own.holders++;
    return document;
}

void document_release(struct document *document)
{
    if (document == NULL || --document->own.holders > 0)
        return;
    take_up(document);
    forget_read(document);
    free((char *)(uintptr_t)document->name);
    free(document->looks_to);
    free(document->seen);
    free(document);
}
