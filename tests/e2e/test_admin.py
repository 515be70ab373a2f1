"""The admin address: pages, their bounds, and who is let in."""
import concurrent.futures
import os
import re
import select
import socket
import stat
import subprocess
import threading
import time
from pathlib import Path

import dns.message
import dns.rdatatype
import pytest

from conftest import SLACK, UnixConnection, custom, document, eventually, free_port, managed, unique


def raw(daemon, octets, seconds=5.0):
    """Everything the daemon says to these octets until it closes, or until it is silent."""
    with socket.socket(socket.AF_UNIX) as stream:
        stream.connect(str(daemon.socket))
        stream.settimeout(seconds * SLACK)
        got = b""
        try:
            stream.sendall(octets)
            while part := stream.recv(65536):
                got += part
        except (socket.timeout, ConnectionResetError, BrokenPipeError):
            pass
        return got


# ---- pages ---------------------------------------------------------------------------------------

def test_health_and_readiness(served):
    assert (served.admin("/healthz").status, served.admin("/healthz").body) == (200, "alive\n")
    assert (served.admin("/readyz").status, served.admin("/readyz").body) == (200, "ready\n")


def test_status(served):
    status = served.status()
    assert status["generation"] == 1 and status["ready"] is True and status["refused"] == 0
    assert status["table"]["connections"] == 1 and status["table"]["names"] == 2 and status["table"]["bytes"] > 0
    assert status["documents"] == [{"name": "a.yaml", "state": "accepted", "connections": 1, "restored": False, "errors": [],
                                    "warnings": [], "served": status["documents"][0]["served"]}]
    assert status["listen"] == ["127.0.0.1:%d" % served.port] and status["workers"] == 1
    before = status["counters"]["owned_queries"]
    served.ask(managed(1))
    assert served.counter("owned_queries") == before + 1


def test_status_by_the_tool(served):
    ran = served.ctl("status", "-o", "json")
    assert ran.returncode == 0 and '"generation": 1' in ran.stdout


def test_metrics(served, upstream):
    upstream.answers["www.example"] = ["192.0.2.1"]
    for _ in range(2):
        served.ask("www.example")
    served.ask(managed(1))
    reply = served.admin("/metrics")
    assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    values = {}
    for line in reply.body.splitlines():
        match = re.fullmatch(r'(pldns_[a-z_]+)(\{(?:version|upstream)="[^"]*"\})? ([0-9.]+)', line)
        assert match or re.fullmatch(r"# (HELP|TYPE) pldns_[a-z_]+ .+", line), line
        if match:
            assert match[1] not in values
            values[match[1]] = float(match[3])
    assert values["pldns_generation"] == 1 and values["pldns_documents"] == 1 and values["pldns_documents_refused"] == 0
    assert values["pldns_udp_queries_total"] == 3 and values["pldns_owned_queries_total"] == 1
    assert values["pldns_cache_hits_total"] == 1 and values["pldns_upstream_queries_total"] >= 1
    assert values["pldns_leaks_stopped_total"] == 0 and values["pldns_table_bytes"] > 0 and values["pldns_ready"] == 1
    for name in values:
        assert "# HELP %s " % name in reply.body and "# TYPE %s " % name in reply.body


def test_numbers_are_those_of_the_moment(daemon, upstream):
    """Whoever asks for them has the workers look; they do not wake up for it by themselves."""
    daemon.set("workers", 2)
    daemon.set("forward.upstreams", [upstream.address])
    daemon.start()
    upstream.answers["www.example"] = ["192.0.2.1"]

    def told(name):
        return int(re.search(r"^pldns_%s (\d+)$" % name, daemon.admin("/metrics").body, re.M)[1])

    assert told("cache_entries") == 0 and told("tcp_open") == 0
    daemon.ask("www.example")
    assert told("cache_entries") == 1
    with socket.create_connection(("127.0.0.1", daemon.port)) as client:
        client.sendall(b"\0\x11" + dns.message.make_query("www.example", "A").to_wire()[:17])
        eventually(lambda: told("tcp_open") == 1, "it is accepted")


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="how often a thread ran is read in /proc")
def test_idle_workers_sleep(served):
    def switches():
        tasks = [task for task in Path("/proc/%d/task" % served.process.pid).iterdir()
                 if (task / "comm").read_text(encoding="ascii").startswith("pldns-w")]
        assert tasks
        return sum(int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", (task / "status").read_text(encoding="ascii"), re.M)[1])
                   for task in tasks)

    assert served.ask(managed(1)) == ["10.0.0.1"]
    time.sleep(0.5)
    before = switches()
    time.sleep(2.5)
    assert switches() == before


