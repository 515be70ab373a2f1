"""Answers through real sockets: no leak, both transports, diagnosis, and an end that loses nothing."""
import random
import shutil
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import pytest

from conftest import SLACK, custom, document, eventually, managed, unique
from load import Load, addresses

TYPES = ["A", "AAAA", "HTTPS", "SVCB", "TXT", "MX", "SRV", "NS", "SOA", "CNAME", "PTR", "ANY", "DS", "TYPE65400"]


def shuffle_case(name):
    return "".join(random.choice((c.lower(), c.upper())) for c in name)


# ---- no leak -------------------------------------------------------------------------------------

def test_no_owned_name_reaches_an_upstream(daemon, upstream):
    upstream.answers["www.example"] = ["192.0.2.1"]
    daemon.set("forward.upstreams", [upstream.address])
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.write("b.yaml", document(2, ["10.0.0.2"], state="PENDING"))
    daemon.write("c.yaml", document(3, ["10.0.0.3"], state="DELETED"))
    daemon.write("d.yaml", custom(4, ["10.0.0.4"], "db.example.com", "*.kafka.example.com"))
    daemon.start()
    names = [managed(1), managed(1, "use1-az9"), "%s.aws.plc.tidbcloud.com" % unique(1), "deep.down.below." + managed(1), managed(2),
             managed(3), "db.example.com", "b-1.kafka.example.com", "kafka.example.com", "use1-az1.%s.aws.plc.tidbcloud.com" % unique(1)]
    for name in names:
        for kind in TYPES:
            for flags in (dns.flags.RD, 0, dns.flags.RD | dns.flags.CD):
                question = dns.message.make_query(shuffle_case(name), kind, use_edns=random.choice((None, 0)), flags=flags)
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                    client.settimeout(5 * SLACK)
                    client.sendto(question.to_wire(), ("127.0.0.1", daemon.port))
                    reply = dns.message.from_wire(client.recv(4096))
                assert reply.id == question.id and reply.question[0].to_text() == question.question[0].to_text()
                assert reply.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN, dns.rcode.SERVFAIL), (name, kind)
    assert upstream.asked == []
    assert daemon.counter("leaks_stopped") == 0 and daemon.counter("forwarded_queries") == 0
    assert daemon.ask("www.example") == ["192.0.2.1"]           # the upstream was there all the time


def test_one_client_socket_keeps_all_workers_busy(daemon):
    daemon.set("workers", 2)
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    threads = {(task / "comm").read_text().strip(): task for task in Path("/proc/%d/task" % daemon.process.pid).iterdir()}

    def turns():
        """How often each worker has run."""
        return [int((threads[name] / "schedstat").read_text().split()[2]) for name in ("pldns-w0", "pldns-w1")]

    before = turns()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5 * SLACK)
        client.connect(("127.0.0.1", daemon.port))
        for number in range(400):
            client.send(dns.message.make_query(managed(1), "A", id=number).to_wire())
            assert dns.message.from_wire(client.recv(4096)).id == number
    assert all(now - then > 100 for now, then in zip(turns(), before)), (before, turns())


@pytest.mark.parametrize("joined", [True, False])
def test_many_replies_to_one_socket(daemon, upstream, joined):
    """Those of one length may leave as one long datagram; each arrives by itself, attached, forwarded or cached."""
    names = {managed(1): "10.0.0.1"}
    for n in range(40):
        names["n%02d.example" % n] = "192.0.2.%d" % (n + 1)
        upstream.answers["n%02d.example" % n] = ["192.0.2.%d" % (n + 1)]
    daemon.set("workers", 1)
    daemon.set("udpSegmentation", joined)
    daemon.set("forward.upstreams", [upstream.address])
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    for edns in (None, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5 * SLACK)
            client.connect(("127.0.0.1", daemon.port))
            asked = {}
            for n, name in enumerate(list(names) + [managed(1)] * 30):
                question = dns.message.make_query(name, "A", use_edns=edns)
                question.id = n
                asked[n] = (question, names[name])
                client.send(question.to_wire())
            while asked:
                reply = dns.message.from_wire(client.recv(4096))        # nothing stands behind the message
                question, address = asked.pop(reply.id)
                assert question.is_response(reply)
                assert [record.address for record in reply.answer[0]] == [address]
            client.settimeout(0.1)
            with pytest.raises(socket.timeout):
                client.recv(4096)


def test_upstreams_dead_owned_names_alive(daemon):
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.set("forward.timeout", "500ms")
    daemon.start()                                              # its upstream does not exist
    for _ in range(50):
        assert daemon.ask(managed(1)) == ["10.0.0.1"]
    assert daemon.ask("www.example") == "SERVFAIL"
    assert daemon.ask(managed(1)) == ["10.0.0.1"]


def test_a_public_name_that_leads_into_an_attached_one(daemon, upstream):
    upstream.answers["www.example"] = [("www.example.", "CNAME", managed(1) + "."), (managed(1) + ".", "A", "203.0.113.66")]
    daemon.set("forward.upstreams", [upstream.address])
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    for _ in range(2):                                          # asked, then cached
        reply = daemon.query("www.example")
        assert [r.to_text().split()[-1] for r in reply.answer] == [managed(1) + ".", "10.0.0.1"]
    assert managed(1) not in upstream.names()


