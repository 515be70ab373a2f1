"""What is not ours, through the real daemon: chains, caches, broken and lying upstreams, and clients that share
a question."""
import contextlib
import socket
import struct
import threading
import time

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from conftest import SLACK, Scripted, at_once, custom, document, eventually, free_port, managed, unique

PUBLIC = "203.0.113.9"
OWN = "10.0.0.1"
ROOT = "%s.aws.plc.tidbcloud.com" % unique(1)


def rrset(owner, kind, *texts, ttl=300):
    return dns.rrset.from_text(owner.rstrip(".") + ".", ttl, "IN", kind, *texts)


def respond(query, *answer, rcode=dns.rcode.NOERROR, authority=(), flags=0):
    reply = dns.message.make_response(query, recursion_available=True)
    reply.set_rcode(rcode)
    reply.flags |= flags
    reply.answer.extend(answer)
    reply.authority.extend(authority)
    return reply


SOA = rrset("example", "SOA", "ns. root. 1 2 3 4 60", ttl=60)


@pytest.fixture(name="scripted")
def fixture_scripted():
    """Makes upstreams that follow a script."""
    made = []

    def make(script):
        made.append(Scripted(script))
        return made[-1]
    yield make
    for upstream in made:
        upstream.close()


@pytest.fixture(name="up")
def fixture_up(daemon, scripted):
    """Starts the daemon in front of one scripted upstream."""
    def start(script, **settings):
        upstream = scripted(script)
        daemon.set("workers", 1)
        daemon.set("forward.upstreams", [upstream.address])
        for key, value in settings.items():
            daemon.set(key.replace("_", "."), value)
        daemon.write("a.yaml", document(1, [OWN]))
        daemon.start()
        return upstream
    return start


class Brief(Scripted):
    """One answer on each connection; with what else was asked there unread, its end is a reset."""

    def serve_stream(self, stream):
        with stream:
            stream.settimeout(10)
            with contextlib.suppress(OSError, struct.error):
                wire = stream.recv(struct.unpack("!H", stream.recv(2))[0])
                for reply in self.replies(wire, True, stream.getpeername()):
                    self.send_framed(stream, reply)


@pytest.mark.parametrize("scheme", ["tcp://", ""], ids=["over TCP", "truncated over UDP"])
def test_one_answer_on_each_connection(daemon, scheme):
    def script(query, tcp):
        reply = respond(query, rrset(query.question[0].name.to_text(), "A", PUBLIC))
        if not tcp:
            reply.flags |= dns.flags.TC
        return reply

    upstream = Brief(script)
    try:
        daemon.set("workers", 1)
        daemon.set("forward.upstreams", [scheme + upstream.address])
        daemon.start()
        assert at_once(40, lambda i: daemon.ask("n%d.example" % i)) == [[PUBLIC]] * 40
        assert "upstream silent" not in daemon.log
    finally:
        upstream.close()


def test_strays_do_not_silence_an_upstream(daemon, up):
    """Of the tests' own: ports are used again, and replies to whoever had one before come late."""
    upstream = up(lambda q, _tcp: respond(q, rrset("lkc.example", "A", PUBLIC)))
    reply = respond(dns.message.make_query("late.example", "A")).to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for stray in (reply, reply[:12], b"", b"no DNS"):
            stranger.sendto(stray, ("127.0.0.1", upstream.port))
    assert daemon.ask("lkc.example") == [PUBLIC]


def addresses(reply):
    return sorted(item.to_text() for rrs in reply.answer for item in rrs if rrs.rdtype == dns.rdatatype.A)


def explanations(reply):
    return [(option.code, option.text) for option in reply.options if option.otype == dns.edns.EDE]


def chained(query, *hops, kind="CNAME"):
    owners = [query.question[0].name.to_text(), *hops]
    return [rrset(owner, kind, target.rstrip(".") + ".") for owner, target in zip(owners, hops)]


# ---- chains that lead to us ----------------------------------------------------------------------

