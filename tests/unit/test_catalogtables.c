/* Tables that were patched, or read from an image after a restart, say what tables built whole say:
 * two catalogs are told the same, one of them must build all anew each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "alloc.h"
#include "catalogimage.h"
#include "catalogplay.h"
#include "explain.h"

#define DOCUMENTS 32
#define PARTS     3 /* connections of a document */
#define NUMBERS   (DOCUMENTS * PARTS)
#define TEXT_SIZE 2048
#define ADDRESSES 60 /* different ones */
#define TARGETS   10 /* names of endpoints, each of several connections */
#define HOLD      50 /* milliseconds of our clock */
#define ROUNDS    200
#define WALL      UINT64_C(1795270000000)

static uint32_t seed;

static unsigned draw(unsigned below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

/* ---- what the source holds ---- */

struct world {
    char parts[NUMBERS][TEXT_SIZE / 4];  /* the connections of all documents */
    char texts[DOCUMENTS][TEXT_SIZE];    /* "" = there is none */
    char accepted[DOCUMENTS][TEXT_SIZE]; /* the last of them that was served */
    struct view_list views;
    struct catalog *patched, *whole;
    unsigned targets[TARGETS]; /* what is known of each */
    uint64_t sick[ADDRESSES];  /* since when it does not answer; 0 = it does */
    struct learned_facts facts;
    unsigned learned; /* how often something became known, and a table was patched all the same */
    uint64_t now, generation;
    struct dname fences[2], suffixes[2];
    unsigned patches; /* how often a base outlived a change */
    uint64_t hold;
    int image; /* -1: none was written */
    unsigned restarts;
};

static struct dname name_of(const char *text)
{
    struct dname name;
    const char *why;

    assert_true(dname_from_text(&name, text, strlen(text), &why));
    return name;
}

/* Names that are mostly a connection's own; some meet those of others, above or below. */
static const char *name_for(unsigned number, char text[64])
{
    switch (draw(60)) {
    case 0:
        return draw(20) == 0 ? "*.example.com" : "*.deep.h1.example.com";
    case 1:
        snprintf(text, 64, "x.w%u.example.com", draw(NUMBERS));
        return text;
    case 2:
        snprintf(text, 64, "*.h%u.example.com", draw(NUMBERS));
        return text;
    case 3:
        return "*.gone.lan";
    default:
        snprintf(text, 64, draw(2) == 0 ? "h%u.example.com" : "*.w%u.example.com", number);
        return text;
    }
}

/* A typed domain: its names made by rule, or written, or one zone's of another connection, which
 * then has it by writing it only. */
static void write_typed(char *out, size_t size, unsigned number)
{
    unsigned form = draw(4), of = form == 3 ? number / PARTS * PARTS + draw(PARTS) : number;
    char unique[32], names[256] = "";

    snprintf(unique, sizeof(unique), "%caaaaaaaaaaaaaaaaaaaaaaaa%c", 'a' + (char)(of / 24),
             'a' + (char)(of % 24));
    if (form > 0) {
        snprintf(names, sizeof(names), ", domains: [{name: '*.%s%s.aws.plc.tidbcloud.com'}]",
                 form == 3 ? "use1-az1." : "", unique);
    }
    snprintf(out, size, "  attachedDomains: [{type: TIDBCLOUD_MANAGED, uniqueName: %s%s}]\n",
             unique, names);
}

static int write_endpoint(char *out, size_t size)
{
    unsigned form = draw(4);
    const char *health = draw(3) == 0 ? "  healthCheck: {port: 9092}\n" : "";

    if (form == 0) {
        return snprintf(out, size, "  - dnsName: e%u.target.test\n%s", draw(TARGETS), health);
    }
    return snprintf(out, size, "  - {%saddresses: [10.0.0.%u, 10.0.0.%u]}\n%s",
                    form == 1 ? "zone: use1-az1, " : "", draw(ADDRESSES), ADDRESSES, health);
}

static void write_part(struct world *world, unsigned number)
{
    static const char *const states[] = {"ACTIVE", "ACTIVE", "CREATING", "DELETED"};
    char *text = world->parts[number], name[64];
    int at = snprintf(text, sizeof(world->parts[0]),
                      "- privateLinkConnectionId: plc-%u\n  clusterId: 'c%u'\n"
                      "  type: AWS_ENDPOINT_SERVICE\n  state: %s\n  ttl: %u\n  endpoints:\n",
                      draw(120) == 0 ? 0 : number, draw(3), states[draw(4)], 10 + draw(40));

    at += write_endpoint(text + at, sizeof(world->parts[0]) - (size_t)at);
    if (draw(3) == 0) {
        write_typed(text + at, sizeof(world->parts[0]) - (size_t)at, number);
    } else {
        snprintf(text + at, sizeof(world->parts[0]) - (size_t)at,
                 "  attachedDomains: [{type: CUSTOM, domains: [{name: '%s'}]}]\n",
                 name_for(number, name));
    }
}

/* All of its connections or some; lines move now and then. */
static void write_document(struct world *world, unsigned i)
{
    unsigned most = draw(6) == 0 ? draw(PARTS) : PARTS;
    char *text = world->texts[i];
    int at = snprintf(text, TEXT_SIZE, "privateLinkConnections:%s\n", most == 0 ? " []" : "");

    for (unsigned p = 0; p < most; p++) {
        at += snprintf(text + at, TEXT_SIZE - (size_t)at, "%s%s", draw(20) == 0 ? "# moves\n" : "",
                       world->parts[i * PARTS + p]);
    }
}

/* All of a document's connections become another cluster's. */
static void move(struct world *world, unsigned i)
{
    static const char before[] = "clusterId: 'c";
    char cluster = (char)('0' + draw(3));

    for (unsigned p = 0; p < PARTS; p++) {
        *(strstr(world->parts[i * PARTS + p], before) + strlen(before)) = cluster;
    }
}

static void change(struct world *world)
{
    unsigned number = draw(NUMBERS);

    if (world->views.length > 0 && draw(6) == 0) {
        move(world, number / PARTS);
    } else {
        write_part(world, number);
    }
    write_document(world, number / PARTS);
    if (draw(15) == 0) {
        world->texts[number / PARTS][0] = '\0';
    }
}

static void tell(const struct world *world, struct catalog *catalog, struct catalog_change *change)
{
    char name[16];

    catalog_begin(catalog);
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        if (world->texts[i][0] != '\0') {
            snprintf(name, sizeof(name), "%03u.yaml", i);
            (void)catalog_offer(catalog, name, world->texts[i], strlen(world->texts[i]));
        }
    }
    catalog_finish(catalog, world->now, change);
    (void)catalog_expire(catalog, world->now);
}

