"""Clients that mean harm, or are merely broken, and a machine that is short of things."""
import contextlib
import json
import os
import random
import re
import resource
import signal
import socket
import struct
import subprocess
import threading
import time

import dns.edns
import dns.message
import dns.rcode
import pytest

from conftest import PLDNSD, SLACK, document, eventually, managed

OWN = "10.0.0.1"
PUBLIC = "203.0.113.9"


@pytest.fixture(name="full")
def fixture_full(daemon, upstream):
    daemon.set("workers", 1)
    daemon.set("forward.upstreams", [upstream.address])
    daemon.write("a.yaml", document(1, [OWN]))
    return daemon


def packet(name, kind="A", ident=0x1234):
    return dns.message.make_query(name, kind, id=ident).to_wire()


def framed(*packets):
    return b"".join(struct.pack("!H", len(item)) + item for item in packets)


def connect(daemon, address="127.0.0.1"):
    return socket.create_connection((address, daemon.port), timeout=5 * SLACK)


def begin(daemon):
    """A connection with the first octet of a query: one without is taken a second later."""
    stream = connect(daemon)
    stream.sendall(b"\0")
    return stream


def receive(reader):
    head = reader.read(2)
    return reader.read(struct.unpack("!H", head)[0]) if len(head) == 2 else None


def is_closed(stream, seconds=2):
    """True if the far end closes within that time."""
    stream.settimeout(seconds * SLACK)
    try:
        return stream.recv(1) == b""
    except ConnectionResetError:
        return True
    except socket.timeout:
        return False


# ---- TCP -----------------------------------------------------------------------------------------

def test_pipelining_200(full, upstream):
    """Half of them forwarded: each is answered once, before and after a half-close."""
    full.start()
    names = [managed(1) if i % 2 else "n%d.example" % (i % 20) for i in range(200)]
    for name in names:
        upstream.answers.setdefault(name, [PUBLIC])
    with connect(full) as s, s.makefile("rb") as reader:
        s.sendall(framed(*(packet(name, ident=i) for i, name in enumerate(names))))
        s.shutdown(socket.SHUT_WR)
        replies = [dns.message.from_wire(receive(reader)) for _ in names]
        assert reader.read() == b""
    assert sorted(reply.id for reply in replies) == list(range(200))
    for reply in replies:
        assert reply.answer[0][0].to_text() == (OWN if reply.id % 2 else PUBLIC)
        assert reply.question[0].name.to_text() == names[reply.id] + "."


@pytest.mark.parametrize("octets", [b"\0\0", b"\0\x05hello", framed(b"x" * 11)])
def test_frames_too_short(full, octets):
    full.start()
    with connect(full) as s:
        s.sendall(octets)
        assert is_closed(s)
    assert full.ask(managed(1), tcp=True) == [OWN]


def test_frame_of_a_response_closes(full):
    """A TCP query always gets a reply or a close."""
    full.start()
    with connect(full) as s:
        s.sendall(framed(packet(managed(1))[:2] + b"\x81" + packet(managed(1))[3:]))
        assert is_closed(s)


def test_largest_frame(full):
    full.start()
    query = dns.message.make_query(managed(1), "A", use_edns=0, options=[dns.edns.GenericOption(65001, b"x" * 65300)])
    wire = query.to_wire(max_size=65535)
    for body in (wire, packet(managed(1)) + b"\0" * (65535 - len(packet(managed(1))))):
        with connect(full) as s, s.makefile("rb") as reader:
            s.sendall(framed(body, packet(managed(1))))
            first, second = receive(reader), receive(reader)
            assert first[:2] == body[:2] and dns.message.from_wire(second).answer
        assert first[3] & 15 == (0 if body is wire else dns.rcode.FORMERR)


def test_slow_loris(full):
    """Octets now and then do not count as progress."""
    full.set("limits.tcpIdleTimeout", "1s")
    full.start()
    start = time.monotonic()
    with connect(full) as s:
        s.settimeout(0.1)
        while time.monotonic() - start < 3 * SLACK:
            try:
                s.sendall(b"\x40")
                if s.recv(1) == b"":
                    break
            except socket.timeout:
                continue
            except (BrokenPipeError, ConnectionResetError):
                break
    assert 0.8 < time.monotonic() - start < 2 * SLACK


