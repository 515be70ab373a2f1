"""What operators meet on a bad day: signals at odd moments, taken ports, odd file names, restarts in the middle of a
detachment, an explanation that has to be the answer, and an installation that starts."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import dns.rcode
import pytest

from conftest import BUILD, PLDNSCTL, PLDNSD, ROOT, SLACK, custom, document, eventually, managed

MANY = 1500     # documents: a start that takes a while


# ---- start ---------------------------------------------------------------------------------------

def make_start_long(daemon):
    daemon.set("attachments.state", "")      # to write so many takes its time, at the end too
    for i in range(MANY):
        (daemon.documents / ("%04d.yaml" % i)).write_text(document(i, ["10.0.0.1"]))


def catches(pid, sign):
    lines = Path("/proc/%d/status" % pid).read_text().splitlines()
    return any(line.startswith("SigCgt:") and int(line.split()[1], 16) >> (sign - 1) & 1 for line in lines)


@pytest.mark.parametrize("sign", [signal.SIGHUP, signal.SIGUSR1])
def test_signals_during_the_start_do_not_end_it(daemon, sign):
    make_start_long(daemon)
    daemon.start(wait=False)
    eventually(lambda: catches(daemon.process.pid, sign), "the signal is expected")
    while not daemon.is_ready():
        daemon.process.send_signal(sign)
        time.sleep(0.005)
    assert daemon.ask(managed(7)) == ["10.0.0.1"]


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("first", [False, True])
def test_the_end_during_the_start(daemon, sign, first):
    """The first process of a container is sent no signal that it does not catch."""
    namespace = ["unshare", "--pid", "--fork", "--kill-child"] if first else []
    if first and subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no namespaces here")
    make_start_long(daemon)
    with open(daemon.log_path, "ab") as log:
        daemon.process = subprocess.Popen([*namespace, PLDNSD, "-c", daemon.configure()], stderr=log, env=daemon.environment())
    pid = daemon.process.pid
    if first:
        children = Path("/proc/%d/task/%d/children" % (pid, pid))
        pid = int(eventually(children.read_text, "it is there"))
    eventually(lambda: catches(pid, signal.SIGHUP), "the start has begun")
    os.kill(pid, sign)
    assert daemon.process.wait(30 * SLACK) == 0


def test_the_advice_about_a_taken_port_names_that_port(daemon):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", daemon.port))
        ran = daemon.run()
    assert ran.returncode == 2 and "sport = :%d'" % daemon.port in ran.stderr


# ---- the log -------------------------------------------------------------------------------------

class Screen:
    """All that was written to a terminal: what there is to read is read when somebody looks."""

    def __init__(self, file):
        self.file, self.text = file, b""
        os.set_blocking(file.fileno(), False)

    def seen(self):
        while part := self.file.read(65536):
            self.text += part
        return self.text


def test_a_log_that_nobody_reads(daemon):
    daemon.set("log.queries", "all")
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    config, (reader, writer) = daemon.configure(), os.pipe()
    daemon.process = subprocess.Popen([PLDNSD, "-c", str(config)], stderr=writer, stdin=subprocess.DEVNULL,
                                      env=daemon.environment())
    os.close(writer)
    with os.fdopen(reader, "rb") as log:
        eventually(lambda: b"event=ready" in log.readline(), "readiness")
        for _ in range(1000):
            assert daemon.ask(managed(1)) == ["10.0.0.1"]
        daemon.process.send_signal(signal.SIGHUP)
        assert daemon.counter("owned_queries") >= 1000
        assert daemon.stop() == 0


def test_a_terminal_that_nobody_reads(daemon, upstream):
    """It says that it takes something as long as there is room for one octet."""
    daemon.set("log.queries", "all")
    daemon.set("forward.upstreams", [upstream.address])     # or that it is silent would be logged
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    config, (screen, terminal) = daemon.configure(), os.openpty()
    daemon.process = subprocess.Popen([PLDNSD, "-c", str(config)], stderr=terminal, stdin=subprocess.DEVNULL,
                                      env=daemon.environment())
    os.close(terminal)
    with open(screen, "rb", buffering=0) as log:
        lines = Screen(log)
        eventually(lambda: b"event=ready" in lines.seen(), "readiness")
        for _ in range(1000):
            assert daemon.ask(managed(1)) == ["10.0.0.1"]
        assert b"event=query" in lines.seen()
        assert daemon.ask(managed(1)) == ["10.0.0.1"]
        eventually(lambda: b"event=\"log lost\"" in lines.seen(), "what was lost")
        whole = re.findall(rb"^time=\S+ level=info event=query .* how=\"owned\"\r$", lines.text, re.M)
        lost = re.findall(rb"^time=\S+ level=warning event=\"log lost\" lines=(\d+) ", lines.text, re.M)
        assert len(lost) == 1 and len(whole) + int(lost[0]) == 1001
        assert daemon.stop() == 0


def test_status_is_written_whatever_the_level(daemon):
    daemon.set("log.level", "error")
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start(wait=False)
    eventually(lambda: daemon.socket.exists() and daemon.status()["ready"], "readiness")
    daemon.process.send_signal(signal.SIGUSR1)
    eventually(lambda: "event=status" in daemon.log, "the status")


def test_no_watch_is_left(daemon):
    """Other programs of the machine have used up fs.inotify.max_user_watches."""
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    shell = "echo 0 >/proc/sys/user/max_inotify_watches && exec %s -c %s" % (PLDNSD, daemon.configure())
    namespace = ["unshare", "--user", "--map-root-user"]
    if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("wants a user namespace")
    with open(daemon.log_path, "ab") as log:
        daemon.process = subprocess.Popen([*namespace, "sh", "-c", shell], stderr=log, env=daemon.environment())
    eventually(daemon.is_ready, "readiness")
    daemon.write("b.yaml", document(2, ["10.0.0.2"]))
    assert daemon.reload().status == 200 and daemon.ask(managed(2)) == ["10.0.0.2"]
    for event, now in (("watch", "looking every 10 seconds"), ("writing", "files are read while they are written")):
        told = [line for line in daemon.log.splitlines() if "event=%s " % event in line]
        assert len(told) == 1 and "max_user_watches" in told[0] and now in told[0]


def cpu_seconds(pid):
    fields = Path("/proc/%d/stat" % pid).read_text(encoding="ascii").rsplit(")", 1)[-1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("closed", [(0, 1, 2), (2,)])
def test_standard_descriptors_that_are_closed(daemon, closed):
    """What is opened first would take their numbers, and lines of the log would go there."""
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    shell = "exec %s -c %s %s" % (PLDNSD, daemon.configure(), " ".join("%d>&-" % fd for fd in closed))
    daemon.process = subprocess.Popen(["sh", "-c", shell], env=daemon.environment())
    assert daemon.ctl("wait").returncode == 0
    assert {os.readlink("/proc/%d/fd/%d" % (daemon.process.pid, fd)) for fd in closed} == {"/dev/null"}
    daemon.process.send_signal(signal.SIGHUP)
    before = cpu_seconds(daemon.process.pid)
    time.sleep(1)
    assert cpu_seconds(daemon.process.pid) - before < 0.5
    assert daemon.ask(managed(1)) == ["10.0.0.1"]


# ---- detachments and restarts --------------------------------------------------------------------

@pytest.mark.parametrize("change", ["removed", "rewritten"])
def test_detached_while_the_daemon_was_down(daemon, upstream, change):
    daemon.set("forward.upstreams", [upstream.address])
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    eventually(lambda: (daemon.state / "accepted" / "a.yaml").exists(), "the document is kept")
    daemon.stop()
    if change == "removed":
        daemon.remove("a.yaml")
    else:
        daemon.write("a.yaml", document(2, ["10.0.0.2"]))
    daemon.start()
    assert daemon.ask(managed(1)) == "NXDOMAIN"
    assert "detached" in daemon.chaos(managed(1))
    assert upstream.names() == []


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_a_hold_goes_on_across_a_restart(daemon, upstream, sign):
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("attachments.detachHold", "%ds" % (4 * SLACK))
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.write("b.yaml", document(2, ["10.0.0.2"]))
    daemon.start()
    eventually(lambda: (daemon.state / "accepted" / "a.yaml").exists(), "the document is kept")
    daemon.remove("a.yaml")
    daemon.reload()
    detached = time.monotonic()
    kept = daemon.state / "detached"
    eventually(lambda: kept.exists() and not (daemon.state / "accepted" / "a.yaml").exists(), "the detachment is kept")
    daemon.restart(sign)
    assert daemon.ask(managed(1)) == "NXDOMAIN" and "detached" in daemon.chaos(managed(1))
    assert daemon.ask(managed(2)) == ["10.0.0.2"] and upstream.names() == []
    eventually(lambda: daemon.chaos(managed(1)).endswith(upstream.address), "the end of the hold")
    assert 4 * SLACK - 1 <= time.monotonic() - detached < 8 * SLACK
    eventually(lambda: not kept.exists(), "the end is kept, too")


def test_attached_again_while_the_daemon_was_down(daemon):
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    daemon.remove("a.yaml")
    daemon.reload()
    eventually((daemon.state / "detached").exists, "the detachment is kept")
    daemon.stop()
    daemon.write("b.yaml", document(1, ["10.0.0.9"]))
    daemon.start()
    assert daemon.ask(managed(1)) == ["10.0.0.9"]
    eventually(lambda: not (daemon.state / "detached").exists(), "nothing is detached")


def test_more_are_detached_than_are_held(daemon, upstream):
    most = 1 << 20
    daemon.set("forward.upstreams", [upstream.address])
    daemon.set("attachments.detachHold", "600s")
    daemon.write("a.yaml", custom(1, ["10.0.0.1"], "a.example.net", "b.example.net"))
    daemon.state.mkdir(exist_ok=True)
    end = int(time.time() * 1000) + 300_000
    (daemon.state / "detached").write_text("".join("%d one h%d.example.net\n" % (end, n) for n in range(most - 1)))
    daemon.start()
    assert daemon.ask("h0.example.net") == "NXDOMAIN" and "notHeld" not in daemon.reload().json["names"]
    daemon.process.send_signal(signal.SIGSTOP)          # however slow the machine: the removal is seen when it is asked for
    daemon.remove("a.yaml")
    with subprocess.Popen([PLDNSCTL, "--server", "unix:%s" % daemon.socket, "reload"], stdout=subprocess.PIPE, text=True) as asking:
        time.sleep(SLACK)
        daemon.process.send_signal(signal.SIGCONT)
        told, _ = asking.communicate(timeout=60 * SLACK)
    assert "detached   1 names are forwarded before detachHold is over: too many at once\n" in told, told
    assert asking.returncode == 0
    for name in "a.example.net", "b.example.net":       # their hold ends last
        assert daemon.ask(name) == "NXDOMAIN" and "detached" in daemon.chaos(name)
    assert upstream.names() == []
    assert 'detached names=1 why="more than 1048576 are detached at once"' in daemon.log


# ---- reloads -------------------------------------------------------------------------------------

def test_a_reload_without_a_directory_is_a_failure(served):
    served.documents.rename(served.folder / "gone")
    ran = served.ctl("reload")
    assert ran.returncode == 1 and "degraded   %s: No such file or directory" % served.documents in ran.stdout
    assert served.ask(managed(1)) == ["10.0.0.1"]
    (served.folder / "gone").rename(served.documents)
    assert served.ctl("reload").returncode == 0


# ---- explanations --------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["localhost", "x.localhost", "a.invalid", "x.onion", "5.0.0.127.in-addr.arpa"])
def test_names_that_are_built_in_are_explained_so(served, upstream, name):
    reply = served.query(name)
    ran = served.ctl("explain", name, "-o", "json")
    told = json.loads(ran.stdout)
    assert told["outcome"] == "built in, never forwarded" and "upstreams" not in told
    assert told["rcode"] == dns.rcode.to_text(reply.rcode())
    assert "forwarded" not in served.ctl("explain", name).stdout.replace("never forwarded", "")
    assert upstream.names() == []


@pytest.mark.parametrize("name, kind, reply", [
    ("localhost", "AAAA", "AAAA ::1, TTL 60"), ("localhost", "TXT", "NOERROR, empty: nothing of type TXT here"),
    ("1.0.0.127.in-addr.arpa", "PTR", "PTR localhost, TTL 60"), ("x.onion", "A", "NXDOMAIN"),
])
def test_built_in_names_are_explained_offline_too(served, name, kind, reply):
    live = served.ctl("explain", name, kind)
    offline = subprocess.run([PLDNSCTL, "explain", "--attachments", served.documents, name, kind], capture_output=True,
                             text=True, check=False, timeout=60 * SLACK)
    for ran in (live, offline):
        lines = [line.split(None, 1) for line in ran.stdout.splitlines()[1:]]
        assert ["reply", reply] in lines and ["outcome", "built in, never forwarded"] in lines, ran.stdout
    assert served.chaos(name).startswith("built in, never forwarded")


def test_a_name_below_a_host_that_is_attached_alone(daemon):
    daemon.write("a.yaml", custom(1, ["10.0.0.1"], "orders.rds.example.com"))
    daemon.start()
    assert "near miss   orders.rds.example.com is attached" in daemon.ctl("explain", "x.orders.rds.example.com").stdout
    assert daemon.chaos("x.orders.rds.example.com").startswith("not owned; orders.rds.example.com is attached; ")


def test_the_near_miss_of_a_fenced_name_is_told(daemon):
    daemon.set("fence", ["plc.tidbcloud.com"])
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    near = managed(1).replace("b1.", "*.")
    missed = near.replace("*.b", "b1.c")
    ran = daemon.ctl("explain", missed)
    assert "fenced and not attached: NXDOMAIN\n" in ran.stdout and "%s is attached\n" % near in ran.stdout
    assert "; %s is attached root=plc.tidbcloud.com" % near in daemon.chaos(missed)


@pytest.mark.parametrize("name,owned", [("h.example", True), ("x.fence.example", False), ("h.example.svc.example", False)])
def test_what_is_refused_without_being_attached_is_not_owned(daemon, name, owned):
    daemon.set("fence", ["fence.example"])
    daemon.set("searchSuffixes", ["svc.example"])
    daemon.write("a.yaml", custom(1, ["10.0.0.1"], "h.example"))
    daemon.start()
    ran = daemon.ctl("explain", name, "--owned", "-o", "json")
    assert (ran.returncode, json.loads(ran.stdout)["owned"]) == (0 if owned else 1, owned), ran.stdout
    assert json.loads(ran.stdout)["rcode"] == ("NOERROR" if owned else "NXDOMAIN")


@pytest.mark.parametrize("otherwise,said", [("refuse", "REFUSED"), ("drop", "none")])
def test_a_client_that_may_not_ask_is_told_its_reply(daemon, otherwise, said):
    daemon.set("clients.otherwise", otherwise)
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    shown = daemon.ctl("explain", managed(1), "--client", "192.0.2.1").stdout
    replies = [line.split(None, 1)[1] for line in shown.splitlines() if line.split()[0] == "reply"]
    assert replies == [said], shown
    assert "10.0.0.1" in daemon.ctl("explain", managed(1), "--client", "127.0.0.1").stdout


# ---- documents that pldnsctl writes --------------------------------------------------------------

def test_a_document_whose_name_is_no_utf8_is_judged_too(tmp_path):
    (tmp_path / "a.yaml").write_text(custom(1, ["10.0.0.1"], "taken.example.com"))
    odd = tmp_path / os.fsdecode(b"caf\xe9.yaml")
    odd.write_text(custom(2, ["10.0.0.2"], "mine.example.com"))
    before = odd.read_text()

    def attach(name):
        return subprocess.run([PLDNSCTL, "-a", str(tmp_path), "attach-domains", "plc-2", "--type", "CUSTOM", "--domain", name],
                              capture_output=True, text=True, check=False, timeout=60 * SLACK)

    ran = attach("taken.example.com")
    assert (ran.returncode, ran.stdout) == (2, "") and "taken.example.com" in ran.stderr, ran.stdout + ran.stderr
    assert odd.read_text() == before
    ran = attach("free.example.com")
    assert ran.returncode == 0 and "free.example.com" in odd.read_text(), ran.stderr


def test_no_octets_of_a_document_reach_the_terminal_as_they_are(tmp_path):
    def ctl(*arguments):
        return subprocess.run([PLDNSCTL, "-a", str(tmp_path), *arguments], capture_output=True, text=True, check=False,
                              timeout=60 * SLACK)

    (tmp_path / "\x1b[31mred.yaml").write_text(document(1, ["10.0.0.1"], attachedDomains=[{"type": "\x1b[32mgreen"}]))
    ran = ctl("get", "plc-1")
    assert ran.returncode == 2 and "\\x1B[32mgreen" in ran.stdout and "\x1b" not in ran.stdout + ran.stderr, ran.stdout
    ran = ctl("delete", "plc-1", "--force")
    assert (ran.returncode, ran.stdout) == (0, "private link connection plc-1 deleted from \\x1B[31mred.yaml\n"), ran.stderr


def test_many_documents_that_change_at_once_are_not_followed_one_by_one(daemon, tmp_path):
    told = [json.loads(custom(n, ["10.0.0.1"], "h%d.example.com" % n)) for n in range(100)]
    (tmp_path / "told.json").write_text(json.dumps(told))
    daemon.start()
    ran = daemon.ctl("-a", daemon.documents, "import", tmp_path / "told.json")
    assert ran.returncode == 0, ran.stderr
    assert daemon.ask("h0.example.com") == daemon.ask("h99.example.com") == ["10.0.0.1"]
    runs = daemon.log.count("changed=no")
    for one in told:
        one["endpoints"][0]["addresses"] = ["10.0.0.2"]
    (tmp_path / "told.json").write_text(json.dumps(told))
    ran = daemon.ctl("-a", daemon.documents, "import", tmp_path / "told.json")
    assert ran.returncode == 0, ran.stderr
    assert daemon.ask("h0.example.com") == daemon.ask("h99.example.com") == ["10.0.0.2"]
    assert daemon.log.count("changed=no") - runs < 10      # each looked at all of them


# An editor that saves while the new version is brought to the disk.
EDITOR = """
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
int fsync(int fd)
{
    (void)rename(getenv("SAVED"), getenv("DOCUMENT"));
    return (int)syscall(SYS_fsync, fd);
}
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no compiler")
@pytest.mark.skipif(b"__asan_init" in Path(PLDNSCTL).read_bytes(), reason="a sanitizer wants to be loaded first")
def test_what_an_editor_saves_meanwhile_is_left_alone(tmp_path):
    (tmp_path / "editor.c").write_text(EDITOR)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", tmp_path / "editor.so", tmp_path / "editor.c"], check=True)
    folder, saved = tmp_path / "d", tmp_path / "saved"
    folder.mkdir()
    (folder / "a.yaml").write_text(custom(1, ["10.0.0.1"], "a.example.com"))
    saved.write_text(custom(1, ["10.0.0.1"], "of.the.editor.example.com"))
    environment = {**os.environ, "LD_PRELOAD": str(tmp_path / "editor.so"), "SAVED": str(saved), "DOCUMENT": str(folder / "a.yaml")}
    ran = subprocess.run([PLDNSCTL, "-a", str(folder), "attach-domains", "plc-1", "--type", "CUSTOM", "--domain", "b.example.com"],
                         capture_output=True, text=True, check=False, timeout=60 * SLACK, env=environment)
    assert ran.returncode == 2 and "was changed by somebody else meanwhile" in ran.stderr, ran.stderr
    assert "of.the.editor.example.com" in (folder / "a.yaml").read_text() and os.listdir(folder) == ["a.yaml"]


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_change_leaves_nothing_beside(tmp_path, sign):
    """As soon as the new version is begun: it may come or not, but no half of it stays in the folder."""
    padding = "# %s\n" % ("x" * 100) * 20000    # to write it takes a while
    for n in range(10):
        (tmp_path / "a.yaml").write_text(custom(1, ["10.0.0.1"], "a.example.com") + padding)
        with subprocess.Popen([PLDNSCTL, "-a", str(tmp_path), "attach-domains", "plc-1", "--type", "CUSTOM", "--domain",
                               "b%d.example.com" % n], stdout=subprocess.DEVNULL) as process:
            while len(os.listdir(tmp_path)) == 1 and process.poll() is None:
                pass
            process.send_signal(sign)
            assert process.wait(60 * SLACK) in (0, -sign)
        assert os.listdir(tmp_path) == ["a.yaml"]
        assert (tmp_path / "a.yaml").read_text().endswith(padding)


