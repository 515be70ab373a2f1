"""pldnsctl without a daemon: help, options, exit codes, and how it takes what an admin address sends.

The far end is scripted here, so that refusals, silence and nonsense can be sent at will."""
import contextlib
import json
import os
import re
import socketserver
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from conftest import document

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("PLDNS_BUILD", ROOT / "build" / "run"))
PLDNSCTL = os.environ.get("PLDNSCTL", str(BUILD / "ctl" / "pldnsctl"))
COMMANDS = ["status", "check", "explain", "reload", "wait", "flush", "list", "get", "describe", "zones", "create", "delete",
            "attach-domains", "detach-domains", "diff", "import", "version", "help"]

FINE, NO, WRONG, UNREACHABLE, TIMEOUT = range(5)


def ctl(*arguments, stdin=None, env=None, timeout=30):
    clean = {k: v for k, v in os.environ.items() if k not in ("PLDNSCTL_SERVER", "NO_COLOR")}
    return subprocess.run([PLDNSCTL, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=timeout,
                          check=False, env={**clean, **(env or {})})


def described():
    """Commands and options as the program lists them itself."""
    return json.loads(ctl("help", "-o", "json").stdout)


# ---- help ----------------------------------------------------------------------------------------

def test_help_lists_every_command():
    ran = ctl("help")
    assert ran.returncode == FINE and ran.stderr == ""
    for command in COMMANDS:
        assert re.search(r"^  %s\b" % command, ran.stdout, re.M), command
    assert [c["name"] for c in described()["commands"]] == COMMANDS


def test_help_lists_every_option_and_exit_code():
    text = ctl("--help").stdout
    for command in described()["commands"]:
        for option in command["options"] + described()["options"]:
            assert "--" + option["name"] in text
    for code in range(5):
        assert re.search(r"^  %d  \w" % code, text, re.M)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_one_command(command):
    ran = ctl("help", command)
    assert ran.returncode == FINE
    assert ran.stdout.startswith("Usage: pldnsctl %s" % command)
    assert ctl(command, "--help").stdout == ran.stdout
    options = [o["name"] for c in described()["commands"] if c["name"] == command for o in c["options"]]
    for option in options:
        assert "--" + option in ran.stdout


def test_lines_of_the_help_fit_a_terminal():
    for arguments in [["help"]] + [["help", c] for c in COMMANDS]:
        assert max(map(len, ctl(*arguments).stdout.split("\n"))) <= 90, arguments


@pytest.mark.parametrize("file", ["docs/man/pldnsctl.1", "ctl/completions/pldnsctl.bash", "ctl/completions/_pldnsctl"])
def test_page_and_completions_know_everything(file):
    text = (ROOT / file).read_text().replace("\\-", "-")
    listed = described()
    for command in listed["commands"]:
        assert re.search(r"\b%s\b" % command["name"], text), command["name"]
        for option in command["options"] + listed["options"]:
            # mdoc writes the dashes as macros: "Fl Fl server".
            assert re.search(r"(--|Fl Fl )%s\b" % option["name"], text), option["name"]


def test_bash_completion_completes(tmp_path):
    script = """. "$1"; COMP_WORDS=(pldnsctl "${@:2}"); COMP_CWORD=$(($# - 1)); _pldnsctl; printf '%s\\n' "${COMPREPLY[@]}" """

    def complete(*words):
        ran = subprocess.run(["bash", "-c", script, "bash", ROOT / "ctl/completions/pldnsctl.bash", *words],
                             capture_output=True, text=True, check=True,
                             env={**os.environ, "PATH": "%s:%s" % (Path(PLDNSCTL).parent, os.environ["PATH"])})
        return ran.stdout.split()

    assert complete("st") == ["status"]
    assert complete("--server", "unix:/x", "re") == ["reload"]
    assert complete("help", "fl") == ["flush"]
    assert complete("flush", "--sub") == ["--subtree"]
    assert complete("status", "-o", "y") == ["yaml"]
    assert complete("att") == ["attach-domains"]
    assert complete("attach-domains", "--ty") == ["--type"]
    assert complete("attach-domains", "--type", "CUST") == ["CUSTOM"]
    assert complete("create", "--type", "AWS") == ["AWS_ENDPOINT_SERVICE"]
    (tmp_path / "a.yaml").write_text("{privateLinkConnectionId: plc-done, type: VPC_RESOURCE}")
    assert complete("get", "-a", str(tmp_path), "plc-") == ["plc-done"]


def test_version():
    version = re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text()).group(1)
    assert ctl("version").stdout == "pldnsctl %s\n" % version
    assert ctl("--version").stdout == "pldnsctl %s\n" % version
    assert json.loads(ctl("version", "-o", "json").stdout) == {"version": version}


