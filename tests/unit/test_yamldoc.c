/* YAML: the tree, what is refused and where, and the typed readers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "yamldoc.h"

/* Writes a tree as text: {key=plain, "key"="quoted", [list]}. */
static void write_node(const struct yamldoc_node *node, char *out)
{
    char *end = out + strlen(out);

    if (node->kind == YAMLDOC_SCALAR) {
        sprintf(end, node->plain ? "%s" : "'%s'", node->text);
        return;
    }
    strcat(out, node->kind == YAMLDOC_LIST ? "[" : "{");
    for (const struct yamldoc_node *child = node->child; child != NULL; child = child->next) {
        if (child != node->child)
            strcat(out, " ");
        if (child->key != NULL)
            sprintf(out + strlen(out), "%s=", child->key);
        write_node(child, out);
    }
    strcat(out, node->kind == YAMLDOC_LIST ? "]" : "}");
}

static const struct {
    const char *yaml, *tree; /* several documents with "|" between */
} trees[] = {
    {"", ""},
    {"# nothing\n", ""},
    {"a: 1\nb: 'x'\n", "{a=1 b='x'}"},
    {"\xef\xbb\xbf"
     "a: 1\n",
     "{a=1}"},
    {"\xef\xbb\xbf"
     "a: 1\nb:\n  c: 2\n",
     "{a=1 b={c=2}}"},
    {"\xef\xbb\xbf", ""},
    {"- a\n- [b, {c: d}]\n-\n", "[a [b {c=d}] ]"},
    {"a: 1\n---\nb: 2\n", "{a=1}|{b=2}"},
    {"{\"a\":1,\"b\":[true,null,\"x\\u0041\"],\"c\":{}}", "{a=1 b=[true null 'xA'] c={}}"},
    {"{\n\t\"a\":\t1\n}", "{a=1}"},
    {"{\"a\": \"x\\ud83d\\ude00y\", \"\\uD83D\\uDE00\": 1}", "{a='x😀y' 😀=1}"},
    {"\xef\xbb\xbf [\"\\\\ud83d\", \"\\ud83d\\ude00\"]", "['\\ud83d' '😀']"},
    {"{a: '\\ud83d\\ude00'}", "{a='\\ud83d\\ude00'}"},
    {"%YAML 1.1\n---\na: 1\n", "{a=1}"},
};

static void test_trees(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(trees); i++) {
        struct error_list errors = {0};
        char text[256] = "";
        struct yamldoc *doc = yamldoc_parse("f", trees[i].yaml, strlen(trees[i].yaml), &errors);
        assert_non_null(doc);
        for (size_t j = 0; yamldoc_root(doc, j) != NULL; j++) {
            if (j > 0)
                strcat(text, "|");
            write_node(yamldoc_root(doc, j), text);
        }
        assert_string_equal(text, trees[i].tree);
        assert_int_equal(errors.length, 0);
        yamldoc_free(doc);
    }
}

