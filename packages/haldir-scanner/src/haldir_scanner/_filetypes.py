"""The type of a file, decided by its name, its first line and its content."""

from enum import StrEnum

from haldir_scanner._encoding import is_text


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
UNKNOWN_TEXT = ANY - {T.BINARY, T.NPM_MANIFEST}

_BY_SUFFIX: dict[str, frozenset[FileType]] = {
    suffix: frozenset({file_type})
    for file_type, suffixes in {
        T.BATCH: "bat cmd",
        T.BINARY: "png jpg jpeg gif webp ico bmp tiff avif heic mp3 mp4 mov ogg wav webm flac pdf zip gz tgz bz2 xz "
        "zst 7z rar tar whl jar class pyc pyo so dll dylib exe bin o a wasm woff woff2 ttf otf eot db sqlite sqlite3 "
        "docx xlsx pptx odt ods parquet npy npz pkl pt onnx safetensors",
        T.DOCKERFILE: "dockerfile containerfile",
        T.ENV: "env envrc",
        T.GO: "go",
        T.HTML: "html htm xhtml svg xml vue svelte",
        T.INI: "ini cfg conf properties service timer desktop plist reg editorconfig npmrc pypirc netrc",
        T.JAVASCRIPT: "js mjs cjs jsx ts mts cts tsx",
        T.JSON: "json jsonc json5 jsonl ndjson webmanifest har",
        T.MARKDOWN: "md mdx markdown mdc mkd",
        T.OTHER_CODE: "lua java kt kts swift c cc cpp cxx h hpp cs scala clj ex exs erl hs jl r dart nim zig "
        "applescript scpt vbs vba tcl awk gradle groovy sql m mm",
        T.PERL: "pl pm t",
        T.PHP: "php php5 phtml phar",
        T.POWERSHELL: "ps1 psm1 psd1",
        T.PYTHON: "py pyw pyi pth",
        T.RUBY: "rb rake gemspec",
        T.RUST: "rs",
        T.SHELL: "sh bash zsh ksh dash fish ash command bats bashrc zshrc profile zshenv bash_profile bash_login "
        "zprofile zlogin bash_aliases mk",
        T.TEXT: "txt text rst adoc org tex log csv tsv srt diff patch license",
        T.TOML: "toml lock",
        T.YAML: "yaml yml",
    }.items()
    for suffix in suffixes.split()
} | {"ipynb": frozenset({T.JSON, T.PYTHON})}

_BY_NAME: dict[str, frozenset[FileType]] = {
    "authors": frozenset({T.TEXT}),
    "changelog": frozenset({T.TEXT}),
    "containerfile": frozenset({T.DOCKERFILE}),
    "copying": frozenset({T.TEXT}),
    "dockerfile": frozenset({T.DOCKERFILE}),
    "gemfile": frozenset({T.RUBY}),
    "justfile": frozenset({T.SHELL}),
    "license": frozenset({T.TEXT}),
    "makefile": frozenset({T.SHELL}),
    "notice": frozenset({T.TEXT}),
    "package.json": frozenset({T.JSON, T.NPM_MANIFEST}),
    "rakefile": frozenset({T.RUBY}),
    "readme": frozenset({T.TEXT}),
}

_BY_INTERPRETER: dict[str, FileType] = {
    "bash": T.SHELL,
    "bun": T.JAVASCRIPT,
    "dash": T.SHELL,
    "deno": T.JAVASCRIPT,
    "fish": T.SHELL,
    "ksh": T.SHELL,
    "node": T.JAVASCRIPT,
    "osascript": T.OTHER_CODE,
    "perl": T.PERL,
    "php": T.PHP,
    "pwsh": T.POWERSHELL,
    "pypy": T.PYTHON,
    "python": T.PYTHON,
    "ruby": T.RUBY,
    "sh": T.SHELL,
    "ts-node": T.JAVASCRIPT,
    "uv": T.PYTHON,
    "zsh": T.SHELL,
}


def file_types(path: str, data: bytes) -> frozenset[FileType]:
    """The types of a file: what its name says, together with what its ``#!`` line or its first tag says.

    Text that neither tells, or that is named as something binary, is taken for every kind of text.
    """
    declared = _declared(data)
    named = _named(path)
    if named and T.BINARY not in named:
        return named | declared
    if declared:
        return declared
    return UNKNOWN_TEXT if is_text(data) else frozenset({T.BINARY})


def _named(path: str) -> frozenset[FileType]:
    name = path.rpartition("/")[2].lower()
    if name in _BY_NAME:
        return _BY_NAME[name]
    stem, dot, suffix = name.rpartition(".")
    if dot and suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    first = stem.strip(".").partition(".")[0]
    # Dockerfile.dev and .env.production
    return _BY_SUFFIX[first] if first in {"dockerfile", "env"} else frozenset()


def _declared(data: bytes) -> frozenset[FileType]:
    head = data[:1024].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe").lstrip()
    if head.startswith(b"<?php"):
        return frozenset({T.PHP})
    if not head.startswith(b"#!"):
        return frozenset()
    words = head[2:].partition(b"\n")[0].decode("utf-8", "replace").replace("/", " ").split()
    names = (word.rstrip("0123456789.") for word in words)
    known = (_BY_INTERPRETER[name] for name in names if name in _BY_INTERPRETER)
    interpreter = next(known, None)
    return UNKNOWN_TEXT if interpreter is None else frozenset({interpreter})
