"""Which cell of a site map to measure next, and when to declare: the decisions of the search network's forward pass.

A map has 32 x 32 cells, numbered row by row; b is the batch. "Seen" cells have been measured at least once, "compared"
ones with the long dwell of ``SearchRules.confirm``. Everything is in torch operations, so that it is exported with the
network.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from beamgym.envs.arpes_spot import MAP_CELLS

_HOPELESS = 0.05  # probability of a cell below which a longer exposure of it is a waste of beam time
_SPARE = 1.5  # long exposures for which time is set aside to declare in the end
_COMMITMENT = 4.0  # logit of the commitment per unit of probability above the threshold
_ARRIVED = 1.01  # half cell widths within which the stage stands on a cell


@dataclass(frozen=True)
class SearchRules:
    """The numbers by which a search is run.

    Parameters
    ----------
    crossing_s : of the stage from end to end, seconds
    look_s, confirm_s : beam time of an exposure beside the drive, while searching and while comparing, seconds
    beam_time_s : budget
    sure : probability of a seen cell from which the search goes over to comparing
    scan_s : beam time after which it does in any case
    candidates : how many cells are compared
    commit : probability below which the best of them is not declared, while there is time
    patience : power of the time that an exposure costs
    """

    crossing_s: float
    look_s: float
    confirm_s: float
    beam_time_s: float
    sure: float
    scan_s: float
    candidates: int
    commit: float
    patience: float


class Cells(NamedTuple):
    """What is known of every cell of b maps; every tensor is (b, 1024).

    Parameters
    ----------
    probability : that the cell is among the best of the sample
    seen, compared : True where it was measured, and where with the long dwell
    points : ``v2`` total by the longest exposure
    drive_s : time to drive there from where the stage stands
    """

    probability: Tensor
    seen: Tensor
    compared: Tensor
    points: Tensor
    drive_s: Tensor


class Choices(NamedTuple):
    """Three cells that the next action can go to; every tensor is (b, 1).

    Parameters
    ----------
    best_seen_cell : the cell to be declared if the search ended now
    best_seen_probability : that it is among the best
    there : True where the stage stands on it
    next_unseen_cell, next_unseen_rate : the unseen cell with the most probability per second, and that; 0 where none
        fits
    compare_cell, compare_probability : the most probable cell to be compared, and its probability; 0 where none fits
    compared_count : cells compared so far
    """

    best_seen_cell: Tensor
    best_seen_probability: Tensor
    there: Tensor
    next_unseen_cell: Tensor
    next_unseen_rate: Tensor
    compare_cell: Tensor
    compare_probability: Tensor
    compared_count: Tensor


class SearchDecision(NamedTuple):
    """What is done next; every tensor is (b, 1).

    Parameters
    ----------
    go_back : True where the best seen cell is returned to and declared
    compare : True where a cell is compared; where neither is True, an unseen cell is measured
    declaration : logit of the declaration; −1 where nothing is declared
    """

    go_back: Tensor
    compare: Tensor
    declaration: Tensor


def drive_times_s(position: Tensor, centres: Tensor, crossing_s: float) -> Tensor:
    """Return the times (b, 32, 32) to drive from positions (b, 2), −1 to 1, to every cell: both axes at once."""
    along = (centres[None, None, :] - position[:, 0, None, None]).abs()
    across = (centres[None, :, None] - position[:, 1, None, None]).abs()
    return torch.maximum(along.expand(-1, MAP_CELLS, -1), across.expand(-1, -1, MAP_CELLS)) * 0.5 * crossing_s


def cell_sites(cell: Tensor, centres: Tensor) -> Tensor:
    """Return the middles (b, 2) of cells (b, 1) as positions on the stage, −1 to 1."""
    column, row = cell % MAP_CELLS, torch.div(cell, MAP_CELLS, rounding_mode="floor")
    return torch.cat([centres[column], centres[row]], dim=1)


def choose_cells(cells: Cells, budget: Tensor, centres: Tensor, rules: SearchRules) -> Choices:
    """Return the cell to go back to, the next one to search, and the next one to compare.

    Parameters
    ----------
    cells : of b maps
    budget : (b, 1) beam time left, as a share
    centres : (32,) middles of the cells along an axis
    rules : times and limits
    """
    best = best_seen_cell(cells)
    back_s = drive_times_s(cell_sites(best, centres), centres, rules.crossing_s).reshape(best.shape[0], -1)
    left_s = budget * rules.beam_time_s - _SPARE * rules.confirm_s - back_s
    return Choices(
        best,
        cells.probability.gather(1, best),
        cells.drive_s.gather(1, best) < _ARRIVED * rules.crossing_s / MAP_CELLS / 2.0,
        *next_unseen_cell(cells, left_s, rules),
        *next_cell_to_compare(cells, left_s, rules),
        cells.compared.float().sum(1, keepdim=True),
    )


def best_seen_cell(cells: Cells) -> Tensor:
    """Return the compared cell with the most points, else the most probable seen one, else the nearest; (b, 1).

    Points are 0 to 10; the offsets rank every compared cell before every seen one, and that before every other.
    """
    seen_or_near = torch.where(cells.seen, 0.5 * cells.probability - 1.0, -5.0 - cells.drive_s)
    return torch.where(cells.compared, cells.points, seen_or_near).argmax(1, keepdim=True)


def next_unseen_cell(cells: Cells, left_s: Tensor, rules: SearchRules) -> tuple[Tensor, Tensor]:
    """Return the unseen cell (b, 1) with the most probability per second, and that rate (b, 1).

    This is optimal search for a hidden target (Stone, Theory of Optimal Search, 1975). ``left_s`` (b, 1024) is the time
    for drive and exposure after which the best seen cell can still be declared.
    """
    needed_s = cells.drive_s + rules.look_s
    return _largest(cells.probability / needed_s**rules.patience, ~cells.seen & (needed_s < left_s))


def next_cell_to_compare(cells: Cells, left_s: Tensor, rules: SearchRules) -> tuple[Tensor, Tensor]:
    """Return the most probable seen cell (b, 1) that is no neighbour of a compared one, and its probability (b, 1)."""
    apart = ~_with_neighbours(cells.compared) & (cells.drive_s + rules.confirm_s < left_s)
    return _largest(cells.probability, cells.seen & apart)


def search_decision(
    choices: Choices, cells: Cells, budget: Tensor, correction: Tensor, rules: SearchRules
) -> SearchDecision:
    """Return whether to go back and declare, to compare, or to go on searching.

    Parameters
    ----------
    choices, cells : of b maps
    budget : (b, 1) beam time left, as a share
    correction : (b, 1) the network's own addition to the logit of the commitment
    rules : times and limits
    """
    spent_s = rules.beam_time_s * (1.0 - budget)
    most_probable = torch.where(cells.seen, cells.probability, torch.zeros_like(cells.probability))
    begun = choices.compared_count > 0.0
    comparing = (most_probable.amax(1, keepdim=True) >= rules.sure) | (spent_s > rules.scan_s) | begun
    more = comparing & (choices.compared_count < rules.candidates) & (choices.compare_probability > _HOPELESS)
    commitment = _COMMITMENT * (choices.best_seen_probability - rules.commit) + correction
    # After twice the time for scanning the best cell is declared whatever its probability.
    commitment = torch.where(spent_s > 2.0 * rules.scan_s, commitment.abs(), commitment)
    exhausted = choices.next_unseen_rate <= 0.0
    go_back = exhausted | (comparing & ~more & (commitment > 0.0) & begun)
    compare = ~go_back & (more | (comparing & (choices.compare_probability > rules.commit)))
    declared = torch.where(exhausted, torch.ones_like(commitment), commitment)
    return SearchDecision(go_back, compare, torch.where(go_back & choices.there, declared, -1.0))


def proposed_action(choices: Choices, decision: SearchDecision, centres: Tensor, dwells: Tensor) -> Tensor:
    """Return the action (b, 4): site, dwell and declaration; ``dwells`` (2,) are the search's and the comparison's."""
    other_cell = torch.where(decision.compare, choices.compare_cell, choices.next_unseen_cell)
    cell = torch.where(decision.go_back, choices.best_seen_cell, other_cell)
    dwell = torch.where(decision.go_back | decision.compare, dwells[1], dwells[0])
    return torch.cat([cell_sites(cell, centres), dwell, torch.tanh(decision.declaration)], dim=1)


def _largest(values: Tensor, among: Tensor) -> tuple[Tensor, Tensor]:
    """Return the index (b, 1) of the largest of values (b, k) where ``among``, and that value; 0 for none."""
    kept = torch.where(among, values, torch.zeros_like(values))
    at = kept.argmax(1, keepdim=True)
    return at, kept.gather(1, at)


def _with_neighbours(cells: Tensor) -> Tensor:
    """Return the cells (b, 1024) that are True or have a True one among their eight neighbours."""
    grid = cells.float().reshape(-1, 1, MAP_CELLS, MAP_CELLS)
    return functional.max_pool2d(grid, 3, 1, 1).reshape(cells.shape[0], -1) > 0.0
