"""An owned name and a cached one cost no allocation, no lock, and no system call but the batch's two: counted in the
worker itself, while it answers."""
import mmap
import shutil
import socket
import struct
import subprocess
from pathlib import Path

import dns.message
import dns.rcode
import pytest

from conftest import PATIENCE, PLDNSD, document, managed

COUNTERS = ["allocations", "locks", "received", "sent", "waits", "others"]      # as in calls.c
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
TIMES = 300


class Calls:
    def __init__(self, path):
        self.path = path
        path.write_bytes(bytes(4 * len(COUNTERS)))
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 4 * len(COUNTERS))

    def read(self):
        return dict(zip(COUNTERS, struct.unpack("%dI" % len(COUNTERS), self.memory[:])))


@pytest.fixture(name="calls")
def fixture_calls(daemon):
    if COMPILER is None:
        pytest.skip("there is no compiler")
    if any(word in Path(PLDNSD).read_bytes() for word in (b"__asan_init", b"__tsan_init")):
        pytest.skip("a sanitizer wants to be loaded first")
    library = daemon.folder / "calls.so"
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", library, Path(__file__).with_name("calls.c"), "-ldl"],
                   check=True)
    calls = Calls(daemon.folder / "calls")
    calls.preload = {"LD_PRELOAD": str(library), "CALLS": str(calls.path)}
    return calls


def cost(calls, port, name, kind, rcode):
    """What TIMES answers cost, one after the other; the first one, which may be a miss, is not counted."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(PATIENCE)
        one.connect(("127.0.0.1", port))
        for i in range(TIMES + 1):
            one.send(dns.message.make_query(name, kind, id=i, use_edns=i % 2 == 1).to_wire())
            answer = dns.message.from_wire(one.recv(4096))
            assert (answer.id, answer.rcode()) == (i, rcode)
            if i == 0:
                before = calls.read()
    after = calls.read()
    return {key: after[key] - before[key] for key in COUNTERS}


@pytest.mark.parametrize("name, kind, rcode", [
    ("b1." + managed(1), "A", dns.rcode.NOERROR),
    ("b1." + managed(1), "AAAA", dns.rcode.NOERROR),
    ("b1." + managed(2), "A", dns.rcode.NXDOMAIN),
    ("localhost", "A", dns.rcode.NOERROR),
    ("www.example.com", "A", dns.rcode.NOERROR),
])
def test_fast_path(daemon, upstream, calls, name, kind, rcode):
    upstream.answers["www.example.com"] = ["192.0.2.1", "192.0.2.2"]
    daemon.set("workers", 1)
    daemon.set("forward.upstreams", [upstream.address])
    daemon.write("a.yaml", document(1, ["10.1.1.1", "10.1.1.2"]))
    daemon.write("b.yaml", document(2, ["10.1.1.3"], state="DELETED"))
    daemon.start(env=calls.preload)
    spent = cost(calls, daemon.port, name, kind, rcode)
    assert spent["waits"] > 0, "the worker is not watched"
    assert spent["allocations"] == spent["locks"] == spent["others"] == 0, spent
    assert spent["received"] == spent["sent"] == TIMES, spent


def test_a_miss_is_counted(daemon, upstream, calls):
    """Or the above would hold for counters that count nothing."""
    upstream.answers["www.example.com"] = ["192.0.2.1"]
    daemon.set("workers", 1)
    daemon.set("forward.upstreams", [upstream.address])
    daemon.start(env=calls.preload)
    before = calls.read()
    assert daemon.ask("www.example.com") == ["192.0.2.1"]
    after = calls.read()
    assert all(after[key] > before[key] for key in ("allocations", "received", "sent", "waits", "others"))
