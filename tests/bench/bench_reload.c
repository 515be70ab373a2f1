/* What a change costs, in CPU time of the thread that builds tables: one document is read anew,
 * judged, and its table made; the same while another document is refused at every reload, when many
 * others changed before, and with two views of which each sees every other attachment; and what it
 * costs that an endpoint's name leads elsewhere, where every other attachment has such a name.
 *
 *   bench_reload [ATTACHMENTS [CONNECTIONS-PER-DOCUMENT]]      default: 100000, 100
 *
 * An attachment is a connection of its own with three IPv4 and one typed domain without zones.  All
 * documents are told again at every reload, as the directory does it: by name if untouched. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <yaml.h>

#include "alloc.h"
#include "catalog.h"
#include "catalogearly.h"
#include "dname.h"

#define LINE_MAX_SIZE 320
#define ROUNDS        21 /* the median counts */
#define NAME_SIZE     32
#define RIVAL         "rival.yaml"
#define OTHERS        1000 /* documents that changed before, one by one */

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* 26 letters that no two numbers have in common. */
static const char *unique(size_t n, char text[27])
{
    for (unsigned i = 0; i < 26; i++) {
        text[i] = "abcdefghijklmnopqrstuvwxyz234567"[n % 32];
        n = n / 32 + i * 2654435761u % 977;
    }
    text[26] = '\0';
    return text;
}

struct source {
    size_t documents, each;
    char *text; /* of the document in hand */
    size_t size;
    bool rival; /* another document claims what the first one has */
    bool named; /* the endpoint of every other connection is known by its name */
    bool views; /* connections have clusters */
    bool early; /* one document is taken in advance of a reload */
};

static void write_endpoint(const struct source *source, size_t i, unsigned first, char out[128])
{
    if (source->named && i % 2 == 0) {
        snprintf(out, 128, "dnsName: e%zu.vpce.example", i);
    } else {
        snprintf(out, 128, "addresses: [10.%zu.%zu.%u, 10.%zu.%zu.251, 10.%zu.%zu.252]",
                 i >> 8 & 255, i >> 16 & 255, first, i >> 8 & 255, i >> 16 & 255, i >> 8 & 255,
                 i >> 16 & 255);
    }
}

static void write_document(struct source *source, size_t number, unsigned version)
{
    char id[27], endpoint[128], cluster[32] = "";

    source->size = (size_t)sprintf(source->text, "privateLinkConnections:\n");
    for (size_t i = number * source->each; i < (number + 1) * source->each; i++) {
        unsigned first = i == number * source->each ? version % 250 : (unsigned)(i & 127);
        write_endpoint(source, i, first, endpoint);
        if (source->views) {
            snprintf(cluster, sizeof(cluster), "clusterId: c%zu, ", i % 2);
        }
        source->size += (size_t)snprintf(
            source->text + source->size, LINE_MAX_SIZE,
            "- {privateLinkConnectionId: plc-%08zx, %stype: AWS_ENDPOINT_SERVICE, ttl: 60, "
            "endpoints: [{%s}], attachedDomains: [{type: TIDBCLOUD_MANAGED, uniqueName: %s}]}\n",
            i, cluster, endpoint, unique(i, id));
    }
}

static const char *name_of(size_t number, char name[NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "%08zu.yaml", number);
    return name;
}

static struct tableset *build(struct catalog *catalog, const struct targets *book)
{
    static uint64_t generation;
    struct table_options options = {
        .key = {1, 2}, .zone = "", .generation = ++generation, .targets = book};

    return catalog_build_set(catalog, &options);
}

