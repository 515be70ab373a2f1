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

static void test_members(void **state)
{
    struct config_upstream servers[] = {server("192.0.2.1"), server("192.0.2.2"),
                                        server("192.0.2.1"), server("tcp://192.0.2.1")};
    struct loop *l = loop_new(0x1234);
    struct loop_member *members[4];

    (void)state;
    for (size_t i = 0; i < 4; i++)
        members[i] = loop_join(l, &servers[i]);
    assert_ptr_equal(members[0], members[2]); /* each once */
    assert_string_equal(loop_server(members[3])->text, "tcp://192.0.2.1");
    assert_false(dname_equal(loop_name(members[0])->wire, loop_name(members[1])->wire));
    assert_false(dname_equal(loop_name(members[0])->wire, loop_name(members[3])->wire));
    loop_leave(members[0]);
    struct dname before = *loop_name(members[2]);
    assert_ptr_equal(loop_join(l, &servers[0]), members[2]); /* somebody was still there */
    loop_leave(members[2]);
    loop_leave(members[2]);
    members[0] = loop_join(l, &servers[0]);
    assert_false(dname_equal(loop_name(members[0])->wire, before.wire));
    assert_false(loop_take(l, before.wire, NOW)); /* what was asked of it then says nothing now */
    loop_leave(members[0]);
    loop_leave(members[1]);
    loop_leave(members[3]);
    loop_leave(NULL);
    loop_free(l);
}

static void test_loop(void **state)
{
    struct config_upstream one = server("192.0.2.1"), two = server("192.0.2.2");
    struct config_upstream over_tcp = server("tcp://192.0.2.1");
    struct loop *l = loop_new(0x1234), *stranger = loop_new(0x1235);
    struct loop_member *m1 = loop_join(l, &one), *m2 = loop_join(l, &two);
    struct loop_member *foreign = loop_join(stranger, &one);

    (void)state;
    assert_false(loop_take(l, loop_name(foreign)->wire, NOW));
    assert_false(loop_take(l, (const uint8_t *)"\4loop\5pldns\4test", NOW));
    assert_false(loop_take(l, (const uint8_t *)"\7example", NOW));
    assert_false(loop_has(m1, NOW) || loop_has(m2, NOW));

    assert_true(loop_take(l, loop_name(m2)->wire, NOW));
    assert_false(loop_has(m1, NOW));
    assert_true(loop_has(m2, NOW));
    assert_true(loop_knows(l, &two, NOW));
    assert_false(loop_knows(l, &one, NOW));
    assert_false(loop_knows(l, &over_tcp, NOW)); /* nobody asks there */
    assert_true(loop_has(m2, NOW + LOOP_HOLD_MS - 1));
    assert_false(loop_has(m2, NOW + LOOP_HOLD_MS));
    assert_false(loop_has(NULL, NOW));
    loop_leave(m1);
    loop_leave(m2);
    loop_leave(foreign);
    loop_free(stranger);
    loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_members), cmocka_unit_test(test_loop)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
