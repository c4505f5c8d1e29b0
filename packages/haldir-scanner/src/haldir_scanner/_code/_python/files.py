"""Calls that read, list and write files, and those that put their paths together."""

import ast
from collections.abc import Mapping, Sequence
from functools import partial

from attrs import evolve

from haldir_scanner._code._python import sinks
from haldir_scanner._code._python.binding import absorb
from haldir_scanner._code._python.call import Call, CallHandler
from haldir_scanner._code._python.paths import (
    content_kind,
    is_agent_file,
    is_memory_file,
    is_personal_folder,
    is_specific,
)
from haldir_scanner._code._python.run import Run
from haldir_scanner._code._python.value import HOLE, Kind, Taint, Value, content_taints, merge, tainted, text_of, union

_SECRETS = frozenset({Kind.PRIVATE_FILE, Kind.LOGIN_FILE})
# What makes a file that the program writes one that it should not run.
_KEPT = frozenset({Kind.FETCHED, Kind.DECODED, Kind.UNPACKED})
_ARCHIVES = {"zip": ".zip", "tar": ".tar", "gztar": ".tar.gz", "bztar": ".tar.bz2", "xztar": ".tar.xz"}
_FILE = "open()"
_PATH = "pathlib.Path()"


def _open(run: Run, call: Call) -> Value | None:
    """An open file; of what is written there, the path is remembered."""
    receiver = call.receiver
    is_path = receiver is not None and receiver.name == _PATH
    path = receiver if is_path else call.arguments.get(0, "file")
    mode = text_of(call.arguments.get(0 if is_path else 1, "mode"))
    if any(letter in mode for letter in "wax"):
        return Value(name=_FILE, partial="" if path is None else path.text)
    taints = merge(_content(path, call.node), _kept(run, path))
    return Value(name=_FILE, partial="" if path is None else path.text, taints=taints)


def _content(path: Value | None, node: ast.expr) -> tuple[Taint, ...]:
    """Where the content of a file comes from."""
    if path is None:
        return (Taint(Kind.CONTENT, "", (node,)),)
    taints = content_taints(path.taints) if path.taints else ()
    kind = (content_kind(path.text) if path.text else None) or Kind.CONTENT
    return merge(taints, (Taint(kind, "", (node,)),))


def _kept(run: Run, path: Value | None) -> tuple[Taint, ...]:
    """What this program has put into the file, of what no program sends away."""
    written = run.written.get(path.text, ()) if path is not None and is_specific(path.text) else ()
    return tuple(taint for taint in written if taint.kind in _SECRETS)


def _read_path(run: Run, call: Call) -> Value | None:
    return tainted(merge(_content(call.receiver, call.node), _kept(run, call.receiver)))


def _connect(_run: Run, call: Call) -> Value | None:
    """A database of a browser is a file with secrets too."""
    return tainted(_content(call.arguments.get(0, "database"), call.node))


def _copy(run: Run, call: Call) -> Value | None:
    """What is copied is what it was, wherever it is now."""
    origin, target = call.arguments.get(0, "src"), call.arguments.get(1, "dst")
    if origin is not None and target is not None and target.text:
        moved = merge(run.written.get(origin.text, ()), _secrets_of(run, origin, call.node))
        if moved:
            run.written[target.text] = moved
    return None


def _secrets_of(run: Run, path: Value | None, node: ast.expr) -> tuple[Taint, ...]:
    """What a file or folder holds, of what no program sends away."""
    found = merge(_content(path, node), _kept(run, path))
    return tuple(taint for taint in found if taint.kind in _SECRETS)


def _archive(_run: Run, call: Call) -> Value | None:
    """An archive is known by its path, or by the name of the buffer that it is written to."""
    target = call.arguments.get(0)
    into = call.node.args[0] if call.node.args else next((word.value for word in call.node.keywords), None)
    path = "" if target is None else target.text
    return Value(name=f"{call.name}()", partial=path, taints=union(call.arguments.all), origin=into)


def _pack(run: Run, call: Call) -> Value | None:
    """What is put into an archive is in it."""
    archive = call.receiver
    found = _secrets_of(run, call.arguments.get(0), call.node)
    if archive is None or not found:
        return None
    if archive.partial:
        run.written[archive.partial] = merge(run.written.get(archive.partial, ()), found)
    if archive.origin is not None:
        absorb(run, archive.origin, tainted(found), call.node)
    return None


def _packed_folder(run: Run, call: Call) -> Value | None:
    base, form = call.arguments.get(0, "base_name"), call.arguments.get(1, "format")
    path = text_of(base) + _ARCHIVES.get(text_of(form), "")
    found = _secrets_of(run, call.arguments.get(2, "root_dir"), call.node)
    if found and path != HOLE:
        run.written[path] = found
    return Value(partial=path)


def _write(run: Run, call: Call) -> Value | None:
    if call.receiver is not None:
        _into(run, call.receiver.text, call.arguments.get(0), call.node)
    return None


def _dump(run: Run, call: Call) -> Value | None:
    content, file = call.arguments.get(0), call.arguments.get(1, "fp")
    if file is not None and file.name == _FILE:
        _into(run, file.text, content, call.node)
    return tainted(union((content,)))


