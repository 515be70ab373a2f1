/* Lines that make the world: settings, documents and what they attach. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "play.h"

/* ---- before it opens ---- */

static bool settings_only(struct play *p, const struct scenario_step *step)
{
    return !p->open || play_fail(p, step, 0, "stands before what happens");
}

bool play_promise(struct play *p, const struct scenario_step *step)
{
    (void)p;
    (void)step;
    return true; /* for readers, and for --promises */
}

bool play_upstreams(struct play *p, const struct scenario_step *step)
{
    if (!settings_only(p, step))
        return false;
    stage_upstream(p->stage, "none");
    for (size_t i = 1; i < step->length; i++)
        stage_upstream(p->stage, step->words[i].text);
    return true;
}

bool play_upstreams_become(struct play *p, const struct scenario_step *step)
{
    struct config_upstreams list = {0};
    const char *why;
    bool good = true;

    list.items = calloc(step->length, sizeof *list.items);
    for (size_t i = 2; good && i < step->length; i++) {
        good = configaddress_upstream(step->words[i].text, &list.items[list.length++], &why) ||
               play_fail(p, step, i, "%s", why);
    }
    if (good)
        stage_set_upstreams(p->stage, &list);
    free(list.items);
    return good;
}

bool play_config(struct play *p, const struct scenario_step *step)
{
    if (!settings_only(p, step))
        return false;
    stage_configure(p->stage, step->words[1].text, step->words[2].text);
    return true;
}

/* The lines of a block as one text; the caller's to free. */
static char *join(const struct scenario_step *step, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);

    if (out == NULL)
        abort();
    for (size_t i = 0; i < step->block_length; i++)
        fprintf(out, "%s\n", step->block[i].text);
    fclose(out);
    return text;
}

bool play_config_text(struct play *p, const struct scenario_step *step)
{
    size_t size;

    if (!settings_only(p, step))
        return false;
    char *text = join(step, &size);
    bool good = write(stage_config_file(p->stage), text, size) == (ssize_t)size;
    free(text);
    return good || play_fail(p, step, 0, "cannot be written down");
}

/* ---- documents ---- */

/* A document that changes while the server runs is seen at once. */
static bool changed(struct play *p, const struct scenario_step *step)
{
    return !p->open || play_settle(p, step);
}

bool play_document(struct play *p, const struct scenario_step *step)
{
    size_t size;
    char *text = join(step, &size);

    documents_put(stage_documents(p->stage), step->words[1].text, text, size);
    free(text);
    return changed(p, step);
}

bool play_remove(struct play *p, const struct scenario_step *step)
{
    if (!documents_remove(stage_documents(p->stage), step->words[2].text))
        return play_fail(p, step, 2, "there is no such document");
    return changed(p, step);
}

/* The value behind such a word, or NULL. */
static const char *behind(const struct scenario_step *step, const char *word)
{
    for (size_t i = 2; i + 1 < step->length; i++) {
        if (strcmp(step->words[i].text, word) == 0)
            return step->words[i + 1].text;
    }
    return NULL;
}

static const char *cluster_of(const struct scenario_step *step)
{
    const char *cluster = behind(step, "cluster");

    return cluster != NULL ? cluster : "1";
}

/* Each attached name is a document of its own: this is its name. */
static char *name_document(const struct scenario_step *step, char *text, size_t size)
{
    snprintf(text, size, "%s-%s.yaml", cluster_of(step), step->words[1].text);
    return text;
}

/* attach NAME ADDRESS... [ttl N] [state WORD] [cluster ID] */
bool play_attach(struct play *p, const struct scenario_step *step)
{
    static unsigned number;
    char text[4096], addresses[1024] = "", document[400];
    const char *name = step->words[1].text, *ttl = behind(step, "ttl");
    const char *state = behind(step, "state");
    size_t used = 0, i = 2;

    for (; i < step->length && strpbrk(step->words[i].text, ".:") != NULL; i++)
        used += (size_t)snprintf(addresses + used, sizeof addresses - used, "%s\"%s\"",
                                 used > 0 ? ", " : "", step->words[i].text);
    if (i == 2)
        return play_fail(p, step, 2, "wants an address here");
    number++;
    int size =
        snprintf(text, sizeof text,
                 "privateLinkConnectionId: plc-%s-%s\nclusterId: \"%s\"\n"
                 "type: AWS_ENDPOINT_SERVICE\nstate: %s\nttl: %s\nawsEndpointService:\n"
                 "  name: com.amazonaws.vpce.us-east-1.vpce-svc-%017x\n"
                 "  region: us-east-1\nendpoints:\n  - addresses: [%s]\nattachedDomains:\n"
                 "  - attachDomainId: ad-%u\n    type: CUSTOM\n"
                 "    domains: [{name: \"%.*s\"}]\n",
                 name[0] == '*' ? name + 2 : name, cluster_of(step), cluster_of(step),
                 state != NULL ? state : "ACTIVE", ttl != NULL ? ttl : "30", number, addresses,
                 number, (int)strlen(name) - (name[strlen(name) - 1] == '.'), name);
    documents_put(stage_documents(p->stage), name_document(step, document, sizeof document), text,
                  (size_t)size);
    return changed(p, step);
}

bool play_detach(struct play *p, const struct scenario_step *step)
{
    char document[400];

    if (!documents_remove(stage_documents(p->stage),
                          name_document(step, document, sizeof document)))
        return play_fail(p, step, 1, "that was not attached by a line of its own");
    return changed(p, step);
}
