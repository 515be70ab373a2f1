"""pldnsctl with a running daemon."""
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

from conftest import PLDNSCTL, SLACK, custom, document, free_port, managed, unique

FINE, NO, WRONG, UNREACHABLE, TIMEOUT = range(5)


def value(daemon, *arguments, code=FINE):
    ran = daemon.ctl(*arguments, "-o", "json")
    assert ran.returncode == code, ran.stdout + ran.stderr
    return json.loads(ran.stdout)


# ---- status --------------------------------------------------------------------------------------

def test_status(served, upstream):
    served.ask(managed(1))
    ran = served.ctl("status")
    assert (ran.returncode, ran.stderr) == (FINE, "")
    for said in ["ready", "a.yaml", "accepted", "127.0.0.1:%d" % served.port, upstream.address, "udp_queries"]:
        assert said in ran.stdout, said
    told = value(served, "status")
    assert told["generation"] == 1 and told["documents"][0]["name"] == "a.yaml"


def test_status_of_upstreams(served, upstream):
    upstream.answers["www.example"] = ["192.0.2.1"]
    assert served.ask("www.example") == ["192.0.2.1"]
    rows = [line.split() for line in served.ctl("status").stdout.splitlines()]
    row = next(row for row in rows if row[:1] == [upstream.address])
    assert row[1] == "up" and row[2] != "-" and int(row[-2]) >= 1


def test_status_with_a_refused_document(served):
    served.write("a.yaml", "a: [")
    assert served.ctl("reload").returncode == NO
    ran = served.ctl("status")
    assert ran.returncode == NO
    assert "refused, an earlier version is served" in ran.stdout and "a.yaml:2:1: " in ran.stdout


def test_status_as_yaml(served):
    yaml = pytest.importorskip("yaml")
    told = yaml.safe_load(served.ctl("status", "-o", "yaml").stdout)
    assert told["documents"][0]["name"] == "a.yaml" and told["ready"] is True


# ---- reload --------------------------------------------------------------------------------------

def test_reload(served):
    (served.documents / "b.yaml").write_text(custom(2, ["10.0.0.2"], "one.example.com", "two.example.com"))
    ran = served.ctl("reload")
    assert (ran.returncode, ran.stderr) == (FINE, "")
    assert served.ask("one.example.com") == ["10.0.0.2"]
    told = value(served, "reload")
    assert told["changed"] is False and told["refused"] == 0


def test_reload_with_a_refused_document(served):
    (served.documents / "b.yaml").write_text(document(2, ["10.0.0.2"], uniqueNam=1))
    ran = served.ctl("reload")
    assert ran.returncode == NO and "1 documents" in ran.stdout and "b.yaml:" in ran.stdout
    assert served.ask(managed(1)) == ["10.0.0.1"]


# ---- wait ----------------------------------------------------------------------------------------

def test_wait_without_condition(daemon):
    waiting = subprocess.Popen([PLDNSCTL, "--server", "unix:%s" % daemon.socket, "wait", "--timeout", "%ds" % (20 * SLACK)],
                               stdout=subprocess.PIPE, text=True)
    daemon.start()
    assert waiting.communicate(timeout=30 * SLACK)[0] == "ready\n" and waiting.returncode == FINE


def test_wait_for_a_document(served):
    served.write("b.yaml", custom(2, ["10.0.0.2"], "one.example.com"))
    ran = served.ctl("wait", "--document", "b.yaml")
    assert ran.returncode == FINE and ran.stdout == "served, generation 2\n"
    assert served.ask("one.example.com") == ["10.0.0.2"]
    served.write("b.yaml", "a: [")
    ran = served.ctl("wait", "--document", "b.yaml")
    assert ran.returncode == NO and "b.yaml:2:1: " in ran.stderr


def test_wait_for_a_document_just_written(served):
    """What counts is what stands there now, not what was known of it before."""
    for n in range(10):
        served.write("b.yaml", custom(2, ["10.0.0.%d" % n], "one.example.com"))
        assert served.admin("/api/wait?document=b.yaml&timeout=20").status == 200
        assert served.ask("one.example.com") == ["10.0.0.%d" % n]
        served.write("b.yaml", "a: [")
        assert served.admin("/api/wait?document=b.yaml&timeout=20").status == 409


def test_wait_for_a_name_without_addresses(served):
    """One between others: there is nothing to be told of it, but it is served."""
    served.write("b.yaml", custom(2, ["10.0.0.2"], "*.example.com", "a.b.example.com"))
    assert served.ctl("wait", "--name", "b.example.com", "--timeout", "20s").returncode == FINE
    reply = served.query("b.example.com")
    assert reply.rcode() == 0 and not reply.answer


def test_wait_for_a_name(served):
    def later():
        time.sleep(0.3)
        served.write("b.yaml", custom(2, ["10.0.0.2"], "one.example.com"))

    thread = threading.Thread(target=later)
    thread.start()
    ran = served.ctl("wait", "--name", "one.example.com", "--timeout", "20s")
    thread.join()
    assert ran.returncode == FINE and served.ask("one.example.com") == ["10.0.0.2"]


