"""The version, told once: packaging and the User-Agent read it here."""

__version__ = "0.1.0"
__title__ = "oxide"