def test_a_change_is_followed_from_any_working_directory(daemon, tmp_path):
    """The daemon was given its directory as seen from its own."""
    daemon.set("attachments.directory", os.path.relpath(daemon.documents))
    daemon.write("a.yaml", document(1, ["10.0.0.1"]))
    daemon.start()
    (tmp_path / "elsewhere").mkdir()
    ran = subprocess.run([PLDNSCTL, "--server", "unix:%s" % daemon.socket, "-a", str(daemon.documents), "attach-domains",
                          "plc-1", "--type", "CUSTOM", "--domain", "new.example.com"], cwd=tmp_path / "elsewhere",
                         capture_output=True, text=True, check=False, timeout=60 * SLACK)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert daemon.ask("new.example.com") == ["10.0.0.1"]
    assert daemon.status()["directory"].startswith("/")


# ---- the installation ----------------------------------------------------------------------------

def test_the_unit_starts_what_is_installed():
    told = subprocess.run(["meson", "introspect", "--installed", str(BUILD)], capture_output=True, text=True, check=True,
                          timeout=60 * SLACK)
    installed = {Path(to).name: (built, to) for built, to in json.loads(told.stdout).items()
                 if "completions" not in to}
    unit = Path(installed["pldnsd.service"][0]).read_text(encoding="utf-8")
    assert "\nExecStart=%s -c %s\n" % (installed["pldnsd"][1], installed["pldns.yaml"][1]) in unit
    assert "\nExecReload=%s reload\n" % installed["pldnsctl"][1] in unit
    assert installed["pldns.yaml"][1] == "/etc/pldns/pldns.yaml"     # as all pages say
    assert Path(PLDNSD).exists()
    # Its user is there when sysusers.d has been read: at the next boot, or as the manual says.
    assert "\nUser=pldns\n" in unit and "\nu pldns " in Path(installed["pldns.conf"][0]).read_text(encoding="utf-8")
    assert "systemd-sysusers" in (ROOT / "README.md").read_text(encoding="utf-8")
