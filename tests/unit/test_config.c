/* Configuration: what the file, the environment and the flags may say, and what is said about
 * mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "build.h"
#include "config.h"
#include "configaddress.h"

static char folder[] = "/tmp/pldns-config-XXXXXX";

static char *write_file(const char *text)
{
    static char path[sizeof folder + 16];

    snprintf(path, sizeof path, "%s/pldns.yaml", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    return path;
}

/* All complaints, one a line, without the folder. */
static void join(const struct error_list *errors, char *out, size_t size)
{
    char line[2048];
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < errors->length; i++) {
        const char *at = error_format(&errors->items[i], line, sizeof line);
        if (strncmp(at, folder, strlen(folder)) == 0)
            at += strlen(folder) + 1;
        used += (size_t)snprintf(out + used, size - used, "%s\n", at);
    }
}

static struct config *read_text(const char *text, char *const *environment, char *said, size_t size)
{
    struct error_list errors = {0};
    struct config_flags flags = {.file = write_file(text)};
    struct config *config = config_read(&flags, environment, &errors);

    join(&errors, said, size);
    assert_int_equal(config == NULL, errors.errors > 0);
    error_clear(&errors);
    return config;
}

static const struct {
    const char *file, *variable, *said;
} mistakes[] = {
    {"zone: [a]\n", NULL, "pldns.yaml:1:7: zone: "},
    {"zone: use1_az1\n", NULL,
     "pldns.yaml:1:7: zone: wants a zone id such as use1-az1, has 'use1_az1'\n"},
    {"cahce: {size: 1MiB}\n", NULL,
     "pldns.yaml:1:1: cahce: unknown field; did you mean 'cache'?\n"},
    {"cache: {sise: 1MiB}\n", NULL,
     "pldns.yaml:1:9: cache.sise: unknown field; did you mean 'size'?\n"},
    {"attachments: {view: []}\n", NULL,
     "pldns.yaml:1:15: attachments.view: unknown field; did you mean 'views'?\n"},
    {"attachments: {etcd: {}}\n", NULL, "pldns.yaml:1:15: attachments.etcd: unknown field\n"},
    {"limits: {ratePerNetwork: 1}\n", NULL,
     "pldns.yaml:1:10: limits.ratePerNetwork: unknown field\n"},
    {"admin: {tokenFile: x}\n", NULL, "pldns.yaml:1:9: admin.tokenFile: unknown field\n"},
    {"cache: 5\n", NULL, "pldns.yaml:1:8: cache: wants a map\n"},
    {"listen: 127.0.0.1\n", NULL, "pldns.yaml:1:9: listen: wants a list, as in [a, b]\n"},
    {"listen: []\n", NULL, "pldns.yaml: listen: wants at least one address\n"},
    {"listen: [127.0.0.1, '127.0.0.1:53']\n", NULL,
     "pldns.yaml:1:21: listen[1]: '127.0.0.1:53' is there twice\n"},
    {"listen: ['127.0.0.1:0']\n", NULL,
     "pldns.yaml:1:10: listen[0]: '127.0.0.1:0': wants a port from 1 to 65535\n"},
    {"listen: [localhost]\n", NULL, "pldns.yaml:1:10: listen[0]: 'localhost': wants an IP address"},
    {"workers: 0\n", NULL,
     "pldns.yaml:1:10: workers: wants auto or an integer from 1 to 256, has '0'\n"},
    {"udpSize: 511\n", NULL,
     "pldns.yaml:1:10: udpSize: wants an integer from 512 to 4096, has '511'\n"},
    {"forward: {timeout: 2 s}\n", NULL,
     "pldns.yaml:1:20: forward.timeout: wants a duration such as 30s, from 100ms to 30s, has '2 "
     "s'\n"},
    {"cache: {size: 1TiB}\n", NULL,
     "pldns.yaml:1:15: cache.size: wants a size such as 16MiB, up to 64GiB, has '1TiB'\n"},
    {"cache: {prefetch: yes}\n", NULL,
     "pldns.yaml:1:19: cache.prefetch: wants true or false, has 'yes'\n"},
    {"cache: {minTtl: 2s, maxTtl: 1s}\n", NULL,
     "pldns.yaml: cache.minTtl: is longer than cache.maxTtl\n"},
    {"log: {level: loud}\n", NULL,
     "pldns.yaml:1:14: log.level: wants error, warning, info, debug, has 'loud'\n"},
    {"forward: {upstreams: ['tls://10.0.0.2#*.example']}\n", NULL,
     "pldns.yaml:1:23: forward.upstreams[0]: 'tls://10.0.0.2#*.example': wants behind '#' the name "
     "in the server's certificate, such as dns.example.com"},
    {"forward: {routes: [{suffix: a..b, upstreams: [10.0.0.1]}]}\n", NULL,
     "forward.routes[0].suffix: 'a..b': "},
    {"forward: {routes: [{suffix: '*.a', upstreams: [10.0.0.1]}]}\n", NULL,
     "forward.routes[0].suffix: '*.a': wants a suffix without '*.'\n"},
    {"forward: {routes: [{suffix: a, upstream: [10.0.0.1]}]}\n", NULL,
     "forward.routes[0].upstream: unknown field; did you mean 'upstreams'?\n"},
    {"fence: ['*.example.com']\n", NULL,
     "fence[0]: '*.example.com': wants a suffix without '*.'\n"},
    {"fence:\n- a\n- ~\n- null\n-\n- '~'\n", NULL,
     "pldns.yaml:3:3: fence[1]: wants a text, has nothing\n"
     "pldns.yaml:4:3: fence[2]: wants a text, has nothing\n"
     "pldns.yaml:5:2: fence[3]: wants a text, has nothing\n"},
    {"listen: [~]\n", NULL, "pldns.yaml:1:10: listen[0]: wants a text, has nothing\n"},
    {"forward: {routes: [{suffix: a, upstreams: [~]}]}\n", NULL,
     "forward.routes[0].upstreams: wants a text, has nothing\n"},
    {"attachments: {views: [{name: a, clients: [~], clusterIds: [null]}]}\n", NULL,
     "attachments.views[0].clients[0]: wants a text, has nothing\n"
     "pldns.yaml:1:60: attachments.views[0].clusterIds[0]: wants a text, has nothing\n"},
    {"searchSuffixes: [.]\n", NULL, "searchSuffixes[0]: '.': the root is no suffix\n"},
    {"clients: {allow: [10.0.0.0/40]}\n", NULL, "clients.allow[0]: '10.0.0.0/40': "},
    {"admin: {listen: ['0.0.0.0:8053']}\n", NULL, "wants a loopback address"},
    {"admin: {listen: ['127.0.0.1']}\n", NULL, "wants a port"},
    {"admin: {listen: ['unix:']}\n", NULL, "wants unix: and a path of at most 107 bytes"},
    {"a: b: c\n", NULL, "pldns.yaml:1:"},
    {"- a\n", NULL, "pldns.yaml:1:1: wants a map of keys"},
    {"zone: a\n---\nzone: b\n", NULL, "here begins a second one"},
    {"", "PLDNS_WORKERS=many",
     "PLDNS_WORKERS: wants auto or an integer from 1 to 256, has 'many'\n"},
    {"", "PLDNS_LISTEN=127.0.0.1:5300,x", "PLDNS_LISTEN: 'x': wants an IP address"},
    {"", "PLDNS_FENCE=a.example,~,null,~.example",
     "PLDNS_FENCE: wants a text, has nothing ('~')\n"
     "PLDNS_FENCE: wants a text, has nothing ('null')\n"},
    {"", "PLDNS_ATTACHMENTS_VIEWS=a=10.1.0.0/16,b=cluster:2,c=10.3.0.0/16,c=cluster:3",
     "PLDNS_ATTACHMENTS_VIEWS: view 'a' wants at least one cluster id\n"
     "PLDNS_ATTACHMENTS_VIEWS: view 'b' wants at least one network\n"},
    {"zone: '...'\nworkers: x\n", "PLDNS_DRAIN=x",
     "pldns.yaml:1:7: zone: wants a zone id such as use1-az1, has '...'\n"
     "pldns.yaml:2:10: workers: wants auto or an integer from 1 to 256, has 'x'\n"
     "PLDNS_DRAIN: wants a duration such as 30s, from 0s to 1m, has 'x'\n"},
};