# ---- wrong use -----------------------------------------------------------------------------------

@pytest.mark.parametrize("arguments, said", [
    ([], "which command?"),
    (["statsu"], "did you mean 'status'?"),
    (["relaod"], "did you mean 'reload'?"),
    (["zzzzzzzzzz"], "'pldnsctl help' lists them"),
    (["help", "chekc"], "did you mean 'check'?"),
    (["status", "extra"], "usage: pldnsctl status"),
    (["explain"], "usage: pldnsctl explain NAME [TYPE]"),
    (["flush", "a", "b"], "usage: pldnsctl flush NAME"),
    (["status", "--subtre"], "did you mean --subtree?"),
    (["status", "--subtree"], "'status' takes no --subtree"),
    (["status", "-x"], "no option -x"),
    (["status", "--server"], "--server wants ADDR"),
    (["status", "--server="], "empty"),
    (["status", "--no-color=yes"], "takes no value"),
    (["status", "-o", "xml"], "table, json or yaml"),
    (["status", "--timeout", "soon"], "--timeout wants"),
    (["status", "--timeout", "-1"], "--timeout wants"),
    (["status", "--timeout", "99999999999999999999"], "--timeout wants"),
    (["status", "--timeout", "0"], "--timeout wants"),
    (["status", "--server", "ftp://x"], "wants unix:/path or http://address:port"),
    (["status", "--server", "https://127.0.0.1"], "wants unix:/path or http://address:port"),
    (["status", "--server", "unix:relative"], "absolute path"),
    (["status", "--server", "unix:/" + 120 * "x"], "107"),
    (["wait", "--generation", "x"], "--generation wants a number"),
    (["wait", "--generation", "1", "--name", "a"], "one of --generation, --document and --name"),
    (["create", "plc-1", "--id", "plc-2", "--type", "VPC_RESOURCE", "-a", "/nonexistent"], "two connections are named: plc-1 and plc-2"),
])
def test_wrong_use(arguments, said):
    ran = ctl(*arguments)
    assert ran.returncode == WRONG
    assert said in ran.stderr and ran.stderr.startswith("pldnsctl: error: ")
    assert ran.stdout == ""


def test_output_that_cannot_be_written_is_an_error():
    with open("/dev/full", "w", encoding="ascii") as full:
        ran = subprocess.run([PLDNSCTL, "help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ran.returncode == WRONG and "No space left" in ran.stderr


# ---- a daemon that cannot be asked ---------------------------------------------------------------

@pytest.mark.parametrize("command", [["status"], ["reload"], ["flush", "a.example"], ["explain", "a.example"]])
def test_no_socket(tmp_path, command):
    ran = ctl("--server", "unix:%s/none.sock" % tmp_path, *command)
    assert ran.returncode == UNREACHABLE
    assert "none.sock: No such file or directory" in ran.stderr
    assert "is pldnsd running" in ran.stderr and "--server" in ran.stderr


def test_no_listener():
    ran = ctl("--server", "http://127.0.0.1:1", "status")
    assert ran.returncode == UNREACHABLE and "Connection refused" in ran.stderr


def test_socket_left_behind(tmp_path):
    path = tmp_path / "stale.sock"
    with socketserver.UnixStreamServer(str(path), None):
        pass
    ran = ctl("-s", "unix:%s" % path, "status")
    assert ran.returncode == UNREACHABLE and "pldnsd has ended" in ran.stderr


def test_the_environment_names_the_server():
    ran = ctl("status", env={"PLDNSCTL_SERVER": "unix:/nowhere/x.sock"})
    assert ran.returncode == UNREACHABLE and "/nowhere/x.sock" in ran.stderr


# ---- a scripted far end --------------------------------------------------------------------------

class Far(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, path):
        super().__init__(str(path), FarHandler)
        self.answers, self.asked, self.address = [], [], "unix:%s" % path

    def handle_error(self, request, client_address):
        pass    # the client may leave early


class FarHandler(BaseHTTPRequestHandler):
    def address_string(self):
        return "far"

    def log_message(self, *_):
        pass

    def answer(self):
        self.server.asked.append("%s %s" % (self.command, self.path))
        answers = self.server.answers
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(body):
            body(self)
            return
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = answer


@pytest.fixture(name="far")
def fixture_far(tmp_path):
    server = Far(tmp_path / "far.sock")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def ask(far, *arguments, **more):
    return ctl("--server", far.address, *arguments, **more)


def test_silence_ends_in_time(far):
    far.answers = [(0, lambda handler: time.sleep(5))]
    start = time.monotonic()
    ran = ask(far, "status", "--timeout", "200ms")
    assert ran.returncode == TIMEOUT and "no answer in time" in ran.stderr
    assert time.monotonic() - start < 4


def test_a_reply_without_end_is_cut_off(far):
    def flood(handler):
        handler.send_response(200)
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(bytes(1 << 20))

    far.answers = [(200, flood)]
    ran = ask(far, "status")
    assert ran.returncode == UNREACHABLE and "larger than 64 MiB" in ran.stderr


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"\xff\xfe", b'{"a": "\\u0000"}'])
def test_a_reply_that_is_no_json(far, body):
    far.answers = [(200, body)]
    ran = ask(far, "status")
    assert ran.returncode == UNREACHABLE and "answered HTTP 200" in ran.stderr


