#include "attachment.h"

#include <string.h>

#include "domain.h"
#include "hostname.h"

/* The text that the vendor's manual wants replaced. */
#define PLACEHOLDER "unique_name"

enum {
    ID,
    TYPE,
    UNIQUE_NAME,
    DOMAINS,
    STATE,
    MESSAGE,
    REGION,
    CLOUD,
    PROJECT_ID,
    CLUSTER_ID,
    CONNECTION_ID,
    CREATED_BY,
    CREATE_TIME
};
static const char *const known[] = {
    [ID] = "attachDomainId",
    [TYPE] = "type",
    [UNIQUE_NAME] = "uniqueName",
    [DOMAINS] = "domains",
    [STATE] = "state",
    [MESSAGE] = "message",
    [REGION] = "region",
    [CLOUD] = "cloud",
    [PROJECT_ID] = "projectId",
    [CLUSTER_ID] = "clusterId",
    [CONNECTION_ID] = "privateLinkConnectionId",
    [CREATED_BY] = "createdBy",
    [CREATE_TIME] = "createTime",
    NULL,
};

enum { NAME, NAME_STATE, NAME_MESSAGE };
static const char *const known_of_name[] = {"name", "state", "message", NULL};

/* ---- one of domains[] ---- */

static bool has_placeholder(const uint8_t *wire)
{
    for (; *wire != 0; wire += 1 + *wire) {
        if (*wire == sizeof PLACEHOLDER - 1 && memcmp(wire + 1, PLACEHOLDER, *wire) == 0)
            return true;
    }
    return false;
}

static void warn_placeholder(const struct fields *fields, unsigned field)
{
    fields_warn(fields, field, NULL,
                "'" PLACEHOLDER
                "' is the placeholder of the manual; the real unique name comes from "
                "attaching");
}

static void warn_name(const struct fields *fields, const struct connection *connection,
                      const struct connection_domain *domain, const struct dname *name,
                      const char *text)
{
    if (domain->root == NULL && dname_is_wildcard(name->wire) && domain_is_broad(name->wire))
        fields_warn(fields, NAME, NULL,
                    "'%.200s' is so broad that it also covers names of others, public ones too",
                    text);
    if (domain->root == NULL && has_placeholder(name->wire))
        warn_placeholder(fields, NAME);
    if (domain_name_names_zone(connection, domain, name->wire))
        fields_warn(fields, NAME, NULL,
                    "'%.*s' is the name of a zone, which differs from account to account; brokers "
                    "carry zone ids such as use1-az1",
                    name->wire[2], (const char *)name->wire + 3);
    const uint8_t *missed = domain_missed_zone(connection, domain, name->wire);
    if (missed != NULL)
        fields_warn(fields, NAME, NULL, "its zone '%.*s' has no endpoint", missed[0],
                    (const char *)missed + 1);
}

static bool read_name(const struct fields *fields, const struct connection *connection,
                      const struct connection_domain *domain, struct connection_name *out)
{
    const char *text = "", *why;
    char root[DNAME_TEXT_MAX];
    struct dname name;
    bool ok = true;

    out->state_word = out->message = "";
    out->line = fields->map->line;
    ok &= fields_state(fields, NAME_STATE, STATE_USABLE, &out->state_word, &out->state);
    ok &= fields_text(fields, NAME_MESSAGE, &out->message);
    if (!fields_text(fields, NAME, &text))
        return false;
    if (text[0] == '\0') {
        fields_error(fields, NAME, NULL, "missing");
        return false;
    }
    if (!hostname_read(&name, text, &why)) {
        fields_error(fields, NAME, NULL, "'%.200s': %s", text, why);
        return false;
    }
    if (domain->root != NULL && !dname_under(name.wire, domain->root, NULL)) {
        fields_error(fields, NAME, NULL, "'%.200s' is not below %.200s", text,
                     dname_to_text(domain->root, root));
        return false;
    }
    out->wire = arena_copy(fields->arena, name.wire, name.size);
    warn_name(fields, connection, domain, &name, text);
    return ok;
}

