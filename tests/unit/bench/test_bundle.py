from pathlib import Path

import pytest

from bench import bundle
from bench.bundle import Way


def way(name: str, *seconds: float) -> Way:
    """What some rounds gave."""
    return Way(
        name=name,
        paths=(Path("/asset"),),
        unzipped_bytes=11_000_000,
        zipped_bytes=3_600_000,
        import_seconds=[one / 2 for one in seconds],
        client_seconds=[one / 2 for one in seconds],
    )


def test_cold_starts_are_compared_round_by_round() -> None:
    """What the machine was busy with in a round meets all ways alike."""
    document = way(bundle.TRIMMED, 1.4, 2.8).document(way(bundle.RUNTIME, 1.0, 2.0))

    assert document["cold_start_ratio"]["median"] == pytest.approx(1.4)
    assert document["zipped_bytes"] == 3_600_000


def test_an_asset_without_the_sdk_does_not_start(tmp_path: Path) -> None:
    """A cold start is measured with nothing to import but what is given: else it fails."""
    with pytest.raises(Exception, match="returned non-zero exit status"):
        bundle.cold_start((tmp_path,))


def test_show_names_every_way(capsys: pytest.CaptureFixture[str]) -> None:
    """Each way is a row."""
    names = (bundle.RUNTIME, bundle.TRIMMED, bundle.COMPLETE, bundle.COMPILED)

    bundle.show({name: way(name, 1.0) for name in names})

    printed = capsys.readouterr().out
    assert all(name in printed for name in names)
