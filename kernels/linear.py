"""The door to products whose rows do not depend on the batch: one function; what runs behind it is chosen by the device."""

from __future__ import annotations

from torch import Tensor

from sglc.kernels import linear_torch


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x times weight transposed, plus bias. The bits of a row depend on that row, the weight and the bias alone: a library's
    product is cut in another way where there are other rows, and then sums in another order.

    x: [rows, in], weight: [out, in], quickest where the last strides are 1; bias: [out]. Returns [rows, out] in the dtype of x;
    sums are in float32.
    """
    if not x.is_cuda:
        kernel = linear_torch.linear
    else:
        from sglc.kernels import linear_triton

        kernel = linear_triton.linear
    return kernel(x, weight, bias)
