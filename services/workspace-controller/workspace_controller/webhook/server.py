"""The validating webhook over HTTPS, and the Secret that holds its certificate.

Every replica answers. The first one to look issues the certificate for all of them, and the leader
registers the webhook with the API server. docs/design/0003-kopf-and-informer.md says why kopf does
not serve it.
"""

import asyncio
import base64
import json
import logging
import ssl
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from aiohttp import web

from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.errors import AlreadyExists, ClusterError, Conflict, NotFound
from kaito_kube.kinds import CLUSTER_ROLE, SECRET, VALIDATING_WEBHOOK, Manifest
from kaito_kube.owner_reference import owner_references
from kaito_process.retry import retry_until_done
from workspace_controller.metrics import Metrics
from workspace_controller.plan.problem import Problem
from workspace_controller.settings import Settings, release_metadata
from workspace_controller.webhook import admission
from workspace_controller.webhook.certificates import Certificates, issue, needs_renewal, renew

logger = logging.getLogger(__name__)

# Certificates are renewed 90 days before they expire, so an hour's delay makes no difference.
_CHECK_INTERVAL_SECONDS = 3600.0
# A Workspace is far smaller, but etcd accepts objects of 1.5 MiB, and an update sends two of them.
_MAX_REVIEW_BYTES = 4 * 2**20
_SECRET_KEYS = {"ca": "ca.crt", "ca_key": "ca.key", "serving": "tls.crt", "serving_key": "tls.key"}

Value = TypeVar("Value")
Check = Callable[[Manifest], Awaitable[Sequence[Problem]]]
"""Returns what is wrong with a Workspace, or raises ClusterError when it cannot find out."""


@dataclass(frozen=True, slots=True)
class Webhook:
    cluster: Cluster
    clock: Clock
    settings: Settings
    check: Check
    metrics: Metrics
    _context: ssl.SSLContext = field(
        default_factory=lambda: ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    )

    async def serve(self) -> None:
        """Serves until it is canceled. Does nothing where the release has no webhook Service."""
        if not self.settings.webhook_service:
            return await _wait_forever()
        self._load(await _retry(self.ensure_certificates))
        runner = web.AppRunner(self._app(), access_log=None)
        await runner.setup()
        try:
            port = self.settings.webhook_port
            await web.TCPSite(runner, port=port, ssl_context=self._context).start()
            while True:
                await asyncio.sleep(_CHECK_INTERVAL_SECONDS)
                self._load(await _retry(self.ensure_certificates))
        finally:
            await runner.cleanup()

    async def keep_registered(self) -> None:
        """Has the API server call the Service and trust its certificate. The leader runs it."""
        if not self.settings.webhook_service:
            return
        while True:
            await _retry(self._register)
            await asyncio.sleep(_CHECK_INTERVAL_SECONDS)

    async def _register(self) -> None:
        certificates = await self.ensure_certificates()
        # Read each time: the rights may come after this process.
        owners = await owner_references(self.cluster, CLUSTER_ROLE, self.settings.lease_name)
        configuration = admission.configuration(self.settings, certificates.ca, owners)
        await self.cluster.apply(VALIDATING_WEBHOOK, configuration)

    async def ensure_certificates(self) -> Certificates:
        """Returns those in the Secret, after it has issued or renewed them where they are due.

        Raises:
            ClusterError: the Secret could not be read or written.
        """
        name, namespace = self._secret_name, self.settings.release_namespace
        now, names = self.clock.now(), self._dns_names
        try:
            secret = await self.cluster.get(SECRET, name, namespace)
        except NotFound:
            return await self._write(issue(names, now), None)
        current = _read(secret)
        if current is None:
            return await self._write(issue(names, now), secret)
        if needs_renewal(current, names, now):
            return await self._write(renew(current, names, now), secret)
        if not self._is_owned(secret):
            return await self._write(current, secret)
        return current

    async def _write(self, certificates: Certificates, before: Manifest | None) -> Certificates:
        """Writes the Secret. If another replica was faster, its certificates are returned: all
        replicas must serve the same authority, because the API server trusts only one."""
        name, namespace = self._secret_name, self.settings.release_namespace
        metadata = release_metadata(self.settings, name)
        data = {
            key: base64.b64encode(getattr(certificates, field_)).decode()
            for field_, key in _SECRET_KEYS.items()
        }
        try:
            if before is None:
                manifest = {"metadata": metadata, "type": "kubernetes.io/tls", "data": data}
                await self.cluster.create(SECRET, manifest)
            else:
                metadata["resourceVersion"] = before["metadata"]["resourceVersion"]
                patch = {"metadata": metadata, "data": data}
                await self.cluster.patch(SECRET, name, patch, namespace=namespace)
        except (AlreadyExists, Conflict):
            return await self.ensure_certificates()
        return certificates

    def _load(self, certificates: Certificates) -> None:
        """Serves new connections with these certificates; open ones are left alone."""
        # Python's ssl reads private keys from files only. These exist for a moment.
        with tempfile.TemporaryDirectory() as folder:
            chain, key = Path(folder, "tls.crt"), Path(folder, "tls.key")
            chain.write_bytes(certificates.serving)
            key.touch(mode=0o600)
            key.write_bytes(certificates.serving_key)
            self._context.load_cert_chain(chain, key)

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=_MAX_REVIEW_BYTES)
        app.router.add_post(admission.PATH, self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            review = await request.json()
            workspace = admission.subject(review)
            problems = await self._problems(workspace)
            answer = admission.answer(review, problems)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return web.Response(status=400, text=f"not an AdmissionReview: {error}")
        self.metrics.admissions.labels(allowed=str(answer["response"]["allowed"]).lower()).inc()
        return web.Response(text=json.dumps(answer), content_type="application/json")

    async def _problems(self, workspace: Manifest) -> Sequence[Problem]:
        """Fails open: a Workspace that cannot be checked is admitted, and every pass of the
        reconciler checks it again."""
        try:
            return await self.check(workspace)
        except ClusterError as error:
            logger.warning("admitted without a check: %s", error)
            return ()

    def _is_owned(self, secret: Manifest) -> bool:
        """Whether the Secret goes with the release. One of an earlier release does not yet."""
        wanted = release_metadata(self.settings, self._secret_name).get("ownerReferences")
        return not wanted or secret["metadata"].get("ownerReferences") == wanted

    @property
    def _secret_name(self) -> str:
        return f"{self.settings.webhook_service}-webhook-cert"

    @property
    def _dns_names(self) -> tuple[str, ...]:
        # The API server verifies the first.
        service = f"{self.settings.webhook_service}.{self.settings.release_namespace}"
        return (f"{service}.svc", f"{service}.svc.cluster.local", service)


async def _retry(call: Callable[[], Awaitable[Value]]) -> Value:
    return await retry_until_done(call, ClusterError, "keep the webhook", logger)


def _read(secret: Manifest) -> Certificates | None:
    """None where the Secret lacks a part, or holds something else."""
    data: Mapping[str, str] = secret.get("data") or {}
    try:
        return Certificates(**{f: base64.b64decode(data[key]) for f, key in _SECRET_KEYS.items()})
    except (KeyError, ValueError):
        return None


async def _wait_forever() -> None:
    await asyncio.Event().wait()
