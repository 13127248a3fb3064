"""Run with: python -m unittest discover models/tests"""

import sys
import unittest
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "numbers"))

import claims
from cutting import MARGIN, SIDE, cut
from detected import kinds_at
from faces import FACES, KIND_OF_FACE, KINDS, NUMBERS, face_of
from lit import batch
from make import SEEDS_A_SHARD
from photographed import parts, photographed
from pictures import Ball, part_of
import real
from reader import Reader, mflop
from skins import UNSEEN, Sets, one_set
from teach import targets

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "train"))

from dataset import CUE_BALL, NOT_CUE_BALL, Sample, kinds


def slope(width=80, height=60):
    y, x = np.mgrid[:height, :width]
    return np.repeat((2 * x + y)[..., None], 3, 2).astype(np.uint8)


class Cutting(unittest.TestCase):
    def test_a_part_is_the_mean_of_its_pixels(self):
        crop = cut(slope(), (40.0, 30.0), (32.0, 20.0))
        self.assertEqual(crop.shape, (SIDE, SIDE, 3))
        side = MARGIN * 32 / SIDE
        x = 40 + (np.arange(SIDE) + 0.5 - SIDE / 2) * side
        y = 30 + (np.arange(SIDE) + 0.5 - SIDE / 2) * side
        expected = 2 * (x[None] - 0.5) + (y[:, None] - 0.5)
        np.testing.assert_allclose(crop[..., 0] * 255, expected, atol=0.6)

    def test_beyond_the_picture_its_edge_goes_on(self):
        self.assertEqual(cut(slope(), (0.0, 0.0), (16.0, 16.0))[0, 0, 0], 0)

    def test_training_cuts_as_the_definition_does(self):
        image = np.random.default_rng(1).integers(0, 256, (50, 50, 3), dtype=np.uint8)
        first, side = torch.tensor([7.3]), torch.tensor([30.0])
        shares = parts(first, side, 50)[0].numpy()
        by_training = np.einsum("iy,yxc,jx->ijc", shares, image / 255, shares)
        np.testing.assert_allclose(by_training, cut(image, (22.3, 22.3), (24.0, 24.0)), atol=1e-4)


class MadeBalls(unittest.TestCase):
    def test_a_seed_makes_the_same_balls_again(self):
        def made():
            g = torch.Generator().manual_seed(5)
            light, faces, *_ = batch(g, Sets(1, 3), 16)
            return photographed(g, light)[0], faces
        (crops, faces), (again, faces_again) = made(), made()
        self.assertTrue(torch.equal(crops, again) and torch.equal(faces, faces_again))
        self.assertEqual(tuple(crops.shape), (16, 3, SIDE, SIDE))
        self.assertTrue(0 <= crops.min() and crops.max() <= 1)

    def test_sets_of_other_seeds_look_different(self):
        self.assertGreater(np.abs(one_set(1).astype(int) - one_set(2).astype(int)).mean(), 2)

    def test_training_never_reaches_the_seeds_of_unseen_sets(self):
        seeds, shards = 20, 1000
        self.assertLess((seeds * 1000 + shards) * SEEDS_A_SHARD, UNSEEN)


