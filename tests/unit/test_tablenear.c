/* The near miss in tables of more names than are looked through.  In small ones: test_table.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "handmade.h"
#include "table.h"

#define U         "dvs6nl5jgveztmla3pxkxgh76i"
#define US        U ".aws.plc.tidbcloud.com"
#define DEEP      "net.us-east-1.aws.confluent.cloud"
#define NAME_SIZE 64

static const struct table_options plain = {.key = {7, 9}, .generation = 3, .zone = ""};

static struct document *few(void)
{
    struct document *document = handmade_new("few");
    struct connection *connection = handmade_connection(document, "plc-1");

    handmade_endpoint(document, connection, "use1-az1", "10.0.0.1");
    handmade_typed(document, connection, US);
    handmade_names(document, handmade_typed(document, connection, DEEP), "k1.a." DEEP);
    handmade_custom(document, connection,
                    "db-1.rds.amazonaws.com *.c3.kafka.amazonaws.com h.db-1.rds.amazonaws.com "
                    "*.use1-az1.own.corp.example");
    return document;
}

/* So many hosts next to each other. */
static struct document *many(unsigned length)
{
    struct document *document = handmade_new("many");
    struct connection *connection = handmade_connection(document, "plc-2");
    char *list = alloc_array(length, NAME_SIZE), *at = list;

    handmade_endpoint(document, connection, "", "10.0.0.1");
    for (unsigned i = 0; i < length; i++) {
        at += sprintf(at, "node%u.hosts.many.example ", i);
    }
    handmade_custom(document, connection, list);
    free(list);
    return document;
}

struct row {
    const char *qname, *owner; /* NULL: nothing near */
};

static void check(const struct table *table, const struct row *rows, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        struct dname qname = handmade_dname(rows[i].qname), owner;
        char text[DNAME_TEXT_MAX] = "none";
        if (table_near(table, qname.wire, &owner)) {
            dname_to_text(owner.wire, text);
        }
        if (strcmp(text, rows[i].owner != NULL ? rows[i].owner : "none") != 0) {
            fail_msg("%s: near '%s', wanted '%s'", rows[i].qname, text, rows[i].owner);
        }
    }
}

/* What is looked up is found however many names there are. */
static const struct row always[] = {
    {"b1." US ".corp.example", "*." US},
    {"b1.use1-az1." US ".corp.example", "*.use1-az1." US},
    {US ".corp", "*." US},
    {"x.db-1.rds.amazonaws.com", "db-1.rds.amazonaws.com"},
    {"x.y.db-1.rds.amazonaws.com", "db-1.rds.amazonaws.com"},
    {"x.h.db-1.rds.amazonaws.com", "h.db-1.rds.amazonaws.com"}, /* the deepest */
    {"b.node77.hosts.many.example", "node77.hosts.many.example"},
    {"db-2.rds.amazonaws.com", "db-1.rds.amazonaws.com"},
    {"DB-2.rds.amazonaws.com", "db-1.rds.amazonaws.com"},
    {"b.c4.kafka.amazonaws.com", "*.c3.kafka.amazonaws.com"},
    {"b.use1-az2.own.corp.example", "*.use1-az1.own.corp.example"},
    {"b1." U ".alicloud.plc.tidbcloud.com", "*." US},
    {"tidbcloud.com", NULL},
    {"com", NULL},
    {"www.example.com", NULL},
    {"mail.amazonaws.com", NULL},
    {".", NULL},
};

static void check_always(const struct table *table)
{
    struct dname qname = handmade_dname("hosts.many.example"), owner;

    check(table, always, ARRAY_LENGTH(always));
    /* Stands above most names: any of them will do. */
    assert_true(table_near(table, qname.wire, &owner));
    assert_true(dname_under(owner.wire, qname.wire, NULL));
}

static struct table *build(struct document *both[2], unsigned length)
{
    both[0] = few();
    both[1] = many(length);
    return table_build(&plain, both, 2);
}

static void clear(struct table *table, struct document *both[2])
{
    table_free(table);
    handmade_free(both[0]);
    handmade_free(both[1]);
}

static void test_small(void **state)
{
    static const struct row rows[] = {
        {"b1.dvs6nl5jgveztmla3pxkxghz6i.aws.plc.tidbcloud.com", "*." US},
        {"b1." U ".xaws.plc.tidbcloud.com", "*." US},
        {"aws.plc.tidbcloud.com", "*." US},
        {DEEP ".corp.example", "k1.a." DEEP},
    };
    struct document *both[2];
    struct table *table = build(both, TABLE_NEAR_NAMES_MAX - 100);

    (void)state;
    check_always(table);
    check(table, rows, ARRAY_LENGTH(rows));
    clear(table, both);
}

/* What would have to be compared with all names is not told of some of them. */
static void test_large(void **state)
{
    static const struct row rows[] = {
        {"b1.dvs6nl5jgveztmla3pxkxghz6i.aws.plc.tidbcloud.com", NULL},
        {"nodeX77.hosts.many.example", NULL},
        {DEEP ".corp.example", DEEP},
    };
    struct document *both[2];
    struct table *table = build(both, 3 * TABLE_NEAR_NAMES_MAX);

    (void)state;
    check_always(table);
    check(table, rows, ARRAY_LENGTH(rows));
    clear(table, both);
}

/* Long names: none grows too long by what is tried. */
static void test_long_names(void **state)
{
    struct document *both[2];
    struct table *table = build(both, TABLE_NEAR_NAMES_MAX + 1);
    static const char *const labels[] = {"aws", "gcp", "x"};

    (void)state;
    for (size_t l = 0; l < ARRAY_LENGTH(labels); l++) {
        struct dname name = {.size = 1}, longer, owner;
        const uint8_t *label = (const uint8_t *)labels[l];
        while (dname_prepend(&longer, label, strlen(labels[l]), &name)) {
            name = longer;
            assert_false(table_near(table, name.wire, &owner));
        }
        /* And with few labels. */
        name = (struct dname){.size = 1};
        while (dname_prepend(&longer, (const uint8_t *)U U, 48, &name)) {
            name = longer;
        }
        while (dname_prepend(&longer, label, strlen(labels[l]), &name)) {
            name = longer;
            assert_false(table_near(table, name.wire, &owner));
        }
    }
    clear(table, both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_long_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
