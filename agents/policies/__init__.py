"""From a name to a policy, and the policy that plays a bundle."""

from beamgym.agents.policies.bundle import BundlePolicy
from beamgym.agents.policies.find import SHIPPED, find_bundle, find_policy, policy_names
from beamgym.agents.policies.found_spots import FoundSpots
from beamgym.agents.policies.names import bundle_name, distinct_names
from beamgym.agents.policies.own import is_own
from beamgym.agents.policies.recommended import Recommended, recommended_policy

__all__ = [
    "SHIPPED",
    "BundlePolicy",
    "FoundSpots",
    "Recommended",
    "bundle_name",
    "distinct_names",
    "find_bundle",
    "find_policy",
    "is_own",
    "policy_names",
    "recommended_policy",
]
