"""Property tests are judged by what they find, not by how long a busy machine takes for it."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=(HealthCheck.too_slow,)
)
settings.load_profile("any-machine")
