/* Lines that begin with "upstream", and what nobody is asked. */
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"
#include "play.h"

#define TEXT_MAX 1400

const char *play_address(const char *word, char text[128])
{
    const char *colon = strchr(word, ':');

    if (word[0] == '[')
        snprintf(text, 128, "%s%s", word, strstr(word, "]:") != NULL ? "" : ":53");
    else if (colon != NULL && strchr(colon + 1, ':') != NULL)
        snprintf(text, 128, "[%s]:53", word);
    else
        snprintf(text, 128, "%s%s", word, colon != NULL ? "" : ":53");
    return text;
}

/* ---- being asked ---- */

/* What "is asked" says behind it. */
struct expectation {
    char to[128];
    char question[TEXT_MAX];
    bool tcp;
    unsigned connection;
    const char *label;
};

static bool read_flags(struct play *p, const struct scenario_step *step, struct expectation *x,
                       bool flags[4])
{
    static const char *const words[] = {"+cd", "+ad", "+do", "+noedns"};

    for (size_t i = 6; i < step->length; i++) {
        const char *word = step->words[i].text;
        const char *next = i + 1 < step->length ? step->words[i + 1].text : "";
        size_t flag = 0;

        while (flag < ARRAY_LENGTH(words) && strcmp(words[flag], word) != 0)
            flag++;
        if (flag < ARRAY_LENGTH(words))
            flags[flag] = true;
        else if (strcmp(word, "over") == 0 && (!strcmp(next, "tcp") || !strcmp(next, "udp")))
            x->tcp = strcmp(step->words[++i].text, "tcp") == 0;
        else if (strcmp(word, "as") == 0)
            x->label = step->words[++i].text;
        else if (strcmp(word, "connection") == 0)
            x->connection = (unsigned)strtoul(step->words[++i].text, NULL, 10);
        else
            return play_fail(p, step, i, "nobody knows '%s'", word);
    }
    snprintf(x->question + strlen(x->question), 32, "%s%s%s%s", flags[0] ? " +cd" : "",
             flags[1] ? " +ad" : "", flags[2] ? " +do" : "", flags[3] ? " +noedns" : "");
    return true;
}

static bool read_expectation(struct play *p, const struct scenario_step *step,
                             struct expectation *x)
{
    struct packet_question q = {0};
    char why[PACKET_WHY], *name, *type;
    bool flags[4] = {false};

    *x = (struct expectation){.label = ""};
    play_address(step->words[1].text, x->to);
    if (!packet_read_name(&q, step->words[4].text, why))
        return play_fail(p, step, 4, "%s", why);
    if (!packet_read_word(&q, step->words[5].text, why))
        return play_fail(p, step, 5, "%s", why);
    ldns_rdf *rdf = ldns_dname_new_frm_str(step->words[4].text);
    name = ldns_rdf2str(rdf);
    type = ldns_rr_type2str(q.type);
    snprintf(x->question, sizeof x->question - 32, "%s %s", name, type);
    ldns_rdf_deep_free(rdf);
    free(name);
    free(type);
    return read_flags(p, step, x, flags);
}

/* With random letter case any case will do. */
static bool same_question(const struct play *p, const char *a, const char *b)
{
    bool any_case = stage_config(p->stage)->forward.letter_case == CONFIG_CASE_RANDOM;

    return any_case ? strcasecmp(a, b) == 0 : strcmp(a, b) == 0;
}

static bool is_open_question(const struct stage_sent *s)
{
    return s->taken == 0 && !s->probe;
}

/* Tells what was asked that no line spoke of yet. */
static void tell_open(struct play *p)
{
    char text[TEXT_MAX];

    for (size_t i = 0; i < stage_sent_length(p->stage); i++) {
        const struct stage_sent *s = stage_sent(p->stage, i);
        if (!is_open_question(s))
            continue;
        bool good = packet_question_text(s->sent.message, s->sent.size, text, sizeof text);
        play_add(p, "      asked: upstream %s is asked %s%s%s", s->sent.to, text,
                 s->sent.stream ? " over tcp" : "",
                 good ? "" : " (with flags or options that are not ours)");
    }
}

