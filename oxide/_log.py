"""Logging through `logging.getLogger("oxide")`: nothing is imported or formatted until somebody listens."""

from __future__ import annotations

import sys

from ._typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping
    from logging import Logger

__all__ = ["DEBUG", "INFO", "listen", "logger_for"]

DEBUG, INFO = 10, 20
"""The numbers of `logging`, which is not imported for them."""


_logger: Logger | None = None  # once it was found: there is one of a name for as long as a process lives


def logger_for(level: int) -> Logger | None:
    """Return the logger if somebody listens to this level. A program that never imported `logging` cannot."""
    global _logger
    logger = _logger
    if logger is None:
        logging = sys.modules.get("logging")
        if logging is None:
            return None
        logger = _logger = cast("Logger", logging.getLogger("oxide"))  # a module that is looked up has no types
    root = logger.parent
    if root is not None and (logger.level or root.level) > level:  # as `isEnabledFor` finds in the end, which costs a call
        return None
    return logger if logger.isEnabledFor(level) else None


def listen(environment: Mapping[str, str]) -> None:
    """Print the log to stderr where OXIDE_LOG or OPENAI_LOG says "debug" or "info"."""
    wanted = environment.get("OXIDE_LOG") or environment.get("OPENAI_LOG")
    if not wanted or wanted.lower() not in ("debug", "info"):
        return
    import logging

    logger = logging.getLogger("oxide")
    logger.setLevel(wanted.upper())
    if not logger.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("[%(asctime)s %(name)s %(levelname)s] %(message)s"))
        logger.addHandler(handler)
