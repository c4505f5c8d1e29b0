"""The type of a file, decided by its name, its first line and its content."""

import re
from enum import StrEnum

from haldir_scanner._files._encoding import holds_text, is_text, wide_encoding
from haldir_scanner._files._languages import language_of_line, languages_in
from haldir_scanner._files._magic import magic_of


class FileType(StrEnum):
    """What a file is read as by those who run or obey it."""

    BATCH = "batch"
    BINARY = "binary"
    DOCKERFILE = "dockerfile"
    ENV = "env"
    GO = "go"
    HTML = "html"
    INI = "ini"
    JAVASCRIPT = "javascript"
    JSON = "json"
    MARKDOWN = "markdown"
    MCP_CONFIG = "mcp_config"
    NOTEBOOK = "notebook"
    NPM_MANIFEST = "npm_manifest"
    OTHER_CODE = "other_code"
    PERL = "perl"
    PHP = "php"
    POWERSHELL = "powershell"
    PYTHON = "python"
    RUBY = "ruby"
    RUST = "rust"
    SHELL = "shell"
    TEXT = "text"
    TOML = "toml"
    YAML = "yaml"


T = FileType

ANY = frozenset(FileType)
SHELL = frozenset({T.BATCH, T.DOCKERFILE, T.POWERSHELL, T.SHELL})
CODE = SHELL | {T.GO, T.JAVASCRIPT, T.OTHER_CODE, T.PERL, T.PHP, T.PYTHON, T.RUBY, T.RUST}
CONFIG = frozenset({T.ENV, T.INI, T.JSON, T.TOML, T.YAML})
PROSE = frozenset({T.HTML, T.MARKDOWN, T.TEXT})
# Text whose name says nothing may be run as anything.
UNKNOWN_TEXT = ANY - {T.BINARY, T.MCP_CONFIG, T.NOTEBOOK, T.NPM_MANIFEST}

_BY_SUFFIX: dict[str, frozenset[FileType]] = {
    suffix: frozenset({file_type})
    for file_type, suffixes in {
        T.BATCH: "bat cmd",
        T.BINARY: "png jpg jpeg gif webp ico bmp tiff tif avif heic psd mp3 mp4 mov ogg wav webm flac pdf zip gz tgz "
        "bz2 xz zst lz4 7z rar tar whl egg jar war apk ipa vsix crx xpi dmg iso deb rpm class pyc pyo pyd so dll dylib "
        "exe msi bin o a wasm woff woff2 ttf otf eot db sqlite sqlite3 doc xls ppt docx xlsx pptx odt ods odp epub "
        "parquet npy npz pkl pickle pt pth.tar joblib onnx safetensors dat key",
        T.DOCKERFILE: "dockerfile containerfile",
        T.ENV: "env envrc flaskenv",
        T.GO: "go",
        T.HTML: "html htm xhtml svg xml hta wsf xsl",
        T.INI: "ini cfg conf properties plist reg editorconfig npmrc yarnrc pypirc netrc gitconfig gitmodules inf url",
        T.JAVASCRIPT: "js mjs cjs jsx ts mts cts tsx es6 jse",
        T.JSON: "json jsonc json5 jsonl ndjson webmanifest har map",
        T.MARKDOWN: "md mdx markdown mdc mkd mdown qmd rmd prompt cursorrules windsurfrules clinerules roorules "
        "goosehints",
        T.OTHER_CODE: "lua java kt kts swift c cc cpp cxx h hpp cs scala clj ex exs erl hs jl r dart nim zig "
        "applescript scpt jxa vbs vbe vba bas tcl awk gradle groovy sql m mm sct au3 ahk",
        T.PERL: "pl pm t",
        T.PHP: "php php5 phtml phar inc",
        T.POWERSHELL: "ps1 psm1 psd1 ps1xml",
        T.PYTHON: "py pyw pyi pth pyx",
        T.RUBY: "rb rake gemspec podspec",
        T.RUST: "rs",
        T.SHELL: "sh bash zsh ksh dash fish ash csh tcsh command tool bats bashrc zshrc cshrc profile zshenv "
        "bash_profile bash_login bash_logout zprofile zlogin zlogout bash_aliases mk just crontab cron nu xonshrc",
        T.TEXT: "txt text yar yara "
        "rst adoc org tex sty cls bib css scss sass less log csv tsv srt diff patch license gitignore "
        "gitattributes",
        T.TOML: "toml lock",
        T.YAML: "yaml yml",
    }.items()
    for suffix in suffixes.split()
} | {
    "desktop": frozenset({T.INI, T.SHELL}),
    "ipynb": frozenset({T.JSON, T.NOTEBOOK}),
    "path": frozenset({T.INI, T.SHELL}),
    "service": frozenset({T.INI, T.SHELL}),
    "socket": frozenset({T.INI, T.SHELL}),
    "svelte": frozenset({T.HTML, T.JAVASCRIPT}),
    "timer": frozenset({T.INI, T.SHELL}),
    "vue": frozenset({T.HTML, T.JAVASCRIPT}),
}

