"""What the language and its modules provide, by canonical names."""

from __future__ import annotations

# Names of the global object.
GLOBAL_OBJECTS = frozenset({"globalThis", "window", "global", "self", "top", "frames"})

# Names of the global object's properties that matter here.
_GLOBALS = """
    Array Buffer Bun Deno Function JSON Math Number Object Promise Reflect String TextDecoder URLSearchParams
    Uint8Array WebSocket Worker XMLHttpRequest alert atob await btoa decodeURI decodeURIComponent encodeURI
    encodeURIComponent escape eval fetch importScripts module navigator parseInt process prompt require setImmediate
    setInterval setTimeout unescape
"""
GLOBALS = frozenset(_GLOBALS.split())

# Another way to the same thing.
_SAME = {
    "Deno.env.toObject": "process.env.toObject",
    "Function.prototype.constructor": "Function",
    "module.constructor._load": "require",
    "module.require": "require",
    "process.mainModule.require": "require",
    "process.mainModule.constructor._load": "require",
    "process.binding": "process.binding",
    "require.main.require": "require",
    "module.createRequire()": "require",
    "fs-extra": "fs",
    "fs.promises": "fs",
    "fs/promises": "fs",
    "graceful-fs": "fs",
    "node-fetch": "fetch",
    "cross-fetch": "fetch",
    "node-fetch.default": "fetch",
    "undici.fetch": "fetch",
    "os.default": "os",
    "axios.default": "axios",
    "axios.create()": "axios",
    "got.default": "got",
    "got.extend()": "got",
    "dns/promises": "dns",
    "dns.promises": "dns",
    "timers/promises.setTimeout": "delay",
    "shelljs.exec": "child_process.exec",
    "execa.execa": "execa",
    "execa.default": "execa",
    "execa.execaSync": "execa",
    "execa.execaCommand": "child_process.exec",
    "execa.command": "child_process.exec",
    "execa.execaCommandSync": "child_process.exec",
    "zx.$": "child_process.exec",
    "cross-spawn": "child_process.spawn",
    "cross-spawn.sync": "child_process.spawn",
    "vm2.VM()": "vm.Script()",
    "ws": "WebSocket",
    "WebSocket.default": "WebSocket",
    "WebSocket.WebSocket": "WebSocket",
}
# Modules of which the default export is the module.
_WITH_DEFAULT_WORDS = """
    axios buffer child_process dns fs got http https net os path process request superagent tls undici util vm zlib
"""
_WITH_DEFAULT = frozenset(_WITH_DEFAULT_WORDS.split())

# What runs code, or gives something that does: nobody has a reason to write its name in pieces.
_RUNNERS = """
    Function child_process child_process.exec child_process.execSync child_process.execFile child_process.execFileSync
    child_process.fork child_process.spawn child_process.spawnSync eval process.binding require vm vm.Script
    vm.compileFunction vm.runInContext vm.runInNewContext vm.runInThisContext
"""
RUNNERS = frozenset(_RUNNERS.split())


def module(name: str) -> str:
    """The canonical name of a module."""
    name = name.removeprefix("node:")
    return _SAME.get(name, name)


def member(name: str, key: str) -> str:
    """The canonical name of a property of something that has one."""
    if name == "globalThis":
        return key if key in GLOBALS else "globalThis" if key in GLOBAL_OBJECTS else ""
    if key == "default" and name in _WITH_DEFAULT:
        return name
    if key == "constructor" and name.startswith("ctor:"):
        return "Function"
    full = f"{name}.{key}"
    return _SAME.get(full, full) if len(full) < 120 else ""


def result(name: str) -> str:
    """The canonical name of what a call of ``name`` gives."""
    full = name + "()"
    return _SAME.get(full, full) if len(full) < 120 else ""
