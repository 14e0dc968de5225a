"""The reference hospital, generated from a seed, and the loader of a second, real one (MIMIC-III)."""

from wardlake.reference.load import LoadedHospital, load_reference
from wardlake.reference.mimic3 import load_mimic3
from wardlake.reference.planted import PLANTED, DirtyRow

__all__ = ["PLANTED", "DirtyRow", "LoadedHospital", "load_mimic3", "load_reference"]
