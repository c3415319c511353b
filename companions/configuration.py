"""What a companion was configured with: everything that its steps depend on, kept in its own ``configure`` entry.

A configuration holds the instructions themselves, not the name of the file that they came from, so that a session can
be gone on with as it was after the file was edited or is gone. Choosing a configuration is here; when a new one
applies is decided by ``planning``.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, Self

from companions.companion_types import CompanionType
from companions.critics import Critic
from companions.learned import UNLEARNED, Learned
from companions.models import ExecutionMode, Sampling, TaskStep

ThresholdSource = Literal["file", "setting", "learned", "default"]
Stopping = Literal["economy", "lossless"]
PATIENCE: dict[Stopping, int] = {"economy": 1, "lossless": 2}
"""How many still revisions in a row end a loop."""

_FURTHER_MODELS = ("critic_model", "comparison_model")
_LISTS = ("fallback_models", "critic_tools")
MODES: dict[str, ExecutionMode] = {"host": "client", "offline": "offline"}
"""Names that stand for a way of writing and not for a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What the host program chose for all companions.

    Attributes:
        model: The model to ask in server mode, as ``provider:name``; ``None`` when none is configured.
        execution_mode: Who writes unless a call says otherwise.
        similarity_threshold: From 0 to 1; ``None`` leaves it to companion files.
        max_iterations: At least 1; ``None`` leaves it to companion files.
        critic_model: Writes critiques; ``None`` leaves them to the companion's model.
        comparison_model: Compares versions; likewise.
        fallback_models: Asked in order where a model is down.
        stopping: What ends a loop early: ``economy`` saves calls, and learns when more of them were not worth it;
            ``lossless`` waits for a second still revision, and learns no threshold.
        native_sessions: Whether providers keep the drafts of all companions; else companion files say so.
    """

    execution_mode: ExecutionMode
    model: str | None = None
    similarity_threshold: float | None = None
    max_iterations: int | None = None
    critic_model: str | None = None
    comparison_model: str | None = None
    fallback_models: tuple[str, ...] = ()
    stopping: Stopping = "economy"
    native_sessions: bool = False

    @property
    def further_models(self) -> tuple[str, ...]:
        """The models beside the default one that are asked without a caller naming them."""
        return tuple(name for name in (self.critic_model, self.comparison_model, *self.fallback_models) if name)

    @classmethod
    def of(cls, name: str, **chosen: Any) -> "Defaults":
        """Read who writes from a model's name: ``host``, ``offline``, or a model that is asked in server mode."""
        mode = MODES.get(name, "server")
        return cls(execution_mode=mode, model=name if mode == "server" else None, **chosen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One companion's choices, from its file, the program's settings and what its session asked for.

    Attributes:
        threshold: Similarity from which neighbouring versions count as converged; 1.0 means equal words.
        threshold_source: Who set it.
        max_iterations: Iterations after which the loop ends.
        patience: How many still revisions in a row end it.
        trusting: Whether a critic that is satisfied ends it.
        basis: The numbers behind a learned threshold, when it was chosen; kept with the slot's query, not here.
        digest: Of the companion file that the instructions came from.
        asked: The sampling that the session asked for when it was opened; wins over file and settings.
        draft, critique, revision: The instructions of each step.
        checks: What every version must hold to, by name.
        critics: Who criticises, an aspect each; empty where one critic looks at everything.
        critic_tools: The functions of the server that a critic may call, by name.
        critic_model, comparison_model: Who writes critiques and compares versions, where that is not ``model``.
        fallback_models: Asked in order where a model is down.
        native_session: Whether the provider keeps its drafts.
    """

    model: str | None
    temperature: float | None
    max_tokens: int | None
    execution_mode: ExecutionMode
    threshold: float
    threshold_source: ThresholdSource
    max_iterations: int
    clear_history: bool
    sees_session: bool
    digest: str
    draft: str
    critique: str
    revision: str
    asked: Mapping[str, Any]
    checks: Mapping[str, Any] = field(default_factory=dict[str, Any])
    critics: tuple[Critic, ...] = ()
    critic_tools: tuple[str, ...] = ()
    critic_model: str | None = None
    comparison_model: str | None = None
    fallback_models: tuple[str, ...] = ()
    patience: int = 1
    trusting: bool = True
    native_session: bool = False
    basis: Mapping[str, float] = field(default_factory=dict[str, float], compare=False)

    @classmethod
    def choose(cls, chosen: CompanionType, defaults: Defaults, asked: Sampling, learned: Learned = UNLEARNED) -> Self:
        """Join a companion file, the program's settings and a session's own wishes; the nearest to the call wins."""
        threshold, source = _threshold(chosen, defaults, learned)
        return cls(
            model=asked.model or chosen.model or defaults.model,
            temperature=chosen.temperature if asked.temperature is None else asked.temperature,
            max_tokens=asked.max_tokens,
            execution_mode=asked.execution_mode or defaults.execution_mode,
            threshold=threshold,
            threshold_source=source,
            max_iterations=defaults.max_iterations or chosen.max_iterations,
            clear_history=chosen.clear_history,
            sees_session=chosen.sees_session,
            digest=chosen.digest,
            draft=chosen.draft,
            critique=chosen.critique,
            revision=chosen.revision,
            asked={name: value for name, value in asdict(asked).items() if value is not None},
            checks=chosen.checks,
            critics=chosen.critics,
            critic_tools=chosen.critic_tools,
            critic_model=chosen.critic_model or defaults.critic_model,
            comparison_model=chosen.comparison_model or defaults.comparison_model,
            fallback_models=defaults.fallback_models if chosen.fallback_models is None else chosen.fallback_models,
            patience=PATIENCE[defaults.stopping],
            trusting=not learned.verdicts.misleading,
            native_session=chosen.native_session or defaults.native_sessions,
            basis=learned.basis if source == "learned" else {},
        )

    @classmethod
    def from_meta(cls, meta: Mapping[str, Any]) -> Self:
        """Read back what ``to_meta`` wrote."""
        kept: dict[str, Any] = {field.name: meta[field.name] for field in fields(cls) if field.name in meta}
        kept["critics"] = tuple(Critic(**critic) for critic in meta.get("critics", ()))
        for name in _LISTS:
            kept[name] = tuple(meta.get(name, ()))
        return cls(**kept)

    def to_meta(self) -> dict[str, Any]:
        """Give the JSON values that a ``configure`` entry keeps; what is empty is left out."""
        critics = [asdict(critic) for critic in self.critics]
        values = asdict(self) | {"critics": critics, "basis": []}
        values |= {name: list(values[name]) for name in _LISTS}
        for name in _FURTHER_MODELS:
            values[name] = values[name] or []
        return {name: value for name, value in values.items() if value not in ({}, []) or name == "asked"}

    def sampling(self, call: Sampling, step: TaskStep = "draft") -> Sampling:
        """Give the choices in force for one call: its own, else the configured ones."""
        return replace(
            call,
            model=self.model_for(call, step),
            temperature=self.temperature if call.temperature is None else call.temperature,
            max_tokens=self.max_tokens if call.max_tokens is None else call.max_tokens,
            execution_mode=call.execution_mode or self.execution_mode,
        )

    def model_for(self, call: Sampling, step: TaskStep, critic: Critic | None = None) -> str | None:
        """Choose who writes: what was asked for goes before what files and settings say, whatever is to be written."""
        own = {"critique": self.critic_model, "compare": self.comparison_model}.get(step)
        named = None if critic is None else critic.model
        return call.model or self.asked.get("model") or named or own or self.model


def _threshold(chosen: CompanionType, defaults: Defaults, learned: Learned) -> tuple[float, ThresholdSource]:
    """The setting's threshold, else the file's, else the learned one, else 1.0: then only equal words are converged."""
    if defaults.similarity_threshold is not None:
        return defaults.similarity_threshold, "setting"
    if chosen.similarity_threshold is not None:
        return chosen.similarity_threshold, "file"
    if learned.threshold is not None and defaults.stopping == "economy":
        return learned.threshold.threshold, "learned"
    return 1.0, "default"
