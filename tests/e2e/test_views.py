"""Views: clients by network see the connections of their own clusters, and nothing of others'.  All of 127.0.0.0/8 is
ours to ask from, so each view is a network of it."""
import json
import shutil
import subprocess

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest
from conftest import PLDNSCTL, SLACK, custom, document, eventually, managed

A, B, C, NONE = "127.1.0.1", "127.2.0.1", "127.2.9.1", "127.0.0.1"
CONFLUENT = "lkc-1.domnprzqrog.us-east-1.aws.confluent.cloud"
VIEWS = [
    {"name": "a", "clients": ["127.1.0.0/16"], "clusterIds": ["1081"]},
    {"name": "b", "clients": ["127.2.0.0/16"], "clusterIds": ["1082"]},
    {"name": "c", "clients": ["127.2.9.0/24"], "clusterIds": ["1083", "1081"]},     # inside b's: the longer prefix wins
]


def confluent(n, cluster, address):
    return document(n, [address], clusterId=cluster,
                    attachedDomains=[{"type": "CONFLUENT", "uniqueName": "domnprzqrog.us-east-1"}])


def query(daemon, client, name, kind="A", tcp=False, rdclass="IN"):
    question = dns.message.make_query(name, kind, rdclass=rdclass, use_edns=0)
    ask = dns.query.tcp if tcp else dns.query.udp
    return ask(question, "127.0.0.1", port=daemon.port, source=client, timeout=5 * SLACK)


def ask(daemon, client, name, kind="A", **options):
    reply = query(daemon, client, name, kind, **options)
    found = sorted(item.to_text() for rrset in reply.answer for item in rrset if rrset.rdtype == reply.question[0].rdtype)
    return found or dns.rcode.to_text(reply.rcode())


def chaos(daemon, client, name):
    reply = query(daemon, client, name, "TXT", rdclass="CH")
    return b"".join(part for rrset in reply.answer for item in rrset for part in item.strings).decode()


def shape(reply):
    """A reply but for its id and question."""
    return "\n".join(line for line in reply.to_text().splitlines() if not line.startswith("id "))


def explain(daemon, name, client=""):
    return daemon.admin("/api/explain?name=%s%s" % (name, "&client=" + client if client else "")).json


@pytest.fixture(name="divided")
def fixture_divided(daemon, upstream):
    daemon.set("workers", 1)    # so one cache
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("attachments.views", VIEWS)
    daemon.set("diagnostics.clients", ["loopback"])
    daemon.write("a.yaml", confluent(1, "1081", "10.0.0.1"))
    daemon.write("b.yaml", confluent(2, "1082", "10.0.0.2"))
    daemon.write("n.yaml", document(3, ["10.0.0.3"]))
    return daemon.start()


def test_one_name_has_other_addresses_in_other_views(divided, upstream):
    for tcp in (False, True):
        assert ask(divided, A, CONFLUENT, tcp=tcp) == ["10.0.0.1"]
        assert ask(divided, B, CONFLUENT, tcp=tcp) == ["10.0.0.2"]
        assert ask(divided, C, CONFLUENT, tcp=tcp) == ["10.0.0.1"]
        assert ask(divided, NONE, managed(3), tcp=tcp) == ["10.0.0.3"]
    assert upstream.asked == []
    assert divided.counter("leaks_stopped") == 0


def test_a_foreign_name_is_like_a_name_of_nobody(divided, upstream):
    upstream.answers = {CONFLUENT: ["192.0.2.1"], managed(3): dns.rcode.NXDOMAIN, managed(4): dns.rcode.NXDOMAIN}
    assert ask(divided, NONE, CONFLUENT) == ["192.0.2.1"]
    for client in (A, B):
        foreign, nobody = (shape(query(divided, client, managed(n))) for n in (3, 4))
        assert foreign.replace(managed(3), "NAME") == nobody.replace(managed(4), "NAME")
        assert "EDE" not in foreign
    assert ask(divided, A, CONFLUENT) == ["10.0.0.1"]


