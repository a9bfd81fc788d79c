"""A client of the API, as the handlers see one."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from atelier.accounts.api_keys import mint_key
from atelier.accounts.users import new_user
from atelier.adapters.dynamodb.account_store import AccountStore
from tests.integration.lambdas import Lambdas, request
from tests.integration.stack import Stack

SKETCH = {"model": "sketch", "input": {"prompt": "a boat", "width": 256, "height": 256}}


@dataclass(frozen=True)
class Answer:
    """What came back; `document` is None where there was no body."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def document(self) -> Any:
        return json.loads(self.text) if self.text else None

    @property
    def faults(self) -> list[tuple[str, str]]:
        return [(error["field"], error["code"]) for error in self.document["errors"]]


@dataclass(frozen=True)
class Client:
    """Somebody with a key, or without one."""

    lambdas: Lambdas
    key: str | None = None
    user_id: str = ""

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = "",
        *,
        query: dict[str, str] | None = None,
        **headers: str | None,
    ) -> Answer:
        """Ask; a header that is None is not sent, and bytes come as API Gateway hands them on."""
        content = base64.b64encode(body).decode() if isinstance(body, bytes) else json.dumps(body)
        text = body if isinstance(body, str) else content
        document = request("generate", method=method, path=path, body=text, query=query)
        sent = {"Authorization": self.key, **{name.replace("_", "-"): item for name, item in headers.items()}}
        merged = {name: item for name, item in {**document["headers"], **sent}.items() if item is not None}
        document["headers"] = merged
        document["multiValueHeaders"] = {name: [item] for name, item in merged.items()}
        document["isBase64Encoded"] = isinstance(body, bytes)
        answer = self.lambdas.invoke("generate", document)
        shown = {name: ", ".join(values) for name, values in answer["multiValueHeaders"].items()}
        return Answer(answer["statusCode"], shown, answer["body"])

    def generate(self, **changes: Any) -> str:
        """Ask for a picture and return the generation's id."""
        answer = self("POST", "/generate", {**SKETCH, **changes})
        assert answer.status == 202, answer.text
        found: str = answer.document["id"]
        return found


def a_client(lambdas: Lambdas, stack: Stack, accounts: AccountStore, email: str, **limits: Any) -> Client:
    """Make a user with a key."""
    user = new_user(email=email, name=email, now=0)
    accounts.add_user(user)
    return with_key(Client(lambdas, user_id=user.id), stack, accounts, **limits)


def with_key(client: Client, stack: Stack, accounts: AccountStore, *, test: bool = False, **limits: Any) -> Client:
    """Give the client's user another key."""
    user, secret = accounts.user(client.user_id), stack.secret("DigestKeySecret")
    record, key = mint_key(name="key", user=user, test=test, digest_key=secret, now=0, **limits)
    accounts.add_key(record)
    return Client(client.lambdas, key, user.id)
