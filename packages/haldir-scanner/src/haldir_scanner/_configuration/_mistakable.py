"""Names of packages that are one slip away from those that everybody installs."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from attrs import frozen

_SHORTEST_MISTAKABLE = 5


@frozen(slots=False)
class Names:
    """The names that users of one registry install most.

    Attributes:
        popular: a dependency one slip away from one of them is probably meant to be it.
        real: known packages that are one slip away from a popular one.
        longest: that the registry allows.
        scopes: of publishers, with their @, under whose names others might publish.
        prefixes: what their names look like when the scope is left out.
    """

    popular: frozenset[str]
    real: frozenset[str]
    longest: int
    scopes: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()

    def is_mistakable(self, name: str) -> bool:
        """Whether one letter more, less, other, or exchanged with its neighbour makes the name a popular one."""
        scope, _, rest = name.rpartition("/")
        if scope:
            return (
                scope.startswith("@")
                and scope not in self.scopes
                and any(_is_one_slip(scope, known) for known in self.scopes)
            )
        if name in self.popular or name in self.real or not _SHORTEST_MISTAKABLE <= len(name) <= self.longest:
            return False
        if name.removesuffix(".js") in self.popular or rest.startswith(self.prefixes):
            return True
        near = {popular for shortened in _shortened(name) for popular in self._by_shortened.get(shortened, ())}
        return any(_is_one_slip(name, popular) for popular in near)

    @cached_property
    def _by_shortened(self) -> Mapping[str, Sequence[str]]:
        table: dict[str, list[str]] = {}
        for popular in self.popular:
            for shortened in _shortened(popular):
                table.setdefault(shortened, []).append(popular)
        return table


def _shortened(name: str) -> Iterable[str]:
    """The name, and the name without each of its letters; names one slip apart have one of these in common."""
    return [name, *(name[:i] + name[i + 1 :] for i in range(len(name)))]


def _is_one_slip(name: str, popular: str) -> bool:
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


# Source: the names that npm users install most.
NODE = Names(
    frozenset(
        """
    angular async axios babel-core body-parser bluebird chalk cheerio chokidar colors commander cookie-parser cross-env
    dotenv electron esbuild eslint ethers express fastify firebase inquirer jquery jsonwebtoken lodash minimist moment
    mongodb mongoose morgan multer mysql2 nodemailer nodemon openai passport playwright prettier puppeteer react-dom
    react-router redux request rimraf rollup sequelize socket.io stripe styled-components tailwindcss typescript
    underscore undici uuid vite webpack winston yargs zod
        """.split()  # noqa: SIM905 - a list of 60 literals is harder to read
    ),
    frozenset({"color", "colord", "ether", "expresso", "requests"}),
    # Source: the npm documentation of package.json, field "name".
    longest=214,
    scopes=frozenset(
        {
            *(
                "@angular",
                "@anthropic-ai",
                "@aws-sdk",
                "@azure",
                "@babel",
                "@google-cloud",
                "@huggingface",
                "@langchain",
            ),
            *("@modelcontextprotocol", "@nestjs", "@octokit", "@openai", "@playwright", "@prisma", "@sentry", "@slack"),
            *("@storybook", "@stripe", "@supabase", "@tanstack", "@testing-library", "@types", "@vercel"),
        }
    ),
    prefixes=("anthropic-ai-", "modelcontextprotocol-"),
)
# Source: the names that users of Python install most, and those that skills ask for.
PYTHON = Names(
    frozenset(
        """
    aiohttp anthropic attrs beautifulsoup4 boto3 botocore celery certifi click colorama cryptography django fastapi
    flask gradio httpx jinja2 jsonschema langchain matplotlib numpy openai opencv-python openpyxl packaging pandas
    paramiko pillow playwright psycopg2 pyautogui pydantic pyinstaller pymongo pypdf2 pyperclip pytest python-dateutil
    python-docx python-dotenv python-pptx pyyaml redis requests scikit-learn scipy selenium setuptools sqlalchemy
    streamlit tensorflow tiktoken torch transformers tweepy typer urllib3 uvicorn virtualenv websockets yfinance
        """.split()  # noqa: SIM905 - a list of 60 literals is harder to read
    ),
    frozenset(
        [
            *(
                "attr",
                "beautifulsoup",
                "boto",
                "grequests",
                "jinja",
                "openapi",
                "panda",
                "psycopg",
                "psycopg3",
                "pyaml",
            ),
            *("pypdf", "pypdf3", "torchx", "websocket"),
        ]
    ),
    longest=100,
)