def test_a_fence_keeps_foreign_names_in(daemon, upstream):
    """Who wants no private name to leave, whoever asks, fences its suffix: then a foreign one is refused like
    every other that is not attached."""
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("attachments.views", VIEWS)
    daemon.set("fence", ["aws.confluent.cloud"])
    daemon.write("a.yaml", confluent(1, "1081", "10.0.0.1"))
    daemon.start()
    assert ask(daemon, A, CONFLUENT) == ["10.0.0.1"]
    for client in (B, NONE):
        foreign = shape(query(daemon, client, CONFLUENT))
        other = shape(query(daemon, client, "x." + CONFLUENT.split(".", 2)[2]))
        assert foreign.split("AUTHORITY")[1] == other.split("AUTHORITY")[1]
        assert "NXDOMAIN" in foreign and "fenced and not attached" in foreign
    assert upstream.asked == []


def test_chains_from_the_cache_end_in_the_own_view(divided, upstream):
    upstream.answers = {"kafka.example": [("kafka.example.", "CNAME", CONFLUENT + "."),
                                          (CONFLUENT + ".", "A", "192.0.2.66")]}
    for _ in range(2):      # the second time from the cache
        assert ask(divided, A, "kafka.example") == ["10.0.0.1"]
        assert ask(divided, B, "kafka.example") == ["10.0.0.2"]
        assert ask(divided, C, "kafka.example") == ["10.0.0.1"]
        assert ask(divided, NONE, "kafka.example") == ["192.0.2.66"]
    assert upstream.names() == ["kafka.example"] * 4    # what one view asked tells others nothing
    assert divided.counter("cache_hits") == 4
    # Detached in a: its chain is held, that of b stays.
    divided.remove("a.yaml")
    assert divided.reload().status == 200
    assert ask(divided, A, "kafka.example") == "NXDOMAIN"
    assert ask(divided, B, "kafka.example") == ["10.0.0.2"]
    assert ask(divided, NONE, "kafka.example") == ["192.0.2.66"]
    assert len(upstream.asked) == 4


def test_flush_reaches_all_views(divided, upstream):
    upstream.answers = {"www.example": ["192.0.2.80"]}
    for client in (A, B, NONE):
        assert ask(divided, client, "www.example") == ["192.0.2.80"]
    assert divided.ctl("flush", "www.example").returncode == 0
    upstream.answers = {"www.example": ["192.0.2.81"]}
    for client in (A, B, NONE):
        assert ask(divided, client, "www.example") == ["192.0.2.81"]


def test_a_connection_moves_to_another_cluster(divided, upstream):
    upstream.answers = {managed(5): ["192.0.2.5"]}
    divided.write("m.yaml", document(5, ["10.0.0.5"], clusterId="1081"))
    assert divided.reload().json["names"]["added"] > 0
    assert (ask(divided, A, managed(5)), ask(divided, B, managed(5))) == (["10.0.0.5"], ["192.0.2.5"])
    divided.write("m.yaml", document(5, ["10.0.0.5"], clusterId="1082"))
    assert divided.reload().status == 200
    assert (ask(divided, A, managed(5)), ask(divided, B, managed(5))) == ("NXDOMAIN", ["10.0.0.5"])
    reply = query(divided, A, managed(5))
    assert [o.text for o in reply.options if isinstance(o, dns.edns.EDEOption)] == ["detached"]
    # The hold is of view a alone, across a restart too; it was never c's.
    divided.restart()
    assert (ask(divided, A, managed(5)), ask(divided, B, managed(5))) == ("NXDOMAIN", ["10.0.0.5"])
    assert ask(divided, NONE, managed(5)) == ["192.0.2.5"]


@pytest.mark.parametrize("before, after", [
    ([], VIEWS),
    (VIEWS, []),
    ([{**VIEWS[0], "name": "z"}], VIEWS),                               # another name
    ([{**VIEWS[0], "clients": ["127.0.0.0/8"]}], VIEWS),                # fewer clients
    ([{**VIEWS[0], "clusterIds": ["1081", "1089"]}], VIEWS)],           # fewer clusters
    ids=["first", "none", "name", "clients", "clusters"])
