#include "shape.h"

#include <string.h>

#include "document.h"
#include "domain.h"
#include "output.h"

struct collect {
    const struct connection *connection;
    json_t *lists;
};

static void take(void *arg, const struct domain_rule *rule)
{
    struct collect *collect = arg;
    json_t *list =
        json_array_get(collect->lists, (size_t)(rule->domain - collect->connection->domains));
    char text[DNAME_TEXT_MAX];

    (void)json_array_append_new(list, output_string(dname_to_text(rule->owner.wire, text)));
}

static json_t *names_of(const struct connection *connection)
{
    struct collect collect = {connection, json_array()};

    for (unsigned i = 0; i < connection->domains_length; i++) {
        (void)json_array_append_new(collect.lists, json_array());
    }
    domain_rules(connection, take, &collect);
    return collect.lists;
}

json_t *shape_names(const char *file, const void *bytes, size_t size, const char *id)
{
    struct error_list errors = {0};
    struct document *document = document_parse(file, bytes, size, &errors);
    json_t *names = NULL;

    for (size_t i = 0; names == NULL && document != NULL && i < document->length; i++) {
        if (strcmp(document->connections[i].id, id) == 0) {
            names = names_of(&document->connections[i]);
        }
    }
    document_release(document);
    error_clear(&errors);
    return names;
}

void shape_fill(json_t *connection, const json_t *names)
{
    size_t i, j;
    json_t *domain, *name;

    json_array_foreach(json_object_get(connection, "attachedDomains"), i, domain)
    {
        if (json_array_size(json_object_get(domain, "domains")) > 0) {
            continue;
        }
        json_t *list = json_array();
        json_array_foreach(json_array_get(names, i), j, name)
        {
            (void)json_array_append_new(list, json_pack("{s:O}", "name", name));
        }
        (void)json_object_set_new(domain, "domains", list);
    }
}
