"""The commands: demo, ask, stream, models, serve, doctor. Each is spelling around the public client.

Exit codes: 0 done, 1 the API or the connection failed (one line on stderr), 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import os
import sys

from ._typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterator, Sequence

    from . import Client
    from .providers import Provider
    from .testing import Server

__all__ = ["main"]

HELP = """\
usage: python -m oxide COMMAND [options]

  demo                 a tour of the library, against an embedded server (--live: against the API)
  ask TEXT             ask a model, and print its answer
  stream TEXT          the same, printed while it is being written
  models               list the models
  serve                run the embedded server: an API for tests and experiments
  doctor               look for what is wrong with key, network and certificates

  COMMAND --help       its options
  --version            the version
"""
MODEL = "gpt-5-mini"
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; wrong usage raises SystemExit(2), as argparse does."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        print(HELP, end="")
        return 0
    if words[0] == "--version":
        from ._version import __version__

        print(f"oxide {__version__}")
        return 0
    if words[0] not in COMMANDS:
        print(f"oxide: there is no command {words[0]!r}; python -m oxide --help lists them", file=sys.stderr)
        return 2
    options, run = COMMANDS[words[0]]
    return _guarded(run, _parsed(words, options))


def _parsed(words: list[str], options: Callable[[ArgumentParser], None]) -> Namespace:
    """Read the words of one command. Only now is argparse imported, and only this command's options are made."""
    from argparse import ArgumentParser

    parser = ArgumentParser(prog=f"python -m oxide {words[0]}")
    options(parser)
    return parser.parse_args(words[1:])


def _guarded(run: Callable[[Namespace], int], given: Namespace) -> int:
    """Run a command; what goes wrong becomes one line and an exit code."""
    from ._errors import OxideError

    try:
        code = run(given)
        sys.stdout.flush()
    except OxideError as error:
        print(f"oxide: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # the reader has seen enough; what is still buffered must not complain when the interpreter ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"oxide: {error}", file=sys.stderr)
        return 1
    return code


# ------------------------------------------------------------------------------------------------------- ask and stream


def _client_options(parser: ArgumentParser) -> None:
    parser.add_argument("--base-url", help="the API to use; default: OPENAI_BASE_URL, or the service")
    parser.add_argument("--provider", choices=_hosts(), help="another host, with the credentials that the environment has for it")


def _question_options(parser: ArgumentParser) -> None:
    parser.add_argument("text", nargs="*", help="the question; without it, standard input is read")
    parser.add_argument("--model", default=MODEL, help=f"default: {MODEL}")
    parser.add_argument("--instructions", help="how the model should behave")
    _client_options(parser)


def _client(given: Namespace) -> Client:
    from . import Client

    return Client(provider=_provider(given), base_url=given.base_url)


def _hosts() -> tuple[str, ...]:
    from .providers import FROM_ENVIRONMENT

    return FROM_ENVIRONMENT


def _provider(given: Namespace) -> Provider | None:
    """Return the host that was asked for, with what the environment has for it."""
    from . import providers

    make: Callable[[], Provider] | None = getattr(providers, given.provider) if given.provider else None
    return make() if make is not None else None


def _question(given: Namespace) -> str:
    return " ".join(given.text) or sys.stdin.read()


def _ask(given: Namespace) -> int:
    with _client(given) as client:
        response = client.responses.create(model=given.model, input=_question(given), instructions=given.instructions)
    print(response.output_text)
    return 0


def _stream(given: Namespace) -> int:
    asked, manner = _question(given), given.instructions
    with _client(given) as client, client.responses.create(model=given.model, input=asked, instructions=manner, stream=True) as stream:
        for event in stream:
            if event.type == "response.output_text.delta":
                print(event.delta, end="", flush=True)
    print()
    return 0


def _models(given: Namespace) -> int:
    with _client(given) as client:
        listed = cast("dict[str, list[dict[str, str]]]", client.request("GET", "/models").json())  # facts of the API
    print(*sorted(model["id"] for model in listed["data"]), sep="\n")
    return 0


# ----------------------------------------------------------------------------------------------------- demo and serve


def _demo_options(parser: ArgumentParser) -> None:
    parser.add_argument("--live", action="store_true", help="use the API itself; asks for OPENAI_API_KEY, and costs a little")
    parser.add_argument("--model", help=f"default: {MODEL} with --live")
    parser.add_argument("--no-color", action="store_true", help="plain text; so does NO_COLOR")


def _demo(given: Namespace) -> int:
    from ._demo import tour

    if given.live and not os.environ.get("OPENAI_API_KEY"):
        print("oxide: --live needs a key: set OPENAI_API_KEY, or leave --live away", file=sys.stderr)
        return 2
    plain = given.no_color or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    tour(live=given.live, model=given.model or (MODEL if given.live else "echo-1"), colored=not plain)
    return 0


def _serve_options(parser: ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="default: 8080; 0 takes a free one")
    parser.add_argument("--unix", metavar="PATH", help="listen on a Unix socket instead")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), help="PEM files of a certificate and its key; offers HTTP/2 as well")
    parser.add_argument("--pace", type=float, default=0.03, help="seconds between the events of a stream; default: 0.03")


