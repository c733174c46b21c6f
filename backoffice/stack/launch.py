"""Becomes another program that dies with the process that started it; run as a script, standard library only.

    python -I -S launch.py DEATH_SIGNAL PARENT_PID USER|- PROGRAM [ARGUMENT…]

It exists because code between fork and exec is unsafe in a process with threads. Only Linux can tie
a child's life to its parent's; elsewhere the child outlives a parent that is killed with SIGKILL.
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Drop to the user, bind to the parent, and replace this process by the program."""
    death_signal, parent, user, program, *rest = arguments
    if user != "-":
        become(user)
    if sys.platform == "linux":
        die_with(int(parent), int(death_signal))
    try:
        os.execv(program, [program, *rest])  # noqa: S606  # replacing this process is its whole purpose
    except OSError as problem:
        sys.exit(f"{program} cannot be run: {problem.strerror}")


def become(user: str) -> None:
    """Give up root for the named system user, for good."""
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def die_with(parent: int, death_signal: int) -> None:
    """Ask the kernel for `death_signal` when the parent goes; leave at once if it has gone already.

    After `become`, because a change of user clears the request.
    """
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the process that asked for this program has ended")


if __name__ == "__main__":
    main(sys.argv[1:])
