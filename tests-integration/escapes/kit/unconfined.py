"""The runner of the control run: it speaks the protocol of the real ones, and confines nothing."""

import contextlib
import json
import os
import signal
import subprocess
import sys

GRACE_SECONDS = 0.5


def main(arguments: list[str]) -> int:
    """Run the command in the folder; ask it to end at the time limit, and believe that it does."""
    split = arguments.index("--")
    folder, *options = arguments[:split]
    settings = dict(zip(options[::2], options[1::2], strict=True))
    limits = json.loads(settings["--limits"])
    process = subprocess.Popen(arguments[split + 1 :], cwd=folder, close_fds=False, shell=False)
    try:
        code = process.wait(limits["timeout_seconds"])
    except subprocess.TimeoutExpired:
        process.terminate()
        code = 124
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
    except KeyboardInterrupt:
        code = 130
    if code < 0:
        code = 128 - code
    report = {"violations": [], "level": "none", "enforced": {}, "exit_code": code}
    with open(settings["--report"] + ".new", "w", encoding="utf-8") as file:
        json.dump(report, file)
    os.replace(settings["--report"] + ".new", settings["--report"])
    return code


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.stdout.flush()
    os._exit(main(sys.argv[1:]))