B1 = "b1." + ROOT
WHATEVER = {
    "nxdomain": lambda q: respond(q, *chained(q, B1), rcode=dns.rcode.NXDOMAIN, authority=[SOA]),
    "nxdomain with addresses": lambda q: respond(q, *chained(q, B1), rrset(B1, "A", PUBLIC), rcode=dns.rcode.NXDOMAIN),
    "servfail": lambda q: respond(q, *chained(q, B1), rcode=dns.rcode.SERVFAIL),
    "refused": lambda q: respond(q, *chained(q, B1), rcode=dns.rcode.REFUSED),
    "on and back": lambda q: respond(q, *chained(q, B1, "far.example", "lkc.example")),
    "on and on": lambda q: respond(q, *chained(q, B1, *("h%d.example" % i for i in range(20)))),
    "on to another": lambda q: respond(q, *chained(q, B1, "far.example"), rrset("far.example", "A", PUBLIC)),
    "upper case": lambda q: respond(q, *chained(q, B1.upper()), rrset(B1.upper(), "A", PUBLIC)),
    "foreign records": lambda q: respond(q, *chained(q, B1), rrset("else.example", "A", PUBLIC)),
    "dname": lambda q: respond(q, rrset("example", "DNAME", ROOT + "."), *chained(q, "lkc." + ROOT), rrset("lkc." + ROOT, "A", PUBLIC)),
    "dname by a hop": lambda q: respond(q, *chained(q, "x.y.example"), rrset("y.example", "DNAME", ROOT + "."),
                                        rrset("x.y.example", "CNAME", "x." + ROOT + ".")),
}


@pytest.mark.parametrize("script", WHATEVER.values(), ids=WHATEVER.keys())
def test_chain_into_an_owned_name(daemon, up, script):
    """Whatever rcode, addresses or further records the upstream sends behind the owned name."""
    up(lambda q, _tcp: script(q))
    for _ in range(2):
        reply = daemon.query("lkc.example")
        assert reply.rcode() == dns.rcode.NOERROR and addresses(reply) == [OWN], reply.to_text()
        assert PUBLIC not in reply.to_text() and "far.example" not in reply.to_text() and not reply.authority


@pytest.mark.parametrize("hops, rcode", [(16, "NOERROR"), (17, "SERVFAIL")])
def test_length_of_chains(daemon, up, hops, rcode):
    names = ["h%d.example" % i for i in range(hops)]
    up(lambda q, _tcp: respond(q, *chained(q, *names), rrset(names[-1], "A", PUBLIC)))
    assert dns.rcode.to_text(daemon.query("lkc.example").rcode()) == rcode


@pytest.mark.parametrize("kind", ["AAAA", "TXT", "HTTPS", "MX", "TYPE65400"])
def test_chain_for_other_types(daemon, up, kind):
    up(lambda q, _tcp: respond(q, *chained(q, "mid.example", B1)))
    reply = daemon.query("lkc.example", kind)
    assert [rrs.rdtype for rrs in reply.answer] == [dns.rdatatype.CNAME] * 2 and reply.rcode() == dns.rcode.NOERROR
    assert len(reply.authority) == 1 and reply.authority[0].rdtype == dns.rdatatype.SOA and reply.authority[0].ttl == 5


@pytest.mark.parametrize("state, rcode, code", [("PENDING", "SERVFAIL", 14), ("REJECTED", "NXDOMAIN", 15)])
def test_chain_into_a_connection_that_is_not_usable(daemon, up, state, rcode, code):
    daemon.write("b.yaml", document(2, ["10.0.0.2"], state=state))
    up(lambda q, _tcp: respond(q, *chained(q, managed(2)), rrset(managed(2), "A", PUBLIC)))
    for _ in range(2):
        reply = daemon.query("lkc.example", use_edns=0)
        assert dns.rcode.to_text(reply.rcode()) == rcode and explanations(reply)[0][0] == code and PUBLIC not in reply.to_text()


