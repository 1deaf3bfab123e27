"""The tests of Housing Price Lab. The folders mirror ``core`` and ``pages``."""
