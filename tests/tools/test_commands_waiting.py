"""Programs that the tools start are told that threads which wait should sleep."""

import subprocess
import sys

from tools import __main__ as tools


def test_programs_that_tools_start_are_told_before_they_load_torch(monkeypatch, capfd):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    code = "import os; print(os.environ['OMP_WAIT_POLICY'])"
    monkeypatch.setattr(tools, "COMMANDS", {"trial": tools.Command("this", None, "")})
    monkeypatch.setattr(tools.sys, "executable", sys.executable)
    call = subprocess.run

    def run(_, **options):
        return call([sys.executable, "-c", code], **options)

    monkeypatch.setattr(tools.subprocess, "run", run)
    assert tools.main(["trial"]) == 0
    assert capfd.readouterr().out == "passive\n"
