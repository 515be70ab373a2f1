/* What documents want found out. */
#include "wanted.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dname.h"
#include "handmade.h"

static const uint8_t a[] = "\1a\7example", b[] = "\1b\7example", c[] = "\1c\7example";
static const struct connection_health check = {true, 9092, 1000, 500, 1, 1, 50};

static void test_names(void **state)
{
    struct document *document = handmade_new("a.yaml");
    struct connection *first = handmade_connection(document, "plc-1");
    struct connection *second = handmade_connection(document, "plc-2");
    struct connection *gone = handmade_connection(document, "plc-3");

    (void)state;
    handmade_endpoint(document, first, "", "")->target = b;
    handmade_endpoint(document, first, "", "")->target = a;
    handmade_endpoint(document, second, "", "")->target = b;
    second->state = STATE_NOT_READY; /* may come any moment */
    handmade_endpoint(document, gone, "", "")->target = c;
    gone->state = STATE_GONE;
    struct wanted *wanted = wanted_of(&document, 1);
    assert_int_equal(wanted->names_length, 2);
    assert_true(dname_equal(wanted->names[0], a));
    assert_true(dname_equal(wanted->names[1], b));
    assert_int_equal(wanted->checks_length, 0);
    wanted_free(wanted);
    handmade_free(document);
}

static void test_checks(void **state)
{
    struct document *document = handmade_new("a.yaml");
    struct connection *first = handmade_connection(document, "plc-1");
    struct connection *second = handmade_connection(document, "plc-2");
    struct connection *waiting = handmade_connection(document, "plc-3");

    (void)state;
    first->health = second->health = waiting->health = check;
    second->health.min_healthy_percent = 10; /* tried in the same way */
    waiting->state = STATE_NOT_READY;
    handmade_endpoint(document, first, "", "10.0.0.1 fd00::1");
    handmade_endpoint(document, first, "", "")->target = a;
    handmade_endpoint(document, first, "", "10.0.0.3")->state = STATE_NOT_READY;
    handmade_endpoint(document, second, "", "10.0.0.1");
    handmade_endpoint(document, waiting, "", "10.0.0.4");
    struct wanted *wanted = wanted_of(&document, 1);
    assert_int_equal(wanted->checks_length, 3);
    assert_int_equal(wanted->checks[0].name, 0);
    assert_int_equal(wanted->checks[1].name, WANTED_NO_NAME);
    assert_false(wanted->checks[1].key.address.v6);
    assert_true(wanted->checks[2].key.address.v6);
    assert_int_equal(wanted->checks[1].key.check.port, 9092);
    wanted_free(wanted);
    handmade_free(document);
}

static void test_nothing(void **state)
{
    struct wanted *wanted = wanted_of(NULL, 0);

    (void)state;
    assert_int_equal(wanted->names_length + wanted->checks_length, 0);
    wanted_free(wanted);
    wanted_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_checks),
        cmocka_unit_test(test_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
