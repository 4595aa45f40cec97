"""The weather is drawn from its seed, whatever the order in which it is asked about."""

from sandbox.weather.seeded import Weather, WeatherKind

AWS = Weather(kind=WeatherKind.AWS, seed=7)


def test_the_same_seed_gives_the_same_weather_in_any_order() -> None:
    """Threads ask in an order of their own."""
    one = [AWS.draw("delay", minute) for minute in range(20)]
    other = [Weather(kind=WeatherKind.AWS, seed=7).draw("delay", m) for m in reversed(range(20))]

    assert one == other[::-1]


def test_another_seed_gives_another_weather() -> None:
    """Otherwise a seed would say nothing."""
    assert AWS.draw("delay", 1) != Weather(kind=WeatherKind.AWS, seed=8).draw("delay", 1)


def test_draws_are_spread_evenly() -> None:
    """A probability is what it says."""
    seen = sum(AWS.happens(0.02, "twice", number) for number in range(5000))

    assert 60 <= seen <= 140


def test_draws_lie_within_their_bounds() -> None:
    """From the low bound up to the high one."""
    draws = [AWS.between(60.0, 150.0, "delay", minute) for minute in range(2000)]

    assert 60.0 <= min(draws) < 62.0
    assert 148.0 < max(draws) <= 150.0


def test_nothing_happens_in_calm_weather() -> None:
    """Unit tests of the sandbox rely on it."""
    assert not any(Weather().happens(1.0, number) for number in range(10))