def test_control_codes_do_not_reach_the_terminal(far):
    far.answers = [(200, {"instance": "\033[2J\x07\u009b31m"})]
    out = ask(far, "status").stdout
    assert "\033" not in out and "\x07" not in out and "\u009b" not in out and "\\x1B[2J" in out
    far.answers = [(500, b"\033[2J")]
    assert "\033" not in ask(far, "status").stderr


def test_errors_of_the_daemon_are_told(far):
    far.answers = [(400, {"error": "name: empty label"})]
    ran = ask(far, "flush", "a..b")
    assert ran.returncode == WRONG and "name: empty label" in ran.stderr
    far.answers = [(403, {"error": "only for this host"})]
    ran = ask(far, "reload")
    assert ran.returncode == WRONG and "only for this host" in ran.stderr


OUTCOME = {"generation": 8, "changed": True, "names": {"added": 2, "moved": 1, "removed": 0}, "accepted": 1, "removed": 0,
           "refused": 0, "milliseconds": 1, "complaints": []}


def test_reload_says_what_changed(far):
    far.answers = [(200, OUTCOME)]
    ran = ask(far, "reload")
    assert ran.returncode == FINE and far.asked == ["POST /api/reload"]
    assert ran.stdout == "generation 8\nnames      2 added, 1 moved, 0 removed\n"


def test_reload_with_a_refused_document(far):
    far.answers = [(409, {**OUTCOME, "refused": 1, "changed": False, "complaints": ["kafka.yaml:3:1: bad"],
                          "degraded": "cannot read it"})]
    ran = ask(far, "reload")
    assert ran.returncode == NO and "1 documents" in ran.stdout and "  kafka.yaml:3:1: bad\n" in ran.stdout
    assert "(nothing changed)" in ran.stdout and "cannot read it" in ran.stdout
    assert json.loads(ask(far, "reload", "-o", "json").stdout)["refused"] == 1


STATUS = {"version": "1.2.3", "instance": "host", "ready": True, "uptimeSeconds": 90061, "generation": 8, "ageSeconds": 61,
          "refused": 0, "table": {"documents": 1, "connections": 2, "names": 3}, "listen": ["127.0.0.1:53"],
          "upstreams": ["192.0.2.1:53", "192.0.2.2:53"], "counters": {"udp_queries": 7, "leaks": 0},
          "documents": [{"name": "a.yaml", "state": "accepted", "connections": 2, "restored": False,
                         "errors": [], "warnings": ["a.yaml:1:1: warning: odd"]}]}


