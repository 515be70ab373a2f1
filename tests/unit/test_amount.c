/* Numbers, durations and sizes: what is taken, what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "amount.h"

#define REFUSED UINT64_MAX

static const struct {
    const char *text;
    uint64_t value;
} durations[] =
    {
        {"0", 0},
        {"10ms", 10},
        {"5s", 5000},
        {"5", 5000},
        {"2m", 120000},
        {"1h", 3600000},
        {"1d", 86400000},
        {"", REFUSED},
        {"s", REFUSED},
        {"-5s", REFUSED},
        {"+5s", REFUSED},
        {" 5s", REFUSED},
        {"5 s", REFUSED},
        {"5s ", REFUSED},
        {"1.5s", REFUSED},
        {"05s", REFUSED},
        {"5S", REFUSED},
        {"5w", REFUSED},
        {"99999999999999999999d", REFUSED},
        {"18446744073709551615d", REFUSED},
},
  sizes[] = {
      {"512", 512},     {"64KiB", 65536}, {"16MiB", 16777216}, {"1GiB", 1073741824},
      {"1KB", REFUSED}, {"1k", REFUSED},  {"1 KiB", REFUSED},  {"18446744073709551615GiB", REFUSED},
};

static const struct {
    const char *text;
    bool taken;
    int64_t value;
} integers[] = {
    {"0", true, 0},
    {"-12", true, -12},
    {"9223372036854775807", true, INT64_MAX},
    {"-0", true, 0},
    {"9223372036854775808", false, 0},
    {"18446744073709551616", false, 0},
    {"010", false, 0},
    {"+1", false, 0},
    {"1_000", false, 0},
    {"0x10", false, 0},
    {"1.0", false, 0},
    {"-", false, 0},
    {"", false, 0},
};

static const struct {
    uint64_t value;
    const char *duration, *size;
} texts[] = {
    {0, "0s", "0"},
    {1, "1ms", "1"},
    {90000, "90s", "90000"},
    {3600000, "1h", "3600000"},
    {86400000, "1d", "84375KiB"},
    {1u << 30, "1073741824ms", "1GiB"},
};

static void test_durations_and_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        uint64_t value = REFUSED;
        if (!amount_duration(durations[i].text, &value))
            value = REFUSED;
        assert_int_equal(value, durations[i].value);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t value = REFUSED;
        if (!amount_bytes(sizes[i].text, &value))
            value = REFUSED;
        assert_int_equal(value, sizes[i].value);
    }
}

static void test_integers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
        int64_t value;
        assert_int_equal(amount_integer(integers[i].text, &value), integers[i].taken);
        if (integers[i].taken)
            assert_int_equal(value, integers[i].value);
    }
}

static void test_texts(void **state)
{
    char text[AMOUNT_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_string_equal(amount_duration_text(texts[i].value, text), texts[i].duration);
        assert_string_equal(amount_bytes_text(texts[i].value, text), texts[i].size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations_and_sizes),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
