"""What every table and column of silver and gold means, as the models' YAMLs say it."""

from wardlake.definitions.pages import write_pages
from wardlake.definitions.read import Column, Table, read_tables
from wardlake.definitions.rules import problems_of

__all__ = ["Column", "Table", "problems_of", "read_tables", "write_pages"]