def test_chain_into_a_fence(daemon, up):
    up(lambda q, _tcp: respond(q, *chained(q, "x.corp.example"), rrset("x.corp.example", "A", PUBLIC)), fence=["corp.example"])
    reply = daemon.query("lkc.example", use_edns=0)
    assert reply.rcode() == dns.rcode.NXDOMAIN and explanations(reply)[0][0] == 15 and PUBLIC not in reply.to_text()


def test_cached_chain_is_asked_again_after_the_detachment(daemon, up):
    upstream = up(lambda q, _tcp: respond(q, *chained(q, B1), rrset(B1, "A", PUBLIC)), attachments_detachHold="0s")
    assert daemon.ask("lkc.example") == [OWN]
    daemon.remove("a.yaml")
    assert daemon.reload().status == 200
    assert daemon.ask("lkc.example") == [PUBLIC] and len(upstream.queries) == 2


def test_cached_chain_in_the_hold(daemon, up):
    up(lambda q, _tcp: respond(q, *chained(q, B1), rrset(B1, "A", PUBLIC)))
    assert daemon.ask("lkc.example") == [OWN]
    daemon.remove("a.yaml")
    assert daemon.reload().status == 200
    assert daemon.ask("lkc.example") == "NXDOMAIN"


def test_long_names(daemon, up):
    """255 octets, with every octet that a label may hold, asked and echoed."""
    label = bytes(range(1, 64))
    name = dns.name.Name([b"\0.\\ \xff\x80A@" + b"x" * 55, label, bytes(range(193, 256)), bytes(range(100, 161)), b""])
    assert len(name.to_wire()) == 255
    up(lambda q, _tcp: respond(q, dns.rrset.from_text(q.question[0].name, 300, "IN", "A", PUBLIC)))
    for _ in range(2):
        reply = daemon.query(name)
        assert addresses(reply) == [PUBLIC] and reply.answer[0].name == name
    assert daemon.query(dns.name.Name([b"other", b"\0.\\ \xff", b"example", b""])).rcode() == dns.rcode.NOERROR


@pytest.mark.parametrize("label", [b"a.b", b"\0", b"a\0b", b"*", b"\xff" * 63, b"A" * 63])
def test_octets_in_owned_labels(daemon, up, label):
    upstream = up(lambda q, _tcp: respond(q, rcode=dns.rcode.SERVFAIL))
    name = dns.name.Name([label]).concatenate(dns.name.from_text(ROOT.upper()))
    reply = daemon.query(name)
    assert addresses(reply) == [OWN] and reply.question[0].name.to_wire() == name.to_wire() and not upstream.queries


def test_dots_inside_labels_are_no_boundaries(daemon, up):
    upstream = up(lambda q, _tcp: respond(q, rcode=dns.rcode.NXDOMAIN, authority=[rrset(".", "SOA", ". . 1 2 3 4 5")]))
    whole = dns.name.Name([b"b1." + ROOT.split(".", maxsplit=1)[0].encode(), b"aws", b"plc", b"tidbcloud", b"com", b""])
    other = dns.name.Name([b"b1", ROOT.replace(".tidbcloud.com", "").encode(), b"tidbcloud", b"com", b""])
    for name in (whole, other):
        assert daemon.query(name).rcode() == dns.rcode.NXDOMAIN
    assert len(upstream.queries) == 2


# ---- what is passed on ---------------------------------------------------------------------------

def test_flags_and_options_upstream(daemon, up):
    upstream = up(lambda q, _tcp: respond(q, rrset(q.question[0].name.to_text(), "A", PUBLIC), flags=dns.flags.AD))
    ecs = dns.edns.ECSOption("192.0.2.0", 24)
    cookie = dns.edns.GenericOption(dns.edns.COOKIE, b"12345678")
    for i, (flags, edns) in enumerate([(0, None), (0, dns.flags.DO), (dns.flags.CD, None), (dns.flags.AD, 0), (dns.flags.CD, dns.flags.DO)]):
        options = {"use_edns": 0, "want_dnssec": bool(edns), "options": [ecs, cookie]} if edns is not None else {}
        reply = daemon.query("n%d.example" % i, flags=dns.flags.RD | flags, **options)
        asked = upstream.queries[-1][0]
        assert asked.flags & dns.flags.CD == flags & dns.flags.CD == reply.flags & dns.flags.CD
        assert asked.ednsflags & dns.flags.DO == (edns or 0) == reply.ednsflags & dns.flags.DO
        assert asked.flags & dns.flags.AD >= flags & dns.flags.AD
        assert bool(reply.flags & dns.flags.AD) == bool(flags & dns.flags.AD or edns)
        assert not asked.options and asked.payload == 1232 and asked.flags & dns.flags.RD
        assert (reply.edns >= 0) == (edns is not None)