def test_each_upstream_is_told_apart(daemon, upstream):
    silent = "127.0.0.1:9"  # nobody listens there
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("forward.routes", [{"suffix": "nobody.example", "upstreams": [silent]}])
    daemon.start()
    upstream.answers["www.example"] = ["192.0.2.1"]
    daemon.ask("www.example")
    daemon.query("x.nobody.example")

    def states():
        return {state["upstream"]: state for state in daemon.status()["upstreamStates"]}

    eventually(lambda: states().get(upstream.address, {}).get("answered", 0) >= 1 and not states()[silent]["up"],
               "the workers' reports")
    good, bad = states()[upstream.address], states()[silent]
    assert good["up"] and good["asked"] >= good["answered"] >= 1 and good["roundTripMicroseconds"] >= 0
    assert bad["answered"] == 0 and bad["asked"] >= 1 and bad["unanswered"] >= 1 and "roundTripMicroseconds" not in bad
    body = daemon.admin("/metrics").body
    assert 'pldns_upstream_up{upstream="%s"} 1' % upstream.address in body
    assert 'pldns_upstream_up{upstream="%s"} 0' % silent in body
    assert re.search(r'pldns_upstream_rtt_seconds\{upstream="%s"\} [0-9.]+' % re.escape(upstream.address), body)
    assert 'pldns_upstream_rtt_seconds{upstream="%s"}' % silent not in body
    assert re.search(r'pldns_upstream_unanswered_total\{upstream="%s"\} [1-9]' % re.escape(silent), body)


def test_promtool_likes_the_metrics(served):
    body = served.admin("/metrics").body
    try:
        ran = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("promtool is not here")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_explain(served):
    got = served.admin("/api/explain?name=%s" % managed(1, "use1-az1")).json
    assert got["owned"] is True and got["rcode"] == "NOERROR" and got["addresses"] == ["10.0.0.1"]
    assert got["connection"] == "plc-1" and got["document"] == "a.yaml" and got["zone"] == "use1-az1"
    assert got["rule"].startswith("*.use1-az1.") and got["generation"] == 1
    got = served.admin("/api/explain?name=www.example&type=aaaa&client=127.0.0.1").json
    assert got["owned"] is False and got["type"] == "AAAA" and got["allowed"] is True and len(got["upstreams"]) == 1
    got = served.admin("/api/explain?name=www.example&client=192.0.2.1").json
    assert got["allowed"] is False and got["rcode"] == "REFUSED" and "upstreams" not in got
    got = served.admin("/api/explain?name=b1.use1-az9.%s.aws.plc.tidbcloud.com" % unique(1)).json
    assert got["rcode"] == "NXDOMAIN"
    ran = served.ctl("explain", managed(1), "-o", "json")
    assert ran.returncode == 0 and "plc-1" in ran.stdout


def test_explain_names_the_route(daemon):
    daemon.set("forward.routes", [{"suffix": "cluster.local", "upstreams": ["10.96.0.10"]}, {"suffix": "local", "upstreams": ["10.1.1.1"]}])
    daemon.start()
    assert daemon.admin("/api/explain?name=db.cluster.local").json["upstreams"] == ["10.96.0.10"]
    assert daemon.admin("/api/explain?name=printer.local").json["upstreams"] == ["10.1.1.1"]


def test_flush(served, upstream):
    upstream.answers.update({"www.example": ["192.0.2.1"], "a.www.example": ["192.0.2.2"]})
    for _ in range(3):
        served.ask("www.example")
        served.ask("a.www.example")
    asked = len(upstream.asked)
    assert served.admin("/api/flush?name=WWW.example", "POST").json == {"flushed": "www.example", "subtree": False}
    eventually(lambda: served.ask("www.example") and upstream.names().count("www.example") > 1, "asked again")
    served.ask("a.www.example")
    assert upstream.names().count("a.www.example") == asked - 1 or upstream.names().count("a.www.example") <= 2
    before = upstream.names().count("a.www.example")
    ran = served.ctl("flush", "example", "--subtree")
    assert ran.returncode == 0, ran.stderr
    eventually(lambda: served.ask("a.www.example") and upstream.names().count("a.www.example") > before, "asked again")


# ---- wrong requests ------------------------------------------------------------------------------

