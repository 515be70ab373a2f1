/* Changes to a document's text: what is meant changes, the rest stays as it was written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "edit.h"

enum what { APPEND, MERGE, REMOVE, ROOT };

/* APPEND and MERGE take a value as JSON; REMOVE the number of an item; ROOT that of a document. */
static const struct {
    enum what what;
    const char *key, *value;
    unsigned number;
    const char *before, *after;
} cases[] = {
    /* blocks */
    {APPEND, "a", "\"w\"", 0, "# top\na:\n  - x  # first\n\n# end\nb: 1\n",
     "# top\na:\n  - x  # first\n  - w\n\n# end\nb: 1\n"},
    {APPEND, "a", "{\"t\": \"C\", \"m\": [\"*.x\"]}", 0, "a:\n- t: B\n  n: c\nb: 1\n",
     "a:\n- t: B\n  n: c\n- t: C\n  m: [\"*.x\"]\nb: 1\n"},
    {APPEND, "a", "{\"d\": [{\"m\": \"q\"}, {\"m\": \"r\"}]}", 0, "a:\n  - d: 1",
     "a:\n  - d: 1\n  - d:\n      - m: q\n      - m: r\n"},
    {APPEND, "a", "{\"t\": \"C\"}", 0, "b: 1\n# end\n", "b: 1\na:\n  - t: C\n# end\n"},
    {APPEND, "a", "{\"t\": \"C\"}", 0, "b: 1", "b: 1\na:\n  - t: C\n"},
    {APPEND, "a", "{\"t\": \"C\"}", 0, "a: [] # none\nb: 1\n", "a: # none\n  - t: C\nb: 1\n"},
    {APPEND, "a", "{\"t\": \"C\"}", 0, "a:\nb: 1\n", "a:\n  - t: C\nb: 1\n"},
    {APPEND, "a", "{\"t\": \"C\"}", 0, "a: null\n", "a:\n  - t: C\n"},
    {APPEND, "a", "{\"t\": \"C\"}", 0, "b: |\n  long\n\n  text\na:\n  - >\n    x\n",
     "b: |\n  long\n\n  text\na:\n  - >\n    x\n  - t: C\n"},
    {APPEND, "a", "\"z\"", 0, "a:\n  - \"ü — x\"\nb: 'é'\n", "a:\n  - \"ü — x\"\n  - z\nb: 'é'\n"},
    {REMOVE, "a", NULL, 0, "a:\n  - x\n  - y\n", "a:\n  - y\n"},
    {REMOVE, "a", NULL, 1, "a:\n  - x\n  # of y\n  - y  # gone\n  - z\nb: 1\n",
     "a:\n  - x\n  # of y\n  - z\nb: 1\n"},
    {REMOVE, "a", NULL, 0, "a: # them\n  - t: x\n    u: y\n  # end\nb: 1\n",
     "a: [] # them\n  # end\nb: 1\n"},
    {REMOVE, "a", NULL, 1, "a:\n  -\n    t: x\n  -\n    t: y\n", "a:\n  -\n    t: x\n"},
    {REMOVE, "a", NULL, 0, "a:\n- x\nb: 1\n", "a: []\nb: 1\n"},
    {MERGE, NULL, "{\"a\": 2, \"c\": \"x y\"}", 0, "a: 1 # one\nb: {}\n",
     "a: 2 # one\nb: {}\nc: \"x y\"\n"},
    {MERGE, NULL, "{\"a\": null, \"b\": [1, 2]}", 0, "a:\n  x: 1\nb: [1]\n", "b: [1, 2]\n"},
    {MERGE, NULL, "{\"a\": {\"w\": [\"2\"]}}", 0, "a:\n  x: 1\nb: 1\n", "a:\n  w: [\"2\"]\nb: 1\n"},
    {MERGE, NULL, "{\"a\": \"\"}", 0, "a: |\n  x\n  y\nb: 1\n", "a: \"\"\nb: 1\n"},
    {MERGE, NULL, "{\"a\": {\"w\": 1}}", 0, "a: x\nb: 1\n", "a:\n  w: 1\nb: 1\n"},
    {APPEND, "a", "{\"t\": \"C\"}", 0,
     "\xef\xbb\xbf"
     "a:\n  - x\nb: 1\n",
     "\xef\xbb\xbf"
     "a:\n  - x\n  - t: C\nb: 1\n"},
    {MERGE, NULL, "{\"a\": null}", 0,
     "\xef\xbb\xbf"
     "a: 1\nb: 1\n",
     "\xef\xbb\xbf"
     "b: 1\n"},
    {ROOT, NULL, NULL, 0,
     "\xef\xbb\xbf"
     "a: 1\n---\nb: 2\n",
     "\xef\xbb\xbf"
     "---\nb: 2\n"},
    {APPEND, "a", "1", 0, "\xef\xbb\xbf{\n\"b\": 1\n}\n",
     "\xef\xbb\xbf{\n\"b\": 1,\n\"a\": [\n  1\n]\n}\n"},
    /* lines that end in CR and LF, as the first one tells */
    {APPEND, "a", "{\"t\": \"C\", \"m\": [\"*.x\"]}", 0, "a:\r\n- t: B\r\n  n: c\r\nb: 1\r\n",
     "a:\r\n- t: B\r\n  n: c\r\n- t: C\r\n  m: [\"*.x\"]\r\nb: 1\r\n"},
    {APPEND, "a", "\"w\"", 0, "b: 1\r\na:\r\n  - x", "b: 1\r\na:\r\n  - x\r\n  - w\r\n"},
    {APPEND, "a", "{\"t\": \"C\"}", 0, "a: [] # none\r\nb: 1\r\n",
     "a: # none\r\n  - t: C\r\nb: 1\r\n"},
    {APPEND, "a", "\"w\"", 0, "# one\na:\r\n  - x\r\n", "# one\na:\r\n  - x\r\n  - w\n"},
    {REMOVE, "a", NULL, 1, "a:\r\n  - x\r\n  # of y\r\n  - y  # gone\r\n  - z\r\nb: 1\r\n",
     "a:\r\n  - x\r\n  # of y\r\n  - z\r\nb: 1\r\n"},
    {REMOVE, "a", NULL, 0, "a: # them\r\n  - t: x\r\n    u: y\r\nb: 1\r\n",
     "a: [] # them\r\nb: 1\r\n"},
    {MERGE, NULL, "{\"a\": \"\"}", 0, "a: |\r\n  x\r\n  y\r\nb: 1\r\n", "a: \"\"\r\nb: 1\r\n"},
    {MERGE, NULL, "{\"a\": {\"w\": 1}}", 0, "a: x\r\nb: 1\r\n", "a:\r\n  w: 1\r\nb: 1\r\n"},
    {MERGE, NULL, "{\"b\": null, \"c\": 2}", 0, "a: 1\r\nb: 1\r\n", "a: 1\r\nc: 2\r\n"},
    {APPEND, "a", "{\"t\": \"C\"}", 0, "{\r\n \"b\": 1,\r\n \"a\": []\r\n}\r\n",
     "{\r\n \"b\": 1,\r\n \"a\": [\r\n   {\r\n     \"t\": \"C\"\r\n   }\r\n ]\r\n}\r\n"},
    {APPEND, "a", "{\"t\": \"C\"}", 0, "a: [\r\n  {t: B},  # one\r\n]\r\n",
     "a: [\r\n  {t: B},  # one\r\n  {t: C},\r\n]\r\n"},
    {REMOVE, "a", NULL, 1, "a: [\r\n  x, # one\r\n  y # two\r\n]\r\n",
     "a: [\r\n  x # one\r\n]\r\n"},
    /* in brackets */
    {APPEND, "a", "{\"t\": \"C\"}", 0, "a: [x, {t: B}]  # two\n",
     "a: [x, {t: B}, {t: C}]  # two\n"},
    {APPEND, "a", "{\"t\": \"C\"}", 0, "a: [\n  {t: B},  # one\n]\n",
     "a: [\n  {t: B},  # one\n  {t: C},\n]\n"},
    {APPEND, "a", "1", 0, "{b: 1, a: []}\n", "{b: 1, a: [1]}\n"},
    {APPEND, "a", "1", 0, "{}", "{\"a\": [1]}"},
    {REMOVE, "a", NULL, 0, "a: [x, y, z]\n", "a: [y, z]\n"},
    {REMOVE, "a", NULL, 2, "a: [x, y, z]\n", "a: [x, y]\n"},
    {REMOVE, "a", NULL, 0, "a: [{t: x}]  # them\n", "a: []  # them\n"},
    {MERGE, NULL, "{\"b\": null, \"c\": true}", 0, "{a: 1, b: 2}", "{a: 1, \"c\": true}"},
    /* in brackets, with comments */
    {APPEND, "a", "1", 0, "a: [\n  x # one\n  # end\n]\n", "a: [\n  x, # one\n  1\n  # end\n]\n"},
    {APPEND, "a", "1", 0, "a: [\n  x # one\n  ,\n]\n", "a: [\n  x # one\n  ,\n  1\n]\n"},
    {APPEND, "a", "1", 0, "a: [x, # one\n  y, z # all\n]\n", "a: [x, # one\n  y, z, 1 # all\n]\n"},
    {REMOVE, "a", NULL, 0, "a: [ # list\n  x, # one\n  y, # two\n  # above\n  z  # three\n]\n",
     "a: [ # list\n  y, # two\n  # above\n  z  # three\n]\n"},
    {REMOVE, "a", NULL, 1, "a: [ # list\n  x, # one\n  y, # two\n  # above\n  z  # three\n]\n",
     "a: [ # list\n  x, # one\n  # above\n  z  # three\n]\n"},
    {REMOVE, "a", NULL, 2, "a: [ # list\n  x, # one\n  y, # two\n  # above\n  z  # three\n]\n",
     "a: [ # list\n  x, # one\n  y # two\n  # above\n]\n"},
    {REMOVE, "a", NULL, 1, "a: [\n  x, # one\n  y, # two\n]\n", "a: [\n  x, # one\n]\n"},
    {REMOVE, "a", NULL, 1, "a: [\n  x, # one\n  y ]  # them\n", "a: [\n  x # one\n  ]  # them\n"},
    {REMOVE, "a", NULL, 0, "a: [x, # one\n  y] # them\n", "a: [\n  y] # them\n"},
    {REMOVE, "a", NULL, 1, "a: [x, # one\n  y, z, # two\n  w]\n",
     "a: [x, # one\n  z, # two\n  w]\n"},
    {REMOVE, "a", NULL, 2, "a: [x, # one\n  y, z, # two\n  w]\n",
     "a: [x, # one\n  y, # two\n  w]\n"},
    {REMOVE, "a", NULL, 0, "a: [\n    x # one\n  , y # two\n  , z # three\n  ,\n]\n",
     "a: [\n    y # two\n  , z # three\n  ,\n]\n"},
    {REMOVE, "a", NULL, 1, "a: [\n    x # one\n  , y # two\n  , z # three\n  ,\n]\n",
     "a: [\n    x # one\n  , z # three\n  ,\n]\n"},
    {REMOVE, "a", NULL, 2, "a: [\n    x # one\n  , y # two\n  , z # three\n  ,\n]\n",
     "a: [\n    x # one\n  , y # two\n  ,\n]\n"},
    {REMOVE, "a", NULL, 1, "a: [\n    x # one\n  , y, # two\n  z\n]\n",
     "a: [\n    x, # one\n  z\n]\n"},
    {REMOVE, "a", NULL, 1, "a: [\n  x, # one\n  {\n    y: 1 # inner\n  } # two\n  ,z\n]\n",
     "a: [\n  x, # one\n  z\n]\n"},
    {REMOVE, "a", NULL, 0, "a: [\n  x # one, two\n  , y\n]\n", "a: [\n    y\n]\n"},
    {REMOVE, "a", NULL, 1, "a: [\n  x # one, two\n  , y # a, b\n]\n", "a: [\n  x # one, two\n]\n"},
    {MERGE, NULL, "{\"b\": null, \"c\": 1}", 0, "{a: 1, # one\n b: 2 # two\n}\n",
     "{a: 1 # one\n,\n \"c\": 1}\n"},
    {MERGE, NULL, "{\"c\": 1, \"d\": 2}", 0, "{a: 1, # one\n b: 2, # two\n}\n",
     "{a: 1, # one\n b: 2, # two\n \"c\": 1,\n \"d\": 2,\n}\n"},
    {MERGE, NULL, "{\"c\": 1, \"d\": 2}", 0, "{a: 1, # one\n b: 2 # two\n}\n",
     "{a: 1, # one\n b: 2, # two\n \"c\": 1,\n \"d\": 2\n}\n"},
    /* JSON */
    {APPEND, "a", "{\"t\": \"C\"}", 0, "{\n  \"a\": [\n    {\n      \"t\": \"B\"\n    }\n  ]\n}\n",
     "{\n  \"a\": [\n    {\n      \"t\": \"B\"\n    },\n    {\n      \"t\": \"C\"\n    }\n  "
     "]\n}\n"},
    {APPEND, "a", "{\"t\": \"C\"}", 0, "{\n \"b\": 1,\n \"a\": []\n}\n",
     "{\n \"b\": 1,\n \"a\": [\n   {\n     \"t\": \"C\"\n   }\n ]\n}\n"},
    {APPEND, "a", "{\"t\": \"C\"}", 0, "{\"a\":[{\"t\":\"B\"}],\"b\":1}",
     "{\"a\":[{\"t\":\"B\"}, {\"t\": \"C\"}],\"b\":1}"},
    {APPEND, "a", "1", 0, "{\n\t\"b\": 1\n}\n", "{\n\t\"b\": 1,\n\t\"a\": [\n\t  1\n\t]\n}\n"},
    {APPEND, "a", "1", 0, "{\"n\": \"\\ud83d\\ude00\", \"a\": [0]}",
     "{\"n\": \"\\ud83d\\ude00\", \"a\": [0, 1]}"},
    {MERGE, NULL, "{\"n\": \"\\ud83d\\ude00\"}", 0, "{\"n\": \"\\ud83d\\ude00.\", \"a\": [0]}",
     "{\"n\": \"😀\", \"a\": [0]}"},
    {REMOVE, "a", NULL, 0, "{\"a\": [\n {\"t\": 1}\n]}", "{\"a\": []}"},
    {MERGE, NULL, "{\"c\": \"\\u0001\\u2028\\\\\"}", 0, "{\"b\": 1}",
     "{\"b\": 1, \"c\": \"\\u0001\\u2028\\\\\"}"},
    /* several documents in one file */
    {ROOT, NULL, NULL, 1, "a: 1\n---\nb: 2\n---\nc: 3\n", "a: 1\n---\n---\nc: 3\n"},
    {ROOT, NULL, NULL, 0, "# x\na: 1\n---\nb: 2\n", "# x\n---\nb: 2\n"},
};

