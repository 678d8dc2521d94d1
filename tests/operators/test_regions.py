"""Regions of images: the reference, the tensor expression and native code agree."""

from __future__ import annotations

import numpy as np
import pytest
from operator_checks import check, module_of, tensor
from stepwell.operators.regions import DeformOp, MaxRoiPoolOp, RoiAlignOp
from stepwell.operators.windows import Window
from xdsl.utils.exceptions import VerifyException

REGIONS = np.array([[0, 0, 3, 2], [1.5, 2, 4, 7], [-3, -2, 9, 1], [4, 4, 4, 4]], np.float32)
IMAGES = np.array([0, 1, 1, 0])


@pytest.mark.parametrize("half_pixel", [False, True])
@pytest.mark.parametrize("maximum", [False, True])
def test_aligned_regions(maximum: bool, half_pixel: bool):
    check(
        lambda x, r, i: RoiAlignOp(x, r, i, [2, 3], scale=0.75, samples=2, maximum=maximum, half_pixel=half_pixel),
        tensor(2, 3, 5, 6),
        REGIONS,
        IMAGES,
    )


def test_pooled_regions():
    regions = np.concatenate([IMAGES[:, None], REGIONS], axis=1).astype(np.float32)
    check(lambda x, r: MaxRoiPoolOp(x, r, [2, 3], scale=1.5), tensor(2, 3, 5, 6), regions)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("groups", [1, 2])
def test_deformed_windows(groups: int, masked: bool):
    window = Window((2, 3), (2, 1), (1, 0, 0, 1), (1, 2))
    offsets, mask = 3 * tensor(2, 12 * groups, 3, 2), tensor(2, 6 * groups, 3, 2, seed=1)
    masks = [mask] if masked else []
    check(lambda x, o, *m: DeformOp(x, o, m[0] if m else None, window, groups), tensor(2, 4, 5, 5), offsets, *masks)


def test_windows_without_offsets_are_plain():
    x, window = tensor(1, 1, 3, 3), Window((2, 2), (1, 1), (0,) * 4, (1, 1))
    (result,) = check(lambda x, o: DeformOp(x, o, None, window), x, np.zeros((1, 8, 2, 2), np.float32))
    for tap, (i, j) in enumerate(np.ndindex(2, 2)):
        np.testing.assert_array_equal(result[0, tap], x[0, 0, i : i + 2, j : j + 2])


def test_refused():
    with pytest.raises(VerifyException, match="expected 5 numbers for each region, got 4x4"):
        module_of(lambda x, r: MaxRoiPoolOp(x, r, [1, 1]), [tensor(1, 1, 3, 3), REGIONS])
    window = Window((2, 2), (1, 1), (0,) * 4, (1, 1))
    with pytest.raises(VerifyException, match="expected offsets of shape 1x8x2x2, got 1x4x2x2"):
        module_of(lambda x, o: DeformOp(x, o, None, window), [tensor(1, 1, 3, 3), tensor(1, 4, 2, 2)])
