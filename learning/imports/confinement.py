"""Shuts this process in, before it reads a file that may do anything.

Where the system lets it (Linux, by root or with user namespaces), the process gets
a file system of its own with nothing but Python and this code, read-only; no network; processes of
its own, which end with it; and no rights. Elsewhere there are limits only, and
root becomes nobody. It returns in the process that is shut in.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

NOBODY = 65534
# Bytes of memory, and of all that it may write.
MEMORY = 8 << 30
DISK = 512 << 20
SECONDS = 600
FILES = 256
PROCESSES = 512

_NEWNS, _NEWUSER, _NEWPID = 0x00020000, 0x10000000, 0x20000000
_NEWNET, _NEWIPC, _NEWUTS = 0x40000000, 0x08000000, 0x04000000
_BIND, _REC, _PRIVATE = 4096, 16384, 1 << 18
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT = 1, 2, 4, 8, 32
_DETACH = 2
_PDEATHSIG, _NO_NEW_PRIVS, _CAPBSET_DROP, _DUMPABLE = 1, 38, 24, 4
_CAPSET_VERSION = 0x20080522
# sys.path's own, and where shared libraries and the programs' data are.
_SYSTEM = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/app/.heroku", "/app/.apt")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")


def confine(code: tuple[Path, ...], work: Path) -> str:
    """Shut this process in; return how: `namespaces`, `user` or `limits`.

    `code` may be read, beside Python itself; `work` may be written, and is where
    the process then is. What the system refuses is left out.
    """
    root = os.geteuid() == 0
    alone = _alone(root, code, work)
    os.chdir(work)
    if root:
        os.chown(work, NOBODY, NOBODY)
    _limit()
    # A limit on a user's processes counts all of that user: only nobody here has none else.
    if root:
        resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES, PROCESSES))
    _give_up_rights(root)
    return "namespaces" if alone else "user" if root else "limits"


def _alone(root: bool, code: tuple[Path, ...], work: Path) -> bool:
    """Enter namespaces of its own; the process that called waits, and ends with its child."""
    user, group = os.geteuid(), os.getegid()
    wanted = _NEWNS | _NEWPID | _NEWNET | _NEWIPC | _NEWUTS | (0 if root else _NEWUSER)
    libc = _libc()
    if libc is None or libc.unshare(wanted) != 0:
        return False
    if not root:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    child = os.fork()
    if child:
        _wait(child)
    libc.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    bare = _is_bare(libc, code, work)
    # The first process of the namespace reads nothing: with it all others end, whatever they do.
    reader = os.fork()
    if reader:
        _wait(reader)
    return bare


def _is_bare(libc: ctypes.CDLL, code: tuple[Path, ...], work: Path) -> bool:
    """Make and enter the bare file system; tell whether the system let it."""
    try:
        _bare_root(libc, code, work)
    except OSError:
        return False
    return True


def _wait(child: int) -> None:
    _, status = os.waitpid(child, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _bare_root(libc: ctypes.CDLL, code: tuple[Path, ...], work: Path) -> None:
    """Make a file system that holds what is needed, and nothing else; enter it."""
    _mount(libc, "none", "/", None, _REC | _PRIVATE)
    new = work / "root"
    new.mkdir()
    _mount(libc, "tmpfs", str(new), "tmpfs", _NOSUID | _NODEV, f"size={DISK},mode=755")
    for path in _needed(code):
        _show(libc, path, new)
    for device in _DEVICES:
        _show(libc, Path(device), new, writable=True)
    _show(libc, work, new, writable=True)
    (new / "proc").mkdir()
    _mount(libc, "proc", str(new / "proc"), "proc", _NOSUID | _NODEV | _NOEXEC)
    os.chdir(new)
    # The new root over the old one, which then goes (pivot_root(2), "pivot_root(".", ".")").
    if libc.syscall(_PIVOT_ROOT[os.uname().machine], b".", b".") != 0:
        raise OSError(ctypes.get_errno(), "pivot_root")
    libc.umount2(b".", _DETACH)
    _mount(libc, "none", "/", None, _REMOUNT | _RDONLY | _BIND | _NOSUID | _NODEV)


_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}


def _needed(code: tuple[Path, ...]) -> list[Path]:
    """Return what is to be seen, the shortest paths first, none inside another."""
    prefixes = [sys.prefix, sys.base_prefix, sys.exec_prefix, os.path.dirname(sys.executable)]
    prefixes += [os.path.realpath(prefix) for prefix in prefixes]
    python = [p for p in prefixes if p not in ("/", "/usr")]
    packages = [p for p in sys.path if p and p not in ("/",) and "-packages" in p]
    found = {Path(p) for p in (*_SYSTEM, *python, *packages)} | set(code)
    chosen: list[Path] = []
    for path in sorted((p for p in found if p.exists()), key=lambda p: len(p.parts)):
        if not any(path.is_relative_to(other) for other in chosen):
            chosen.append(path)
    return chosen


def _show(libc: ctypes.CDLL, path: Path, new: Path, writable: bool = False) -> None:
    """Bind a file or a folder to the same path under the new root."""
    at = Path(str(new) + str(path))
    at.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        at.mkdir(exist_ok=True)
    else:
        at.touch()
    # What is mounted below is left out: it is none of Python's.
    _mount(libc, str(path), str(at), None, _BIND)
    if not writable:
        _mount(libc, "none", str(at), None, _REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV)


def _mount(
    libc: ctypes.CDLL, source: str, at: str, kind: str | None, flags: int, data: str = ""
) -> None:
    made = libc.mount(
        source.encode(), at.encode(), kind.encode() if kind else None, flags, data.encode()
    )
    if made != 0:
        raise OSError(ctypes.get_errno(), f"mount {kind or 'bind'}")


def _limit() -> None:
    limits = {
        resource.RLIMIT_AS: MEMORY,
        resource.RLIMIT_FSIZE: DISK,
        resource.RLIMIT_CPU: SECONDS,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: FILES,
    }
    for kind, wanted in limits.items():
        _, most = resource.getrlimit(kind)
        value = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(kind, (value, value))


def _give_up_rights(root: bool) -> None:
    """Keep no capability, get none by a program, and be nobody instead of root."""
    libc = _libc()
    if libc is not None:
        for capability in range(64):
            libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0)
    if root:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    if libc is None:
        return
    header = (ctypes.c_uint32 * 2)(_CAPSET_VERSION, 0)
    libc.capset(header, (ctypes.c_uint32 * 6)())
    libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    # A change of user took these away.
    libc.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_DUMPABLE, 0, 0, 0, 0)


def _libc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
