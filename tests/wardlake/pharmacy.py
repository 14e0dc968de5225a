"""A pharmacy that delivers a price list a day, for tests of what becomes of its batches."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from wardlake.bronze import Manifest, batches, counting, current_query, extract_table
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.warehouse import connect
from wardlake.window import Window

FIRST_DAY = date(2026, 1, 1)
PutForward = Callable[[timedelta], None]


@dataclass(frozen=True)
class Pharmacy:
    """Price lists, each extracted into a batch of its own."""

    settings: Settings
    lake: Lake
    source: Source

    def deliver(self, *days: int, rows: int = 3) -> list[Manifest]:
        """A price list of `rows` rows for each of these days, counted from 0, and its batch."""
        return [self._deliver(day, rows) for day in days]

    def _deliver(self, day: int, rows: int) -> Manifest:
        lines = "".join(f"D{day}-{row};{row}\n" for row in range(rows))
        key = f"pharmacy/price_{day:04d}.csv"
        self.lake.client.put_object(
            Bucket=self.settings.bucket("landing"), Key=key, Body=f"note\nDrug;Price\n{lines}".encode()
        )
        window = Window.of_day(FIRST_DAY + timedelta(days=day))
        return extract_table(self.settings, self.source, "price", window).manifest

    def batches(self) -> list[Manifest]:
        """What is committed now."""
        return batches(self.settings, self.lake, "pharmacy", "price")

    def rows(self, *batch_ids: str) -> list[tuple[object, ...]]:
        """The rows that a reader sees, of all batches that count or of some of them."""
        table = self.source.tables["price"]
        chosen = [one for one in counting(table, self.batches()) if not batch_ids or one.batch_id in batch_ids]
        query = current_query(self.settings, table, chosen)
        with connect(self.settings) as engine:
            return engine.execute(f"SELECT * FROM ({query}) ORDER BY _batch_id, _row_id").fetchall()

    def objects(self, prefix: str = "") -> list[str]:
        """Objects of the table in bronze."""
        return self.lake.list(self.settings.bucket("bronze"), f"bronze/pharmacy/price/{prefix}")

    def put(self, key: str, body: bytes) -> None:
        """Store an object in bronze, whatever is there."""
        self.lake.client.put_object(Bucket=self.settings.bucket("bronze"), Key=key, Body=body)