def test_idle_close(full):
    full.set("limits.tcpIdleTimeout", "1s")
    full.start()
    with connect(full) as fresh, connect(full) as used, used.makefile("rb") as reader:
        used.sendall(framed(packet(managed(1))))
        assert receive(reader)
        start = time.monotonic()
        assert is_closed(used)
        assert 0.8 < time.monotonic() - start < 2 * SLACK
        assert is_closed(fresh, seconds=4)  # its idle time began when it was taken


def test_waiting_for_an_upstream_is_not_idle(full, upstream):
    full.set("limits.tcpIdleTimeout", "1s")
    full.set("forward.timeout", "2s")
    upstream.answers["slow.example"] = [PUBLIC]
    upstream.delay = 1.5
    full.start()
    with connect(full) as s, s.makefile("rb") as reader:
        s.sendall(framed(packet("slow.example")))
        assert dns.message.from_wire(receive(reader)).answer


def test_who_waits_for_an_upstream_makes_no_room(full, upstream):
    """An idle connection goes before one that an answer is due on, though that has said nothing for longer."""
    answered = threading.Event()
    upstream.answers["slow.example"] = lambda name, kind: [PUBLIC] if answered.wait(20 * SLACK) else None
    full.set("forward.timeout", "30s")
    full.set("limits.tcpConnections", 4)
    full.start()
    with contextlib.ExitStack() as stack:
        stack.callback(answered.set)
        waits = stack.enter_context(connect(full))
        waits.sendall(framed(packet("slow.example")))
        eventually(lambda: "slow.example" in upstream.names(), "the question in flight")
        idle = [stack.enter_context(connect(full)) for _ in range(5)]
        for stream in idle:
            with stream.makefile("rb") as reader:
                stream.sendall(framed(packet(managed(1))))
                assert receive(reader)
        assert [is_closed(stream, 0.1) for stream in idle] == [True, True, False, False, False]
        answered.set()
        waits.settimeout(5 * SLACK)
        with waits.makefile("rb") as reader:
            assert dns.message.from_wire(receive(reader)).answer[0][0].to_text() == PUBLIC


def test_thousand_idle_connections(full):
    """From many addresses: all are kept, UDP does not feel them, and a newcomer takes the most idle one's place."""
    full.set("listen", ["0.0.0.0:%d" % full.port])
    full.set("limits.tcpConnections", 1000)
    full.start()
    with contextlib.ExitStack() as stack:
        held = []
        for i in range(1000):
            s = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            s.bind(("127.0.1.%d" % (i % 10 + 1), 0))
            s.settimeout(5 * SLACK)
            s.connect(("127.0.0.1", full.port))
            if i % 3 == 0:
                s.sendall(b"\0")
            held.append(s)
        eventually(lambda: full.status()["tcp"] == 1000 if "tcp" in full.status() else True)
        start = time.monotonic()
        for _ in range(100):
            assert full.ask(managed(1)) == [OWN]
        assert time.monotonic() - start < 1 * SLACK
        assert full.ask(managed(1), tcp=True) == [OWN]
        held[-1].settimeout(0.05)
        with pytest.raises(socket.timeout):
            held[-1].recv(1)


@pytest.mark.parametrize("workers", [1, 2])
def test_cap_of_one_client(full, workers):
    """One address cannot take the places of the others."""
    full.set("workers", workers)
    full.set("listen", ["0.0.0.0:%d" % full.port])
    full.set("limits.tcpPerClient", 8)
    full.start()
    with contextlib.ExitStack() as stack:
        other = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        other.bind(("127.0.0.7", 0))
        other.connect(("127.0.0.1", full.port))
        mine = [stack.enter_context(begin(full)) for _ in range(30)]
        time.sleep(0.2)
        alive = 0
        for s in mine:
            s.settimeout(0.02)
            try:
                alive += s.recv(1) != b""
            except socket.timeout:
                alive += 1
            except ConnectionResetError:
                pass
        assert alive == 8
        other.settimeout(5 * SLACK)
        with other.makefile("rb") as reader:
            other.sendall(framed(packet(managed(1))))
            assert receive(reader)


