"""Which answer every query gets: docs/answers.md, row by row, through the real daemon."""
import socket
import struct

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import pytest

from conftest import SLACK, custom, document, managed, unique

ROOT = "%s.aws.plc.tidbcloud.com" % unique(1)
LISTED = "%s.aws.plc.tidbcloud.com" % unique(7)     # its names are written out
ZONAL = [{"zone": "use1-az1", "addresses": ["10.0.1.5", "10.0.1.6"]}, {"zone": "use1-az2", "addresses": ["10.0.2.5"]}]
PUBLIC = "203.0.113.9"


@pytest.fixture(name="full")
def fixture_full(daemon, upstream):
    """Every kind of connection in one table."""
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("fence", ["corp.example"])
    daemon.set("searchSuffixes", ["svc.cluster.local"])
    daemon.set("instance", "here")
    daemon.set("workers", 1)    # one cache: what was asked once is cached for all
    daemon.write("zonal.yaml", document(1, [], endpoints=ZONAL))
    daemon.write("host.yaml", custom(2, ["10.0.3.5"], "db.x.rds.example"))
    daemon.write("wild.yaml", custom(3, ["10.0.4.5", "fd00::4"], "*.kafka.example", "exact.kafka.example"))
    daemon.write("wait.yaml", document(4, ["10.0.5.5"], state="PENDING_ACCEPTANCE", message="not accepted yet"))
    daemon.write("gone.yaml", document(5, ["10.0.6.5"], state="Rejected"))
    daemon.write("many.yaml", custom(6, ["10.9.0.%d" % i for i in range(1, 17)], "*.many.example", "m.example"))
    daemon.write("listed.yaml", document(7, [], endpoints=ZONAL, attachedDomains=[{
        "type": "TIDBCLOUD_MANAGED", "uniqueName": unique(7),
        "domains": [{"name": "*." + LISTED}, {"name": "b2.use1-az1." + LISTED}]}]))
    upstream.answers["www.example"] = [PUBLIC]
    return daemon.start()


def raw(daemon, packet, tcp=False, timeout=2.0):
    """The reply to these octets, or None."""
    kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as s:
        s.settimeout(timeout * SLACK)
        s.connect(("127.0.0.1", daemon.port))
        try:
            if not tcp:
                s.send(packet)
                return s.recv(65535)
            s.sendall(struct.pack("!H", len(packet)) + packet)
            with s.makefile("rb") as reader:
                head = reader.read(2)
                return reader.read(struct.unpack("!H", head)[0]) if head else b""
        except socket.timeout:
            return None


def octets(name="b1." + ROOT, kind=1, flags=0x0100, cls=1, count=1):
    return struct.pack("!6H", 0x1234, flags, count, 0, 0, 0) + dns.name.from_text(name).to_wire() + struct.pack("!2H", kind, cls)


def explanations(reply):
    return [(option.code, option.text or "") for option in reply.options if option.otype == dns.edns.OptionType.EDE]


def soa_of(reply):
    found = [rrset for rrset in reply.authority if rrset.rdtype == dns.rdatatype.SOA]
    assert len(found) == 1 and len(found[0]) == 1
    return found[0]


# ---- 1. is it a query? ---------------------------------------------------------------------------

@pytest.mark.parametrize("packet", [b"", b"\0" * 11, octets(flags=0x8180)], ids=["empty", "runt", "response"])
def test_silence(full, packet):
    assert raw(full, packet, timeout=0.5) is None


@pytest.mark.parametrize("opcode", [1, 2, 3, 4, 5, 6, 15])
def test_other_opcodes(full, upstream, opcode):
    reply = raw(full, octets("www.example", flags=opcode << 11))
    assert reply[:2] == b"\x12\x34" and reply[2] >> 3 & 15 == opcode and reply[3] & 15 == dns.rcode.NOTIMP
    assert not upstream.asked


