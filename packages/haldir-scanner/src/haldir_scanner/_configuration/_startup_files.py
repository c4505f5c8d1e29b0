"""Files that make a computer start something: units, launch agents, desktop entries and crontabs."""

import html
import re
from collections.abc import Iterator

from haldir_scanner._configuration._places import found, place_of
from haldir_scanner._files._filetypes import FileType
from haldir_scanner._text import Folded, Seen

_SHELL = frozenset({FileType.SHELL})
# Source: systemd.service(5); the prefixes change how, not what is run.
_UNIT_COMMAND = re.compile(
    rb"^Exec(?:Start|Stop|Reload|Condition)(?:Pre|Post)?[ \t]{0,9}="
    rb"[ \t]{0,9}[-@:+!|]{0,4}([^\n]{1,4000})",
    re.MULTILINE,
)
_INSTALLED = re.compile(rb"^\[(?:Install|Timer)\]", re.MULTILINE)
_DESKTOP_COMMAND = re.compile(rb"^Exec[ \t]{0,9}=[ \t]{0,9}([^\n]{1,4000})", re.MULTILINE)
_DESKTOP_START = re.compile(rb"^(X-GNOME-Autostart[^\n]{0,100}|X-KDE-autostart[^\n]{0,100})", re.MULTILINE)
# Source: launchd.plist(5).
_LAUNCHED = re.compile(
    rb"<key>\s{0,9}(RunAtLoad|KeepAlive|StartInterval|StartCalendarInterval|WatchPaths)\s{0,9}</key>"
)
_PLIST_STRING = re.compile(rb"<string>([^<]{0,4000})</string>")
# Source: crontab(5).
_CRON_LINE = re.compile(
    rb"^(?:@(?:reboot|hourly|daily|weekly|monthly|yearly|annually|midnight)"
    rb"|(?:[\d*][\d*,/-]{0,40}[ \t]{1,9}){3}[\d*A-Za-z,/-]{1,40}[ \t]{1,9}[\d*A-Za-z,/-]{1,40})"
    rb"[ \t]{1,9}([^\n]{1,4000})",
    re.MULTILINE,
)


def unit(data: bytes) -> Iterator[Seen | Folded]:
    """A service or timer of systemd."""
    for _, place in found(_INSTALLED, data):
        yield Seen("autostart_file", place)
    yield from _commands(_UNIT_COMMAND, data)


def launch_agent(data: bytes) -> Iterator[Seen | Folded]:
    """A launch agent of macOS; other property lists start nothing."""
    start = _LAUNCHED.search(data)
    begin = data.find(b"<key>Program")
    if start is None or begin < 0:
        return
    yield Seen("autostart_file", place_of(data, *start.span(1)))
    end = data.find(b"</array>", begin)
    words = [
        word.decode("utf-8", "replace") for word in _PLIST_STRING.findall(data, begin, len(data) if end < 0 else end)
    ]
    yield Folded(html.unescape(" ".join(words)), place_of(data, begin, begin + 80), _SHELL, ("command",))


def desktop_entry(data: bytes) -> Iterator[Seen | Folded]:
    """A program of a desktop; only some are started at login."""
    yield from (Seen("autostart_file", place) for _, place in found(_DESKTOP_START, data))
    yield from _commands(_DESKTOP_COMMAND, data)


def crontab(data: bytes) -> Iterator[Seen | Folded]:
    """A table of commands and the times at which they are run."""
    yield from (Seen("autostart_file", place) for _, place in found(_CRON_LINE, data))
    yield from _commands(_CRON_LINE, data)


def _commands(pattern: re.Pattern[bytes], data: bytes) -> Iterator[Folded]:
    for command, place in found(pattern, data):
        yield Folded(command[1].decode("utf-8", "replace").strip(), place, _SHELL, ("command",))