static void every_mistake_is_named(void **state)
{
    char said[8192];

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(mistakes); i++) {
        char *environment[] = {(char *)(uintptr_t)mistakes[i].variable, NULL};
        struct config *config = read_text(mistakes[i].file, environment, said, sizeof said);
        if (config != NULL || strstr(said, mistakes[i].said) == NULL)
            fail_msg("%s%s: wants '%s', said '%s'", mistakes[i].file,
                     mistakes[i].variable != NULL ? mistakes[i].variable : "", mistakes[i].said,
                     said);
    }
}

static void defaults_hold(void **state)
{
    struct error_list errors = {0};
    struct config_flags flags = {0};
    struct config *c = config_read(&flags, NULL, &errors);
    char text[128];

    (void)state;
    assert_non_null(c);
    assert_int_equal(errors.length, 0);
    assert_int_equal(c->listen_length, 1);
    assert_string_equal(config_address_text(&c->listen[0].any, text, sizeof text), "127.0.0.1:53");
    assert_true(c->workers >= 1);
    assert_true(c->instance[0] != '\0');
    assert_string_equal(c->zone, "");
    assert_false(c->identity_hidden);
    assert_int_equal(c->udp_size, 1232);
    assert_string_equal(c->attachments.directory, PLDNS_SYSCONFDIR "/pldns/attachments.d");
    assert_string_equal(c->attachments.state, "/var/lib/pldns");
    assert_int_equal(c->attachments.detach_hold_ms, 60000);
    assert_int_equal(c->attachments.on_start_error, CONFIG_START_EXIT);
    assert_int_equal(c->forward.upstreams.length, 0);
    assert_string_equal(c->forward.resolv_conf, "/etc/resolv.conf");
    assert_int_equal(c->forward.timeout_ms, 2000);
    assert_int_equal(c->forward.letter_case, CONFIG_CASE_PLAIN);
    assert_int_equal(c->cache.bytes, 16 << 20);
    assert_int_equal(c->cache.max_ttl_ms, 86400000);
    assert_int_equal(c->cache.max_negative_ttl_ms, 300000);
    assert_int_equal(c->cache.serve_stale_ms, 86400000);
    assert_true(c->udp_segmentation);
    assert_true(c->cache.prefetch);
    assert_true(c->allow.length > 0);
    assert_true(c->diagnostics.length > 0);
    assert_int_equal(c->limits.tcp_connections, 1024);
    assert_int_equal(c->limits.tcp_per_client, 256);
    assert_int_equal(c->limits.tcp_idle_ms, 10000);
    assert_int_equal(c->limits.in_flight, 4096);
    assert_int_equal(c->admin_length, 1);
    assert_string_equal(config_address_text(&c->admin[0].any, text, sizeof text),
                        "unix:/run/pldns/admin.sock");
    assert_int_equal(c->log.level, LOG_LEVEL_INFO);
    assert_int_equal(c->log.queries, CONFIG_QUERIES_OFF);
    assert_int_equal(c->drain_ms, 1000);
    config_free(c);
}

