#include "catalogplay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "alloc.h"
#include "catalogearly.h"

const char *catalogplay_document(const char *id, const char *names, const char *address)
{
    static char text[4096];
    char copy[1024], *rest = copy;
    int size = snprintf(text, sizeof(text),
                        "privateLinkConnectionId: %s\n"
                        "type: VPC_RESOURCE\n"
                        "state: ACTIVE\n"
                        "endpoints:\n"
                        "  - addresses: [%s]\n"
                        "attachedDomains:\n"
                        "  - type: CUSTOM\n"
                        "    domains:\n",
                        id, address);

    if (strcmp(names, "-") == 0) {
        *strstr(text, "attachedDomains") = '\0';
        return text;
    }
    snprintf(copy, sizeof(copy), "%s", names);
    for (char *name; (name = strtok_r(rest, " ", &rest)) != NULL;) {
        size += snprintf(text + size, sizeof(text) - (size_t)size, "      - name: '%s'\n", name);
    }
    return text;
}

enum catalog_offer catalogplay_offer_text(struct catalog *catalog, const char *name,
                                          const char *text)
{
    return catalog_offer(catalog, name, text, strlen(text));
}

enum catalog_offer catalogplay_offer(struct catalog *catalog, const char *name, const char *id,
                                     const char *names)
{
    return catalogplay_offer_text(catalog, name, catalogplay_document(id, names, "10.0.0.1"));
}

struct catalog_change catalogplay_finish(struct catalog *catalog)
{
    struct catalog_change change;

    catalog_finish(catalog, 0, &change);
    return change;
}

bool catalogplay_take_early(struct catalog *catalog, const char *name, const char *text,
                            struct catalog_change *change)
{
    size_t size = strlen(text);
    struct catalog_reading *reading = catalog_read(catalog, name, alloc_copy(text, size), size);

    return catalogearly_take(catalog, name, reading, 0, change);
}

const char *catalogplay_served(const struct catalog *catalog)
{
    static char text[1024];
    int size = 0;

    text[0] = '\0';
    for (size_t i = 0; i < catalog_length(catalog); i++) {
        struct catalog_entry entry;
        catalog_entry(catalog, i, &entry);
        size += snprintf(text + size, sizeof(text) - (size_t)size, "%s%s%s%s%s", i == 0 ? "" : " ",
                         entry.name, entry.served ? "" : "(none)", entry.refused ? "(refused)" : "",
                         entry.restored ? "(restored)" : "");
        assert_int_equal(entry.complaints->errors > 0, entry.refused);
    }
    return text;
}

const char *catalogplay_whose(struct catalog *catalog, const char *text)
{
    static char answer[64];
    struct table_options options = {.zone = ""};
    struct tableset *set = catalog_build_set(catalog, &options);
    struct table_match match;
    struct dname name;
    const char *why;

    assert_true(dname_from_text(&name, text, strlen(text), &why));
    table_find(tableset_table(set, VIEW_NONE), name.wire, &match);
    if (match.outcome == TABLE_ANSWER) {
        struct table_why rule;
        table_describe(tableset_table(set, VIEW_NONE), match.rule, &rule);
        snprintf(answer, sizeof(answer), "%s", rule.connection);
    } else {
        snprintf(answer, sizeof(answer), "%s",
                 match.outcome == TABLE_NOT_OWNED  ? "not owned"
                 : match.outcome == TABLE_DETACHED ? "detached"
                 : match.outcome == TABLE_NXDOMAIN ? "nxdomain"
                                                   : "else");
    }
    tableset_free(set);
    return answer;
}

struct shelf *catalogplay_shelf(int file)
{
    struct stat status;

    assert_return_code(fstat(file, &status), 0);
    struct shelf *shelf = shelf_new(dup(file), (uint64_t)status.st_size);
    assert_non_null(shelf);
    return shelf;
}
