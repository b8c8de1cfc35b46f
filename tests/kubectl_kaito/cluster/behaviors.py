"""What every `Cluster` of the command line does: the fake, and the one on a real API server."""

import uuid

import pytest

from kaito_kube import errors
from kaito_kube.kinds import CONFIG_MAP, POD, Key, Kind, Manifest
from kubectl_kaito.cluster.cluster import Cluster

UNSERVED = Kind("example.com", "v1", "Unserved", "unserveds")


def config_map(name: str, namespace: str, **labels: str) -> Manifest:
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "data": {"key": "value"},
    }


def annotated(**annotations: str | None) -> Manifest:
    return {"metadata": {"annotations": annotations}}


class ClusterBehavior:
    """Needs fixtures `cluster` and `namespace`, an existing namespace."""

    def test_an_object_is_read_as_it_was_created(self, cluster: Cluster, namespace: str) -> None:
        name = f"a-{uuid.uuid4().hex[:8]}"
        created = cluster.create(CONFIG_MAP, config_map(name, namespace))
        read = cluster.get(CONFIG_MAP, name, namespace)
        assert read["data"] == {"key": "value"}
        assert read["metadata"]["uid"] == created["metadata"]["uid"]

    def test_missing_objects_and_kinds_are_not_found(
        self, cluster: Cluster, namespace: str
    ) -> None:
        with pytest.raises(errors.NotFound, match="nothing"):
            cluster.get(CONFIG_MAP, "nothing", namespace)
        with pytest.raises(errors.NotFound):
            cluster.list(UNSERVED, namespace=namespace)

    def test_lists_are_narrowed_by_namespace_and_labels(
        self, cluster: Cluster, namespace: str
    ) -> None:
        mark = uuid.uuid4().hex[:8]
        for name, color in (("red", "red"), ("blue", "blue")):
            cluster.create(
                CONFIG_MAP, config_map(f"{name}-{mark}", namespace, mark=mark, color=color)
            )
        both = cluster.list(CONFIG_MAP, labels={"mark": mark})
        red = cluster.list(CONFIG_MAP, namespace=namespace, labels={"mark": mark, "color": "red"})
        assert len(both) == 2
        assert [each["metadata"]["name"] for each in red] == [f"red-{mark}"]

    def test_a_taken_name_is_refused(self, cluster: Cluster, namespace: str) -> None:
        name = f"t-{uuid.uuid4().hex[:8]}"
        cluster.create(CONFIG_MAP, config_map(name, namespace))
        with pytest.raises(errors.AlreadyExists):
            cluster.create(CONFIG_MAP, config_map(name, namespace))

    def test_applying_creates_and_changes_and_a_dry_run_does_neither(
        self, cluster: Cluster, namespace: str
    ) -> None:
        name = f"p-{uuid.uuid4().hex[:8]}"
        cluster.apply(CONFIG_MAP, config_map(name, namespace), dry_run=True)
        with pytest.raises(errors.NotFound):
            cluster.get(CONFIG_MAP, name, namespace)
        cluster.apply(CONFIG_MAP, config_map(name, namespace))
        cluster.apply(CONFIG_MAP, {**config_map(name, namespace), "data": {"key": "new"}})
        assert cluster.get(CONFIG_MAP, name, namespace)["data"] == {"key": "new"}

    def test_a_patch_sets_and_removes_what_it_names_and_nothing_else(
        self, cluster: Cluster, namespace: str
    ) -> None:
        name = f"n-{uuid.uuid4().hex[:8]}"
        cluster.apply(CONFIG_MAP, config_map(name, namespace, color="red"))
        cluster.patch(CONFIG_MAP, name, namespace, annotated(a="1", b="2"))
        changed = cluster.patch(CONFIG_MAP, name, namespace, annotated(a=None))
        found = cluster.get(CONFIG_MAP, name, namespace)
        assert changed == found
        assert found["metadata"]["annotations"] == {"b": "2"}
        assert found["metadata"]["labels"] == {"color": "red"}
        assert found["data"] == {"key": "value"}
        with pytest.raises(errors.NotFound):
            cluster.patch(CONFIG_MAP, "nothing", namespace, annotated(a="1"))

    def test_a_patch_of_an_object_that_has_changed_since_is_a_conflict(
        self, cluster: Cluster, namespace: str
    ) -> None:
        name = f"v-{uuid.uuid4().hex[:8]}"
        read = cluster.create(CONFIG_MAP, config_map(name, namespace))
        version = {"metadata": {"resourceVersion": read["metadata"]["resourceVersion"]}}
        cluster.patch(CONFIG_MAP, name, namespace, {**version, "data": {"key": "new"}})
        with pytest.raises(errors.Conflict):
            cluster.patch(CONFIG_MAP, name, namespace, {**version, "data": {"key": "late"}})
        assert cluster.get(CONFIG_MAP, name, namespace)["data"] == {"key": "new"}

    def test_the_log_of_a_missing_pod_is_not_found(self, cluster: Cluster, namespace: str) -> None:
        with pytest.raises(errors.NotFound, match="nothing"):
            cluster.log(Key(namespace, "nothing"), "main")

    def test_a_container_that_has_not_started_has_no_log(
        self, cluster: Cluster, namespace: str
    ) -> None:
        name = f"w-{uuid.uuid4().hex[:8]}"
        spec = {"containers": [{"name": "main", "image": "registry.local/x:1"}]}
        cluster.create(POD, {"metadata": {"name": name, "namespace": namespace}, "spec": spec})
        assert cluster.log(Key(namespace, name), "main") == ""
        assert cluster.log(Key(namespace, name), "main", previous=True) == ""
        assert list(cluster.follow_log(Key(namespace, name), "main", lines=5)) == []

    def test_the_server_names_its_version(self, cluster: Cluster) -> None:
        assert cluster.version().startswith("v1.")