def test_other_views_let_go_of_nothing_that_is_held(daemon, upstream, before, after):
    """Whose clients asked for it before cannot be told any more: it is held for all of them."""
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("attachments.views", before)
    daemon.write("a.yaml", confluent(1, "1081", "10.0.0.1"))
    daemon.start()
    asker = A if before else NONE
    assert ask(daemon, asker, CONFLUENT) == ["10.0.0.1"]
    daemon.remove("a.yaml")
    daemon.reload()
    eventually((daemon.state / "detached").exists, "what was detached is kept")
    daemon.stop()
    daemon.set("attachments.views", after)
    daemon.write("b.yaml", confluent(2, "1082", "10.0.0.2"))
    daemon.start()
    for _ in range(2):      # it is so at the start after that, too
        for client in (A, C, NONE) if after else ():
            reply = query(daemon, client, CONFLUENT)
            assert [o.text for o in reply.options if isinstance(o, dns.edns.EDEOption)] == ["detached"]
        assert ask(daemon, B, CONFLUENT) == ["10.0.0.2"]
        assert upstream.asked == [] and "event=detached" not in daemon.log
        daemon.restart()


def test_diagnosis_tells_of_the_own_view(divided):
    name = CONFLUENT
    assert "connection=plc-1" in chaos(divided, A, name) and chaos(divided, A, name).endswith(" view=a")
    assert "connection=plc-2" in chaos(divided, B, name)
    assert chaos(divided, NONE, name).startswith("forwarded upstreams=")
    assert chaos(divided, A, managed(3)).startswith("forwarded upstreams=")
    # Neither near misses nor numbers tell of others.
    near = name.split(".", 1)[1] + ".x"
    assert "is attached" in chaos(divided, A, near)
    assert "attached" not in chaos(divided, NONE, near)
    divided.write("bad.yaml", "privateLinkConnectionId: [")
    assert divided.reload().status != 200 or divided.status()["refused"] == 1
    text = chaos(divided, A, "generation.pldns")
    assert "accepted=1 " in text and "refused" not in text and text.endswith(" view=a")


def test_explain_for_a_client(divided):
    assert explain(divided, CONFLUENT, A)["connection"] == "plc-1"
    assert explain(divided, CONFLUENT, A)["view"] == "a"
    assert explain(divided, CONFLUENT, B)["connection"] == "plc-2"
    foreign = explain(divided, CONFLUENT, NONE)
    assert not foreign["owned"] and "view" not in foreign
    assert "plc-" not in json.dumps(foreign)
    # Who asks for nobody in particular is the operator, and hears of all views.
    everything = explain(divided, CONFLUENT)
    assert not everything["owned"]
    assert [(v["view"], "connection=plc-%d" % n in v["text"]) for v, n in zip(everything["views"], (1, 2, 1))] == [
        ("a", True), ("b", True), ("c", True)]
    result = divided.ctl("explain", CONFLUENT, "--client", B, "-o", "json")
    assert json.loads(result.stdout)["connection"] == "plc-2"


def test_explain_for_people(divided):
    assert [line.split() for line in divided.ctl("explain", CONFLUENT, "--client", A).stdout.splitlines()
            if line.split()[:1] == ["view"]] == [["view", "a"]]
    text = divided.ctl("explain", CONFLUENT).stdout
    assert "in view a" in text and "connection=plc-2" in text and "not owned: forwarded" in text


def test_names_of_endpoints(daemon, upstream):
    """A name may lead one view where another has it attached: it is looked up as that view sees it."""
    upstream.answers = {(CONFLUENT, "A"): ["192.0.2.9"]}
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("attachments.views", VIEWS[:2])
    daemon.write("a.yaml", confluent(1, "1081", "10.0.0.1"))
    daemon.write("b.yaml", document(2, [], clusterId="1082", endpoints=[{"dnsName": CONFLUENT}],
                                    attachedDomains=[{"type": "CUSTOM", "domains": [{"name": "b.example"}]}]))
    daemon.start()
    eventually(lambda: ask(daemon, B, "b.example") == ["192.0.2.9"], "the name")
    assert ask(daemon, A, CONFLUENT) == ["10.0.0.1"]


