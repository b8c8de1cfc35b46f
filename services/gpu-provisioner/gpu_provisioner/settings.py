"""The settings, read from environment variables. The chart's `settings` map to them one to one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from gpu_provisioner.pool_defaults import PoolDefaults
from kaito_process.environment import Environment, SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class Azure:
    """The AKS cluster whose agent pools are managed, and how ARM is reached."""

    subscription_id: str
    resource_group: str
    cluster_name: str
    location: str
    tenant_id: str
    client_id: str
    arm_endpoint: str
    arm_audience: str
    authority_host: str
    instance_discovery: bool
    token_file: str
    ca_file: str
    verify_cluster: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long something may take before it counts as failed. docs/provisioning.md explains what
    follows from each.

    `settle` is how long the cluster must have been steady before anything is deleted that looks
    lost: nodes of a cluster that was started need that long to come back.
    """

    launch_timeout: timedelta = timedelta(minutes=30)
    registration_timeout: timedelta = timedelta(minutes=15)
    initialization_timeout: timedelta = timedelta(minutes=30)
    node_gone_timeout: timedelta = timedelta(minutes=5)
    drain_timeout: timedelta = timedelta(minutes=1)
    orphan_grace: timedelta = timedelta(minutes=5)
    settle: timedelta = timedelta(minutes=5)
    repair: bool = True
    repair_toleration: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How often this process may call Azure Resource Manager. ARM grants one identity 1500 reads,
    600 writes and 600 deletes a minute per subscription, and all identities of a subscription
    together fifteen times that. Deletes are counted separately, with the budget of writes."""

    reads_per_minute: int = 600
    writes_per_minute: int = 570


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    azure: Azure
    budget: Budget
    pools: PoolDefaults
    timeouts: Timeouts
    absent_claim_kinds: frozenset[str] = frozenset()
    release_namespace: str
    pod_name: str
    lease_name: str
    http_port: int
    log_level: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read all settings.

        Raises:
            SettingError: a variable is missing or has an invalid value.
        """
        env, budget = Environment(environ), Budget()
        return cls(
            azure=_azure(env),
            budget=Budget(
                reads_per_minute=env.integer(
                    "KAITO_ARM_READS_PER_MINUTE", budget.reads_per_minute, minimum=1
                ),
                writes_per_minute=env.integer(
                    "KAITO_ARM_WRITES_PER_MINUTE", budget.writes_per_minute, minimum=1
                ),
            ),
            pools=PoolDefaults.from_env(env),
            timeouts=_timeouts(env),
            absent_claim_kinds=_claim_kinds(env, "KAITO_ABSENT_CLAIM_KINDS"),
            release_namespace=env.text("KAITO_RELEASE_NAMESPACE"),
            pod_name=env.text("KAITO_POD_NAME"),
            lease_name=env.text("KAITO_LEASE_NAME", "kaito-gpu-provisioner"),
            http_port=env.port("KAITO_HTTP_PORT", 8080),
            log_level=env.log_level("KAITO_LOG_LEVEL"),
        )


def _azure(env: Environment) -> Azure:
    return Azure(
        subscription_id=env.text("KAITO_AZURE_SUBSCRIPTION_ID"),
        resource_group=env.text("KAITO_AZURE_RESOURCE_GROUP"),
        cluster_name=env.text("KAITO_AZURE_CLUSTER_NAME"),
        location=env.text("KAITO_AZURE_LOCATION"),
        tenant_id=env.text("KAITO_AZURE_TENANT_ID"),
        client_id=env.text("KAITO_AZURE_CLIENT_ID"),
        arm_endpoint=env.text("KAITO_ARM_ENDPOINT", "https://management.azure.com"),
        arm_audience=env.text("KAITO_ARM_AUDIENCE", "https://management.azure.com/"),
        authority_host=env.text("KAITO_AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com"),
        instance_discovery=env.flag("KAITO_AZURE_INSTANCE_DISCOVERY", True),
        token_file=env.text("KAITO_AZURE_TOKEN_FILE", "/var/run/secrets/azure/token"),
        ca_file=env.text("KAITO_AZURE_CA_FILE", ""),
        verify_cluster=env.flag("KAITO_AZURE_VERIFY_CLUSTER", True),
    )


def _claim_kinds(env: Environment, name: str) -> frozenset[str]:
    plurals = ("machines", "nodeclaims")
    values = env.comma_separated(name)
    if unknown := [value for value in values if value not in plurals]:
        raise SettingError(name, ",".join(unknown), f"use {' or '.join(plurals)}")
    return frozenset(values)


def _timeouts(env: Environment) -> Timeouts:
    defaults = Timeouts()

    def duration(name: str, default: timedelta) -> timedelta:
        return env.duration(name, int(default.total_seconds()))

    return Timeouts(
        launch_timeout=duration("KAITO_LAUNCH_TIMEOUT_SECONDS", defaults.launch_timeout),
        registration_timeout=duration(
            "KAITO_REGISTRATION_TIMEOUT_SECONDS", defaults.registration_timeout
        ),
        initialization_timeout=duration(
            "KAITO_INITIALIZATION_TIMEOUT_SECONDS", defaults.initialization_timeout
        ),
        node_gone_timeout=duration("KAITO_NODE_GONE_TIMEOUT_SECONDS", defaults.node_gone_timeout),
        drain_timeout=duration("KAITO_DRAIN_TIMEOUT_SECONDS", defaults.drain_timeout),
        orphan_grace=duration("KAITO_ORPHAN_GRACE_SECONDS", defaults.orphan_grace),
        settle=duration("KAITO_SETTLE_SECONDS", defaults.settle),
        repair=env.flag("KAITO_NODE_REPAIR", defaults.repair),
        repair_toleration=duration(
            "KAITO_NODE_REPAIR_TOLERATION_SECONDS", defaults.repair_toleration
        ),
    )