static void file_environment_and_flags_in_rising_strength(void **state)
{
    static const char *const listen[] = {"[::1]:5301", "127.0.0.1:5301"};
    static const char *const upstreams[] = {"tcp://10.0.0.9"};
    char zone
        [] = "PLDNS_ZONE=USE1-az2",
    stale[] = "PLDNS_CACHE_SERVE_STALE=0",
    route[] =
        "PLDNS_FORWARD_ROUTES=cluster.local=10.96.0.10, example=10.0.0.1,cluster.local=10.96.0.11",
    foreign[] = "PLDNS_PORT_53_UDP=udp://10.0.0.1:53", other[] = "ZONE=x";
    char *environment[] = {zone, stale, route, foreign, other, NULL};
    struct error_list errors = {0};
    struct config_flags flags = {
        .file = write_file(
            "zone: use1-az1\nlisten: [127.0.0.2]\nworkers: 3\n"
            "cache: {serveStale: 1h, size: 1GiB}\nforward:\n  upstreams: [10.0.0.1]\n"
            "  routes:\n  - {suffix: a.b, upstreams: ['10.0.0.5:5353', 'tcp://[fd00::1]:54']}\n"
            "instance: null\nidentity: hidden\nfence: [a.example, b.example]\n"),
        .listen = listen,
        .listen_length = 2,
        .attachments = "/some/where",
        .upstreams = upstreams,
        .upstreams_length = 1};
    struct config *c = config_read(&flags, environment, &errors);
    char text[128];

    (void)state;
    assert_non_null(c);
    assert_int_equal(errors.length, 0);
    assert_string_equal(c->zone, "use1-az2");
    assert_int_equal(c->cache.serve_stale_ms, 0);
    assert_int_equal(c->cache.bytes, 1 << 30);
    assert_int_equal(c->workers, 3);
    assert_int_equal(c->listen_length, 2);
    assert_string_equal(config_address_text(&c->listen[0].any, text, sizeof text), "[::1]:5301");
    assert_string_equal(c->attachments.directory, "/some/where");
    assert_int_equal(c->forward.upstreams.length, 1);
    assert_int_equal(c->forward.upstreams.items[0].transport, CONFIG_TCP);
    assert_string_equal(
        config_address_text(&c->forward.upstreams.items[0].address.any, text, sizeof text),
        "10.0.0.9:53");
    assert_int_equal(c->forward.routes_length, 2); /* the environment's, not the file's */
    assert_int_equal(c->forward.routes[0].upstreams.length, 2);
    assert_true(c->identity_hidden);
    assert_int_equal(c->fence.length, 2);
    config_free(c);
}

