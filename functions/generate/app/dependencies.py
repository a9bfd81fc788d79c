"""The function's settings, and the collaborators that its routes use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from atelier.accounts.authorization import Authenticate
from atelier.adapters.aws import clients
from atelier.adapters.aws.catalog_object import catalog_source
from atelier.adapters.aws.queues import SqsQueue
from atelier.adapters.aws.secrets import NAMES, NO_KEYS, Secret, SecretProviderKeys
from atelier.adapters.dynamodb.acceptance_store import AcceptanceStore
from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.adapters.dynamodb.generation_store import GenerationStore
from atelier.adapters.dynamodb.records import RecordTable
from atelier.adapters.lambda_.router import current_event
from atelier.catalog.model import Catalog, Model
from atelier.clock import now_ms
from atelier.generations.accept import Accept
from atelier.generations.wait import Wait
from atelier.outbound.url_policy import UrlPolicy
from atelier.providers.registry import KINDS, Setup
from atelier.settings import load

if TYPE_CHECKING:  # what few requests need is imported by those
    from atelier.accounts.api_keys import ApiKey
    from atelier.adapters.aws.s3_files import S3Files
    from atelier.adapters.dynamodb.delivery_store import DeliveryStore
    from atelier.generations.cancel import Cancel
    from atelier.generations.delete import Delete
    from atelier.images.uploads import StoreUpload
    from atelier.webhooks.redeliver import Redeliver


from atelier.api.base_url import resolve_public_url


@dataclass(frozen=True, slots=True)
class Settings:
    """This function's environment variables."""

    generations_table: str
    accounts_table: str
    dispatch_queue_url: str
    ingest_queue_url: str
    delivery_queue_url: str
    files_bucket: str
    digest_key_arn: str
    provider_keys_arn: str
    provider_urls: Mapping[str, str]
    bedrock_model_arns: tuple[str, ...]
    catalog_object: str
    public_url: str
    cors_origins: tuple[str, ...]
    aws_region: str
    wait_seconds: int
    retention_days: int
    allow_loopback: bool
    egress_ports: frozenset[int]


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The routes' dependencies, made once a sandbox; few routes' own ones are made by those routes."""

    settings: Settings
    policy: UrlPolicy
    catalog: Callable[[], Catalog]
    setup: Setup
    table: RecordTable
    generations: GenerationStore
    authenticate: Authenticate
    accounts: AccountStore
    accept: Accept
    wait: Wait

    def usable(self, key: "ApiKey", model: Model) -> bool:
        """Tell whether a key may use a model, and a provider of it is set up here."""
        allowed = key.models is None or model.slug in key.models
        return allowed and bool(model.usable(self.setup.ready, test=key.test))

    def deliveries(self) -> "DeliveryStore":
        """Reach the deliveries."""
        from atelier.adapters.dynamodb.delivery_store import DeliveryStore

        return DeliveryStore(self.table, retention_days=self.settings.retention_days)

    def files(self) -> "S3Files":
        """Reach the bucket."""
        from atelier.adapters.aws.s3_files import S3Files

        return S3Files(lambda: clients.client("s3", brief=True), self.settings.files_bucket)

    def cancel(self) -> "Cancel":
        """Be ready to cancel generations."""
        from atelier.generations.cancel import Cancel

        queue = SqsQueue(lambda: clients.client("sqs", brief=True), self.settings.ingest_queue_url)
        return Cancel(generations=self.generations, ingest_queue=queue, kinds=KINDS, clock=now_ms)

    def redeliver(self) -> "Redeliver":
        """Be ready to tell webhooks again."""
        from atelier.webhooks.redeliver import Redeliver

        queue = SqsQueue(lambda: clients.client("sqs", brief=True), self.settings.delivery_queue_url)
        return Redeliver(deliveries=self.deliveries(), queue=queue, clock=now_ms)

    def store_upload(self) -> "StoreUpload":
        """Be ready to store clients' files."""
        from atelier.images.uploads import StoreUpload

        return StoreUpload(files=self.files(), clock=now_ms)

    def delete(self) -> "Delete":
        """Be ready to delete generations."""
        from atelier.adapters.dynamodb.generation_eraser import TableEraser
        from atelier.generations.delete import Delete

        eraser = TableEraser(clients.client("dynamodb", brief=True), self.settings.generations_table)
        return Delete(generations=self.generations, eraser=eraser, files=self.files())


@cache
def dependencies() -> Dependencies:
    """Put the real collaborators together."""
    settings = load(Settings)
    dynamodb, secrets = clients.client("dynamodb", brief=True), clients.client("secretsmanager", brief=True)
    accounts_table = RecordTable(dynamodb, settings.accounts_table)
    accounts = AccountStore(accounts_table)
    table = RecordTable(dynamodb, settings.generations_table)
    generations = GenerationStore(table, accounts=accounts, retention_days=settings.retention_days)
    setup = Setup(
        keys=SecretProviderKeys(Secret(secrets, settings.provider_keys_arn, stage=NAMES, missing=NO_KEYS)),
        urls=settings.provider_urls,
        bedrock_models=settings.bedrock_model_arns,
    )
    return Dependencies(
        settings=settings,
        policy=UrlPolicy(allow_loopback=settings.allow_loopback, ports=settings.egress_ports),
        catalog=catalog_source(settings.catalog_object, brief=True),
        setup=setup,
        table=table,
        generations=generations,
        authenticate=Authenticate(
            keys=accounts,
            digest_key=Secret(secrets, settings.digest_key_arn),
            clock=now_ms,
        ),
        accounts=accounts,
        accept=Accept(
            acceptances=AcceptanceStore(accounts_table, accounts, generations),
            queue=SqsQueue(lambda: clients.client("sqs", brief=True), settings.dispatch_queue_url),
            ingest_queue=SqsQueue(lambda: clients.client("sqs", brief=True), settings.ingest_queue_url),
            setup=setup,
            clock=now_ms,
        ),
        wait=Wait(generations=generations),
    )


def base_url() -> str:
    """Return where the API is reached, without a final slash, as this request reached it."""
    settings = dependencies().settings
    return resolve_public_url(settings.public_url, api_id=current_event().api_id, region=settings.aws_region)