static struct table_options options_of(const struct world *world)
{
    return (struct table_options){
        .key = {1, 2},
        .generation = world->generation,
        .zone = "use1-az1",
        .fences = world->fences,
        .fences_length = ARRAY_LENGTH(world->fences),
        .search_suffixes = world->suffixes,
        .search_suffixes_length = ARRAY_LENGTH(world->suffixes),
        .targets = world->facts.targets,
        .health = world->facts.health,
    };
}

static struct tableset *build(struct world *world, struct catalog *catalog)
{
    struct table_options options = options_of(world);

    return catalog_build_set(catalog, &options);
}

/* ---- what is known of endpoints ---- */

/* Of a name. */
enum {
    KNOWN = 1,
    RESOLVED = 2,
    OTHER_ADDRESS = 4,
    V4_TOLD = 8,
    TROUBLE = 16,
    LONG_SINCE = 32,
    KNOWN_BITS = 6
};

static const struct targets *make_targets(const struct world *world)
{
    struct targets_entry entries[TARGETS];
    struct dname names[TARGETS];
    struct connection_address addresses[TARGETS];
    size_t length = 0;
    char text[32];

    for (unsigned i = 0; i < TARGETS; i++) {
        unsigned known = world->targets[i];
        snprintf(text, sizeof(text), "e%u.target.test", i);
        names[i] = name_of(text);
        addresses[i] = (struct connection_address){
            .v6 = i % 2 != 0, .bytes = {10, 0, 0, (uint8_t)(i + (known & OTHER_ADDRESS ? 1 : 0))}};
        if (known & KNOWN) {
            entries[length++] = (struct targets_entry){
                .name = names[i].wire,
                .addresses = &addresses[i],
                .length = known & RESOLVED ? 1 : 0,
                .v4_told = (known & V4_TOLD) != 0,
                .trouble = known & TROUBLE ? "timeout" : "",
                .trouble_since = known & LONG_SINCE ? 1000 : 5000,
            };
        }
    }
    return length > 0 ? targets_make(entries, length) : NULL;
}

