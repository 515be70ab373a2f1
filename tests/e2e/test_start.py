"""Start, refusal and end: exit codes, words, signals."""
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import PLDNSD, SLACK, custom, document, eventually, free_port, managed, unique

FINE, REFUSED = 0, 2

needs_systemd = pytest.mark.skipif(b"sd_notify" not in Path(PLDNSD).read_bytes(), reason="built without libsystemd")


def pldnsd(*arguments):
    return subprocess.run([PLDNSD, *arguments], capture_output=True, text=True, check=False, timeout=30 * SLACK)


# ---- the command line ----------------------------------------------------------------------------

def test_version_and_help():
    ran = pldnsd("--version")
    assert ran.returncode == FINE and ran.stdout.startswith("pldnsd ") and ran.stderr == ""
    ran = pldnsd("--help")
    assert ran.returncode == FINE
    for option in ("-c", "--listen", "--attachments", "--upstream", "--check", "--version", "--help"):
        assert option in ran.stdout


@pytest.mark.parametrize("arguments", [["--nonsense"], ["-c"], ["--listen"], ["extra"], ["-x"]])
def test_wrong_use(arguments):
    ran = pldnsd(*arguments)
    assert ran.returncode == REFUSED and "pldnsd --help" in ran.stderr and ran.stdout == ""


def test_flags_go_before_the_file(daemon, tmp_path):
    other = tmp_path / "other.d"
    other.mkdir()
    (other / "b.yaml").write_text(document(2, ["10.0.0.2"]))
    daemon.set("listen", ["127.0.0.1:1"])
    daemon.start("--listen", "127.0.0.1:%d" % daemon.port, "--attachments", other, env={"PLDNS_LISTEN": "127.0.0.1:2"})
    assert daemon.ask(managed(2)) == ["10.0.0.2"]


def test_environment_goes_before_the_file(daemon):
    daemon.set("listen", ["127.0.0.1:1"])
    daemon.set("workers", 1)
    daemon.start(env={"PLDNS_LISTEN": "127.0.0.1:%d" % daemon.port, "PLDNS_INSTANCE": "here", "PLDNS_WORKRES": "3",
                      "PLDNS_PORT_53_UDP": "udp://10.0.0.1:53"})
    assert daemon.chaos("hostname.bind") == "here"
    assert "PLDNS_WORKRES" in daemon.log and "did you mean PLDNS_WORKERS?" in daemon.log
    assert "PLDNS_PORT_53_UDP" not in daemon.log


# ---- refusals ------------------------------------------------------------------------------------

def test_all_mistakes_at_once(daemon):
    daemon.set("zone", "not a zone")
    daemon.set("cache.sise", "1MiB")
    daemon.set("forward.upstreams", ["quic://10.0.0.1"])
    ran = daemon.run("--listen", "nowhere", env={"PLDNS_DRAIN": "soon"})
    assert ran.returncode == REFUSED
    for said in ("zone: wants a zone id", "did you mean 'size'?", "forward.upstreams[0]: 'quic://10.0.0.1'", "--listen: 'nowhere'", "PLDNS_DRAIN: wants"):
        assert said in ran.stderr
    assert "pldns.yaml:" in ran.stderr


def test_no_such_configuration(tmp_path):
    ran = pldnsd("-c", str(tmp_path / "none.yaml"))
    assert ran.returncode == REFUSED and "none.yaml: cannot be read: No such file or directory" in ran.stderr


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
@pytest.mark.parametrize("shared", [False, True])
def test_taken_port(daemon, kind, shared):
    with socket.socket(socket.AF_INET, kind) as holder:
        if shared:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", daemon.port))
        if kind == socket.SOCK_STREAM:
            holder.listen()
        ran = daemon.run()
    assert ran.returncode == REFUSED
    assert "127.0.0.1:%d %s: Address already in use" % (daemon.port, "udp" if kind == socket.SOCK_DGRAM else "tcp") in ran.stderr


