"""Rules about the dependencies of a ``package.json``, which code decides."""

from functools import partial

from haldir_scanner._filetypes import FileType
from haldir_scanner._pattern import Category, Pattern
from haldir_scanner._severity import Severity

_rule = partial(
    Pattern,
    category=Category.SUPPLY_CHAIN,
    severity=Severity.HIGH,
    file_types=frozenset({FileType.NPM_MANIFEST}),
)


PATTERNS = (
    _rule(
        id="manifest_unpinned_deps",
        severity=Severity.MEDIUM,
        title="Dependency without version",
        message="A dependency takes any version, also one that is published after the scan.",
        remediation="Write the version.",
        matches=(
            ("package.json", '{"dependencies": {"yaml": "*"}}'),
            ("package.json", '{"devDependencies": {"yaml": 2}}'),
        ),
        non_matches=(("package.json", '{"dependencies": {"yaml": "2.4.1"}}'),),
    ),
    _rule(
        id="manifest_unreadable",
        severity=Severity.MEDIUM,
        title="Manifest that is no JSON",
        message="The package.json cannot be read, so its dependencies were not checked.",
        remediation="Write it as JSON in UTF-8.",
        matches=(("package.json", '{"dependencies": {'), ("package.json", "[" * 100_000)),
        non_matches=(("package.json", "null"), ("package.json", '{"size": ' + "1" * 5000 + "}")),
    ),
    _rule(
        id="manifest_git_url_dep",
        title="Dependency from a repository",
        message="A dependency comes from a repository, whose content can change under the same name.",
        remediation="Use a published version.",
        matches=(("package.json", '{"dependencies": {"tool": "git+https://git.example/tool.git"}}'),),
        non_matches=(("package.json", '{"dependencies": {"tool": "1.0.0"}}'),),
    ),
    _rule(
        id="manifest_protocol_dep",
        title="Dependency from an address",
        message="A dependency comes from an address or from a folder outside the skill.",
        remediation="Use a published version.",
        matches=(("package.json", '{"dependencies": {"tool": "https://files.example/tool.tgz"}}'),),
        non_matches=(("package.json", '{"dependencies": {"tool": "file:./vendor/tool"}}'),),
    ),
    _rule(
        id="manifest_native_addon",
        title="Native code built on installation",
        message="A dependency compiles or loads native code, which runs outside the rules of the language.",
        remediation="Use a dependency without native code, or say why it is needed.",
        matches=(("package.json", '{"dependencies": {"node-gyp": "10.0.0"}}'), ("package.json", '{"gypfile": true}')),
        non_matches=(("package.json", '{"gypfile": false}'),),
    ),
    _rule(
        id="manifest_typosquat",
        title="Name one slip away from a popular one",
        message="The name of a dependency is one slip away from that of a popular package.",
        remediation="Check the name.",
        matches=(
            ("package.json", '{"dependencies": {"expres": "1.0.0"}}'),
            ("package.json", '{"dependencies": {"lodahs": "1.0.0"}}'),
        ),
        non_matches=(
            ("package.json", '{"dependencies": {"got": "1.0.0", "tap": "1.0.0", "preact": "1.0.0", "jose": "1.0.0"}}'),
            ("package.json", '{"dependencies": {"ava": "1.0.0", "left": "1.0.0", "express": "1.0.0"}}'),
        ),
    ),
)
