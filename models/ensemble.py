"""The models of one or more seeds, their losses and gradients, as one row of numbers for each seed.

All parameters of a seed lie in one row of `weights`: clipping, the optimiser, the best weights so far and
the checkpoint are then a few operations on one tensor, where a loop over thirty small ones would cost more
than the arithmetic. AdamW treats every element alike, so the seeds never touch.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn import functional

from models import options
from models.backbone import Backbone
from models.options import MixerOptions
from models.synthetics.base import IGNORED, Sizes, Split, stream


@dataclass(frozen=True)
class Batch:
    """Sequences of all seeds side by side; `at`: one range for all, or the positions of each sequence."""

    tokens: Int[Tensor, "seeds batch length"] | Float[Tensor, "seeds batch length channels"]
    at: slice | Int[Tensor, "seeds batch queries"]
    targets: Int[Tensor, "seeds batch queries"] | Float[Tensor, "seeds batch queries"]

    def rows(self, start: int, stop: int) -> "Batch":
        at = self.at if isinstance(self.at, slice) else self.at[:, start:stop]
        return Batch(self.tokens[:, start:stop], at, self.targets[:, start:stop])

    def shuffled(self, order: Int[Tensor, "seeds batch"]) -> "Batch":
        """Each seed's sequences in its own order."""

        def take(x: Tensor) -> Tensor:
            index = order.view(*order.shape, *[1] * (x.dim() - 2))
            return x.gather(1, index.expand(-1, -1, *x.shape[2:]))

        at = self.at if isinstance(self.at, slice) else take(self.at)
        return Batch(take(self.tokens), at, take(self.targets))

    def counts(self) -> Float[Tensor, "seeds batch"]:
        """Answers asked for in each sequence."""
        return torch.ones_like(self.targets).sum(-1) if self.numbers else (self.targets != IGNORED).sum(-1)

    @property
    def numbers(self) -> bool:
        """Whether the answers are numbers, and not classes."""
        return self.targets.is_floating_point()


def batch_of(splits: list[Split], causal: bool, device: torch.device) -> Batch:
    """A split of all seeds, on the device.

    A causal model needs nothing after the last position that is asked for: what follows is cut off. Where all
    sequences are asked at the same consecutive positions, these become a range, and no rows need be gathered.
    """
    positions = torch.stack([split.positions for split in splits])
    first, last = int(positions.min()), int(positions.max())
    consecutive = torch.arange(first, last + 1)
    shared = len(consecutive) == positions.shape[2] and bool((positions == consecutive).all())
    length = last + 1 if causal else splits[0].tokens.shape[1]
    tokens = torch.stack([split.tokens[:, :length] for split in splits]).to(device)
    targets = torch.stack([split.targets for split in splits]).to(device)
    return Batch(tokens, slice(first, last + 1) if shared else positions.to(device), targets)