static const struct {
    const char *yaml, *complaint; /* of the first error; its beginning */
} refused[] = {
    {"a: [", "f:2:1: not YAML: did not find expected node content"},
    {"a: 1\n b: 2\n", "f:2:3: not YAML: mapping values are not allowed"},
    {"a: 1\nb: \xff\n", "f:2:4: not YAML: invalid leading UTF-8 octet (0xff)"},
    {"a: \xc3\xa4\xc3\xa4 \x01\n", "f:1:7: not YAML: control characters are not allowed (0x01)"},
    {"\xef\xbb\xbf"
     "a: [",
     "f:2:1: not YAML: did not find expected node content"},
    {"\xef\xbb\xbf"
     "a: \x01\n",
     "f:1:4: not YAML: control characters are not allowed (0x01)"},
    {"\xef\xbb\xbf"
     "a: &x 1\n",
     "f:1:4: anchors ('&') are not supported"},
    {"{\"a\": \"\\ud83d\"}", "f:1:10: not YAML: found invalid Unicode character escape code"},
    {"{\"a\": \"\\ud83d\\ude00\\ude00\"}",
     "f:1:22: not YAML: found invalid Unicode character escape code"},
    {"{\n\"a\": \"\\ud83d\\ude00\", \"a\": 1}",
     "f:2:22: 'a': written twice in one map, first at line 2"},
    {"a: &x 1\nb: 2\n", "f:1:4: anchors ('&') are not supported"},
    {"a: 1\nb: *x\n", "f:2:4: aliases ('*') are not supported"},
    {"a: !!str 1\n", "f:1:4: tags ('!') are not supported"},
    {"a: !python/object []\n", "f:1:4: tags ('!') are not supported"},
    {"a: ! x\n", "f:1:4: tags ('!') are not supported"},
    {"<<: {a: 1}\n", "f:1:1: merge keys"},
    {"a: 1\nb: 2\na: 3\n", "f:3:1: 'a': written twice in one map, first at line 1"},
    {"? [a]\n: 1\n", "f:1:3: a key must be a text"},
    {"\"a\\0b\": 1\n", "f:1:1: a key holds a NUL character"},
    {"{1: a, 2: b, 3: c, 4: d, 5: e, 6: f, 7: g, 8: h, 9: i, 10: j, 11: k, 12: l,\n 13: m, 7: n}",
     "f:2:9: '7': written twice in one map, first at line 1"},
    {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "f:1:33: nested deeper than 32 levels"},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
        struct error_list errors = {0};
        char text[256];
        struct yamldoc *doc = yamldoc_parse("f", refused[i].yaml, strlen(refused[i].yaml), &errors);
        if (doc != NULL || errors.errors == 0)
            fail_msg("taken: %s", refused[i].yaml);
        error_format(&errors.items[0], text, sizeof text);
        if (strncmp(text, refused[i].complaint, strlen(refused[i].complaint)) != 0)
            fail_msg("'%s'\nwanted '%s'", text, refused[i].complaint);
        error_clear(&errors);
    }
}

/* Offsets count from the first of the bytes, a byte order mark included. */
static void test_spans_behind_pairs(void **state)
{
    static const char text[] =
        "{\"ü\": \"\\ud83d\\ude00\\ud83d\\ude00\", \"\\ud83d\\ude00\": [1],\n \"b\": 2}";
    struct error_list errors = {0};
    struct yamldoc *doc = yamldoc_parse_marked("f", text, strlen(text), &errors);

    (void)state;
    assert_non_null(doc);
    const struct yamldoc_node *root = yamldoc_root(doc, 0), *list = root->child->next;
    const struct yamldoc_span *span = yamldoc_span(root->child);
    assert_memory_equal(text + span->start, "\"\\ud83d", 7);
    assert_memory_equal(text + span->end, ", ", 2);
    span = yamldoc_span(list);
    assert_memory_equal(text + span->key_start, "\"\\ud83d", 7);
    assert_memory_equal(text + span->key_end, ": [1]", 5);
    assert_memory_equal(text + span->start, "[1]", 3);
    assert_int_equal(list->column, 51);
    assert_memory_equal(text + yamldoc_span(list->next)->start, "2}", 2);
    assert_int_equal(yamldoc_span(root)->end, strlen(text));
    yamldoc_free(doc);
    error_clear(&errors);
}

