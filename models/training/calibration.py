"""What calibrate.ts counted, and the range of values that 8 bits should stand for."""
import base64
import json
import zlib

import numpy as np

# Bins of the grid on which the histograms of several channels or tensors are laid together.
GRID_BINS = 8192
# Ends of the range that are tried, as shares of the extremes.
SHARES = np.arange(1.0, 0.195, -0.01)
# Share of a channel's values whose magnitude its equalisation goes by: a few outliers must not decide.
MAGNITUDE_QUANTILE = 0.9999


class TensorValues:
    """Histograms of one tensor: counts [channels, bins], and the values in the middle of each bin."""

    def __init__(self, entry, bins):
        self.dims = entry['dims']
        widths = np.array(entry['widths'])
        counts = zlib.decompress(base64.b64decode(entry['counts']))
        self.counts = np.frombuffer(counts, '<u4').reshape(-1, bins).astype(np.float64)
        self.middles = (np.arange(bins) - bins // 2 + 0.5) * widths[:, None]

    def channel_magnitudes(self):
        """Magnitude that nearly all values of each channel stay below, float64 [channels]."""
        magnitudes = np.abs(self.middles)
        order = np.argsort(magnitudes, 1)
        reached = np.cumsum(np.take_along_axis(self.counts, order, 1), 1)
        totals = reached[:, -1:]
        at = np.argmax(reached >= totals * MAGNITUDE_QUANTILE, 1)[:, None]
        return np.take_along_axis(np.take_along_axis(magnitudes, order, 1), at, 1)[:, 0] * (totals[:, 0] > 0)

    def channel_means(self):
        """Mean of each channel, float64 [channels]."""
        return (self.counts * self.middles).sum(1) / np.maximum(self.counts.sum(1), 1)

    def scale_channels(self, factors):
        """Takes every channel times its factor."""
        self.middles = self.middles * factors[:, None]

    def picked(self, channels):
        """The values of some channels in the given order, with the dims of a tensor of these channels."""
        other = object.__new__(TensorValues)
        other.dims = [self.dims[0], len(channels), *self.dims[2:]]
        other.counts, other.middles = self.counts[channels], self.middles[channels]
        return other


def read_calibration(path):
    """Values by tensor name, and the SHA-256 of the model they belong to."""
    with open(path) as file:
        content = json.load(file)
    values = {name: TensorValues(entry, content['bins']) for name, entry in content['tensors'].items()}
    return values, content['modelSha256'], content['images']


def clipped_range(parts):
    """The range (low, high), zero within, whose 256 steps lose least of the values, in the sense of squared error.

    Rounding costs step²/12 a value, a value beyond an end its squared distance (Nagel et al. 2021, arXiv:2106.08295,
    section 3.1). `parts` holds a TensorValues and the weight that errors below zero have in it: where a LeakyRelu
    follows, they are multiplied by the square of its slope before anyone sees them.
    """
    middles = np.concatenate([values.middles.ravel() for values, _ in parts])
    counts = np.concatenate([np.where(values.middles < 0, below, 1.0).ravel() * values.counts.ravel() for values, below in parts])
    middles, counts = middles[counts > 0], counts[counts > 0]
    if not len(middles):
        return 0.0, 0.0
    limit = np.abs(middles).max() * 1.001
    counts, edges = np.histogram(middles, GRID_BINS, (-limit, limit), weights=counts)
    grid = (edges[:-1] + edges[1:]) / 2
    highs, high_costs = clipping_costs(grid, counts, max(middles.max(), 0))
    lows, low_costs = clipping_costs(-grid[::-1], counts[::-1], max(-middles.min(), 0))
    steps = (highs[:, None] + lows[None, :]) / 255
    costs = high_costs[:, None] + low_costs[None, :] + counts.sum() * steps ** 2 / 12
    high, low = np.unravel_index(np.argmin(costs), costs.shape)
    return -lows[low], highs[high]


def clipping_costs(grid, counts, extreme):
    """Ends tried on the side above zero, and the summed squared distance of the values beyond each."""
    ends = extreme * SHARES
    return ends, np.array([(counts * np.maximum(grid - end, 0) ** 2).sum() for end in ends])