def test_cache_key(daemon, up):
    upstream = up(lambda q, _tcp: respond(q, rrset(q.question[0].name.to_text(), "A", PUBLIC)))
    for _ in range(3):
        for flags in (0, dns.flags.CD):
            for do in (False, True):
                daemon.query("Key.Example", flags=dns.flags.RD | flags, use_edns=0, want_dnssec=do)
                daemon.query("kEY.exAMPLE", flags=dns.flags.RD | flags, use_edns=0, want_dnssec=do)
    assert len(upstream.queries) == 4


def test_case_is_each_clients_own(daemon, up):
    up(lambda q, _tcp: respond(q, rrset(q.question[0].name.to_text(), "A", PUBLIC)))
    for name in ("Www.Example", "wWW.eXAMPLE"):
        reply = daemon.query(name)
        assert reply.question[0].name.to_wire() == reply.answer[0].name.to_wire() == dns.name.from_text(name).to_wire()


def test_merged_questions(daemon, up):
    """Each waiting client gets its own id and letters; the upstream is asked once."""
    gate = threading.Event()

    def script(q, _tcp):
        gate.wait(5)
        return respond(q, rrset(q.question[0].name.to_text(), "A", PUBLIC))
    upstream = up(script)
    queries = [dns.message.make_query(name, "A", id=i + 1) for i, name in enumerate(["a.example", "A.example", "a.EXAMPLE", "a.example"])]
    sockets = []
    for query in queries:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(5 * SLACK)
        s.sendto(query.to_wire(), ("127.0.0.1", daemon.port))
        sockets.append(s)
    eventually(lambda: upstream.queries and daemon.counter("merged_queries") == 3)
    gate.set()
    for query, s in zip(queries, sockets):
        wire = s.recv(65535)
        s.close()
        assert wire[:2] == query.to_wire()[:2] and wire[12:].startswith(query.to_wire()[12:])
    assert len(upstream.queries) == 1


def test_big_answers(daemon, up):
    """Truncated upstream → TCP; whole over TCP; as much as fits over UDP."""
    big = ["\"%s\"" % (chr(97 + i) * 255) for i in range(26)] * 9

    def script(q, tcp):
        text = rrset(q.question[0].name.to_text(), "TXT", *["\"%d\" %s" % (i, item) for i, item in enumerate(big)])
        return respond(q, text) if tcp else respond(q, flags=dns.flags.TC)
    upstream = up(script)
    reply = daemon.query("big.example", "TXT", tcp=True)
    assert len(reply.answer[0]) == 234 and not reply.flags & dns.flags.TC and len(reply.to_wire(max_size=65535)) > 60000
    assert [tcp for _, tcp, _ in upstream.queries] == [False, True]
    for size, least in ((None, 1), (512, 1), (1232, 4), (4096, 4)):
        reply = daemon.query("big.example", "TXT", **({"use_edns": 0, "payload": size} if size else {}))
        assert reply.flags & dns.flags.TC and len(reply.answer[0]) >= least and len(reply.to_wire()) <= (size or 512)
    assert len(upstream.queries) == 2