static void routes_of_the_file(void **state)
{
    char said[4096], text[128];
    struct config *c =
        read_text("forward:\n  routes:\n"
                  "  - {suffix: a.b, upstreams: ['10.0.0.5:5353', 'tcp://[fd00::1]:54']}\n"
                  "  - {suffix: c, upstreams: [10.0.0.6]}\n",
                  NULL, said, sizeof said);

    (void)state;
    assert_non_null(c);
    assert_int_equal(c->forward.routes_length, 2);
    const struct config_upstreams *list = &c->forward.routes[0].upstreams;
    assert_int_equal(list->length, 2);
    assert_string_equal(config_address_text(&list->items[1].address.any, text, sizeof text),
                        "[fd00::1]:54");
    assert_int_equal(list->items[1].transport, CONFIG_TCP);
    config_free(c);
}

static void unknown_variables_are_warned_about(void **state)
{
    char variable[] = "PLDNS_WORKER=2", said[4096];
    char *environment[] = {variable, NULL};
    struct config *c = read_text("", environment, said, sizeof said);

    (void)state;
    assert_non_null(c);
    assert_string_equal(
        said, "PLDNS_WORKER: warning: no such setting, ignored; did you mean PLDNS_WORKERS?\n");
    config_free(c);
}

static void wrong_flags_are_named(void **state)
{
    static const char *const listen[] = {"nowhere"};
    struct error_list errors = {0};
    struct config_flags flags = {
        .file = "/nonexistent/pldns.yaml", .listen = listen, .listen_length = 1};
    char said[4096];

    (void)state;
    assert_null(config_read(&flags, NULL, &errors));
    join(&errors, said, sizeof said);
    assert_non_null(
        strstr(said, "/nonexistent/pldns.yaml: cannot be read: No such file or directory\n"));
    assert_non_null(strstr(said, "--listen: 'nowhere': wants an IP address"));
    error_clear(&errors);
}

static const struct {
    const char *text, *address; /* NULL: refused */
    enum config_transport transport;
} upstreams[] = {
    {"10.0.0.2", "10.0.0.2:53", CONFIG_UDP},
    {"10.0.0.2:5353", "10.0.0.2:5353", CONFIG_UDP},
    {"udp://10.0.0.2", "10.0.0.2:53", CONFIG_UDP},
    {"tcp://10.0.0.2", "10.0.0.2:53", CONFIG_TCP},
    {"[fd00::2]:54", "[fd00::2]:54", CONFIG_UDP},
    {"[fd00::2]", "[fd00::2]:53", CONFIG_UDP},
    {"fd00::2", "[fd00::2]:53", CONFIG_UDP},
    {"fe80::1%lo", "[fe80::1]:53", CONFIG_UDP},
    {"fe80::1%nosuchdevice", NULL, 0},
    {"[10.0.0.2]:53", NULL, 0},
    {"10.0.0.2:", NULL, 0},
    {"10.0.0.2:65536", NULL, 0},
    {"10.0.0.2:5x", NULL, 0},
    {"[fd00::2", NULL, 0},
    {"[fd00::2]x", NULL, 0},
    {"dns.example", NULL, 0},
    {"https://10.0.0.2", NULL, 0},
    {"tls://10.0.0.2", "10.0.0.2:853", CONFIG_TLS},
    {"tls://10.0.0.2:8853#dns.example", "10.0.0.2:8853", CONFIG_TLS},
    {"tls://[fd00::2]#dns.example", "[fd00::2]:853", CONFIG_TLS},
    {"tls://10.0.0.2#", NULL, 0},
    {"tls://10.0.0.2#a..b", NULL, 0},
    {"tls://dns.example", NULL, 0},
    {"10.0.0.2#dns.example", NULL, 0},
    {"", NULL, 0},
    {"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
     NULL, 0},
};

static void upstreams_as_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(upstreams); i++) {
        struct config_upstream upstream;
        const char *why = NULL;
        char text[128];
        bool ok = configaddress_upstream(upstreams[i].text, &upstream, &why);
        if (ok != (upstreams[i].address != NULL))
            fail_msg("%s", upstreams[i].text);
        if (!ok) {
            assert_non_null(why);
            continue;
        }
        config_address_text(&upstream.address.any, text, sizeof text);
        assert_string_equal(text, upstreams[i].address);
        assert_int_equal(upstream.transport, upstreams[i].transport);
        assert_string_equal(upstream.text, upstreams[i].text);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_is_named),
        cmocka_unit_test(defaults_hold),
        cmocka_unit_test(file_environment_and_flags_in_rising_strength),
        cmocka_unit_test(routes_of_the_file),
        cmocka_unit_test(unknown_variables_are_warned_about),
        cmocka_unit_test(wrong_flags_are_named),
        cmocka_unit_test(upstreams_as_written),
    };

    if (mkdtemp(folder) == NULL)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char path[sizeof folder + 16];
    snprintf(path, sizeof path, "%s/pldns.yaml", folder);
    unlink(path);
    rmdir(folder);
    return failed;
}
