"""Packages that run something when they are installed."""

from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._found import about
from haldir_auditor._words import named
from haldir_auditor.issues import Check, Issue, Severity

CHECK = Check(
    id="transitive-hook",
    category="install",
    severity=Severity.MEDIUM,
    title="A package runs a command when it is installed",
    explanation=(
        "Most malicious packages do their work in an install script. The lock file says which packages have one "
        "(hasInstallScript, requiresBuild). Widely used packages that fetch or build native code this way, and "
        "packages for development or on other platforms, weigh low."
    ),
    remedy="Install with --ignore-scripts, or allow scripts for the packages that need them only.",
)

_USUAL = frozenset(
    {
        "@parcel/watcher", "@prisma/client", "@prisma/engines", "@sentry/cli", "@swc/core", "argon2", "bcrypt",
        "better-sqlite3", "bufferutil", "canvas", "core-js", "core-js-pure", "cpu-features", "cypress", "electron",
        "esbuild", "ffmpeg-static", "fsevents", "keytar", "leveldown", "msgpackr-extract", "msw", "nan", "nodegit",
        "node-pty", "node-sass", "nx", "onnxruntime-node", "phantomjs-prebuilt", "playwright", "playwright-chromium",
        "prisma", "protobufjs", "puppeteer", "re2", "robotjs", "serialport", "sharp", "sqlite3", "ssh2", "tree-sitter",
        "unrs-resolver", "usb", "utf-8-validate", "workerd", "zeromq",
    }
)  # fmt: skip
"""Widely used packages of npm that have had such a script for years."""


def find(case: Case) -> Iterator[Issue]:
    """Yield every locked package with an install script."""
    for _, package in case.locked():
        if package.install_script:
            is_usual = package.name in _USUAL or package.development or package.optional
            severity = Severity.LOW if is_usual else CHECK.severity
            yield about(CHECK, package, f"{named(package)} runs a script when it is installed", severity)