bool play_upstream_is_asked(struct play *p, const struct scenario_step *step)
{
    struct expectation x;
    char text[TEXT_MAX];

    if (!read_expectation(p, step, &x))
        return false;
    for (size_t i = 0; i < stage_sent_length(p->stage); i++) {
        struct stage_sent *s = stage_sent(p->stage, i);
        if (!is_open_question(s) || strcmp(s->sent.to, x.to) != 0 || s->sent.stream != x.tcp ||
            (x.connection != 0 && s->connection != x.connection) ||
            !packet_question_text(s->sent.message, s->sent.size, text, sizeof text) ||
            !same_question(p, text, x.question))
            continue;
        stage_take(p->stage, s);
        snprintf(s->label, sizeof s->label, "%s", x.label);
        return true;
    }
    play_fail(p, step, 3, "it was not asked that");
    tell_open(p);
    return false;
}

bool play_upstream_is_probed(struct play *p, const struct scenario_step *step)
{
    char to[128];

    play_address(step->words[1].text, to);
    for (size_t i = 0; i < stage_sent_length(p->stage); i++) {
        struct stage_sent *s = stage_sent(p->stage, i);
        if (s->taken != 0 || !s->probe || strcmp(s->sent.to, to) != 0)
            continue;
        stage_take(p->stage, s);
        return true;
    }
    return play_fail(p, step, 3, "it was not probed");
}

bool play_nobody_is_asked(struct play *p, const struct scenario_step *step)
{
    for (size_t i = 0; i < stage_sent_length(p->stage); i++) {
        if (!is_open_question(stage_sent(p->stage, i)))
            continue;
        play_fail(p, step, 0, "somebody is asked:");
        tell_open(p);
        return false;
    }
    return true;
}

bool play_nobody_is_probed(struct play *p, const struct scenario_step *step)
{
    for (size_t i = 0; i < stage_sent_length(p->stage); i++) {
        const struct stage_sent *s = stage_sent(p->stage, i);
        if (s->taken == 0 && s->probe)
            return play_fail(p, step, 0, "%s is probed", s->sent.to);
    }
    return true;
}

bool play_upstreams_are_asked(struct play *p, const struct scenario_step *step)
{
    unsigned times, count = 0;

    if (!play_read_number(p, step, 3, 1000000, &times))
        return false;
    for (size_t i = 0; i < stage_sent_length(p->stage); i++)
        count += is_open_question(stage_sent(p->stage, i));
    if (count != times) {
        play_fail(p, step, 3, "they were asked %u times", count);
        tell_open(p);
        return false;
    }
    for (size_t i = 0; i < stage_sent_length(p->stage); i++) {
        if (is_open_question(stage_sent(p->stage, i)))
            stage_take(p->stage, stage_sent(p->stage, i));
    }
    return true;
}

/* What was sent till now does not matter, probes neither. */
bool play_ignore(struct play *p, const struct scenario_step *step)
{
    (void)step;
    for (size_t i = 0; i < stage_sent_length(p->stage); i++) {
        if (stage_sent(p->stage, i)->taken == 0)
            stage_take(p->stage, stage_sent(p->stage, i));
    }
    return true;
}

bool play_upstreams_are_done(struct play *p)
{
    for (size_t i = 0; i < stage_sent_length(p->stage); i++) {
        if (!is_open_question(stage_sent(p->stage, i)))
            continue;
        play_add(p, "%s: upstreams were asked, and no line says so:", p->file->path);
        tell_open(p);
        return false;
    }
    return true;
}

/* ---- saying ---- */

/* The question that was taken last of those to that upstream, or the one with that label. */
static struct stage_sent *find_asked(struct play *p, const char *word, const char *label)
{
    struct stage_sent *found = NULL;
    char to[128];

    play_address(word, to);
    for (size_t i = 0; i < stage_sent_length(p->stage); i++) {
        struct stage_sent *s = stage_sent(p->stage, i);
        if (s->taken == 0 || strcmp(s->sent.to, to) != 0 ||
            (label != NULL && strcmp(label, s->label) != 0))
            continue;
        if (found == NULL || s->taken > found->taken)
            found = s;
    }
    return found;
}

struct speech {
    unsigned rcode;
    unsigned flags;
    const char *label, *question;
    bool query, no_question, lower, upper, edns, slowly, wrong_id;
    unsigned opcode, trailing, cut, times, first, count;
    int octet_at;
    unsigned octet;
};