static void test_spans(void **state)
{
    static const char *const texts[] = {"a: ü\nkey: {b: [c]}\n",
                                        "\xef\xbb\xbf"
                                        "a: ü\nkey: {b: [c]}\n",
                                        "\xef\xbb\xbf"
                                        "a: 1\nkey: {b: [c]}\n"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        struct error_list errors = {0};
        const char *text = texts[i];
        struct yamldoc *doc = yamldoc_parse_marked("f", text, strlen(text), &errors);
        assert_non_null(doc);
        const struct yamldoc_node *value = yamldoc_root(doc, 0)->child->next;
        const struct yamldoc_span *span = yamldoc_span(value);
        assert_memory_equal(text + span->key_start, "key", 3);
        assert_int_equal(span->key_end - span->key_start, 3);
        assert_memory_equal(text + span->start, "{b: [c]}", 8);
        assert_int_equal(span->end - span->start, 8);
        assert_int_equal(value->line, 2);
        yamldoc_free(doc);
        error_clear(&errors);
    }
}

static void test_all_twins_are_told(void **state)
{
    static const char yaml[] = "a: 1\na: 2\nb: {c: 1, c: 2}\na: 3\n";
    struct error_list errors = {0};

    (void)state;
    assert_null(yamldoc_parse("f", yaml, strlen(yaml), &errors));
    assert_int_equal(errors.errors, 3); /* two of a, one of c */
    error_clear(&errors);
}

/* What could take time or memory out of proportion: each ends at a limit or is linear. */
static void test_hostile(void **state)
{
    const size_t size = 4u << 20;
    char *bytes = malloc(YAMLDOC_SIZE_MAX + 1);
    struct error_list errors = {0};

    (void)state;
    memset(bytes, '[', size);
    assert_null(yamldoc_parse("f", bytes, size, &errors));
    assert_string_equal(errors.items[0].text, "nested deeper than 32 levels");
    error_clear(&errors);

    memset(bytes, ' ', YAMLDOC_SIZE_MAX + 1);
    assert_null(yamldoc_parse("f", bytes, YAMLDOC_SIZE_MAX + 1, &errors));
    assert_string_equal(errors.items[0].text, "has 67108865 bytes; at most 67108864 are read");
    error_clear(&errors);

    /* 100,000 keys, all unknown: neither finding twins nor suggestions may be quadratic. */
    size_t length = 0;
    for (unsigned i = 0; i < 100000; i++)
        length += (size_t)sprintf(bytes + length, "uniqueNam%u: 1\n", i);
    struct yamldoc *doc = yamldoc_parse("f", bytes, length, &errors);
    assert_non_null(doc);
    static const char *const known[] = {"uniqueName", "type", NULL};
    yamldoc_unknown(doc, yamldoc_root(doc, 0), "", known, &errors);
    assert_int_equal(errors.errors, 100000);
    assert_int_equal(errors.length, ERROR_LIST_MAX);
    yamldoc_free(doc);
    error_clear(&errors);

    /* "[]" of three bytes costs a node of many: bounded. */
    length = 0;
    bytes[length++] = '[';
    while (length + 3 < 16u << 20)
        length += (size_t)sprintf(bytes + length, "[],");
    bytes[length++] = ']';
    assert_null(yamldoc_parse("f", bytes, length, &errors));
    assert_string_equal(errors.items[0].text, "more than 4194304 values in one document");
    error_clear(&errors);
    free(bytes);
}

static void test_fields(void **state)
{
    static const char yaml[] = "type: a\nuniqename: b\nempty:\ntilde: ~\nquoted: \"\"\n";
    static const char *const known[] = {"type", "uniqueName", "empty", "tilde", "quoted", NULL};
    struct error_list errors = {0};
    char text[256];

    (void)state;
    struct yamldoc *doc = yamldoc_parse("f", yaml, strlen(yaml), &errors);
    assert_non_null(doc);
    struct yamldoc_node *root = yamldoc_root(doc, 0);
    assert_string_equal(yamldoc_get(root, "type")->text, "a");
    assert_null(yamldoc_get(root, "absent"));
    assert_null(yamldoc_get(root, "empty"));
    assert_null(yamldoc_get(root, "tilde"));
    assert_non_null(yamldoc_get(root, "quoted"));
    yamldoc_unknown(doc, root, "at[1].", known, &errors);
    assert_int_equal(errors.errors, 1);
    assert_string_equal(error_format(&errors.items[0], text, sizeof text),
                        "f:2:1: at[1].uniqename: unknown field; did you mean 'uniqueName'?");
    assert_string_equal(yamldoc_file(doc), "f");
    yamldoc_free(doc);
    error_clear(&errors);
}

