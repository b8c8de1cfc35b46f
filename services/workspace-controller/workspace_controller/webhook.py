"""The validating webhook over HTTPS, and the Secret that its certificate lies in.

Every replica serves; whoever comes first makes the certificate, and whoever leads has the API
server call them.
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
from kaito_kube.kinds import SECRET, VALIDATING_WEBHOOK, Manifest
from workspace_controller import admission, certificates
from workspace_controller.certificates import Certificates
from workspace_controller.metrics import Metrics
from workspace_controller.plan.validation import Problem
from workspace_controller.settings import Settings

logger = logging.getLogger(__name__)
_LOOK_AGAIN_S = 3600.0
_RETRY_S = 5.0
_FIELDS = {"ca": "ca.crt", "ca_key": "ca.key", "serving": "tls.crt", "serving_key": "tls.key"}

Value = TypeVar("Value")
Check = Callable[[Manifest], Awaitable[Sequence[Problem]]]
"""What is wrong with a Workspace. Raises ClusterError when it cannot be told."""


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
        """Serves until it is cancelled; without a Service that leads here, does nothing."""
        if not self.settings.webhook_service:
            return await _for_ever()
        self._load(await self._patiently(self.certificates))
        runner = web.AppRunner(self._app(), access_log=None)
        await runner.setup()
        try:
            port = self.settings.webhook_port
            await web.TCPSite(runner, port=port, ssl_context=self._context).start()
            while True:
                await asyncio.sleep(_LOOK_AGAIN_S)
                self._load(await self._patiently(self.certificates))
        finally:
            await runner.cleanup()

    async def announce(self) -> None:
        """The leader's part: the API server calls the Service, and trusts its certificate."""
        if not self.settings.webhook_service:
            return
        while True:
            await self._patiently(self._configure)
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def _configure(self) -> None:
        made = await self.certificates()
        wanted = admission.configuration(self.settings, made.ca)
        await self.cluster.apply(VALIDATING_WEBHOOK, wanted)

    async def certificates(self) -> Certificates:
        """As the Secret has them; made or renewed there when they are due. Raises ClusterError."""
        name, namespace = self._secret_name, self.settings.release_namespace
        now, names = self.clock.now(), self._names
        try:
            secret = await self.cluster.get(SECRET, name, namespace)
        except NotFound:
            return await self._keep(certificates.make(names, now), None)
        found = _read(secret)
        if found is None:
            return await self._keep(certificates.make(names, now), secret)
        if certificates.is_due(found, names, now):
            return await self._keep(certificates.renewed(found, names, now), secret)
        return found

    async def _keep(self, made: Certificates, before: Manifest | None) -> Certificates:
        """Writes them, unless another replica was quicker: then its are the ones."""
        name, namespace = self._secret_name, self.settings.release_namespace
        data = {
            key: base64.b64encode(getattr(made, field_)).decode() for field_, key in _FIELDS.items()
        }
        try:
            if before is None:
                metadata = {"name": name, "namespace": namespace}
                await self.cluster.create(
                    SECRET, {"metadata": metadata, "type": "kubernetes.io/tls", "data": data}
                )
            else:
                version = {"resourceVersion": before["metadata"]["resourceVersion"]}
                patch = {"metadata": version, "data": data}
                await self.cluster.patch(SECRET, name, patch, namespace=namespace)
        except (AlreadyExists, Conflict):
            return await self.certificates()
        return made

    def _load(self, made: Certificates) -> None:
        """From now on new connections are served with it. Python takes it from files only."""
        with tempfile.TemporaryDirectory() as folder:
            chain, key = Path(folder, "tls.crt"), Path(folder, "tls.key")
            chain.write_bytes(made.serving)
            key.touch(mode=0o600)
            key.write_bytes(made.serving_key)
            self._context.load_cert_chain(chain, key)

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=4 * 2**20)
        app.router.add_post(admission.PATH, self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            review = await request.json()
            workspace = admission.subject(review)
            found = await self._problems(workspace)
            answer = admission.answer(review, found)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return web.Response(status=400, text=f"not an AdmissionReview: {error}")
        self.metrics.admissions.labels(allowed=str(not found).lower()).inc()
        return web.Response(text=json.dumps(answer), content_type="application/json")

    async def _problems(self, workspace: Manifest) -> Sequence[Problem]:
        """What cannot be told is allowed: the same is checked again at every pass."""
        try:
            return admission.denials(await self.check(workspace))
        except ClusterError as error:
            logger.warning("admitted unchecked: %s", error)
            return ()

    async def _patiently(self, ask: Callable[[], Awaitable[Value]]) -> Value:
        while True:
            try:
                return await ask()
            except ClusterError as error:
                logger.warning("webhook: %s", error)
                await asyncio.sleep(_RETRY_S)

    @property
    def _secret_name(self) -> str:
        return f"{self.settings.webhook_service}-webhook-cert"

    @property
    def _names(self) -> tuple[str, ...]:
        service = f"{self.settings.webhook_service}.{self.settings.release_namespace}"
        return (f"{service}.svc", f"{service}.svc.cluster.local", service)


def _read(secret: Manifest) -> Certificates | None:
    data: Mapping[str, str] = secret.get("data") or {}
    try:
        return Certificates(**{f: base64.b64decode(data[key]) for f, key in _FIELDS.items()})
    except (KeyError, ValueError):
        return None


async def _for_ever() -> None:
    await asyncio.Event().wait()
