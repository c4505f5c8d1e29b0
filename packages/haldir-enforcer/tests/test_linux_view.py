"""The tree of folders that the confined processes see, looked at from outside of it."""

import subprocess
import sys

PROGRAM = """
import ctypes, os, signal
from haldir_enforcer._linux import _child, _kernel
from haldir_enforcer._linux._view import View

BIND = 4096
user, group = os.getuid(), os.getgid()
ready_read, ready = os.pipe()
child = _kernel.fork_into(_child._CLONE_ALL)
if not child:
    _child._map(user, group)
    source, target = ctypes.create_string_buffer(b"/usr"), ctypes.create_string_buffer(b"/srv")
    _kernel.call("mount", ctypes.addressof(source), ctypes.addressof(target), 0, BIND, 0)
    os.write(ready, b"r")
    signal.pause()
os.close(ready)
os.read(ready_read, 1)
view = View()
view.enter(child)
before = view.find("/srv/lib", follow=True).real
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
print(before, view.find("/srv/lib", follow=True).real)
"""


def test_a_path_stays_the_same_when_the_last_process_that_sees_it_is_killed() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.stdout == "/srv/lib /srv/lib\n", done.stderr
