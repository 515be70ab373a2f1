"""./dev and words that it does not know: told at once, before anything is installed or built."""
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
