"""Endpoints with a name (dnsName): resolved in the background, kept through failure, never waited for."""
import time

import dns.rcode
import pytest

from conftest import SLACK, custom, document, eventually, managed, unique

HOST = "db.example.test"
VPCE = "vpce-1.example.test"
OTHER = "vpce-2.example.test"
CLAMP = 5 * SLACK + 3       # a TTL of one second counts as five; and some time to notice


def target(*names, host=HOST, n=1, **more):
    """A connection whose endpoints have these names; a pair is (zone, name)."""
    endpoints = [{"dnsName": name} if isinstance(name, str) else {"zone": name[0], "dnsName": name[1]} for name in names]
    domains = [{"type": "CUSTOM", "domains": [{"name": host}]}]
    return document(n, [], **{"endpoints": endpoints, "attachedDomains": domains, **more})


@pytest.fixture(name="resolving")
def fixture_resolving(daemon, upstream):
    """A running daemon with one name behind HOST; TTLs of one second."""
    upstream.ttl = 1
    upstream.answers[(VPCE, "A")] = ["10.1.0.1", "10.1.0.2"]
    upstream.answers[(VPCE, "AAAA")] = ["fd00::1"]
    daemon.set("forward.upstreams", [upstream.address])
    daemon.write("a.yaml", target(VPCE))
    daemon.start()
    eventually(lambda: daemon.ask(HOST) == ["10.1.0.1", "10.1.0.2"], "the name is resolved")
    return daemon


def status_of(daemon, name=VPCE):
    return next(item for item in daemon.status()["targets"]["list"] if item["name"] == name)


def metric(daemon, name):
    return next(float(line.split()[-1]) for line in daemon.admin("/metrics").body.splitlines()
                if line.startswith(("pldns_%s " % name, "pldns_%s{" % name)))


def test_a_name_is_resolved(resolving, upstream):
    assert eventually(lambda: resolving.ask(HOST, "AAAA") == ["fd00::1"], "IPv6")
    assert HOST not in upstream.names()
    assert status_of(resolving)["state"] == "fresh"
    assert sorted(status_of(resolving)["addresses"]) == ["10.1.0.1", "10.1.0.2", "fd00::1"]
    assert metric(resolving, "targets") == 1 and metric(resolving, "targets_unresolved") == 0
    assert metric(resolving, "target_addresses") == 3
    assert "addresses=10.1.0.1,10.1.0.2,fd00::1 document=" in resolving.chaos(HOST)
    assert "warning" not in resolving.ctl("status").stdout


@pytest.mark.parametrize("failure", [dns.rcode.SERVFAIL, None], ids=["SERVFAIL", "silence"])
def test_one_family_that_is_not_told_of(daemon, upstream, failure):
    """An empty answer to A would be believed and kept; that nobody knows is no reason for one."""
    upstream.answers[(VPCE, "A")] = failure
    upstream.answers[(VPCE, "AAAA")] = ["fd00::1"]
    upstream.answers["www.example.test"] = [("www.example.test.", "CNAME", HOST + ".")]
    upstream.ttl = 1
    daemon.set("forward.upstreams", [upstream.address])
    daemon.write("a.yaml", target(VPCE))
    daemon.start()
    eventually(lambda: daemon.ask(HOST, "AAAA") == ["fd00::1"], "IPv6")
    reply = daemon.query(HOST, use_edns=0)
    assert reply.rcode() == dns.rcode.SERVFAIL and not reply.authority
    assert [(option.code, "whether" in option.text) for option in reply.options] == [(14, True)]
    assert daemon.ask("www.example.test") == "SERVFAIL"
    assert daemon.chaos(HOST).startswith("owned, not ready")
    assert "SERVFAIL" in daemon.ctl("explain", HOST).stdout and "AAAA fd00::1" in daemon.ctl("explain", HOST, "AAAA").stdout
    assert daemon.ask(HOST, "TXT") == "NOERROR"
    upstream.answers[(VPCE, "A")] = []
    eventually(lambda: daemon.ask(HOST) == "NOERROR", "that it has no IPv4", CLAMP + 10)
    upstream.answers[(VPCE, "A")] = failure
    time.sleep(CLAMP)
    assert daemon.ask(HOST) == "NOERROR"