def test_status(far):
    far.answers = [(200, STATUS)]
    ran = ask(far, "status")
    assert ran.returncode == FINE
    for said in ["1.2.3 on host, up 1d 1h", "8, for 1m 1s", "1 documents, 2 connections, 3 names", "192.0.2.1:53 192.0.2.2:53",
                 "a.yaml", "accepted", "    a.yaml:1:1: warning: odd", "udp_queries"]:
        assert said in ran.stdout, said
    assert "leaks" not in ran.stdout


def test_status_of_upstreams(far):
    def state(upstream, up, asked, answered, unanswered, **more):
        return {"upstream": upstream, "up": up, "asked": asked, "answered": answered, "unanswered": unanswered, **more}

    far.answers = [(200, {**STATUS, "upstreamsLooping": ["192.0.2.9"], "upstreamStates": [
        state("192.0.2.1:53", True, 1207, 1200, 7, roundTripMicroseconds=12345),
        state("tls://192.0.2.2:853#dns.example.com", True, 3, 3, 0, roundTripMicroseconds=875),
        state("192.0.2.3", False, 2, 0, 2),
        state("192.0.2.4", True, 0, 0, 0),
        state("192.0.2.9", True, 1, 1, 0, roundTripMicroseconds=2000)]})]
    ran = ask(far, "status")
    assert ran.returncode == FINE
    assert """
upstream                             state          round trip  asked  answered  unanswered
192.0.2.1:53                         up             12.3 ms     1207   1200      7
tls://192.0.2.2:853#dns.example.com  up             under 1 ms  3      3         0
192.0.2.3                            silent         -           2      0         2
192.0.2.4                            not asked yet  -           0      0         0
192.0.2.9                            in a circle    2.0 ms      1      1         0

""" in ran.stdout


@pytest.mark.parametrize("change", [{"ready": False}, {"refused": 1}, {"degraded": "the directory is gone"}])
def test_status_is_no_when_something_is_wrong(far, change):
    far.answers = [(200, {**STATUS, **change})]
    assert ask(far, "status").returncode == NO
    assert ask(far, "status", "-o", "json").returncode == NO


def test_replies_of_the_wrong_shape(far):
    shapes = [[], 1, None, {"documents": 1, "table": [], "counters": [], "complaints": {}, "names": 1},
              {"documents": [1, {"name": []}], "complaints": [1, {}], "counters": {"a": "b"}, "addresses": [1, []],
               "upstreams": [{}], "listen": [1]}, {"upstreamStates": [1, {}, {"upstream": 1, "asked": "x", "up": 1}],
                                                   "upstreamsLooping": [1]}, {"upstreamStates": {"a": 1}}]
    for shape in shapes:
        far.answers = [(200, shape)]
        for command in [["status"], ["reload"], ["explain", "a.example"], ["flush", "a"], ["wait", "--name", "a"]]:
            assert ask(far, *command).returncode in (FINE, NO, UNREACHABLE), (shape, command)


def test_arguments_are_escaped(far):
    far.answers = [(200, {})]
    ran = ask(far, "flush", "a b&c=d?.example", "--subtree")
    assert ran.stdout == "forgotten: a b&c=d?.example and all names below\n"
    assert far.asked == ["POST /api/flush?name=a%20b%26c%3Dd%3F.example&subtree=1"]


def test_yaml_is_the_same_value(far):
    yaml = pytest.importorskip("yaml")
    value = {"generation": 7, "yes": "no", "list": [[], {}, [1, [2]], {"a": {"b": None, "c": True}}], "text": "a: b # \" \\ \n",
             "odd": "\u00e9\u2028\U0001f600\x7f", "0x10": "0x10", "date": "2024-01-01", "float": 1.5, "": "", "~": "~", "x": "- y"}
    far.answers = [(200, value)]
    assert yaml.safe_load(ask(far, "status", "-o", "yaml").stdout) == value
    assert json.loads(ask(far, "status", "-o", "json").stdout) == value


def test_wait_asks_again_until_it_is_served(far):
    far.answers = [(408, {"error": "time is over"}), (200, {"generation": 9})]
    ran = ask(far, "wait", "--generation", "9", "--timeout", "20s")
    assert ran.returncode == FINE and ran.stdout == "served, generation 9\n"
    assert re.fullmatch(r"GET /api/wait\?generation=9&timeout=\d+ms", far.asked[0]) and len(far.asked) == 2


