/* Lines that begin with "client". */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "packet.h"
#include "play.h"

#define CLIENT_PORT 4242

static bool read_client(struct play *p, const struct scenario_step *step, unsigned *out)
{
    return play_read_number(p, step, 1, STAGE_CLIENTS_MAX - 1, out);
}

/* Also port 0, which nobody can have. */
static bool read_address(const char *text, union config_address *out, const char **why)
{
    static const char zero[] = ":0";
    size_t size = strlen(text);
    bool no_port = size > sizeof zero && strcmp(text + size + 1 - sizeof zero, zero) == 0 &&
                   (strchr(text, ':') == text + size + 1 - sizeof zero || text[0] == '[');
    char *copy = alloc_string(text);

    if (no_port)
        copy[size + 1 - sizeof zero] = '\0';
    bool good = configaddress_ip(copy, CLIENT_PORT, out, why);
    free(copy);
    if (good && no_port && out->any.sa_family == AF_INET)
        out->v4.sin_port = 0;
    else if (good && no_port)
        out->v6.sin6_port = 0;
    return good;
}

static bool ask(struct play *p, const struct scenario_step *step, const void *message, size_t size,
                bool tcp, const char *from)
{
    union config_address address;
    unsigned client;
    const char *why;

    if (!read_client(p, step, &client))
        return false;
    if (!read_address(from, &address, &why))
        return play_fail(p, step, 0, "from %s: %s", from, why);
    return stage_ask(p->stage, client, message, size, tcp, &address, step->line, &why) ||
           play_fail(p, step, 1, "%s", why);
}

/* client 1 asks NAME TYPE [+flags] [from ADDRESS] */
bool play_client_asks(struct play *p, const struct scenario_step *step)
{
    static struct fake_message m;
    struct packet_question q = {0};
    const char *from = "127.0.0.1";
    unsigned client;
    char why[PACKET_WHY];

    if (!read_client(p, step, &client))
        return false;
    if (!packet_read_name(&q, step->words[3].text, why))
        return play_fail(p, step, 3, "%s", why);
    for (size_t i = 4; i < step->length; i++) {
        if (strcmp(step->words[i].text, "from") == 0 && i + 1 < step->length)
            from = step->words[++i].text;
        else if (!packet_read_word(&q, step->words[i].text, why))
            return play_fail(p, step, i, "%s", why);
    }
    packet_query(&m, &q, (uint16_t)(0x1000 + client));
    return ask(p, step, m.bytes, m.size, q.tcp, from);
}

static int digit(char c)
{
    const char *digits = "0123456789abcdef", *at = strchr(digits, c | 0x20);

    return c != '\0' && at != NULL ? (int)(at - digits) : -1;
}

/* client 1 sends HEX... [+tcp] */
bool play_client_sends(struct play *p, const struct scenario_step *step)
{
    uint8_t message[4096];
    size_t size = 0;
    bool tcp = false;

    for (size_t i = 3; i < step->length; i++) {
        const char *word = step->words[i].text;
        if (strcmp(word, "+tcp") == 0) {
            tcp = true;
            continue;
        }
        for (; *word != '\0' && size < sizeof message; word += 2) {
            if (digit(word[0]) < 0 || digit(word[1]) < 0)
                return play_fail(p, step, i, "wants pairs of hexadecimal digits");
            message[size++] = (uint8_t)(digit(word[0]) << 4 | digit(word[1]));
        }
    }
    return ask(p, step, message, size, tcp, "127.0.0.1");
}

bool play_client_waits(struct play *p, const struct scenario_step *step)
{
    unsigned client;

    if (!read_client(p, step, &client))
        return false;
    return stage_client(p->stage, client)->state == STAGE_WAITING ||
           play_fail(p, step, 1, "it does not wait: it has an answer, or did not ask");
}

/* ---- what it gets ---- */

/* Tells what came, in the words of the language. */
static void tell(struct play *p, const struct packet_reply *r)
{
    char line[8192] = "", *at = line;

    for (size_t i = 0; i < r->words_length; i++)
        at += snprintf(at, 300, "%s%s", i > 0 ? " " : "", r->words[i]);
    if (r->ede_text != NULL && r->ede_text[0] != '\0')
        snprintf(at, 300, " \"%s\"", r->ede_text);
    play_add(p, "  what came:");
    play_add(p, "      %s", line);
    for (size_t i = 0; i < r->lines_length; i++)
        play_add(p, "          %s",
                 packet_record_text(r->sections[i], r->records[i], line, sizeof line));
}