def _print(run: Run, call: Call) -> Value | None:
    file = call.arguments.keywords.get("file")
    if file is not None and file.name == _FILE:
        _into(run, file.text, tainted(union(call.arguments.positional)), call.node)
    return None


def _pour(run: Run, call: Call) -> Value | None:
    source, target = call.arguments.get(0, "fsrc"), call.arguments.get(1, "fdst")
    if target is not None and target.name == _FILE:
        _into(run, target.text, source, call.node)
    return None


def _into(run: Run, path: str, content: Value | None, node: ast.expr) -> None:
    if content is None or not content.taints or not path:
        return
    if is_memory_file(path):
        run.reach(sinks.INTO_MEMORY, content, node)
    elif is_agent_file(path):
        run.reach(sinks.INTO_AGENT_FILE, content, node)
    kept = tuple(taint for taint in content.taints if taint.kind in _KEPT)
    if kept:
        run.written[path] = merge(run.written.get(path, ()), kept)


def _walk(_run: Run, call: Call) -> Value | None:
    """The files below a folder, in particular if that is a person's own."""
    receiver = call.receiver
    folder = receiver if receiver is not None and receiver.name == _PATH else call.arguments.get(0, "top")
    if folder is None:
        return None
    kept = tuple(taint for taint in folder.taints if taint.kind in {Kind.WALKED, Kind.PARAMETER})
    if is_personal_folder(folder.text):
        kept = merge(kept, (Taint(Kind.WALKED, "", (call.node,)),))
    name = f"{call.name}()" if folder is receiver else ""
    return Value(name=name, partial="", taints=kept)


def _joined(run: Run, call: Call) -> Value | None:
    given = call.arguments.positional
    if not given:
        return Value(name=_PATH if call.name == "pathlib.Path" else "", partial=".")
    taints = union(given)
    first = given[0]
    if call.name == "pathlib.Path" and len(given) == 1:
        return Value(name=_PATH, partial="" if first is None else first.text, taints=taints)
    parts = [call.receiver, *given] if call.name.startswith(_PATH) else given
    return run.compute(call.node, partial(_path_of, parts), parts, "" if call.name == "os.path.join" else _PATH)


def _path_of(parts: Sequence[Value | None]) -> str:
    path = "/".join(text_of(part).rstrip("/") for part in parts)
    return path if path.strip(HOLE + "/") else ""


def _same_path(_run: Run, call: Call) -> Value | None:
    """The path itself: what is changed about it says nothing about the file."""
    if call.receiver is not None and call.receiver.name == _PATH:
        return call.receiver
    given = call.arguments.get(0)
    return None if given is None else evolve(given)


def _sibling(_run: Run, call: Call) -> Value | None:
    """Another file in the same folder."""
    folder = "" if call.receiver is None else call.receiver.text.rpartition("/")[0]
    name = text_of(call.arguments.get(0, "name"))
    return Value(name=_PATH, partial=f"{folder}/{name}" if folder else name, taints=union(call.arguments.positional))


def _home(_run: Run, _call: Call) -> Value | None:
    return Value(name=_PATH, partial="~")


def _content_of_file(_run: Run, call: Call) -> Value | None:
    """Lines or rows of an open file."""
    return tainted(union((call.receiver,)))


_PATH_METHODS: Mapping[str, CallHandler] = {
    "open": _open,
    "read_text": _read_path,
    "read_bytes": _read_path,
    "write_text": _write,
    "write_bytes": _write,
    "joinpath": _joined,
    "with_name": _sibling,
    **dict.fromkeys(("absolute", "expanduser", "resolve", "as_posix", "with_suffix"), _same_path),
    **dict.fromkeys(("glob", "rglob", "iterdir", "walk"), _walk),
}

HANDLERS: Mapping[str, CallHandler] = {
    **{f"{_PATH}.{name}": handler for name, handler in _PATH_METHODS.items()},
    **dict.fromkeys((f"{_FILE}.{name}" for name in ("read", "readline", "readlines")), _content_of_file),
    **dict.fromkeys((f"{_FILE}.{name}" for name in ("write", "writelines")), _write),
    **dict.fromkeys(("os.walk", "os.listdir", "os.scandir", "glob.glob", "glob.iglob"), _walk),
    **dict.fromkeys(("json.dump", "yaml.dump", "yaml.safe_dump", "toml.dump", "pickle.dump"), _dump),
    **dict.fromkeys(("os.path.expanduser", "os.path.expandvars", "os.path.abspath", "os.path.realpath"), _same_path),
    **dict.fromkeys(("os.path.normpath", "os.fspath"), _same_path),
    **dict.fromkeys(
        (
            "shutil.copy",
            "shutil.copy2",
            "shutil.copyfile",
            "shutil.copytree",
            "shutil.move",
            "os.rename",
            "os.replace",
        ),
        _copy,
    ),
    **dict.fromkeys(("zipfile.ZipFile", "tarfile.open"), _archive),
    **dict.fromkeys(("zipfile.ZipFile().write", "tarfile.open().add"), _pack),
    "shutil.make_archive": _packed_folder,
    "builtins.open": _open,
    "builtins.print": _print,
    "os.path.join": _joined,
    "pathlib.Path": _joined,
    "pathlib.Path.home": _home,
    "shutil.copyfileobj": _pour,
    "sqlite3.connect": _connect,
}