def test_a_change_is_waited_for_longer_than_one_question_lasts(far, tmp_path):
    far.answers = [(200, {"directory": str(tmp_path)}), (408, {"error": "time is over"}), (200, {"generation": 9})]
    ran = ask(far, "create", "plc-1", "--type", "VPC_RESOURCE", "--endpoint", "10.0.0.1", "-a", tmp_path, "--timeout", "15m")
    assert (ran.returncode, ran.stderr) == (FINE, "")
    assert far.asked[1:] == ["GET /api/wait?document=plc-1.yaml&timeout=300000ms"] * 2


FULL = (503, {"error": "48 wait already: ask again"})
GONE = (0, lambda handler: None)      # it restarts: no reply to what was asked


@pytest.mark.parametrize("command", [["create", "plc-1", "--type", "VPC_RESOURCE", "--endpoint", "10.0.0.1"], ["wait", "--document", "plc-1.yaml"]])
def test_who_waits_asks_again(far, tmp_path, command):
    """A daemon that has no room for one more who waits, or that restarts."""
    status = [(200, {"directory": str(tmp_path)})] if command[0] == "create" else []
    command = command + (["-a", tmp_path] if command[0] == "create" else [])
    far.answers = status + [FULL, GONE, (408, {"error": "time is over"}), (200, {"generation": 9})]
    ran = ask(far, *command, "--timeout", "20s")
    assert (ran.returncode, ran.stderr) == (FINE, "") and len(far.asked) == len(status) + 4


@pytest.mark.parametrize("last, said", [(FULL, "48 wait already"), (GONE, "hung up")])
@pytest.mark.parametrize("command", [["create", "plc-1", "--type", "VPC_RESOURCE", "--endpoint", "10.0.0.1"], ["wait", "--document", "plc-1.yaml"]])
def test_what_kept_it_from_being_served_is_told(far, tmp_path, command, last, said):
    status = [(200, {"directory": str(tmp_path)})] if command[0] == "create" else []
    command = command + (["-a", tmp_path] if command[0] == "create" else [])
    far.answers = status + [FULL, last]
    ran = ask(far, *command, "--timeout", "500ms")
    assert ran.returncode == TIMEOUT and "time is over: " in ran.stderr and said in ran.stderr


def test_a_daemon_that_takes_its_time_is_waited_for(far, tmp_path):
    """Of 100,000 documents the status is long, and the machine may be busy."""
    def status(handler):
        time.sleep(3)
        body = json.dumps({"directory": str(tmp_path)}).encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    far.answers = [(0, status), (200, {"generation": 9})]
    create = ["create", "plc-1", "--type", "VPC_RESOURCE", "--endpoint", "10.0.0.1", "-a", tmp_path]
    assert ctl(*create, env={"PLDNSCTL_SERVER": far.address}).returncode == FINE
    assert [line.split("?")[0] for line in far.asked] == ["GET /api/status", "GET /api/wait"]


@pytest.mark.parametrize("named", [True, False])
def test_a_daemon_that_hangs_is_told_of(far, tmp_path, named):
    far.answers = [(0, lambda handler: time.sleep(3))]
    folder = tmp_path / "d"
    folder.mkdir()
    create = ["create", "plc-1", "--type", "VPC_RESOURCE", "--endpoint", "10.0.0.1", "-a", folder, "--timeout", "500ms"]
    ran = ask(far, *create) if named else ctl(*create, env={"PLDNSCTL_SERVER": far.address})
    assert ran.returncode == TIMEOUT and "no answer in time" in ran.stderr and "plc-1.yaml is written all the same" in ran.stderr


def test_a_document_that_goes_is_waited_for_through_a_restart(far, tmp_path):
    (tmp_path / "plc-1.json").write_text(document(1, ["10.0.0.1"]))
    far.answers = [(200, {"directory": str(tmp_path)}), GONE, (200, {"generation": 9})]
    ran = ask(far, "delete", "plc-1", "--force", "-a", tmp_path, "--timeout", "20s")
    assert (ran.returncode, ran.stderr) == (FINE, "") and far.asked[1:] == ["POST /api/reload"] * 2