# ---- TTLs ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("ttl, again", [(0, 2), (1 << 31, 2), (0xffffffff, 2), (1, 1)])
def test_ttl_zero_means_once(daemon, up, ttl, again):
    def script(q, _tcp):
        wire = bytearray(respond(q, rrset(q.question[0].name.to_text(), "A", PUBLIC, ttl=7)).to_wire())
        at = bytes(wire).index(struct.pack("!HHI", 1, 1, 7))
        wire[at + 4:at + 8] = struct.pack("!I", ttl)
        return bytes(wire)
    upstream = up(script)
    for _ in range(2):
        assert daemon.query("www.example").answer[0].ttl == (ttl if ttl < 1 << 31 else 0)
    assert len(upstream.queries) == again


def test_ttl_counts_down(daemon, up):
    up(lambda q, _tcp: respond(q, *chained(q, "mid.example"), rrset("mid.example", "A", PUBLIC, ttl=7)))
    assert [rrs.ttl for rrs in daemon.query("www.example").answer] == [300, 7]
    time.sleep(1.1)
    assert [rrs.ttl for rrs in daemon.query("www.example").answer] in ([299, 6], [6, 6])


def test_negative_without_soa_is_not_kept(daemon, up):
    upstream = up(lambda q, _tcp: respond(q, rcode=dns.rcode.NXDOMAIN))
    for _ in range(2):
        assert daemon.ask("www.example") == "NXDOMAIN"
    assert len(upstream.queries) == 2


# ---- lies ----------------------------------------------------------------------------------------

def test_wrong_replies_by_the_thousand(daemon, up):
    """Wrong ids and questions, responses that are queries, runts; then the question goes over TCP."""
    def script(q, tcp):
        good = respond(q, rrset(q.question[0].name.to_text(), "A", PUBLIC))
        if tcp:
            return good
        lie = respond(q, rrset(q.question[0].name.to_text(), "A", "192.0.2.66")).to_wire()
        wrong = [struct.pack("!H", (q.id + 1 + i) & 0xffff) + lie[2:] for i in range(1000)]
        return wrong
    upstream = up(script)
    assert daemon.ask("www.example") == [PUBLIC]
    assert upstream.queries[-1][1]


