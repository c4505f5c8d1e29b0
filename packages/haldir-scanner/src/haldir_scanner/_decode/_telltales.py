"""Words that make a decoded text worth a look where anything at all decodes to some text."""

import re

_TELLTALE = re.compile(
    rb"(?i)(?<![a-z])(?:curl|wget|https?://|(?:ba|z|da|k)?sh (?:-[a-z]|<|/|\./|[\w./-]+\.sh\b)|\|\s?(?:ba|z)?sh\b"
    rb"|/bin/(?:ba|z)?sh|/dev/tcp"
    rb"|sudo|(?:eval|exec|system|popen|spawn|compile|require|fetch|urlopen|loads)(?:sync)?\s?\(|__import__"
    rb"|import (?:os|sys|re"
    rb"|base64|socket|subprocess|requests|urllib)|subprocess|child_process|powershell|invoke-|iex|base64|python3?\s"
    rb"|node -e|chmod|rm -rf|ignore (?:all|any|the|your|previous|prior|every)|previous|instructions?"
    rb"|passwords?|secrets?|credentials?|api[_ -]?keys?|tokens?|\.ssh|\.env|id_rsa|/etc/passwd|process\.env|environ"
    rb"|<script|javascript:|crontab|nc -)(?![a-z])"
)
# The part of these that has no business in a web address.
_COMMAND = re.compile(
    rb"(?i)\b(?:curl|wget)\s|\|\s?(?:ba|z|da)?sh\b|/bin/(?:ba|z)?sh|\b(?:eval|exec|system|popen)\s?\(|;\s?(?:curl|rm|sh|cat)\s"
    rb"|<script|javascript:|powershell|ignore (?:all|any|the|your|previous|prior)|\$\(|import os"
)


def has_telltale(data: bytes) -> bool:
    """Whether ``data`` has a word of commands, of programs or of orders to an agent."""
    return _TELLTALE.search(data) is not None


def has_command(data: bytes) -> bool:
    """Whether ``data`` has something that is run, and not only a word that names such a thing."""
    return _COMMAND.search(data) is not None
