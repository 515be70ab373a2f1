#include "querylog.h"

#include <string.h>

static bool is_wanted(enum config_query_log wish, uint16_t rcode, bool owned)
{
    bool error = rcode != WIRE_NOERROR && rcode != WIRE_NXDOMAIN;

    switch (wish) {
    case CONFIG_QUERIES_OFF:
        return false;
    case CONFIG_QUERIES_ERRORS:
        return error;
    case CONFIG_QUERIES_OWNED:
        return owned || error;
    case CONFIG_QUERIES_ALL:
        return true;
    }
    return false;
}

void querylog_write(const struct config *config, const struct sockaddr *client, bool tcp,
                    const struct wire_reply *r, const char *how)
{
    const struct wire_query *query = r->query;
    char address[128], name[DNAME_TEXT_MAX] = "-", quoted[DNAME_TEXT_MAX + 8];

    if (!is_wanted(config->log.queries, r->rcode, strcmp(how, "owned") == 0))
        return;
    if (query->name_size > 0)
        dname_to_text(wire_name(query), name);
    log_info("query", "client=%s transport=%s name=%s class=%u type=%u rcode=%u answers=%u how=%s",
             config_address_text(client, address, sizeof address), tcp ? "tcp" : "udp",
             log_quote(name, quoted, sizeof quoted), query->class, query->type, r->rcode,
             r->counts[WIRE_ANSWER], how);
}
