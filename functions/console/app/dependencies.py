"""The function's settings, and the collaborators that its routes use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from atelier.accounts.sign_in import SignIn
from atelier.adapters.aws import clients
from atelier.adapters.aws.catalog_object import catalog_source
from atelier.adapters.aws.queues import DeadLetters, SqsQueue
from atelier.adapters.aws.secrets import ProviderKeysEditor, Secret, SecretProviderKeys
from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.adapters.dynamodb.circuit_breakers import CircuitBreakerTable
from atelier.adapters.dynamodb.delivery_store import DeliveryStore
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.adapters.dynamodb.records import RecordTable
from atelier.adapters.dynamodb.session_store import SessionStore
from atelier.adapters.lambda_.router import current_event
from atelier.adapters.lambda_.static_pages import StaticFiles
from atelier.api.base_url import resolve_public_url
from atelier.catalog.model import Catalog
from atelier.clock import now_ms
from atelier.providers.registry import KEYS_FOR_CALLBACKS, KINDS, Gateways, Setup, synchronous
from atelier.settings import load

if TYPE_CHECKING:  # what few requests need is imported by those
    from atelier.adapters.aws.s3_files import S3Files
    from atelier.generations.cancel import Cancel
    from atelier.generations.delete import Delete
    from atelier.providers.check_provider import CheckProvider
    from atelier.webhooks.redeliver import Redeliver


@dataclass(frozen=True, slots=True)
class Settings:
    """This function's environment variables."""

    generations_table: str
    accounts_table: str
    files_bucket: str
    ingest_queue_url: str
    delivery_queue_url: str
    dispatch_dead_letter_queue_url: str
    ingest_dead_letter_queue_url: str
    notify_dead_letter_queue_url: str
    delivery_dead_letter_queue_url: str
    digest_key_arn: str
    signing_key_arn: str
    console_secret_arn: str
    provider_keys_arn: str
    provider_urls: Mapping[str, str]
    bedrock_model_arns: tuple[str, ...]
    catalog_object: str
    public_url: str
    aws_region: str
    retention_days: int


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The routes' dependencies, made once a sandbox; few routes' own ones are made by those routes."""

    settings: Settings
    static: StaticFiles
    catalog: Callable[[], Catalog]
    accounts: AccountStore
    generations: GenerationStore
    deliveries: DeliveryStore
    breakers: CircuitBreakerTable
    digest_key: Secret
    signing_key: Secret
    sign_in: SignIn

    def files(self) -> "S3Files":
        """Reach the bucket."""
        from atelier.adapters.aws.s3_files import S3Files

        return S3Files(lambda: clients.client("s3"), self.settings.files_bucket)

    def provider_keys(self) -> ProviderKeysEditor:
        """Be ready to change the providers' keys."""
        return ProviderKeysEditor(
            clients.client("secretsmanager"), self.settings.provider_keys_arn, for_callbacks=KEYS_FOR_CALLBACKS
        )

    def provider_setup(self) -> Setup:
        """Read anew which providers are set up."""
        known = self.settings
        keys = SecretProviderKeys(Secret(clients.client("secretsmanager"), known.provider_keys_arn))
        return Setup(keys, known.provider_urls, known.bedrock_model_arns)

    def check_provider(self) -> "CheckProvider":
        """Be ready to call providers."""
        from atelier.adapters import ed25519
        from atelier.adapters.aws.bedrock import BedrockAccess, BedrockModels
        from atelier.adapters.http.client import client
        from atelier.outbound.url_policy import OperatorPolicy, UrlPolicy
        from atelier.providers.asynchronous import asynchronous
        from atelier.providers.bedrock import Bedrock
        from atelier.providers.check_provider import CheckProvider

        http, urls = client(OperatorPolicy()), self.settings.provider_urls
        gateways = Gateways(http, client(UrlPolicy()), urls)
        models = BedrockModels(lambda: clients.client("bedrock-runtime"))
        access = BedrockAccess(lambda: clients.client("bedrock", brief=True))
        providers = {
            **{name: gateways(one) for name, one in self.catalog().gateways.items()},
            **asynchronous(http, urls=urls, verify=ed25519.verify),
            **synchronous(http, urls=urls, models=models),
            Bedrock.name: Bedrock(models, access, self.settings.bedrock_model_arns),
        }
        return CheckProvider(providers, self.provider_setup().keys)

    def delete(self) -> "Delete":
        """Be ready to delete generations."""
        from atelier.adapters.dynamodb.generation_eraser import TableEraser
        from atelier.generations.delete import Delete

        eraser = TableEraser(clients.client("dynamodb"), self.settings.generations_table)
        return Delete(generations=self.generations, eraser=eraser, files=self.files())

    def cancel(self) -> "Cancel":
        """Be ready to cancel generations."""
        from atelier.generations.cancel import Cancel

        queue = SqsQueue(lambda: clients.client("sqs"), self.settings.ingest_queue_url)
        return Cancel(generations=self.generations, ingest_queue=queue, kinds=KINDS, clock=now_ms)

    def redeliver(self) -> "Redeliver":
        """Be ready to tell webhooks again."""
        from atelier.webhooks.redeliver import Redeliver

        queue = SqsQueue(lambda: clients.client("sqs"), self.settings.delivery_queue_url)
        return Redeliver(deliveries=self.deliveries, queue=queue, clock=now_ms)

    def dead_letters(self) -> DeadLetters:
        """Look into the dead-letter queues."""
        known = self.settings
        urls = (
            known.dispatch_dead_letter_queue_url,
            known.ingest_dead_letter_queue_url,
            known.notify_dead_letter_queue_url,
            known.delivery_dead_letter_queue_url,
        )
        return DeadLetters(clients.client("sqs"), urls)


@cache
def dependencies() -> Dependencies:
    """Put the real collaborators together."""
    settings = load(Settings)
    dynamodb, secrets = clients.client("dynamodb"), clients.client("secretsmanager")
    account_table = RecordTable(dynamodb, settings.accounts_table)
    table = RecordTable(dynamodb, settings.generations_table)
    accounts = AccountStore(account_table)
    signing_key = Secret(secrets, settings.signing_key_arn)
    return Dependencies(
        settings=settings,
        static=StaticFiles(Path(__file__).parents[1] / "static"),
        catalog=catalog_source(settings.catalog_object),
        accounts=accounts,
        generations=GenerationStore(table, accounts=accounts, retention_days=settings.retention_days),
        deliveries=DeliveryStore(table, retention_days=settings.retention_days),
        breakers=CircuitBreakerTable(table),
        digest_key=Secret(secrets, settings.digest_key_arn),
        signing_key=signing_key,
        sign_in=SignIn(
            sessions=SessionStore(account_table),
            console_secret=Secret(secrets, settings.console_secret_arn),
            signing_key=signing_key,
            clock=now_ms,
        ),
    )


def base_url() -> str:
    """Return where the API is reached, without a final slash, as this request reached it."""
    settings = dependencies().settings
    return resolve_public_url(settings.public_url, api_id=current_event().api_id, region=settings.aws_region)
