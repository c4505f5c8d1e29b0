"""The environment variables of a run."""

from collections.abc import Mapping
from enum import Enum

from attrs import frozen

from haldir_sandbox import canary, clock
from haldir_sandbox.canary import Token
from haldir_sandbox.places import Places

PATH = "/usr/local/bin:/usr/bin:/bin"
SEARCH_PATH = tuple(PATH.split(":"))
"""Where programs are looked for."""


_PROXY_VARIABLES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


class Circumstance(Enum):
    """The two worlds in which a program runs: they differ in date and in what its environment says."""

    USUAL = "usual"
    OTHER = "other"


_TOLD: Mapping[Circumstance, Mapping[str, str]] = {
    Circumstance.USUAL: {
        "USER": "alex",
        "LOGNAME": "alex",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "TERM": "xterm-256color",
        "SHELL": "/bin/bash",
        "EDITOR": "vi",
        "HOSTNAME": "laptop",
    },
    Circumstance.OTHER: {
        "USER": "runner",
        "LOGNAME": "runner",
        "LANG": "de_DE.UTF-8",
        "TZ": "America/New_York",
        "TERM": "dumb",
        "SHELL": "/bin/sh",
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "HOSTNAME": "runner-7",
        "DEBUG": "1",
        "NODE_ENV": "production",
        "ENVIRONMENT": "production",
    },
}


@frozen(kw_only=True)
class Surroundings:
    """What all runs share: the folders, the sinkhole's port, the secrets, the installed dependencies."""

    places: Places
    proxy: str | None
    """The sinkhole's address, where its reach needs the variables of a proxy."""
    tokens: Mapping[str, Token]
    python_path: tuple[str, ...] = ()

    def variables(self, circumstance: Circumstance) -> dict[str, str]:
        """Return the whole environment of a run; nothing of our own environment is in it."""
        supplies = self.places.supplies
        certificate = str(supplies / "authority.pem")
        proxied = () if self.proxy is None else _PROXY_VARIABLES
        made = {
            "PATH": PATH,
            "HOME": str(self.places.home),
            "TMPDIR": str(self.places.scratch / "tmp"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            "PYTHONIOENCODING": "utf-8",
            "SSL_CERT_FILE": certificate,
            "REQUESTS_CA_BUNDLE": certificate,
            "CURL_CA_BUNDLE": certificate,
            "NODE_EXTRA_CA_CERTS": certificate,
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "NETRC": "/dev/null",  # requests looks for one at every call; a decoy would accuse it
            "NPM_CONFIG_USERCONFIG": "/dev/null",
            "PIP_CONFIG_FILE": "/dev/null",
            **dict.fromkeys(proxied, self.proxy or ""),
            **canary.decoy_environment(self.tokens),
            **_TOLD[circumstance],
        }
        paths = list(self.python_path)
        if circumstance is Circumstance.OTHER:
            shifted = clock.shifted_environment(supplies, clock.SHIFT_SECONDS)
            paths.insert(0, shifted.pop("PYTHONPATH"))
            made |= shifted
        if paths:
            made["PYTHONPATH"] = ":".join(paths)
        return made
