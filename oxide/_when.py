"""Times of the API, which are seconds since 1970, as dates."""

from __future__ import annotations

from ._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from typing import overload

    @overload
    def when(seconds: None) -> None: ...
    @overload
    def when(seconds: float) -> datetime: ...
    @overload
    def when(seconds: float | None) -> datetime | None: ...
    def when(seconds: float | None) -> datetime | None:
        """Return a time of the API as a datetime in UTC."""
else:

    def when(seconds):
        """Return a time of the API as a datetime in UTC: `when(response.created_at)`.

        Args:
            seconds: since 1970, as fields like `created_at` and `expires_at` have it; None stays None.
        """
        if seconds is None:
            return None
        from datetime import datetime, timezone

        return datetime.fromtimestamp(seconds, timezone.utc)


__all__ = ["when"]
