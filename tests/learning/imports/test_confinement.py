"""Without namespaces there are limits, and root is nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from learning.imports import confinement

# Confines itself where no namespace is to be had, and says what is left to it.
LEFT = """
import json, os, resource, sys
from pathlib import Path
from learning.imports import confinement
confinement._libc = lambda: None
how = confinement.confine((), Path(sys.argv[1]))
print(json.dumps([how, os.geteuid(), resource.getrlimit(resource.RLIMIT_FSIZE)[1], os.getcwd()]))
"""


def test_where_there_are_no_namespaces_limits_hold(tmp_path: Path) -> None:
    root = os.geteuid() == 0
    command = [sys.executable, "-c", LEFT, str(tmp_path)]
    how, user, most, where = json.loads(subprocess.check_output(command))
    assert (how, user) == (("user", 65534) if root else ("limits", os.geteuid()))
    assert most == 512 << 20
    assert where == str(tmp_path)


def test_what_is_to_be_seen_is_python_and_the_code(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    seen = confinement._needed((tmp_path, inside))
    assert tmp_path in seen
    assert inside not in seen
    assert not any(Path.cwd() == path or path == Path("/") for path in seen)
