"""The network that counts domains in one cut: simulated cuts to learn from, its training, and its bundle."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from beamgym.agents.domains.config import DomainsConfig, load_domains_config

if TYPE_CHECKING:
    from beamgym.agents.domains.finish import finish_domains
    from beamgym.agents.domains.trainer import DomainsTrainer

__all__ = ["DomainsConfig", "DomainsTrainer", "finish_domains", "load_domains_config"]

_TRAINING = {"DomainsTrainer": "trainer", "finish_domains": "finish"}


def __getattr__(name: str) -> Any:
    """Return what trains; imported when it is asked for, since a configuration does without torch."""
    if name in _TRAINING:
        return getattr(import_module(f"beamgym.agents.domains.{_TRAINING[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
