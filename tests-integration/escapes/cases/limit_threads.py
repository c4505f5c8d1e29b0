"""One process has many times more threads than processes are allowed."""

import threading

from attack import escaped, held, tries

with tries():
    over = threading.Event()
    threading.stack_size(65536)
    threads = [threading.Thread(target=over.wait, daemon=True) for _ in range(1500)]
    try:
        for thread in threads:
            thread.start()
    except RuntimeError as error:
        held(error)
    else:
        escaped("1500 threads")
