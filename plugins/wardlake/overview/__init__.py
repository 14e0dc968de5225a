"""The overview of a hospital: occupancy, staffing and drug cost on one page, from published gold."""

from wardlake.overview.page import write_overview

__all__ = ["write_overview"]
