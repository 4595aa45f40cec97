"""Probation: what is mended is restored, what still loops is stopped again."""

import pytest

from functions.domain.detection.arrivals import SourceKind
from functions.domain.incidents.states import IncidentState
from functions.workflows.rollback.results import OnProbation
from tests.functional.probation.stage import stopped

KINDS = [SourceKind.ASYNCHRONOUS, SourceKind.QUEUE, SourceKind.TABLE]


@pytest.mark.parametrize("kind", KINDS)
def test_a_mended_function_is_restored_exactly(kind: SourceKind) -> None:
    stage = stopped(kind, reserved=20)
    stage.is_loop = False

    result = stage.ask()
    print(result, stage.settings())
    print(stage.states(20))
    print(stage.scene.subjects)
    print(stage.scene.account.publisher.sent[-1].body)
    print(stage.settings())


@pytest.mark.parametrize("kind", KINDS)
def test_a_function_that_still_loops_is_stopped_again(kind: SourceKind) -> None:
    stage = stopped(kind, reserved=20)

    result = stage.ask()
    print(result, stage.settings())
    print(stage.states(25))
    print(stage.scene.subjects)
    print(stage.scene.account.publisher.sent[-1].body)
    print(stage.settings())
