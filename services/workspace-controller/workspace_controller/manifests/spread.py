"""Over how many processes and nodes a training is spread."""

from dataclasses import dataclass

from kaito_kube.kinds import Manifest

_PROCESSES = "KAITO_PROCESSES"
NODE_RANK = "KAITO_NODE_RANK"
# Where the launcher of the first node listens; the tuner's default, too.
RENDEZVOUS_PORT = 29400
# The Job controller sets both on the pods of an Indexed Job.
COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index"
FIRST_INDEX = "0"
NODE_DISK = {"name": "node", "mountPath": "/mnt/node"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """`processes` train on each of `nodes`, each with the whole model on a GPU of its own."""

    processes: int = 1
    nodes: int = 1

    @property
    def size(self) -> int:
        return self.processes * self.nodes

    def env(self, job: str, service: str) -> dict[str, str]:
        """What the tuner needs to know beside the number of its node.

        Nothing where one process trains, as its defaults are. The pods of `job` have names in the
        headless `service`.
        """
        env = {_PROCESSES: str(self.processes)} if self.processes > 1 else {}
        if self.nodes > 1:
            env["KAITO_NODES"] = str(self.nodes)
            env["KAITO_RENDEZVOUS"] = f"{job}-{FIRST_INDEX}.{service}:{RENDEZVOUS_PORT}"
            env["KAITO_NODE_RESULTS_DIR"] = NODE_DISK["mountPath"]
        return env

    @property
    def rank_env(self) -> tuple[Manifest, ...]:
        """The number of the node, which each pod of a Job has from its index."""
        if self.nodes == 1:
            return ()
        path = f"metadata.annotations['{COMPLETION_INDEX}']"
        return ({"name": NODE_RANK, "valueFrom": {"fieldRef": {"fieldPath": path}}},)


ALONE = Spread()


def spread_of(job: Manifest) -> Spread:
    """That of a tuning Job, whatever this release would decide."""
    spec = job.get("spec", {})
    pod = spec.get("template", {}).get("spec", {})
    containers = (*(pod.get("initContainers") or ()), *(pod.get("containers") or ()))
    values = {
        variable.get("name"): str(variable.get("value"))
        for container in containers
        for variable in container.get("env") or ()
    }
    processes = values.get(_PROCESSES, "1")
    return Spread(
        processes=int(processes) if processes.isdigit() else 1, nodes=spec.get("completions") or 1
    )