def test_wait_ends(served):
    start = time.monotonic()
    ran = served.ctl("wait", "--generation", "99", "--timeout", "300ms")
    assert ran.returncode == TIMEOUT and "time is over" in ran.stderr
    assert time.monotonic() - start < 5 * SLACK
    assert served.ctl("wait", "--generation", "1").returncode == FINE


@pytest.mark.parametrize("arguments, said", [
    (["wait", "--name", "a..b"], "empty label"),
    (["flush", "a..b"], "empty label"),
    (["explain", "a..b"], "empty label"),
    (["explain", "a.example", "--client", "nobody"], "client"),
])
def test_wrong_input(served, arguments, said):
    ran = served.ctl(*arguments)
    assert ran.returncode == WRONG and said in ran.stderr


# ---- explain -------------------------------------------------------------------------------------

NAMES = [managed(1), managed(1, "use1-az1"), managed(1, "use1-az9"), "use1-az1.%s.aws.plc.tidbcloud.com" % unique(1),
         "www.example.org", "db.example.com", "b1.unique_name.aws.plc.tidbcloud.com"]


def test_explain_says_the_same_live_and_offline(served):
    served.write("b.yaml", custom(2, ["10.0.0.2", "fd00::1"], "db.example.com"))
    served.ctl("wait", "--document", "b.yaml")
    for name in NAMES:
        live = value(served, "explain", name, "AAAA")
        ran = subprocess.run([PLDNSCTL, "explain", "-a", served.documents, name, "AAAA", "-o", "json"],
                             capture_output=True, text=True, check=True)
        offline = json.loads(ran.stdout)
        for told in (live, offline):
            told.pop("text"), told.pop("generation", None), told.pop("upstreams", None)
        assert live == offline


def test_explain_agrees_with_the_answer(served):
    for name in NAMES:
        told = value(served, "explain", name)
        if told["owned"]:
            assert served.ask(name) == (told.get("addresses") or told["rcode"])


def test_explain_of_what_is_forwarded(served, upstream):
    ran = served.ctl("explain", "www.example.org")
    assert ran.returncode == FINE and "not owned: forwarded" in ran.stdout and upstream.address in ran.stdout
    assert served.ctl("explain", "www.example.org", "--owned").returncode == NO
    assert served.ctl("explain", managed(1), "--owned").returncode == FINE


def test_explain_for_a_client(served):
    assert "may ask" in served.ctl("explain", managed(1), "--client", "10.1.2.3").stdout
    assert "may not ask" in served.ctl("explain", managed(1), "--client", "192.0.2.1").stdout


# ---- flush ---------------------------------------------------------------------------------------

def test_flush(served, upstream):
    upstream.answers["www.example.org"] = ["192.0.2.80"]
    for _ in range(3):      # whichever worker is asked
        assert served.ask("www.example.org") == ["192.0.2.80"]
    upstream.answers["www.example.org"] = ["192.0.2.81"]
    assert served.ctl("flush", "www.example.org").returncode == FINE
    assert served.ask("www.example.org") == ["192.0.2.81"]
    upstream.answers["www.example.org"] = ["192.0.2.82"]
    ran = served.ctl("flush", "--subtree", "Example.ORG.")
    assert ran.returncode == FINE and ran.stdout == "forgotten: example.org and all names below\n"
    assert served.ask("www.example.org") == ["192.0.2.82"]


# ---- addresses -----------------------------------------------------------------------------------

def test_over_tcp(daemon):
    port = free_port()
    daemon.set("admin.listen", ["unix:%s" % daemon.socket, "127.0.0.1:%d" % port])
    daemon.start()
    for address in ["http://127.0.0.1:%d" % port, "127.0.0.1:%d" % port, "http://localhost:%d/" % port]:
        ran = subprocess.run([PLDNSCTL, "--server", address, "status", "-o", "json"], capture_output=True, text=True, check=False)
        assert ran.returncode == FINE, ran.stderr
        assert json.loads(ran.stdout)["ready"]


def test_a_proxy_of_the_environment_is_not_asked(daemon):
    port = free_port()
    daemon.set("admin.listen", ["127.0.0.1:%d" % port])
    daemon.start()
    ran = subprocess.run([PLDNSCTL, "-s", "127.0.0.1:%d" % port, "status"], capture_output=True, text=True, check=False,
                         env={**os.environ, "http_proxy": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"})
    assert ran.returncode == FINE, ran.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to become another user")
def test_another_user_hears_why(served):
    # The folders themselves must be open to him, or he would not even see the socket.
    for folder in [served.folder, *served.folder.parents]:
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(0o755)
    program = shutil.copy(PLDNSCTL, served.folder)      # the folder it was built in may be closed to him
    ran = subprocess.run([program, "-s", "unix:%s" % served.socket, "status"], capture_output=True, text=True, check=False,
                         user=65534, group=65534, extra_groups=[])
    assert ran.returncode == UNREACHABLE
    assert "Permission denied" in ran.stderr and "run as root or as pldnsd's user or group" in ran.stderr


def test_a_daemon_that_has_ended(served):
    assert served.ctl("status").returncode == FINE
    served.stop()
    ran = served.ctl("status")
    assert ran.returncode == UNREACHABLE and "is pldnsd running" in ran.stderr