enum reader { INTEGER, BOOLEAN, DURATION, BYTES, STRING };

static const struct {
    enum reader reader;
    const char *yaml, *complaint; /* NULL = taken */
    int64_t value;
} values[] = {
    {INTEGER, "30", NULL, 30},
    {INTEGER, "\"30\"", NULL, 30},
    {INTEGER, "x", "f:1:1: p: wants an integer from 1 to 3600, has 'x'", 0},
    {INTEGER, "0", "f:1:1: p: wants an integer from 1 to 3600, has '0'", 0},
    {INTEGER, "3601", "f:1:1: p: wants an integer from 1 to 3600, has '3601'", 0},
    {INTEGER, "[1]", "f:1:1: p: wants an integer from 1 to 3600, has a list", 0},
    {INTEGER, "~", "f:1:1: p: wants an integer from 1 to 3600, has nothing", 0},
    {INTEGER, "\"1\\0\"", "f:1:1: p: wants an integer from 1 to 3600, has '1'", 0},
    {BOOLEAN, "true", NULL, 1},
    {BOOLEAN, "false", NULL, 0},
    {BOOLEAN, "yes", "f:1:1: p: wants true or false, has 'yes'", 0},
    {BOOLEAN, "'true'", "f:1:1: p: wants true or false, has 'true'", 0},
    {DURATION, "5s", NULL, 5000},
    {DURATION, "2h", "f:1:1: p: wants a duration from 10ms to 1h (such as 500ms, 5s, 2m), has '2h'",
     0},
    {BYTES, "64KiB", NULL, 65536},
    {BYTES, "{}", "f:1:1: p: wants a size from 512 to 1MiB (such as 64KiB, 16MiB), has a map", 0},
    {STRING, "true", NULL, 0},
    {STRING, "\"a\\0b\"", "f:1:1: p: wants a text without NUL characters, has 'a'", 0},
    {STRING, "[]", "f:1:1: p: wants a text, has a list", 0},
};

static bool read_value(enum reader reader, const struct yamldoc *doc, int64_t *value,
                       struct error_list *errors)
{
    const struct yamldoc_node *node = yamldoc_root(doc, 0);
    uint64_t amount = 0;
    const char *text;
    bool flag = false, taken = false;

    switch (reader) {
    case INTEGER:
        return yamldoc_integer(doc, node, "p", 1, 3600, value, errors);
    case BOOLEAN:
        taken = yamldoc_boolean(doc, node, "p", &flag, errors);
        *value = flag;
        return taken;
    case DURATION:
        taken = yamldoc_duration(doc, node, "p", 10, 3600000, &amount, errors);
        break;
    case BYTES:
        taken = yamldoc_bytes(doc, node, "p", 512, 1u << 20, &amount, errors);
        break;
    case STRING:
        return yamldoc_string(doc, node, "p", &text, errors);
    }
    *value = (int64_t)amount;
    return taken;
}

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
        struct error_list errors = {0};
        char text[256];
        int64_t value = 0;
        struct yamldoc *doc = yamldoc_parse("f", values[i].yaml, strlen(values[i].yaml), &errors);
        assert_non_null(doc);
        bool taken = read_value(values[i].reader, doc, &value, &errors);
        assert_int_equal(taken, values[i].complaint == NULL);
        if (taken)
            assert_int_equal(value, values[i].value);
        else
            assert_string_equal(error_format(&errors.items[0], text, sizeof text),
                                values[i].complaint);
        yamldoc_free(doc);
        error_clear(&errors);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_spans_behind_pairs),
        cmocka_unit_test(test_all_twins_are_told),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
