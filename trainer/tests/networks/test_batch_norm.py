import pytest
import torch
from torch import nn

from sphynx_trainer.networks.base.batch_norm import BatchNorm2d


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_compiled_form_equals_the_built_in_operator(affine: bool, dtype: torch.dtype) -> None:
    """Its traced operations run one by one here, so that the test needs no C++ compiler."""
    ours, theirs = BatchNorm2d(5, affine=affine), nn.BatchNorm2d(5, affine=affine)
    if affine:
        nn.init.normal_(ours.weight)
        nn.init.normal_(ours.bias)
    theirs.load_state_dict(ours.state_dict())
    compiled = torch.compile(ours, backend="aot_eager")
    first, second = (torch.randn(4, 5, 6, 7) * 3 + 1 for _ in range(2))
    tolerance = 1e-5 if dtype == torch.float32 else 0.05
    for images in (first, second):
        left, right = (images.to(dtype).detach().requires_grad_() for _ in range(2))
        weights = torch.randn(4, 5, 6, 7)
        mine, expected = compiled(left), theirs(right)
        assert mine.dtype == expected.dtype == dtype
        assert torch.allclose(mine, expected, atol=tolerance)
        (mine * weights).sum().backward()
        (expected * weights).sum().backward()
        assert left.grad is not None
        assert torch.allclose(left.grad, right.grad, atol=tolerance)
    for name, value in theirs.state_dict().items():
        assert torch.allclose(ours.state_dict()[name], value, atol=1e-5), name
    assert torch.allclose(ours.eval()(first), theirs.eval()(first), atol=1e-5)
