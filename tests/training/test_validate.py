import numpy as np
import pytest

from posealign.errors import InvalidImage
from training import validate
from training.shards import mend_sides, merge_labels


def people(count: int = 6) -> validate.Judged:
    random = np.random.default_rng(0)
    images = tuple(random.integers(0, 255, (128, 128, 3)).astype(np.uint8) for _ in range(count))
    points = random.uniform(30, 98, (count, 12, 2))
    coco = np.array([16, 14, 12, 11, 13, 15, 10, 8, 6, 5, 7, 9])
    return validate.Judged(images, points, np.ones((count, 12), bool), coco)


def full(judged: validate.Judged) -> np.ndarray:
    found = np.zeros((len(judged.images), 17, 2))
    found[:, judged.coco_J] = judged.points_NJ2
    return found


def test_the_truth_is_perfect_and_swapped_sides_are_seen() -> None:
    judged = people()
    perfect = validate.scores(judged, full(judged))
    assert perfect["oks"] == pytest.approx(1)
    assert perfect["pck"] == pytest.approx(1)
    swap = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]
    wrong = validate.scores(judged, full(judged)[:, swap])
    assert wrong["swapped"].mean() == pytest.approx(1)
    assert wrong["oks"].mean() < 0.5


def test_a_turned_picture_and_its_inverse_crop_agree() -> None:
    """A predictor that finds the labelled places in the input gets them back in the picture."""
    judged = validate.turned(people())
    boxes = judged.boxes_N4
    crops = iter(range(len(boxes)))
    from posealign.data.crop import Crop

    def locate(cuts: np.ndarray) -> np.ndarray:
        rows = [next(crops) for _ in cuts]
        return np.stack(
            [Crop.of_box(tuple(boxes[r]), (64, 64)).apply(full(judged)[r]) for r in rows]
        )

    found = validate.predict(judged, locate, (64, 64))
    assert validate.scores(judged, found)["oks"] == pytest.approx(1)


def test_halves_share_nothing() -> None:
    judged = people(7)
    first, second = validate.half(judged, "A"), validate.half(judged, "B")
    assert len(first.images) == 4
    assert len(second.images) == 3
    assert not {id(image) for image in first.images} & {id(image) for image in second.images}


def lsp_and_coco(swapped: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from posealign.skeletons.load import skeleton

    lsp, coco = skeleton("lsp14"), skeleton("coco17")
    random = np.random.default_rng(1)
    pseudo = np.ones((1, 17, 3), np.float32)
    pseudo[0, :, :2] = random.uniform(0, 200, (17, 2))
    human = np.ones((1, 14, 3), np.float32)
    for index, name in enumerate(lsp.names):
        if name in coco.names:
            twin = (
                coco[name].swap if swapped and not name.endswith(("hip", "knee", "ankle")) else name
            )
            human[0, index, :2] = pseudo[0, coco.index(twin), :2]
    return human, pseudo, np.array([200.0])


def test_exchanged_arms_are_put_right_and_right_ones_left_alone() -> None:
    for swapped in (True, False):
        human, pseudo, size = lsp_and_coco(swapped)
        mended, counts = mend_sides(human, pseudo, size)
        expected, _, _ = lsp_and_coco(False)
        assert np.allclose(mended[:, :12], expected[:, :12])
        assert counts["arms_swapped"] == float(swapped)
        assert counts["legs_swapped"] == 0


def test_people_outweigh_the_other_model() -> None:
    human, pseudo, size = lsp_and_coco(False)
    human[0, 0, 2] = 0  # nobody labelled the right ankle
    points, weights = merge_labels(human, pseudo, size)
    assert weights[0, 0] == pytest.approx(0.3)  # the nose is a pseudo-label
    assert weights[0, 16] == pytest.approx(0.3)
    assert weights[0, 15] == 1
    assert np.isnan(points[0, 40]).all()
    assert weights[0, 40] == 0


def test_a_picture_that_cannot_be_decoded_is_named() -> None:
    with pytest.raises(InvalidImage, match="broken.jpg"):
        validate.decoded(b"no picture", "broken.jpg")
