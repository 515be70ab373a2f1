/* The steps of an answer, one by one: what each costs by itself.
 *
 *   bench_steps                 nanoseconds of each
 *   bench_steps names           the steps' names
 *   bench_steps STEP TIMES      does one so often and says nothing: for callgrind
 *
 * The question is "abcdefghij.<26 characters>.aws.plc.tidbcloud.com A" for what is owned, with
 * three addresses in the answer, and "www.h0000.example.net A" for what is not, with one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "cache.h"
#include "dname.h"
#include "owned.h"
#include "table.h"
#include "wire.h"

#define UNIQUE  "abcdefghijklmnopqrstuvwxyz"
#define OWNED   "abcdefghij." UNIQUE ".aws.plc.tidbcloud.com"
#define FOREIGN "www.h0000.example.net"
#define TIMES   1000000
#define ID      0x1234

struct bench {
    struct table *table;
    struct cache *cache;
    uint8_t owned[512], foreign[512], answer[512], out[65535];
    size_t owned_size, foreign_size, answer_size;
    struct dname foreign_name;
    struct reply_question question;
    struct owned_turns turns;
    size_t sum; /* of results: nothing may be left out as needless */
};

/* ---- what is worked on ---- */

static void read_name(struct dname *out, const char *text)
{
    const char *why;

    if (!dname_from_text(out, text, strlen(text), &why)) {
        fprintf(stderr, "bench_steps: %s: %s\n", text, why);
        exit(1);
    }
}

static size_t write_query(uint8_t *out, const struct dname *name)
{
    static const uint8_t header[WIRE_HEADER_SIZE] = {ID >> 8, ID & 0xff, 1, 0, 0, 1};

    memcpy(out, header, sizeof header);
    memcpy(out + sizeof header, name->wire, name->size);
    memcpy(out + sizeof header + name->size, "\0\1\0\1", 4);
    return sizeof header + name->size + 4;
}

static void make_table(struct bench *b)
{
    struct connection_address addresses[3] = {
        {.bytes = {10, 0, 0, 1}}, {.bytes = {10, 0, 0, 2}}, {.bytes = {10, 0, 0, 3}}};
    struct connection_endpoint endpoint = {.zone = "",
                                           .dns_name = "",
                                           .state_word = "",
                                           .message = "",
                                           .addresses = addresses,
                                           .length = ARRAY_LENGTH(addresses)};
    struct dname root;
    read_name(&root, UNIQUE ".aws.plc.tidbcloud.com");
    struct connection_domain domain = {
        .id = "", .unique_name = "", .state_word = "", .message = "", .root = root.wire};
    struct connection connection = {.id = "plc-1",
                                    .cluster_id = "1",
                                    .display_name = "",
                                    .state_word = "ACTIVE",
                                    .message = "",
                                    .endpoints = &endpoint,
                                    .endpoints_length = 1,
                                    .domains = &domain,
                                    .domains_length = 1,
                                    .ttl = 60};
    struct document document = {.name = "bench.yaml", .connections = &connection, .length = 1};
    struct document *documents[] = {&document};

    b->table = table_build(&(struct table_options){.key = {1, 2}, .zone = ""}, documents, 1);
}

static void make(struct bench *b)
{
    static const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 14, 16, 0, 4, 192, 0, 2, 1};
    struct dname owned;
    struct reply reply;

    read_name(&owned, OWNED);
    read_name(&b->foreign_name, FOREIGN);
    b->owned_size = write_query(b->owned, &owned);
    b->foreign_size = write_query(b->foreign, &b->foreign_name);
    memcpy(b->answer, b->foreign, b->foreign_size);
    b->answer[2] |= 0x80;
    b->answer[7] = 1;
    memcpy(b->answer + b->foreign_size, record, sizeof record);
    b->answer_size = b->foreign_size + sizeof record;
    b->question = (struct reply_question){
        .name = b->foreign_name.wire, .name_size = b->foreign_name.size, .type = 1, .class = 1};
    make_table(b);
    b->cache = cache_new(&(struct cache_options){
        .bytes = 1 << 20, .key = {3, 4}, .max_ttl_ms = 86400000, .max_negative_ttl_ms = 3600000});
    b->question.hash = reply_hash(&b->question, cache_hash(b->cache));
    if (reply_check(b->answer, b->answer_size, ID, b->foreign_name.wire, &b->question, &reply) !=
        REPLY_GOOD)
        exit(1);
    cache_put(b->cache, &b->question, b->answer, b->answer_size, &reply, false, 0);
}