def test_second_daemon_on_the_same_port(daemon):
    daemon.start()
    ran = daemon.run(env={"PLDNS_ADMIN_LISTEN": "unix:%s" % (daemon.folder / "second.sock")})
    assert ran.returncode == REFUSED and "Address already in use" in ran.stderr
    assert daemon.admin("/healthz").status == 200


def test_taken_admin_socket(daemon):
    daemon.start()
    port = daemon.port
    ran = daemon.run(env={"PLDNS_LISTEN": "127.0.0.2:%d" % port})
    assert ran.returncode == REFUSED and "admin.sock: another process serves it" in ran.stderr
    assert daemon.admin("/healthz").status == 200


def test_admin_socket_is_no_socket(daemon):
    daemon.socket.write_text("precious")
    ran = daemon.run()
    assert ran.returncode == REFUSED and "which is no socket" in ran.stderr
    assert daemon.socket.read_text() == "precious"


def test_refused_document_at_cold_start(daemon):
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.write("b.yaml", "privateLinkConnectionId: 1\nuniqename: x\n")
    ran = daemon.run()
    assert ran.returncode == REFUSED
    assert "b.yaml:2:1: " in ran.stderr
    daemon.set("attachments.onStartError", "serve")
    daemon.start()
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    assert daemon.status()["refused"] == 1
    assert "event=\"document refused\" name=b.yaml" in daemon.log


def test_missing_directory_at_first_start(daemon):
    daemon.documents.rmdir()
    ran = daemon.run()
    assert ran.returncode == REFUSED and "attachments.d: cannot be read: No such file or directory" in ran.stderr
    daemon.set("attachments.onStartError", "serve")
    daemon.start()
    assert daemon.status()["degraded"] == "%s: No such file or directory" % daemon.documents
    assert 'now="nothing was accepted before, so no name is attached"' in daemon.log
    daemon.documents.mkdir()
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    eventually(lambda: daemon.ask(managed(1)) == ["10.0.0.1"], "the directory is found")
    eventually(lambda: "degraded" not in daemon.status(), "no longer degraded")


# ---- --check -------------------------------------------------------------------------------------

def test_check(daemon):
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    ran = daemon.run("--check")
    assert ran.returncode == FINE and "are right" in ran.stdout
    daemon.write("b.yaml", document(2, ["10.0.0.999"]))
    daemon.write("c.yaml", document(1, ["10.0.0.1"]))
    ran = daemon.run("--check")
    assert ran.returncode == REFUSED
    assert "b.yaml:" in ran.stderr and "c.yaml:" in ran.stderr and "a.yaml" in ran.stderr
    assert not daemon.state.exists()
    daemon.set("workers", 0)
    ran = daemon.run("--check")
    assert ran.returncode == REFUSED and "workers" in ran.stderr


def test_check_without_room_for_its_verdict(daemon):
    """Whoever reads it would find nothing: as --version and --help do."""
    with open("/dev/full", "w", encoding="utf-8") as full:
        ran = subprocess.run([PLDNSD, "-c", str(daemon.configure()), "--check"], stdout=full, stderr=subprocess.PIPE,
                             text=True, check=False, timeout=30 * SLACK)
    assert ran.returncode == REFUSED and "No space left on device" in ran.stderr


# ---- the empty table -----------------------------------------------------------------------------

def test_empty_directory_forwards_everything(daemon, upstream):
    daemon.set("forward.upstreams", [upstream.address])
    upstream.answers["www.example"] = ["192.0.2.1"]
    daemon.start()
    assert daemon.ask("www.example") == ["192.0.2.1"]
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    eventually(lambda: daemon.ask(managed(1)) == ["10.0.0.1"], "the first document is served")


def test_only_documents_count(daemon):
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.write("b.yml", document(2, ["10.0.0.2"]))
    daemon.write("c.json", document(3, ["10.0.0.3"]))
    (daemon.documents / ".hidden.yaml").write_text("nonsense: [")
    (daemon.documents / "d.yaml~").write_text("nonsense: [")
    (daemon.documents / "README").write_text("nonsense: [")
    daemon.start()
    assert [d["name"] for d in daemon.status()["documents"]] == ["a.yaml", "b.yml", "c.json"]
    for n in (1, 2, 3):
        assert daemon.ask(managed(n)) == ["10.0.0.%d" % n]


