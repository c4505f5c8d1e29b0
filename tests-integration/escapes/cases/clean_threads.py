"""It works with threads, children, pipes, pairs of sockets and signals of its own."""

import os
import signal
import socket
import threading

threads = [threading.Thread(target=sum, args=([1],)) for _ in range(20)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
near, far = socket.socketpair()
pid = os.fork()
if pid == 0:
    near.sendall(b"x")
    signal.pause()
assert far.recv(1) == b"x"
os.kill(pid, signal.SIGTERM)
os.waitpid(pid, 0)
signal.signal(signal.SIGUSR1, lambda *_: None)
os.kill(os.getpid(), signal.SIGUSR1)
print("DONE")
