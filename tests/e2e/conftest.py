"""What end-to-end tests stand on: the real pldnsd on free ports and in folders of its own, and an upstream
that does what the test says.  Everything that is started is stopped, whatever the test does."""
import concurrent.futures
import http.client
import itertools
import json
import os
import random
import signal
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("PLDNS_BUILD", ROOT / "build" / "run"))
PLDNSD = os.environ.get("PLDNSD", str(BUILD / "resolver" / "pldnsd"))
PLDNSCTL = os.environ.get("PLDNSCTL", str(BUILD / "ctl" / "pldnsctl"))
SLACK = float(os.environ.get("PLDNS_SLACK", "1"))   # sanitizers make everything slower
PATIENCE = 10 * SLACK


# Files that take long, the longest first: they run side by side, and one that began last would be waited for alone.
LONG_FILES = ("test_targets.py", "test_ctl_diff.py", "test_answers.py", "test_ctl_manage.py", "test_resolvconf.py", "test_operator.py",
              "test_reload.py", "test_forwarding.py", "test_hostile.py", "test_admin.py", "test_upstream_faults.py", "test_health.py")


def pytest_collection_modifyitems(items):
    ranks = {name: rank for rank, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: ranks.get(item.path.name, len(ranks)))


def pytest_configure(config):
    config.addinivalue_line("markers", "reload: tables change while queries are answered")


def eventually(condition, what="it", seconds=PATIENCE):
    """The condition's first true value; fails with 'what' when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, "%s did not happen within %.0f s" % (what, seconds)
        time.sleep(0.01)


def ports():
    """Below the ephemeral range, where sockets of others have none by chance; each test process draws from a
    part of its own."""
    part = int("".join(filter(str.isdigit, os.environ.get("PYTEST_XDIST_WORKER", ""))) or 0) % 8
    first, length = 11000 + part * 2500, 2500
    yield from (first + n % length for n in itertools.count(random.SystemRandom().randrange(length)))


PORTS = ports()


def free_port():
    """A port that is free for UDP and TCP both."""
    for port in PORTS:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("", port))
                udp.bind(("", port))
                return port
            except OSError:
                continue


# ---- documents -----------------------------------------------------------------------------------

def unique(n):
    """The n-th unique name: 26 characters of base32."""
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    text = ""
    for _ in range(26):
        text, n = text + letters[n % 32], n // 32
    return text


def managed(n, zone=""):
    """A name that document(n, …) attaches."""
    return "b1.%s%s.aws.plc.tidbcloud.com" % (zone + "." if zone else "", unique(n))


def document(n, addresses, **more):
    """One connection with a managed domain; 'more' are fields of the connection."""
    fields = {
        "privateLinkConnectionId": "plc-%d" % n,
        "type": "AWS_ENDPOINT_SERVICE",
        "state": "ACTIVE",
        "endpoints": [{"zone": "use1-az1", "addresses": addresses}],
        "attachedDomains": [{"type": "TIDBCLOUD_MANAGED", "uniqueName": unique(n)}],
    }
    fields.update(more)
    return json.dumps(fields, indent=1) + "\n"


def custom(n, addresses, *names):
    return document(n, addresses, attachedDomains=[{"type": "CUSTOM", "domains": [{"name": name} for name in names]}])


# ---- the upstream --------------------------------------------------------------------------------

def is_probe(query):
    """pldnsd asks whether we lead back to it (resolver/loop.h): no question of a client."""
    return query.question[0].name.to_text().endswith(".loop.pldns.test.")


def is_query(wire):
    """A port may have been somebody else's just before, whose late replies come here."""
    return len(wire) > 12 and wire[2] & 0x80 == 0


