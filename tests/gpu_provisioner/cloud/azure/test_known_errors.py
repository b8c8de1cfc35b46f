"""Every error of the table, as AKS sends it, becomes what the table says: through the emulator,
the SDK and AksCloud."""

import asyncio
from pathlib import Path

import pytest

from gpu_provisioner.cloud import errors
from gpu_provisioner.cloud.azure.errors import failure
from gpu_provisioner.cloud.azure.known_errors import KNOWN_ERRORS, Kind, KnownError
from gpu_provisioner.cloud.errors import CloudError, LaunchRefused
from gpu_provisioner.cloud.pools import Pool
from gpu_provisioner.offerings.unavailable_offerings import UNAVAILABLE_TTL
from kaito_api.reasons import Reason
from tests.gpu_provisioner.emulation import SPEC, Emulation, emulation
from tests.waiting import HANG_SECONDS

AT_ONCE = [known for known in KNOWN_ERRORS if known.status is not None]
LATE = [known for known in KNOWN_ERRORS if known.status is None]


def ids(rows: list[KnownError]) -> list[str]:
    return [f"{number}-{known.code}" for number, known in enumerate(rows)]


def test_table_has_errors_with_sources() -> None:
    assert len(KNOWN_ERRORS) >= 40
    assert all(known.source.startswith("https://") for known in KNOWN_ERRORS)


@pytest.mark.parametrize("known", AT_ONCE, ids=ids(AT_ONCE))
async def test_refused_request_has_the_reason_of_the_table(
    known: KnownError, tmp_path: Path
) -> None:
    async with emulation(tmp_path) as emulated:
        emulated.set_fault(
            kind="refused", status=known.status, code=known.code, message=known.message
        )
        with pytest.raises(CloudError) as caught:
            # A create with 412 means that the pool exists; every other conditional call, the error.
            if known.status == 412:
                await emulated.cloud.delete(SPEC.name, etag="old")
            else:
                await emulated.cloud.create(SPEC)
    assert caught.value.reason == known.reason
    assert type(caught.value) is _class(known)


@pytest.mark.parametrize("known", LATE, ids=ids(LATE))
async def test_late_failure_has_the_reason_of_the_table(known: KnownError, tmp_path: Path) -> None:
    async with emulation(tmp_path) as emulated:
        emulated.set_fault(kind="operation-fails", code=known.code, message=known.message)
        await emulated.cloud.create(SPEC)
        pool = await _failed(emulated)
    assert pool.error is not None
    assert pool.error.reason == known.reason


@pytest.mark.parametrize("known", KNOWN_ERRORS, ids=ids(list(KNOWN_ERRORS)))
@pytest.mark.parametrize("wrapping", ["json", "escaped", "autorest", "flat", "details"])
def test_wrapped_error_has_the_same_reason(known: KnownError, wrapping: str) -> None:
    inner = known.message.replace("\\", "").replace('"', "'")
    text = {
        "json": f'VMSSAgentPoolReconciler retry failed: {{\n "code": "{known.code}",\n '
        f'"message": "{inner}"\n}}',
        "escaped": 'VMSSAgentPoolReconciler retry failed: {\\n \\"code\\": '
        f'\\"{known.code}\\",\\n \\"message\\": \\"{inner}\\"\\n}}',
        "autorest": f'Service returned an error. Code="{known.code}" Message="{inner}"',
        "flat": inner,
        "details": "The operation failed.",
    }[wrapping]
    document: dict[str, object] = {"code": "CreateVMSSAgentPoolFailed", "message": text}
    if wrapping == "flat":
        document = {"code": known.code, "details": None, "message": inner, "subcode": ""}
    if wrapping == "details":
        document["details"] = [{"code": known.code, "message": inner}]
    assert failure(document).reason == known.reason


@pytest.mark.parametrize("known", [k for k in KNOWN_ERRORS if k.pattern])
def test_words_tell_an_error_under_an_unknown_code(known: KnownError) -> None:
    message = known.message.replace("\n", " ")
    assert failure({"code": "NeverSeen", "message": message}).reason == known.reason


@pytest.mark.parametrize(
    "reason",
    [Reason.POLICY_DENIED, Reason.SUBNET_FULL, Reason.SUBNET_UNAUTHORIZED, Reason.RESOURCE_LOCKED,
     Reason.LIMIT_REACHED, Reason.NODE_SETUP_FAILED, Reason.TERMINATION_BLOCKED],
)  # fmt: skip
def test_only_shortages_of_a_size_set_it_aside(reason: Reason) -> None:
    assert reason in {known.reason for known in KNOWN_ERRORS}
    assert reason not in UNAVAILABLE_TTL


def _class(known: KnownError) -> type[CloudError]:
    is_outage = known.status is not None and known.status >= 500
    if is_outage and known.kind is Kind.REFUSED:
        return errors.CloudUnavailable
    found: type[CloudError] = getattr(errors, known.kind.value)
    return found


async def _failed(emulated: Emulation) -> Pool:
    async with asyncio.timeout(HANG_SECONDS):
        while True:
            pool = await emulated.cloud.get(SPEC.name)
            if pool.state.failed:
                return pool
            await asyncio.sleep(0.02)


def test_late_failure_is_a_refusal_of_the_launch() -> None:
    error = failure({"code": "SubnetIsFull", "message": "Subnet gpu is full"})
    assert isinstance(error, LaunchRefused)
