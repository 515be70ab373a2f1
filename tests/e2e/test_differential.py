"""The same questions through pldnsd and through Unbound in forward mode, over one authoritative server: the answers are
equal, but for the differences that are named and explained in EXPLAINED."""
import collections
import concurrent.futures
import os
import random
import select
import shutil
import socket
import struct
import subprocess
import time

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import pytest

from conftest import SLACK, document, eventually, free_port

PATHS = os.environ["PATH"] + ":/usr/sbin"
NSD, UNBOUND = shutil.which("nsd", path=PATHS), shutil.which("unbound", path=PATHS)
pytestmark = pytest.mark.skipif(NSD is None or UNBOUND is None, reason="wants nsd and unbound")

ZONE = "example.test"
NEGATIVE = 60       # seconds: how long its SOA lets negative answers live
QUESTIONS = 100000 if SLACK == 1 else 8000
PROCESSES = 2
WINDOW = 64         # questions on their way at a time
BLOCK = 20          # of each kind of owner

# ---- the zone ------------------------------------------------------------------------------------

SINGLE = {
    "MX": "10 a1.example.test.", "SRV": "1 2 443 a2.example.test.", "CAA": "0 issue \"ca.example\"", "SSHFP": "4 2 " + "ab" * 32,
    "TLSA": "3 1 1 " + "cd" * 32, "HTTPS": "1 . alpn=h2,h3 ipv4hint=192.0.2.1", "SVCB": "16 a3.example.test. port=8443",
    "NAPTR": "100 10 \"u\" \"E2U+sip\" \"!^.*$!sip:x@example.test!\" .", "URI": "10 1 \"https://example.test/\"",
    "LOC": "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m", "HINFO": "\"a\" \"b c\"", "PTR": "a4.example.test.",
    "NS": "a5.example.test.", "RP": "a6.example.test. a7.example.test.", "AFSDB": "1 a8.example.test.",
    "DNAME": "dtarget.example.test.", "TYPE65280": "\\# 5 0001020304", "TYPE1234": "\\# 0", "OPENPGPKEY": "AAAA",
    "DS": "1 13 2 " + "ef" * 32, "EUI48": "00-00-5e-00-53-2a", "SPF": "\"v=spf1 -all\"",
}
TTLS = (0, 1, 30, 300, 3600, 86400, 604800, 2147483647)
TYPES = ["A", "AAAA", "TXT", "CNAME", "SOA", "TYPE4321", *SINGLE]


