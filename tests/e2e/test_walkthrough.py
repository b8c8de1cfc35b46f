"""The documentation's page, to the letter, and nothing left when the Workspace goes."""

import pytest

from tools.demo import manifests
from tools.demo.kubectl import wait_for
from tools.demo.points import check_all, table
from tools.demo.stage import Stage, set_stage
from tools.demo.timeline import Timeline
from tools.demo.walkthrough import leftovers, walk


@pytest.mark.parametrize("provisioner", ["machine", "nodeclaim"])
def test_eleven_points_and_a_clean_end(clean: Stage, provisioner: str) -> None:
    stage = set_stage(Timeline(), provisioner) if provisioner != "machine" else clean
    try:
        points = check_all(walk(stage, Timeline()))
        assert all(point.holds for point in points), f"\n{table(points)}"
        kubectl = stage.kubectl
        for name in (manifests.NAME, manifests.UNTUNED):
            kubectl.delete("workspace", name, wait=False)
        wait_for("everything to go", lambda: leftovers(stage), 60)
    finally:
        if provisioner != "machine":
            set_stage(Timeline(), "machine")
