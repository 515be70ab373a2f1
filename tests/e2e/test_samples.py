"""What the documentation and etc/ show is accepted by the programs themselves, and names all they have."""
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("PLDNS_BUILD", ROOT / "build" / "run"))
# The daemon would take our own variables for mistyped settings.
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith("PLDNS")}


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60, check=False, env=CLEAN)


def examples():
    """Documents shown in pages: YAML blocks that name a connection."""
    for page, block in (("docs/attachments.md", r"```yaml\n(.*?)```"),
                        ("docs/man/pldns-attachments.5", r"\.Bd -literal[^\n]*\n(.*?)\.Ed"),
                        ("docs/troubleshooting.md", r"```yaml\n(.*?)```")):
        text = (ROOT / page).read_text(encoding="utf-8")
        found = [b for b in re.findall(block, text, re.S) if "privateLinkConnectionId" in b]
        yield from (pytest.param(b, id="%s-%d" % (Path(page).name, i)) for i, b in enumerate(found))


@pytest.mark.parametrize("text", list(examples()))
def test_shown_document_is_accepted(text, tmp_path):
    document = tmp_path / "shown.yaml"
    document.write_text(text, encoding="utf-8")
    ran = run(BUILD / "ctl" / "pldnsctl", "check", document)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_sample_documents_are_accepted_without_a_warning():
    ran = run(BUILD / "ctl" / "pldnsctl", "check", "--strict", ROOT / "etc" / "attachments.d")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def uncommented():
    """The sample with every key set to its default."""
    lines = (ROOT / "etc" / "pldns.yaml").read_text(encoding="utf-8").splitlines()
    return "\n".join(line[1:] if re.match(r"#(  )?\w+:", line) else line for line in lines) + "\n"


@pytest.mark.parametrize("whole", [False, True], ids=["as-it-is", "every-key-set"])
def test_sample_configuration_is_accepted(whole, tmp_path):
    (tmp_path / "attachments.d").mkdir()
    text = uncommented() if whole else (ROOT / "etc" / "pldns.yaml").read_text(encoding="utf-8")
    assert ("\nworkers: auto\n" in text) == whole
    file = tmp_path / "pldns.yaml"
    file.write_text(text.replace("state: /var/lib/pldns", 'state: ""'), encoding="utf-8")
    ran = run(BUILD / "resolver" / "pldnsd", "-c", file, "--attachments", tmp_path / "attachments.d", "--check")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def plain(page):
    """A manual page's macros as the command line has them."""
    text = (ROOT / "docs" / "man" / page).read_text(encoding="utf-8")
    return text.replace("Fl Fl ", "--").replace("Fl ", "-")


def test_manual_has_every_command_and_option_of_pldnsctl():
    told = json.loads(run(BUILD / "ctl" / "pldnsctl", "help", "-o", "json").stdout)
    page = plain("pldnsctl.1")
    options = {o["name"] for c in told["commands"] for o in c["options"]} | {o["name"] for o in told["options"]}
    for command in told["commands"]:
        assert re.search(r"^\.It Cm %s\b" % command["name"], page, re.M), command["name"]
    assert set(re.findall(r"^\.It .*--([\w.-]+)", page, re.M)) == options


def test_manual_has_every_option_of_pldnsd():
    told = set(re.findall(r"--([a-z]+)", run(BUILD / "resolver" / "pldnsd", "--help").stdout))
    assert told and set(re.findall(r"^\.It .*--([\w-]+)", plain("pldnsd.8"), re.M)) == told