@pytest.mark.parametrize("limit", ["limits.tcpPerClient", "limits.tcpConnections"])
def test_limits_are_those_of_all_workers_together(full, limit):
    """The kernel spreads connections by chance, so that one worker has more of them than another."""
    full.set("workers", 4)
    full.set(limit, 8)
    full.start()
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(connect(full)) for _ in range(8)]
        readers = [stack.enter_context(stream.makefile("rb")) for stream in streams]
        for _ in range(2):
            for stream, reader in zip(streams, readers):
                stream.sendall(framed(packet(managed(1))))
                assert receive(reader)


def test_client_that_does_not_read(full):
    """Its replies are bounded, nobody else waits, and it goes after the idle time."""
    full.set("limits.tcpIdleTimeout", "1s")
    full.write("m.yaml", document(2, ["10.9.0.%d" % i for i in range(1, 17)]))
    full.start()
    with connect(full) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(0.3)
        sent = 0
        try:
            for _ in range(200):
                sent += s.send(framed(packet(managed(2))) * 2000)
        except socket.timeout:
            pass
        assert sent < 20_000_000
        assert full.ask(managed(1)) == [OWN] and full.ask(managed(1), tcp=True) == [OWN]
        memory = int(open("/proc/%d/statm" % full.process.pid).read().split()[1]) * resource.getpagesize()
        assert memory < 64 << 20 or SLACK > 1
        eventually(lambda: full.status() and "event" and connection_count(full) == 0, seconds=4)


def connection_count(daemon):
    """Established connections of the daemon's side."""
    text = open("/proc/net/tcp").read()
    return sum(line.split()[1].endswith(":%04X" % daemon.port) and line.split()[3] == "01" for line in text.splitlines()[1:])


def test_keepalive(full):
    full.start()
    option = dns.edns.GenericOption(11, b"")
    reply = full.query(managed(1), tcp=True, use_edns=0, options=[option])
    assert [o.to_wire() if hasattr(o, "to_wire") else o.data for o in reply.options if o.otype == 11] == [struct.pack("!H", 100)]
    assert not [o for o in full.query(managed(1), use_edns=0, options=[option]).options if o.otype == 11]


# ---- shortage ------------------------------------------------------------------------------------

def test_out_of_descriptors(full, upstream):
    """Local names, UDP and forwarding go on; the processor is not spun; it recovers."""
    full.set("workers", 1)
    full.start()
    upstream.answers.update({"n%d.example" % i: [PUBLIC] for i in range(100)})
    used = len(os.listdir("/proc/%d/fd" % full.process.pid))
    resource.prlimit(full.process.pid, resource.RLIMIT_NOFILE, (used + 12, used + 12))
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(begin(full)) for _ in range(60)]
        before = os.times()
        ticks = cpu(full)
        for i in range(20):
            assert full.ask(managed(1)) == [OWN]
            assert full.ask("n%d.example" % i) == [PUBLIC]
        time.sleep(0.5)
        assert cpu(full) - ticks < 0.3 * SLACK
        assert full.ask(managed(1), tcp=True, timeout=3) == [OWN]
        del held, before
    eventually(lambda: full.ask(managed(1), tcp=True) == [OWN])
    assert full.ask("n50.example") == [PUBLIC]


def cpu(daemon):
    """Seconds of processor time used so far."""
    fields = open("/proc/%d/stat" % daemon.process.pid).read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start_with_descriptors(full, most):
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with open(full.log_path, "ab") as log:
        full.process = subprocess.Popen([PLDNSD, "-c", str(full.configure())], stderr=log, stdin=subprocess.DEVNULL,
                                        env=full.environment(), preexec_fn=limit)
    eventually(lambda: full.process.poll() is not None or "event=ready" in full.log)


def assert_said_why(full):
    full.process.wait(10 * SLACK)
    assert full.process.returncode in (1, 2) and re.search("descriptor|open files", full.log)
    full.process = None


def test_far_too_few_descriptors_from_the_start(full):
    start_with_descriptors(full, 20)
    assert_said_why(full)


def test_hardly_enough_descriptors_from_the_start(full):
    """Either it says why it does not start, or it serves what needs none: how many are free hangs on the machine."""
    start_with_descriptors(full, 40)
    if full.process.poll() is not None:
        assert_said_why(full)
    else:
        assert full.ask(managed(1)) == [OWN]
        assert full.stop() in (0, 1)


def test_few_descriptors_from_the_start(full, upstream):
    upstream.answers.update({"n%d.example" % i: [PUBLIC] for i in range(100)})
    start_with_descriptors(full, 200)
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(begin(full)) for _ in range(50)]
        for i in range(30):
            assert full.ask(managed(1)) == [OWN]
            assert full.ask("n%d.example" % i) == [PUBLIC]
        assert full.reload().status == 200
        assert held


