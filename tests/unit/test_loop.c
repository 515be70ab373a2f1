#include "loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW 1000

static struct config_upstream server(const char *text)
{
    struct config_upstream made;
    const char *why;

    assert_true(configaddress_upstream(text, &made, &why));
    return made;
}

static void test_loop(void **state)
{
    struct config_upstream standard[] = {server("192.0.2.1"), server("192.0.2.2"),
                                         server("192.0.2.1")};
    struct config_upstream other[] = {server("tcp://192.0.2.1"), server("192.0.2.2")};
    struct config_upstreams list = {standard, 3};
    struct config_route route = {.upstreams = {other, 2}};
    struct loop *l = loop_new(&list, &route, 1, 0x1234);
    struct loop *stranger = loop_new(&list, NULL, 0, 0x1235);
    struct dname names[3], foreign;

    (void)state;
    assert_int_equal(loop_length(l), 3); /* each once */
    for (size_t i = 0; i < 3; i++) {
        loop_name(l, i, &names[i]);
        for (size_t j = 0; j < i; j++)
            assert_false(dname_equal(names[i].wire, names[j].wire));
    }
    loop_name(stranger, 0, &foreign);
    assert_false(loop_take(l, foreign.wire, NOW));
    assert_false(loop_take(l, (const uint8_t *)"\4loop\5pldns\4test", NOW));
    assert_false(loop_take(l, (const uint8_t *)"\7example", NOW));
    for (size_t i = 0; i < 3; i++)
        assert_false(loop_has(l, loop_server(l, i), NOW));

    assert_true(loop_take(l, names[1].wire, NOW));
    assert_false(loop_has(l, &standard[0], NOW));
    assert_true(loop_has(l, &standard[1], NOW));
    assert_true(loop_has(l, &other[1], NOW)); /* the same server */
    assert_false(loop_has(l, &other[0], NOW));
    assert_true(loop_has(l, &standard[1], NOW + LOOP_HOLD_MS - 1));
    assert_false(loop_has(l, &standard[1], NOW + LOOP_HOLD_MS));
    assert_false(loop_has(NULL, &standard[1], NOW));
    loop_free(stranger);
    loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_loop)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
