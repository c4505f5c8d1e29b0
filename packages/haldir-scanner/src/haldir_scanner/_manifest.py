"""What the dependencies of a ``package.json`` say."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

# Source: the names that npm users install most; a dependency one slip away from one of them is probably meant to be it.
_POPULAR = frozenset(
    """
    angular async axios babel-core body-parser bluebird chalk cheerio chokidar colors commander cookie-parser cross-env
    dotenv electron esbuild eslint ethers express fastify firebase inquirer jquery jsonwebtoken lodash minimist moment
    mongodb mongoose morgan multer mysql2 nodemailer nodemon openai passport playwright prettier puppeteer react-dom
    react-router redux request rimraf rollup sequelize socket.io stripe styled-components tailwindcss typescript
    underscore undici uuid vite webpack winston yargs zod
    """.split(),  # noqa: SIM905 - a list of 60 literals is harder to read
)
# Real packages that are one slip away from a popular one.
_REAL = frozenset({"color", "colord", "ether", "expresso", "requests"})
_SHORTEST_MISTAKABLE = 5
# Source: the npm documentation of package.json, field "name".
_LONGEST_NAME = 214
_NATIVE = frozenset(
    {"bindings", "cmake-js", "ffi-napi", "nan", "node-addon-api", "node-gyp", "node-pre-gyp", "prebuild-install"},
)
_TABLES = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
_UNPINNED = re.compile(r"(?:\*|x|latest|next|>=?\s*[\d.]+)?", re.IGNORECASE)
_GIT = re.compile(r"git(?:\+\w+)?:|git@|(?:github|gitlab|bitbucket|gist):|[\w.-]+/[\w.-]+(?:#.*)?$")
_PROTOCOL = re.compile(r"https?:|file:(?:\.\./|/|~)|link:(?:\.\./|/|~)", re.IGNORECASE)


def manifest_hits(data: bytes) -> Iterator[tuple[str, int, int]]:
    """Rule id, begin and end in ``data`` of each dependency that deserves a look."""
    try:
        # Node reads integers of any length; as floats, Python does too.
        manifest = json.loads(data.decode("utf-8-sig"), parse_int=float)
    except (ValueError, RecursionError):
        yield "manifest_unreadable", 0, 0
        return
    if not isinstance(manifest, dict):
        return
    for name, version in _dependencies(manifest):
        for rule in _rules(name, version.strip()):
            begin = max(data.find(json.dumps(name, ensure_ascii=False).encode("utf-8", "replace")), 0)
            end = data.find(b"\n", begin)
            yield rule, begin, len(data) if end < 0 else end
    if manifest.get("gypfile") is True:
        begin = max(data.find(b'"gypfile"'), 0)
        yield "manifest_native_addon", begin, begin + len(b'"gypfile"')


def _dependencies(manifest: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for table in _TABLES:
        entries = manifest.get(table)
        if isinstance(entries, dict):
            # A version that is no text (a number, null) pins nothing.
            yield from ((name, version if isinstance(version, str) else "") for name, version in entries.items())


def _rules(name: str, version: str) -> Iterator[str]:
    if _UNPINNED.fullmatch(version):
        yield "manifest_unpinned_deps"
    if _GIT.match(version):
        yield "manifest_git_url_dep"
    if _PROTOCOL.match(version):
        yield "manifest_protocol_dep"
    if name in _NATIVE:
        yield "manifest_native_addon"
    if _is_mistakable(name):
        yield "manifest_typosquat"


def _is_mistakable(name: str) -> bool:
    if name in _POPULAR or name in _REAL or not _SHORTEST_MISTAKABLE <= len(name) <= _LONGEST_NAME:
        return False
    near = {popular for shortened in _shortened(name) for popular in _popular_by_shortened().get(shortened, ())}
    return any(_is_one_slip(name, popular) for popular in near)


@cache
def _popular_by_shortened() -> Mapping[str, Sequence[str]]:
    table: dict[str, list[str]] = {}
    for popular in _POPULAR:
        for shortened in _shortened(popular):
            table.setdefault(shortened, []).append(popular)
    return table


def _shortened(name: str) -> list[str]:
    """The name, and the name without each of its letters; names one slip apart have one of these in common."""
    return [name, *(name[:i] + name[i + 1 :] for i in range(len(name)))]


def _is_one_slip(name: str, popular: str) -> bool:
    """Whether one letter was added, left out, changed, or exchanged with its neighbour."""
    same = next(
        (i for i, (a, b) in enumerate(zip(name, popular, strict=False)) if a != b), min(len(name), len(popular))
    )
    mine, theirs = name[same:], popular[same:]
    return (
        mine[1:] == theirs
        or mine == theirs[1:]
        or mine[1:] == theirs[1:]
        or (mine[:2] == theirs[:2][::-1] and mine[2:] == theirs[2:])
    )
