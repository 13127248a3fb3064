"""Run with: python -m unittest discover models/tests"""

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path

import cv2
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "train"))

from appliance import Found
from augment import augmented, carry_balls, clip_balls
from balls import Cutouts, paste_fist, racked
from crossval import settings_of
from dataset import (CUE_BALL, NOT_CUE_BALL, Sample, add_left_out, clip_cues, kinds, merge_same, read_balls, read_exact, read_sample,
                     real_ends)
from folds import ALL, FOLDS, NO_PART, PX_FOLDS, learnt_from, measured, parts
from mean import mean
from measures import average_precision, iou, judged, match, match_centres, match_cues
from hiding import covered, draw_over, shown
from loss import BACKGROUND, POSITIVE, UNJUDGED, ball_loss, ball_targets, cue_targets
from network import Nano, gflop
from sticks import lay_bar, paste_cue
from learner import Learner
from thresholds import best_margin, best_threshold
from train import Batches, learners_of, without


def speckled(width, height, seed=0):
    small = np.random.default_rng(seed).integers(0, 200, (12, 16, 3), dtype=np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


class Labels(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.real = Path(self.folder.name)

    def write(self, source, name, image, label, aspect="native", pose=None):
        for part in ("images", "labels", "labels_pose"):
            (self.real / source / part).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(self.real / source / "images" / f"{name}.png"), image[..., ::-1])
        (self.real / source / "labels" / f"{name}.txt").write_text(label)
        (self.real / source / "labels_pose" / f"{name}.txt").write_text(pose or "")
        return {"source": source, "image": f"{source}/images/{name}.png", "label": f"{source}/labels/{name}.txt",
                "group": "letterboxed_x", "suggested_split": "train", "unstretch_to_aspect_w_over_h": aspect}

    def test_other_ball_of_ss19190_may_be_any_but_the_cue_ball(self):
        path = self.real / "a.txt"
        path.write_text("0 0.5 0.5 0.1 0.2\n1 0.25 0.5 0.1 0.2\n")
        balls, masks = read_balls(path, "ss19190_ball", 200, 100)
        np.testing.assert_allclose(balls[1], [50, 50, 20, 20])
        np.testing.assert_array_equal(masks, [CUE_BALL, NOT_CUE_BALL])

    def test_rail_diamonds_of_pix2pockets_are_not_balls(self):
        path = self.real / "a.txt"
        path.write_text("2 0.5 0.5 0.1 0.1\n1 0.5 0.5 0.1 0.1\n0 0.2 0.2 0.1 0.1\n")
        balls, masks = read_balls(path, "pix2pockets_v3", 100, 100)
        self.assertEqual(len(balls), 2)
        np.testing.assert_array_equal(masks, [CUE_BALL, kinds("eight_ball")])

    def test_squashed_picture_gets_its_aspect_back_and_its_balls_round(self):
        row = self.write("ss19190_ball", "a", speckled(64, 64), "1 0.5 0.5 0.1 0.2\n", aspect="2.0")
        sample = read_sample(self.real, row)
        self.assertAlmostEqual(sample.image.shape[1] / sample.image.shape[0], 2.0, delta=0.05)
        self.assertAlmostEqual(sample.balls[0, 2] / sample.balls[0, 3], 1.0, delta=0.03)

    def test_screenshots_that_the_manifest_wrongly_calls_upright_come_out_as_landscapes(self):
        for name, source, wide in (("Screenshot_20251221-114247_Fotos", "ss19190_cue", True),
                                   ("Screenshot_20251221-114400_Fotos", "ss19190_cue", False),
                                   ("Screenshot_20251221-113808_Fotos", "ss19190_ball", False)):
            row = self.write(source, name, speckled(64, 64), "", aspect="0.49")
            height, width = read_sample(self.real, {**row, "group": "minitable_phone_20251221_s00", "notes": ""}).image.shape[:2]
            self.assertEqual(width > height, wide, name)

    def test_cue_whose_publisher_took_its_butt_for_its_tip_points_the_other_way(self):
        pose = "0 0.5 0.5 1 1 0.25 0.5 2 0.75 0.5 2\n"
        for name, cue in (("Screenshot_20251217-110619_Fotos", [48, 32, 16, 32]), ("Screenshot_20251217-110620_Fotos", [16, 32, 48, 32])):
            row = self.write("ss19190_cue", name, speckled(64, 64), "0 0.5 0.5 1 1\n", pose=pose)
            np.testing.assert_allclose(read_sample(self.real, row).cues, [cue])

    def test_picture_whose_publisher_left_balls_unlabelled_does_not_teach_that_they_are_background(self):
        for name, complete in (("Screenshot_20251217-102505_Fotos", False), ("Screenshot_20251217-102506_Fotos", True)):
            row = self.write("ss19190_ball", name, speckled(64, 64), "")
            self.assertEqual(read_sample(self.real, row).balls_complete, complete)

    def test_white_letterbox_bars_are_cut_and_labels_follow(self):
        image = speckled(64, 64)
        image[:16] = 255
        row = self.write("ss19190_ball", "a", image, "1 0.5 0.5 0.1 0.1\n")
        sample = read_sample(self.real, row)
        self.assertEqual(sample.image.shape[0], 48)
        self.assertAlmostEqual(sample.balls[0, 1], 16, places=4)

    def test_picture_in_two_folders_becomes_one_with_both_labels(self):
        image = speckled(64, 64)
        pose = "0 0.5 0.5 1 1 0.25 0.5 2 1.0 0.5 2\n"
        rows = [self.write("ss19190_ball", "a", image, "1 0.5 0.5 0.1 0.1\n"),
                self.write("ss19190_cue", "a", (image * 0.8).astype(np.uint8), "0 0.5 0.5 1 1\n", pose=pose)]
        merged = merge_same([read_sample(self.real, row) for row in rows])
        self.assertEqual(len(merged), 1)
        self.assertTrue(merged[0].balls_complete and merged[0].cues_complete)
        np.testing.assert_allclose(merged[0].cues, [[16, 32, 64, 32]])

    def test_ball_that_a_publisher_left_out_is_neither_ball_nor_background(self):
        rows = [self.write("ss19190_ball", name, speckled(200, 100), "1 0.5 0.5 0.1 0.1\n") for name in "ab"]
        path = self.real / "left_out.csv"
        path.write_text("image,why,cx,cy,w,h\nss19190_ball/images/a.png,in a pocket,0.25,0.5,0.1,0.2\n")
        one, other = add_left_out([read_sample(self.real, row) for row in rows], path)
        np.testing.assert_allclose(one.unjudged, [[50, 50, 20, 20]])
        self.assertEqual((len(one.balls), len(other.balls), len(other.unjudged)), (1, 1, 0))

    def test_ball_deep_in_a_rendered_pocket_is_neither_ball_nor_background(self):
        ball = dict(kind="solid", x=30.0, y=20.0, w=10.0, h=10.0, occluded=0.0)
        truth = dict(balls=[ball], sunk=[dict(ball, x=60.0)], cues=[])
        (self.real / "r001-000001.json").write_text(json.dumps(truth))
        cv2.imwrite(str(self.real / "r001-000001.png"), speckled(100, 50))
        sample, = read_exact(self.real, "rendered")
        np.testing.assert_allclose(sample.balls, [[30, 20, 10, 10]])
        np.testing.assert_allclose(sample.unjudged, [[60, 20, 10, 10]])

    def test_rendered_picture_that_tunes_the_reader_teaches_the_detector_nothing(self):
        for number in (7, 8, 9):
            (self.real / f"r001-00000{number}.json").write_text(json.dumps(dict(balls=[], cues=[])))
            cv2.imwrite(str(self.real / f"r001-00000{number}.png"), speckled(100, 50))
        self.assertEqual([s.split for s in read_exact(self.real, "rendered")], ["train", "tune"])
        self.assertEqual([s.split for s in read_exact(self.real, "simulated")], ["train", "train", "tune"])

    def test_same_name_with_another_view_stays_apart_and_partly_labelled(self):
        rows = [self.write("ss19190_ball", "a", speckled(64, 64, 1), "1 0.5 0.5 0.1 0.1\n"),
                self.write("ss19190_cue", "a", speckled(64, 64, 2), "")]
        merged = merge_same([read_sample(self.real, row) for row in rows])
        self.assertEqual([(s.balls_complete, s.cues_complete) for s in merged], [(True, False), (False, True)])


class Folds(unittest.TestCase):
    def setUp(self):
        image = np.zeros((4, 4, 3), np.uint8)
        self.samples = [Sample(f"{group}/{n}.jpg", source, group, "train", image, np.zeros((balls, 4), np.float32))
                        for source, group, balls in (("ss19190_ball", "letterboxed_a", 9), ("ss19190_ball", "letterboxed_b", 5),
                                                     ("ss19190_ball", "letterboxed_c", 2), ("ss19190_cue", "minitable_a", 0),
                                                     ("ss19190_cue", "minitable_b", 3), ("pix2pockets_v3", "px", 4),
                                                     ("rendered", "rendered", 4)) for n in range(10)]

    def taught(self, name):
        return [sample for sample, _ in learnt_from(self.samples, [name])]

    def test_no_session_is_both_trained_on_and_measured_and_every_one_is_measured_once(self):
        names = []
        for number in range(FOLDS):
            held = measured(self.samples, f"sessions{number}")
            self.assertFalse({s.group for s in self.taught(f"sessions{number}")} & {s.group for s in held})
            names += [s.name for s in held]
        real = [s.name for s in self.samples if s.source.startswith("ss19190")]
        self.assertEqual(sorted(names), sorted(real))

    def test_frames_of_pix2pockets_are_measured_once_each_by_the_training_that_did_not_see_them(self):
        names = []
        for number in range(PX_FOLDS):
            held = measured(self.samples, f"px{number}")
            self.assertFalse({s.name for s in self.taught(f"px{number}")} & {s.name for s in held})
            names += [s.name for s in held]
        self.assertEqual(sorted(names), sorted(s.name for s in self.samples if s.source == "pix2pockets_v3"))

    def test_what_is_held_out_of_the_shipped_weights_teaches_the_folds_that_do_not_measure_it(self):
        for sample in self.samples:
            if sample.group in ("letterboxed_c", "rendered"):
                sample.split = "val"
        teaches = {name: {s.group for s in self.taught(name)} for name in (ALL, "sessions0", "sessions2")}
        self.assertEqual({s.group for s in self.samples} - teaches[ALL], {"letterboxed_c", "rendered"})
        self.assertIn("letterboxed_c", teaches["sessions0"])
        self.assertNotIn("letterboxed_c", teaches["sessions2"])
        self.assertNotIn("rendered", teaches["sessions0"])
        self.assertIn("letterboxed_c", {s.group for s, _ in learnt_from(self.samples, [ALL, "sessions0"])})

    def test_training_beside_sees_no_view_that_holds_anything_of_what_it_leaves_out(self):
        made_of = torch.tensor([[0, NO_PART], [1, NO_PART], [1, 0], [4, 1], [NO_PART, NO_PART]])
        image, (balls,), (cues,) = without((torch.arange(5), [torch.arange(5)], [torch.arange(5)], made_of), "sessions0")
        for kept in (image, balls, cues):
            self.assertEqual(kept.tolist(), [1, 3, 4])
        self.assertEqual(without((torch.arange(5), [], [], made_of), "pix2pockets")[0].tolist(), [0, 1, 2, 4])

    def test_trainings_in_turn_all_learn_and_the_first_one_always(self):
        taught = [list(learners_of(number, 4, True)) for number in range(6)]
        self.assertTrue(all(0 in batch and len(batch) == 2 for batch in taught))
        self.assertEqual([batch[1] for batch in taught], [1, 2, 3, 1, 2, 3])
        self.assertEqual(list(learners_of(5, 4, False)), [0, 1, 2, 3])
        self.assertEqual(list(learners_of(5, 1, True)), [0])

    def test_training_begins_with_another_s_weights_and_goes_on_from_its_own(self):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            cpu, first, second = torch.device("cpu"), Path(folder) / "first", Path(folder) / "second"
            taught = Learner(first, cpu, 1e-3)
            for part in taught.average.parameters():
                part.data += 0.25
            taught.save(7, 3.0)
            begun = Learner(second, cpu, 1e-3, initial=first / "checkpoint.pt")
            for own, other in zip(begun.network.parameters(), taught.average.parameters()):
                torch.testing.assert_close(own, other)
            self.assertEqual((begun.batch, begun.seconds), (0, 0.0))
            begun.network.load_state_dict(taught.network.state_dict())
            begun.save(9, 4.0)
            again = Learner(second, cpu, 1e-3, initial=first / "checkpoint.pt")
            for own, other in zip(again.network.parameters(), taught.network.parameters()):
                torch.testing.assert_close(own, other)
            self.assertEqual((again.batch, again.seconds), (9, 4.0))

    def test_mean_of_two_runs_lies_in_the_middle_and_goes_on_from_the_later(self):
        run = lambda value, step: {"average": {"weight": torch.tensor([value]), "count": torch.tensor(step)}, "step": step}
        between = mean(run(1.0, 3), run(2.0, 8))
        self.assertEqual((between["average"]["weight"].item(), between["average"]["count"].item(), between["step"]), (1.5, 8, 8))

    def test_view_into_which_balls_of_another_picture_were_pasted_says_so(self):
        class Watched(Cutouts):
            picked = False

            def pick(self, rng, size):
                self.picked = True
                return super().pick(rng, size)

        sample = Sample("a", "ss19190_ball", "letterboxed_a", "train", speckled(320, 240, 1),
                        np.array([[80, 80, 30, 30]], np.float32), CUE_BALL[None], balls_complete=True)
        said = set()
        for seed in range(24):
            cutouts = Watched([sample])
            view = augmented(sample, np.random.default_rng(seed), 384, 256, cutouts)
            said.add((cutouts.picked, view.pasted))
        self.assertEqual(said, {(True, True), (False, True), (False, False)}, "balls may also be drawn by formula")

    def test_view_names_the_part_of_its_picture_and_of_the_balls_pasted_into_it(self):
        ball = np.array([[40, 40, 20, 20]], np.float32)
        samples = [Sample(f"{n}", source, group, "train", speckled(160, 120, n), ball, CUE_BALL[None], balls_complete=True)
                   for n, (source, group) in enumerate((("ss19190_ball", "letterboxed_a"), ("ss19190_ball", "letterboxed_b"),
                                                        ("rendered", "rendered")))]
        batches = Batches(samples, parts(samples), 1, 1, times=4)
        image, _, _, made_of = batches[0]
        own, pasted = made_of.T.tolist()
        self.assertEqual(len(image), len(own))
        self.assertLessEqual(set(own), {0, 1, NO_PART})
        self.assertLessEqual(set(pasted), {0, 1, NO_PART})
        for of_picture, of_balls in zip(own, pasted):
            self.assertTrue(of_balls == NO_PART or of_picture != NO_PART, "nothing is pasted into made pictures")
        self.assertLess({NO_PART}, {of_balls for of_picture, of_balls in zip(own, pasted) if of_picture != NO_PART})
        torch.testing.assert_close(batches[0][0], image)


class Geometry(unittest.TestCase):
    def test_box_of_a_turned_round_ball_keeps_its_size(self):
        turn = np.array([[0.8, -0.6, 10], [0.6, 0.8, 5], [0, 0, 1]])
        np.testing.assert_allclose(carry_balls(turn, np.array([[20.0, 30.0, 12.0, 12.0]])),
                                   [[8, 41, 12, 12]], atol=1e-4)

    def test_of_balls_at_the_edge_a_half_is_a_ball_a_quarter_is_not_judged_a_tenth_is_nothing(self):
        balls = np.array([[0.1, 50, 20, 20], [-5, 50, 20, 20], [-8, 50, 20, 20]], np.float32)
        kept, _, ignored = clip_balls(balls, np.ones((3, 5), bool), 100, 100)
        np.testing.assert_allclose(kept, [[5.05, 50, 10.1, 20]], rtol=1e-5)
        np.testing.assert_allclose(ignored, [[2.5, 50, 5, 20]])

    def test_cue_is_cut_at_the_edge_keeps_its_direction_and_loses_that_end(self):
        both = np.ones((1, 2), bool)
        for cue, want, real in (([50, 50, 150, 50], [50, 50, 100, 50], [True, False]),
                                ([150, 50, 50, 50], [100, 50, 50, 50], [False, True]),
                                ([20, 20, 80, 80], [20, 20, 80, 80], [True, True])):
            cues, ends = clip_cues(np.array([cue]), both, 100, 100)
            np.testing.assert_allclose(cues, [want])
            np.testing.assert_array_equal(ends, [real])
        self.assertEqual(len(clip_cues(np.array([[150, 50, 250, 50]]), both, 100, 100)[0]), 0)

    def test_end_labelled_at_the_picture_s_edge_is_where_the_stick_leaves_it(self):
        ends = real_ends(np.array([[50.0, 30.0, 99.5, 60.0]], np.float32), 100, 100)
        np.testing.assert_array_equal(ends, [[True, False]])


class Pasted(unittest.TestCase):
    cloth = np.full((256, 384, 3), (20, 120, 60), np.uint8)

    def test_ball_under_a_bar_is_what_shows_of_it(self):
        ball = np.array([100, 100, 20, 20], np.float32)

        def under(low, high):
            seen = np.ones((200, 200), bool)
            seen[low:high] = False
            return shown(ball, seen)

        share, box = under(90, 100)
        self.assertAlmostEqual(share, 0.5, delta=0.06)
        np.testing.assert_allclose(box, [100, 105, 20, 10], atol=1.2)
        self.assertEqual(under(50, 70)[0], 1)
        self.assertEqual(under(88, 112)[0], 0)

    def test_what_is_drawn_over_balls_hides_the_share_that_is_told(self):
        balls = np.array([[x, y, 32, 32] for x in range(20, 370, 40) for y in range(20, 240, 40)], np.float32)
        for draw in (lay_bar, paste_fist):
            hidden = 0
            for seed in range(8):
                picture, rng = self.cloth.copy(), np.random.default_rng(seed)
                share, boxes = draw_over(lambda image: draw(rng, image, 32), picture, balls)
                hidden += (share < 1).any()
                same = (picture == self.cloth).all(2)
                for (x, y, *_), part in zip(balls, share):
                    disc = np.hypot(*(np.mgrid[0:256, 0:384] + 0.5 - np.array([y, x])[:, None, None])) < 16
                    self.assertAlmostEqual(same[disc].mean(), part, delta=0.06)
                np.testing.assert_array_equal(boxes[share == 1], balls[share == 1])
            self.assertGreater(hidden, 4)

    def test_end_of_a_cue_under_something_drawn_is_told_from_one_beside_it(self):
        picture = self.cloth.copy()
        cv2.circle(picture, (100, 80), 9, (200, 150, 120), -1)
        hidden = covered(self.cloth, picture, np.array([[104.0, 78], [150, 80], [100, 60], [-5, 900]]))
        self.assertEqual(hidden.tolist(), [True, False, False, False])

    def test_views_do_not_ask_for_ends_of_cues_under_hands_and_bars(self):
        cue = np.array([[60, 120, 280, 130]], np.float32)
        sample = Sample("a", "ss19190_cue", "misc", "train", np.full((240, 320, 3), (20, 120, 60), np.uint8), cues=cue,
                        ends=np.ones((1, 2), bool), cues_complete=True)
        asked = [augmented(sample, np.random.default_rng(seed), 384, 256, Cutouts([])) for seed in range(60)]
        inside = [bool(not real and (point > 5).all() and (point < (379, 251)).all())
                  for view in asked for points, reals in zip(view.cues.reshape(-1, 2, 2), view.ends) for point, real in zip(points, reals)]
        self.assertTrue(any(inside))

    def test_drawn_cue_lies_where_its_label_says(self):
        balls, drawn = np.array([[200, 120, 16, 16]], np.float32), 0
        for seed in range(12):
            picture = self.cloth.copy()
            cue = paste_cue(np.random.default_rng(seed), picture, balls, 16)
            if cue is None:
                np.testing.assert_array_equal(picture, self.cloth)
                continue
            points = cue[:2] + np.linspace(0.01, 0.99, 200)[:, None] * (cue[2:] - cue[:2])
            inside = ((points > 1) & (points < (383, 255))).all(1)
            columns, rows = points[inside].astype(int).T
            # No shadow is brighter than the cloth, and no cue as green.
            changed = abs(picture[rows, columns].astype(int) - self.cloth[0, 0]).sum(1) > 20
            if len(changed):
                self.assertGreater(changed.mean(), 0.95)
                drawn += 1
        self.assertGreater(drawn, 5)

    def test_drawn_hand_with_its_fingers_covers_no_ball(self):
        balls = np.array([[x, y, 20, 20] for x in (40, 100, 160) for y in (40, 100, 160)], np.float32)
        drawn = 0
        for seed in range(60):
            image = np.full((200, 200, 3), 90, np.uint8)
            paste_fist(np.random.default_rng(seed), image, 12, beside=balls)
            drawn += bool((image != 90).any())
            for x, y, w, h in balls.astype(int):
                self.assertTrue((image[y - h // 4:y + h // 4, x - w // 4:x + w // 4] == 90).all(), seed)
        self.assertGreater(drawn, 10)

    def test_racked_balls_touch_and_do_not_run_into_each_other(self):
        for seed in range(10):
            places = np.array(racked(np.random.default_rng(seed), 20, (256, 384)))
            apart = np.hypot(*(places[:, None, :2] - places[None, :, :2]).transpose(2, 0, 1)) + 1e3 * np.eye(len(places))
            self.assertGreater(apart.min() / places[0, 2], 0.85)
            if len(places) > 8:
                self.assertLess(apart.min() / places[0, 2], 1.3)


class Targets(unittest.TestCase):
    def test_ball_is_positive_in_its_cell_and_its_box_decodes_to_the_label(self):
        ball = np.array([[100.0, 60.0, 14.0, 12.0]], np.float32)
        state, box, _ = ball_targets(ball, CUE_BALL[None], ball[:0], True, 640, 384)
        rows, columns = np.nonzero(state == POSITIVE)
        self.assertIn((60 // 8, 100 // 8), list(zip(rows, columns)))
        for row, column in zip(rows, columns):
            dx, dy, w, h = box[:, row, column]
            np.testing.assert_allclose([(column + 0.5 + dx) * 8, (row + 0.5 + dy) * 8, np.exp(w) * 8, np.exp(h) * 8],
                                       ball[0], rtol=1e-4)
        self.assertEqual(state[0, 0], BACKGROUND)

    def test_every_ball_of_a_rack_of_small_balls_has_a_cell_of_its_own(self):
        rack = np.array([[100 + 11 * (i - r / 2), 100 + 9.5 * r, 11, 11] for r in range(5) for i in range(r + 1)])
        state, box, _ = ball_targets(rack.astype(np.float32), np.tile(CUE_BALL, (15, 1)), rack[:0], True, 640, 384)
        rows, columns = np.nonzero(state == POSITIVE)
        centres = {(round(float((c + 0.5 + box[0, r, c]) * 8), 1), round(float((r + 0.5 + box[1, r, c]) * 8), 1))
                   for r, c in zip(rows, columns)}
        self.assertEqual(len(centres), 15)

    def test_picture_without_ball_labels_teaches_no_background(self):
        none = np.zeros((0, 4), np.float32)
        state, box, kind = ball_targets(none, np.zeros((0, 5), bool), none, False, 64, 64)
        self.assertTrue((state == UNJUDGED).all())
        output = torch.randn(1, 10, 8, 8, requires_grad=True)
        parts = ball_loss(output, *(torch.from_numpy(a[None]) for a in (state, box, kind)))
        sum(parts.values()).backward()
        self.assertEqual(float(output.grad.abs().max()), 0.0)

    def test_kind_loss_is_indifferent_between_the_kinds_of_the_set(self):
        ball = np.array([[36.0, 36.0, 16.0, 16.0]], np.float32)
        target = [torch.from_numpy(a[None]) for a in ball_targets(ball, NOT_CUE_BALL[None], ball[:0], True, 64, 64)]
        losses = []
        for favourite in range(1, 6):
            output = torch.zeros(1, 10, 8, 8)
            output[:, favourite] = 8.0
            losses.append(float(ball_loss(output, *target)["kind"]))
        self.assertGreater(losses[0], 3.0)
        self.assertLess(max(losses[1:]), 0.01)

    def test_size_that_nobody_knows_teaches_only_the_centre(self):
        ball = np.array([[36.0, 36.0, np.nan, np.nan]], np.float32)
        target = [torch.from_numpy(a[None]) for a in ball_targets(ball, CUE_BALL[None], ball[:0], True, 64, 64)]
        output = torch.randn(1, 10, 8, 8, requires_grad=True)
        ball_loss(output, *target)["box"].backward()
        self.assertTrue(torch.isfinite(output.grad).all())
        self.assertEqual(float(output.grad[:, 8:].abs().max()), 0.0)
        self.assertGreater(float(output.grad[:, 6:8].abs().max()), 0.0)

    def test_every_cell_of_a_stick_tells_a_point_of_its_axis_and_the_way_to_its_tip(self):
        cue = np.array([[40.0, 300.0, 600.0, 80.0]], np.float32)
        state, axis, tips, tip, butts, butt = cue_targets(cue, np.ones((1, 2), bool), True, 640, 384)
        rows, columns = np.nonzero(state == POSITIVE)
        self.assertGreater(len(rows), 30)
        along = (cue[0, :2] - cue[0, 2:]) / np.hypot(*(cue[0, :2] - cue[0, 2:]))
        for row, column in zip(rows, columns):
            point = (axis[:2, row, column] + (column + 0.5, row + 0.5)) * 16 - cue[0, 2:]
            self.assertAlmostEqual(point[0] * along[1] - point[1] * along[0], 0, delta=1e-2)
            np.testing.assert_allclose(axis[2:, row, column], along, rtol=1e-4)
        for states, offset, end in ((tips, tip, cue[0, :2]), (butts, butt, cue[0, 2:])):
            rows, columns = np.nonzero(states == POSITIVE)
            self.assertGreaterEqual(len(rows), 1)
            for row, column in zip(rows, columns):
                np.testing.assert_allclose((offset[:, row, column] + (column + 0.5, row + 0.5)) * 16, end, rtol=1e-4)

    def test_end_that_is_not_there_is_neither_end_nor_background(self):
        cue = np.array([[40.0, 300.0, 600.0, 80.0]], np.float32)
        *_, butts, _ = cue_targets(cue, np.array([[True, False]]), True, 640, 384)
        self.assertFalse((butts == POSITIVE).any())
        self.assertTrue((butts == UNJUDGED).any())


class Network(unittest.TestCase):
    def test_outputs_have_the_contract_shapes_and_cost_at_most_two_point_three_gflop(self):
        network = Nano().eval()
        with torch.no_grad():
            balls, cues = network(torch.zeros(1, 3, 384, 640))
        self.assertEqual((tuple(balls.shape), tuple(cues.shape)), ((1, 10, 48, 80), (1, 11, 24, 40)))
        self.assertLessEqual(gflop(network), 2.3)


class Measures(unittest.TestCase):
    def test_one_label_is_not_found_twice(self):
        truth = np.array([[10.0, 10, 8, 8]])
        np.testing.assert_array_equal(match(np.array([[10.0, 10, 8, 8], [10.5, 10, 8, 8]]), truth), [0, -1])

    def test_average_precision_counts_misses_and_false_finds(self):
        self.assertAlmostEqual(average_precision([0.9, 0.8], [True, True], 2), 1.0)
        self.assertAlmostEqual(average_precision([0.9, 0.8], [True, True], 4), 0.5)
        self.assertAlmostEqual(average_precision([0.9, 0.8], [False, True], 1), 0.5)

    def test_threshold_chosen_lies_in_the_middle_of_those_with_the_best_f1(self):
        right = [True] * 6 + [False] * 3 + [True, False]
        scores = np.linspace(0.9, 0.4, len(right))
        # Of ten balls: with six claims F1 is 0.75, and 0.70 with the ten for which recall and precision are equal.
        self.assertAlmostEqual(best_threshold(scores, right, 10), (scores[5] + scores[6]) / 2, delta=0.011)

    def test_margin_chosen_is_the_middle_of_those_with_which_labels_are_met(self):
        label = np.array([[50, 50, 24, 24]], np.float32)
        sample = Sample("a", "ss19190_ball", "g", "tune", None, label)
        margin = lambda size: best_margin([sample], [label * (1, 1, size / 24, size / 24)])
        self.assertAlmostEqual(margin(30), (0.9 + 1.13) / 2, delta=0.006)
        self.assertAlmostEqual(margin(15), (1.14 + 1.3) / 2, delta=0.006)

    def test_fold_is_measured_with_settings_that_the_others_choose(self):
        class Seen:
            def __init__(self, name, size, split="train"):
                label = np.array([[50, 50, 24, 24]], np.float32)
                self.name, self.samples = name, [Sample("a", "ss19190_ball", "g", split, np.zeros((384, 640, 3), np.uint8), label,
                                                        NOT_CUE_BALL[None], balls_complete=True)]
                self.wide = [Found(label * (1, 1, size / 24, size / 24), np.array([0.9]), np.array([4]), np.array([4]), np.zeros((0, 4)), np.zeros(0))]

        one, two, three = Seen("sessions0", 30), Seen("sessions1", 15), Seen("sessions2", 15)
        self.assertAlmostEqual(settings_of(one, [one, two, three], {"cue": 0.5})["margin"], 1.22, delta=0.006)
        self.assertLess(settings_of(two, [one, two], {})["margin"], 1.03)
        self.assertEqual(settings_of(one, [one, two], {"cue": 0.5})["cue"], 0.5)
        self.assertEqual(settings_of(one, [one], {"ball": 0.6}), {"ball": 0.6}, "there are no others")
        px = [Seen("px0", 30), Seen("px1", 15)]
        self.assertEqual(settings_of(px[0], px, {"ball": 0.6}), {"ball": 0.6}, "the others show the same table")
        validation = Seen("sessions2", 15, "val")
        self.assertLess(settings_of(two, [two, one, validation], {})["margin"], 1.03, "validation groups choose nothing")

    def test_ball_in_a_label_much_larger_than_it_is_found_by_its_centre(self):
        truth, box = np.array([[50.0, 50, 44, 40]]), np.array([[53.0, 51, 28, 27]])
        np.testing.assert_array_equal(match(box, truth), [-1])
        np.testing.assert_array_equal(match_centres(box, truth), [0])
        np.testing.assert_array_equal(match_centres(box + [12, 0, 0, 0], truth), [-1])

    def test_box_on_a_thing_that_nobody_judged_counts_neither_way(self):
        boxes = np.array([[10.0, 10, 8, 8], [50.0, 50, 8, 8]])
        owners = match(boxes, np.zeros((0, 4)))
        np.testing.assert_array_equal(judged(boxes, owners, np.array([[11.0, 10, 8, 8]])), [False, True])
        self.assertAlmostEqual(float(iou(boxes[0], boxes[1:])[0]), 0.0)

    def test_cue_that_points_the_wrong_way_is_not_found(self):
        truth = np.array([[100.0, 100, 300, 120]])
        np.testing.assert_array_equal(match_cues(np.array([[104.0, 100, 296, 121]]), truth), [0])
        np.testing.assert_array_equal(match_cues(np.array([[300.0, 120, 100, 100]]), truth), [-1])


if __name__ == "__main__":
    unittest.main()
