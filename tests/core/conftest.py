"""More examples for those who ask: ``pytest tests/core --hypothesis-profile=thorough``."""

from hypothesis import settings

settings.register_profile("thorough", settings.get_profile("people"), max_examples=3_000)