class Ensemble:
    """The models of `seeds`, each initialised from its own stream: the same whether alone or among others.

    One seed runs as a plain module; several run as one vectorised batch (`torch.func.vmap`).
    """

    weights: nn.Parameter
    """Float[Tensor, "seeds parameters"]."""

    def __init__(
        self,
        mixer: MixerOptions,
        backbone: options.Backbone,
        sizes: Sizes,
        seeds: tuple[int, ...],
        device: torch.device,
    ) -> None:
        models = [_initialised(mixer, backbone, sizes, seed) for seed in seeds]
        self.causal, self.state_elements = models[0].causal, models[0].state_elements()
        self.stochastic = any(mixer.stochastic for mixer in models[0].mixers)
        self.anneals = any(mixer.anneals for mixer in models[0].mixers)
        rows = [torch.cat([p.detach().reshape(-1) for p in model.parameters()]) for model in models]
        self.weights = nn.Parameter(torch.stack(rows).to(device))
        self.module = models[0].to(device)
        self.vectorised = len(seeds) > 1
        # the models read their parameters from `weights`, which the optimiser changes in place
        self._views: dict[str, Tensor] = {}
        start = 0
        for name, parameter in self.module.named_parameters():
            part = self.weights.detach()[:, start : start + parameter.numel()]
            start += parameter.numel()
            if self.vectorised:
                self._views[name] = part.view(-1, *parameter.shape).requires_grad_()
            else:
                parameter.data = part.view(parameter.shape)
                self._views[name] = parameter

    def losses(self, batch: Batch) -> tuple[Float[Tensor, " seeds"], Int[Tensor, " seeds"]]:
        """Nats per answer, and right answers, of each seed on its own sequences."""
        if not self.vectorised:
            at = batch.at if isinstance(batch.at, slice) else batch.at[0]
            loss, right = _loss(self.module(batch.tokens[0], at), batch.targets[0])
            return loss.unsqueeze(0), right.unsqueeze(0)

        if isinstance(batch.at, slice):
            shared = batch.at

            def of_seed(views: dict[str, Tensor], tokens: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
                return _loss(functional_call(self.module, views, (tokens, shared)), targets)

            found = vmap(of_seed, randomness="different")(self._views, batch.tokens, batch.targets)
        else:

            def of_seed_at(
                views: dict[str, Tensor], tokens: Tensor, targets: Tensor, at: Tensor
            ) -> tuple[Tensor, Tensor]:
                return _loss(functional_call(self.module, views, (tokens, at)), targets)

            found = vmap(of_seed_at, randomness="different")(self._views, batch.tokens, batch.targets, batch.at)
        loss, right = found
        return loss, right

    def anneal(self, progress: float) -> None:
        self.module.anneal(progress)

    def only(self, index: int) -> Backbone:
        """The model of one seed, reading its row of `weights`. Only for looking at what is trained: the next loss of a
        vectorised batch does not need it, that of a single seed reads the same numbers."""
        start = 0
        for parameter in self.module.parameters():
            row = self.weights.detach()[index, start : start + parameter.numel()]
            start += parameter.numel()
            parameter.data = row.view(parameter.shape)
        return self.module

    def gradient(self, losses: Float[Tensor, " seeds"]) -> Float[Tensor, "seeds parameters"]:
        """The gradient of each seed's loss by its own row of weights."""
        gradients = torch.autograd.grad(losses.sum(), list(self._views.values()))
        return torch.cat([g.reshape(len(self.weights), -1) for g in gradients], dim=1)

    @torch.no_grad()
    def evaluate(self, split: Batch, chunk: int) -> tuple[Float[Tensor, " seeds"], Float[Tensor, " seeds"]]:
        """Loss and accuracy of each seed over a whole split, without dropout; of numbers the accuracy is 0."""
        self.module.eval()
        loss = torch.zeros(len(self.weights), dtype=torch.float64, device=self.weights.device)
        right = torch.zeros_like(loss)
        total = torch.zeros_like(loss)
        for start in range(0, split.tokens.shape[1], chunk):
            part = split.rows(start, start + chunk)
            count = part.counts().sum(1)
            of_part, right_in_part = self.losses(part)
            loss += of_part.double() * count
            right += right_in_part
            total += count
        self.module.train()
        return (loss / total).cpu(), (right / total).cpu()


def _initialised(mixer: MixerOptions, backbone: options.Backbone, sizes: Sizes, seed: int) -> Backbone:
    """The model of a seed, on the CPU so that every device starts from the same numbers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(seed, "model").initial_seed())
        return Backbone(mixer, backbone, sizes)


def _loss(
    logits: Float[Tensor, "batch queries classes"],
    targets: Int[Tensor, "batch queries"] | Float[Tensor, "batch queries"],
) -> tuple[Float[Tensor, ""], Int[Tensor, ""]]:
    """Cross entropy and right answers; of numbers, the mean squared error, and none that is right."""
    if targets.is_floating_point():
        loss = functional.mse_loss(logits.squeeze(-1), targets.to(logits.dtype))
        return loss, torch.zeros_like(loss.detach(), dtype=torch.long)
    loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)
    return loss, (logits.detach().argmax(-1) == targets).sum()
