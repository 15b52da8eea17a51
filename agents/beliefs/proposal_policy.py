"""The SB3 policy for extractors that propose the action themselves."""

import torch
from stable_baselines3.common.policies import MultiInputActorCriticPolicy
from stable_baselines3.common.torch_layers import MlpExtractor
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor

from beamgym.agents.beliefs.extractors import AlignExtractor
from beamgym.agents.beliefs.site_map import SearchExtractor

DECLARE_LOG_STD = -1.0
"""The declaration is a switch: explored with the spread of a fine rotation it would never be thrown the other way."""


class _DetachedMlp(MlpExtractor):
    """SB3's two-headed MLP, the critic's head cut off from the extractor's gradient."""

    def forward_critic(self, features: Tensor) -> Tensor:
        """Return the critic's latent features (b, width)."""
        return super().forward_critic(features.detach())


class ProposalPolicy(MultiInputActorCriticPolicy):
    """SB3's MultiInputPolicy for an extractor whose first features are an action.

    The action's mean starts as that proposal (``net_arch`` must have no hidden layer for the actor), to which learning
    adds a linear function of all features. The critic reads the features but does not bend them: after a warm start
    they already serve the actor, and a fresh critic's first gradients would wreck them.

    Raises
    ------
    ValueError : when ``net_arch`` gives the actor a hidden layer
    """

    def _build_mlp_extractor(self) -> None:
        self.mlp_extractor = _DetachedMlp(
            self.features_dim, net_arch=self.net_arch, activation_fn=self.activation_fn, device=self.device
        )

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        if self.mlp_extractor.latent_dim_pi != self.features_dim:
            raise ValueError("ProposalPolicy needs net_arch with pi: [], so that the proposal reaches the action")
        with torch.no_grad():
            self.action_net.weight.zero_()
            self.action_net.bias.zero_()
            self.action_net.weight[:, : self.action_net.out_features] = torch.eye(self.action_net.out_features)
        if isinstance(self.features_extractor, AlignExtractor):
            self.features_extractor.trust_dictionary()  # SB3's orthogonal weights have overwritten its own
        if isinstance(self.features_extractor, SearchExtractor):
            self.features_extractor.begin()
        with torch.no_grad():
            self.log_std[-1] = DECLARE_LOG_STD

    def actor_parameters(self) -> list[torch.nn.Parameter]:
        """Return every parameter that only the actor's loss trains."""
        critic = {*map(id, self.value_net.parameters()), *map(id, self.mlp_extractor.value_net.parameters())}
        return [parameter for parameter in self.parameters() if id(parameter) not in critic]

    def decision_parameters(self) -> list[torch.nn.Parameter]:
        """Return the actor's parameters of decisions, not of estimates: gate or commitment, dwell and spread.

        A gradient estimated from noisy returns is coarse beside what the warm start measured directly: where it may
        bend the whole network, it costs the last tenth of a degree.
        """
        extractor = self.features_extractor
        if not isinstance(extractor, AlignExtractor | SearchExtractor):
            return [self.log_std]
        more = [extractor.dwells] if isinstance(extractor, SearchExtractor) else []
        return [*extractor.choose.parameters(), *more, self.log_std]
