"""How far a market lets the policy speak: the table ``[markets.NAME.rollout]`` of ``offers.toml``."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.rules import FileModel, Share

Stage = Literal["shadow", "rule", "canary", "online"]


class PromotionCriteria(FileModel):
    """When the next stage is worth it; reported, never applied.

    The interval of the lift a person must lie above ``lift_above``, in the market's currency, over at least
    so many persons.
    """

    persons: Annotated[int, Field(ge=1)] = 10_000
    lift_above: Annotated[float, Field(allow_inf_nan=False)] = 0.0


class Rollout(FileModel):
    """Whose offers are published.

    ``shadow``: none, all is decided and logged only. ``rule``: those that ``rule`` chooses, while the policy
    learns beside it. ``canary``: those of the policy for a sticky ``share`` of the persons, for the others
    those of ``rule``, if there is one. ``online``: those of the policy. ``rule`` is the spec of a policy that
    learns nothing: ``none``, ``uniform`` or ``always:ARM``. The holdout gets no offers in any of them.
    """

    stage: Stage = "online"
    share: Share = 0.1
    rule: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    promote_when: PromotionCriteria | None = None

    @model_validator(mode="after")
    def _has_rule(self) -> Self:
        if self.stage == "rule" and self.rule is None:
            raise ValueError("stage rule must come with rule, such as `always:ten_percent`")
        return self