# ---- TCP -----------------------------------------------------------------------------------------

def frames(stream, count):
    found = []
    with stream.makefile("rb") as reader:
        for _ in range(count):
            size = struct.unpack("!H", reader.read(2))[0]
            found.append(dns.message.from_wire(reader.read(size)))
    return found


def test_tcp_pipelining(served, upstream):
    upstream.answers["slow.example"] = ["192.0.2.1"]
    questions = [dns.message.make_query("slow.example" if i == 0 else managed(1), "A", id=i) for i in range(100)]
    wires = [q.to_wire() for q in questions]
    with socket.create_connection(("127.0.0.1", served.port), timeout=10 * SLACK) as stream:
        stream.sendall(b"".join(struct.pack("!H", len(w)) + w for w in wires))
        replies = frames(stream, 100)
    assert sorted(r.id for r in replies) == list(range(100))
    for reply in replies:
        assert reply.answer[0][0].to_text() == ("192.0.2.1" if reply.id == 0 else "10.0.0.1")


def test_tcp_in_single_octets(served):
    wire = dns.message.make_query(managed(1), "A").to_wire()
    with socket.create_connection(("127.0.0.1", served.port), timeout=10 * SLACK) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in struct.pack("!H", len(wire)) + wire:
            stream.send(bytes([octet]))
        assert frames(stream, 1)[0].answer[0][0].to_text() == "10.0.0.1"


def test_tcp_half_close(served):
    wire = dns.message.make_query(managed(1), "A").to_wire()
    with socket.create_connection(("127.0.0.1", served.port), timeout=10 * SLACK) as stream:
        stream.sendall((struct.pack("!H", len(wire)) + wire) * 3)
        stream.shutdown(socket.SHUT_WR)
        assert len(frames(stream, 3)) == 3
        assert stream.recv(1) == b""


def test_idle_connections_do_not_hurt(served):
    held = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(200)]
    try:
        for stream in held:
            stream.send(b"\0")
        for _ in range(20):
            assert served.ask(managed(1)) == ["10.0.0.1"]
        assert served.ask(managed(1), tcp=True) == ["10.0.0.1"]
    finally:
        for stream in held:
            stream.close()


def test_truncation_and_tcp(daemon):
    many = ["10.1.0.%d" % i for i in range(16)]
    daemon.write("a.yaml", document(1, [], endpoints=[{"zone": "use1-az%d" % z, "addresses": [a.replace("10.1.0", "10.1.%d" % z) for a in many]}
                                                      for z in (1, 2, 3)]))
    daemon.start()
    reply = daemon.query(managed(1))
    assert reply.flags & dns.flags.TC and 0 < len(reply.answer[0]) < 48
    reply = daemon.query(managed(1), tcp=True)
    assert not reply.flags & dns.flags.TC and len(reply.answer[0]) == 48
    reply = daemon.query(managed(1), use_edns=0, payload=4096)
    assert len(reply.answer[0]) == 48


# ---- diagnosis -----------------------------------------------------------------------------------

def test_chaos_names(served):
    assert served.chaos("version.bind").startswith("pldns ")
    assert served.chaos("id.server") == socket.gethostname()
    assert served.chaos("generation.pldns").startswith("generation=1 hash=")
    assert "accepted=1 refused=0" in served.chaos("generation.pldns")
    text = served.chaos(managed(1, "use1-az1"))
    assert text.startswith("owned ") and "connection=plc-1" in text and "document=a.yaml:" in text and "10.0.0.1" in text
    assert served.chaos("www.example").startswith("forwarded ") or "not owned" in served.chaos("www.example")


@pytest.mark.skipif(shutil.which("dig") is None, reason="dig is not here")
def test_by_dig(served):
    def dig(*arguments):
        return subprocess.run(["dig", "@127.0.0.1", "-p", str(served.port), "+time=5", "+tries=1", *arguments], capture_output=True,
                              text=True, check=True).stdout

    assert "10.0.0.1" in dig("+short", managed(1))
    assert "pldns" in dig("+short", "CH", "TXT", "version.bind")
    assert "status: NXDOMAIN" in dig(managed(1, "use1-az9"))
    assert "EDE: 15" in dig(managed(1, "use1-az9"))
    assert "10.0.0.1" in dig("+tcp", "+short", managed(1))


def test_identity_hidden(daemon):
    daemon.set("identity", "hidden")
    daemon.start()
    assert daemon.query("version.bind", "TXT", rdclass="CH").rcode() == dns.rcode.REFUSED


def test_clients_that_are_not_allowed(daemon):
    daemon.set("clients", {"allow": ["10.0.0.0/8"], "otherwise": "refuse"})
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    assert daemon.ask(managed(1)) == "REFUSED"
    assert daemon.counter("refused_clients") == 1


