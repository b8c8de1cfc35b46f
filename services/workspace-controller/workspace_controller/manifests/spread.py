"""Over how many processes a training is spread."""

from dataclasses import dataclass

from kaito_kube.kinds import Manifest

_PROCESSES = "KAITO_PROCESSES"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """`processes` train on the node, each with the whole model on a GPU of its own."""

    processes: int = 1

    @property
    def env(self) -> dict[str, str]:
        """What the tuner needs to know; nothing where one process trains, as its default is."""
        return {_PROCESSES: str(self.processes)} if self.processes > 1 else {}


ALONE = Spread()


def spread_of(job: Manifest) -> Spread:
    """That of a tuning Job, whatever this release would decide."""
    pod = job.get("spec", {}).get("template", {}).get("spec", {})
    containers = (*(pod.get("initContainers") or ()), *(pod.get("containers") or ()))
    values = {
        variable.get("name"): str(variable.get("value"))
        for container in containers
        for variable in container.get("env") or ()
    }
    processes = values.get(_PROCESSES, "1")
    return Spread(processes=int(processes) if processes.isdigit() else 1)
