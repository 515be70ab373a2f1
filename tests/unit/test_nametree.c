/* The name tree by itself: names are spread well whatever the key, and depths are walked in order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "namedraft.h"

#define NAMES 20000

static const struct hash_key keys[] = {
    {0, 0}, {1, 1}, {7, 9}, {0, UINT64_MAX}, {UINT64_MAX, 0}, {0, 1ull << 63}, {12345678901, 98765},
};

/* The kinds of names there are: numbered, long and alike, deep, different in the middle only. */
#define KINDS 4

static void write_nothing(void *arg, struct pool *records, const struct namedraft_rule *rule)
{
    (void)arg, (void)records, (void)rule;
}

static void name_of(struct dname *name, size_t kind, unsigned i)
{
    char text[128];
    const char *why;

    snprintf(text, sizeof(text),
             kind == 0   ? "n%u.example.com"
             : kind == 1 ? "*.%026u.aws.plc.tidbcloud.com"
             : kind == 2 ? "%u.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a"
                         : "db-1.a%uaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.rds.x.com",
             i);
    assert_true(dname_from_text(name, text, strlen(text), &why));
}

static void test_spread(void **state)
{
    (void)state;
    for (size_t k = 0; k < ARRAY_LENGTH(keys); k++) {
        for (size_t kind = 0; kind < KINDS; kind++) {
            struct namedraft *draft = namedraft_new(&keys[k]);
            struct nametree tree;
            struct dname name;
            unsigned run = 0, longest = 0, nodes = 0;

            for (unsigned i = 0; i < NAMES; i++) {
                name_of(&name, kind, i);
                assert_int_equal(namedraft_rule(draft, name.wire, i), i);
            }
            namedraft_finish(draft, &tree, NAMETREE_UNIT, write_nothing, NULL);
            namedraft_free(draft);
            for (uint32_t i = 0; i < tree.slots_length; i++) {
                nodes += tree.slots[i] != 0;
                run = tree.slots[i] == 0 ? 0 : run + 1;
                longest = run > longest ? run : longest;
            }
            assert_int_equal(nodes, NAMES);
            assert_true(longest < 100); /* about 50 by chance */
            for (unsigned i = 0; i < NAMES; i += 97) {
                name_of(&name, kind, i);
                const uint8_t *owned = name.wire + 2 * dname_is_wildcard(name.wire);
                uint8_t back[DNAME_MAX];
                uint32_t node = nametree_find(&tree, owned);
                assert_int_not_equal(node, NAMETREE_NONE);
                nametree_name(&tree, node, back);
                assert_true(dname_equal(back, owned));
            }
            nametree_clear(&tree);
        }
    }
}

static void test_depths(void **state)
{
    static const unsigned depths[] = {127, 126, 65, 64, 63, 5, 1, 0};
    struct nametree tree = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(depths); i++) {
        tree.depths[depths[i] / 64] |= UINT64_C(1) << depths[i] % 64;
    }
    nametree_settle(&tree);
    for (unsigned most = 0; most < 128; most++) {
        unsigned depth = most + 1;
        for (size_t i = 0; i < ARRAY_LENGTH(depths); i++) {
            if (depths[i] <= most) {
                assert_true(nametree_depth_below(&tree, &depth));
                assert_int_equal(depth, depths[i]);
            }
        }
        assert_false(nametree_depth_below(&tree, &depth));
    }
}

/* A suffix hashes as the name that it is, whatever stands before it and wherever it begins: what is
 * read in whole words must not leave traces. */
static void test_suffixes(void **state)
{
    const struct nametree_seed seed = nametree_seed(&keys[6]);

    (void)state;
    for (unsigned own = 1; own <= 40; own++) {
        for (unsigned before = 0; before <= 40; before++) {
            struct nametree_scan scan, alone;
            struct dname_cut cut, cut_alone;
            uint8_t name[128] = {0}, *suffix = before > 0 ? name + 1 + before : name;
            uint8_t room[NAMETREE_STEP + DNAME_MAX], *folded = room + NAMETREE_STEP;

            memset(&scan, 0xa5, sizeof(scan));
            memset(&alone, 0x5a, sizeof(alone));
            memset(room, 0xc3, sizeof(room));
            if (before > 0) {
                *name = (uint8_t)before;
                memset(name + 1, 'Q', before);
            }
            *suffix = (uint8_t)own;
            memset(suffix + 1, 'A', own);
            nametree_begin_uncut(&scan, &cut, name);
            nametree_begin_uncut(&alone, &cut_alone, suffix);
            nametree_hash(&scan, &seed);
            nametree_hash(&alone, &seed);
            assert_true(nametree_key(&scan, 1) == nametree_key(&alone, 1));
            assert_true(nametree_key(&scan, 0) == nametree_key(&alone, 0));
            assert_true(nametree_key(&scan, 0) != nametree_key(&scan, 1));
            assert_true(nametree_key(&scan, 1) ==
                        nametree_key_alone(&seed, suffix, own + 2, folded));
            assert_memory_equal(scan.folded + (suffix - name), alone.folded, own + 2);
            assert_memory_equal(folded, alone.folded, own + 2);
            assert_int_equal(scan.folded[suffix - name + 1], 'a');
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_depths),
        cmocka_unit_test(test_suffixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