_BY_NAME: dict[str, frozenset[FileType]] = {
    name: types
    for types, names in {
        frozenset({T.DOCKERFILE}): "containerfile dockerfile",
        # What agents read as their orders.
        frozenset({T.MARKDOWN}): "agent agents claude gemini skill llms.txt llms-full.txt",
        frozenset({T.JSON, T.MCP_CONFIG}): ".mcp.json mcp.json mcp_config.json mcp-config.json server.json "
        "claude_desktop_config.json cline_mcp_settings.json mcp_settings.json mcp_servers.json",
        frozenset({T.JSON, T.NPM_MANIFEST}): "package.json",
        frozenset({T.RUBY}): "brewfile fastfile gemfile podfile rakefile vagrantfile",
        frozenset({T.SHELL}): "apkbuild crontab gnumakefile justfile makefile pkgbuild procfile",
        frozenset({T.TEXT}): "authors changelog codeowners contributors copying license notice readme version",
        frozenset({T.OTHER_CODE}): "jenkinsfile",
        frozenset({T.YAML}): "smithery.yaml",
    }.items()
    for name in names.split()
}
# Folders of which every file without a suffix is run.
_SCRIPT_FOLDERS = frozenset({".husky", "hooks", "cron.d", "cron.daily", "cron.hourly", "init.d", "profile.d"})

_BY_INTERPRETER: dict[str, FileType] = {
    "ash": T.SHELL,
    "awk": T.OTHER_CODE,
    "bash": T.SHELL,
    "bun": T.JAVASCRIPT,
    "busybox": T.SHELL,
    "csh": T.SHELL,
    "dash": T.SHELL,
    "deno": T.JAVASCRIPT,
    "expect": T.OTHER_CODE,
    "fish": T.SHELL,
    "gawk": T.OTHER_CODE,
    "ipython": T.PYTHON,
    "ksh": T.SHELL,
    "lua": T.OTHER_CODE,
    "make": T.SHELL,
    "mksh": T.SHELL,
    "node": T.JAVASCRIPT,
    "osascript": T.OTHER_CODE,
    "perl": T.PERL,
    "php": T.PHP,
    "pwsh": T.POWERSHELL,
    "pypy": T.PYTHON,
    "python": T.PYTHON,
    "Rscript": T.OTHER_CODE,
    "ruby": T.RUBY,
    "sh": T.SHELL,
    "tclsh": T.OTHER_CODE,
    "tcsh": T.SHELL,
    "ts-node": T.JAVASCRIPT,
    "tsx": T.JAVASCRIPT,
    "uv": T.PYTHON,
    "uvx": T.PYTHON,
    "zsh": T.SHELL,
}


_HEAD = 1024
_SOUGHT = 1 << 16
_JSON_BEGINS = frozenset(b'{["-/#0123456789tfn')
_LINE = re.compile(rb"[^\r\n]*[^\s][^\r\n]*")
_MCP = re.compile(rb'"mcpServers"\s{0,40}:|"inputSchema"\s{0,40}:')


