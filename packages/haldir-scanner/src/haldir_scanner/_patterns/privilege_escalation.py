"""Rules about rights and credentials that a skill does not need."""

from functools import partial

from haldir_scanner._filetypes import ANY, CODE, PROSE, SHELL, FileType
from haldir_scanner._pattern import Category, Pattern
from haldir_scanner._patterns.fragments import COMMAND, HOME, HOME_CALL
from haldir_scanner._severity import Severity

_rule = partial(Pattern, category=Category.PRIVILEGE_ESCALATION)
_credentials = partial(
    _rule,
    severity=Severity.HIGH,
    file_types=ANY,
    remediation="Do not touch the user's credentials; ask for what is needed.",
)


PATTERNS = (
    _rule(
        id="sudo_escalation",
        severity=Severity.HIGH,
        title="Command run as root",
        message="A command is run with the rights of the administrator.",
        remediation="Work with the rights of the user; name what must be installed in SKILL.md.",
        file_types=SHELL | {FileType.PYTHON, FileType.RUBY, FileType.PERL, FileType.PHP},
        regexes=(
            COMMAND + r"(?:sudo|doas|pkexec)\s+(?:-\S+\s+)*[\w./$\"]",
            r"[\"'\[(]\s*[\"']?(?:sudo|doas|pkexec)(?:[\"']\s*,|\s+(?:-\S+\s+)*[\w./]+)",
            r"(?i)\bStart-Process\b[^\n]*-Verb\s+RunAs\b",
        ),
        matches=(
            ("a.sh", "sudo cp tool /usr/bin/"),
            ("a.py", 'subprocess.run(["sudo", "mount", device])'),
            ("a.ps1", "Start-Process tool -Verb RunAs"),
        ),
        non_matches=(("a.sh", 'echo "no sudo needed"'), ("a.py", "# works without sudo, as any user")),
    ),
    _credentials(
        id="credential_access_ssh",
        title="SSH keys accessed",
        message="Private SSH keys or the file of authorised keys are accessed.",
        regexes=(
            (
                r"(?:\bssh-keygen\b[^\n]{0,80}|\bssh\s+-i\s*\S{0,60})?\.ssh[/\\\"', ]{1,6}(?:id_(?:rsa|dsa|ecdsa"
                r"|ed25519)|identity)\b(?:\.pub\b)?"
            ),
            r"\b(?:cat|cp|tar|zip|scp|rsync|rglob|glob|listdir|readdir\w*|walk)\b[^\n]{0,60}\.ssh(?:/?\*|/?[\"'\s]|$)",
            r"\.ssh/authorized_keys\b",
        ),
        exclusions=(r"\.pub$", r"^ssh"),
        matches=(("a.sh", "cp ~/.ssh/id_ed25519 /tmp/k"), ("a.mjs", 'readFileSync(home + "/.ssh/id_rsa")')),
        non_matches=(
            ("SKILL.md", "Paste ~/.ssh/id_ed25519.pub into the form."),
            ("a.sh", "ssh -i ~/.ssh/id_rsa host.example"),
        ),
    ),
    _credentials(
        id="credential_access_cloud",
        title="Cloud credentials accessed",
        message="The credentials of a cloud account, or the metadata service that hands them out, are accessed.",
        regexes=(
            r"\.aws[/\\\"', ]{1,6}credentials\b",
            (
                r"gcloud[/\\\"', ]{1,6}(?:credentials\.db|access_tokens\.db|application_default_credentials\.json"
                r"|legacy_credentials)"
            ),
            r"\.azure[/\\\"', ]{1,6}(?:accessTokens|msal_token_cache|azureProfile)",
            r"\.kube[/\\\"', ]{1,6}config\b",
            r"\b169\.254\.169\.254\b|\bmetadata\.google\.internal\b|\[fd00:ec2::254\]",
        ),
        matches=(("a.py", 'Path.home() / ".aws" / "credentials"'), ("a.sh", "curl http://169.254.169.254/latest/")),
        non_matches=(("SKILL.md", "Configure the profile with `aws configure`."),),
    ),
    _credentials(
        id="credential_access_package",
        title="Registry credentials accessed",
        message="A file that holds the tokens for package or image registries is accessed.",
        regexes=(
            r"(?:"
            + HOME
            + r"|"
            + HOME_CALL
            + r"[\"'/])\.?(?:\.npmrc|\.pypirc|\.yarnrc|\.docker/config\.json|\.cargo/credentials"
            r"|\.gem/credentials|\.m2/settings\.xml|\.config/gh/hosts\.yml|\.git-credentials|\.netrc)\b",
            r"//[\w.-]+/:_authToken=[^$\s]",
        ),
        matches=(("a.sh", "grep token ~/.npmrc"), ("a.js", 'read(os.homedir() + "/.docker/config.json")')),
        non_matches=(("SKILL.md", "Add an .npmrc to the project."),),
    ),
    _credentials(
        id="credential_access_keychain",
        title="Password store accessed",
        message="The system's key chain, a browser's passwords or cookies, or a wallet is accessed.",
        regexes=(
            r"\bsecurity\s+(?:find-(?:generic|internet)-password|dump-keychain|export)\b",
            r"\blogin\.keychain(?:-db)?\b|/Library/Keychains/",
            (
                r"(?:Chrome|Chromium|Brave-Browser|Edge|User Data|Default)[/\\\"', ]{1,6}(?:Login Data|Cookies"
                r"|Local State)\b"
            ),
            r"\b(?:logins\.json|key4\.db|wallet\.dat)\b",
            r"\b(?:secret-tool\s+(?:lookup|search)|kwallet-query|vaultcmd\s+/list|cmdkey\s+/list|CredEnumerate\w*)",
            r"\.password-store/|\.gnupg/(?:private-keys|secring)",
        ),
        matches=(("a.sh", "security find-generic-password -w -s service"), ("a.py", 'p / "Default" / "Login Data"')),
        non_matches=(("SKILL.md", "The password stays in your key chain."),),
    ),
    _rule(
        id="sudoers_modification",
        severity=Severity.CRITICAL,
        title="Right to become root granted",
        message="The rules for becoming administrator are changed.",
        remediation="Remove it: no skill may change who is administrator.",
        file_types=CODE | PROSE | {FileType.YAML},
        regexes=(
            (
                r"(?:>>?|\btee\b(?:\s+-a)?|\bcp\b[^\n]{0,80}|\bmv\b[^\n]{0,80}|\bsed\s+-i[^\n]{0,120}"
                r"|\bopen\(\s*[\"'])\s*/etc/sudoers\b"
            ),
            r"\bNOPASSWD\s*:",
            r"\b(?:usermod|gpasswd|adduser)\b[^\n]{0,40}\b(?:sudo|wheel|root)\b",
            r"(?i)\bnet\s+localgroup\s+administrators\b[^\n]*/add",
            r"\bchmod\s+(?:[ug]+\+s|[2467][0-7]{3})\s+/",
        ),
        matches=(
            ("a.sh", "echo 'me ALL=(ALL) NOPASSWD: ALL' | tee -a /etc/sudoers"),
            ("a.pl", "system('usermod -aG sudo me');"),
            ("a.ps1", "net localgroup administrators me /add"),
        ),
        non_matches=(("SKILL.md", "See the manual of sudoers."), ("a.sh", "chmod 755 /usr/local/bin/tool")),
    ),
    _rule(
        id="allowed_tools_excessive",
        severity=Severity.HIGH,
        title="Every tool allowed",
        message="The skill asks for every tool, or for every command of the shell.",
        remediation="List the tools and commands that the skill needs.",
        file_types=frozenset({FileType.MARKDOWN, FileType.YAML, FileType.JSON}),
        regexes=(
            r"(?i)^[ \t\"']*allowed[-_]?tools[\"']?\s*[:=][ \t]*[\[\"']*(?:\*|all\b|any\b)",
            r"(?i)^[ \t\"']*allowed[-_]?tools[\"']?\s*[:=][^\n]*\bBash\(\s*(?::?\*)(?::\*)?\s*\)",
            r"(?i)^[ \t]*allowed[-_]?tools:\s*(?:\n[ \t]*-[^\n]*){0,20}\n[ \t]*-[ \t]*[\"']?(?:\*|Bash\(\s*:?\*\s*\))",
            r"--dangerously-skip-permissions\b|\bbypassPermissions\b|--yolo\b",
        ),
        matches=(
            ("SKILL.md", '---\nname: x\nallowed-tools: "*"\n---\n'),
            ("SKILL.md", "---\nallowed-tools: Read, Bash(*)\n---\n"),
            ("SKILL.md", "---\nallowed-tools:\n  - Read\n  - '*'\n---\n"),
        ),
        non_matches=(("SKILL.md", "---\nallowed-tools: Read, Bash(git log:*)\n---\n"),),
    ),
    _rule(
        id="docker_socket",
        severity=Severity.CRITICAL,
        title="Container engine taken over",
        message="The socket of the container engine, or a container with all rights, is the same as being root.",
        remediation="Do not hand the engine or the host's root folder to a container.",
        file_types=ANY,
        regexes=(
            r"/(?:docker|containerd/containerd|podman/podman|crio/crio)\.sock\b",
            r"\b(?:docker|podman)\s+run\b[^\n]*(?:--privileged\b|--pid[= ]host\b|(?:-v|--volume)[= ]/:/)",
            r"\bnsenter\b[^\n]*(?:-t|--target)[= ]?\s*1\b",
        ),
        matches=(
            ("compose.yaml", "- /var/run/docker.sock:/var/run/docker.sock"),
            ("a.sh", "docker run --rm -v /:/host image chroot /host"),
        ),
        non_matches=(
            ("a.sh", "docker run --rm -v ./data:/data image"),
            ("SKILL.md", "Install the container engine first."),
        ),
    ),
    _rule(
        id="proc_access",
        severity=Severity.HIGH,
        title="Other processes read",
        message="The environment or the memory of a process is read through /proc.",
        remediation="Do not look into processes.",
        file_types=ANY,
        regexes=(
            r"/proc/(?:self|thread-self|\d+|\*|\$\{?\w+\}?|\{\w+\})/(?:environ|mem|maps|root|fd/|ns/)",
            r"/proc/k(?:core|allsyms)\b",
        ),
        matches=(("a.sh", "tr '\\0' '\\n' < /proc/1/environ"), ("a.py", 'open(f"/proc/{pid}/mem", "rb")')),
        non_matches=(("a.sh", "cat /proc/cpuinfo"),),
    ),
)
