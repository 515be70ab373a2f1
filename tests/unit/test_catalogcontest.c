/* Documents that contradict each other are tried a few times each, however many they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "catalogplay.h"
#include "claims.h"

#define LENGTH 60

static unsigned tries;

bool __wrap_claims_add(struct claims *, const struct document *, size_t instead_of,
                       struct error_list *);
bool __real_claims_add(struct claims *, const struct document *, size_t instead_of,
                       struct error_list *);

bool __wrap_claims_add(struct claims *claims, const struct document *document, size_t instead_of,
                       struct error_list *errors)
{
    tries++;
    return __real_claims_add(claims, document, instead_of, errors);
}

/* Documents of a chain, in order, each with the name of the next or with its own. */
static void offer_chain(struct catalog *catalog, bool next)
{
    char name[16], id[16], names[64];

    for (unsigned i = 0; i < LENGTH; i++) {
        snprintf(name, sizeof(name), "d%03u", i);
        snprintf(id, sizeof(id), "plc-%u", i);
        snprintf(names, sizeof(names), "*.n%u.x.example%s", i + next,
                 next && i == LENGTH - 1 ? " *.free.x.example" : "");
        catalogplay_offer(catalog, name, id, names);
    }
}

/* Each has to wait for the next, and the last for one who is sent back behind it: in every round
 * one more of them moves.  Who has to wait is not tried before. */
static void test_chain(void **state)
{
    struct catalog *catalog = catalog_new(0);
    struct catalog_change change;

    (void)state;
    catalog_begin(catalog);
    catalogplay_offer(catalog, "a", "plc-a", "*.a.x.example");
    offer_chain(catalog, false);
    catalogplay_offer(catalog, "x", "plc-x", "*.x.x.example");
    catalogplay_offer(catalog, "z", "plc-z", "*.z.x.example");
    change = catalogplay_finish(catalog);
    assert_int_equal(change.refused, 0);
    tries = 0;
    catalog_begin(catalog);
    catalogplay_offer(catalog, "a", "plc-a", "*.free.x.example *.z.x.example");
    offer_chain(catalog, true);
    assert_true(catalog_offer_same(catalog, "x"));
    catalogplay_offer(catalog, "z", "plc-z", "*.x.x.example");
    change = catalogplay_finish(catalog);
    assert_int_equal(change.accepted, LENGTH);
    assert_int_equal(change.refused, 2);
    assert_string_equal(catalogplay_whose(catalog, "q.n1.x.example"), "plc-0");
    assert_string_equal(catalogplay_whose(catalog, "q.free.x.example"), "plc-59");
    assert_string_equal(catalogplay_whose(catalog, "q.z.x.example"), "plc-z");
    assert_in_range(tries, LENGTH, 4 * LENGTH);
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