/* ---- the steps ---- */

static void decode(struct bench *b)
{
    struct wire_query query;
    struct dname_cut cut;

    b->sum += wire_decode(&query, &cut, b->owned, b->owned_size) + query.question_end;
}

static void find_owned(struct bench *b)
{
    struct table_match match;

    table_find(b->table, b->owned + WIRE_HEADER_SIZE, &match);
    b->sum += match.outcome;
}

static void find_foreign(struct bench *b)
{
    struct table_match match;

    table_find(b->table, b->foreign + WIRE_HEADER_SIZE, &match);
    b->sum += match.outcome;
}

/* Decoding, look-up and writing: all of an owned answer that is no transport. */
static void encode_owned(struct bench *b)
{
    struct wire_query query;
    struct dname_cut cut;
    struct wire_reply reply;
    struct table_match match;
    struct table_look look;

    if (wire_decode(&query, &cut, b->owned, b->owned_size) != WIRE_GOOD)
        exit(1);
    table_look_begin(&look, b->owned + WIRE_HEADER_SIZE, &cut);
    table_look_find(b->table, &look, &match);
    wire_reply_begin(&reply, &query, b->out, WIRE_UDP_MIN, 1232);
    owned_answer(&reply, b->table, &match, &b->turns);
    b->sum += wire_reply_finish(&reply);
}

static void cache_hits(struct bench *b)
{
    const struct dname *name = &b->foreign_name;
    uint8_t folded[DNAME_MAX];
    struct reply_question q = b->question;
    struct cache_note note;
    struct cache_hit hit;

    q.name = folded;
    q.hash = questionhash_fold(cache_hash(b->cache), q.rest, folded, name->wire, name->size);
    cache_expect(b->cache, &q);
    cache_expect_entry(b->cache, &q, &note);
    if (cache_get_noted(b->cache, &q, note, 1000, &hit) != CACHE_HIT)
        exit(1);
    cache_write_records(&hit, 1000, b->out);
    b->sum += hit.size;
}

static void check_reply(struct bench *b)
{
    struct reply reply;

    b->sum +=
        reply_check(b->answer, b->answer_size, ID, b->foreign_name.wire, &b->question, &reply) +
        reply.end;
}

static void keep(struct bench *b)
{
    struct reply reply;

    if (reply_check(b->answer, b->answer_size, ID, b->foreign_name.wire, &b->question, &reply) !=
        REPLY_GOOD)
        exit(1);
    cache_put(b->cache, &b->question, b->answer, b->answer_size, &reply, false, 0);
}

static const struct {
    const char *name, *title;
    void (*run)(struct bench *);
} steps[] = {
    {"decode", "a query is read", decode},
    {"owned", "an owned name is found", find_owned},
    {"foreign", "another name is not", find_foreign},
    {"encode", "a query is read, found and answered", encode_owned},
    {"cached", "an answer comes out of the cache", cache_hits},
    {"check", "an upstream's reply is checked", check_reply},
    {"keep", "it is checked and kept", keep},
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void repeat(struct bench *b, size_t step, unsigned long times)
{
    for (unsigned long i = 0; i < times; i++)
        steps[step].run(b);
}

int main(int argc, char **argv)
{
    struct bench *b = alloc_array(1, sizeof *b);

    make(b);
    for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
        if (argc == 1) {
            double start = now();
            repeat(b, i, TIMES);
            printf("%-8s %-36s %6.1f ns\n", steps[i].name, steps[i].title,
                   (now() - start) * 1e9 / TIMES);
        } else if (argc == 2) {
            puts(steps[i].name);
        } else if (strcmp(argv[1], steps[i].name) == 0) {
            repeat(b, i, strtoul(argv[2], NULL, 10));
        }
    }
    table_free(b->table);
    cache_free(b->cache);
    free(b);
    return 0;
}
