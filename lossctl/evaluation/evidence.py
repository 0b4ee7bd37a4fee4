"""What goes with a result so that anyone can check it: made when it is asked for, since a table shows none of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from lossctl.audit.digest import Digest
    from lossctl.evaluation.request import Job, Request
    from lossctl.evaluation.result import LossResult
    from lossctl.evaluation.signature import Signature

NO_NAMES: Mapping[str, str] = {}


class Evidence(NamedTuple):
    """What was asked, how it was settled, and the digest of what was read; some paths are called otherwise."""

    request: Request
    job: Job
    digest: Digest
    results: tuple[LossResult, ...]
    called: Mapping[str, str] = NO_NAMES

    @property
    def recipe(self) -> dict[str, Any]:
        """All that it takes to compute the result again."""
        from lossctl.evaluation.recipe import recipe_of

        return recipe_of(self.request, self.job, self.called)

    @property
    def signature(self) -> Signature:
        """The version, a hash of the recipe and the digest."""
        from lossctl.evaluation.signature import signed

        return signed(self.recipe, self.job, self.digest, self.results)

    def to_dict(self) -> dict[str, Any]:
        """As the JSON has it."""
        return {"recipe": self.recipe, "signature": self.signature._asdict()}