class Claims(unittest.TestCase):
    def test_numbers_know_only_pool_sets_and_colours_only_others(self):
        logits = np.full((1, len(FACES)), -4.0)
        logits[0, [3, face_of(None, "red")]] = 6
        told = claims.claimed([logits])
        (number, colour), kind = (told[what] for what in ("number", "colour")), told["kind"]
        self.assertEqual((number[0][0], colour[0][0]), (3, face_of(None, "red")))
        self.assertGreater(min(number[1][0], colour[1][0]), 0.99)
        self.assertAlmostEqual(kind[1][0], 0.5, delta=0.01)

    def test_of_two_purple_balls_the_plainer_five_leaves_the_four_to_the_other(self):
        logits = np.full((2, len(FACES)), -4.0)
        logits[:, 5], logits[0, 4], logits[1, 5] = 3.2, 3, 6
        self.assertEqual(claims.claimed([logits[:1]])["number"][0].tolist(), [5])
        together = claims.claimed([logits])["number"]
        self.assertEqual(together[0].tolist(), [4, 5])
        self.assertGreater(together[1].min(), 0.95)

    def test_the_detector_tells_of_a_purple_ball_which_is_the_four_or_the_twelve_whether_it_is_a_stripe(self):
        logits = np.full((1, len(FACES)), -4.0)
        logits[0, 4], logits[0, 12] = 6, 6.2
        number = lambda kinds: claims.claimed([claims.with_kinds(logits, np.array([kinds]))])["number"]
        self.assertEqual(number(claims.UNKNOWN)[0].tolist(), [12])
        best, probability = number([0, 0, 0.999, 0.001, 0])
        self.assertEqual(best.tolist(), [4])
        self.assertGreater(probability[0], 0.9)

    def test_a_ball_has_the_kinds_of_the_likeliest_box_near_it_and_far_away_those_of_any_ball(self):
        output = np.full((10, 48, 80), -5.0)
        for row, column, logit, kind in ((20, 30, 1.0, 2), (20, 31, 3.0, 3), (20, 35, 9.0, 0)):
            output[0, row, column], output[1 + kind, row, column] = logit, 5
        output[6:8] = 0
        # A picture twice as large as the input: the cell's middle is at (504, 328).
        near, far = (Ball(Path("a"), centre, (60, 60), 3, 1, "pool") for centre in ((500, 330), (4000, 330)))
        kinds = kinds_at(output, (1280, 768), [near, far])
        self.assertEqual(int(kinds[0].argmax()), 3)
        self.assertEqual(kinds[1].tolist(), claims.UNKNOWN.tolist())

    def test_label_and_set_say_which_faces_a_real_ball_may_bear(self):
        names = lambda row: [FACES[index] for index in np.flatnonzero(row)]
        pool = Sample("a", "ss19190_ball", "letterboxed_x", "train", np.zeros((9, 9, 3), np.uint8),
                      kinds=np.array([CUE_BALL, NOT_CUE_BALL]))
        cue, other = real.allowed(pool)
        self.assertEqual(names(cue), ["0"])
        self.assertEqual(names(other), [str(number) for number in range(1, 16)])
        pub = Sample("a", "ss19190_cue", "overhead_pub_x", "train", np.zeros((9, 9, 3), np.uint8),
                     kinds=np.array([CUE_BALL, kinds("eight_ball", "ball"), kinds("ball")]))
        cue, black, plain = real.allowed(pub)
        self.assertEqual(names(cue), ["white"])
        self.assertEqual(names(black), ["yellow", "blue", "black"])
        self.assertEqual(names(plain), ["yellow", "blue", "black"])

    def test_real_balls_are_believed_together_and_what_is_left_tells_nothing(self):
        logits = np.zeros((2, len(FACES)), np.float32)
        logits[:, 4], logits[0, 12], logits[1, 12] = 4, 0, 3.5
        faces = real.beliefs(logits, np.ones(logits.shape, bool), pool=True)
        self.assertEqual(faces.argmax(1).tolist(), [4, 12])
        np.testing.assert_allclose(faces.sum(1), 1, atol=1e-5)

    def test_every_face_makes_its_kind(self):
        kinds = [KINDS[kind] for kind in KIND_OF_FACE[:len(NUMBERS)]]
        self.assertEqual(kinds, ["cue_ball"] + ["solid"] * 7 + ["eight_ball"] + ["stripe"] * 7)

    def test_the_lowest_threshold_keeps_wrong_claims_few(self):
        probability = np.linspace(0.5, 1, 1000)
        best, truth = np.ones(1000, int), (probability > 0.8).astype(int)
        threshold = claims.least_threshold(best, probability, truth, 0.01)
        self.assertLessEqual(claims.tally(best, probability, truth, threshold).wrong, 0.01)
        self.assertAlmostEqual(threshold, 0.795, delta=0.006)

    def test_temperature_cools_what_is_too_sure_of_numbers_told_together(self):
        rng = np.random.default_rng(0)
        pictures, faces = [], []
        while len(pictures) < 1500:
            logits = np.concatenate([rng.normal(0, 2, (3, len(NUMBERS))), np.full((3, len(FACES) - len(NUMBERS)), -12)], 1)
            bears = (rng.random((3, 1)) > claims.shares(logits).cumsum(1)).sum(1)
            if len(set(bears)) == 3:  # a number is there once
                pictures.append(logits * 1.8)
                faces.append(bears)
        self.assertAlmostEqual(claims.temperature(pictures, np.tile(claims.UNKNOWN, (len(pictures), 3, 1)), np.concatenate(faces)), 1.8, delta=0.2)


class Pictures(unittest.TestCase):
    def test_a_picture_is_for_training_tuning_or_testing_by_its_number(self):
        parts = [part_of(Path(f"r008-{number:06}.json")) for number in range(20)]
        self.assertEqual([parts.count(part) for part in ("training", "tuning", "testing")], [16, 2, 2])
        self.assertEqual(parts[19], "testing")


class Network(unittest.TestCase):
    def test_it_is_small(self):
        self.assertLess(mflop(), 11)
        self.assertLess(sum(p.numel() for p in Reader().parameters()) * 4, 500_000)

    def test_a_hidden_ball_is_asked_for_no_opinion(self):
        asked = targets(torch.tensor([3, 3]), torch.tensor([0.9, 0.1]))
        self.assertEqual(asked[0].argmax(), 3)
        self.assertTrue(torch.allclose(asked[1], torch.full((len(FACES),), 1 / len(FACES))))


if __name__ == "__main__":
    unittest.main()