def test_silent_endpoints_never_hold_the_last_descriptor(full, upstream):
    """Each try of an address that drops everything holds one for as long as its timeout."""
    upstream.answers.update({"n%d.example" % i: [PUBLIC] for i in range(40)})
    with socket.create_server(("127.0.0.1", 0), backlog=0) as broker, contextlib.ExitStack() as stack:
        for _ in range(4):          # its queue is full: the kernel drops what else comes
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(broker.getsockname())
        way = {"port": broker.getsockname()[1], "timeout": "60s"}
        for n in range(10, 14):     # one address tried in many ways, each of them alone
            full.write("%d.yaml" % n, json.dumps({"privateLinkConnections": [json.loads(document(
                n * 100 + fall, ["127.0.0.1"], healthCheck={**way, "interval": "%ds" % (50 + n), "fall": fall}))
                                                                             for fall in range(1, 101)]}))
        start_with_descriptors(full, 300)
        for i in range(40):
            assert full.status().get("degraded") is None and full.ask(managed(1)) == [OWN]
            assert full.ask("n%d.example" % i, tcp=True) == [PUBLIC]
            time.sleep(0.1)
        assert full.reload().status == 200
        assert "Too many open files" not in full.log


@pytest.mark.parametrize("workers", [1, 2])
def test_idle_clients_never_hold_the_last_descriptor(full, upstream, workers):
    """They share what is theirs, the most idle one goes first; upstreams and whoever asks keep their part."""
    upstream.answers.update({"n%d.example" % i: [PUBLIC] for i in range(100)})
    full.set("workers", workers)
    start_with_descriptors(full, 80)
    assert "few descriptors" in full.log
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(begin(full)) for _ in range(60)]
        for i in range(30):
            assert full.ask("n%d.example" % i) == [PUBLIC]
            assert full.ask("n%d.example" % (i + 30), tcp=True) == [PUBLIC]
        assert full.reload().status == 200
        assert is_closed(held[0]) and not is_closed(begin(full), seconds=0.1)


# ---- UDP -----------------------------------------------------------------------------------------

def test_garbage(full, upstream):
    """Random octets and mutated queries: never an end, never more than a header and the question back."""
    full.start()
    dice = random.Random(7)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setblocking(False)
        s.connect(("127.0.0.1", full.port))
        seeds = [packet(managed(1)), packet("www.example"), dns.message.make_query(managed(1), "A", use_edns=0,
                 options=[dns.edns.GenericOption(10, b"12345678")]).to_wire(), packet("version.bind", "TXT")]
        for i in range(20000):
            if i % 4 == 0:
                octets = dice.randbytes(dice.randrange(600))
            else:
                octets = bytearray(dice.choice(seeds))
                for _ in range(dice.randrange(1, 5)):
                    octets[dice.randrange(len(octets))] = dice.randrange(256)
                octets = bytes(octets[:dice.randrange(10, len(octets) + 1)])
            with contextlib.suppress(BlockingIOError):
                s.send(octets)
            with contextlib.suppress(BlockingIOError):
                reply = s.recv(65535)
                assert len(reply) >= 12 and reply[2] & 0x80 and len(reply) <= 1232
                if reply[2] & 0x78 == 0:
                    dns.message.from_wire(reply)
    assert full.ask(managed(1)) == [OWN]


def test_responses_are_not_answered(full):
    full.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.3)
        wire = packet(managed(1))
        for flags in (0x80, 0x81, 0xa8):
            s.sendto(wire[:2] + bytes([flags]) + wire[3:], ("127.0.0.1", full.port))
        s.sendto(wire[:11], ("127.0.0.1", full.port))
        s.sendto(b"", ("127.0.0.1", full.port))
        with pytest.raises(socket.timeout):
            s.recv(512)
    assert full.ask(managed(1)) == [OWN]


