"""The rules by their ids, those that code decides among them."""

from functools import lru_cache

from attrs import frozen

from haldir_scanner._files._views import escaped
from haldir_scanner._reports._report import Match
from haldir_scanner._rules._bundle import RuleBundle, builtin
from haldir_scanner._rules._rule import Rule
from haldir_scanner._text import Notice, Seen


@frozen
class RuleTable:
    """The rules of a bundle, and of the built-in one those that code decides and the bundle does not say anew.

    Limits are always those of the built-in one: no bundle can keep a scan from reporting that it was cut short.
    """

    _by_id: dict[str, Rule]

    @staticmethod
    def of(bundle: RuleBundle) -> "RuleTable":
        """The table for a bundle; made once for each."""
        return _table(bundle)

    def __getitem__(self, name: str) -> Rule:
        return self._by_id[name]

    def __len__(self) -> int:
        return len(self._by_id)

    def match_of(self, notice: Notice) -> Match:
        """The match about a file as such."""
        return Match(definition=self._by_id[notice.rule], path=escaped(notice.path), detail=escaped(notice.detail))

    def match_at(self, path: str, seen: Seen) -> Match:
        """The match at a place that code found."""
        place = seen.place
        excerpt = escaped(place.excerpt)
        return Match(
            definition=self._by_id[seen.rule],
            path=path,
            line=place.line,
            column=place.column,
            excerpt=excerpt,
            context=excerpt,
            caret=(0, len(excerpt)),
        )


@lru_cache(maxsize=4)
def _table(bundle: RuleBundle) -> RuleTable:
    decided = {rule.id: rule for rule in builtin().rules if rule.decided_by}
    limits = {rule.id: rule for rule in builtin().rules if rule.decided_by == "limits"}
    return RuleTable(decided | {rule.id: rule for rule in bundle.rules} | limits)
