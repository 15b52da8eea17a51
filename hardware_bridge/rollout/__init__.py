"""An episode on an instrument as one bluesky plan, its steps and its report."""

from beamgym.hardware_bridge.rollout.bluesky_instrument import BlueskyInstrument
from beamgym.hardware_bridge.rollout.episode import recorded
from beamgym.hardware_bridge.rollout.report import EVERY_ROW, EpisodeReport, judged, spots_seen, write_report
from beamgym.hardware_bridge.rollout.rollout import Decides, Rollout, awaited, decided
from beamgym.hardware_bridge.rollout.step_record import EpisodeStep, StepRecord, plain

__all__ = [
    "EVERY_ROW",
    "BlueskyInstrument",
    "Decides",
    "EpisodeReport",
    "EpisodeStep",
    "Rollout",
    "StepRecord",
    "awaited",
    "decided",
    "judged",
    "plain",
    "recorded",
    "spots_seen",
    "write_report",
]
