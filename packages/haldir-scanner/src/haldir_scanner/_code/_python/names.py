"""The names that matter: what they are called in full, and which of them run what they are given."""

from collections.abc import Mapping

# Other names of the same thing.
_SAME: Mapping[str, str] = {
    "_io.open": "builtins.open",
    "codecs.open": "builtins.open",
    "commands.getoutput": "subprocess.getoutput",
    "io.open": "builtins.open",
    "nt.system": "os.system",
    "os.popen2": "os.popen",
    "os.popen3": "os.popen",
    "platform.popen": "os.popen",
    "posix.system": "os.system",
    "posix.popen": "os.popen",
    "sys.modules": "sys.modules.__dict__",
    "requests.session": "requests.Session",
    "requests.sessions.Session": "requests.Session",
    "urllib.urlencode": "urllib.parse.urlencode",
    "urllib.quote": "urllib.parse.quote",
    "urllib.unquote": "urllib.parse.unquote",
    "urllib.urlopen": "urllib.request.urlopen",
    "urllib.urlretrieve": "urllib.request.urlretrieve",
    "urllib2.Request": "urllib.request.Request",
    "urllib2.urlopen": "urllib.request.urlopen",
    "aiofiles.open": "builtins.open",
    "builtins.file": "builtins.open",
    "builtins.execfile": "runpy.run_path",
    "builtins.raw_input": "builtins.input",
    "builtins.unichr": "builtins.chr",
    "pathlib.PosixPath": "pathlib.Path",
    "pathlib.PurePath": "pathlib.Path",
    "pathlib.PurePosixPath": "pathlib.Path",
    "pathlib.WindowsPath": "pathlib.Path",
    "ntpath.join": "os.path.join",
    "posixpath.join": "os.path.join",
    "posixpath.expanduser": "os.path.expanduser",
}
_SAME_MODULES: Mapping[str, str] = {
    "__builtin__": "builtins",
    "__builtins__": "builtins",
    "httplib": "http.client",
    "subprocess32": "subprocess",
    "curl_cffi.requests": "requests",
    "cloudscraper": "requests",
}

_BUILTINS = """
    __builtins__ __import__ abs all any ascii bool bytearray bytes chr compile dict enumerate eval exec execfile file
    filter float format frozenset getattr globals hasattr hash hex id input int isinstance iter len list locals map max
    memoryview min next object open ord print range raw_input repr reversed set setattr sorted str sum tuple type
    unichr vars zip
"""
BUILTINS = frozenset(_BUILTINS.split())

CODE_RUNNERS = frozenset({"builtins.exec", "builtins.eval", "builtins.compile"})
SHELL_RUNNERS = frozenset(
    {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "asyncio.create_subprocess_shell"}
)
PROCESS_RUNNERS = frozenset(f"subprocess.{name}" for name in ("run", "call", "check_call", "check_output", "Popen"))
# These take the program and its arguments one by one; spawn takes a mode before them.
VARIADIC_RUNNERS = frozenset(
    {"asyncio.create_subprocess_exec", "pty.spawn", "pexpect.spawn"}
    | {f"os.exec{suffix}" for suffix in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")}
    | {f"os.posix_spawn{suffix}" for suffix in ("", "p")}
)
SPAWNERS = frozenset(f"os.spawn{suffix}" for suffix in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe"))
FILE_RUNNERS = frozenset({"runpy.run_path", "os.startfile"})
UNMARSHALLERS = frozenset({"marshal.loads"})
UNPICKLERS = frozenset({"pickle.loads", "_pickle.loads", "cPickle.loads", "dill.loads", "cloudpickle.loads"})

RUNNERS = CODE_RUNNERS | SHELL_RUNNERS | PROCESS_RUNNERS | VARIADIC_RUNNERS | SPAWNERS | FILE_RUNNERS
# Nobody needs a detour to these, not even one that shows their name.
PLAINLY_DANGEROUS = frozenset({"builtins.exec", "builtins.eval", "builtins.compile", "os.system", "os.popen"})
# A member of these that is chosen at run time can be anything at all.
POWERFUL_MODULES = frozenset({"builtins", "os", "subprocess", "importlib", "ctypes", "posix", "nt"})
STAR_MODULES = frozenset({"os", "subprocess", "builtins", "base64", "requests", "socket", "urllib.request", "pathlib"})

SHELLS = frozenset(
    {"bash", "cmd", "cmd.exe", "dash", "fish", "ksh", "powershell", "powershell.exe", "pwsh", "sh", "zsh"}
)
INTERPRETERS = SHELLS | {
    *("bun", "deno", "node", "osascript", "perl", "php", "ruby"),
    *("python", "python.exe", "python2", "python3"),
}


def canonical(name: str) -> str:
    """The one name of a thing that has several."""
    same = _SAME.get(name)
    if same is not None:
        return same
    module, dot, member = name.rpartition(".")
    if module in _SAME_MODULES:
        return f"{_SAME_MODULES[module]}{dot}{member}"
    return _SAME_MODULES.get(name, name)