LIES = {
    "runt": lambda wire, q: wire[:11],
    "a query": lambda wire, q: wire[:2] + bytes([wire[2] & 0x7f]) + wire[3:],
    "opcode": lambda wire, q: wire[:2] + bytes([wire[2] | 0x28]) + wire[3:],
    "other name": lambda wire, q: wire.replace(b"\3www", b"\3wwx"),
    "other case": lambda wire, q: wire[:12] + wire[12:].replace(b"\3www", b"\3wWw", 1),
    "other type": lambda wire, q: wire[:12] + wire[12:].replace(b"\0\1\0\1", b"\0\x1c\0\1", 1),
    "other class": lambda wire, q: wire[:12] + wire[12:].replace(b"\0\1\0\1", b"\0\1\0\3", 1),
    "no question": lambda wire, q: wire[:4] + b"\0\0" + wire[6:12] + wire[12 + len(q.question[0].name.to_wire()) + 4:],
    "two questions": lambda wire, q: wire[:4] + b"\0\2" + wire[6:],
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_lies_are_passed_over(daemon, up, lie):
    """What does not answer the question is dropped; the truth behind it counts."""
    def script(q, _tcp):
        good = respond(q, rrset("www.example", "A", PUBLIC)).to_wire()
        bad = lie(respond(q, rrset("www.example", "A", "192.0.2.66")).to_wire(), q)
        return [bad, good]
    up(script)
    start = time.monotonic()
    assert daemon.ask("www.example") == [PUBLIC]
    assert time.monotonic() - start < 0.5 * SLACK


def test_another_port_is_passed_over(daemon, up):
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def script(q, _tcp):
        port = upstream.queries[-1][2]
        stranger.sendto(respond(q, rrset("www.example", "A", "192.0.2.66")).to_wire(), ("127.0.0.1", port))
        time.sleep(0.05)
        return respond(q, rrset("www.example", "A", PUBLIC))
    upstream = up(script)
    with stranger:
        assert daemon.ask("www.example") == [PUBLIC]


BROKEN = {
    "trailing garbage": lambda wire: wire + b"x",
    "cut off": lambda wire: wire[:-1],
    "lying answer count": lambda wire: wire[:6] + b"\0\2" + wire[8:],
    "short address": lambda wire: wire[:-6] + b"\0\3" + wire[-4:-1],
    "pointer to itself": lambda wire: wire[:12] + wire[12:].replace(b"\xc0\x0c", struct.pack("!H", 0xc000 | wire.rindex(b"\xc0\x0c")), 1),
    "pointer into the header": lambda wire: wire[:12] + wire[12:].replace(b"\xc0\x0c", b"\xc0\0", 1),
    "other owner": lambda wire: wire[:12] + wire[12:].replace(b"\xc0\x0c", b"\xc0\x10", 1),
}


@pytest.mark.parametrize("damage", BROKEN.values(), ids=BROKEN.keys())
def test_broken_replies(daemon, up, damage):
    up(lambda q, _tcp: damage(respond(plain(q), rrset("www.example", "A", "192.0.2.66")).to_wire()))
    start = time.monotonic()
    reply = daemon.query("www.example", use_edns=0)
    assert reply.rcode() == dns.rcode.SERVFAIL and not reply.answer and [code for code, _ in explanations(reply)] == [23]
    assert time.monotonic() - start < 2.2 * SLACK


def plain(query):
    """The query without EDNS, so that the reply ends with its last record."""
    query.use_edns(-1)
    return query


def test_broken_replies_turn_to_the_next(daemon, scripted):
    bad = scripted(lambda q, _tcp: respond(q, rrset("www.example", "A", "192.0.2.66")).to_wire() + b"x")
    good = scripted(lambda q, _tcp: respond(q, rrset(q.question[0].name.to_text(), "A", PUBLIC)))
    daemon.set("forward.upstreams", [bad.address, good.address])
    daemon.start()
    for i in range(5):
        assert daemon.ask("w%d.example" % i) == [PUBLIC]


def test_extras_are_not_believed(daemon, up):
    """Nothing beside the answer is kept under other names."""
    def script(q, _tcp):
        name = q.question[0].name.to_text()
        reply = respond(q, rrset(name, "A", PUBLIC), authority=[rrset("example", "NS", "evil.example.")])
        reply.additional.append(rrset("evil.example", "A", "192.0.2.66"))
        reply.additional.append(rrset(B1, "A", "192.0.2.66"))
        return reply
    upstream = up(script)
    daemon.ask("www.example")
    assert daemon.ask("evil.example") == [PUBLIC] and daemon.ask(B1) == [OWN] and len(upstream.queries) == 2


def test_unknown_types_pass(daemon, up):
    up(lambda q, _tcp: respond(q, rrset(q.question[0].name.to_text(), "TYPE65400", "\\# 5 c00cff0001")))
    assert daemon.query("www.example", "TYPE65400").answer[0][0].data == b"\xc0\x0c\xff\0\1"


def test_case_random(daemon, up):
    upstream = up(lambda q, _tcp: respond(q, rrset(q.question[0].name.to_text(), "A", PUBLIC)), forward_case="random")
    names = set()
    for i in range(4):
        reply = daemon.query("abcdefghijklmnopqrst%d.example" % i)
        assert addresses(reply) == [PUBLIC] and reply.answer[0].name.to_text() == "abcdefghijklmnopqrst%d.example." % i
        names.add(upstream.queries[-1][0].question[0].name.to_text()[:20])
    assert len(names) > 1


def test_case_random_before_a_server_that_folds(daemon, up):
    def script(q, tcp):
        wire = respond(q, rrset(q.question[0].name.to_text().lower(), "A", PUBLIC)).to_wire()
        return wire[:12] + wire[12:].lower()
    upstream = up(script, forward_case="random")
    assert daemon.ask("abcdefghijklmnopqrst.example") == [PUBLIC] and upstream.queries[-1][1]


def test_formerr_to_edns(daemon, up):
    def script(q, _tcp):
        if q.edns >= 0:
            return struct.pack("!6H", q.id, 0x8181, 1, 0, 0, 0) + q.question[0].name.to_wire() + struct.pack("!HH", q.question[0].rdtype, 1)
        return respond(q, rrset(q.question[0].name.to_text(), "A", PUBLIC))
    upstream = up(script)
    assert daemon.ask("www.example") == [PUBLIC] and [q.edns >= 0 for q, _, _ in upstream.queries] == [True, False]
    assert daemon.ask("again.example") == [PUBLIC]


# ---- upstreams that come and go ------------------------------------------------------------------

def test_closed_port_first(daemon, upstream):
    daemon.set("forward.upstreams", ["127.0.0.1:%d" % free_port(), upstream.address])
    daemon.set("workers", 1)
    daemon.start()
    for i in range(10):
        upstream.answers["w%d.example" % i] = [PUBLIC]
        start = time.monotonic()
        assert daemon.ask("w%d.example" % i) == [PUBLIC]
        assert time.monotonic() - start < 0.5 * SLACK


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "NOTIMP"])
def test_rcodes_try_the_next(daemon, scripted, upstream, rcode):
    bad = scripted(lambda q, _tcp: respond(q, rcode=dns.rcode.from_text(rcode)))
    daemon.set("forward.upstreams", [bad.address, upstream.address])
    daemon.start()
    upstream.answers["www.example"] = [PUBLIC]
    assert daemon.ask("www.example") == [PUBLIC] and bad.queries