static bool read_names(const struct fields *fields, const struct connection *connection,
                       struct connection_domain *domain)
{
    struct yamldoc_node *item;
    size_t length;
    bool ok = true;

    if (!fields_list(fields, DOMAINS, &item, &length))
        return false;
    if (length == 0) {
        if (domain->type == CONNECTION_CUSTOM)
            fields_error(fields, DOMAINS, NULL, "missing; CUSTOM wants at least one name");
        return domain->type != CONNECTION_CUSTOM;
    }
    struct connection_name *names = arena_array(fields->arena, length, sizeof *names);
    for (domain->names = names; item != NULL; item = item->next) {
        struct fields of_name;
        struct connection_name *name = &names[domain->length];
        ok &= fields_enter(&of_name, fields, DOMAINS, item, known_of_name) &&
              read_name(&of_name, connection, domain, name);
        domain->length += name->wire != NULL;
    }
    return ok;
}

/* ---- the root of a typed domain ---- */

/* The cloud that a dedicated domain names itself; the others follow the connection. */
static bool read_cloud(const struct fields *fields, const struct connection *connection,
                       enum cloud *cloud)
{
    static const enum cloud clouds[] = {CLOUD_AWS, CLOUD_ALICLOUD, CLOUD_AZURE, CLOUD_GCP};
    const char *labels[ARRAY_LENGTH(clouds) + 1] = {NULL};
    unsigned i = 0;

    for (size_t j = 0; j < ARRAY_LENGTH(clouds); j++)
        labels[j] = zoneid_cloud_label(clouds[j]);
    if (!fields_word(fields, CLOUD, labels, true, &i))
        return false;
    *cloud = clouds[i];
    if (*cloud != connection->cloud)
        fields_warn(fields, CLOUD, NULL, "'%s', while the connection's type is of %s", labels[i],
                    zoneid_cloud_label(connection->cloud));
    return true;
}

/* A label that a dedicated domain's name is made of. */
static bool read_part(const struct fields *fields, unsigned field, const char **out)
{
    struct dname label;
    const char *why;

    if (!fields_text(fields, field, out))
        return false;
    if ((*out)[0] == '\0') {
        fields_error(fields, field, NULL, "missing; TIDBCLOUD_DEDICATED needs it");
        return false;
    }
    if (!hostname_read_label(&label, *out, &why)) {
        fields_error(fields, field, NULL, "'%.80s': %s", *out, why);
        return false;
    }
    return true;
}

/* All names made by rule must fit too: "*." and the longest zone in front. */
static bool check_room(const struct fields *fields, const struct connection *connection,
                       const struct dname *root)
{
    size_t longest = 0;

    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        size_t length = strlen(connection->endpoints[i].zone);
        if (length > 0 && length + 1 > longest)
            longest = length + 1;
    }
    if (2 + longest + root->size <= DNAME_MAX)
        return true;
    fields_error(fields, UNIQUE_NAME, NULL, "the attached names would be longer than %d octets",
                 DNAME_MAX);
    return false;
}

static void warn_unique_name(const struct fields *fields, const struct connection_domain *domain)
{
    const char *usual = domain_unusual(domain->type, domain->unique_name);

    if (has_placeholder(domain->root))
        warn_placeholder(fields, UNIQUE_NAME);
    else if (usual != NULL)
        fields_warn(fields, UNIQUE_NAME, NULL, "'%.80s' has an unusual form; %s is usual",
                    domain->unique_name, usual);
}

static bool read_root(const struct fields *fields, const struct connection *connection,
                      struct connection_domain *domain)
{
    const char *region = "", *project_id = "";
    enum cloud cloud = connection->cloud;
    char why[DOMAIN_WHY_MAX];
    struct dname root;
    bool ok = true;