# ---- upstreams -----------------------------------------------------------------------------------

def test_upstreams_that_are_ourselves_are_left_out(daemon):
    daemon.set("forward.upstreams", ["127.0.0.1:%d" % daemon.port])
    daemon.start()
    assert "is one of our own listening addresses" in daemon.log
    assert daemon.ask("www.example") == "SERVFAIL"


def test_our_own_zone_comes_first(daemon):
    daemon.set("zone", "use1-az2")
    daemon.write("a.yaml", document(1, [], endpoints=[{"zone": "use1-az%d" % z, "addresses": ["10.0.0.%d" % z]} for z in (1, 2, 3)]))
    daemon.start()
    for _ in range(8):
        reply = daemon.query(managed(1))
        assert reply.answer[0][0].to_text() == "10.0.0.2" and len(reply.answer[0]) == 3
    assert daemon.ask(managed(1, "use1-az3")) == ["10.0.0.3"]


# ---- signals -------------------------------------------------------------------------------------

@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_ends_with_zero(daemon, sign):
    daemon.start()
    assert daemon.stop(sign) == FINE
    assert not daemon.socket.exists()
    assert "event=stopped exit=0" in daemon.log


def test_sigterm_drains(daemon):
    daemon.set("drain", "%dms" % (1500 * SLACK))
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    assert daemon.admin("/readyz").status == 200
    daemon.process.send_signal(signal.SIGTERM)
    eventually(lambda: daemon.admin("/readyz").status == 503, "readiness falls")
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    assert daemon.admin("/healthz").status == 200
    assert daemon.process.wait(30 * SLACK) == FINE


def test_sigterm_twice_is_urgent(daemon):
    daemon.set("drain", "1m")
    daemon.start()
    daemon.process.send_signal(signal.SIGTERM)
    eventually(lambda: "event=stopping" in daemon.log, "the first is heard")
    assert daemon.stop() == FINE


def test_sigusr1_writes_the_status(daemon):
    daemon.start()
    daemon.process.send_signal(signal.SIGUSR1)
    eventually(lambda: "event=status generation=1" in daemon.log, "the status is logged")


def test_kill_leaves_nothing_behind(daemon):
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    daemon.restart(signal.SIGKILL)     # the socket file is still there
    assert daemon.ask(managed(1)) == ["10.0.0.1"]
    assert daemon.admin("/healthz").status == 200


def test_json_log(daemon):
    daemon.set("log.format", "json")
    daemon.start(wait=False)
    lines = eventually(lambda: [json.loads(line) for line in daemon.log.splitlines() if '"ready"' in line], "readiness")
    assert lines[0]["event"] == "ready" and lines[0]["workers"] == 2


