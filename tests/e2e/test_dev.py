"""./dev and words that it does not know: told at once, before anything is installed or built."""
import shutil
import subprocess
from pathlib import Path

import pytest

DEV = Path(__file__).resolve().parents[2] / "dev"


def dev(*words):
    return subprocess.run([DEV, *words], capture_output=True, text=True, check=False, timeout=30,
                          env={"PATH": "/nowhere:/usr/bin:/bin"}, cwd="/")


@pytest.mark.parametrize("command", ["run", "test", "build", "bench", "fuzz", "scenario", "lint", "format", "setup"])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_command_has_help(command, option):
    ran = dev(command, option)
    assert (ran.returncode, ran.stderr) == (0, "") and ran.stdout == dev("help").stdout


@pytest.mark.parametrize("words, said", [
    (("run", "5301"), "dev: run: takes no argument"),
    (("lint", "zones"), "dev: lint: takes no argument"),
    (("build", "build/a", "build/b"), "dev: build: one folder only"),
    (("build", "--release"), "dev: build: wants a folder, has --release"),
])
def test_what_is_not_understood(words, said):
    ran = dev(*words)
    assert ran.returncode == 1 and ran.stderr == said + "\n" and not ran.stdout


STUBS = {
    "dpkg-query": 'printf "ii "',
    # As one whose folder is taken away by another meets it.
    "meson": 'mkdir "$2" && mkdir "$2/busy" && sleep 1 && rmdir "$2/busy" && touch "$2/build.ninja"',
    "ninja": ":",
}


def test_two_builds_at_once(tmp_path):
    """The second waits for the first."""
    (tmp_path / "bin").mkdir()
    for name, text in STUBS.items():
        (tmp_path / "bin" / name).write_text("#!/bin/sh\n%s\n" % text)
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "meson.build").write_text("])\n")
    shutil.copy(DEV, tmp_path / "dev")
    both = [subprocess.Popen([tmp_path / "dev", "build"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             env={"PATH": "%s:/usr/bin:/bin" % (tmp_path / "bin")}) for _ in range(2)]
    for ran in both:
        said = ran.communicate(timeout=60)
        assert ran.returncode == 0, said