static char *changed(size_t i, size_t *size)
{
    struct error_list errors = {0};
    const char *json = cases[i].value != NULL ? cases[i].value : "0";
    struct yamldoc *value = yamldoc_parse("value", json, strlen(json), &errors);
    struct edit *edit = edit_open("x", cases[i].before, strlen(cases[i].before), &errors);

    assert_non_null(value);
    assert_non_null(edit);
    struct yamldoc_node *root =
        yamldoc_root(edit_tree(edit), cases[i].what == ROOT ? cases[i].number : 0);
    struct yamldoc_node *list = cases[i].what == REMOVE ? yamldoc_get(root, cases[i].key) : NULL;
    struct yamldoc_node *item = list != NULL ? list->child : NULL;
    for (unsigned n = 0; item != NULL && n < cases[i].number; n++)
        item = item->next;
    switch (cases[i].what) {
    case APPEND:
        edit_append(edit, root, cases[i].key, yamldoc_root(value, 0));
        break;
    case MERGE:
        edit_merge(edit, root, yamldoc_root(value, 0));
        break;
    case REMOVE:
        edit_remove(edit, root, list, item);
        break;
    case ROOT:
        edit_remove_root(edit, root);
        break;
    }
    char *text = edit_finish(edit, size);
    edit_free(edit);
    yamldoc_free(value);
    error_clear(&errors);
    return text;
}

static void test_cases(void **state)
{
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t size;
        char *text = changed(i, &size);
        if (size != strlen(cases[i].after) || strcmp(text, cases[i].after) != 0) {
            print_error("row %zu, from:\n%s\ngot:\n%s\nwants:\n%s\n", i, cases[i].before, text,
                        cases[i].after);
            wrong++;
        }
        free(text);
    }
    assert_int_equal(wrong, 0);
}

static void test_what_does_not_parse(void **state)
{
    struct error_list errors = {0};

    (void)state;
    assert_null(edit_open("x", "a: [", 4, &errors));
    assert_true(errors.errors > 0);
    error_clear(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases),
                                       cmocka_unit_test(test_what_does_not_parse)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
