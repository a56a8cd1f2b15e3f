"""One question to many hosts: what differs between them is a value.

python examples/hosts.py                 # with OPENAI_BASE_URL, or else the embedded server, in the place of each host
python examples/hosts.py openrouter      # the host itself, with the key in its variable of the environment
"""

import os
import sys
from collections.abc import Callable

from oxide import Client, providers
from oxide.testing import Server


def ask(provider: providers.Provider, model: str) -> None:
    with Client(provider=provider) as client:
        answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Say hello."}])
    print(f"{provider.name:<11} {model:<28} {answer.choices[0].message.content}")


REAL: dict[str, tuple[Callable[[], providers.Provider], str]] = {
    "openrouter": (
        lambda: providers.openrouter(preferences=providers.ProviderPreferences.cheap()),
        "openai/gpt-5-mini",
    ),
    "cloudflare": (providers.cloudflare, "@cf/openai/gpt-oss-20b"),
    "bedrock": (providers.bedrock, "openai.gpt-oss-20b"),
    "vertex": (providers.vertex, "openai/gpt-oss-20b-maas"),
    "anthropic": (lambda: providers.anthropic(cache="5m"), "claude-haiku-4-5"),
}


def ask_all(here: str) -> None:
    ask(providers.openrouter("key", app_title="oxide examples", base_url=here), "openai/gpt-5-mini")
    ask(providers.cloudflare("account", "key", base_url=here), "@cf/openai/gpt-oss-20b")
    ask(providers.bedrock(region="us-east-1", api_key="key", base_url=here), "openai.gpt-oss-20b")
    ask(providers.vertex(token_provider=lambda: "token", base_url=here), "openai/gpt-oss-20b-maas")
    ask(providers.anthropic("key", cache="5m", base_url=here), "claude-haiku-4-5")
    ask(providers.local(here, "key"), "llama")


if len(sys.argv) > 1:
    make, name = REAL[sys.argv[1]]
    ask(make(), name)
elif "OPENAI_BASE_URL" in os.environ:
    ask_all(os.environ["OPENAI_BASE_URL"])
else:
    with Server() as server:
        ask_all(server.url)
