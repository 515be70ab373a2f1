"""Upstreams behind TLS: unbound with certificates made here."""
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time

import dns.message
import dns.rcode
import pytest

from conftest import SLACK, at_once, document, eventually, free_port, managed

NAME = "dns.example.com"
UNBOUND = shutil.which("unbound", path=os.environ["PATH"] + ":/usr/sbin")

pytestmark = pytest.mark.skipif(UNBOUND is None or shutil.which("openssl") is None, reason="wants unbound and openssl")


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)


def make_authority(folder, what):
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=" + what, "-keyout", what + ".key", "-out", what + ".pem")


def make_certificate(folder, what, names, authority):
    openssl(folder, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + what,
            "-keyout", what + ".key", "-out", what + ".csr")
    (folder / "names").write_text("subjectAltName=%s\nbasicConstraints=critical,CA:FALSE\n" % names)
    openssl(folder, "x509", "-req", "-in", what + ".csr", "-CA", authority + ".pem", "-CAkey", authority + ".key",
            "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", what + ".pem")


@pytest.fixture(name="certificates", scope="module")
def fixture_certificates(tmp_path_factory):
    """The authority's certificate, and keys with certificates for the name, another name and the address."""
    folder = tmp_path_factory.mktemp("certificates")
    for what in ("authority", "stranger"):
        make_authority(folder, what)
    make_certificate(folder, "good", "DNS:" + NAME, "authority")
    make_certificate(folder, "other", "DNS:dns.example.net", "authority")
    make_certificate(folder, "address", "IP:127.0.0.1", "authority")
    make_certificate(folder, "strange", "DNS:" + NAME, "stranger")
    return folder


