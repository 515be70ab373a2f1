/* Documents made to cost time or memory: each ends, and asks for no more memory than a few times
 * its own size.
 *
 * Each is parsed in a process of its own, whose address space and processor time are limited: what
 * grows with the square of the input's size runs into a limit, however fast the machine is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "document.h"

#define SIZE (3u << 19)

/* "{}," of three octets makes a node, a connection and its complaints. */
#define TIMES   160
#define SPARE   (64u << 20)
#define SECONDS 5 /* linear work takes a second, three under sanitizers; square work, far more */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

/* head, then 'again' until the size is reached ("%u" in it is a number that counts), then tail. */
static const struct {
    const char *what, *head, *again, *tail;
    bool taken; /* a good document, after all */
} rows[] = {
    {"deep lists", "", "[", "", false},
    {"deep maps", "", "{", "", false},
    {"deep maps with keys", "", "{a: ", "", false},
    {"deep block lists", "", "- ", "x", false},
    {"deep keys", "", "? ", "x", false},
    {"closed too often", "[", "]", "", false},
    {"a huge plain scalar", "privateLinkConnectionId: p\nmessage: ", "x y ", "\n", false},
    {"a huge plain scalar of lines", "privateLinkConnectionId: p\nmessage: ", "x\n ", "\n", false},
    {"a huge quoted scalar", "privateLinkConnectionId: p\nmessage: \"", "\\u00e4", "\"", false},
    {"a huge literal", "privateLinkConnectionId: p\nmessage: |\n", " x\n", "", false},
    {"a huge folded scalar", "privateLinkConnectionId: p\nmessage: >\n", " x\n\n", "", false},
    {"an endless quote", "privateLinkConnectionId: \"", "x", "", false},
    {"a good document with a huge message",
     "type: VPC_RESOURCE\nprivateLinkConnectionId: p\nmessage: '", "x ", "'\n", true},
    {"connections with nothing but a ttl", "privateLinkConnections: [", "{ttl: 9},", "]\n", false},
    {"connections with an unknown field", "privateLinkConnections: [", "{x: 1},", "]\n", false},
    {"connections with a wrong ttl", "privateLinkConnections: [", "{ttl: x},", "]\n", false},
    {"connections with a health check", "privateLinkConnections: [",
     "{healthCheck: {port: 1, interval: 5s}},", "]\n", false},
    {"a huge comment", "", "# x\n", "", false},
    {"a huge key", "", "k", ": 1\n", false},
    {"a huge quoted key", "? \"", "k", "\"\n: 1\n", false},
    {"anchors", "", "k%u: &a%u 1\n", "", false},
    {"aliases", "a: &a [1]\nb: [", "*a,", "]\n", false},
    {"tags", "[", "!!str x,", "]", false},
    {"long tags", "a: !<", "x", "> 1\n", false},
    {"tag directives", "", "%%TAG !%u! x\n", "---\na: 1\n", false},
    {"tag directives behind carriage returns", "", "%%TAG !%u! x\r", "---\ra: 1\r", false},
    {"version directives", "", "%%YAML 1.1\n", "---\na: 1\n", false},
    {"other directives", "", "%%FOO x\n", "---\na: 1\n", false},
    {"merge keys", "", "<<: {a: 1}\n", "", false},
    {"a wide map", "", "uniqueNam%u: 1\n", "", false},
    {"a wide map of one key", "", "type: 1\n", "", false},
    {"a wide map of long keys", "", "privateLinkConnectionIdprivateLinkConnectionId%u: 1\n", "",
     false},
    {"empty documents", "", "---\n", "", false},
    {"many documents", "", "---\na: 1\n", "", false},
    {"many lists", "", "---\nprivateLinkConnections: []\n", "", true},
    {"empty connections", "privateLinkConnections: [", "{},", "]", false},
    {"connections that are none", "privateLinkConnections: [", "1,", "]", false},
    {"connections of one id", "privateLinkConnections:\n",
     "- {privateLinkConnectionId: p, type: VPC_RESOURCE, attachedDomains: []}\n", "", false},
    {"many connections", "privateLinkConnections:\n",
     "- {privateLinkConnectionId: p%u, type: VPC_RESOURCE, attachedDomains: []}\n", "", true},
    {"many untold connections", "privateLinkConnections:\n",
     "- {privateLinkConnectionId: p%u, type: VPC_RESOURCE}\n", "", true},
    {"endpoints", "privateLinkConnectionId: p\ntype: VPC_RESOURCE\nendpoints: [", "{},", "]",
     false},
    {"addresses", "privateLinkConnectionId: p\ntype: VPC_RESOURCE\nendpoints: [{addresses: [", "x,",
     "]}]", false},
    {"service zones that are lists",
     "privateLinkConnectionId: p\ntype: VPC_RESOURCE\nawsEndpointService: {availabilityZoneIds: [",
     "[],", "]}", false},
    {"service zones that have no endpoint",
     "privateLinkConnectionId: p\ntype: VPC_RESOURCE\nendpoints: [{zone: use1-az1}]\n"
     "awsEndpointService: {availabilityZoneIds: [",
     "z%u,", "]}", true},
    {"domains that are maps of nothing",
     "privateLinkConnectionId: p\ntype: VPC_RESOURCE\nattachedDomains: [", "{},", "]", false},
    {"domains of one name", "privateLinkConnectionId: p\ntype: VPC_RESOURCE\nattachedDomains:\n",
     "- {type: CONFLUENT, uniqueName: n.r}\n", "", false},
    {"domains of many names", "privateLinkConnectionId: p\ntype: VPC_RESOURCE\nattachedDomains:\n",
     "- {type: CONFLUENT, uniqueName: n%u.r}\n", "", true},
    {"names that are lists",
     "privateLinkConnectionId: p\ntype: VPC_RESOURCE\nattachedDomains: [{type: CUSTOM, domains: [",
     "[],", "]}]", false},
    {"names that are long and bad",
     "privateLinkConnectionId: p\ntype: VPC_RESOURCE\nattachedDomains: [{type: CUSTOM, domains: [",
     "{name: a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.-.%%},", "]}]", false},
    {"names of many labels",
     "privateLinkConnectionId: p\ntype: VPC_RESOURCE\nattachedDomains: [{type: CUSTOM, domains: [",
     "{name: a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.x%u},", "]}]", true},
    {"names with unknown states",
     "privateLinkConnectionId: p\ntype: VPC_RESOURCE\nattachedDomains: [{type: CUSTOM, domains: [",
     "{name: a.n%u.x, state: odd},", "]}]", true},
    {"hosts below a wildcard",
     "privateLinkConnectionId: p\ntype: VPC_RESOURCE\nattachedDomains: [{type: CUSTOM, domains: "
     "[{name: '*.a.b.c'},",
     "{name: n%u.a.b.c},", "]}]", true},
    {"octets of nothing", "", "\x01", "", false},
    {"no UTF-8", "", "\xff", "", false},
    {"marks of byte order", "", "\xef\xbb\xbf", "a: 1\n", false},
    {"carriage returns", "", "\r", "a: 1", false},
    {"separators of lines", "a: ", "\xe2\x80\xa8 ", "1", false},
};

