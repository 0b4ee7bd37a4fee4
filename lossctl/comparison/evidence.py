"""What goes with a comparison so that anyone can check it; made when it is asked for: a table shows none of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from lossctl import __version__
from lossctl.audit.digest import Digest
from lossctl.comparison.work import DIGEST
from lossctl.evaluation.evidence import NO_NAMES

if TYPE_CHECKING:
    from lossctl.comparison.run import Compared
    from lossctl.evaluation.result import LossResult


class Signature(NamedTuple):
    """Tells a comparison of other data, another recipe or another version; it is no proof against a forger.

    Attributes:
        version: of lossctl.
        recipe: a short hash of what was computed, whatever the files are called.
        data: the rows that were read and the digest of all models' numbers side by side, as "1797:3f...".
        text: the same in words.
        models: of each model the rows and the digest of its own columns.
    """

    version: str
    recipe: str
    data: str
    text: str
    models: Mapping[str, str]


class Evidence(NamedTuple):
    """A finished comparison and the baseline's losses; some paths are called otherwise."""

    compared: Compared
    results: tuple[LossResult, ...]
    called: Mapping[str, str] = NO_NAMES

    @property
    def recipe(self) -> dict[str, Any]:
        """All that it takes to compute the comparison again."""
        from lossctl.comparison.recipe import recipe_of

        return recipe_of(self.compared, self.called)

    @property
    def signature(self) -> Signature:
        """The version, a hash of the recipe and the digests."""
        from lossctl.comparison.recipe import fingerprint_of
        from lossctl.evaluation.signature import text_of

        names, baseline = self.compared.asked.names, self.compared.evaluations[0]
        digest = baseline.partial.parts.get(DIGEST, Digest())
        assert isinstance(digest, Digest)
        told = {name: str(one.partial.digest) for name, one in zip(names, self.compared.evaluations, strict=True)}
        text = text_of(baseline.plan.job, digest, self.results, f"models:{','.join(names)}")
        return Signature(__version__, fingerprint_of(self.recipe), str(digest), text, told)

    def to_dict(self) -> dict[str, Any]:
        """As the JSON has it."""
        return {"recipe": self.recipe, "signature": self.signature._asdict()}