def file_types(path: str, data: bytes) -> frozenset[FileType]:
    """The types of a file: what its name says, together with what its ``#!`` line and its content say.

    No name takes away what the content says: text that neither tells, or that is named as something binary, is
    taken for every kind of text, and a script is a script under the name of a document or of data.
    """
    head = _narrow_head(data)
    declared = _declared(head)
    named = _named(path)
    if named and T.BINARY not in named:
        return named | declared | _contradicting(named, data, head)
    if declared:
        return declared | script_types(data)
    if is_text(data) or (magic_of(data) is None and holds_text(data)):
        return UNKNOWN_TEXT | (_structured(head) - {T.JSON})
    return frozenset({T.BINARY})


def script_types(data: bytes) -> frozenset[FileType]:
    """The types of the programs of which lines stand in a text."""
    return frozenset(FileType(language) for language in languages_in(_narrow(data, _SOUGHT)))


def language(path: str, data: bytes) -> FileType | None:
    """The one language that those who parse a file should take it for; None if it is no code or several kinds of it."""
    declared = _declared(_narrow_head(data)) & CODE
    candidates = declared if len(declared) == 1 else _named(path) & CODE
    if not candidates:
        candidates = script_types(data) & CODE
    return next(iter(candidates)) if len(candidates) == 1 else None


def _named(path: str) -> frozenset[FileType]:
    folder, _, name = path.lower().rpartition("/")
    if name in _BY_NAME:
        return _BY_NAME[name]
    stem, dot, suffix = name.rpartition(".")
    if dot and suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    if not dot and folder.rpartition("/")[2] in _SCRIPT_FOLDERS:
        return frozenset({T.SHELL})
    first = stem.strip(".").partition(".")[0]
    # Dockerfile.dev, Makefile.am and .env.production
    if first in {"dockerfile", "containerfile", "makefile", "env"}:
        return _BY_SUFFIX.get(first, frozenset({T.SHELL}))
    return frozenset()


def _contradicting(named: frozenset[FileType], data: bytes, head: bytes) -> frozenset[FileType]:
    """The types that a text has by its content although its name tells of others."""
    found = _structured(head) if T.JSON in named else frozenset()
    if T.JSON in named and head[:1] and head[0] not in _JSON_BEGINS:
        return found | UNKNOWN_TEXT
    if T.HTML in named and b"<script" in data[:_SOUGHT].lower():
        return found | {T.JAVASCRIPT}
    if named <= PROSE | CONFIG:
        # Prose and data quote programs; a program begins with its first line.
        first = _LINE.search(head)
        if first is not None and language_of_line(first.group()) is not None:
            return found | script_types(data)
    return found


def _structured(head: bytes) -> frozenset[FileType]:
    """The types of a JSON text by its members."""
    if not head.startswith((b"{", b"[")):
        return frozenset()
    if _MCP.search(head):
        return frozenset({T.JSON, T.MCP_CONFIG})
    return frozenset({T.JSON, T.NOTEBOOK}) if b'"cells"' in head and b'"cell_type"' in head else frozenset({T.JSON})


def _declared(head: bytes) -> frozenset[FileType]:
    if head.startswith(b"<?php"):
        return frozenset({T.PHP})
    if not head.startswith(b"#!"):
        return frozenset()
    words = head[2:].partition(b"\n")[0].decode("utf-8", "replace").replace("/", " ").split()
    names = (word.rstrip("0123456789.").removesuffix(".exe") for word in words)
    known = (_BY_INTERPRETER[name] for name in names if name in _BY_INTERPRETER)
    interpreter = next(known, None)
    return UNKNOWN_TEXT if interpreter is None else frozenset({interpreter})


def _narrow_head(data: bytes) -> bytes:
    """The beginning of a text without marks, NULs and white space."""
    return _narrow(data, 4 * _HEAD)


def _narrow(data: bytes, size: int) -> bytes:
    head = data[:size]
    encoding = wide_encoding(head)
    if encoding is not None:
        head = head.decode(encoding, "replace").encode("utf-8", "replace")
    return head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe").lstrip()
