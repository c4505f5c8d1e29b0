"""The programs that install packages, and how they read their words."""

from collections.abc import Mapping
from enum import Enum, auto

from attrs import field, frozen

from haldir_auditor.supply import Ecosystem


class Takes(Enum):
    """Which of the words of a command are packages."""

    ALL = auto()
    FIRST = auto()  # a package that is run; what follows are its own words
    NONE = auto()  # only what options name


@frozen
class Command:
    """One way to call a program: ``verbs`` are the words behind its name, empty if it has none."""

    verbs: tuple[str, ...]
    takes: Takes = Takes.ALL


@frozen
class Program:
    """A program that installs packages.

    ``packages`` are the options with a package as value (the command is then one of that package), ``extras`` those
    with a further one, ``files`` those with a requirements file, ``indexes`` those with an index, ``values`` those with
    anything else; all other options stand alone.
    """

    ecosystem: Ecosystem
    commands: tuple[Command, ...]
    packages: frozenset[str] = frozenset()
    extras: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    indexes: frozenset[str] = frozenset()
    values: frozenset[str] = frozenset()
    form: str = field(default="")


def _all(*verbs: str) -> tuple[Command, ...]:
    return tuple(Command(tuple(verb.split())) for verb in verbs)


def _first(*verbs: str) -> tuple[Command, ...]:
    return tuple(Command(tuple(verb.split()), Takes.FIRST) for verb in verbs)


def _options(*verbs: str) -> tuple[Command, ...]:
    return tuple(Command(tuple(verb.split()), Takes.NONE) for verb in verbs)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_PIP_INDEXES = _set("-i --index-url --pypi-url --extra-index-url --index --default-index -f --find-links")
_PIP_VALUES = _set(
    "-c --constraint -t --target --prefix --root --src --platform --python-version --implementation --abi --proxy "
    "--retries --timeout --trusted-host --cert --client-cert --cache-dir --log --progress-bar --no-binary "
    "--only-binary --config-settings -C --upgrade-strategy --report --python -p --use-feature --exclude-newer "
    "--resolution --prerelease --link-mode --group --directory --project --env-file --extra --package --branch --tag "
    "--rev --build-option --global-option -d --dest -w --wheel-dir --keyring-provider --color --config-file -m --module"
)
_NPM_VALUES = _set(
    "--prefix --cache -C --tag --loglevel --userconfig -w --workspace --omit --include --only --before --arch --libc "
    "--os --otp --script-shell --dir --filter -F --store-dir --reporter --cwd --save-prefix --call -c --shell"
)
_NPM_INSTALL = tuple(
    Command((verb,))
    for verb in _set(
        "install i in ins inst insta instal isnt isnta isntal isntall add install-test it update up upgrade"
    )
)