@pytest.mark.parametrize("path, method, status, said", [
    ("/", "GET", 404, "no such page"),
    ("/api/statu", "GET", 404, "/api/status"),
    ("/api/reload", "GET", 405, "wants POST"),
    ("/api/status", "POST", 405, "wants GET"),
    ("/api/explain", "GET", 400, "name: is missing"),
    ("/api/explain?name=a..b", "GET", 400, "name: "),
    ("/api/explain?name=a&type=%3Cscript%3E", "GET", 400, "type: "),
    ("/api/explain?name=a&client=nobody", "GET", 400, "client: "),
    ("/api/flush?name=" + "x" * 64, "POST", 400, "name: "),
    ("/api/wait", "GET", 400, "wants one of"),
    ("/api/wait?generation=1&name=a", "GET", 400, "wants one of"),
    ("/api/wait?generation=-1", "GET", 400, "generation: "),
    ("/api/wait?generation=99999999999999999999", "GET", 400, "generation: "),
    ("/api/wait?generation=1&timeout=1h", "GET", 400, "timeout: "),
])
def test_wrong_requests(served, path, method, status, said):
    reply = served.admin(path, method)
    assert reply.status == status and said in reply.json["error"]


HOSTILE = {
    "version": b"GET /healthz HTTP/9.9\r\n\r\n",
    "method": b"DELETE /api/status HTTP/1.1\r\n\r\n",
    "zeros": b"\0\0\0\0\r\n\r\n",
    "negative length": b"POST /api/reload HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
    "large body": b"POST /api/reload HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
    "long path": b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
    "many headers": b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 20000 + b"\r\n",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_requests(served, kind):
    answer = raw(served, HOSTILE[kind])
    assert not answer.startswith(b"HTTP/1.1 200") and len(answer) < 4096
    assert served.admin("/healthz").status == 200


# ---- bounds --------------------------------------------------------------------------------------

def test_connections_are_bounded(served):
    held = []
    try:
        for _ in range(150):
            stream = socket.socket(socket.AF_UNIX)
            stream.setblocking(False)
            if stream.connect_ex(str(served.socket)) == 0:
                held.append(stream)
            else:
                stream.close()
        time.sleep(0.5)
        fds = len(os.listdir("/proc/%d/fd" % served.process.pid))
        assert fds < 64 + 60, "descriptors for admin connections"
        assert served.ask(managed(1)) == ["10.0.0.1"]
    finally:
        for stream in held:
            stream.close()

    def is_served():
        try:
            return served.admin("/healthz").status == 200
        except BlockingIOError:     # the backlog is full until accepting goes on
            return False
    eventually(is_served, "the address is served again")


def test_silent_connections_end(served):
    start = time.monotonic()
    raw(served, b"GET /healthz HT", seconds=30)
    assert time.monotonic() - start < 25 * SLACK


def is_over(connection):
    """The far end has closed it; it says nothing by itself."""
    return connection.sock in select.select([connection.sock], [], [], 0)[0]


def test_the_most_idle_connection_makes_room(served):
    """As many as there may be are kept alive and say nothing: a health probe gets in all the same."""
    def use(connection):
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b"alive\n"

    held = [UnixConnection(str(served.socket), 10 * SLACK) for _ in range(64)]
    try:
        for connection in held:
            use(connection)
        use(held[0])
        assert served.admin("/healthz", timeout=2).body == "alive\n"
        assert [n for n, connection in enumerate(held) if is_over(connection)] == [1]
        use(held[0])
    finally:
        for connection in held:
            connection.close()


def test_who_is_being_served_does_not_make_room(served):
    """Those who wait, and those who have just come, are left alone however many come."""
    waiters = [UnixConnection(str(served.socket), 30 * SLACK) for _ in range(40)]
    try:
        for connection in waiters:
            connection.request("GET", "/api/wait?generation=2&timeout=30s")
        with concurrent.futures.ThreadPoolExecutor(30) as pool:
            for said in pool.map(lambda _: served.admin("/healthz").body, range(300)):
                assert said == "alive\n"
        served.write("b.yaml", custom(2, ["10.0.0.2"], "one.example.com"))
        for connection in waiters:
            reply = connection.getresponse()
            assert reply.status == 200 and reply.read()
    finally:
        for connection in waiters:
            connection.close()


def test_keep_alive_and_many_requests(served):
    connection = UnixConnection(str(served.socket), 10 * SLACK)
    for _ in range(200):
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b"alive\n"
    connection.close()
    for _ in range(200):
        assert served.admin("/readyz").status == 200
    assert len(os.listdir("/proc/%d/fd" % served.process.pid)) < 70


# ---- who is let in -------------------------------------------------------------------------------

def test_socket_mode(served):
    assert stat.S_IMODE(served.socket.stat().st_mode) == 0o660


def test_loopback_address(daemon):
    port = free_port()
    daemon.set("admin.listen", ["unix:%s" % daemon.socket, "127.0.0.1:%d" % port])
    daemon.start()

    def ask(method, path, **headers):
        import http.client
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10 * SLACK)
        connection.request(method, path, headers=headers)
        reply = connection.getresponse()
        body = reply.read().decode()
        connection.close()
        return reply.status, body

    assert ask("GET", "/healthz") == (200, "alive\n")
    assert ask("POST", "/api/reload")[0] == 200
    # A web page in somebody's browser on this host.
    assert ask("POST", "/api/reload", Origin="http://evil.example")[0] == 403
    assert ask("GET", "/api/status", Host="evil.example:%d" % port)[0] == 403
    for host in ("127.evil.example", "127.0.0.1.evil.example", "[::1].evil.example", "::2", "128.0.0.1"):
        assert ask("GET", "/api/status", Host="%s:%d" % (host, port))[0] == 403
    for host in ("localhost", "LocalHost", "127.0.0.2", "[::1]"):
        assert ask("GET", "/healthz", Host="%s:%d" % (host, port))[0] == 200