@pytest.mark.parametrize("listen, asked", [
    ("0.0.0.0", ["127.0.0.1", "127.0.0.2", "127.9.8.7"]),
    ("[::1]", ["::1"]),
    ("[::]", ["::1", "127.0.0.1", "127.0.0.3"]),
    ("127.0.0.5", ["127.0.0.5"]),
])
def test_listening_addresses(full, upstream, listen, asked):
    """The reply comes from the address that was asked, at once or after a forwarded question."""
    full.set("listen", ["%s:%d" % (listen, full.port)])
    upstream.answers["www.example"] = [PUBLIC]
    upstream.ttl = 0
    full.start()
    for address in asked:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        if listen == "[::]" and family == socket.AF_INET:
            with socket.socket(family, socket.SOCK_DGRAM) as s:     # either served or not there: never from elsewhere
                s.settimeout(0.2)
                s.sendto(packet(managed(1)), (address, full.port))
                with contextlib.suppress(socket.timeout):
                    assert s.recvfrom(512)[1][0] == address
            continue
        for name in (managed(1), "www.example"):
            with socket.socket(family, socket.SOCK_DGRAM) as s:
                s.settimeout(2 * SLACK)
                s.sendto(packet(name), (address, full.port))
                reply, source = s.recvfrom(512)
                assert source[:2] == (address, full.port) and dns.message.from_wire(reply).answer
            with socket.create_connection((address, full.port), timeout=5 * SLACK) as s, s.makefile("rb") as reader:
                s.sendall(framed(packet(name)))
                assert dns.message.from_wire(receive(reader)).answer


def test_cookie_is_kept(full):
    """The same client with its cookie gets a full answer; a wrong one is answered too, with a fresh one."""
    full.start()
    first = full.query(managed(1), use_edns=0, options=[dns.edns.GenericOption(10, b"12345678")])
    cookie, = [o.data for o in first.options if o.otype == 10]
    for sent in (cookie, b"12345678" + b"\1\0\0\0" + b"x" * 12, b"12345678" + b"y" * 32):
        reply = full.query(managed(1), use_edns=0, options=[dns.edns.GenericOption(10, sent)])
        got, = [o.data for o in reply.options if o.otype == 10]
        assert reply.rcode() == 0 and got[:8] == b"12345678" and len(got) == 24 and got[8] == 1
    for sent in (b"", b"1234567", b"12345678" + b"x" * 7, b"x" * 41):
        assert full.query(managed(1), use_edns=0, options=[dns.edns.GenericOption(10, sent)]).rcode() == dns.rcode.FORMERR


# ---- life ----------------------------------------------------------------------------------------

class Load:
    """Clients that ask without pause; what is not right is in 'wrong'."""

    def __init__(self, daemon, name, right, tcp=False, clients=2):
        self.over = threading.Event()
        self.wrong = []
        self.done = 0
        self.daemon, self.name, self.right, self.tcp = daemon, name, right, tcp
        self.threads = [threading.Thread(target=self.run) for _ in range(clients)]

    def run(self):
        while not self.over.is_set():
            try:
                found = self.daemon.ask(self.name, tcp=self.tcp, timeout=2)
            except Exception as error:      # pylint: disable=broad-except
                found = repr(error)
            self.done += 1
            if found not in self.right:
                self.wrong.append(found)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()


def test_sighup_storm(full):
    full.start()
    with Load(full, managed(1), [[OWN], ["10.0.0.2"]]) as load:
        for i in range(200):
            full.write("a.yaml", document(1, [OWN if i % 2 else "10.0.0.2"]))
            full.process.send_signal(signal.SIGHUP)
            time.sleep(0.002)
    assert not load.wrong and load.done > 10
    eventually(lambda: full.ask(managed(1)) == [OWN])
    assert full.process.poll() is None


def test_kill_and_restart(full, upstream):
    upstream.answers["www.example"] = [PUBLIC]
    full.start()
    with connect(full) as s:
        s.sendall(framed(packet(managed(1))))
        for _ in range(3):
            assert full.ask("www.example") == [PUBLIC]
            full.restart(signal.SIGKILL)
            assert full.ask(managed(1)) == [OWN]


def test_sigterm_with_connections_and_questions(full, upstream):
    """Exit 0 in time, though clients hold connections and upstreams are silent."""
    upstream.answers["slow.example"] = None
    full.start()
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            s = stack.enter_context(connect(full))
            s.sendall(framed(packet("slow.example"))[:random.randrange(1, 31)])
        with Load(full, "slow.example", []):
            time.sleep(0.3)
            start = time.monotonic()
            assert full.stop() == 0
            assert time.monotonic() - start < 3 * SLACK
