"""The wall clock jumps, as after a suspended machine or a first look at a time server: nothing that is served,
kept or waited for goes by it."""
import mmap
import shutil
import struct
import subprocess
import time
from pathlib import Path

import pytest

from conftest import PLDNSD, SLACK, custom, document, eventually, managed

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
YEARS = 10 * 365 * 86400


@pytest.fixture(name="clock")
def fixture_clock(daemon):
    """Sets the daemon's wall clock ahead by so many seconds; to be started with clock.preload."""
    if COMPILER is None:
        pytest.skip("there is no compiler")
    if any(word in Path(PLDNSD).read_bytes() for word in (b"__asan_init", b"__tsan_init")):
        pytest.skip("a sanitizer wants to be loaded first")
    library, path = daemon.folder / "wallclock.so", daemon.folder / "ahead"
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", library, Path(__file__).with_name("wallclock.c"),
                    "-ldl"], check=True)
    path.write_bytes(bytes(8))
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 8) as memory:
        def jump(seconds):
            memory[:8] = struct.pack("q", seconds)
        jump.preload = {"LD_PRELOAD": str(library), "WALLCLOCK": str(path)}
        yield jump


@pytest.mark.parametrize("ahead", [YEARS, -YEARS], ids=["forward", "back"])
def test_jump(daemon, upstream, clock, ahead):
    for name in ("kept", "later", "gone"):
        upstream.answers["%s.example" % name] = ["192.0.2.1"]
    daemon.set("workers", 1)
    daemon.set("forward.upstreams", [upstream.address])
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.write("b.yaml", custom(2, ["10.0.0.2"], "gone.example"))
    daemon.start(env=clock.preload)
    year = daemon.log.split("time=", 1)[1][:4]
    assert daemon.ask("kept.example") == ["192.0.2.1"] and daemon.ask("gone.example") == ["10.0.0.2"]
    daemon.remove("b.yaml")
    assert daemon.reload().status == 200
    asked = len(upstream.asked)
    clock(ahead)
    # What is kept goes on ending in 300 s, a detached name is held for 60 s, and what is attached is there.
    assert 200 < daemon.query("kept.example").answer[0].ttl <= 300
    assert daemon.ask("gone.example") == "NXDOMAIN"
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    assert len(upstream.asked) == asked
    # Timers run, files are seen, questions are asked.
    daemon.write("c.yaml", custom(3, ["10.0.0.3"], "new.example"))
    eventually(lambda: daemon.ask("new.example") == ["10.0.0.3"], "taking up the document")
    assert daemon.ask("later.example") == ["192.0.2.1"]
    daemon.write("a.yaml", document(1, ["10.0.0.9"]))
    assert daemon.reload().status == 200
    assert daemon.ask(managed(1)) == ["10.0.0.9"]
    clock(0)
    assert 200 < daemon.query("kept.example").answer[0].ttl <= 300
    assert daemon.ask("gone.example") == "NXDOMAIN"
    assert {line[:len("time=2000")] for line in daemon.log.splitlines()} > {"time=" + year}    # it did jump


@pytest.mark.parametrize("ahead", [YEARS, -YEARS], ids=["forward", "back"])
def test_jump_before_a_restart(daemon, upstream, clock, ahead):
    """What was detached is held for the rest of its time: not shorter, and not longer."""
    upstream.answers["gone.example"] = ["192.0.2.1"]
    daemon.set("workers", 1)
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("attachments.detachHold", "%ds" % (6 * SLACK))
    daemon.write("b.yaml", custom(2, ["10.0.0.2"], "gone.example"))
    daemon.start(env=clock.preload)
    eventually((daemon.state / "accepted" / "b.yaml").exists, "the document is kept")
    daemon.remove("b.yaml")
    assert daemon.reload().status == 200
    eventually((daemon.state / "detached").exists, "the detachment is kept")
    daemon.stop()
    time.sleep(3 * SLACK)
    clock(ahead)
    daemon.start(env=clock.preload)
    started = time.monotonic()
    assert daemon.ask("gone.example") == "NXDOMAIN" and upstream.names() == []
    eventually(lambda: daemon.ask("gone.example") == ["192.0.2.1"], "the end of the hold")
    assert time.monotonic() - started < 5 * SLACK
