"""Ctrl-C is heard in every test, also where the shell that started the tests was told to ignore it."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # of a command that a shell put into the background
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN:
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
