"""Settings of all tests."""

from hypothesis import settings

settings.register_profile("slow machines", deadline=None)
settings.load_profile("slow machines")
