"""Upstreams that fail, live: the daemon and its upstreams in network namespaces of their own.  Whatever an upstream
does, what is attached and what is cached is answered as ever, and everything else within the client's time."""
import contextlib
import ctypes
import os
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import pytest

from conftest import SLACK, Scripted, document, eventually, managed
from test_forwarding import addresses, respond, rrset
from test_tls import NAME, make_authority, make_certificate

TOOLS = {tool: shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin") for tool in ("ip", "nft", "openssl")}
GOOD, OTHER, BAD, NOBODY = "10.53.0.2", "10.53.0.3", "10.53.0.4", "10.53.0.99"
SIX = "fd53::4"
ANSWER = "192.0.2.80"
BUDGET = 2.0 + 1.0 * SLACK      # forward.timeout, and what a machine under load may add
AT_ONCE = 1.0 * SLACK           # for what takes a millisecond
QUESTIONS = 6


class Namespaces:
    """Two that are joined by a cable: ours with the daemon, theirs with the upstreams."""

    def __init__(self):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.ours, self.theirs = ("pldns-%d-%s" % (os.getpid(), which) for which in ("ours", "theirs"))
        self.made = []
        try:
            for name in (self.ours, self.theirs):
                self.ip("netns", "add", name)
                self.made.append(name)
                self.ip("-n", name, "link", "set", "lo", "up")
            self.ip("-n", self.ours, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", self.theirs)
            self.ip("-n", self.ours, "address", "add", "10.53.0.1/24", "dev", "cable")
            for host in (GOOD, OTHER, BAD):
                self.ip("-n", self.theirs, "address", "add", host + "/24", "dev", "cable")
            for name in self.made:
                self.ip("-n", name, "link", "set", "cable", "up")
            self.nft("add table inet faults")
            self.nft("add chain inet faults in { type filter hook input priority 0; }")
        except subprocess.CalledProcessError as error:
            self.close()
            pytest.skip("network namespaces are not allowed here: %s" % error.stderr.strip())

    def close(self):
        for name in self.made:
            self.ip("netns", "del", name)

    @staticmethod
    def ip(*arguments):
        subprocess.run([TOOLS["ip"], *arguments], check=True, capture_output=True, text=True, timeout=60)

    def nft(self, command):
        subprocess.run([TOOLS["ip"], "netns", "exec", self.theirs, TOOLS["nft"], command], check=True,
                       capture_output=True, text=True, timeout=60)

    def set_mtu(self, mtu):
        for name in self.made:
            self.ip("-n", name, "link", "set", "cable", "mtu", str(mtu))

    def enter(self, path):
        with open(path, "rb") as file:
            if self.libc.setns(file.fileno(), 0x40000000) != 0:     # CLONE_NEWNET
                raise OSError(ctypes.get_errno(), "setns")

    @contextlib.contextmanager
    def inside(self, name):
        """This thread, and the sockets, threads and processes that it makes."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            self.enter("/run/netns/" + name)
            yield
        finally:
            self.enter("/proc/self/fd/%d" % before)
            os.close(before)


@pytest.fixture(name="net", scope="module")
def fixture_net():
    missing = [tool for tool, path in TOOLS.items() if path is None]
    if os.geteuid() != 0 or missing:
        pytest.skip("wants network namespaces: root%s" % "".join(", " + tool for tool in missing))
    net = Namespaces()
    try:
        with net.inside(net.ours):
            yield net
    finally:
        net.close()


# ---- upstreams -----------------------------------------------------------------------------------

def truth(query):
    return respond(query, rrset(query.question[0].name.to_text(), "A", ANSWER))


class Server(Scripted):
    """Slow answers hold no others."""

    def __init__(self, host, script):
        super().__init__(script, host, 53)

    def answer(self, wire, peer):
        threading.Thread(target=super().answer, args=(wire, peer), daemon=True).start()


class Quitter(Server):
    """Over TCP half of each message comes, then the end."""

    def send_framed(self, stream, reply):
        stream.sendall(struct.pack("!H", len(reply)) + reply[:len(reply) // 2])
        raise ConnectionError("that is all")


class Impostor:
    """Speaks TLS, with a certificate for somebody else."""

    def __init__(self, host, folder):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "other.pem", folder / "other.key")
        self.socket = socket.create_server((host, 853), backlog=64)
        self.socket.settimeout(0.05)
        self.over = False
        self.greeted = 0
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while not self.over:
            try:
                stream, _ = self.socket.accept()
            except socket.timeout:
                continue
            stream.settimeout(2)
            try:
                with self.context.wrap_socket(stream, server_side=True) as safe:
                    self.greeted += len(safe.recv(1))
            except OSError:
                stream.close()

    def close(self):
        self.over = True
        self.thread.join()
        self.socket.close()


def truncate(query, tcp):
    return [truth(query) if tcp else respond(query, flags=dns.flags.TC)]


def hang(query, tcp):
    return [] if tcp else [respond(query, flags=dns.flags.TC)]


def lie(query, _tcp):
    """Another id, another question, no answer at all."""
    other = dns.message.make_query("other.example", "A", id=query.id)
    wrong = truth(query).to_wire()
    return [struct.pack("!H", query.id ^ 1) + wrong[2:], truth(other), b"\0" * 5]


def tell_late(query, _tcp):
    time.sleep(0.6)
    return [truth(query)]


def tell(query, _tcp):
    return [truth(query)]


# What the upstream does, and what clients get of it alone: an answer, SERVFAIL, or one of the two.
FAULTS = {
    "silent": (lambda *_: [], {"SERVFAIL"}),
    "slow": (tell_late, {"NOERROR"}),
    "losing every fifth": (tell, {"NOERROR", "SERVFAIL"}),
    "truncating": (truncate, {"NOERROR"}),
    "lying": (lie, {"SERVFAIL"}),
    "lying before the truth": (lambda q, tcp: lie(q, tcp) + [truth(q)], {"NOERROR"}),
    "hanging over tcp": (hang, {"SERVFAIL"}),
    "closing in a message": (truncate, {"SERVFAIL"}),
    "closed": (None, {"SERVFAIL"}),
    "not there": (None, {"SERVFAIL"}),
    "without a route": (None, {"SERVFAIL"}),
    "with the wrong certificate": (None, {"SERVFAIL"}),
}


@pytest.fixture(name="stage")
def fixture_stage(net, daemon, tmp_path):
    """Makes upstreams in their namespace, and starts the daemon in ours: routes alone.test, beside.test (a good one,
    too) and three.test, everything else to the good one."""
    made = []

    def serve(kind, *arguments):
        with net.inside(net.theirs):
            made.append(kind(*arguments))
        return made[-1]

    def start(fault, script, good=tell):
        bad = {"not there": NOBODY, "without a route": "[2001:db8::53]", "on IPv6": "[%s]" % SIX}.get(fault, BAD)
        serve(Server, GOOD, good)
        serve(Server, OTHER, tell)
        if fault == "with the wrong certificate":
            make_authority(tmp_path, "authority")
            make_certificate(tmp_path, "other", "DNS:dns.example.net", "authority")
            serve(Impostor, BAD, tmp_path)
            daemon.set("forward.tlsCertBundle", str(tmp_path / "authority.pem"))
            bad = "tls://%s#%s" % (BAD, NAME)
        elif fault == "on IPv6":
            serve(Server, SIX, script)
        elif script is not None:
            serve(Quitter if fault == "closing in a message" else Server, BAD, script)
        if fault == "losing every fifth":
            net.nft("add rule inet faults in ip daddr %s numgen random mod 5 == 0 drop" % BAD)
        daemon.set("workers", 1)
        daemon.set("limits.inFlight", 1000)
        daemon.set("forward.upstreams", [GOOD])
        daemon.set("forward.routes", [{"suffix": "alone.test", "upstreams": [bad]},
                                      {"suffix": "beside.test", "upstreams": [bad, GOOD]},
                                      {"suffix": "three.test", "upstreams": [bad, OTHER, GOOD]}])
        daemon.write("a.yaml", document(1, ["10.0.0.1"]))
        daemon.start()

    yield start
    net.nft("flush chain inet faults in")
    for server in made:
        server.close()


class Asking:
    """Asks names, each in a thread of its own."""

    def __init__(self, daemon, names):
        self.daemon = daemon
        self.told = {}      # name: (rcode, addresses, seconds)
        self.threads = [threading.Thread(target=self.ask, args=(name,)) for name in names]
        for thread in self.threads:
            thread.start()

    def ask(self, name):
        start = time.monotonic()
        try:
            reply = self.daemon.query(name, timeout=10)
            self.told[name] = (dns.rcode.to_text(reply.rcode()), addresses(reply), time.monotonic() - start)
        except dns.exception.Timeout:
            self.told[name] = ("nothing", [], time.monotonic() - start)

    def goes_on(self):
        return any(thread.is_alive() for thread in self.threads)

    def wait(self):
        for thread in self.threads:
            thread.join()
        return self.told


@pytest.mark.parametrize("fault", FAULTS)
def test_fault(daemon, stage, fault):
    script, alone = FAULTS[fault]
    stage(fault, script)
    assert daemon.ask("cached.example") == [ANSWER]
    names = ["n%d.%s.test" % (i, route) for route in ("alone", "beside", "three") for i in range(QUESTIONS)]
    asking = Asking(daemon, names)
    slowest = 0.0
    while asking.goes_on():
        start = time.monotonic()
        assert daemon.ask(managed(1)) == ["10.0.0.1"]
        assert daemon.ask("cached.example") == [ANSWER]
        slowest = max(slowest, time.monotonic() - start)
        time.sleep(0.01)
    told = asking.wait()
    assert slowest < AT_ONCE
    for name, (rcode, found, seconds) in told.items():
        assert seconds < BUDGET, "%s: %s after %.2f s" % (name, rcode, seconds)
        assert rcode in (alone if ".alone." in name else {"NOERROR"}), "%s: %s" % (name, rcode)
        assert found == ([ANSWER] if rcode == "NOERROR" else []), name
    assert daemon.counter("leaks_stopped") == 0


@pytest.mark.parametrize("fault", ["closed", "without a route", "with the wrong certificate"])
def test_what_refuses_is_not_waited_for(daemon, stage, fault):
    stage(fault, None)
    told = Asking(daemon, ["n%d.alone.test" % i for i in range(20)]).wait()     # hosts send few ICMP messages a second
    assert all(seconds < AT_ONCE for _, _, seconds in told.values()), told


def test_fragments_are_refused(daemon, stage, net):
    """What comes in fragments may have been put together from two senders' octets: asked for again over TCP."""
    over_tcp = []

    def tell_much(query, tcp):
        if query.question[0].name.to_text() == "much.alone.test.":      # no probe
            over_tcp.append(tcp)
        texts = ["%s.%d" % (ANSWER.rsplit(".", 1)[0], i) for i in range(60)]
        return [respond(query, rrset(query.question[0].name.to_text(), "A", *texts))]

    stage("silent", tell_much)
    net.set_mtu(600)
    try:
        reply = daemon.query("much.alone.test", tcp=True)
    finally:
        net.set_mtu(1500)
    assert len(addresses(reply)) == 60 and not over_tcp[0] and over_tcp[-1]


def test_a_cut_cable_is_noticed_and_its_mending_too(daemon, stage, net):
    stage("silent", tell)
    assert daemon.ask("a.alone.test") == [ANSWER]
    net.nft("add rule inet faults in ip daddr %s drop" % BAD)
    assert daemon.ask("b.alone.test") == "SERVFAIL"
    net.nft("flush chain inet faults in")
    eventually(lambda: daemon.ask("n%d.alone.test" % time.monotonic_ns()) == [ANSWER], "recovery", 5 + 5 * SLACK)


def test_another_address_of_ours_is_used_at_once(daemon, stage, net):
    """Ports that were opened when the host had another one lead nowhere: they must not be drawn again and again."""
    stage("silent", tell)
    for start in range(0, 700, 100):                # all that there may be
        Asking(daemon, ["p%d.alone.test" % i for i in range(start, start + 100)]).wait()
    net.ip("-n", net.ours, "address", "delete", "10.53.0.1/24", "dev", "cable")
    net.ip("-n", net.ours, "address", "add", "10.53.0.5/24", "dev", "cable")
    try:
        told = [daemon.ask("n%d.alone.test" % i) for i in range(40)]
    finally:
        net.ip("-n", net.ours, "address", "delete", "10.53.0.5/24", "dev", "cable")
        net.ip("-n", net.ours, "address", "add", "10.53.0.1/24", "dev", "cable")
    assert told.count([ANSWER]) >= 30, told


def test_another_ipv6_address_of_ours_is_used_soon(daemon, stage, net):
    """There the ports that were opened before still send, from an address that no reply comes to any more."""
    for name, address in ((net.theirs, SIX), (net.ours, "fd53::1")):
        net.ip("-n", name, "address", "replace", address + "/64", "dev", "cable", "nodad")
    stage("on IPv6", tell)
    for start in range(0, 700, 100):
        Asking(daemon, ["p%d.alone.test" % i for i in range(start, start + 100)]).wait()
    net.ip("-n", net.ours, "address", "delete", "fd53::1/64", "dev", "cable")
    net.ip("-n", net.ours, "address", "add", "fd53::5/64", "dev", "cable", "nodad")
    try:
        asking = Asking(daemon, ["o%d.alone.test" % i for i in range(40)])
        eventually(lambda: daemon.ask("n%d.alone.test" % time.monotonic_ns()) == [ANSWER], "recovery", 5 * SLACK)
        asking.wait()
        told = [daemon.ask("m%d.alone.test" % i) for i in range(40)]
    finally:
        net.ip("-n", net.ours, "address", "delete", "fd53::5/64", "dev", "cable")
    assert told.count([ANSWER]) >= 38, told


LINK_LOCAL = "fe80::53:4"


@contextlib.contextmanager
def spare_cable(net):
    net.ip("-n", net.ours, "link", "add", "spare", "type", "veth", "peer", "name", "spare", "netns", net.theirs)
    try:
        for name in net.made:
            net.ip("-n", name, "link", "set", "spare", "up")
        net.ip("-n", net.theirs, "address", "add", LINK_LOCAL + "/64", "dev", "spare", "nodad")
        yield
    finally:
        net.ip("-n", net.ours, "link", "delete", "spare")


@pytest.mark.parametrize("source", ["configured", "resolv.conf", "resolv.conf before the interface"])
def test_an_interface_comes_again_under_another_number(daemon, net, source):
    """A link-local address is reached by the interface of that name, whichever it is by now."""
    def is_answered():
        return daemon.ask("n%d.test" % time.monotonic_ns()) == [ANSWER]

    server = LINK_LOCAL + "%spare"
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.set("forward.upstreams", ["[%s]:53" % server])
    if source != "configured":
        del daemon.settings["forward"]["upstreams"]
        (daemon.folder / "resolv.conf").write_text("nameserver %s\n" % server)
        daemon.set("forward.resolvConf", str(daemon.folder / "resolv.conf"))
    with net.inside(net.theirs):
        far = Server("::", tell)
    try:
        if source == "resolv.conf before the interface":
            daemon.start()
        else:
            with spare_cable(net):
                daemon.start()
                eventually(is_answered, "an answer")
        for _ in range(2):
            assert not is_answered()
            with spare_cable(net):
                eventually(is_answered, "an answer by the new one", 5 + 5 * SLACK)
        assert daemon.log.count("there is no such network interface") <= 1
    finally:
        far.close()


def test_the_best_one_fails_and_comes_back(daemon, stage, net):
    asked = []

    def tell_fast(query, tcp):
        asked.append(query.question[0].name.to_text())
        return tell(query, tcp)

    def tell_slowly(query, tcp):
        time.sleep(0.2)
        return tell(query, tcp)

    def fast_ones():
        """Questions of clients that the fast one got; asks another one."""
        assert daemon.ask("n%d.beside.test" % time.monotonic_ns()) == [ANSWER]
        return len([name for name in asked if ".beside." in name])

    stage("silent", tell_fast, tell_slowly)
    eventually(lambda: fast_ones() >= 5, "the fast one is preferred")
    net.nft("add rule inet faults in ip daddr %s drop" % BAD)
    told = Asking(daemon, ["b%d.beside.test" % i for i in range(QUESTIONS)]).wait()
    for name, (rcode, _, seconds) in told.items():
        assert rcode == "NOERROR" and seconds < 1 + SLACK, (name, rcode, seconds)
    before = fast_ones()
    net.nft("flush chain inet faults in")
    eventually(lambda: fast_ones() > before + 2, "the fast one is asked again", 5 + 10 * SLACK)