def test_a_change_reaches_the_answers(resolving, upstream):
    upstream.answers[(VPCE, "A")] = ["10.1.0.9"]
    upstream.answers[(VPCE, "AAAA")] = []
    begin = time.monotonic()
    eventually(lambda: resolving.ask(HOST) == ["10.1.0.9"], "the change", CLAMP)
    eventually(lambda: resolving.ask(HOST, "AAAA") == "NOERROR", "the end of IPv6", 1)
    assert time.monotonic() - begin < CLAMP
    assert "addresses have changed" in resolving.log


@pytest.mark.parametrize("failure, word", [
    (dns.rcode.NXDOMAIN, "NXDOMAIN"), (dns.rcode.SERVFAIL, "SERVFAIL"), (None, "timeout"), ([], "no-address"),
    ([(VPCE + ".", "CNAME", HOST + "."), (HOST + ".", "A", "192.0.2.66")], "leads-into-owned-name"),
])
def test_the_last_good_addresses_stay(resolving, upstream, failure, word):
    def fail(_, kind):
        if isinstance(failure, list) and kind == "AAAA":
            return failure[:1]
        return failure

    upstream.answers[(VPCE, "A")] = upstream.answers[(VPCE, "AAAA")] = fail
    stale = "stale=%s@" % VPCE
    eventually(lambda: stale in resolving.chaos(HOST), "the trouble is seen", CLAMP + 3 * SLACK)
    assert resolving.chaos(HOST).split(stale)[1].split("(")[1].startswith(word + ")")
    assert resolving.ask(HOST) == ["10.1.0.1", "10.1.0.2"] and resolving.ask(HOST, "AAAA") == ["fd00::1"]
    state = status_of(resolving)
    assert state["state"] == "stale" and state["why"] == word and state["sinceSeconds"] >= 0
    assert metric(resolving, "targets_stale") == 1 and metric(resolving, "target_failures_total") >= 1
    assert "why=%s" % word in resolving.log and "its last good addresses are kept" in resolving.log
    assert "stale=" in resolving.ctl("explain", HOST).stdout
    assert "stale" in resolving.ctl("status").stdout
    upstream.answers[(VPCE, "A")] = ["10.1.0.5"]
    eventually(lambda: resolving.ask(HOST) == ["10.1.0.5"], "it is well again", 13 * SLACK)
    eventually(lambda: word == "leads-into-owned-name" or status_of(resolving)["state"] == "fresh" or
               resolving.ask(HOST, "AAAA") == ["fd00::1"], "and told so")


def test_before_the_first_answer_nobody_waits(daemon, upstream):
    upstream.answers[VPCE] = None
    daemon.set("forward.upstreams", [upstream.address])
    daemon.write("a.yaml", target(VPCE))
    daemon.start()
    begin = time.monotonic()
    reply = daemon.query(HOST, use_edns=0)
    assert time.monotonic() - begin < 1 * SLACK
    assert reply.rcode() == dns.rcode.SERVFAIL
    assert [(e.code, e.text) for e in reply.options] == \
        [(14, "connection plc-1 is ACTIVE: the name of its endpoint is not resolved yet")]
    assert "unresolved=%s(pending)" % VPCE in daemon.chaos(HOST)
    assert metric(daemon, "targets_unresolved") == 1
    upstream.answers[VPCE] = []
    upstream.answers[(VPCE, "A")] = ["10.1.0.7"]
    assert daemon.ctl("wait", "--name", HOST, "--timeout", "15s").returncode == 0
    assert daemon.ask(HOST) == ["10.1.0.7"]


def test_zonal_names(daemon, upstream):
    upstream.answers.update({VPCE: [], OTHER: [], (VPCE, "A"): ["10.1.0.1"], (OTHER, "A"): ["10.1.0.2"]})
    daemon.set("forward.upstreams", [upstream.address])
    daemon.write("a.yaml", document(1, [], endpoints=[{"zone": "use1-az1", "dnsName": VPCE},
                                                      {"zone": "use1-az2", "dnsName": OTHER.upper()}]))
    daemon.start()
    eventually(lambda: daemon.ask(managed(1)) == ["10.1.0.1", "10.1.0.2"], "both are resolved")
    assert daemon.ask(managed(1, "use1-az1")) == ["10.1.0.1"]
    assert daemon.ask(managed(1, "use1-az2")) == ["10.1.0.2"]
    assert daemon.ask(managed(1, "use1-az3")) == "NXDOMAIN"


