"""How large a review may grow, and how long it may take."""

from attrs import field, frozen, validators


@frozen(kw_only=True)
class Settings:
    """The limits of one review; a skill beyond one of them is not wholly covered, and so never approved.

    Attributes:
        chunk_bytes: how much of a skill one request holds.
        max_bytes: how much of a skill is shown to a model at all.
        max_files: how many files are shown.
        max_facts_bytes: how much the facts that a judge sees may hold, as text.
        max_facts_per_chunk: how many facts are taken from one answer; a longer answer is not valid.
        parallel_requests: how many requests go to one model at the same time.
        deadline_seconds: when the whole review ends; what is not answered until then is missing.
        max_output_tokens: how long one answer may be.
    """

    chunk_bytes: int = field(default=24_000, validator=validators.ge(1_000))
    max_bytes: int = field(default=2_000_000, validator=validators.ge(1))
    max_files: int = field(default=2_000, validator=validators.ge(1))
    max_facts_bytes: int = field(default=100_000, validator=validators.ge(1))
    max_facts_per_chunk: int = field(default=100, validator=validators.ge(1))
    parallel_requests: int = field(default=4, validator=validators.ge(1))
    deadline_seconds: float = field(default=300.0, validator=validators.gt(0))
    max_output_tokens: int = field(default=6_000, validator=validators.ge(1))


DEFAULT_SETTINGS = Settings()
