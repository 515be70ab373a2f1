/* Addresses out of replies, which ldns reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "addressset.h"
#include "fake_message.h"
#include "record.h"

static const uint8_t query[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\1b\0\0\1\0\1";

static void begin(struct fake_message *m)
{
    fake_message_reply(m, query, sizeof query - 1, 0);
}

static struct reply index_of(const struct fake_message *m)
{
    return (struct reply){.records_at = sizeof query - 1,
                          .answer_count = (uint16_t)(m->bytes[6] << 8 | m->bytes[7]),
                          .end = (uint16_t)m->size};
}

static const char *listed(const struct fake_message *m, uint16_t type)
{
    static char text[2048];
    struct addressset set;
    struct reply reply = index_of(m);

    addressset_read(&set, m->bytes, m->size, &reply, type);
    text[0] = '\0';
    addressset_list(&set, text, sizeof text, 0);
    return text;
}

static void those_of_one_family_in_order(void **state)
{
    static struct fake_message m;

    (void)state;
    begin(&m);
    assert_string_equal(listed(&m, RECORD_A), "");
    fake_message_cname(&m, "a.b", 60, "c.b");
    fake_message_a(&m, "c.b", 60, "10.0.0.9");
    fake_message_aaaa(&m, "c.b", 60, "fd00::2");
    fake_message_a(&m, "c.b", 60, "10.0.0.1");
    fake_message_a(&m, "c.b", 60, "10.0.0.9"); /* twice */
    fake_message_a(&m, "c.b", 60, "0.0.0.0");  /* nobody can connect to that */
    fake_message_aaaa(&m, "c.b", 60, "::");
    fake_message_record(&m, FAKE_ANSWER, "c.b", RECORD_RRSIG, 60,
                        "\0\1\10\2\0\0\0\74\0\0\0\0\0\0\0\0\0\1\1b\0x", 22);
    fake_message_a(&m, "c.b", 60, "10.0.0.5");
    assert_string_equal(listed(&m, RECORD_A), "10.0.0.1,10.0.0.5,10.0.0.9");
    assert_string_equal(listed(&m, RECORD_AAAA), "fd00::2");
    m.bytes[m.size - 12] = 77; /* the last one's class */
    assert_string_equal(listed(&m, RECORD_A), "10.0.0.1,10.0.0.9");
}

/* What was checked and what is read never differ; if they did, it would be no catastrophe. */
static void no_octets_do_harm(void **state)
{
    static struct fake_message m;
    struct addressset set;

    (void)state;
    begin(&m);
    fake_message_cname(&m, "a.b", 60, "c.b");
    fake_message_a(&m, "c.b", 60, "10.0.0.9");
    struct reply reply = index_of(&m);
    for (size_t cut = 0; cut <= m.size; cut++) {
        uint8_t *copy = malloc(cut + 1); /* exactly as large: sanitizers see overruns */
        memcpy(copy, m.bytes, cut);
        addressset_read(&set, copy, cut, &reply, RECORD_A);
        assert_int_equal(set.length, cut == m.size);
        free(copy);
    }
    for (size_t i = reply.records_at; i < m.size; i++) {
        for (unsigned octet = 0; octet < 256; octet++) {
            uint8_t *copy = malloc(m.size);
            memcpy(copy, m.bytes, m.size);
            copy[i] = (uint8_t)octet;
            addressset_read(&set, copy, m.size, &reply, RECORD_A);
            assert_true(set.length <= 1);
            free(copy);
        }
    }
}

static void of_too_many_the_first_in_order(void **state)
{
    static struct fake_message m;
    struct addressset set;
    char address[32];

    (void)state;
    begin(&m);
    for (unsigned i = 200; i > 0; i--) {
        snprintf(address, sizeof address, "10.0.0.%u", i);
        fake_message_a(&m, "a.b", 60, address);
    }
    struct reply reply = index_of(&m);
    addressset_read(&set, m.bytes, m.size, &reply, RECORD_A);
    assert_int_equal(set.length, CONNECTION_ADDRESSES_MAX);
    for (unsigned i = 0; i < set.length; i++)
        assert_int_equal(set.items[i].bytes[3], i + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_of_one_family_in_order),
        cmocka_unit_test(no_octets_do_harm),
        cmocka_unit_test(of_too_many_the_first_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
