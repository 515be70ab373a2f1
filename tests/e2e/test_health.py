"""Health checks: an address that does not answer leaves the answers while enough others are left, and comes back."""
import json
import socket
import threading
import time

import dns.message
import dns.query
import pytest

from conftest import SLACK, custom, document, eventually, free_port, managed

CHECK = {"interval": "1s", "timeout": "300ms", "rise": 2, "fall": 2, "minHealthy": "50%"}
FALL = 2 * 1 + 0.3          # interval * fall + timeout: promised; to the millisecond in test_prober.c
ONE, TWO = "127.0.0.21", "127.0.0.22"


class Broker:
    """Takes connections on an address; can be closed, opened again, or made silent: its queue is full and nobody
    accepts, so that the kernel drops what else comes, as a firewall would."""

    def __init__(self, address, port, family=socket.AF_INET):
        self.address, self.port, self.family = address, port, family
        self.listener, self.fillers, self.accepted = None, [], 0
        self.open()

    def open(self, backlog=16):
        self.close()
        self.listener = socket.socket(self.family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((self.address, self.port))
        self.listener.listen(backlog)
        if backlog > 0:
            threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        try:
            while True:
                listener.accept()[0].close()
                self.accepted += 1
        except OSError:
            pass

    def silence(self):
        self.open(0)
        for _ in range(4):
            filler = socket.socket(self.family, socket.SOCK_STREAM)
            filler.setblocking(False)
            filler.connect_ex((self.address, self.port))
            self.fillers.append(filler)

    def close(self):
        for one in self.fillers + ([self.listener] if self.listener else []):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()
        self.listener, self.fillers = None, []


@pytest.fixture(name="brokers")
def fixture_brokers():
    port = free_port()
    brokers = [Broker(ONE, port), Broker(TWO, port)]
    yield brokers
    for broker in brokers:
        broker.close()


def checked(brokers, **more):
    return {"healthCheck": {**CHECK, "port": brokers[0].port, **more}}


@pytest.fixture(name="checking")
def fixture_checking(daemon, brokers):
    daemon.write("a.yaml", document(1, [ONE, TWO], **checked(brokers)))
    daemon.start()
    eventually(lambda: all(item["state"] == "healthy" for item in daemon.status()["health"]["list"]), "both are tried")
    return daemon


def metrics(daemon):
    return dict(line.rsplit(" ", 1) for line in daemon.admin("/metrics").body.splitlines() if not line.startswith("#"))


@pytest.mark.parametrize("way", ["close", "silence"])
def test_a_dead_address_leaves_and_returns(checking, brokers, way):
    assert checking.ask(managed(1)) == [ONE, TWO]
    getattr(brokers[0], way)()
    begin = time.monotonic()
    eventually(lambda: checking.ask(managed(1)) == [TWO], "it is left out")
    assert time.monotonic() - begin < FALL + SLACK
    assert checking.ask(managed(1, "use1-az1")) == [TWO]
    assert "withdrawn=%s@" % ONE in checking.chaos(managed(1))
    assert "withdrawn=%s@" % ONE in checking.ctl("explain", managed(1)).stdout
    status = {item["address"]: item for item in checking.status()["health"]["list"]}
    assert status[ONE]["state"] == "unhealthy" and status[ONE]["last"] == ("refused" if way == "close" else "timeout")
    assert status[ONE]["sinceSeconds"] <= 2 * SLACK and status[TWO]["state"] == "healthy"
    shown = checking.ctl("status")
    assert ONE in shown.stdout and "unhealthy" in shown.stdout and TWO not in shown.stdout
    assert "event=\"endpoint unhealthy\" address=%s" % ONE in checking.log
    figures = metrics(checking)
    assert figures["pldns_endpoints_unhealthy"] == "1" and figures["pldns_endpoints_checked"] == "2"
    assert [v for k, v in figures.items() if k.startswith('pldns_endpoint_healthy{address="%s"' % ONE)] == ["0"]
    brokers[0].open()
    begin = time.monotonic()
    eventually(lambda: checking.ask(managed(1)) == [ONE, TWO], "it is back")
    assert 0.5 < time.monotonic() - begin < FALL + SLACK    # not before the second success
    assert "event=\"endpoint healthy\" address=%s" % ONE in checking.log


def test_when_all_are_dead_all_are_given(checking, brokers):
    for broker in brokers:
        broker.close()
    eventually(lambda: checking.status()["health"]["unhealthy"] == 2, "both are dead")
    eventually(lambda: "unhealthy=%s@" % ONE in checking.chaos(managed(1)), "it is told")
    assert checking.ask(managed(1)) == [ONE, TWO]


def test_min_healthy(daemon, brokers):
    brokers[0].close()
    daemon.write("a.yaml", document(1, [ONE, TWO], **checked(brokers, minHealthy="51%", fall=1)))
    daemon.write("b.yaml", document(2, [ONE, TWO], **checked(brokers, minHealthy="0%", fall=1)))
    daemon.start()
    eventually(lambda: daemon.ask(managed(2)) == [TWO], "one of two is enough here")
    assert daemon.ask(managed(1)) == [ONE, TWO]
    assert daemon.status()["health"]["addresses"] == 2      # tried once for both


def test_state_survives_a_table_change(checking, brokers):
    brokers[0].close()
    eventually(lambda: checking.ask(managed(1)) == [TWO], "it is left out")
    checking.write("b.yaml", custom(2, ["10.0.0.9"], "other.example"))
    checking.write("c.yaml", document(3, [ONE, TWO], **checked(brokers)))
    assert checking.reload().status == 200
    assert checking.ask(managed(1)) == [TWO] and checking.ask(managed(3)) == [TWO]
    # Without a check everybody is given, at once.
    checking.write("a.yaml", document(1, [ONE, TWO]))
    assert checking.reload().status == 200
    assert checking.ask(managed(1)) == [ONE, TWO] and checking.ask(managed(3)) == [TWO]


def test_ipv6(daemon):
    port = free_port()
    brokers = [Broker("::1", port, socket.AF_INET6), Broker(ONE, port)]
    try:
        daemon.write("a.yaml", document(1, ["::1", "fd00:dead::1", ONE], **checked(brokers, fall=1)))
        daemon.start()
        eventually(lambda: daemon.ask(managed(1), "AAAA") == ["::1"], "the other one is left out")
        assert daemon.ask(managed(1)) == [ONE]
    finally:
        for broker in brokers:
            broker.close()


def test_addresses_behind_a_name(daemon, upstream, brokers):
    upstream.answers["db.example"] = []
    upstream.answers[("db.example", "A")] = [ONE, TWO]
    brokers[1].close()
    daemon.set("forward.upstreams", [upstream.address])
    daemon.write("a.yaml", document(1, [], endpoints=[{"dnsName": "db.example"}], **checked(brokers, fall=1)))
    daemon.start()
    eventually(lambda: daemon.ask(managed(1)) == [ONE], "the dead one is left out")
    assert daemon.status()["targets"]["list"][0]["addresses"] == [ONE, TWO]


def test_each_view_has_its_own_trouble(daemon, brokers):
    """One name in two views: what of one does not answer is nothing to the other."""
    daemon.set("attachments.views", [{"name": "a", "clients": ["127.1.0.0/16"], "clusterIds": ["1"]},
                                     {"name": "b", "clients": ["127.2.0.0/16"], "clusterIds": ["2"]}])
    brokers[0].close()
    daemon.write("a.yaml", custom(1, [ONE, TWO], "db.example").replace(
        '"state"', '"clusterId": "1", "healthCheck": %s, "state"' % json.dumps({**CHECK, "port": brokers[0].port, "fall": 1}), 1))
    daemon.write("b.yaml", custom(2, [ONE, TWO], "db.example").replace('"state"', '"clusterId": "2", "state"', 1))
    daemon.start()

    def addresses(client):
        reply = dns.query.udp(dns.message.make_query("db.example", "A"), "127.0.0.1", port=daemon.port, source=client,
                              timeout=5 * SLACK)
        return sorted(item.to_text() for rrset in reply.answer for item in rrset)

    eventually(lambda: addresses("127.1.0.1") == [TWO], "the dead one is left out of one view")
    assert addresses("127.2.0.1") == [ONE, TWO]
    explain = {client: daemon.admin("/api/explain?name=db.example&client=" + client).json["text"]
               for client in ("127.1.0.1", "127.2.0.1")}
    assert "withdrawn=%s@" % ONE in explain["127.1.0.1"]
    assert "withdrawn" not in explain["127.2.0.1"] and "unhealthy" not in explain["127.2.0.1"]


def test_queries_are_answered_while_addresses_flap(daemon, brokers):
    daemon.write("a.yaml", document(1, [ONE, TWO], **checked(brokers, rise=1, fall=1)))
    daemon.start()
    seen, end, turn = set(), time.monotonic() + 8 * SLACK, time.monotonic()
    while time.monotonic() < end and len(seen) < 2:
        seen.add(tuple(daemon.ask(managed(1))))
        if time.monotonic() - turn > 1.2:      # longer than between two tries
            turn = time.monotonic()
            brokers[0].close() if brokers[0].listener else brokers[0].open()
    assert seen == {(ONE, TWO), (TWO,)}