/* What libyaml alone takes for the same octets. */
static double time_libyaml(const struct source *source)
{
    yaml_parser_t parser;
    yaml_event_t event;
    double start = now();
    bool more = true;

    yaml_parser_initialize(&parser);
    yaml_parser_set_input_string(&parser, (const unsigned char *)source->text, source->size);
    while (more && yaml_parser_parse(&parser, &event)) {
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return now() - start;
}

struct times {
    double read, judge, build, free;
};

static struct tableset *load(struct catalog *catalog, struct source *source, struct times *took,
                             double *yaml)
{
    char name[NAME_SIZE];
    struct catalog_change change;

    catalog_begin(catalog);
    for (size_t i = 0; i < source->documents; i++) {
        write_document(source, i, 0);
        *yaml += time_libyaml(source);
        double start = now();
        (void)catalog_offer(catalog, name_of(i, name), source->text, source->size);
        took->read += now() - start;
    }
    double start = now();
    catalog_finish(catalog, 0, &change);
    took->judge = now() - start;
    start = now();
    struct tableset *set = build(catalog, NULL);
    took->build = now() - start;
    if (change.accepted != source->documents) {
        fprintf(stderr, "%zu of %zu documents were refused\n", change.refused, source->documents);
        exit(1);
    }
    return set;
}

static void offer_rest(struct catalog *catalog, const struct source *source, size_t but)
{
    char name[NAME_SIZE];

    for (size_t i = 0; i < source->documents; i++) {
        if (i != but && !catalog_offer_same(catalog, name_of(i, name))) {
            abort();
        }
    }
    if (source->rival && !catalog_offer_same(catalog, RIVAL)) {
        abort();
    }
}

/* One more document, which is refused. */
static void add_rival(struct catalog *catalog, struct source *source)
{
    struct source one = {.each = 1, .text = source->text};
    struct catalog_change change;

    write_document(&one, 0, 0);
    catalog_begin(catalog);
    offer_rest(catalog, source, source->documents);
    (void)catalog_offer(catalog, RIVAL, one.text, one.size);
    catalog_finish(catalog, 0, &change);
    if (change.refused != 1) {
        fprintf(stderr, "%zu documents were refused instead of one\n", change.refused);
        exit(1);
    }
    source->rival = true;
}

/* In advance of a reload. */
static void take_early(struct catalog *catalog, const struct source *source, const char *name,
                       struct times *took, struct catalog_change *change)
{
    double start = now();
    struct catalog_reading *reading =
        catalog_read(catalog, name, alloc_copy(source->text, source->size), source->size);
    took->read = now() - start;
    start = now();
    if (!catalogearly_take(catalog, name, reading, 0, change)) {
        abort();
    }
    took->judge = now() - start;
}

/* One document differs from the last time. */
static struct tableset *reload(struct catalog *catalog, struct source *source, size_t changed,
                               unsigned version, struct tableset *before, struct times *took)
{
    char name[NAME_SIZE];
    struct catalog_change change;
    double start;

    write_document(source, changed, version);
    (void)name_of(changed, name);
    if (source->early) {
        take_early(catalog, source, name, took, &change);
    } else {
        start = now();
        catalog_begin(catalog);
        (void)catalog_offer(catalog, name, source->text, source->size);
        offer_rest(catalog, source, changed);
        took->read = now() - start;
        start = now();
        catalog_finish(catalog, version, &change);
        took->judge = now() - start;
    }
    start = now();
    struct tableset *set = build(catalog, NULL);
    took->build = now() - start;
    start = now();
    tableset_free(before);
    took->free = now() - start;
    if (change.names_moved != 1) {
        fprintf(stderr, "%zu names moved instead of one\n", change.names_moved);
        exit(1);
    }
    return set;
}

static double sum(const struct times *t)
{
    return t->read + t->judge + t->build + t->free;
}

static int by_sum(const void *a, const void *b)
{
    double x = sum(a), y = sum(b);

    return (x > y) - (x < y);
}

/* The median of many. */
static struct tableset *reload_often(struct catalog *catalog, struct source *source,
                                     struct tableset *set, unsigned version, struct times *median)
{
    struct times rounds[ROUNDS] = {{0}};

    for (unsigned i = 0; i < ROUNDS; i++) {
        size_t changed = (i + 1) * 7919u % source->documents;
        set = reload(catalog, source, changed, version + i, set, &rounds[i]);
    }
    qsort(rounds, ROUNDS, sizeof(rounds[0]), by_sum);
    *median = rounds[ROUNDS / 2];
    return set;
}

static void print(const char *what, const struct times *one)
{
    printf("%8s %s: read %.2f ms, judged %.2f, built %.2f, freed %.2f: %.2f ms\n", "", what,
           one->read, one->judge, one->build, one->free, sum(one));
}

/* Others changed one by one since the table was built whole. */
static struct tableset *reload_behind_others(struct catalog *catalog, struct source *source,
                                             struct tableset *set, unsigned version)
{
    struct times one;
    char what[64];
    size_t others = source->documents < OTHERS ? source->documents : OTHERS;

    for (size_t i = 0; i < others; i++) {
        set = reload(catalog, source, i, version, set, &one);
    }
    set = reload_often(catalog, source, set, version + 1, &one);
    snprintf(what, sizeof(what), "when %zu had changed before", others);
    print(what, &one);
    tableset_free(set);
    catalog_join(catalog);
    return build(catalog, NULL);
}

/* ---- views ---- */

static void reload_in_views(struct source *source)
{
    struct view_list views = {0};
    struct times one;
    double yaml = 0;
    char why[VIEW_WHY];

    for (unsigned i = 0; i < 2; i++) {
        const char *const names[] = {"a", "b"}, *const clusters[] = {"c0", "c1"};
        unsigned view = view_add(&views, names[i], why);
        if (!view_add_cluster(&views, view, clusters[i], why)) {
            abort();
        }
    }
    struct catalog *catalog = catalog_new(0);
    catalog_set_views(catalog, &views);
    source->views = true;
    struct tableset *set = load(catalog, source, &one, &yaml);
    set = reload_often(catalog, source, set, 128, &one);
    print("with two views", &one);
    tableset_free(set);
    catalog_free(catalog);
    view_clear(&views);
    source->views = false;
}

/* ---- names of endpoints ---- */

/* All names lead to some address; one of them to another, by the version. */
static struct targets *make_book(const struct source *source, size_t other, unsigned version)
{
    size_t most = source->documents * source->each / 2, length = 0;
    struct dname *names = alloc_array(most, sizeof(*names));
    struct targets_entry *entries = alloc_array(most, sizeof(*entries));
    const struct connection_address addresses[] = {{.bytes = {10, 255, 255, 1}},
                                                   {.bytes = {10, 255, 254, (uint8_t)version}}};
    char text[64];
    const char *why;

    for (; length < most && length < WANTED_NAMES_MAX; length++) {
        int size = snprintf(text, sizeof(text), "e%zu.vpce.example", 2 * length);
        if (!dname_from_text(&names[length], text, (size_t)size, &why)) {
            abort();
        }
        entries[length] = (struct targets_entry){.name = names[length].wire,
                                                 .addresses = &addresses[length == other],
                                                 .length = 1,
                                                 .v4_told = true,
                                                 .trouble = ""};
    }
    struct targets *book = targets_make(entries, length);
    free(names);
    free(entries);
    return book;
}

static struct tableset *learn(struct catalog *catalog, const struct targets *from,
                              const struct targets *to, struct tableset *before, struct times *took)
{
    double start = now();

    catalog_learned(catalog, &(struct learned_facts){.targets = from},
                    &(struct learned_facts){.targets = to});
    took->judge = now() - start;
    start = now();
    struct tableset *set = build(catalog, to);
    took->build = now() - start;
    start = now();
    tableset_free(before);
    took->free = now() - start;
    return set;
}

/* The median of many; what there is to be found out is gathered once. */
static void learn_often(struct source *source, double *gathered, struct times *median)
{
    struct times rounds[ROUNDS] = {{0}}, ignored;
    struct catalog *catalog = catalog_new(0);
    double yaml = 0;

    source->named = true;
    struct tableset *set = load(catalog, source, &ignored, &yaml);
    double start = now();
    wanted_free(catalog_wanted(catalog));
    *gathered = now() - start;
    struct targets *book = make_book(source, 0, 0);
    set = learn(catalog, NULL, book, set, &ignored);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct targets *next = make_book(source, i + 1, i);
        set = learn(catalog, book, next, set, &rounds[i]);
        targets_free(book);
        book = next;
    }
    qsort(rounds, ROUNDS, sizeof(rounds[0]), by_sum);
    *median = rounds[ROUNDS / 2];
    tableset_free(set);
    targets_free(book);
    catalog_free(catalog);
}