@needs_systemd
def test_systemd_is_told(daemon):
    path = daemon.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(path))
        notify.settimeout(10 * SLACK)
        daemon.start(env={"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "200000"}, wait=False)
        told = notify.recv(4096).decode()
        assert "READY=1" in told and "Generation 1" in told
        assert "WATCHDOG=1" in notify.recv(4096).decode()
        daemon.process.send_signal(signal.SIGHUP)
        lines = []
        while "READY=1" not in "".join(lines):
            lines.append(notify.recv(4096).decode())
        assert any("RELOADING=1" in line and "MONOTONIC_USEC=" in line for line in lines)
        daemon.write("a.yaml", document(1, ["10.0.0.1"]))       # by itself: another number of documents
        while "1 documents, 0 refused" not in lines[-1]:
            lines.append(notify.recv(4096).decode())
        assert lines[-1].startswith("STATUS=Generation 2,")
        daemon.write("a.yaml", document(1, ["10.0.0.2"]))       # told when somebody asks
        daemon.reload()
        while "Generation 3, 1 documents" not in lines[-1]:
            lines.append(notify.recv(4096).decode())
        daemon.write("a.yaml", "nonsense")
        while "Generation 3, 1 documents, 1 refused" not in lines[-1]:
            lines.append(notify.recv(4096).decode())
        daemon.process.send_signal(signal.SIGTERM)
        while "STOPPING=1" not in lines[-1]:
            lines.append(notify.recv(4096).decode())
        assert daemon.process.wait(30 * SLACK) == FINE


PASS_ON = """import fcntl, os, sys
held = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 100) for fd in sys.argv[1].split(",")]
for number, fd in enumerate(held):
    os.dup2(fd, 3 + number)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(held)))
os.execv(sys.argv[2], sys.argv[2:])"""


def start_with(daemon, sockets):
    """As systemd starts it that holds these sockets."""
    numbers = [s.fileno() for s in sockets]
    with open(daemon.log_path, "ab") as log:
        daemon.process = subprocess.Popen(
            [sys.executable, "-c", PASS_ON, ",".join(map(str, numbers)), PLDNSD, "-c", str(daemon.configure())], stderr=log,
            stdin=subprocess.DEVNULL, pass_fds=numbers, env=daemon.environment())


def bound(kind, port, family=socket.AF_INET, host="127.0.0.1"):
    s = socket.socket(family, kind)
    if kind == socket.SOCK_STREAM:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((host, port))
    if kind == socket.SOCK_STREAM:
        s.listen()
    return s


@needs_systemd
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_sockets_of_systemd(daemon, host):
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    unused, daemon.port = daemon.port, free_port()
    with bound(socket.SOCK_DGRAM, daemon.port, host=host) as udp, bound(socket.SOCK_STREAM, daemon.port, host=host) as tcp:
        start_with(daemon, [udp, tcp])
    eventually(daemon.is_ready, "readiness")
    for _ in range(20):     # both workers, sooner or later
        assert daemon.ask(managed(1)) == daemon.ask(managed(1), tcp=True) == ["10.0.0.1"]
    assert daemon.status()["listen"] == ["%s:%d" % (host, daemon.port)]
    with socket.socket() as other:
        assert other.connect_ex(("127.0.0.1", unused)) != 0
    assert daemon.stop() == FINE


@needs_systemd
@pytest.mark.parametrize("make, said", [
    (lambda port: [bound(socket.SOCK_DGRAM, port)], "there is no socket for TCP; write ListenStream="),
    (lambda port: [bound(socket.SOCK_STREAM, port)], "there is no socket for UDP; write ListenDatagram="),
    (lambda port: [bound(socket.SOCK_DGRAM, port, socket.AF_INET6, "::")], "BindIPv6Only=ipv6-only"),
    (lambda port: list(socket.socketpair()), "wants an address of IPv4 or IPv6"),
    (lambda port: [socket.socket()], "wants ListenDatagram= or ListenStream="),
    (lambda port: [open("/dev/null", "rb")], "Socket operation on non-socket"),  # pylint: disable=consider-using-with
], ids=["UDP alone", "TCP alone", "both families", "local", "not listening", "no socket"])
def test_sockets_of_systemd_that_are_of_no_use(daemon, make, said):
    sockets = make(daemon.port)
    try:
        start_with(daemon, sockets)
        assert daemon.process.wait(30 * SLACK) == REFUSED
        assert said in daemon.log
    finally:
        daemon.process = None
        for s in sockets:
            s.close()


def test_no_descriptors_leak_at_start(daemon):
    daemon.start()
    held = os.listdir("/proc/%d/fd" % daemon.process.pid)
    daemon.reload()
    daemon.reload()
    eventually(lambda: len(os.listdir("/proc/%d/fd" % daemon.process.pid)) <= len(held) + 1, "what was opened is closed")


def test_fenced_names_stay(daemon, upstream):
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("fence", ["internal.example"])
    daemon.write("a.yaml", custom(1, ["10.0.0.1"], "db.internal.example"))
    daemon.start()
    assert daemon.ask("db.internal.example") == ["10.0.0.1"]
    assert daemon.ask("other.internal.example") == "NXDOMAIN"
    assert upstream.names() == []
    assert unique(1) not in upstream.names()
