"""Survey: a search by kriging, on the fly along a spiral, that stops when its best site is probably good enough."""

from beamgym.agents.baselines.spot.survey.survey import SURVEY, SurveySettings, survey

__all__ = ["SURVEY", "SurveySettings", "survey"]
