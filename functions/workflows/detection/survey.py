"""Finding candidates among all functions: by one query, or part by part."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from functions.domain.deployment.guard_cost import SWEPT_FUNCTIONS
from functions.domain.detection.evidence import Series
from functions.domain.detection.traffic import holds_the_account, is_candidate
from functions.domain.incidents.history import LiveLedger
from functions.domain.ports import SurveyPart
from functions.workflows.detection.collect_evidence import EvidenceCollector
from functions.workflows.detection.investigate import Investigation
from functions.workflows.detection.report import TriageReport
from functions.workflows.event_log import EventLog
from functions.workflows.incidents.enforce import Enforcer
from functions.workflows.incidents.reconcile import (
    is_due,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Looks over the account, and has its candidates investigated."""

    investigation: Investigation

    @property
    def gathering(self) -> EvidenceCollector:
        """Where evidence comes from."""
        return self.investigation.gathering

    @property
    def enforcer(self) -> Enforcer:
        """What carries decisions out."""
        return self.investigation.enforcer

    @property
    def log(self) -> EventLog:
        """What the guard writes down of its work."""
        return self.investigation.log

    def sweep(self, now: datetime, report: TriageReport, live: LiveLedger | None) -> None:
        """Look over the account whatever its traffic does, or over its next part."""
        if not self._sweep_part(now, report, live):
            self.survey(now, report, live)

    def survey(
        self,
        now: datetime,
        report: TriageReport,
        live: LiveLedger | None,
        *,
        is_search: bool = False,
        is_strained: bool = False,
    ) -> None:
        """Find the candidates with one query, look at these.

        A search is for what made the account rise: it goes on among the functions that the query
        does not see.

        Where the account is strained and no function is busy, one with long invocations may hold
        its concurrency: a second query finds it.
        """
        before = len(report.decisions)
        busiest = self.gathering.metrics.busiest(now)
        names = self._select_candidates(busiest, live, now)
        if is_strained and not names:
            limit = self.gathering.account_concurrency
            tended = list_tended_functions(live, now)
            names = tuple(
                name
                for name, series in self.gathering.metrics.most_concurrent(now).items()
                if holds_the_account(series, limit) and name not in tended
            )
        self.log.info("survey", functions=len(busiest), candidates=len(names))
        self.investigation.investigate(names, now, report, live)
        if is_search and not report.has_found_since(before):
            self._search_the_rest(frozenset(names), now, report, live)

    def _search_the_rest(
        self, done: frozenset[str], now: datetime, report: TriageReport, live: LiveLedger | None
    ) -> None:
        """Read all functions, in an account with so many that the query does not see all.

        The account rose and nothing explains it: what rose is among the others. Where the time does
        not suffice for all, the sweep's place says where to begin.
        """
        after = "" if live is None else live.pulse.swept_to
        part = self.gathering.metrics.part(after, None, now)
        if part is None:
            return
        names = [one for one in self._select_candidates(part.series, live, now) if one not in done]
        self._log_part("search", part, len(names))
        self.investigation.investigate(names, now, report, live)

    def _sweep_part(self, now: datetime, report: TriageReport, live: LiveLedger | None) -> bool:
        """Sweep the next part of an account with so many functions that a query does not see all.

        Which part is next is written down before the functions are judged: where these take more
        than the run's time, the sweep goes on with the others all the same.
        """
        after = "" if live is None else live.pulse.swept_to
        part = self.gathering.metrics.part(after, SWEPT_FUNCTIONS, now)
        if part is None:
            return False
        names = self._select_candidates(part.series, live, now)
        self._log_part("sweep in parts", part, len(names))
        if live is not None:
            memory = replace(live.pulse, swept_to=part.last)
            ledger = self.enforcer.world.ledger
            report.attempt("sweep", lambda: ledger.remember_pulse(memory))
        self.investigation.investigate(names, now, report, live)
        return True

    def _log_part(self, message: str, part: SurveyPart, candidates: int) -> None:
        self.log.info(
            message,
            active_functions=part.active,
            functions=part.seen,
            candidates=candidates,
            all_seen_within_sweeps=math.ceil(part.active / SWEPT_FUNCTIONS),
        )

    def _select_candidates(
        self, series: Mapping[str, Series], live: LiveLedger | None, now: datetime
    ) -> tuple[str, ...]:
        floor, tended = self.enforcer.policy.floor_per_minute, list_tended_functions(live, now)
        return tuple(
            name for name, one in series.items() if is_candidate(one, floor) and name not in tended
        )


def list_tended_functions(live: LiveLedger | None, now: datetime) -> frozenset[str]:
    """Functions whose open incident has been looked after in this run, or is being restored."""
    incidents = live.incidents if live is not None else ()
    return frozenset(one.function for one in incidents if not one.is_closed and is_due(one, now))