def test_time_is_the_same_for_all_that_is_waited_for(far, tmp_path):
    """--timeout is for the command, not for each of its documents."""
    (tmp_path / "two.json").write_text(json.dumps({"privateLinkConnections": [
        json.loads(document(n, ["10.0.0.%d" % n])) for n in (1, 2)]}))
    folder = tmp_path / "d"
    folder.mkdir()
    far.answers = [(200, {"directory": str(folder)}), (0, lambda handler: (time.sleep(2), handler.send_response(200),
                   handler.send_header("Content-Length", "2"), handler.end_headers(), handler.wfile.write(b"{}"))),
                   (200, {"documents": []}), (408, {"error": "time is over"})]
    ran = ask(far, "import", tmp_path / "two.json", "-a", folder, "--timeout", "5s")
    assert ran.returncode == TIMEOUT, ran.stderr
    first, second = (int(re.search(r"&timeout=(\d+)ms", far.asked[n])[1]) for n in (1, 3))
    assert second <= first - 2000


@pytest.mark.parametrize("answers", [[], [(500, "no")], [(200, None), (500, "no")]])
def test_what_is_written_is_told_when_the_daemon_cannot_be_asked(far, tmp_path, answers):
    folder = tmp_path / "d"
    folder.mkdir()
    far.answers = [(status, {"directory": str(folder)} if body is None else body) for status, body in answers]
    ran = ask(far, "create", "--type", "VPC_RESOURCE", "-a", folder)
    (written,) = [file.name for file in folder.iterdir()]
    assert ran.returncode in (NO, UNREACHABLE) and written in ran.stderr and "written" in ran.stderr, ran.stderr


def test_wait_ends(far):
    far.answers = [(408, {"error": "time is over"})]
    ran = ask(far, "wait", "--name", "a.example", "--timeout", "300ms")
    assert ran.returncode == TIMEOUT and "time is over" in ran.stderr


def test_wait_hears_a_refusal_at_once(far):
    far.answers = [(409, {"error": "kafka.yaml:3:1: bad"})]
    ran = ask(far, "wait", "--document", "kafka.yaml")
    assert ran.returncode == NO and "kafka.yaml:3:1: bad" in ran.stderr


def test_wait_for_readiness(far):
    far.answers = [(503, b"not ready\n"), (200, b"ready\n")]
    ran = ask(far, "wait")
    assert ran.returncode == FINE and ran.stdout == "ready\n"
    assert far.asked == ["GET /readyz", "GET /readyz"]


def test_wait_for_a_daemon_that_starts_late(tmp_path):
    path = tmp_path / "late.sock"

    def start():
        time.sleep(0.5)
        with Far(path) as server:
            server.answers = [(200, b"ready\n")]
            server.handle_request()

    # A daemon thread: it must not outlive a failure of this test.
    thread = threading.Thread(target=start, daemon=True)
    thread.start()
    ran = ctl("--server", "unix:%s" % path, "wait", "--timeout", "20s")
    thread.join(10)
    assert ran.returncode == FINE and ran.stdout == "ready\n"


def test_wait_for_a_daemon_that_never_comes(tmp_path):
    ran = ctl("--server", "unix:%s/never.sock" % tmp_path, "wait", "--timeout", "300ms")
    assert ran.returncode == UNREACHABLE and "never.sock" in ran.stderr


# ---- colours -------------------------------------------------------------------------------------

def on_terminal(*arguments, env=None):
    """All that the program prints on a terminal. The kernel hands it over in its own time, so one read may find a part of it."""
    import pty
    main, side = pty.openpty()
    clean = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM")}
    subprocess.run([PLDNSCTL, *arguments], stdout=side, stderr=side, check=False, timeout=30,
                   env={**clean, "TERM": "xterm", **(env or {})})
    os.close(side)
    said = b""
    with contextlib.suppress(OSError), open(main, "rb", buffering=0) as terminal:  # EIO: nobody has it open, and all is read
        while part := terminal.read(65536):
            said += part
    assert said, "nothing was printed"
    return said.decode()


def test_colours_only_on_a_terminal():
    assert "\033[" not in ctl("help").stdout
    assert "\033[" in on_terminal("version", "--nonsense")
    assert "\033[" not in on_terminal("version", "--nonsense", env={"NO_COLOR": "1"})
    assert "\033[" not in on_terminal("version", "--nonsense", env={"TERM": "dumb"})
    assert "\033[" not in on_terminal("--no-color", "statsu")