def zone_text():
    """Its text, and the owner names worth asking for, relative to the zone."""
    lines = ["$ORIGIN %s." % ZONE, "@ 3600 SOA ns root 1 3600 600 86400 %d" % NEGATIVE, "@ 3600 NS ns", "ns 3600 A 127.0.0.1"]
    owners = ["@", "ns", "nothing", "a.b.c.nothing", "\\001\\255", "under_score"]

    def add(owner, ttl, kind, text):
        lines.append("%s %d %s %s" % (owner, ttl, kind, text))

    for i in range(BLOCK):
        ttl = TTLS[i % len(TTLS)]
        for n in range(i % 4 + 1):
            add("a%d" % i, ttl, "A", "192.0.2.%d" % (n * 20 + i))
            add("a%d" % i, ttl, "AAAA", "2001:db8::%x:%x" % (i, n))
        add("a%d" % i, ttl, "TXT", " ".join('"%s"' % (c * (i * 13 % 256)) for c in "xyz"))
        owners += ["a%d" % i, "A%d" % i, "below.a%d" % i]
        for n in range(i % 9):
            add("chain%d-%d" % (i, n), 60 + n, "CNAME", "chain%d-%d" % (i, n + 1))
        add("chain%d-%d" % (i, i % 9), 120, "A", "198.51.100.%d" % i)
        owners += ["chain%d-0" % i, "chain%d-1" % i]
        add("*.w%d" % i, ttl, ("A", "TXT", "MX", "CNAME")[i % 4],
            ("203.0.113.7", '"wild"', "5 a1", "a%d" % (i % 8))[i % 4])
        add("real.w%d" % i, 60, "A", "203.0.113.8")
        owners += ["w%d" % i, "*.w%d" % i, "one.w%d" % i, "two.one.w%d" % i, "real.w%d" % i, "below.real.w%d" % i]
        add("x.y.ent%d" % i, 60, "A", "203.0.113.9")
        owners += ["ent%d" % i, "y.ent%d" % i, "x.y.ent%d" % i, "z.ent%d" % i]
    for kind, text in SINGLE.items():
        if kind != "NS":
            add("t-" + kind.lower(), 300, kind, text)
            owners.append("t-" + kind.lower())
    owners += ["x.t-dname", "a1.t-dname"]
    add("a1.dtarget", 60, "A", "203.0.113.10")
    add("cname-nowhere", 60, "CNAME", "nothing")
    add("cname-nodata", 60, "CNAME", "t-mx")
    owners += ["cname-nowhere", "cname-nodata"]
    for size in (4, 5, 6, 20, 60, 100, 240):
        for n in range(size):
            add("big%d" % size, 600, "TXT", '"%s%03d"' % ("t" * 240, n))
            add("big%d" % size, 600, "A", "10.1.%d.%d" % (n // 250, n % 250))
        owners.append("big%d" % size)
    return "\n".join(lines) + "\n", owners


# ---- the servers ---------------------------------------------------------------------------------

@pytest.fixture(name="processes")
def fixture_processes():
    running = []

    def run(*arguments):
        running.append(subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    yield run
    for process in running:
        process.kill()
        process.wait()


def answers(port):
    question = dns.message.make_query("ns." + ZONE, "A")
    try:
        return dns.query.udp(question, "127.0.0.1", port=port, timeout=0.2).answer != []
    except (dns.exception.Timeout, OSError):
        return False


def start_authority(folder, processes, text):
    port = free_port()
    (folder / "zone").write_text(text)
    (folder / "nsd.conf").write_text("""
server:
 ip-address: 127.0.0.1@{0}
 username: ""
 pidfile: ""
 zonesdir: "{1}"
 xfrdfile: "{1}/xfrd"
 zonelistfile: "{1}/zones"
 minimal-responses: yes
 refuse-any: no
 tcp-count: 200
 rrl-ratelimit: 0
remote-control:
 control-enable: no
zone:
 name: {2}
 zonefile: zone
""".format(port, folder, ZONE))
    processes(NSD, "-d", "-c", str(folder / "nsd.conf"))
    eventually(lambda: answers(port), "the authority answers")
    return port


def start_unbound(folder, processes, authority):
    """Its own sockets keep out of where free_port() looks: left to itself Unbound takes any port from 1024 on."""
    port = free_port()
    (folder / "unbound.conf").write_text("""
server:
 interface: 127.0.0.1@{0}
 username: ""
 chroot: ""
 directory: "{1}"
 pidfile: ""
 use-syslog: no
 logfile: ""
 module-config: "iterator"
 do-not-query-localhost: no
 minimal-responses: yes
 rrset-roundrobin: no
 edns-buffer-size: 1232
 max-udp-size: 1232
 outgoing-range: 512
 outgoing-port-avoid: 0-32767
 local-zone: "test." nodefault
remote-control:
 control-enable: no
forward-zone:
 name: "."
 forward-addr: 127.0.0.1@{2}
""".format(port, folder, authority))
    processes(UNBOUND, "-d", "-c", str(folder / "unbound.conf"))
    eventually(lambda: answers(port), "unbound answers")
    return port


# ---- asking --------------------------------------------------------------------------------------

def make_questions(owners, count, seed):
    dice = random.Random(seed)
    pairs = [(owner, kind) for owner in owners for kind in TYPES]
    dice.shuffle(pairs)
    made = []
    for n in range(count):
        if n < len(pairs):
            owner, kind = pairs[n]
        else:
            owner, kind = dice.choice(pairs)
            if dice.random() < 0.6:                      # a name that nobody has asked for
                owner = "q%d.%s" % (dice.randrange(1 << 30), dice.choice(("w%d" % dice.randrange(BLOCK), "nothing", "x", owner)))
                owner = owner.removesuffix(".@")
        made.append((ZONE + "." if owner == "@" else "%s.%s." % (owner, ZONE), kind, dice.choice(("none", "plain", "do", "small", "cd"))))
    return made


EDNS = {"none": None, "plain": (1232, 0), "do": (4096, 0x8000), "small": (512, 0), "cd": (1400, 0)}     # size, flags


def make_wire(question, identity):
    name, kind, how = question
    edns = EDNS[how]
    wire = struct.pack("!6H", identity, 0x0110 if how == "cd" else 0x0100, 1, 0, 0, edns is not None)
    wire += dns.name.from_text(name).to_wire() + struct.pack("!HH", dns.rdatatype.from_text(kind), 1)
    if edns is not None:
        wire += struct.pack("!BHHIH", 0, 41, edns[0], edns[1], 0)
    return wire


def ask_tcp(port, wire):
    with socket.create_connection(("127.0.0.1", port), 10 * SLACK) as stream, stream.makefile("rb") as reader:
        stream.sendall(struct.pack("!H", len(wire)) + wire)
        return reader.read(struct.unpack("!H", reader.read(2))[0])


def ask_all(port, wires):
    """The replies, in order; None for what never came."""
    replies = [None] * len(wires)
    waiting = collections.OrderedDict()
    following = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        s.connect(("127.0.0.1", port))
        s.setblocking(False)
        while following < len(wires) or waiting:
            while following < len(wires) and len(waiting) < WINDOW:
                s.send(wires[following])
                waiting[following] = (time.monotonic(), 1)
                following += 1
            if select.select([s], [], [], 0.1)[0]:
                reply = s.recv(65535)
                base = struct.unpack("!H", reply[:2])[0]
                for at in waiting:
                    if at & 0xffff == base:
                        replies[at] = reply
                        del waiting[at]
                        break
            at, (since, tries) = next(iter(waiting.items()), (None, (0, 0)))
            if at is not None and time.monotonic() - since > 3 * SLACK:
                del waiting[at]
                if tries < 3:
                    s.send(wires[at])
                    waiting[at] = (time.monotonic(), tries + 1)
    return replies


# ---- comparing -----------------------------------------------------------------------------------

def skip_name(wire, at):
    while wire[at] & 0xc0 == 0 and wire[at] != 0:
        at += wire[at] + 1
    return at + (2 if wire[at] else 1)


def masked(wire):
    """The message without id and times to live, and these: what is equal here need not be looked at closer."""
    plain, times = bytearray(wire), []
    plain[:2] = b""
    at = skip_name(wire, 12) + 4
    for _ in range(sum(struct.unpack("!3H", wire[6:12]))):
        at = skip_name(wire, at)
        kind, _, ttl, size = struct.unpack("!HHIH", wire[at:at + 10])
        if kind != dns.rdatatype.OPT:
            times.append(ttl)
            plain[at + 2:at + 6] = bytes(4)
        at += 10 + size
    return plain, times


def equal(ours, theirs, elapsed):
    ours, theirs = masked(ours), masked(theirs)
    return ours[0] == theirs[0] and all(abs(a - b) <= elapsed for a, b in zip(ours[1], theirs[1]))


def parse(wire, question):
    message = dns.message.from_wire(wire, one_rr_per_rrset=False)
    assert len(message.question) == 1 and message.question[0].name == dns.name.from_text(question[0]), wire
    return message


def section(rrsets):
    """Owner, type and data; how long they live is looked at by itself."""
    return sorted((rrset.name.to_text().lower(), rrset.rdtype, sorted(item.to_wire() for item in rrset)) for rrset in rrsets)


def ttls(rrsets):
    return {(rrset.name.to_text().lower(), rrset.rdtype): rrset.ttl for rrset in rrsets}


def differences(ours, theirs, question, elapsed):
    """Words for what differs."""
    found = []
    if ours.rcode() != theirs.rcode():
        found.append("rcode %s, not %s" % (dns.rcode.to_text(ours.rcode()), dns.rcode.to_text(theirs.rcode())))
    for flag in (dns.flags.QR, dns.flags.AA, dns.flags.TC, dns.flags.RD, dns.flags.RA, dns.flags.AD, dns.flags.CD):
        if (ours.flags ^ theirs.flags) & flag:
            found.append("flag %s%s" % ("" if ours.flags & flag else "no ", dns.flags.to_text(flag)))
    if section(ours.answer) != section(theirs.answer):
        found.append("answer")
    else:
        mine, others = ttls(ours.answer), ttls(theirs.answer)
        if any(abs(mine[key] - others[key]) > elapsed for key in mine):
            found.append("ttl")
    if section(ours.authority) != section(theirs.authority):
        found.append("authority")
    if (ours.edns >= 0) != (theirs.edns >= 0):
        found.append("edns")
    if question[2] == "do" and (ours.ednsflags ^ theirs.ednsflags) & dns.flags.DO:
        found.append("do")
    return found


def rrset_count(message, kind):
    return sum(1 for rrset in message.answer if rrset.rdtype == kind)


# What may differ, and why.  Each takes (ours, theirs, question, word).
EXPLAINED = {
    "unbound says 0 for the life of a CNAME that it made of a DNAME itself":
        lambda ours, theirs, question, word: word == "ttl" and rrset_count(theirs, dns.rdatatype.DNAME)
        and 0 in ttls(theirs.answer).values(),
    "unbound truncates now and then what fits":
        lambda ours, theirs, question, word: word == "flag no TC" and len(ours.to_wire()) <= EDNS[question[2]][0],
    "a negative answer's chain ends in our cache when the negative answer does":
        lambda ours, theirs, question, word: word == "ttl" and (ours.rcode() == dns.rcode.NXDOMAIN or not rrset_count(
            ours, dns.rdatatype.from_text(question[1]))) and all(
            ttls(ours.answer)[key] <= max(ttl + 5 * SLACK, NEGATIVE) for key, ttl in ttls(theirs.answer).items()),
    "unbound leaves out the SOA when it is asked for the DNAME of what a DNAME leads to":
        lambda ours, theirs, question, word: word in ("authority", "ttl") and question[1] == "DNAME" and not theirs.authority
        and rrset_count(ours, dns.rdatatype.DNAME),
}


def compare(block):
    """Runs in a process of its own: counts of what was explained, and what was not."""
    ports, questions, elapsed_from = block
    wires = [make_wire(question, at & 0xffff) for at, question in enumerate(questions)]
    replies = [ask_all(port, wires) for port in ports]
    explained, wrong, truncated = collections.Counter(), [], 0
    for at, question in enumerate(questions):
        pair = [replies[0][at], replies[1][at]]
        if None in pair:
            wrong.append((question, "no reply from %s" % ("pldns" if pair[0] is None else "unbound")))
            continue
        if not pair[0][2] & 2 and equal(*pair, time.monotonic() - elapsed_from + 2):
            continue
        ours, theirs = (parse(wire, question) for wire in pair)
        words = differences(ours, theirs, question, time.monotonic() - elapsed_from + 2)
        if theirs.flags & dns.flags.TC:
            truncated += 1
            words = [word for word in words if word.startswith(("flag", "rcode"))]
            ours, theirs = (parse(ask_tcp(port, wires[at]), question) for port in ports)
            words += differences(ours, theirs, question, time.monotonic() - elapsed_from + 2)
        for word in words:
            reason = next((name for name, holds in EXPLAINED.items() if holds(ours, theirs, question, word)), None)
            if reason is None:
                wrong.append((question, word, ours.to_text(), theirs.to_text()))
            else:
                explained[reason] += 1
    return explained, wrong, truncated


def test_answers_equal_those_of_unbound(daemon, tmp_path, processes):
    text, owners = zone_text()
    (tmp_path / "authority").mkdir()
    (tmp_path / "unbound").mkdir()
    authority = start_authority(tmp_path / "authority", processes, text)
    ports = [daemon.port, start_unbound(tmp_path / "unbound", processes, authority)]
    daemon.set("forward.upstreams", ["127.0.0.1:%d" % authority])
    daemon.set("udpSize", 1232)
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    start = time.monotonic()
    blocks = [(ports, make_questions(owners, QUESTIONS // PROCESSES, seed), start) for seed in range(PROCESSES)]
    explained, wrong, truncated = collections.Counter(), [], 0
    with concurrent.futures.ProcessPoolExecutor(PROCESSES) as pool:
        for part in pool.map(compare, blocks):
            explained += part[0]
            wrong += part[1]
            truncated += part[2]
    print("%d questions, %d truncated and asked again over TCP, in %.0f s" % (QUESTIONS, truncated, time.monotonic() - start))
    for reason, count in explained.most_common():
        print("  %6d  %s" % (count, reason))
    kinds = collections.Counter((item[1], item[0][1]) for item in wrong)
    assert not wrong, "%d differ: %s\nfirst: %s" % (len(wrong), kinds.most_common(20), "\n".join(map(str, wrong[0])))
    assert truncated > 0
