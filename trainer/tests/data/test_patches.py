import torch

from sphynx_trainer.data.patches import Patch


def numbered(count: int, size: int) -> torch.Tensor:
    """Images [count, 1, size, size] whose pixels are all different."""
    return torch.arange(float(count * size * size)).view(count, 1, size, size)


def test_an_image_shows_its_partner_in_the_rectangle_only() -> None:
    images = numbered(2, 4)
    patch = Patch(torch.tensor([1, 0]), slice(1, 3), slice(2, 4), 0.25)
    mixed = patch.apply(images)
    assert mixed[0, 0].tolist() == [
        [0, 1, 2, 3],
        [4, 5, 22, 23],
        [8, 9, 26, 27],
        [12, 13, 14, 15],
    ]
    assert mixed[1, 0, 1].tolist() == [20, 21, 6, 7]
    assert torch.equal(images, numbered(2, 4)), "the images themselves stay as they are"


def test_the_share_is_that_of_the_partners_pixels() -> None:
    torch.manual_seed(0)
    images = numbered(5, 8)
    shares = []
    for _ in range(200):
        patch = Patch.draw(5, 8)
        assert sorted(patch.partners.tolist()) == list(range(5))
        # Pixels that a partner's image has at the same place.
        of_partner = patch.apply(images) == images[patch.partners]
        itself = patch.partners == torch.arange(5)
        assert all(of_partner[i].float().mean() == patch.share for i in range(5) if not itself[i])
        shares.append(patch.share)
    assert min(shares) < 0.05
    assert max(shares) > 0.95
    assert 0.4 < sum(shares) / 200 < 0.6