static bool read_option(struct speech *x, const char *word)
{
    const struct {
        const char *word;
        bool *to;
    } switches[] = {
        {"+query", &x->query},       {"+no-question", &x->no_question},
        {"+lower", &x->lower},       {"+upper", &x->upper},
        {"+edns", &x->edns},         {"+slowly", &x->slowly},
        {"+wrong-id", &x->wrong_id},
    };
    const struct {
        const char *word;
        unsigned *to;
    } numbers[] = {
        {"+opcode=", &x->opcode}, {"+trailing=", &x->trailing}, {"+cut=", &x->cut},
        {"+times=", &x->times},   {"+first=", &x->first},       {"+count=", &x->count},
    };
    static const struct {
        const char *word;
        unsigned flag;
    } flags[] = {{"tc", FAKE_TC}, {"aa", FAKE_AA}, {"ad", FAKE_AD}, {"cd", FAKE_CD}};

    for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
        if (strcmp(word, flags[i].word) == 0) {
            x->flags |= flags[i].flag;
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(switches); i++) {
        if (strcmp(word, switches[i].word) == 0)
            return *switches[i].to = true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
        size_t size = strlen(numbers[i].word);
        if (strncmp(word, numbers[i].word, size) == 0)
            return sscanf(word + size, "%u", numbers[i].to) == 1;
    }
    if (strncmp(word, "+question=", 10) == 0) {
        x->question = word + 10;
        return true;
    }
    return sscanf(word, "+octet=%d:%x", &x->octet_at, &x->octet) == 2;
}

static bool read_speech(struct play *p, const struct scenario_step *step, struct speech *x)
{
    *x = (struct speech){.times = 1};
    if (!packet_read_rcode(step->words[3].text, &x->rcode))
        return play_fail(p, step, 3, "'%s' is no rcode", step->words[3].text);
    for (size_t i = 4; i < step->length; i++) {
        if (strcmp(step->words[i].text, "to") == 0 && i + 1 < step->length)
            x->label = step->words[++i].text;
        else if (!read_option(x, step->words[i].text))
            return play_fail(p, step, i, "nobody knows '%s'", step->words[i].text);
    }
    return true;
}

/* NAME/TYPE in the place of the question that was asked. */
static bool put_question(struct play *p, const struct scenario_step *step, const char *word,
                         struct fake_message *m)
{
    struct packet_question q = {0};
    struct fake_message *fresh = calloc(1, sizeof *fresh);
    char name[TEXT_MAX], type[32], why[PACKET_WHY];
    bool good = sscanf(word, "%1299[^/]/%31s", name, type) == 2 &&
                packet_read_name(&q, name, why) && packet_read_word(&q, type, why);

    assert(fresh != NULL);
    if (good) {
        q.no_edns = true;
        packet_query(fresh, &q, 0);
        memcpy(m->bytes + 12, fresh->bytes + 12, fresh->size - 12);
        m->size = fresh->size;
    }
    free(fresh);
    return good || play_fail(p, step, 0, "'%s' is not NAME/TYPE", word);
}

/* Header and question of the reply. */
static bool begin(struct play *p, const struct scenario_step *step, const struct speech *x,
                  const struct stage_sent *s, struct fake_message *m)
{
    fake_message_reply(m, s->sent.message, s->sent.size, x->rcode & 15);
    fake_message_flag(m, (uint16_t)(x->flags | x->opcode << 11));
    if (x->wrong_id)
        m->bytes[1] ^= 1;
    if (x->query)
        m->bytes[2] &= 0x7f;
    for (size_t i = 12; (x->lower || x->upper) && i + 4 < m->size; i++)
        m->bytes[i] = (uint8_t)(x->lower ? tolower(m->bytes[i]) : toupper(m->bytes[i]));
    if (x->question != NULL && !put_question(p, step, x->question, m))
        return false;
    if (x->no_question) {
        m->size = 12;
        m->bytes[5] = 0;
    }
    return true;
}