    if (domain->type == CONNECTION_TIDBCLOUD_DEDICATED) {
        ok &= read_part(fields, REGION, &region);
        ok &= read_part(fields, PROJECT_ID, &project_id);
        ok &= read_cloud(fields, connection, &cloud);
    }
    if (!ok)
        return false;
    if (!domain_make_root(domain->type, cloud, domain->unique_name, region, project_id, &root, why,
                          sizeof why)) {
        fields_error(fields, UNIQUE_NAME, NULL, "%s", why);
        return false;
    }
    if (!check_room(fields, connection, &root))
        return false;
    domain->root = arena_copy(fields->arena, root.wire, root.size);
    warn_unique_name(fields, domain);
    return true;
}

/* ---- one attached domain ---- */

static bool check_unused(const struct fields *fields)
{
    static const unsigned unused[] = {CLUSTER_ID, CONNECTION_ID, CREATED_BY, CREATE_TIME};
    bool ok = true;

    for (size_t i = 0; i < ARRAY_LENGTH(unused); i++)
        ok &= fields_unused_text(fields, unused[i]);
    return ok;
}

static void warn_dedicated_only(const struct fields *fields, enum connection_domain_type type)
{
    static const unsigned dedicated_only[] = {REGION, CLOUD, PROJECT_ID};

    for (size_t i = 0; i < ARRAY_LENGTH(dedicated_only); i++) {
        if (fields->at[dedicated_only[i]] != NULL)
            fields_warn(fields, dedicated_only[i], NULL, "%s does not use it",
                        connection_domain_type_name(type));
    }
}

static bool read_one(const struct fields *fields, const struct connection *connection,
                     struct connection_domain *domain)
{
    unsigned type = 0;
    bool ok = true;

    domain->id = domain->unique_name = domain->state_word = domain->message = "";
    domain->line = fields->map->line;
    ok &= fields_text(fields, ID, &domain->id);
    bool named = fields_text(fields, UNIQUE_NAME, &domain->unique_name);
    ok &= fields_state(fields, STATE, STATE_NOT_READY, &domain->state_word, &domain->state);
    ok &= fields_text(fields, MESSAGE, &domain->message);
    ok &= check_unused(fields);
    if (!fields_word(fields, TYPE, connection_domain_type_names(), true, &type))
        return false;
    domain->type = (enum connection_domain_type)type;
    if (domain->type != CONNECTION_TIDBCLOUD_DEDICATED)
        warn_dedicated_only(fields, domain->type);
    /* Without its root a typed domain's names cannot be judged. */
    if (!named || (domain->type != CONNECTION_CUSTOM && !read_root(fields, connection, domain)))
        return false;
    if (read_names(fields, connection, domain))
        return ok;
    if (domain->length == 0)
        domain->root = NULL; /* its names are not those made by rule, but unknown */
    return false;
}

/* False: what its names are is not known. */
static bool has_names(const struct connection_domain *domain, bool typed)
{
    return domain->type == CONNECTION_CUSTOM ? domain->length > 0 : domain->root != NULL && typed;
}

bool attachment_read_all(const struct fields *parent, unsigned field, bool typed,
                         struct connection *connection)
{
    struct yamldoc_node *item;
    size_t length;
    bool ok = true;

    connection->domains_absent = parent->at[field] == NULL;
    if (!fields_list(parent, field, &item, &length))
        return false;
    if (connection->domains_absent)
        fields_warn(parent, field, NULL,
                    "absent, as in the answer of the API's List: no name is attached");
    struct connection_domain *domains = arena_array(parent->arena, length, sizeof *domains);
    for (connection->domains = domains; item != NULL; item = item->next) {
        struct fields fields;
        struct connection_domain *domain = &domains[connection->domains_length];
        *domain = (struct connection_domain){.type = CONNECTION_CUSTOM};
        ok &= fields_enter(&fields, parent, field, item, known) &&
              read_one(&fields, connection, domain);
        connection->domains_length += has_names(domain, typed);
    }
    return ok;
}
