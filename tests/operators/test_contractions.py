"""Einstein sums: the reference, the tensor expression and native code agree, and with numpy's."""

from __future__ import annotations

import numpy as np
import pytest
from operator_checks import check, module_of, tensor
from stepwell.errors import ImportModelError
from stepwell.frontends.onnx.converters.contractions import explicit_terms
from stepwell.operators.contractions import EinsumOp
from xdsl.utils.exceptions import VerifyException


@pytest.mark.parametrize(
    "equation, shapes",
    [
        ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]),
        ("ij->ji", [(2, 3)]),
        ("ii->i", [(3, 3)]),
        ("ij->", [(2, 3)]),
        ("i,j->ij", [(2,), (3,)]),
        ("aij,bjk->abik", [(2, 3, 4), (5, 4, 6)]),
        ("bhwc,hkc->bhwk", [(2, 3, 4, 5), (3, 6, 5)]),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_sums(equation: str, shapes: list[tuple[int, ...]], dtype: str):
    arrays = [tensor(*shape, dtype=dtype, seed=seed) for seed, shape in enumerate(shapes)]
    (result,) = check(lambda *values: EinsumOp(values, equation), *arrays)
    np.testing.assert_allclose(result, np.einsum(equation, *arrays), rtol=1e-5, atol=1e-5)


def test_extents_of_one_broadcast():
    x, y = tensor(1, 3, 4), tensor(5, 4, 2)
    (result,) = check(lambda *values: EinsumOp(values, "aij,ajk->aik"), x, y)
    np.testing.assert_allclose(result, x @ y, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "equation, message",
    [
        ("ij,jk", "expected an equation of one or two operands such as 'ij,jk->ik', got 'ij,jk'"),
        ("ij,jk->il", "expected an equation of one or two operands"),
        ("ij,jk->ii", "expected an equation of one or two operands"),
        ("ijk,jk->i", "expected an operand of rank 3 for 'ijk', got 2x3"),
        ("ij,ij->i", "expected one extent of 'i', got 2 and 3"),
        ("ij->i", "expected 1 operands as in the equation, got 2"),
    ],
)
def test_refused(equation: str, message: str):
    with pytest.raises(VerifyException) as error:
        module_of(lambda x, y: EinsumOp([x, y], equation), [tensor(2, 3), tensor(3, 3)])
    assert message in str(error.value)


def test_equations_are_spelled_out():
    assert explicit_terms("ij, jk", [2, 2]) == (["ij", "jk"], "ik")
    assert explicit_terms("ba", [2]) == (["ba"], "ab")
    assert explicit_terms("...ij,...jk->...ik", [4, 3]) == (["abij", "bjk"], "abik")
    assert explicit_terms("i...", [2]) == (["ia"], "ai")
    assert explicit_terms("ii", [2]) == (["ii"], "")
    for equation, ranks in (("ij,jk", [2]), ("ij", [3]), ("i1", [2]), ("...i...", [3])):
        with pytest.raises(ImportModelError):
            explicit_terms(equation, ranks)
