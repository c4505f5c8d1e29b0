"""The settings of package managers: the indexes that they name, and the code that they have run."""

import re
from collections.abc import Iterator, Mapping

from attrs import evolve

from haldir_auditor._document import Document
from haldir_auditor._syntax.yamls import read_yaml
from haldir_auditor.supply import INSECURE, Ecosystem, Hook, Manifest, Supply

_NPMRC = re.compile(
    r"[\s\"']*(?:(?P<scope>@[\w.-]+):)?registry[\"']?(?:\[\])?\s*=\s*[\"']?(?P<url>[^\s\"'#;]+)", re.IGNORECASE
)
_NPM_CODE = re.compile(
    r"\s*(?P<key>git|script-shell|node-options|shell|onload-script|init-module|globalconfig|userconfig)\s*=\s*(?P<value>\S.*)",
    re.IGNORECASE,
)
_NPM_UNSAFE = re.compile(r"\s*strict-ssl\s*=\s*[\"']?(?:false|0|no)\b", re.IGNORECASE)
_PIP = re.compile(r"\s*(?P<key>(?:extra[-_])?index[-_]url|find[-_]links)\s*[=:]\s*(?P<urls>.*)", re.IGNORECASE)
_TRUSTED = re.compile(r"\s*trusted[-_]host\s*[=:]\s*(\S+)", re.IGNORECASE)
_CONTINUED = re.compile(r"[ \t]+(?P<url>\S+)\s*$")
_YARNRC = re.compile(r"\s*\"?(?:@[\w.-]+:)?registry\"?\s+\"?(?P<url>[^\s\"]+)", re.IGNORECASE)
_PYPIRC = re.compile(r"\s*repository\s*[=:]\s*(?P<url>\S+)", re.IGNORECASE)
_COMMENT = re.compile(r"\s*[#;]")


def read_npmrc(document: Document) -> Supply:
    """Return the registries of an .npmrc, and the programs that npm is to start by it.

    Raises: UnreadableError if it is no text.
    """
    found = _by_line(document, _NPMRC, Ecosystem.NPM)
    hooks: list[Hook] = []
    for number, line in enumerate(document.text.split("\n"), 1):
        if setting := _NPM_CODE.match(line):
            hooks.append(Hook(setting["key"].lower(), setting["value"].strip()[:500], document.place(number)))
        elif _NPM_UNSAFE.match(line):
            document.problem("strict-ssl is off: certificates are not looked at", line=number, kind=INSECURE)
    for _, url in found.indexes:
        if "$" in url:
            document.problem(f"the registry {url[:80]!r} is known only when it runs", kind="opaque")
    manifest = Manifest(document.path, ".npmrc", Ecosystem.NPM, hooks=tuple(hooks))
    return evolve(found, manifests=(manifest,) if hooks else ())


def read_yarnrc(document: Document) -> Supply:
    """Return the registries of the .yarnrc of yarn 1.  Raises: UnreadableError if it is no text."""
    return _by_line(document, _YARNRC, Ecosystem.NPM)


def read_pypirc(document: Document) -> Supply:
    """Return the repositories of a .pypirc.  Raises: UnreadableError if it is no text."""
    return _by_line(document, _PYPIRC, Ecosystem.PYPI)


def read_pip_conf(document: Document) -> Supply:
    """Return the indexes of a pip.conf.  Raises: UnreadableError if it is no text."""
    found: list[str] = []
    inside = False
    for number, line in enumerate(document.text.split("\n"), 1):
        if _COMMENT.match(line):
            continue
        if trusted := _TRUSTED.match(line):
            document.problem(f"no certificate of {trusted[1][:80]} is looked at", line=number, kind=INSECURE)
        if setting := _PIP.match(line):
            inside = True
            found.extend(setting["urls"].split())
        elif inside and (further := _CONTINUED.match(line)):
            found.append(further["url"])
        else:
            inside = False
    return Supply(indexes=tuple((Ecosystem.PYPI, url) for url in found))


def read_yarnrc_yml(document: Document) -> Supply:
    """Return the registries of an .yarnrc.yml.  Raises: UnreadableError if it is not YAML."""
    documents = read_yaml(document.text)
    content = document.as_table(documents[0], "the file") if documents else {}
    indexes = tuple((Ecosystem.NPM, url) for url in _yarn_urls(document, content))
    if str(content.get("enableStrictSsl", "")).lower() == "false":
        line = document.line_of("enableStrictSsl")
        document.problem("enableStrictSsl is off: certificates are not looked at", line=line, kind=INSECURE)
    hooks = tuple(_yarn_code(document, content))
    manifest = Manifest(document.path, ".yarnrc.yml", Ecosystem.NPM, hooks=hooks)
    return Supply(manifests=(manifest,) if hooks else (), indexes=indexes)


def read_pnpmfile(document: Document) -> Supply:
    """Return that pnpm runs this file whenever it installs.  Source: pnpm, ".pnpmfile.cjs"."""
    hook = Hook("pnpmfile", document.name, document.place(1))
    return Supply(manifests=(Manifest(document.path, document.name, Ecosystem.NPM, hooks=(hook,)),))


def read_bunfig(document: Document) -> Supply:
    """Return the registries of a bunfig.toml.  Raises: UnreadableError if it is not TOML."""
    install = document.table(document.toml(), "install")
    values = [install.get("registry"), *document.table(install, "scopes").values()]
    urls = [value.get("url") if isinstance(value, dict) else value for value in values]
    return Supply(indexes=tuple((Ecosystem.NPM, url) for url in urls if isinstance(url, str)))


def read_cargo_config(document: Document) -> Supply:
    """Return the registries of a .cargo/config.toml.  Raises: UnreadableError if it is not TOML."""
    content = document.toml()
    urls: list[object] = []
    for table, keys in (("registries", ("index",)), ("source", ("registry", "git"))):
        for row in document.table(content, table).values():
            urls.extend(document.as_table(row, f"an entry of {table!r}").get(key) for key in keys)
    return Supply(indexes=tuple((Ecosystem.CARGO, url) for url in urls if isinstance(url, str)))


def _by_line(document: Document, pattern: re.Pattern[str], ecosystem: Ecosystem) -> Supply:
    lines = (line for line in document.text.split("\n") if not _COMMENT.match(line))
    found = (setting["url"] for line in lines if (setting := pattern.match(line)))
    return Supply(indexes=tuple((ecosystem, url) for url in found))


def _yarn_urls(document: Document, content: Mapping[str, object]) -> Iterator[str]:
    tables = [content]
    for key in ("npmScopes", "npmRegistries"):
        scopes = document.table(content, key)
        tables.extend(document.as_table(value, f"an entry of {key!r}") for value in scopes.values())
    for table in tables:
        if url := document.words(table, "npmRegistryServer"):
            yield url


def _yarn_code(document: Document, content: Mapping[str, object]) -> Iterator[Hook]:
    """Yield the programs and plugins that yarn loads instead of, or besides, its own code."""
    if path := document.words(content, "yarnPath"):
        yield Hook("yarnPath", path, document.place(document.line_of("yarnPath")))
    for plugin in document.rows(content, "plugins"):
        written = plugin.get("path") if isinstance(plugin, dict) else plugin
        yield Hook("plugins", str(written), document.place(document.line_of("plugins")))