def offline(*arguments):
    return subprocess.run([PLDNSCTL, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60 * SLACK)


def test_offline_with_the_configuration(daemon):
    daemon.set("attachments.views", VIEWS[:2])
    config = daemon.configure()
    for name, cluster, address in (("a.yaml", "1081", "10.0.0.1"), ("b.yaml", "1082", "10.0.0.2")):
        daemon.write(name, confluent(int(cluster) % 10, cluster, address))
    folder = ["--attachments", daemon.documents]
    assert offline("check", *folder).returncode == 2
    assert offline("check", *folder, "--config", config).returncode == 0
    for client, plc in ((A, "plc-1"), (B, "plc-2")):
        result = offline("explain", CONFLUENT, *folder, "--config", config, "--client", client, "-o", "json")
        assert json.loads(result.stdout)["connection"] == plc, result.stderr
    assert not json.loads(offline("explain", CONFLUENT, *folder, "--config", config, "-o", "json").stdout)["owned"]
    for wrong, said in ((["--client", A], "wants the views of --config"), (["--config", config, "--client", "x"], "wants an IP"),
                        (["--config", "/nowhere"], "/nowhere: cannot be read")):
        result = offline("explain", CONFLUENT, *folder, *wrong)
        assert result.returncode == 2 and said in result.stderr
    assert offline("explain", CONFLUENT, "--config", config).returncode == 2
    # Attaching what another view has already; detaching it again is told of that view alone.
    attach = ["attach-domains", "plc-9", *folder, "--type", "CONFLUENT", "--unique-name", "other.us-east-1", "--no-wait"]
    daemon.write("c.yaml", document(9, ["10.0.0.9"], clusterId="1082",
                                    attachedDomains=[{"type": "CUSTOM", "domains": [{"name": "c.example"}]}]))
    daemon.write("d.yaml", document(8, ["10.0.0.8"], clusterId="1081",
                                    attachedDomains=[{"type": "CONFLUENT", "uniqueName": "other.us-east-1"}]))
    assert "attached already by plc-8" in offline(*attach).stderr
    assert offline(*attach, "--config", config).returncode == 0
    old = daemon.folder / "old"
    shutil.copytree(daemon.documents, old)
    daemon.remove("d.yaml")
    result = offline("diff", old, daemon.documents, "--config", config, "-o", "json")
    assert result.returncode == 1
    names = json.loads(result.stdout)["names"]
    assert {(one["view"], one["change"]) for one in names} == {("a", "public")}
    assert "in view a" in offline("diff", old, daemon.documents, "--config", config).stdout


def test_a_bad_configuration_is_told_offline(daemon):
    daemon.set("attachments.views", [{"name": "a b", "clients": ["127.1.0.0/16"], "clusterIds": []}])
    daemon.write("a.yaml", confluent(1, "1081", "10.0.0.1"))
    result = offline("check", "--attachments", daemon.documents, "--config", daemon.configure())
    assert result.returncode == 2
    assert "attachments.views[0].name: wants up to 63 letters" in result.stderr


def test_status_and_metrics_by_view(divided):
    views = {v["name"]: v for v in divided.status()["views"]}
    assert {name: v["connections"] for name, v in views.items()} == {"": 1, "a": 1, "b": 1, "c": 1}
    assert views["a"]["names"] == views["b"]["names"] > 0
    assert divided.status()["table"]["documents"] == 3
    text = divided.ctl("status").stdout
    assert "in no view" in text and "in view b" in text
    metrics = divided.admin("/metrics").body
    assert 'pldns_view_connections{view="b"} 1' in metrics
    assert metrics.count("pldns_view_names{") == len(VIEWS)


def test_wait_for_a_name_of_any_view(divided):
    assert divided.ctl("wait", "--name", CONFLUENT, "--timeout", "2s").returncode == 0


def test_conflicts_are_of_one_view(divided):
    divided.write("z.yaml", confluent(9, "1081", "10.0.0.9"))
    reply = divided.reload()
    assert divided.status()["refused"] == 1
    assert "is attached already by plc-1 at a.yaml:" in reply.body and "in view a" in reply.body
    assert ask(divided, A, CONFLUENT) == ["10.0.0.1"]
    divided.write("z.yaml", confluent(9, "1083", "10.0.0.9"))     # view c sees clusters 1081 and 1083
    assert "in view c" in divided.reload().body
    divided.write("z.yaml", confluent(9, "1084", "10.0.0.9"))     # of no view
    divided.reload()
    assert divided.status()["refused"] == 0
    assert ask(divided, NONE, CONFLUENT) == ["10.0.0.9"]
    assert ask(divided, B, CONFLUENT) == ["10.0.0.2"]


def test_one_document_for_all_clusters(daemon, upstream):
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("attachments.views", VIEWS[:2])
    both = [json.loads(confluent(n, "108%d" % n, "10.0.0.%d" % n)) for n in (1, 2)]
    daemon.write("all.json", json.dumps({"privateLinkConnections": both}))
    daemon.start()
    assert (ask(daemon, A, CONFLUENT), ask(daemon, B, CONFLUENT)) == (["10.0.0.1"], ["10.0.0.2"])
    # One loses its attachment, the other keeps it.
    daemon.write("all.json", json.dumps({"privateLinkConnections": both[1:]}))
    daemon.reload()
    assert (ask(daemon, A, CONFLUENT), ask(daemon, B, CONFLUENT)) == ("NXDOMAIN", ["10.0.0.2"])


def test_without_views_one_document_may_not_attach_a_name_twice(daemon):
    both = [json.loads(confluent(n, "108%d" % n, "10.0.0.%d" % n)) for n in (1, 2)]
    daemon.write("all.json", json.dumps({"privateLinkConnections": both}))
    result = daemon.run()
    assert result.returncode == 2
    assert "is attached already by plc-1 at all.json:" in result.stderr
    # --check judges with the views of the configuration.
    daemon.set("attachments.views", VIEWS[:2])
    assert daemon.run("--check").returncode == 0


@pytest.mark.parametrize("views, said", [
    ([VIEWS[0], dict(VIEWS[1], clients=["127.1.0.0/16"])],
     "attachments.views[1].clients[0]: '127.1.0.0/16' is a network of view 'a' already"),
    ([VIEWS[0], VIEWS[0]], "attachments.views[1].name: 'a' is there twice"),
    ([{"name": "a", "clients": ["127.1.0.0/16"]}], "attachments.views[0]: wants a name, clients and clusterIds"),
])
def test_mistakes_of_the_configuration_are_named(daemon, views, said):
    daemon.set("attachments.views", views)
    result = daemon.run()
    assert result.returncode == 2
    assert said in result.stderr
    assert "pldns.yaml:" in result.stderr


def test_views_in_the_environment(daemon, upstream):
    daemon.set("forward.upstreams", [upstream.address])
    daemon.write("a.yaml", confluent(1, "1081", "10.0.0.1"))
    daemon.start(env={"PLDNS_ATTACHMENTS_VIEWS": "a=127.1.0.0/16,a=cluster:1081"})
    assert ask(daemon, A, CONFLUENT) == ["10.0.0.1"]
    assert ask(daemon, B, CONFLUENT) == "NXDOMAIN"      # the upstream's
    assert eventually(lambda: (CONFLUENT, "A") in upstream.asked)


def test_answers_of_all_views_change_at_once(divided, upstream):
    """One generation: the serial that two views' clients see is the same, whatever changes in either."""
    upstream.answers = {}
    name = CONFLUENT.split(".", 1)[1]

    def serials():
        return {query(divided, client, name, "SOA").answer[0][0].serial for client in (A, B)}
    before = serials()
    assert len(before) == 1
    divided.write("x.yaml", custom(7, ["10.0.0.7"], "x.example"))
    divided.reload()
    assert len(serials()) == 1 and serials() != before


def test_the_query_log_names_the_view(daemon):
    daemon.set("attachments.views", VIEWS)
    daemon.set("log.queries", "owned")
    daemon.write("a.yaml", confluent(1, "1081", "10.1.0.1"))
    daemon.start()
    assert ask(daemon, A, CONFLUENT) == ["10.1.0.1"]
    eventually(lambda: 'view=a transport=udp name="%s"' % CONFLUENT in daemon.log, "the query's line")
