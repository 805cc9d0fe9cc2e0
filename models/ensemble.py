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
from models.synthetics.base import IGNORED, Data, Split, stream


@dataclass(frozen=True)
class Batch:
    """Sequences of all seeds side by side; `at`: one range for all, or the positions of each sequence."""

    tokens: Int[Tensor, "seeds batch length"]
    at: slice | Int[Tensor, "seeds batch queries"]
    targets: Int[Tensor, "seeds batch queries"]

    def rows(self, start: int, stop: int) -> "Batch":
        at = self.at if isinstance(self.at, slice) else self.at[:, start:stop]
        return Batch(self.tokens[:, start:stop], at, self.targets[:, start:stop])

    def shuffled(self, order: Int[Tensor, "seeds batch"]) -> "Batch":
        """Each seed's sequences in its own order."""

        def take(x: Tensor) -> Tensor:
            return x.gather(1, order.unsqueeze(-1).expand(-1, -1, x.shape[-1]))

        at = self.at if isinstance(self.at, slice) else take(self.at)
        return Batch(take(self.tokens), at, take(self.targets))

    def counts(self) -> Float[Tensor, "seeds batch"]:
        """Answers asked for in each sequence."""
        return (self.targets != IGNORED).sum(-1)


def batches_of(data: list[Data], causal: bool, device: torch.device) -> tuple[Batch, Batch, Batch]:
    """Train, validation and test of all seeds, on the device.

    A causal model needs nothing after the last position that is asked for: what follows is cut off. Where all
    sequences are asked at the same consecutive positions, these become a range, and no rows need be gathered.
    """
    splits = [(seed.train, seed.validation, seed.test) for seed in data]
    positions = torch.cat([split.positions for of_seed in splits for split in of_seed])
    first, last = int(positions.min()), int(positions.max())
    consecutive = torch.arange(first, last + 1)
    shared = len(consecutive) == positions.shape[1] and bool((positions == consecutive).all())
    length = last + 1 if causal else data[0].length

    def together(parts: tuple[Split, ...]) -> Batch:
        tokens = torch.stack([part.tokens[:, :length] for part in parts]).to(device)
        targets = torch.stack([part.targets for part in parts]).to(device)
        if shared:
            return Batch(tokens, slice(first, last + 1), targets)
        return Batch(tokens, torch.stack([part.positions for part in parts]).to(device), targets)

    train, validation, test = (together(parts) for parts in zip(*splits, strict=True))
    return train, validation, test


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
        vocabulary: int,
        length: int,
        seeds: tuple[int, ...],
        device: torch.device,
    ) -> None:
        models = [_initialised(mixer, backbone, vocabulary, length, seed) for seed in seeds]
        self.causal, self.state_elements = models[0].causal, models[0].state_elements()
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

    def gradient(self, losses: Float[Tensor, " seeds"]) -> Float[Tensor, "seeds parameters"]:
        """The gradient of each seed's loss by its own row of weights."""
        gradients = torch.autograd.grad(losses.sum(), list(self._views.values()))
        return torch.cat([g.reshape(len(self.weights), -1) for g in gradients], dim=1)

    @torch.no_grad()
    def evaluate(self, split: Batch, chunk: int) -> tuple[Float[Tensor, " seeds"], Float[Tensor, " seeds"]]:
        """Loss and accuracy of each seed over a whole split, without dropout."""
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


def _initialised(mixer: MixerOptions, backbone: options.Backbone, vocabulary: int, length: int, seed: int) -> Backbone:
    """The model of a seed, on the CPU so that every device starts from the same numbers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(seed, "model").initial_seed())
        return Backbone(mixer, backbone, vocabulary, length)


def _loss(
    logits: Float[Tensor, "batch queries vocabulary"], targets: Int[Tensor, "batch queries"]
) -> tuple[Float[Tensor, ""], Int[Tensor, ""]]:
    loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)
    return loss, (logits.detach().argmax(-1) == targets).sum()