class Resolver:
    """unbound with one zone of its own, asked over TLS."""

    def __init__(self, folder, certificates, which):
        self.port = free_port()
        self.file = folder / "unbound.conf"
        names = "".join('local-data: "n%d.example. 300 A 192.0.2.%d"\n' % (i, i % 250 + 1) for i in range(500))
        texts = "".join('local-data: \'big.example. 300 TXT "%s"\'\n' % (chr(97 + i) * 250) for i in range(16))
        self.file.write_text("""
server:
 username: ""
 chroot: ""
 directory: "{0}"
 pidfile: ""
 use-syslog: no
 logfile: ""
 interface: 127.0.0.1@{1}
 tls-port: {1}
 tls-service-key: "{2}/{3}.key"
 tls-service-pem: "{2}/{3}.pem"
 incoming-num-tcp: 200
 module-config: "iterator"
 local-zone: "example." static
 {4}
 {5}
remote-control:
 control-enable: no
""".format(folder, self.port, certificates, which, names, texts))
        self.process = None

    def start(self):
        self.process = subprocess.Popen([UNBOUND, "-d", "-c", self.file], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(self.listens, "unbound listens")

    def listens(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture(name="resolver")
def fixture_resolver(daemon, certificates):
    """Call it: resolver("good") runs, and the daemon forwards to it and knows the authority."""
    running = []

    def run(which, name="#" + NAME):
        resolver = Resolver(daemon.folder, certificates, which)
        running.append(resolver)
        resolver.start()
        daemon.set("workers", 1)
        daemon.set("forward.upstreams", ["tls://127.0.0.1:%d%s" % (resolver.port, name)])
        daemon.set("forward.tlsCertBundle", str(certificates / "authority.pem"))
        daemon.write("a.yaml", document(1, ["10.0.0.1"]))
        daemon.start()
        return resolver

    yield run
    for resolver in running:
        resolver.stop()


def streams(resolver):
    """Established connections to the resolver's port."""
    local = ":%04X" % resolver.port
    with open("/proc/net/tcp", encoding="ascii") as file:
        return sum(1 for line in file if line.split()[2].endswith(local) and line.split()[3] == "01")


@pytest.mark.parametrize("which, name", [("good", "#" + NAME), ("address", "")])
def test_answers(daemon, resolver, which, name):
    far = resolver(which, name)
    assert daemon.ask("n1.example") == ["192.0.2.2"]
    assert daemon.ask("nothing.example") == "NXDOMAIN"
    assert len(daemon.query("big.example", "TXT", tcp=True).answer[0]) == 16
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    eventually(lambda: streams(far) == 1, "the loop probe hangs up, one connection is kept")


@pytest.mark.parametrize("which, name, reason", [
    ("other", "#" + NAME, "hostname mismatch"),
    ("good", "", "IP address mismatch"),
    ("strange", "#" + NAME, "unable to get local issuer certificate"),
])
def test_nothing_is_asked_of_strangers(daemon, resolver, which, name, reason):
    resolver(which, name)
    reply = daemon.query("n1.example", use_edns=0)
    assert reply.rcode() == dns.rcode.SERVFAIL
    assert 22 in [option.code for option in reply.options if option.otype == 15] or 23 in [
        option.code for option in reply.options if option.otype == 15]
    assert "why=\"TLS: %s\"" % reason in daemon.log
    assert daemon.ask(managed(1)) == ["10.0.0.1"]


def test_a_stranger_is_told_of_once(daemon, resolver):
    """And not for each connection, for ever."""
    resolver("other")
    for i in range(4):
        at_once(5, lambda n, i=i: daemon.query("n%d-%d.example" % (i, n)))
        time.sleep(1.1)
    assert 1 <= daemon.log.count("why=\"TLS: hostname mismatch\"") <= 2, daemon.log    # who looks for loops is told, too


def test_the_next_upstream_is_asked_instead(daemon, upstream, certificates, resolver):
    upstream.answers["n1.example"] = ["192.0.2.99"]
    far = resolver("other")
    daemon.stop()
    daemon.set("forward.upstreams", ["tls://127.0.0.1:%d#%s" % (far.port, NAME), upstream.address])
    daemon.start()
    assert daemon.ask("n1.example") == ["192.0.2.99"]
    del certificates


def test_many_at_once_share_connections(daemon, resolver):
    far = resolver("good")
    got = {}

    def ask(part):
        for i in range(part, 500, 10):
            got[i] = daemon.ask("n%d.example" % i)

    at_once(10, ask)
    assert got == {i: ["192.0.2.%d" % (i % 250 + 1)] for i in range(500)}
    assert 1 <= streams(far) <= 4


def test_restart_of_the_upstream(daemon, resolver):
    far = resolver("good")
    assert daemon.ask("n1.example") == ["192.0.2.2"]
    far.stop()
    assert daemon.ask("n2.example") == "SERVFAIL"
    assert daemon.ask("n1.example") == ["192.0.2.2"]       # from the cache
    far.start()
    eventually(lambda: daemon.ask("n3.example") == ["192.0.2.4"], "the upstream is found again", 15 * SLACK)


def test_a_silent_upstream_costs_the_budget_only(daemon, resolver):
    far = resolver("good")
    assert daemon.ask("n1.example") == ["192.0.2.2"]
    far.process.send_signal(signal.SIGSTOP)
    start = time.monotonic()
    assert daemon.ask("n2.example") == "SERVFAIL"
    assert time.monotonic() - start < 3 * SLACK
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    far.process.send_signal(signal.SIGCONT)
    eventually(lambda: daemon.ask("n4.example") == ["192.0.2.5"], "it is heard again", 15 * SLACK)


class Ear:
    """Answers over TLS, so many times on each connection, and remembers what it was sent."""

    def __init__(self, certificates, answers=None):
        self.answers = answers
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificates / "good.pem", certificates / "good.key")
        self.port = free_port()
        self.socket = socket.create_server(("127.0.0.1", self.port))
        self.heard = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                stream, _ = self.socket.accept()
            except OSError:
                return      # the test is over
            threading.Thread(target=self.hear, args=(stream,), daemon=True).start()

    def hear(self, stream):
        # Or an answer waits for the last packet to be acknowledged, and is lost if the stream is closed meanwhile.
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with self.context.wrap_socket(stream, server_side=True) as safe, safe.makefile("rb") as reader:
                here = 0
                while here != self.answers and (head := reader.read(2)):
                    query = reader.read(struct.unpack("!H", head)[0])
                    self.heard.append(query)
                    here += 1
                    reply = dns.message.make_response(dns.message.from_wire(query)).to_wire()
                    safe.sendall(struct.pack("!H", len(reply)) + reply)
        except OSError:
            pass


def test_questions_are_filled_up(daemon, certificates):
    """All of the same few sizes: RFC 8467."""
    ear = Ear(certificates)
    daemon.set("forward.upstreams", ["tls://127.0.0.1:%d#%s" % (ear.port, NAME)])
    daemon.set("forward.tlsCertBundle", str(certificates / "authority.pem"))
    daemon.start()
    names = ["a.example", "a-rather-long-label-in-front." * 4 + "example", "x." * 100 + "example"]
    for name in names:
        assert daemon.query(name).rcode() == dns.rcode.NOERROR
    ear.socket.close()
    sizes = {}
    for query in ear.heard:
        message = dns.message.from_wire(query)
        assert len(query) % 128 == 0 and [option.otype for option in message.options] == [12]
        sizes[message.question[0].name.to_text(omit_final_dot=True)] = len(query)
    assert [sizes[name] for name in names] == [128, 256, 256]


@pytest.mark.parametrize("answers", [1, 3])
def test_connections_that_end_after_a_few_answers(daemon, certificates, answers):
    """RFC 7766: whoever still waits on one is asked for again, and the server is none the worse for it."""
    ear = Ear(certificates, answers)
    daemon.set("forward.upstreams", ["tls://127.0.0.1:%d#%s" % (ear.port, NAME)])
    daemon.set("forward.tlsCertBundle", str(certificates / "authority.pem"))
    daemon.start()
    got = at_once(40, lambda i: daemon.query("n%d.example" % i).rcode())
    ear.socket.close()
    assert got == [dns.rcode.NOERROR] * 40
    assert "upstream silent" not in daemon.log


@pytest.mark.parametrize("abruptly", [False, True])
def test_a_handshake_that_is_cut(daemon, certificates, abruptly):
    """Somebody listens there: the operator is told what he does."""
    def cut(server):
        while True:
            try:
                stream, _ = server.accept()
            except OSError:
                return      # the test is over
            with stream:
                stream.recv(4096)
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", abruptly, 0))

    with socket.create_server(("127.0.0.1", free_port())) as server:
        threading.Thread(target=cut, args=(server,), daemon=True).start()
        daemon.set("forward.upstreams", ["tls://127.0.0.1:%d#%s" % (server.getsockname()[1], NAME)])
        daemon.set("forward.tlsCertBundle", str(certificates / "authority.pem"))
        daemon.start()
        assert daemon.query("n1.example").rcode() == dns.rcode.SERVFAIL
        assert 'why="TLS: the handshake was cut"' in daemon.log
        assert 'why="no TLS connection can be made"' in daemon.log
        assert "nobody listens" not in daemon.log


def test_no_such_bundle(daemon):
    daemon.set("forward.upstreams", ["tls://127.0.0.1"])
    daemon.set("forward.tlsCertBundle", "/nonexistent/ca.pem")
    for arguments in ((), ("--check",)):
        ran = daemon.run(*arguments)
        assert ran.returncode == 2
        assert "/nonexistent/ca.pem: forward.tlsCertBundle: no certificates can be read there: No such file" in ran.stderr