static bool put_line(struct play *p, const struct scenario_step *step, struct fake_message *m,
                     struct packet_names *names, const uint8_t *asked,
                     const struct scenario_line *line, const char *text)
{
    struct packet_record r;
    char why[PACKET_WHY];

    if (!packet_read_record(text, asked, &r, why))
        return play_fail(p, step, 0, "line %u: %s", line->line, why);
    packet_put(m, names, &r);
    ldns_rr_free(r.rr);
    return true;
}

static bool put_records(struct play *p, const struct scenario_step *step, const uint8_t *asked,
                        struct fake_message *m)
{
    struct packet_names names = {.length = 0};

    packet_learn_question(m, &names);
    for (size_t i = 0; i < step->block_length; i++) {
        unsigned from, to;
        const char *text = scenario_range(step->block[i].text, &from, &to);

        if (text == NULL)
            continue;
        for (unsigned n = from; n <= to; n++) {
            if (!put_line(p, step, m, &names, asked, &step->block[i],
                          scenario_number(p->file, text, n)))
                return false;
        }
    }
    return true;
}

/* What no server should do to its message. */
static void spoil(const struct speech *x, struct fake_message *m)
{
    size_t at = x->octet_at < 0 ? m->size - (size_t)-x->octet_at : (size_t)x->octet_at;

    m->bytes[7] = (uint8_t)(m->bytes[7] + x->count);
    if (at > 0 && at < m->size)
        m->bytes[at] = (uint8_t)x->octet;
    memset(m->bytes + m->size, 0, x->trailing);
    m->size += x->trailing;
    m->size -= x->cut < m->size ? x->cut : m->size;
}

static void deliver(struct play *p, const struct speech *x, const struct stage_sent *s,
                    const struct fake_message *m)
{
    struct fake_message *framed;

    if (!x->slowly && x->first == 0) {
        for (unsigned i = 0; i < x->times; i++)
            stage_deliver(p->stage, s, m->bytes, m->size);
        return;
    }
    framed = malloc(sizeof *framed);
    assert(framed != NULL && m->size + 2 <= sizeof framed->bytes);
    framed->bytes[0] = (uint8_t)(m->size >> 8);
    framed->bytes[1] = (uint8_t)m->size;
    memcpy(framed->bytes + 2, m->bytes, m->size);
    for (size_t i = 0; i < m->size + 2 && (x->first == 0 || i < x->first); i++)
        stage_octets(p->stage, s, framed->bytes + i, 1);
    free(framed);
}

bool play_upstream_says(struct play *p, const struct scenario_step *step)
{
    static struct fake_message m;
    struct stage_sent *found, sent;
    struct speech x;

    if (!read_speech(p, step, &x))
        return false;
    found = find_asked(p, step->words[1].text, x.label);
    if (found == NULL)
        return play_fail(p, step, 1, "no line before says that it is asked");
    sent = *found; /* what is sent meanwhile may move the list */
    if (!begin(p, step, &x, &sent, &m) || !put_records(p, step, sent.sent.message, &m))
        return false;
    if (x.edns || x.rcode > 15)
        fake_message_opt(&m, 1232, (uint32_t)x.rcode >> 4 << 24);
    spoil(&x, &m);
    deliver(p, &x, &sent, &m);
    return true;
}

/* The connection ends; of a datagram: nobody listens there. */
bool play_upstream_closes(struct play *p, const struct scenario_step *step)
{
    bool labelled = step->length == 4 && strcmp(step->words[2].text, "closes") == 0;
    struct stage_sent *found =
        find_asked(p, step->words[1].text, labelled ? step->words[3].text : NULL);

    if (found == NULL)
        return play_fail(p, step, 1, "no line before says that it is asked");
    if (found->sent.stream != (strcmp(step->words[2].text, "closes") == 0))
        return play_fail(p, step, 2, "that is for %s", found->sent.stream ? "UDP" : "TCP");
    struct stage_sent sent = *found;
    stage_break(p->stage, &sent);
    return true;
}

bool play_upstream_has(struct play *p, const struct scenario_step *step)
{
    unsigned wanted;
    char to[128];

    if (!play_read_number(p, step, 3, 1000, &wanted))
        return false;
    size_t open = stage_connections(p->stage, play_address(step->words[1].text, to));
    return open == wanted || play_fail(p, step, 3, "it has %zu", open);
}