def test_only_refusals(daemon, up):
    upstream = up(lambda q, _tcp: respond(q, rcode=dns.rcode.REFUSED))
    assert daemon.ask("www.example") == "REFUSED"
    assert len(upstream.queries) <= 12


def test_all_dead_and_alive_again(daemon, scripted):
    alive = threading.Event()
    upstream = scripted(lambda q, _tcp: respond(q, rrset(q.question[0].name.to_text(), "A", PUBLIC)) if alive.is_set() else None)
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("forward.timeout", "500ms")
    daemon.set("workers", 1)
    daemon.write("a.yaml", document(1, [OWN]))
    daemon.start()
    start = time.monotonic()
    reply = daemon.query("www.example", use_edns=0)
    assert 0.3 < time.monotonic() - start < 0.7 * SLACK
    assert reply.rcode() == dns.rcode.SERVFAIL and [code for code, _ in explanations(reply)] == [22]
    assert len(upstream.queries) <= 12
    start = time.monotonic()
    assert daemon.ask(B1) == [OWN] and daemon.ask("www.example") == "SERVFAIL"     # both at once
    assert time.monotonic() - start < 0.2 * SLACK
    alive.set()
    eventually(lambda: daemon.ask("n%d.example" % time.monotonic_ns()) == [PUBLIC], seconds=5)