static bool holds_word(const struct packet_reply *r, const char *word)
{
    for (size_t i = 0; i < r->words_length; i++) {
        if (strcmp(r->words[i], word) == 0)
            return true;
    }
    return false;
}

/* The words behind "gets": each stands in the reply, and the reply has no more. */
static bool compare_head(struct play *p, const struct scenario_step *step,
                         const struct packet_reply *r)
{
    size_t words = 0;
    char word[300];

    for (size_t i = 3; i < step->length; i++) {
        const struct scenario_word *w = &step->words[i];
        if (w->quoted) {
            if (r->ede_text == NULL || strcmp(r->ede_text, w->text) != 0)
                return play_fail(p, step, i, "the reason is another one");
            continue;
        }
        bool pair = strcmp(w->text, "ede") == 0 || strcmp(w->text, "nsid") == 0 ||
                    strcmp(w->text, "keepalive") == 0;
        snprintf(word, sizeof word, "%s%s%s", w->text, pair ? " " : "",
                 pair && i + 1 < step->length ? step->words[i + 1].text : "");
        if (!holds_word(r, word))
            return play_fail(p, step, i, "the reply has no '%s'", word);
        i += pair;
        words++;
    }
    return words == r->words_length || play_fail(p, step, 3, "the reply says more than that");
}

/* One expected record, and the next one of the reply. */
static bool compare_record(struct play *p, const struct scenario_step *step,
                           const struct packet_reply *r, size_t at, const uint8_t *question,
                           const struct scenario_line *line, const char *text)
{
    struct packet_record wanted;
    char why[PACKET_WHY];
    bool same;

    if (!packet_read_record(text, question, &wanted, why))
        return play_fail(p, step, 0, "line %u: %s", line->line, why);
    same = at < r->lines_length && packet_matches(&wanted, r->sections[at], r->records[at]);
    ldns_rr_free(wanted.rr);
    if (same)
        return true;
    play_fail(p, step, 0, "line %u is not what came:", line->line);
    play_add(p, "  - %4u  %s", line->line, text + strspn(text, " \t"));
    if (at < r->lines_length) {
        char got[8192];
        play_add(p, "  +       %s",
                 packet_record_text(r->sections[at], r->records[at], got, sizeof got));
    }
    return false;
}

static bool compare_records(struct play *p, const struct scenario_step *step,
                            const struct packet_reply *r, const uint8_t *question)
{
    size_t at = 0;

    for (size_t i = 0; i < step->block_length; i++) {
        const struct scenario_line *line = &step->block[i];
        unsigned from, to;
        const char *text = scenario_range(line->text, &from, &to);

        if (text == NULL)
            continue;
        for (unsigned n = from; n <= to; n++) {
            if (!compare_record(p, step, r, at++, question, line,
                                scenario_number(p->file, text, n)))
                return false;
        }
    }
    return at == r->lines_length ||
           play_fail(p, step, 0, "the reply has %zu records, expected are %zu", r->lines_length,
                     at);
}

bool play_client_gets(struct play *p, const struct scenario_step *step)
{
    static struct packet_reply reply;
    struct stage_client *c;
    unsigned client;
    char why[PACKET_WHY];
    bool good;

    if (!read_client(p, step, &client))
        return false;
    c = stage_client(p->stage, client);
    if (strcmp(step->words[3].text, "nothing") == 0)
        return c->state == STAGE_DROPPED ||
               play_fail(p, step, 3, "%s",
                         c->state == STAGE_WAITING ? "it waits for an answer" : "it has an answer");
    if (c->state != STAGE_TOLD)
        return play_fail(p, step, 1, "client %u %s", client,
                         c->state == STAGE_WAITING   ? "still waits"
                         : c->state == STAGE_DROPPED ? "will get no reply"
                                                     : "has asked nothing");
    good = packet_read_reply(c->reply, c->reply_size, c->query, c->query_size, c->tcp, &reply, why)
               ? compare_head(p, step, &reply) && compare_records(p, step, &reply, c->query)
               : play_fail(p, step, 1, "%s", why);
    if (!good)
        tell(p, &reply);
    packet_free_reply(&reply);
    if (good)
        stage_dismiss(p->stage, client);
    return good;
}

bool play_clients_are_done(struct play *p)
{
    for (unsigned i = 0; i < STAGE_CLIENTS_MAX; i++) {
        const struct stage_client *c = stage_client(p->stage, i);
        if (c->state != STAGE_TOLD)
            continue;
        play_add(p, "%s:%u:1: client %u got an answer in the end, and no line says so",
                 p->file->path, c->line, i);
        return false;
    }
    return true;
}