def test_one_of_two_names_is_enough(daemon, upstream):
    upstream.answers.update({VPCE: [], (VPCE, "A"): ["10.1.0.1"], OTHER: dns.rcode.NXDOMAIN})
    daemon.set("forward.upstreams", [upstream.address])
    daemon.write("a.yaml", target(VPCE, OTHER))
    daemon.start()
    eventually(lambda: daemon.ask(HOST) == ["10.1.0.1"], "one is resolved")
    eventually(lambda: "unresolved=%s@" % OTHER in daemon.chaos(HOST), "the other is told of")


def test_a_chain_through_public_names(daemon, upstream):
    upstream.answers[(VPCE, "A")] = [(VPCE + ".", "CNAME", "x.example.test."), ("x.example.test.", "A", "10.1.0.3")]
    upstream.answers[(VPCE, "AAAA")] = [(VPCE + ".", "CNAME", "x.example.test.")]
    daemon.set("forward.upstreams", [upstream.address])
    daemon.write("a.yaml", target(VPCE))
    daemon.start()
    eventually(lambda: daemon.ask(HOST) == ["10.1.0.3"], "it is resolved")
    # From now on the chain's end is ours: what it says is not used any more.
    daemon.write("b.yaml", custom(2, ["10.2.0.1"], "x.example.test"))
    assert daemon.reload().status == 200
    upstream.ttl = 1
    assert daemon.ask(HOST) == ["10.1.0.3"]


def test_a_document_that_changes_and_goes(resolving, upstream):
    upstream.answers.update({OTHER: [], (OTHER, "A"): ["10.1.0.20"]})
    resolving.write("a.yaml", target(OTHER))
    assert resolving.reload().status == 200
    eventually(lambda: resolving.ask(HOST) == ["10.1.0.20"], "the other name is resolved")
    assert [item["name"] for item in resolving.status()["targets"]["list"]] == [OTHER]
    resolving.remove("a.yaml")
    assert resolving.reload().status == 200
    assert resolving.status()["targets"]["names"] == 0
    asked = len(upstream.asked)
    time.sleep(1)
    assert len(upstream.asked) == asked


def test_useless_addresses_and_too_many(daemon, upstream):
    upstream.answers[VPCE] = []
    upstream.answers[(VPCE, "A")] = ["0.0.0.0", "224.0.0.1"] + ["10.1.0.%d" % i for i in range(1, 31)]
    upstream.answers[(VPCE, "AAAA")] = ["::", "ff02::1", "::ffff:10.0.0.1", "fd00::7"]
    daemon.set("forward.upstreams", [upstream.address])
    daemon.write("a.yaml", target(VPCE))
    daemon.start()
    eventually(lambda: isinstance(daemon.ask(HOST, tcp=True), list), "it is resolved")
    assert daemon.ask(HOST, tcp=True) == sorted("10.1.0.%d" % i for i in range(1, 17))
    eventually(lambda: daemon.ask(HOST, "AAAA") == ["fd00::7"], "IPv6")


def test_a_name_below_an_owned_domain_is_refused(daemon):
    daemon.write("a.yaml", document(1, [], endpoints=[{"dnsName": "b1.%s.aws.plc.tidbcloud.com" % unique(1)}]))
    assert daemon.run("--check").returncode == 2


def test_a_fenced_name_is_not_asked_for_and_told_so(daemon, upstream):
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("fence", ["fenced.example"])
    daemon.write("a.yaml", target("a.fenced.example"))
    daemon.start()
    eventually(lambda: "unresolved=a.fenced.example@" in daemon.chaos(HOST), "it is told of")
    eventually(lambda: "(owned-or-fenced)" in daemon.chaos(HOST), "and why")
    assert status_of(daemon, "a.fenced.example")["why"] == "owned-or-fenced"
    assert "a.fenced.example" not in upstream.names()


def test_queries_are_answered_while_names_flap(resolving, upstream):
    """Every answer is one of the two sets, whole."""
    sets = [["10.1.0.1", "10.1.0.2"], ["10.1.0.3", "10.1.0.4"]]
    turn = iter(range(1 << 30))
    upstream.answers[(VPCE, "A")] = lambda *_: sets[next(turn) % 2]
    seen, end = [], time.monotonic() + 12 * SLACK
    while time.monotonic() < end and len({tuple(s) for s in seen}) < 2:
        seen.append(resolving.ask(HOST))
    assert all(s in sets for s in seen)
    assert len({tuple(s) for s in seen}) == 2
