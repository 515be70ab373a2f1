#include "querylog.h"

#include <ldns/ldns.h>
#include <stdlib.h>
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

/* Words as dig prints them; what has no name is told by number (TYPE65280, CLASS77). */
struct words {
    char *type, *class, *rcode; /* NULL: no memory */
};

static char *rcode_word(uint16_t rcode)
{
    switch (rcode) {
    case WIRE_NOTIMP: /* ldns has others for these two */
        return strdup("NOTIMP");
    case WIRE_BADVERS:
        return strdup("BADVERS");
    default:
        return ldns_pkt_rcode2str((ldns_pkt_rcode)rcode);
    }
}

static struct words words_of(const struct wire_reply *r)
{
    return (struct words){
        ldns_rr_type2str((ldns_rr_type)r->query->type),
        ldns_rr_class2str((ldns_rr_class)r->query->class),
        rcode_word(r->rcode),
    };
}

static void forget(struct words *words)
{
    free(words->type);
    free(words->class);
    free(words->rcode);
}

static const char *word(const char *text)
{
    return text != NULL ? text : "?";
}

void querylog_write(const struct config *config, const struct sockaddr *client, unsigned view,
                    bool tcp, const struct wire_reply *r, const char *how)
{
    const struct wire_query *query = r->query;
    char address[128], name[DNAME_TEXT_MAX] = "-", quoted[2 * DNAME_TEXT_MAX], way[64];

    if (!is_wanted(config->log.queries, r->rcode, strcmp(how, "owned") == 0))
        return;
    if (query->name_size > 0)
        dname_to_text(wire_name(query), name);
    struct words words = words_of(r);
    log_asked(
        "query", "client=%s%s%s transport=%s name=%s class=%s type=%s rcode=%s answers=%u how=%s",
        config_address_text(client, address, sizeof address), view != VIEW_NONE ? " view=" : "",
        view_name(&config->attachments.views, view), tcp ? "tcp" : "udp",
        log_quote(name, quoted, sizeof quoted), word(words.class), word(words.type),
        word(words.rcode), r->counts[WIRE_ANSWER], log_quote(how, way, sizeof way));
    forget(&words);
}
