"""Faults by counting: the n-th call of each function fails, for every n, while tables change and while questions
are answered; nothing breaks but that one thing, and the next try mends it."""
import errno
import mmap
import shutil
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

import dns.exception
import dns.message
import pytest

from conftest import PLDNSD, SLACK, document, eventually, managed

FUNCTIONS = ["none", "open", "read", "write", "fsync", "syncfs", "rename", "stat", "readdir", "unlink",
             "receive", "send", "socket", "accept", "connect", "bind", "watch"]      # as in faults.c
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
MOST = 60


@pytest.fixture(name="library", scope="module")
def fixture_library(tmp_path_factory):
    if COMPILER is None:
        pytest.skip("there is no compiler")
    if any(word in Path(PLDNSD).read_bytes() for word in (b"__asan_init", b"__tsan_init")):
        pytest.skip("a sanitizer wants to be loaded first")
    library = tmp_path_factory.mktemp("faults") / "faults.so"
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", library, Path(__file__).with_name("faults.c"), "-ldl"],
                   check=True)
    return library


class Faults:
    def __init__(self, folder):
        self.path = folder / "orders"
        self.path.write_bytes(bytes(16))
        with open(self.path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 16)

    def arm(self, function, nth, number):
        failed = self.failed
        self.memory[:16] = struct.pack("iiii", 0, nth, number, failed)
        self.memory[:4] = struct.pack("i", FUNCTIONS.index(function))

    def disarm(self):
        self.memory[:4] = struct.pack("i", 0)

    @property
    def failed(self):
        return struct.unpack("i", self.memory[12:16])[0]


@pytest.fixture(name="faults")
def fixture_faults(daemon, library):
    daemon.faults = Faults(daemon.folder)
    daemon.preload = {"LD_PRELOAD": str(library), "FAULTS": str(daemon.faults.path)}
    return daemon.faults


def patient(daemon, name, tries=8):
    """The answer, if it comes within some tries: a fault may cost one datagram or connection."""
    for _ in range(tries):
        try:
            return daemon.ask(name, timeout=0.5)
        except (dns.exception.Timeout, OSError, EOFError):
            continue
    raise AssertionError("no answer to %s" % name)


@pytest.mark.parametrize("function, number", [
    ("open", errno.EMFILE), ("read", errno.EIO), ("write", errno.ENOSPC), ("fsync", errno.EIO), ("syncfs", errno.EIO),
    ("rename", errno.EROFS), ("stat", errno.EIO), ("readdir", errno.EIO), ("unlink", errno.EROFS),
])
def test_reload(daemon, faults, function, number):
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.write("b.yaml", document(2, ["10.0.0.2"]))
    daemon.write("c0.yaml", document(10, ["10.0.0.3"]))
    daemon.start(env=daemon.preload)
    old = "10.0.0.1"

    def is_kept(address, gone):
        a, c = (daemon.state / "accepted" / name for name in ("a.yaml", "c%d.yaml" % gone))
        return a.exists() and address in a.read_text() and not c.exists()

    eventually((daemon.state / "accepted" / "c0.yaml").exists, "what the start accepted is kept")
    for nth in range(1, MOST):
        new = "10.0.1.%d" % nth
        before = faults.failed
        daemon.write("c%d.yaml" % nth, document(10 + nth, ["10.0.0.3"]))
        faults.arm(function, nth, number)
        daemon.write("a.yaml", document(1, [new]))
        daemon.remove("c%d.yaml" % (nth - 1))
        daemon.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 10 * SLACK
        while (answer := patient(daemon, managed(1))) != [new]:
            assert answer == [old] and patient(daemon, managed(2)) == ["10.0.0.2"], answer
            assert time.monotonic() < end, "the change is never served"
            daemon.process.send_signal(signal.SIGHUP)
            time.sleep(0.01)
        eventually(lambda: faults.failed > before or is_kept(new, nth - 1), "it is kept, or the fault is met")
        faults.disarm()
        old = new
        if faults.failed == before:
            break
    assert nth > 1 or function == "syncfs", "the fault was never met"
    eventually(lambda: daemon.reload().status == 200, "all is accepted")
    kept = daemon.state / "accepted" / "a.yaml"
    eventually(lambda: daemon.reload().status == 200 and kept.exists() and new in kept.read_text(), "all is kept")
    daemon.restart()
    assert daemon.ask(managed(1)) == [new]


