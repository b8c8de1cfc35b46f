import re
from importlib.metadata import version

from tools.kubectl_plugin.pins import EXCLUDED, declared, pinned, read_lock
from tools.venvs import ROOT

LOCK = """\
one==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
Two_Words==2.0 \\
    --hash=sha256:cc
"""


def test_an_entry_of_a_lock_file_keeps_its_hashes() -> None:
    entries = read_lock(LOCK)
    assert entries["one"] == "one==1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb"
    assert entries["two-words"].startswith("Two_Words==2.0")


def test_all_that_the_plugin_needs_is_pinned_as_the_tests_have_it() -> None:
    text = pinned(ROOT)
    found = dict(re.findall(r"^(\S+)==(\S+) ", text, re.MULTILINE))
    for requirement in declared(ROOT):
        name = re.split(r"[>=<;\[ ]", requirement)[0]
        assert found[name] == version(name)
    # What its requirements need in turn.
    assert {"pydantic-core", "urllib3", "markdown-it-py"} <= {*found}
    assert text.count("==") <= text.count("--hash=sha256:")


def test_what_only_the_clients_other_half_needs_is_left_out() -> None:
    names = {line.partition("==")[0] for line in pinned(ROOT).splitlines()}
    assert not names & {*EXCLUDED, "yarl", "multidict"}