static char *make(size_t i, size_t *size)
{
    char *bytes = malloc(SIZE + 1024), *at = bytes, *end = bytes + SIZE;

    at += sprintf(at, "%s", rows[i].head);
    for (unsigned n = 0; at < end; n++)
    /* The format is a row's own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        at += sprintf(at, rows[i].again, n, n);
#pragma GCC diagnostic pop
    at += sprintf(at, "%s", rows[i].tail);
    *size = (size_t)(at - bytes);
    return bytes;
}

static void limit(int what, rlim_t most)
{
    struct rlimit limits = {most, most};

    setrlimit(what, &limits);
}

#ifndef SANITIZED /* sanitizers take all the addresses there are */
/* What the process takes already. */
static size_t taken(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file == NULL || fscanf(file, "%lu", &pages) != 1)
        pages = 1ul << 20;
    if (file != NULL)
        fclose(file);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}
#endif

enum { REFUSED = 10, TAKEN = 11, SILENT = 12 };

static int parse(const char *bytes, size_t size)
{
    struct error_list errors = {0};
    struct document *document = document_parse("f", bytes, size, &errors);
    int status = document != NULL ? TAKEN : errors.errors > 0 ? REFUSED : SILENT;

    if (errors.length > ERROR_LIST_MAX)
        status = SILENT;
    document_release(document);
    error_clear(&errors);
    return status;
}

static void test_hostile_documents(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t size;
        int status;
        char *bytes = make(i, &size);
        pid_t child = fork();
        if (child == 0) {
#ifndef SANITIZED
            limit(RLIMIT_AS, taken() + TIMES * size + SPARE);
#endif
            limit(RLIMIT_CPU, SECONDS);
            limit(RLIMIT_CORE, 0);
            _exit(parse(bytes, size));
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        free(bytes);
        if (WIFSIGNALED(status))
            fail_msg("%s: ended by signal %d", rows[i].what, WTERMSIG(status));
        if (WEXITSTATUS(status) != (rows[i].taken ? TAKEN : REFUSED))
            fail_msg("%s: status %d", rows[i].what, WEXITSTATUS(status));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hostile_documents)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
