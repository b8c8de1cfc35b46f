"""Finds models on the hub, without asking it more often than needed.

What was found is kept for a while, so that Workspaces of one model share it; a Workspace's status
has it for good. A failure is kept for a pause that grows, whoever asks meanwhile.
"""

import asyncio
import hashlib
import logging
import random
from dataclasses import dataclass, field

from kaito_kube.clock import Clock
from kaito_presets.hub.facts import read_model
from kaito_presets.hub.model import HubModel
from kaito_presets.hub.model_files import ModelFiles, needed_files
from kaito_presets.hub.refusal import ModelRefusal
from kaito_process.backoff import Backoff
from kaito_process.outage import Outage
from workspace_controller.hub.client import HubAway, HubClient, HubError, NoUsableAnswer
from workspace_controller.hub.refusals import away, refused, unusable

logger = logging.getLogger(__name__)
# A branch moves seldom; a model that a Workspace has is pinned anyway.
_KEPT_SECONDS = 600.0
_MAX_KEPT = 256
# Lookups at a time, of one to four requests each.
_CONCURRENT = 4
_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 10.0, 600.0


@dataclass(frozen=True, slots=True)
class ModelQuery:
    """`secret` names the Secret of the token, for messages; both are empty without one."""

    name: str
    revision: str
    secret: str = ""
    token: str = field(default="", repr=False)

    @property
    def key(self) -> tuple[str, str, str]:
        """What may share an answer: a private model is nobody's who has no token for it."""
        digest = hashlib.sha256(self.token.encode()).hexdigest() if self.token else ""
        return self.name.lower(), self.revision, digest


@dataclass(slots=True)
class _Kept:
    answer: HubModel | ModelRefusal
    until: float
    backoff: Backoff


@dataclass
class HubModels:
    """One for the process. Moments are seconds of `clock`."""

    client: HubClient
    clock: Clock
    rng: random.Random = field(default_factory=random.Random)
    _kept: dict[tuple[str, str, str], _Kept] = field(default_factory=dict)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_CONCURRENT))
    _away: ModelRefusal | None = None
    _away_until: float = float("-inf")

    def __post_init__(self) -> None:
        self._outage = Outage(logger, "ask the hub about models")
        self._away_backoff = self._new_backoff()

    async def find(self, query: ModelQuery) -> HubModel | ModelRefusal:
        """The model as it is now, or why it cannot be served."""
        if (answer := self._known(query)) is not None:
            return answer
        async with self._slots:
            # Another one may have asked meanwhile.
            if (answer := self._known(query)) is not None:
                return answer
            return await self._ask(query)

    def _known(self, query: ModelQuery) -> HubModel | ModelRefusal | None:
        now, kept = self._now(), self._kept.get(query.key)
        if kept is not None and now < kept.until:
            return kept.answer
        return self._away if now < self._away_until else None

    async def _ask(self, query: ModelQuery) -> HubModel | ModelRefusal:
        try:
            answer = read_model(await self._files(query))
        except NoUsableAnswer as error:
            answer = unusable(error, query.name)
        except HubAway as error:
            return self._note_away(error)
        except HubError as error:
            answer = refused(error, query.name, query.revision, query.secret)
        self._outage.ended(self._now())
        self._away = None
        self._keep(query, answer)
        return answer

    async def _files(self, query: ModelQuery) -> ModelFiles:
        name, revision, token = query.name, query.revision, query.token
        repository = await self.client.repository(name, revision, token)
        paths = needed_files(repository)
        texts = {path: await self.client.text(repository, path, token) for path in paths}
        return ModelFiles(repository=repository, texts=texts)

    def _note_away(self, error: HubAway) -> ModelRefusal:
        now = self._now()
        if self._away is not None and now < self._away_until:
            # It was asked at the same time: one failure, and not several in a row.
            return self._away
        self._outage.failed(error, now)
        pause = self._away_backoff.next_seconds(now)
        asked_for = min(error.retry_after_seconds or 0.0, _MAX_PAUSE_SECONDS)
        self._away_until = now + max(pause, asked_for)
        self._away = away(error)
        return self._away

    def _keep(self, query: ModelQuery, answer: HubModel | ModelRefusal) -> None:
        now, before = self._now(), self._kept.pop(query.key, None)
        if isinstance(answer, HubModel):
            kept = _Kept(answer, now + _KEPT_SECONDS, self._new_backoff())
        else:
            backoff = before.backoff if before is not None else self._new_backoff()
            kept = _Kept(answer, now + backoff.next_seconds(now), backoff)
        # The oldest goes first: dictionaries keep the order of insertion.
        while len(self._kept) >= _MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[query.key] = kept

    def _new_backoff(self) -> Backoff:
        return Backoff(
            first_seconds=_FIRST_PAUSE_SECONDS,
            max_seconds=_MAX_PAUSE_SECONDS,
            # Passes look every ten seconds, so a failure long after a pause is a new one.
            reset_seconds=2 * _MAX_PAUSE_SECONDS,
            rng=self.rng,
        )

    def _now(self) -> float:
        return self.clock.now().timestamp()
