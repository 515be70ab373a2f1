#include "chaos.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "build.h"
#include "explain.h"
#include "rarerecord.h"

/* Texts are cut to EXPLAIN_TEXT_MAX, so a record of one is far from what RDLENGTH can say. */
static void put_text(struct wire_reply *r, const char *text)
{
    struct ldns_struct_rr *record = rarerecord_new(r->query, WIRE_TXT, 0);

    rarerecord_add(record, text);
    rarerecord_put(r, record);
}

static void put_identity(struct wire_reply *r, const struct chaos_facts *facts, const char *text)
{
    if (facts->config->identity_hidden)
        r->rcode = WIRE_REFUSED;
    else
        put_text(r, text);
}

static void put_version(struct wire_reply *r, const struct chaos_facts *facts)
{
    put_identity(r, facts, "pldns " PLDNS_VERSION);
}

static void put_instance(struct wire_reply *r, const struct chaos_facts *facts)
{
    put_identity(r, facts, facts->config->instance);
}

static void put_generation(struct wire_reply *r, const struct chaos_facts *facts)
{
    char digest[DIGEST_TEXT], text[512];
    int n =
        snprintf(text, sizeof text, "generation=%" PRIu64 " hash=%s accepted=%zu",
                 table_generation(facts->table), digest_to_text(table_digest(facts->table), digest),
                 table_documents(facts->table));

    if (facts->dated && !facts->divided && n > 0)
        n += snprintf(text + n, sizeof text - (size_t)n, " refused=%" PRIu64, facts->refused);
    if (facts->dated && n > 0)
        n += snprintf(text + n, sizeof text - (size_t)n, " age=%" PRIu64 "s", facts->age_ms / 1000);
    if (facts->view[0] != '\0' && n > 0)
        snprintf(text + n, sizeof text - (size_t)n, " view=%s", facts->view);
    put_text(r, text);
}

/* What an A query of class IN would get, and why. */
static void put_explanation(struct wire_reply *r, const struct chaos_facts *facts)
{
    const uint8_t *name = wire_name(r->query);
    struct explain explain;
    char text[EXPLAIN_TEXT_MAX];
    size_t used;

    explain_find_near(facts->table, name, "A", &explain);
    explain_text(facts->table, &explain, text, sizeof text);
    used = strlen(text);
    if (explain.match.outcome == TABLE_NOT_OWNED && explain.special == SPECIAL_NONE) {
        if (!explain.is_near && !explain.match.placeholder)
            used = 0; /* "not owned" goes without saying */
        snprintf(text + used, sizeof text - used, "%sforwarded upstreams=%s", used > 0 ? "; " : "",
                 facts->upstreams);
    }
    used = strlen(text);
    if (facts->view[0] != '\0')
        snprintf(text + used, sizeof text - used, " view=%s", facts->view);
    put_text(r, text);
}

static const struct {
    const char *name; /* wire form, folded */
    void (*put)(struct wire_reply *, const struct chaos_facts *);
} fixed[] = {
    {"\7version\4bind", put_version},         {"\7version\6server", put_version},
    {"\10hostname\4bind", put_instance},      {"\2id\6server", put_instance},
    {"\12generation\5pldns", put_generation},
};

void chaos_write(struct wire_reply *r, const struct chaos_facts *facts)
{
    r->rcode = WIRE_NOERROR;
    if (r->query->type != WIRE_TXT && r->query->type != WIRE_ANY)
        return; /* there are texts only: NOERROR, empty */
    for (size_t i = 0; i < ARRAY_LENGTH(fixed); i++) {
        if (dname_equal(wire_name(r->query), (const uint8_t *)fixed[i].name)) {
            fixed[i].put(r, facts);
            return;
        }
    }
    put_explanation(r, facts);
}
