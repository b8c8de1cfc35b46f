"""What a training costs in hours and dollars: a range, with its assumptions. Pure.

Operations: a forward pass takes 2 operations per parameter and token, and the backward pass twice
as much (Kaplan et al. 2020, arXiv:2001.08361, section 2.1). LoRA leaves the gradients of the frozen
weights out, a third of the sum: 4 remain. Gradient checkpointing, which memory may require on GPUs,
repeats the forward pass: 6. The report counts with it unless the user turns it off. DPO adds the
forward pass of the reference. Attention itself is left out; it adds little up to some thousand
tokens.

Time: the GPU's dense peak in half precision times the share of it that trainings reach. Published
trainings of whole models reach 20 to 50 % (PaLM, arXiv:2204.02311, table 3); small batches of
unequal lengths stay below, hence the range. Loading, evaluation and checkpoints are left out.
"""

from dataclasses import dataclass

FORWARD_AND_BACKWARD, ANOTHER_FORWARD = 4, 2
# The shares of the peak that a slow and a fast training reach.
LOW_UTILIZATION, HIGH_UTILIZATION = 0.15, 0.4
SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What a run trains on; None and "" are unknown. `peak_tflops` is that of one GPU.

    `price_per_hour` is that of the node in US dollars, and `price_source` says whose it is.
    `processes` train at the same time, each on its own GPU.
    """

    instance_type: str = ""
    gpus: str = ""
    peak_tflops: float | None = None
    price_per_hour: float | None = None
    price_source: str = ""
    processes: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Hours and dollars as (least, most); None where `unknown` says what is missing."""

    hardware: Hardware
    parameters: int | None
    operations_per_token: int | None
    hours: tuple[float, float] | None
    dollars: tuple[float, float] | None
    unknown: tuple[str, ...] = ()


def estimate_cost(
    tokens: int,
    parameters: int | None,
    hardware: Hardware,
    *,
    checkpointing: bool = True,
    per_update: int | None = None,
    reference: bool = False,
) -> Cost:
    """The cost of training a LoRA adapter of a model of `parameters` on `tokens`.

    `reference`: the model without the adapter computes them, too.

    The GPUs of one process compute one after the other, each its part of the model, so the peak of
    one counts. Processes compute at the same time, as far as the `per_update` sequences suffice.
    """
    factor = FORWARD_AND_BACKWARD + ANOTHER_FORWARD * (checkpointing + reference)
    hours = None
    if parameters is not None and hardware.peak_tflops is not None:
        busy = min(hardware.processes, per_update or hardware.processes)
        peak = busy * hardware.peak_tflops * 1e12
        ideal = factor * parameters * tokens / peak / SECONDS_PER_HOUR
        hours = (ideal / HIGH_UTILIZATION, ideal / LOW_UTILIZATION)
    price = hardware.price_per_hour
    dollars = (hours[0] * price, hours[1] * price) if hours and price is not None else None
    return Cost(
        hardware=hardware,
        parameters=parameters,
        operations_per_token=factor * parameters if parameters is not None else None,
        hours=hours,
        dollars=dollars,
        unknown=tuple(_unknown(parameters, hardware)),
    )


def _unknown(parameters: int | None, hardware: Hardware) -> list[str]:
    missing = []
    if parameters is None:
        missing.append("the model's size")
    if hardware.peak_tflops is None:
        missing.append("the GPU's speed")
    if hardware.price_per_hour is None:
        missing.append("the node's price")
    return missing