def test_probes_may_be_heads(daemon):
    daemon.start()
    for path in ("/healthz", "/readyz"):
        reply = daemon.admin(path, "HEAD")
        assert (reply.status, reply.body) == (200, "")
    assert daemon.admin("/api/reload", "HEAD").status == 405


def test_a_head_is_followed_by_the_next_reply(served):
    """What a GET would get is told by its length alone; a body would be taken for the next reply."""
    connection = UnixConnection(str(served.socket), 10 * SLACK)
    for path, status in (("/healthz", 200), ("/metrics", 200), ("/api/status", 200), ("/nothing", 404)):
        connection.request("HEAD", path)
        reply = connection.getresponse()
        assert reply.status == status and reply.read() == b"" and int(reply.headers["Content-Length"]) > 5
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b"alive\n"
    connection.close()


def test_a_nul_is_no_end_of_a_name(daemon):
    daemon.start()
    assert daemon.admin("/api/explain?name=a%00b").status == 400


def test_any_gets_what_every_name_gets(daemon):
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    for name in (managed(1), "www.example"):
        assert "reply    HINFO" in daemon.ctl("explain", name, "ANY").stdout.replace("reply       ", "reply    ")
        assert [rrset.rdtype for rrset in daemon.query(name, "ANY").answer] == [dns.rdatatype.HINFO]


def test_texts_of_documents_are_data(daemon):
    daemon.set("attachments.onStartError", "serve")
    daemon.write("a.yaml", document(1, ["10.0.0.1"], state="PENDING", message="\"<b>\u0007\u001b[2J\u00e4\n"))
    daemon.write("b.yaml", custom(2, ["10.0.0.2"], "\x1b]0;x\x07\n.example"))
    daemon.start()
    got = daemon.admin("/api/explain?name=%s" % managed(1)).json
    assert got["state"] == "PENDING" and got["rcode"] == "SERVFAIL"
    assert daemon.status()["refused"] == 1
    got = daemon.admin("/api/explain?name=x%5C007%2Eexample").json
    assert got["name"] == "x\\007.example" and got["owned"] is False
    assert "\x1b" not in daemon.log and "\x07" not in daemon.log
    assert all(line.startswith("time=") for line in daemon.log.splitlines())


def test_those_who_wait_leave_room_for_others(served):
    """Many do while workers start; whoever looks whether we live is answered all the same."""
    def wait():
        try:
            return served.admin("/api/wait?name=nosuch.zzz&timeout=3", timeout=60)
        except BlockingIOError:     # the backlog is full for a moment
            return wait()

    got = []
    waiters = [threading.Thread(target=lambda: got.append(wait())) for _ in range(80)]
    for waiter in waiters:
        waiter.start()
    time.sleep(0.5)
    assert served.admin("/healthz", timeout=1.5 * SLACK).body == "alive\n"
    assert served.admin("/api/wait?generation=1", timeout=1.5 * SLACK).status == 200    # need not wait
    for waiter in waiters:
        waiter.join()
    refused = [reply for reply in got if reply.status == 503]
    assert refused and all("wait already" in reply.json["error"] for reply in refused)
    assert [reply.status for reply in got if reply not in refused] == [408] * (len(got) - len(refused))

    def finds_room():
        return served.admin("/api/wait?name=nosuch.zzz&timeout=1ms").status == 408
    eventually(finds_room, "room for others")


def test_a_wait_ends_in_time_while_others_begin(served):
    """Each begins behind the one before, and none of them puts off the end of the first."""
    over = threading.Event()

    def wait(timeout):
        return served.admin("/api/wait?name=nosuch.zzz&timeout=" + timeout, timeout=60).status

    def begin_others():
        while not over.wait(0.03):
            threading.Thread(target=wait, args=("40ms",), daemon=True).start()

    others = threading.Thread(target=begin_others)
    others.start()
    try:
        began = time.monotonic()
        assert wait("300ms") == 408
        assert time.monotonic() - began < 1.5 * SLACK
    finally:
        over.set()
        others.join()