static const struct health *make_health(const struct world *world)
{
    struct health_entry entries[ADDRESSES];
    const struct connection_health check = {true, 9092, 5000, 2000, 2, 3, 0};
    size_t length = 0;

    for (unsigned i = 0; i < ADDRESSES; i++) {
        if (world->sick[i] != 0) {
            entries[length++] = (struct health_entry){
                .key = {{.bytes = {10, 0, 0, (uint8_t)i}}, check}, .since = world->sick[i]};
        }
    }
    return length > 0 ? health_make(entries, length) : NULL;
}

static void forget(const struct learned_facts *facts)
{
    targets_free((struct targets *)(uintptr_t)facts->targets);
    health_free((struct health *)(uintptr_t)facts->health);
}

static void tell_facts(struct world *world)
{
    struct learned_facts before = world->facts;

    world->facts = (struct learned_facts){make_targets(world), make_health(world)};
    catalog_learned(world->patched, &before, &world->facts);
    forget(&before);
}

static void learn(struct world *world)
{
    if (draw(2) == 0) {
        world->targets[draw(TARGETS)] ^= 1u << draw(KNOWN_BITS);
    } else {
        world->sick[draw(ADDRESSES)] = 1000 * draw(3);
    }
    tell_facts(world);
}

/* ---- comparing ---- */

static void compare_name(const struct table *a, const struct table *b, const char *text)
{
    static char one[EXPLAIN_TEXT_MAX], other[EXPLAIN_TEXT_MAX];
    struct explain x, y;
    struct dname name = name_of(text);

    explain_find_near(a, name.wire, "A", &x);
    explain_find_near(b, name.wire, "A", &y);
    assert_string_equal(explain_outcome(&x), explain_outcome(&y));
    assert_int_equal(x.is_near, y.is_near);
    if (!x.is_near) { /* of several names that are as near, either may find any */
        assert_string_equal(explain_text(a, &x, one, sizeof(one)),
                            explain_text(b, &y, other, sizeof(other)));
    }
    assert_int_equal(x.match.root_offset, y.match.root_offset);
    assert_int_equal(x.match.regional_fallback, y.match.regional_fallback);
    assert_int_equal(x.match.answer != NULL && x.match.answer->a_waits,
                     y.match.answer != NULL && y.match.answer->a_waits);
    assert_true(explain_ttl(&x) == explain_ttl(&y));
}

static const char *const around[] = {
    "example.com",
    "a.example.com",
    "deep.h1.example.com",
    "a.gone.lan",
    "gone.lan",
    "lan",
    "other.lan",
    "x.deep.h1.example.com",
    "h1.example.com.corp.example",
    "a.gone.lan.corp.lan",
    "com",
    "aws.plc.tidbcloud.com",
};