BROKEN = {
    "no question": struct.pack("!6H", 0x1234, 0x100, 0, 0, 0, 0),
    "two questions": octets(count=2) + octets()[12:],
    "cut off": octets()[:-3],
    "pointer": struct.pack("!6H", 0x1234, 0x100, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1",
    "label type 40": struct.pack("!6H", 0x1234, 0x100, 1, 0, 0, 0) + b"\x41a\0\0\1\0\1",
    "label type 80": struct.pack("!6H", 0x1234, 0x100, 1, 0, 0, 0) + b"\x81a\0\0\1\0\1",
    "lying answer count": struct.pack("!6H", 0x1234, 0x100, 1, 1, 0, 0) + octets()[12:],
    "two OPT": struct.pack("!6H", 0x1234, 0x100, 1, 0, 0, 2) + octets()[12:] + b"\0\0\x29\4\xd0\0\0\0\0\0\0" * 2,
    "OPT owner": struct.pack("!6H", 0x1234, 0x100, 1, 0, 0, 1) + octets()[12:] + b"\1a\0\0\x29\4\xd0\0\0\0\0\0\0",
    "OPT rdata": struct.pack("!6H", 0x1234, 0x100, 1, 0, 0, 1) + octets()[12:] + b"\0\0\x29\4\xd0\0\0\0\0\0\3\0\12\0",
}


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("packet", BROKEN.values(), ids=BROKEN.keys())
def test_malformed(full, packet, tcp):
    reply = raw(full, packet, tcp)
    assert reply[:2] == b"\x12\x34" and reply[2] & 0x80 and reply[3] & 15 == dns.rcode.FORMERR


def test_edns_version(full):
    packet = octets()[:10] + b"\0\1" + octets()[12:] + b"\0\0\x29\4\xd0\0\1\0\0\0\0"
    reply = dns.message.from_wire(raw(full, packet))
    assert reply.rcode() == dns.rcode.BADVERS and reply.edns == 0 and not reply.answer


@pytest.mark.parametrize("name", ["b1." + ROOT, "www.example"])
@pytest.mark.parametrize("kind, rcode", [("AXFR", "REFUSED"), ("IXFR", "REFUSED"), ("MAILA", "NOTIMP"), ("MAILB", "NOTIMP"),
                                         ("OPT", "NOTIMP"), ("TSIG", "NOTIMP"), ("TKEY", "NOTIMP")])
def test_types_refused(full, upstream, name, kind, rcode):
    reply = raw(full, octets(name, dns.rdatatype.from_text(kind)))
    assert dns.rcode.to_text(reply[3] & 15) == rcode
    assert not upstream.asked


@pytest.mark.parametrize("name", ["b1." + ROOT, "www.example"])
def test_any_is_minimal(full, upstream, name):
    reply = full.query(name, "ANY")
    assert [rrset.rdtype for rrset in reply.answer] == [dns.rdatatype.HINFO] and not upstream.asked


def test_other_class(full, upstream):
    assert full.query("b1." + ROOT, "A", rdclass="HS").rcode() == dns.rcode.REFUSED
    assert not upstream.asked


def test_header_and_question(full):
    name = "B1." + ROOT.upper()
    reply = raw(full, octets(name, flags=0x0110 | 0x0060))      # RD, CD, and AD and Z, which are not copied
    assert reply[2] == 0x85 and reply[3] == 0x90                # QR AA RD; RA CD
    assert octets(name)[12:] in reply                           # letter case as asked
    assert struct.unpack("!H", reply[10:12])[0] == 0            # no OPT, as none came


def test_clients_refused(daemon, upstream):
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("clients", {"allow": ["192.0.2.0/24"]})
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    reply = daemon.query(managed(1), use_edns=0)
    assert reply.rcode() == dns.rcode.REFUSED and explanations(reply)[0][0] == 18 and reply.question


def test_clients_dropped(daemon):
    daemon.set("clients", {"allow": ["192.0.2.0/24"], "otherwise": "drop"})
    daemon.start()
    assert raw(daemon, octets(), timeout=0.5) is None


@pytest.mark.parametrize("damage", [lambda wire: wire[:2] + b"\x10" + wire[3:], lambda wire: wire + b"x", lambda wire: wire[:20]],
                         ids=["opcode 2", "trailing octet", "cut off"])
def test_clients_dropped_whatever_they_send(daemon, damage):
    daemon.set("clients", {"allow": ["192.0.2.0/24"], "otherwise": "drop"})
    daemon.start()
    assert raw(daemon, damage(octets()), timeout=0.5) is None
    assert daemon.counter("dropped_clients") == 1


@pytest.mark.parametrize("size, records, truncated", [(None, 30, True), (512, 29, True), (1232, 32, False), (100, 29, True)])
def test_truncation(daemon, size, records, truncated):
    endpoints = [{"addresses": ["10.9.%d.%d" % (k, i) for i in range(1, 17)]} for k in (1, 2)]
    daemon.write("a.yaml", document(1, [], endpoints=endpoints, attachedDomains=[{"type": "CUSTOM", "domains": [{"name": "many.example"}]}]))
    daemon.start()
    options = {} if size is None else {"use_edns": 0, "payload": size}
    reply = daemon.query("many.example", **options)
    fits = (512 if size is None else max(512, min(size, 1232))) - 12 - 18 - (0 if size is None else 11)
    assert len(reply.answer[0]) == min(32, fits // 16) == records
    assert bool(reply.flags & dns.flags.TC) == truncated
    whole = daemon.query("many.example", tcp=True, **options)
    assert len(whole.answer[0]) == 32 and not whole.flags & dns.flags.TC


# ---- 2. owned names ------------------------------------------------------------------------------

ADDRESSES = [
    ("b1." + ROOT, ["10.0.1.5", "10.0.1.6", "10.0.2.5"]),
    ("a.b.c." + ROOT, ["10.0.1.5", "10.0.1.6", "10.0.2.5"]),
    ("*." + ROOT, ["10.0.1.5", "10.0.1.6", "10.0.2.5"]),
    ("B1.USE1-AZ1." + ROOT.upper(), ["10.0.1.5", "10.0.1.6"]),
    ("x.y.use1-az2." + ROOT, ["10.0.2.5"]),
    ("use1-az1." + ROOT, "NOERROR"),
    (ROOT, "NOERROR"),
    ("b1.use1-az9." + ROOT, "NXDOMAIN"),
    ("b1." + LISTED, ["10.0.1.5", "10.0.1.6", "10.0.2.5"]),
    ("b1.use1-az2." + LISTED, ["10.0.2.5"]),
    ("b2.use1-az1." + LISTED, ["10.0.1.5", "10.0.1.6"]),
    ("b1.use1-az9." + LISTED, "NXDOMAIN"),
    ("use1-az2." + LISTED, "NOERROR"),
    ("db.x.rds.example", ["10.0.3.5"]),
    ("any.kafka.example", ["10.0.4.5"]),
    ("exact.kafka.example", ["10.0.4.5"]),
    ("below.exact.kafka.example", "NXDOMAIN"),
    ("kafka.example", "NOERROR"),
    (managed(4), "SERVFAIL"),
    (managed(5), "NXDOMAIN"),
]


@pytest.mark.parametrize("name, expected", ADDRESSES, ids=[row[0] for row in ADDRESSES])
def test_owned(full, upstream, name, expected):
    assert full.ask(name) == expected
    assert not upstream.asked
    assert full.query(name).flags & dns.flags.AA


@pytest.mark.parametrize("kind", ["AAAA", "HTTPS", "SVCB", "TXT", "MX", "SRV", "NS", "CNAME", "PTR", "DS", "TYPE65400", "SOA"])
@pytest.mark.parametrize("name", ["b1." + ROOT, "use1-az1." + ROOT])
def test_a_type_never_falls_through(full, upstream, name, kind):
    reply = full.query(name, kind)
    assert reply.rcode() == dns.rcode.NOERROR and not reply.answer and not upstream.asked
    soa = soa_of(reply)
    assert soa.ttl == 5 and soa[0].minimum == 5 and soa.name == dns.name.from_text(ROOT)


def test_addresses_of_both_families(full):
    assert full.ask("any.kafka.example", "AAAA") == ["fd00::4"]


def test_ttl_and_rotation(full):
    replies = [full.query("b1." + ROOT) for _ in range(6)]
    assert {reply.answer[0].ttl for reply in replies} == {30}
    assert len({reply.answer[0][0].address for reply in replies}) == 3


def test_rotation_for_who_asks_for_both_families(full):
    """As stub resolvers do: the questions between must not bring every answer back to the same address."""
    firsts = []
    for _ in range(4):
        firsts.append(full.query("b1.use1-az1." + ROOT).answer[0][0].address)
        full.query("b1.use1-az1." + ROOT, "AAAA")
    assert firsts == [firsts[0], firsts[1]] * 2 and len(set(firsts)) == 2


def test_not_all_that_just_started_begin_with_the_first_address(daemon):
    """Pods that start together, and ask once each, are to be spread over the endpoints."""
    daemon.write("a.yaml", document(1, ["10.1.0.1", "10.1.0.2"]))
    firsts = set()
    for _ in range(40):
        daemon.start()
        firsts.add(daemon.query("b1." + managed(1)).answer[0][0].address)
        daemon.stop()
        if len(firsts) == 2:
            return
    assert firsts == {"10.1.0.1", "10.1.0.2"}


def test_soa_at_a_root(full):
    reply = full.query(ROOT, "SOA")
    assert reply.answer[0][0].serial == full.status()["generation"] and not reply.authority


@pytest.mark.parametrize("name, code, words", [
    (managed(4), 14, ["plc-4", "PENDING_ACCEPTANCE", "not accepted yet"]),
    (managed(5), 15, []),
    ("b1.use1-az9." + ROOT, 15, ["no endpoint in zone use1-az9"]),
    ("host.corp.example", 15, []),
])
def test_explained(full, name, code, words):
    reply = full.query(name, use_edns=0)
    (found, text), = explanations(reply)
    assert found == code and all(word in text for word in words)
    assert not explanations(full.query(name))           # only when the query had EDNS


@pytest.mark.parametrize("name", ["xaws.plc.tidbcloud.com", "b1.%s.evil.example" % ROOT, "x" + ROOT, "below.db.x.rds.example",
                                  "x.rds.example", "aws.plc.tidbcloud.com", "other.x.rds.example"])
def test_look_alikes_are_forwarded(full, upstream, name):
    assert full.ask(name) == "NXDOMAIN"
    assert upstream.names() == [name]


# ---- 3. and 4. ------------------------------------------------------------------------------------

def test_tombstone(full, upstream):
    full.remove("host.yaml")
    assert full.reload().status == 200
    reply = full.query("db.x.rds.example", use_edns=0)
    assert reply.rcode() == dns.rcode.NXDOMAIN and explanations(reply) == [(15, "detached")] and not upstream.asked


def test_tombstone_ends(daemon, upstream):
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("attachments.detachHold", "0s")
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    upstream.answers[managed(1)] = [PUBLIC]
    daemon.remove("a.yaml")
    daemon.reload()
    assert daemon.ask(managed(1)) == [PUBLIC]


@pytest.mark.parametrize("name, kind, expected", [
    ("host.corp.example", "A", "NXDOMAIN"),
    ("b1.%s.svc.cluster.local" % ROOT, "A", "NXDOMAIN"),
    ("localhost", "A", ["127.0.0.1"]),
    ("x.localhost", "AAAA", ["::1"]),
    ("1.0.0.127.in-addr.arpa", "PTR", ["localhost."]),
    ("x.invalid", "A", "NXDOMAIN"),
    ("x.onion", "A", "NXDOMAIN"),
])
def test_never_sent_upstream(full, upstream, name, kind, expected):
    reply = full.query(name, kind)
    assert full.ask(name, kind) == expected and not upstream.asked
    if expected == "NXDOMAIN":
        soa_of(reply)


# ---- 5. and 6. ------------------------------------------------------------------------------------

def test_recursion_not_desired(full, upstream):
    assert full.query("www.example", flags=0).rcode() == dns.rcode.REFUSED and not upstream.asked
    assert full.ask("www.example") == [PUBLIC]
    assert full.ask("www.example", flags=0) == [PUBLIC] and len(upstream.asked) == 1


def chain(name, *hops):
    owners = [name + "."] + [hop + "." for hop in hops]
    return [(owner, "CNAME", target) for owner, target in zip(owners, owners[1:])]


@pytest.mark.parametrize("again", [1, 2], ids=["fresh", "cached"])
@pytest.mark.parametrize("target, kind, rcode, addresses", [
    ("b1.use1-az2." + ROOT, "A", "NOERROR", ["10.0.2.5"]),
    ("b1." + ROOT, "AAAA", "NOERROR", []),
    ("b1.use1-az9." + ROOT, "A", "NXDOMAIN", []),
    (managed(4), "A", "SERVFAIL", None),
])
def test_chain(full, upstream, target, kind, rcode, addresses, again):
    lkc = "lkc-1.glb.example"
    upstream.answers[lkc] = chain(lkc, "mid.example", target) + [(target + ".", kind, PUBLIC if kind == "A" else "2001:db8::9")]
    for _ in range(again):
        reply = full.query(lkc, kind)
    assert dns.rcode.to_text(reply.rcode()) == rcode
    if addresses is None:
        assert not reply.answer
        return
    hops = [rrset for rrset in reply.answer if rrset.rdtype == dns.rdatatype.CNAME]
    assert [rrset.name.to_text() for rrset in hops] == [lkc + ".", "mid.example."]
    assert [item.to_text() for rrset in reply.answer for item in rrset if rrset.rdtype == dns.rdatatype.from_text(kind)] == addresses
    assert all(rrset.name.to_text() == target + "." for rrset in reply.answer if rrset.rdtype != dns.rdatatype.CNAME)
    assert PUBLIC not in reply.to_text() and "2001:db8::9" not in reply.to_text() and len(upstream.asked) == 1
    if not addresses:
        assert soa_of(reply).name == dns.name.from_text(ROOT)


def test_chain_of_nxdomain(full, upstream):
    """The public DNS knows the alias, not the private target: the usual Confluent case."""
    def dangling(_name, _kind):
        return chain("lkc.example", "b1." + ROOT)
    upstream.answers["lkc.example"] = dangling
    assert full.ask("lkc.example") == ["10.0.1.5", "10.0.1.6", "10.0.2.5"]


def test_chain_asked_for_as_such(full, upstream):
    upstream.answers["lkc.example"] = chain("lkc.example", "b1." + ROOT)
    reply = full.query("lkc.example", "CNAME")
    assert [rrset.rdtype for rrset in reply.answer] == [dns.rdatatype.CNAME]


def test_chain_loop(full, upstream):
    upstream.answers["loop.example"] = chain("loop.example", "pool.example", "loop.example")
    assert full.ask("loop.example") == "SERVFAIL"


def test_cached_chain_follows_the_table(full, upstream):
    upstream.answers["w.example"] = chain("w.example", "late.example") + [("late.example.", "A", PUBLIC)]
    assert full.ask("w.example") == [PUBLIC]
    full.write("late.yaml", custom(9, ["10.0.9.9"], "late.example"))
    full.reload()
    assert full.ask("w.example") == ["10.0.9.9"] and len(upstream.asked) == 1


# ---- 7. diagnosis --------------------------------------------------------------------------------

def test_chaos(full):
    assert full.chaos("version.bind").startswith("pldns ") and full.chaos("version.server") == full.chaos("version.bind")
    assert full.chaos("hostname.bind") == full.chaos("id.server") == "here"
    for word in ("generation=1", "accepted=7", "refused=0", "age=", "hash="):
        assert word in full.chaos("generation.pldns")
    owned = full.chaos("b1.use1-az1." + ROOT)
    for word in ("owned", "rule=*.use1-az1." + ROOT, "connection=plc-1", "zone=use1-az1", "state=ACTIVE", "addresses=10.0.1.5,10.0.1.6",
                 "document=zonal.yaml:", "generation=1"):
        assert word in owned
    assert "forwarded upstreams=127.0.0.1:" in full.chaos("www.example")
    assert "placeholder never replaced in advertised.listeners" in full.chaos("b1.unique_name.aws.plc.tidbcloud.com")
    near = full.chaos("b1.%s.aws.plc.tidbcloud.com.default.svc" % unique(1))
    assert "not owned" in near and ROOT in near and "is attached" in near


def test_chaos_is_private(daemon):
    daemon.set("diagnostics", {"clients": ["192.0.2.1"]})
    daemon.start()
    reply = daemon.query("version.bind", "TXT", rdclass="CH", use_edns=0)
    assert reply.rcode() == dns.rcode.REFUSED and explanations(reply)[0][0] == 18


def test_identity_hidden(daemon):
    daemon.set("identity", "hidden")
    daemon.start()
    assert daemon.query("version.bind", "TXT", rdclass="CH").rcode() == dns.rcode.REFUSED


def test_nsid(full):
    reply = full.query("b1." + ROOT, use_edns=0, options=[dns.edns.GenericOption(dns.edns.NSID, b"")])
    assert [option.data for option in reply.options if option.otype == dns.edns.NSID] == [b"here"]


def test_cookie(full):
    reply = full.query("b1." + ROOT, use_edns=0, options=[dns.edns.GenericOption(dns.edns.COOKIE, b"12345678")])
    cookie, = [option.data for option in reply.options if option.otype == dns.edns.COOKIE]
    assert cookie.startswith(b"12345678") and len(cookie) == 24
    assert full.query("b1." + ROOT, use_edns=0, options=[dns.edns.GenericOption(dns.edns.COOKIE, b"1234")]).rcode() == dns.rcode.FORMERR


def test_tcp_pipelined_out_of_order(full, upstream):
    """A slow forwarded question does not hold the owned one behind it."""
    upstream.answers["slow.example"] = [PUBLIC]
    upstream.delay = 0.5
    first, second = octets("slow.example"), b"\x56\x78" + octets()[2:]
    with socket.create_connection(("127.0.0.1", full.port), timeout=5 * SLACK) as s, s.makefile("rb") as reader:
        s.sendall(b"".join(struct.pack("!H", len(packet)) + packet for packet in (first, second)))
        ids = []
        for _ in range(2):
            size, = struct.unpack("!H", reader.read(2))
            ids.append(reader.read(size)[:2])
    assert ids == [b"\x56\x78", b"\x12\x34"]
