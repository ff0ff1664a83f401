"""Runs a command on a pseudo-terminal: in-terminal.py STEPS COMMAND...

STEPS is JSON: pairs of a text to wait for and a text to type then. Prints JSON: the exit status (minus the signal
that ended it), what the terminal showed, and whether its settings were the same before and after.
"""
import json
import os
import pty
import select
import sys
import termios
import time

steps = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
before = termios.tcgetattr(terminal)
shown = b""
searched = 0
deadline = time.monotonic() + 20
while time.monotonic() < deadline:
    readable, _, _ = select.select([terminal], [], [], 0.1)
    if readable:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:
            break
        if not chunk:
            break
        shown += chunk
    if steps:
        found = shown.find(steps[0][0].encode(), searched)
        if found >= 0:
            searched = found + len(steps[0][0])
            os.write(terminal, steps.pop(0)[1].encode())
    elif not readable and os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        break
try:
    after = termios.tcgetattr(terminal)
except termios.error:
    after = before
_, status = os.waitpid(pid, 0)
print(json.dumps({
    "status": os.waitstatus_to_exitcode(status),
    "shown": shown.decode(errors="replace"),
    "isRestored": before == after,
    "isDone": not steps,
}))