class Upstream:
    """A DNS server on UDP and TCP.  'answer' maps (name, type) to a list of texts, a rcode, a list of
    (owner, type, text) or None for silence; everything asked is in 'asked'.  It serves until close(), which
    raises what went wrong meanwhile."""

    def __init__(self, host="127.0.0.1", port=None):
        self.port = port or free_port()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.address = ("[%s]:%d" if ":" in host else "%s:%d") % (host, self.port)
        self.asked = []
        self.answers = {}
        self.ttl = 300
        self.delay = 0.0
        self.over = False
        self.failures = []
        self.udp = socket.socket(family, socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.udp.bind((host, self.port))
        self.udp.settimeout(0.05)
        self.tcp = socket.socket(family, socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind((host, self.port))
        self.tcp.listen(16)
        self.tcp.settimeout(0.05)
        self.threads = [threading.Thread(target=self.serve_udp), threading.Thread(target=self.serve_tcp)]
        for thread in self.threads:
            thread.start()

    def close(self):
        self.over = True
        for thread in self.threads:
            thread.join()
        self.udp.close()
        self.tcp.close()
        if self.failures:
            raise self.failures[0]

    def names(self):
        return [name for name, _ in self.asked]

    def reply(self, wire):
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = question.name.to_text().lower().rstrip("."), dns.rdatatype.to_text(question.rdtype)
        if not is_probe(query):
            self.asked.append((name, kind))
        answer = self.answers.get((name, kind), self.answers.get(name, dns.rcode.NXDOMAIN))
        if callable(answer):
            answer = answer(name, kind)
        if answer is None:
            return None
        reply = dns.message.make_response(query, recursion_available=True)
        if isinstance(answer, int):
            reply.set_rcode(answer)
            if answer == dns.rcode.NXDOMAIN:
                reply.authority.append(dns.rrset.from_text("example.", 60, "IN", "SOA", "ns. root. 1 2 3 4 60"))
            return reply.to_wire()
        for item in answer:
            owner, rtype, text = item if isinstance(item, tuple) else (name + ".", kind, item)
            reply.answer.append(dns.rrset.from_text(owner, self.ttl, "IN", rtype, text))
        return reply.to_wire(max_size=65535)

    def replies(self, wire, tcp, peer):
        """The messages to be sent for one that came."""
        reply = self.reply(wire)
        return [] if reply is None else [reply]

    def serve_udp(self):
        while not self.over:
            try:
                wire, peer = self.udp.recvfrom(65535)
            except socket.timeout:
                continue
            if is_query(wire):
                self.answer(wire, peer)

    def answer(self, wire, peer):
        try:
            replies = self.replies(wire, False, peer)
        except Exception as error:  # pylint: disable=broad-except
            self.failures.append(error)
            return
        for reply in replies:
            if self.delay:
                threading.Timer(self.delay, self.send, (reply, peer)).start()
            else:
                self.send(reply, peer)

    def send(self, reply, peer):
        try:
            self.udp.sendto(reply, peer)
        except OSError:
            pass    # the test is over

    def serve_tcp(self):
        while not self.over:
            try:
                stream, _ = self.tcp.accept()
            except socket.timeout:
                continue
            threading.Thread(target=self.serve_stream, args=(stream,), daemon=True).start()

    def serve_stream(self, stream):
        with stream, stream.makefile("rb") as reader:
            stream.settimeout(10)
            try:
                while head := reader.read(2):
                    wire = reader.read(struct.unpack("!H", head)[0])
                    for reply in self.replies(wire, True, stream.getpeername()):
                        self.send_framed(stream, reply)
            except (OSError, struct.error):
                pass

    def send_framed(self, stream, reply):
        stream.sendall(struct.pack("!H", len(reply)) + reply)


def at_once(times, do):
    """What do(0), do(1), … give, each in a thread of its own."""
    with concurrent.futures.ThreadPoolExecutor(times) as pool:
        return list(pool.map(do, range(times)))


class Scripted(Upstream):
    """An upstream whose 'script(query, tcp)' gives a message, octets, a list of those, or None."""

    def __init__(self, script, host="127.0.0.1", port=None):
        self.script = script
        self.queries = []       # (message, over TCP?, the client's port)
        super().__init__(host, port)

    def replies(self, wire, tcp, peer):
        query = dns.message.from_wire(wire)
        if is_probe(query):
            return []
        self.queries.append((query, tcp, peer[1]))
        made = self.script(query, tcp)
        made = made if isinstance(made, list) else [made]
        return [item if isinstance(item, bytes) else item.to_wire(max_size=65535) for item in made if item is not None]


# ---- the daemon ----------------------------------------------------------------------------------

class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Answer:
    """What one request to the admin address got."""

    def __init__(self, status, body, headers):
        self.status, self.body, self.headers = status, body, headers

    @property
    def json(self):
        return json.loads(self.body)


class Daemon:
    def __init__(self, folder):
        self.folder = folder
        self.documents = folder / "attachments.d"
        self.documents.mkdir()
        self.state = folder / "state"
        self.socket = folder / "admin.sock"
        self.port = free_port()
        self.process = None
        self.log_path = folder / "log"
        self.settings = {
            "listen": ["127.0.0.1:%d" % self.port],
            "workers": 2,
            "attachments": {"directory": str(self.documents), "state": str(self.state), "detachHold": "60s"},
            "admin": {"listen": ["unix:%s" % self.socket]},
            "forward": {"upstreams": ["127.0.0.1:%d" % free_port()]},
            "drain": "100ms",
        }

    # -- life --

    def set(self, key, value):
        """set("cache.size", 0)"""
        *path, last = key.split(".")
        at = self.settings
        for part in path:
            at = at.setdefault(part, {})
        at[last] = value

    def configure(self):
        path = self.folder / "pldns.yaml"
        path.write_text(json.dumps(self.settings, indent=1))
        return path

    def environment(self, more=None):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PLDNS")}
        return {**clean, **(more or {})}

    def run(self, *arguments, env=None, config=True):
        """pldnsd to its end: for those that do not start."""
        options = ["-c", str(self.configure())] if config else []
        return subprocess.run([PLDNSD, *options, *map(str, arguments)], capture_output=True, text=True, check=False,
                              timeout=60 * SLACK, env=self.environment(env))

    def start(self, *arguments, env=None, wait=True):
        assert self.process is None
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([PLDNSD, "-c", str(self.configure()), *map(str, arguments)], stderr=log,
                                            stdin=subprocess.DEVNULL, env=self.environment(env))
        if wait:
            eventually(self.is_ready, "readiness")
        return self

    def is_ready(self):
        assert self.process.poll() is None, "pldnsd ended with %s:\n%s" % (self.process.returncode, self.log)
        return "event=ready" in self.log.rsplit("event=stopped", 1)[-1]

    def stop(self, sign=signal.SIGTERM):
        """Its exit status."""
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(sign)
        try:
            return process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError("pldnsd does not end:\n" + self.log) from None

    def restart(self, sign=signal.SIGTERM):
        self.stop(sign)
        if sign == signal.SIGKILL:
            with open(self.log_path, "a", encoding="utf-8") as log:
                log.write("event=stopped (killed by the test)\n")
        return self.start()

    @property
    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    # -- documents --

    def write(self, name, text):
        """As everybody should: beside, then renamed."""
        temporary = self.documents / (".%s.tmp" % name)
        temporary.write_text(text)
        temporary.rename(self.documents / name)

    def remove(self, name):
        (self.documents / name).unlink()

    # -- questions --

    def query(self, name, kind="A", tcp=False, timeout=5, **options):
        question = dns.message.make_query(name, kind, **options)
        ask = dns.query.tcp if tcp else dns.query.udp
        return ask(question, "127.0.0.1", port=self.port, timeout=timeout * SLACK)

    def ask(self, name, kind="A", **options):
        """Addresses (sorted), or the rcode's word when there are none."""
        reply = self.query(name, kind, **options)
        found = sorted(item.to_text() for rrset in reply.answer for item in rrset if rrset.rdtype == reply.question[0].rdtype)
        return found or dns.rcode.to_text(reply.rcode())

    def chaos(self, name):
        reply = self.query(name, "TXT", rdclass="CH")
        return b"".join(part for rrset in reply.answer for item in rrset for part in item.strings).decode()

    def admin(self, path, method="GET", headers=None, timeout=20):
        connection = UnixConnection(str(self.socket), timeout * SLACK)
        try:
            connection.request(method, path, headers=headers or {})
            reply = connection.getresponse()
            return Answer(reply.status, reply.read().decode(), dict(reply.getheaders()))
        finally:
            connection.close()

    def reload(self):
        return self.admin("/api/reload", "POST")

    def status(self):
        return self.admin("/api/status").json

    def counter(self, name):
        return self.status()["counters"][name]

    def ctl(self, *arguments):
        return subprocess.run([PLDNSCTL, "--server", "unix:%s" % self.socket, *map(str, arguments)], capture_output=True,
                              text=True, check=False, timeout=60 * SLACK)


@pytest.fixture(name="daemon")
def fixture_daemon(tmp_path):
    """A daemon that is set up and not started yet."""
    daemon = Daemon(tmp_path)
    yield daemon
    try:
        if daemon.process is not None:
            assert daemon.stop() == 0, daemon.log
    finally:
        print(daemon.log)
    for word in ("ERROR: AddressSanitizer", "runtime error:", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "Assertion"):
        assert word not in daemon.log, daemon.log


@pytest.fixture(name="upstream")
def fixture_upstream():
    upstream = Upstream()
    yield upstream
    upstream.close()


@pytest.fixture(name="served")
def fixture_served(daemon, upstream):
    """A running daemon with one document, one worker (so one cache) and the upstream."""
    daemon.set("workers", 1)
    daemon.set("forward.upstreams", [upstream.address])
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    return daemon.start()