static void compare_names(const struct table *a, const struct table *b)
{
    char text[128];

    for (unsigned i = 0; i < ARRAY_LENGTH(around); i++) {
        compare_name(a, b, around[i]);
    }
    for (unsigned i = 0; i < NUMBERS; i++) {
        static const char *const forms[] = {"h%u.example.com",   "a.h%u.example.com",
                                            "x.w%u.example.com", "y.w%u.example.com",
                                            "w%u.example.com",   "z.y.x.w%u.example.com"};
        for (unsigned f = 0; f < ARRAY_LENGTH(forms); f++) {
            /* The number is the only thing that a form leaves open. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            snprintf(text, sizeof(text), forms[f], i);
#pragma GCC diagnostic pop
            compare_name(a, b, text);
        }
        snprintf(text, sizeof(text),
                 "b1.use1-az%u.%caaaaaaaaaaaaaaaaaaaaaaaa%c.aws.plc.tidbcloud.com", 1 + i % 2,
                 'a' + (char)(i / 24), 'a' + (char)(i % 24));
        compare_name(a, b, text);
        compare_name(a, b, text + strlen("b1."));
    }
}

struct owners {
    const struct table *table;
    char (*texts)[DNAME_TEXT_MAX];
    size_t length;
};

static void note_owner(void *arg, const struct table_rule *rule)
{
    struct owners *owners = arg;
    struct table_why why;

    table_describe(owners->table, rule, &why);
    memcpy(owners->texts[owners->length++], why.owner, DNAME_TEXT_MAX);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void compare_rules(const struct table *a, const struct table *b)
{
    const struct table *const tables[] = {a, b};
    struct owners owners[2];

    for (unsigned i = 0; i < 2; i++) {
        owners[i] = (struct owners){.table = tables[i]};
        owners[i].texts = alloc_array(1 + table_names(tables[i]), DNAME_TEXT_MAX);
        table_each(tables[i], note_owner, &owners[i]);
        assert_int_equal(owners[i].length, table_names(tables[i]));
        qsort(owners[i].texts, owners[i].length, DNAME_TEXT_MAX, by_text);
    }
    assert_int_equal(owners[0].length, owners[1].length);
    for (size_t i = 0; i < owners[0].length; i++) {
        assert_string_equal(owners[0].texts[i], owners[1].texts[i]);
    }
    free(owners[0].texts);
    free(owners[1].texts);
}

static void compare(const struct tableset *a, const struct tableset *b)
{
    assert_int_equal(a->length, b->length);
    assert_int_equal(tableset_connections(a), tableset_connections(b));
    for (unsigned view = 0; view < a->length; view++) {
        const struct table *x = tableset_table(a, view), *y = tableset_table(b, view);
        assert_int_equal(table_documents(x), table_documents(y));
        assert_int_equal(table_connections(x), table_connections(y));
        assert_int_equal(table_generation(x), table_generation(y));
        assert_memory_equal(table_digest(x), table_digest(y), sizeof(struct digest));
        compare_rules(x, y);
        compare_names(x, y);
    }
}

/* ---- a restart ---- */

static const struct digest stamp = {{1}};

static void write_image(struct world *world)
{
    struct table_options options = options_of(world);

    if (world->image >= 0) {
        close(world->image);
    }
    world->image = memfd_create("image", MFD_CLOEXEC);
    assert_return_code(world->image, 0);
    struct shelf *shelf = catalogplay_shelf(world->image);
    assert_true(catalogimage_begin(shelf));
    assert_true(catalogimage_write(world->patched, shelf, &stamp, &options, "note", 4));
    assert_false(catalogimage_is_due(world->patched));
    shelf_drop(shelf);
}

static void note_accepted(struct world *world)
{
    for (size_t i = 0; i < catalog_length(world->patched); i++) {
        struct catalog_entry entry;
        catalog_entry(world->patched, i, &entry);
        unsigned number = (unsigned)atoi(entry.name);
        if (entry.served && !entry.refused) {
            memcpy(world->accepted[number], world->texts[number], sizeof(world->texts[number]));
        }
    }
}

/* What was accepted is offered again as the state directory holds it. */
static void offer_accepted(const struct world *world, struct catalog *next)
{
    catalog_begin(next);
    for (size_t i = 0; i < catalog_length(world->patched); i++) {
        struct catalog_entry entry;
        catalog_entry(world->patched, i, &entry);
        const char *text = world->accepted[atoi(entry.name)];
        if (entry.served && !catalog_offer_digest(next, entry.name, &entry.served_digest)) {
            (void)catalog_offer(next, entry.name, text, strlen(text));
        }
    }
    catalog_restored(next);
}

/* Another process goes on where this one was: from an image of now or of some time ago. */
static void restart(struct world *world)
{
    struct catalog *next = catalog_new(world->hold);
    struct catalogimage_told told;
    const char *why;
    size_t size;

    if (world->image < 0 || draw(2) == 0) {
        write_image(world);
    }
    catalog_set_views(next, world->views.length > 0 ? &world->views : NULL);
    struct shelf *shelf = catalogplay_shelf(world->image);
    assert_true(catalogimage_read(next, shelf, &stamp, world->generation + 1, &told, &why));
    assert_int_equal(told.note_size, 4);
    assert_memory_equal(told.note, "note", 4);
    assert_int_equal(told.key.k0, 1);
    assert_int_equal(told.key.k1, 2);
    shelf_drop(shelf);
    offer_accepted(world, next);
    world->now += draw(3) == 0 ? HOLD : 1;
    size_t damaged;
    const struct tombstone_moment now = {world->now, WALL, "boot"};
    char *text = catalog_detached(world->patched, &now, &size);
    catalog_restore_detached(next, text, size, &now, &damaged);
    assert_int_equal(damaged, 0);
    free(text);
    catalog_free(world->patched);
    world->patched = next;
    forget(&world->facts); /* nothing is known yet */
    world->facts = (struct learned_facts){NULL, NULL};
    world->restarts++;
}

/* ---- a life ---- */

static void live(struct world *world)
{
    struct tableset *before = NULL;

    for (unsigned i = 0; i < NUMBERS; i++) {
        write_part(world, i);
    }
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        write_document(world, i);
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct catalog_change a, b;
        for (unsigned n = draw(4); n > 0; n--) {
            change(world);
        }
        bool learns = draw(3) == 0;
        if (learns) {
            learn(world);
        }
        world->now += draw(20) == 0 ? HOLD : 1;
        world->generation++;
        tell(world, world->patched, &a);
        tell(world, world->whole, &b);
        assert_memory_equal(&a, &b, sizeof(a));
        catalog_join(world->whole);
        struct tableset *set = build(world, world->patched), *other = build(world, world->whole);
        compare(set, other);
        tableset_free(other);
        note_accepted(world);
        /* Freeing what was patched gives back the patch alone. */
        size_t all = before != NULL ? tableset_bytes(before) : 0;
        bool patched = before != NULL && tableset_free(before) < all;
        world->patches += patched;
        world->learned += patched && learns;
        before = set;
        if (draw(8) == 0) {
            restart(world);
        } else if (draw(10) == 0) {
            catalog_join(world->patched); /* a base of now, with tombstones */
        }
    }
    tableset_free(before);
}

/* Returns how often a table was patched. */
static unsigned run(uint32_t from, uint64_t hold, bool views)
{
    struct world *world = alloc_array(1, sizeof(*world));
    char why[VIEW_WHY];

    seed = from;
    world->fences[0] = name_of("lan");
    world->fences[1] = name_of("w5.example.com");
    world->suffixes[0] = name_of("corp.lan");
    world->suffixes[1] = name_of("corp.example");
    for (unsigned i = 0; i < TARGETS; i++) {
        world->targets[i] = KNOWN | RESOLVED | V4_TOLD;
    }
    world->image = -1;
    world->hold = hold;
    world->patched = catalog_new(hold);
    world->whole = catalog_new(hold);
    if (views) {
        unsigned one = view_add(&world->views, "one", why),
                 two = view_add(&world->views, "two", why);
        assert_true(view_add_clients(&world->views, one, "10.1.0.0/16", why));
        assert_true(view_add_clients(&world->views, two, "10.2.0.0/16", why));
        assert_true(view_add_cluster(&world->views, one, "c1", why));
        assert_true(view_add_cluster(&world->views, two, "c1", why));
        assert_true(view_add_cluster(&world->views, two, "c2", why));
        catalog_set_views(world->patched, &world->views);
        catalog_set_views(world->whole, &world->views);
    }
    live(world);
    assert_true(world->restarts > ROUNDS / 24);
    assert_true(world->learned > ROUNDS / 24);
    forget(&world->facts);
    unsigned patches = world->patches;
    close(world->image);
    catalog_free(world->patched);
    catalog_free(world->whole);
    view_clear(&world->views);
    free(world);
    return patches;
}

static void test_patched_as_whole(void **state)
{
    unsigned patches = 0;

    (void)state;
    for (uint32_t from = 1; from < 5; from++) {
        patches += run(from, from == 2 ? 0 : HOLD, false); /* one without tombstones */
    }
    assert_true(patches > ROUNDS);
}

static void test_patched_as_whole_in_views(void **state)
{
    unsigned patches = 0;

    (void)state;
    for (uint32_t from = 7; from < 9; from++) {
        patches += run(from, HOLD, true);
    }
    assert_true(patches > ROUNDS / 4);
}

/* Names come and go, and those that went are held until their hold ends: tables are built whole for
 * none of that, whenever they were built whole for something else. */
static void test_detached_all_the_time(void **state)
{
    enum { NEAR = 20, JOINED = 30, LAST = 60 };
    struct world *world = alloc_array(1, sizeof(*world));
    struct tableset *before = NULL;
    char id[16], name[32];
    unsigned built = 0;

    (void)state;
    world->patched = catalog_new(HOLD);
    world->whole = catalog_new(HOLD);
    for (unsigned round = 0; round < LAST; round++) {
        for (unsigned i = 0; i < DOCUMENTS; i++) {
            snprintf(id, sizeof(id), "plc-%u", i);
            snprintf(name, sizeof(name),
                     i == 1 && round >= NEAR ? "*.h2.example.com" : "h%u.example.com",
                     i == 0 ? DOCUMENTS + round : i);
            snprintf(world->texts[i], TEXT_SIZE, "%s", catalogplay_document(id, name, "10.0.0.1"));
        }
        struct catalog_change a, b;
        world->now += HOLD / 5;
        world->generation++;
        tell(world, world->patched, &a);
        tell(world, world->whole, &b);
        catalog_join(world->whole);
        if (round == JOINED) {
            catalog_join(world->patched);
        }
        struct tableset *set = build(world, world->patched), *other = build(world, world->whole);
        assert_int_equal(catalog_patched(world->patched), round != 0 && round != JOINED);
        compare(set, other);
        tableset_free(other);
        size_t all = before != NULL ? tableset_bytes(before) : 0;
        built += before != NULL && tableset_free(before) == all;
        before = set;
    }
    assert_int_equal(built, 3); /* the third when what is held in the second begins to end */
    tableset_free(before);
    catalog_free(world->patched);
    catalog_free(world->whole);
    free(world);
}

/* A name that is held was attached once more while the tables hold it, and detached again: when its
 * new hold ends it is let go, although the tables knew of the first. */
static void test_detached_twice(void **state)
{
    static const char *const names[] = {"h0", "other", "h0", "other", "other"};
    struct world *world = alloc_array(1, sizeof(*world));
    char id[16], name[32];

    (void)state;
    world->patched = catalog_new(HOLD);
    world->whole = catalog_new(HOLD);
    for (unsigned round = 0; round < ARRAY_LENGTH(names); round++) {
        for (unsigned i = 0; i < DOCUMENTS; i++) {
            snprintf(id, sizeof(id), "plc-%u", i);
            snprintf(name, sizeof(name), "h%u.example.com", i);
            if (i == 0) {
                snprintf(name, sizeof(name), "%s.example.com", names[round]);
            }
            snprintf(world->texts[i], TEXT_SIZE, "%s", catalogplay_document(id, name, "10.0.0.1"));
        }
        struct catalog_change a, b;
        world->now += round == ARRAY_LENGTH(names) - 1 ? HOLD : 1;
        tell(world, world->patched, &a);
        tell(world, world->whole, &b);
        catalog_join(world->whole);
        if (round == 1) {
            catalog_join(world->patched);
        }
        struct tableset *set = build(world, world->patched), *other = build(world, world->whole);
        compare(set, other);
        tableset_free(set);
        tableset_free(other);
    }
    catalog_free(world->patched);
    catalog_free(world->whole);
    free(world);
}

/* What becomes known of a document that changed before concerns what did not change of it, too. */
static void test_learned_of_what_changed(void **state)
{
    enum { OTHER = 2, BACK = 4, ROUNDS_OF_IT }; /* when the name leads elsewhere */
    struct world *world = alloc_array(1, sizeof(*world));
    char id[16], name[32];

    (void)state;
    world->patched = catalog_new(HOLD);
    world->whole = catalog_new(HOLD);
    for (unsigned i = 1; i < DOCUMENTS; i++) {
        snprintf(id, sizeof(id), "plc-%u", i);
        snprintf(name, sizeof(name), "h%u.example.com", i);
        snprintf(world->texts[i], TEXT_SIZE, "%s", catalogplay_document(id, name, "10.0.0.1"));
    }
    for (unsigned round = 0; round < ROUNDS_OF_IT; round++) {
        struct catalog_change a, b;
        snprintf(world->texts[0], TEXT_SIZE,
                 "privateLinkConnections:\n"
                 "- {privateLinkConnectionId: plc-40, type: VPC_RESOURCE, endpoints: [{addresses: "
                 "[10.0.0.%u]}], attachedDomains: [{type: CUSTOM, domains: [{name: "
                 "h40.example.com}]}]}\n"
                 "- {privateLinkConnectionId: plc-0, type: VPC_RESOURCE, endpoints: [{dnsName: "
                 "e0.target.test}], attachedDomains: [{type: CUSTOM, domains: [{name: "
                 "h0.example.com}]}]}\n",
                 1 + (round != 0));
        if (round == 0 || round == OTHER || round == BACK) {
            world->targets[0] = KNOWN | RESOLVED | (round == OTHER ? OTHER_ADDRESS : 0);
            tell_facts(world);
        }
        tell(world, world->patched, &a);
        tell(world, world->whole, &b);
        assert_int_equal(a.refused, 0);
        catalog_join(world->whole);
        struct tableset *set = build(world, world->patched), *other = build(world, world->whole);
        assert_int_equal(catalog_patched(world->patched), round != 0);
        compare(set, other);
        tableset_free(set);
        tableset_free(other);
    }
    forget(&world->facts);
    catalog_free(world->patched);
    catalog_free(world->whole);
    free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patched_as_whole),
        cmocka_unit_test(test_patched_as_whole_in_views),
        cmocka_unit_test(test_detached_all_the_time),
        cmocka_unit_test(test_detached_twice),
        cmocka_unit_test(test_learned_of_what_changed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
