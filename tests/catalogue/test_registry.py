"""Names are said once, so that a loss is found in the first family that has it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

from lossctl.catalogue.registry import all_losses


def test_no_name_or_alias_is_said_twice() -> None:
    said = Counter(name.lower() for loss in all_losses() if not loss.home for name in (loss.name, *loss.aliases))
    assert [name for name, times in said.items() if times > 1] == []


def test_families_behind_the_one_that_has_a_loss_are_not_read() -> None:
    script = """
import sys
from lossctl.catalogue.registry import all_losses, find
assert find("bce").name == "binary_crossentropy"
assert "lossctl.catalogue.ensemble" not in sys.modules
print(*(loss.name for loss in all_losses()))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    # nor does their order hang on what was looked for first
    assert done.stdout.split() == [loss.name for loss in all_losses() if not loss.home]