@pytest.fixture(name="hole")
def fixture_hole():
    """An address where connections are neither made nor refused: nobody accepts them, and the queue is full."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener, contextlib.ExitStack() as held:
        listener.bind(("127.0.0.1", free_port()))
        listener.listen(0)
        for _ in range(4):
            waiting = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield "127.0.0.1:%d" % listener.getsockname()[1]


def test_black_hole_over_tcp(daemon, hole):
    """Hundreds of questions a second whose connections never stand."""
    daemon.set("forward.upstreams", ["tcp://" + hole])
    daemon.set("workers", 1)
    daemon.write("a.yaml", document(1, [OWN]))
    daemon.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        start, sent = time.monotonic(), 0
        while (passed := time.monotonic() - start) < 4:
            while sent < 400 * passed:
                s.sendto(dns.message.make_query("n%d.example" % sent, "A").to_wire(), ("127.0.0.1", daemon.port))
                sent += 1
            time.sleep(0.005)
        assert daemon.process.poll() is None, daemon.log
    assert daemon.ask(B1) == [OWN]
    assert daemon.ask("www.example") == "SERVFAIL"


def test_stale_answers(daemon, scripted):
    alive = threading.Event()
    alive.set()
    upstream = scripted(lambda q, _tcp: respond(q, rrset(q.question[0].name.to_text(), "A", PUBLIC, ttl=1)) if alive.is_set() else None)
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("forward.timeout", "300ms")
    daemon.set("workers", 1)
    daemon.start()
    assert daemon.ask("www.example") == [PUBLIC]
    alive.clear()
    time.sleep(1.2)
    reply = daemon.query("www.example", use_edns=0)
    assert addresses(reply) == [PUBLIC] and reply.answer[0].ttl == 30 and [code for code, _ in explanations(reply)] == [3]


def test_routes(daemon, scripted):
    """The longest suffix on label boundaries wins, in any letter case."""
    here, cluster, deep = (scripted(lambda q, _tcp, a=a: respond(q, rrset(q.question[0].name.to_text(), "A", a)))
                           for a in ("192.0.2.1", "192.0.2.2", "192.0.2.3"))
    daemon.set("forward.upstreams", [here.address])
    daemon.set("forward.routes", [{"suffix": "cluster.local", "upstreams": [cluster.address]},
                                  {"suffix": "deep.cluster.local", "upstreams": [deep.address]}])
    daemon.start()
    for name, expected in (("x.cluster.local", 2), ("cluster.local", 2), ("X.DEEP.Cluster.Local", 3), ("deep.cluster.local", 3),
                           ("xcluster.local", 1), ("xdeep.cluster.local", 2), ("cluster.local.example", 1), ("local", 1)):
        assert daemon.ask(name) == ["192.0.2.%d" % expected], name


def test_source_ports_and_ids(daemon, up):
    upstream = up(lambda q, _tcp: respond(q, rrset(q.question[0].name.to_text(), "A", PUBLIC)))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5 * SLACK)
        for i in range(600):
            s.sendto(dns.message.make_query("n%d.example" % i, "A").to_wire(), ("127.0.0.1", daemon.port))
            s.recv(512)
    ports = [port for _, _, port in upstream.queries]
    assert len(set(ports)) > 150 and len({q.id for q, _, _ in upstream.queries}) > 550
    assert sum(abs(a - b) <= 1 for a, b in zip(ports, ports[1:])) < 30


def test_cache_of_all_workers_is_bounded(daemon, up):
    """cache.size is for all of them together, and all bookkeeping counts."""
    up(lambda q, _tcp: respond(q, rrset(q.question[0].name.to_text(), "A", PUBLIC)), workers=3, cache_size="96KiB")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5 * SLACK)
        for i in range(1500):
            s.sendto(dns.message.make_query("n%d.example" % i, "A").to_wire(), ("127.0.0.1", daemon.port))
            s.recv(512)

    told = dict(line.rsplit(" ", 1) for line in daemon.admin("/metrics").body.splitlines())
    assert int(told["pldns_cache_evicted_total"]) > 500
    assert 48 << 10 < int(told["pldns_cache_bytes"]) <= 96 << 10
    assert int(told["pldns_cache_entries"]) + int(told["pldns_cache_evicted_total"]) == 1500


def test_table_and_cache_in_a_reload_storm(daemon, up):
    """Chains and cached names while the table changes all the time: each answer is one of the right ones."""
    up(lambda q, _tcp: respond(q, *chained(q, "turn.example"), rrset("turn.example", "A", PUBLIC)), attachments_detachHold="0s")
    daemon.write("t.yaml", custom(2, ["10.0.0.2"], "turn.example"))
    over = threading.Event()
    wrong = []

    def ask():
        i = 0
        while not over.is_set():
            i += 1
            found = daemon.ask("lkc%d.example" % (i % 5))
            if found not in ([PUBLIC], ["10.0.0.2"]) or daemon.ask(B1) != [OWN]:
                wrong.append(found)
    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(8):
        daemon.remove("t.yaml")
        assert daemon.reload().status == 200
        daemon.write("t.yaml", custom(2, ["10.0.0.2"], "turn.example"))
        assert daemon.reload().status == 200
    over.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert daemon.ask("lkc1.example") == ["10.0.0.2"]