def _serve(given: Namespace) -> int:
    import time

    from .testing import Server

    tls = tuple(given.tls) if given.tls else None
    try:
        _end_when_asked()
        with Server(host=given.host, port=given.port, path=given.unix, tls=tls, pace=given.pace) as server:
            print(
                f"an OpenAI-compatible echo server is at {server.url}",
                f"try: {_example(server, given)}",
                "Ctrl-C ends it.",
                sep="\n",
                flush=True,
            )
            while True:
                time.sleep(0.5)  # no longer: a signal in the moment before it begins to sleep is looked at only after it
    except KeyboardInterrupt:
        print("\nstopped", flush=True)
    return 0


def _example(server: Server, given: Namespace) -> str:
    trust = f"SSL_CERT_FILE={given.tls[0]} " if given.tls else ""
    return f"{trust}OPENAI_API_KEY=test OPENAI_BASE_URL={server.url} {os.path.basename(sys.executable)} -m oxide stream Hello"


def _end_when_asked() -> None:
    """Let SIGTERM do what Ctrl-C does."""
    import signal

    signal.signal(signal.SIGTERM, signal.default_int_handler)


# ------------------------------------------------------------------------------------------------------------- doctor


def _doctor(given: Namespace) -> int:
    """Print a line for each thing looked at, and what to do where it is not well."""
    sick = False
    for well, subject, words in _findings(given):
        sick = sick or not well
        print(f"{'ok     ' if well else 'problem'}  {subject:<9} {words}", flush=True)
    return int(sick)


Finding = tuple[bool, str, str]


def _findings(given: Namespace) -> Iterator[Finding]:
    yield True, "python", f"{sys.version.split()[0]} ({sys.implementation.name}, {sys.platform})"
    yield from _packages()
    key = os.environ.get("OPENAI_API_KEY", "")
    if not given.provider:
        yield bool(key), "key", "OPENAI_API_KEY is set" if key else "OPENAI_API_KEY is not set: export it, or pass api_key= to the client"
    yield from _roots()
    yield True, "proxies", ", ".join(_proxies()) or "none"
    yield from _reached(given)


def _packages() -> Iterator[Finding]:
    from importlib.metadata import PackageNotFoundError, version

    for name in ("h2", "wsproto", "certifi"):
        try:
            yield True, name, version(name)
        except PackageNotFoundError:
            yield False, name, f"is not installed: pip install {name}"


def _roots() -> Iterator[Finding]:
    named = [(name, os.environ[name]) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)]
    for name, path in named:
        there = os.path.exists(path)
        yield there, "trust", f"{name}={path}" + ("" if there else " is not there: correct or unset it")
    if not named:
        yield True, "trust", 'the roots of certifi; trust="system" takes those of this machine'


def _proxies() -> Iterator[str]:
    """Name the proxies of the environment, without the credentials that may stand in their URLs."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        value = os.environ.get(name) or os.environ.get(name.lower())
        if value:
            yield f"{name}={value.rpartition('@')[2]}"


_ADVICE = {
    "resolve": "the host name has no address: check the base URL, the network and the name server",
    "connect": "nobody answers there: check the base URL, the firewall, and whether a proxy is needed",
    "tls": 'the certificate is not trusted: check the clock, SSL_CERT_FILE, or use trust="system" behind a company proxy',
    "proxy": "the proxy refuses: check HTTPS_PROXY and its credentials",
}


def _reached(given: Namespace) -> Iterator[Finding]:
    """Ask for the models once as usual, and over https once more with HTTP/2."""
    from . import APIConnectionError, Client, ConfigurationError

    try:
        provider = _provider(given)
        key = None if provider else os.environ.get("OPENAI_API_KEY") or "none"
        with Client(provider=provider, base_url=given.base_url, api_key=key, max_retries=0, timeout=10) as client:
            if provider:
                yield True, "provider", provider.name
            yield True, "base URL", str(client.base_url)
            yield _judged(client)
        if str(client.base_url).startswith("https:"):
            with client.with_options(http2=True) as other:
                yield True, "http/2", str(other.request("GET", "/models", raise_for_status=False).http.version)
    except ConfigurationError as error:
        yield False, "settings", str(error)
    except APIConnectionError as error:
        yield False, "network", f"{error} ({_ADVICE.get(error.phase, 'try again, and look at the server')})"


def _judged(client: Client) -> Finding:
    answer = client.request("GET", "/models", raise_for_status=False)
    if answer.status_code == 401:
        return False, "answer", "401: the key was refused; make a new one, or check that it belongs to this base URL"
    return answer.status_code < 400, "answer", f"{answer.status_code} from /models"


COMMANDS: dict[str, tuple[Callable[[ArgumentParser], None], Callable[[Namespace], int]]] = {
    "demo": (_demo_options, _demo),
    "ask": (_question_options, _ask),
    "stream": (_question_options, _stream),
    "models": (_client_options, _models),
    "serve": (_serve_options, _serve),
    "doctor": (_client_options, _doctor),
}
