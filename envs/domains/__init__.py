"""What the trained network says of the domains in a cut: how many, where along the slit, and how much of each."""

from beamgym.envs.domains.finder import BINS, DOMAINS_ENV_ID, ENCODER, NUMBERS, DomainFinder, said, shipped_finder

__all__ = ["BINS", "DOMAINS_ENV_ID", "ENCODER", "NUMBERS", "DomainFinder", "said", "shipped_finder"]