def test_query_log(daemon):
    daemon.set("log.queries", "all")
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    daemon.ask(managed(1))
    line = eventually(lambda: [x for x in daemon.log.splitlines() if managed(1) in x], "the query's line")[0]
    assert "client=127.0.0.1:" in line and "view=" not in line
    assert line.endswith('transport=udp name="%s" class=IN type=A rcode=NOERROR answers=1 how="owned"' % managed(1))
    daemon.ask(managed(1), "TYPE65280")
    eventually(lambda: 'type=TYPE65280 rcode=NOERROR answers=0 how="owned"' in daemon.log, "a type without a name")


@pytest.mark.parametrize("word, kind, version", [("NOTIMP", "TKEY", 0), ("BADVERS", "A", 1), ("REFUSED", "AXFR", 0)])
def test_the_query_log_has_the_words_of_dig(daemon, word, kind, version):
    daemon.set("log.queries", "errors")
    daemon.start()
    question = dns.message.make_query("www.example", kind)
    question.use_edns(version)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(question.to_wire(), ("127.0.0.1", daemon.port))
        eventually(lambda: "event=query" in daemon.log, "the query's line")
    assert " rcode=%s " % word in daemon.log


def test_the_log_has_names_whole(daemon):
    """As long as they can be, of octets that are all written in more than one character."""
    daemon.set("log.queries", "all")
    daemon.set("fence", ["tail.example"])
    daemon.start()
    name = dns.name.Name([b"\x1b" * 63, b"\xff" * 63, b"\0" * 63, b"\n" * 48, b"tail", b"example", b""])
    assert len(name.to_wire()) == 255
    shown = ".".join("\\\\%03d" % label[0] * len(label) for label in name.labels[:4]) + ".tail.example"
    assert daemon.ask(name) == "NXDOMAIN"
    eventually(lambda: 'name="%s" class=IN' % shown in daemon.log, "the whole name")
    text = "".join("%%5C%03d" % c if c < 32 or c > 126 else "%c" % c for c in b".".join(name.labels[:-1]))
    assert daemon.admin("/api/flush?name=" + text, "POST").status == 200
    eventually(lambda: 'what=flush name="%s" subtree=no' % shown in daemon.log, "the whole name")


# ---- the end -------------------------------------------------------------------------------------

@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_under_load_loses_nothing(daemon, workers):
    """Clients that turn elsewhere within the drain time miss no answer."""
    daemon.set("workers", workers)
    daemon.set("drain", "%dms" % (1500 * SLACK))
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    load = Load(daemon.port, [managed(1)], 2000 / SLACK).start()
    time.sleep(0.5)
    daemon.process.send_signal(signal.SIGTERM)
    time.sleep(0.7)
    assert load.stop() == 0 and load.refused == 0
    assert all(addresses(reply) == ["10.0.0.1"] for _, _, _, reply in load.answers)
    assert daemon.process.wait(5 * SLACK + 2 * SLACK) == 0


def test_the_end_with_questions_in_flight(daemon, upstream):
    upstream.answers["www.example"] = None                      # silence
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("forward.timeout", "30s")
    daemon.start()
    wire = dns.message.make_query("www.example", "A").to_wire()
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=20 * SLACK) as stream:
        stream.sendall(struct.pack("!H", len(wire)) + wire)
        eventually(lambda: "www.example" in upstream.names(), "the question in flight")
        assert daemon.stop() == 0
        assert frames(stream, 1)[0].rcode() == dns.rcode.SERVFAIL


def test_all_workers_answer_until_the_last_ends(daemon, upstream):
    """One may wait for upstreams a while before it ends: the others' clients are not left without an answer."""
    upstream.answers["www.example"] = None                      # silence
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("drain", "0ms")
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", daemon.port))
        client.settimeout(2 * SLACK)
        client.send(dns.message.make_query("www.example", "A", id=0).to_wire())     # the id decides whose it is
        eventually(lambda: "www.example" in upstream.names(), "a question in flight in one worker")
        daemon.process.send_signal(signal.SIGTERM)
        eventually(lambda: "event=status" in daemon.log, "the end of the drain time")
        time.sleep(0.1)     # in which the other one could have ended
        for number in (2, 3):
            client.send(dns.message.make_query(managed(1), "A", id=number).to_wire())
        replies = {reply.id: reply for reply in (dns.message.from_wire(client.recv(4096)) for _ in range(3))}
    assert replies[0].rcode() == dns.rcode.SERVFAIL
    assert all(replies[number].answer for number in (2, 3))
    assert daemon.process.wait(5 * SLACK) == 0


def test_all_workers_end_at_the_same_time(daemon, upstream):
    """Each may wait for upstreams a while before it ends: not one after the other."""
    workers = 32
    daemon.set("workers", workers)
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("forward.timeout", "30s")
    names = ["n%d.example" % n for n in range(workers)]
    upstream.answers.update((name, None) for name in names)     # silence
    daemon.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", daemon.port))
        for number, name in enumerate(names):                   # the id decides whose it is
            client.send(dns.message.make_query(name, "A", id=number).to_wire())
        eventually(lambda: set(names) <= set(upstream.names()), "a question in flight in each worker")
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(5 * SLACK) == 0
        client.settimeout(1)
        assert sorted(dns.message.from_wire(client.recv(4096)).id for _ in names) == list(range(workers))