int main(int argc, char **argv)
{
    size_t attachments = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    struct source source = {.each = argc > 2 ? strtoul(argv[2], NULL, 10) : 100};
    struct times first = {0}, one;
    double yaml = 0, gathered;

    if (argc > 3 || source.each == 0 || attachments < source.each || attachments > 10000000) {
        fprintf(stderr, "usage: bench_reload [ATTACHMENTS [CONNECTIONS-PER-DOCUMENT]]\n");
        return 2;
    }
    source.documents = attachments / source.each;
    source.text = alloc_array(source.each + 1, LINE_MAX_SIZE);
    struct catalog *catalog = catalog_new(0);
    struct tableset *set = load(catalog, &source, &first, &yaml);
    printf("%8zu attachments in documents of %zu, all: read %.1f ms (libyaml alone %.1f), judged "
           "%.1f, built %.1f\n",
           attachments, source.each, first.read, yaml, first.judge, first.build);
    set = reload_often(catalog, &source, set, 128, &one);
    print("one of them changed", &one);
    source.early = true;
    set = reload_often(catalog, &source, set, 170, &one);
    print("the same, in advance", &one);
    source.early = false;
    set = reload_behind_others(catalog, &source, set, 200);
    add_rival(catalog, &source);
    set = reload_often(catalog, &source, set, 128 + ROUNDS, &one);
    print("while another is refused", &one);
    tableset_free(set);
    catalog_free(catalog);
    source.rival = false;
    reload_in_views(&source);
    learn_often(&source, &gathered, &one);
    printf("%8s a name of an endpoint leads elsewhere: learned %.2f ms, built %.2f, freed %.2f: "
           "%.2f ms; what is wanted, of all, gathered %.2f ms\n",
           "", one.judge, one.build, one.free, sum(&one), gathered);
    free(source.text);
    return 0;
}
