/* State words of all vendors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "state.h"

static const struct {
    const char *word;
    enum state state;
    bool known;
} cases[] = {
    {NULL, STATE_USABLE, true},
    {"", STATE_USABLE, true},
    {"ACTIVE", STATE_USABLE, true},
    {"available", STATE_USABLE, true},
    {"Ready", STATE_USABLE, true},
    {"Connected", STATE_USABLE, true},
    {"Approved", STATE_USABLE, true},
    {"ACCEPTED", STATE_USABLE, true},
    {"Partial", STATE_USABLE, true},
    {"CREATING", STATE_NOT_READY, true},
    {"Pending", STATE_NOT_READY, true},
    {"PendingAcceptance", STATE_NOT_READY, true},
    {"pending-acceptance", STATE_NOT_READY, true},
    {"PENDING_ACCEPTANCE", STATE_NOT_READY, true},
    {"pending acceptance", STATE_NOT_READY, true},
    {"PENDING_CREATION", STATE_NOT_READY, true},
    {"Connecting", STATE_NOT_READY, true},
    {"Provisioning", STATE_NOT_READY, true},
    {"Wait", STATE_NOT_READY, true},
    {"INITIATING", STATE_NOT_READY, true},
    {"FAILED", STATE_NOT_READY, true},
    {"INACTIVE", STATE_NOT_READY, true},
    {"Disconnected", STATE_NOT_READY, true},
    {"NEEDS_ATTENTION", STATE_NOT_READY, true},
    {"NeedsAttention", STATE_NOT_READY, true},
    {"REJECTED", STATE_GONE, true},
    {"Expired", STATE_GONE, true},
    {"CLOSED", STATE_GONE, true},
    {"DELETING", STATE_GONE, true},
    {"Deleted", STATE_GONE, true},
    {"ServiceDeleted", STATE_GONE, true},
    {"SERVICE_DELETED", STATE_GONE, true},
    {"ACTIVATED", STATE_NOT_READY, false},
    {"ACTIV", STATE_NOT_READY, false},
    {"PEND", STATE_NOT_READY, false},
    {"Unknown", STATE_NOT_READY, false},
    {"ACTIVEACTIVEACTIVEACTIVEACTIVEACTIVEACTIVE", STATE_NOT_READY, false},
};

static void test_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool known = !cases[i].known;
        assert_int_equal(state_of(cases[i].word, &known), cases[i].state);
        assert_int_equal(known, cases[i].known);
        assert_int_equal(state_of(cases[i].word, NULL), cases[i].state);
    }
    assert_string_equal(state_name(STATE_USABLE), "usable");
    assert_string_equal(state_name(STATE_NOT_READY), "not ready");
    assert_string_equal(state_name(STATE_GONE), "gone");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