PROGRAMS: Mapping[str, Program] = {
    "pip": Program(
        Ecosystem.PYPI,
        _all("install", "download", "wheel"),
        extras=_set("-e --editable"),
        files=_set("-r --requirement --requirements"),
        indexes=_PIP_INDEXES,
        values=_PIP_VALUES,
    ),
    "uv": Program(
        Ecosystem.PYPI,
        (
            *_all("add", "pip install", "tool install", "pip download"),
            *_first("tool run", "x"),
            *_options("run", "sync", "tool upgrade"),
        ),
        packages=_set("--from"),
        extras=_set("--with -w --with-editable -e --editable"),
        files=_set("-r --requirement --requirements --with-requirements"),
        indexes=_PIP_INDEXES,
        values=_PIP_VALUES - _set("-w"),
    ),
    "uvx": Program(
        Ecosystem.PYPI,
        _first(""),
        packages=_set("--from"),
        extras=_set("--with -w --with-editable"),
        files=_set("--with-requirements"),
        indexes=_PIP_INDEXES,
        values=_PIP_VALUES - _set("-w"),
    ),
    "pipx": Program(
        Ecosystem.PYPI,
        (*_all("install", "install-all", "upgrade"), *_first("run"), *_all("inject", "runpip")),
        packages=_set("--spec"),
        extras=_set("--preinstall --with"),
        files=_set("-r --requirement"),
        indexes=_PIP_INDEXES,
        values=_set("--python --pip-args --suffix --fetch-missing-python"),
    ),
    "poetry": Program(
        Ecosystem.PYPI,
        _all("add", "self add"),
        values=_set("-G --group -E --extras --python --platform --source -P --project -C --directory"),
    ),
    "pdm": Program(
        Ecosystem.PYPI,
        _all("add"),
        extras=_set("-e --editable"),
        values=_set("-G --group -p --project -L --lockfile"),
    ),
    "pipenv": Program(
        Ecosystem.PYPI,
        _all("install"),
        extras=_set("-e --editable"),
        files=_set("-r --requirements"),
        indexes=_set("-i --index --extra-index-url"),
        values=_set("--python --categories"),
    ),
    "easy_install": Program(Ecosystem.PYPI, _all(""), indexes=_set("-i --index-url -f --find-links")),
    "npm": Program(
        Ecosystem.NPM,
        (*_NPM_INSTALL, *_first("exec", "x"), *_first("create", "init")),
        packages=_set("--package -p"),
        indexes=_set("--registry"),
        values=_NPM_VALUES,
    ),
    "npx": Program(
        Ecosystem.NPM,
        _first(""),
        packages=_set("-p --package"),
        indexes=_set("--registry"),
        values=_NPM_VALUES - _set("--tag"),
    ),
    "pnpm": Program(
        Ecosystem.NPM,
        (*_all("add", "install", "i", "update", "up"), *_first("dlx", "create")),
        packages=_set("--package"),
        indexes=_set("--registry"),
        values=_NPM_VALUES,
    ),
    "yarn": Program(
        Ecosystem.NPM,
        (*_all("add", "global add", "up"), *_first("dlx", "create")),
        packages=_set("-p --package"),
        indexes=_set("--registry"),
        values=_NPM_VALUES,
    ),
    "bun": Program(
        Ecosystem.NPM,
        (*_all("add", "install", "i", "a"), *_first("x", "create")),
        packages=_set("-p --package"),
        indexes=_set("--registry"),
        values=_NPM_VALUES,
    ),
    "bunx": Program(Ecosystem.NPM, _first(""), packages=_set("-p --package"), indexes=_set("--registry")),
    "deno": Program(
        Ecosystem.NPM,
        (*_all("add"), *_first("run", "install", "x")),
        values=_set("-n --name --root --config -c --import-map --lock --allow-scripts"),
        form="deno",
    ),
    "cargo": Program(
        Ecosystem.CARGO,
        _all("install", "add", "binstall"),
        indexes=_set("--index --registry"),
        values=_set(
            "--features -F --root --target --target-dir --path --bin --example --profile -j --jobs --manifest-path "
            "--rename --config --color -p --package --vers"
        ),
        form="cargo",
    ),
    "go": Program(
        Ecosystem.GO, (*_all("install", "get"), *_first("run")), values=_set("-ldflags -tags -o -mod"), form="go"
    ),
    "conda": Program(
        Ecosystem.CONDA,
        _all("install", "create", "env create", "update"),
        indexes=_set("-c --channel"),
        values=_set("-n --name -p --prefix --file -f --solver --platform --subdir --repodata-fn --copy"),
    ),
    "apt-get": Program(Ecosystem.SYSTEM, _all("install"), values=_set("-t --target-release -o --option -c")),
    "apk": Program(
        Ecosystem.SYSTEM, _all("add"), indexes=_set("-X --repository"), values=_set("-t --virtual -p --root")
    ),
    "dnf": Program(Ecosystem.SYSTEM, _all("install", "localinstall"), values=_set("--enablerepo --disablerepo -c")),
    "zypper": Program(Ecosystem.SYSTEM, _all("install", "in"), values=_set("-r --repo --root")),
    "pacman": Program(Ecosystem.SYSTEM, _all("-S", "-Sy", "-Syu", "-U"), values=_set("--root --config")),
    "brew": Program(Ecosystem.SYSTEM, _all("install", "cask install", "tap"), values=_set("--appdir")),
    "snap": Program(Ecosystem.SYSTEM, _all("install"), values=_set("--channel --revision")),
    "gem": Program(
        Ecosystem.SYSTEM, _all("install", "i", "update"), indexes=_set("-s --source"), values=_set("-v --version -i -n")
    ),
    "choco": Program(Ecosystem.SYSTEM, _all("install"), indexes=_set("-s --source"), values=_set("--version")),
    "winget": Program(
        Ecosystem.SYSTEM, _all("install"), extras=_set("--id"), values=_set("-v --version -s --source -e")
    ),
    "scoop": Program(Ecosystem.SYSTEM, _all("install")),
    "bundle": Program(
        Ecosystem.SYSTEM, _all("add"), indexes=_set("-s --source"), values=_set("-v --version -g --group -r --require")
    ),
    "composer": Program(Ecosystem.SYSTEM, _all("require", "global require", "create-project")),
    "luarocks": Program(
        Ecosystem.SYSTEM,
        _all("install", "build"),
        indexes=_set("--server --only-server"),
        values=_set("--tree --lua-version --lua-dir --pin"),
    ),
    "cpan": Program(Ecosystem.SYSTEM, (*_all("-i", "install", "-T", "-fi", "-Ti"), *_all("")), form="perl"),
    "cpanm": Program(
        Ecosystem.SYSTEM,
        _all(""),
        indexes=_set("--mirror --from -M"),
        values=_set("-l -L --local-lib --local-lib-contained"),
        form="perl",
    ),
    "opam": Program(Ecosystem.SYSTEM, _all("install", "pin add"), values=_set("--switch --repos -j --jobs")),
    "gh": Program(Ecosystem.SYSTEM, _all("extension install", "ext install"), values=_set("--pin")),
    "code": Program(Ecosystem.SYSTEM, _options(""), packages=_set("--install-extension"), values=_set("--profile")),
    "nix": Program(
        Ecosystem.SYSTEM,
        (*_all("profile install", "profile add", "shell"), *_first("run")),
        values=_set("--profile --option -f --file -I --inputs-from --priority"),
        form="nix",
    ),
    "nix-env": Program(
        Ecosystem.SYSTEM, _all("-i", "-iA", "--install"), values=_set("-f --file -p --profile"), form="nix"
    ),
    "nix-shell": Program(
        Ecosystem.SYSTEM,
        _all("-p", "--packages"),
        values=_set("-I --run --command --keep -i --arg --argstr"),
        form="nix",
    ),
    "pixi": Program(
        Ecosystem.CONDA,
        _all("add", "global install", "install"),
        indexes=_set("-c --channel"),
        values=_set("--manifest-path -f --feature -p --platform -e --environment --expose --with"),
    ),
    "rye": Program(
        Ecosystem.PYPI,
        _all("add", "install", "tools install"),
        files=_set("-r --requirement"),
        values=_set("--git --url --path --tag --rev --branch --extra-requirement -p --python"),
    ),
    "volta": Program(Ecosystem.NPM, (*_all("install", "pin"), *_first("run"))),
    "dotnet": Program(
        Ecosystem.SYSTEM,
        _all("tool install", "tool update", "add package"),
        values=_set("--version --tool-path --framework"),
    ),
    "docker": Program(
        Ecosystem.SYSTEM,
        (*_first("run", "pull", "container run"),),
        values=_set(
            "-v --volume -e --env --env-file -p --publish --name --network --net -w --workdir --entrypoint -u --user "
            "--mount -m --memory --cpus -l --label -h --hostname --platform --add-host --cap-add --cap-drop --device "
            "--gpus --ipc --pid --pull --restart --runtime --security-opt --shm-size --tmpfs --ulimit --cidfile --dns "
            "--expose --group-add --link --log-driver --log-opt --stop-signal --userns --volumes-from -a --attach"
        ),
        form="image",
    ),
}

ALIASES: Mapping[str, str] = {
    "pip2": "pip",
    "pip3": "pip",
    "pip.main": "pip",
    "pipmain": "pip",
    "pnpx": "npx",
    "mamba": "conda",
    "micromamba": "conda",
    "apt": "apt-get",
    "aptitude": "apt-get",
    "yum": "dnf",
    "microdnf": "dnf",
    "yay": "pacman",
    "podman": "docker",
    "nerdctl": "docker",
    "codium": "code",
    "cursor": "code",
    "windsurf": "code",
    "bundler": "bundle",
}