def test_the_list_of_upstreams_at_start(daemon, faults):
    """That its file could not be opened once is no reason to be without upstreams until it changes."""
    path = daemon.folder / "resolv.conf"
    path.write_text("nameserver 127.0.0.7\n")
    del daemon.settings["forward"]["upstreams"]
    daemon.set("forward.resolvConf", str(path))
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    started = 0
    for nth in range(1, MOST):
        before = faults.failed
        faults.arm("open", nth, errno.EMFILE)
        daemon.start(env=daemon.preload, wait=False)
        eventually(lambda: daemon.process.poll() is not None or daemon.is_ready(), "a start, or its end")
        if daemon.process.poll() is None:
            started += 1
            eventually(lambda: daemon.status()["upstreams"], "the upstreams")
        faults.disarm()
        daemon.stop()
        with open(daemon.log_path, "a", encoding="utf-8") as log:
            log.write("event=stopped\n")
        if faults.failed == before:
            break
    assert nth > 1 and started > 1


@pytest.mark.parametrize("function, number", [
    ("receive", errno.ENOBUFS), ("receive", errno.EINTR), ("receive", errno.EAGAIN), ("send", errno.ENOBUFS), ("send", errno.EPERM),
    ("send", errno.EAGAIN), ("send", errno.EINTR), ("socket", errno.EMFILE), ("accept", errno.EMFILE), ("accept", errno.ECONNABORTED),
    ("connect", errno.ENETUNREACH), ("bind", errno.EADDRINUSE),
])
def test_serving(daemon, upstream, faults, function, number):
    daemon.set("forward.upstreams", [upstream.address])
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start(env=daemon.preload)
    for nth in range(1, 12):
        public = "n%d.example" % nth
        upstream.answers[public] = ["192.0.2.%d" % nth]
        faults.arm(function, nth, number)
        assert patient(daemon, managed(1)) == ["10.0.0.1"]
        for _ in range(8):                      # SERVFAIL may be remembered for some seconds
            got = patient(daemon, public)
            if got == ["192.0.2.%d" % nth]:
                break
            assert got == "SERVFAIL"
            time.sleep(0.7 * SLACK)
        else:
            raise AssertionError("%s is never answered" % public)
        for _ in range(8):
            try:
                assert daemon.ask(managed(1), tcp=True, timeout=2) == ["10.0.0.1"]
                break
            except (dns.exception.Timeout, OSError, EOFError):
                continue
        else:
            raise AssertionError("TCP is never answered")
        faults.disarm()
    assert daemon.process.poll() is None


def test_a_socket_that_cannot_be_waited_for_again(daemon, faults):
    """Where queries come from: while many come it is not waited for, and not while descriptors are short."""
    daemon.set("workers", 1)
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start(env=daemon.preload)
    wire = dns.message.make_query(managed(1), "A").to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", daemon.port))
        daemon.process.send_signal(signal.SIGSTOP)
        for _ in range(200):
            client.send(wire)
        faults.arm("watch", 1, errno.ENOMEM)
        daemon.process.send_signal(signal.SIGCONT)
        eventually(lambda: faults.failed == 1, "the datagrams are answered")
    assert patient(daemon, managed(1)) == ["10.0.0.1"]
    faults.arm("accept", 1, errno.ENOMEM)
    with socket.create_connection(("127.0.0.1", daemon.port)) as stream:
        stream.settimeout(10 * SLACK)
        stream.sendall(struct.pack("!H", len(wire)) + wire)
        eventually(lambda: faults.failed == 2, "nothing is accepted for a while")
        faults.arm("watch", 1, errno.ENOMEM)
        eventually(lambda: faults.failed == 3, "the end of that while")
        assert stream.recv(2) == struct.pack("!H", len(wire) + 16)


def test_a_connection_that_cannot_be_waited_for(daemon, faults):
    """It is closed: its client asks again on another, and does not wait for what nobody reads."""
    daemon.set("limits.tcpIdleTimeout", "60s")
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start(env=daemon.preload)
    wire = dns.message.make_query(managed(1), "A").to_wire()
    faults.arm("watch", 1, errno.ENOMEM)
    with socket.create_connection(("127.0.0.1", daemon.port)) as stream, stream.makefile("rb") as reader:
        stream.settimeout(10 * SLACK)
        stream.sendall(struct.pack("!H", len(wire)) + wire)
        assert len(reader.read()) == 2 + len(wire) + 16
    assert faults.failed == 1
    assert daemon.ask(managed(1), tcp=True) == ["10.0.0.1"]
