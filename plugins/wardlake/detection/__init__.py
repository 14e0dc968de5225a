"""A catalogue of defects of hospital data, planted one by one to see which rule finds it."""

from wardlake.detection.catalogue import Defect, catalogue
from wardlake.detection.deliveries import DELIVERIES, Delivery, deliver, judge_clean
from wardlake.detection.hospital import clean_hospital
from wardlake.detection.plant import Finding, plant

__all__ = [
    "DELIVERIES",
    "Defect",
    "Delivery",
    "Finding",
    "catalogue",
    "clean_hospital",
    "deliver",
    "judge_clean",
    "plant",
]
