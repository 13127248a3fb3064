"""Run with: python -m unittest discover models/tests   (needs render/requirements.txt)"""
import importlib.util
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "render"))

HAVE = all(importlib.util.find_spec(name) for name in ("scipy", "skimage", "PIL"))
if HAVE:
    from annotate import annotation, ball_label, cue_label, hidden_share
    from camera import Camera, Lens, look, random_camera
    from cue import stick
    from scene import Ball, random_scene
    from shapes import Sphere, plain


def far_away(targets):
    return np.full(len(targets), np.inf)


def overhead(lens=None):
    """Straight down from 2 m, 960 x 540."""
    return Camera(np.array([0, 0, 2.0]), look(np.array([0, 0, -1.0]), 0.0), 600.0, 960, 540, np.array([480.0, 270.0]),
                  lens or Lens())


def ball(centre, velocity=(0, 0, 0)):
    return Ball(Sphere(np.asarray(centre, float), 0.0286, np.eye(3), plain((255, 0, 0)), np.asarray(velocity, float)),
                "solid", 3, "red", False)


def hit_spheres(camera, spheres):
    """reached() for a world of spheres only."""
    def reached(targets):
        ways = targets - camera.position
        ways = ways / np.linalg.norm(ways, axis=1, keepdims=True)
        nearest = np.full(len(targets), np.inf)
        for centre, radius in spheres:
            to = camera.position - np.asarray(centre)
            half = ways @ to
            root = half ** 2 - to @ to + radius ** 2
            t = np.where(root >= 0, -half - np.sqrt(np.maximum(root, 0)), np.inf)
            nearest = np.minimum(nearest, t)
        return nearest
    return reached


@unittest.skipUnless(HAVE, "needs models/render/requirements.txt")
class Lenses(unittest.TestCase):
    def test_round_trip(self):
        rng = np.random.default_rng(5)
        for _ in range(40):
            camera = random_camera(rng, 2.8, 1.5)
            pixels = rng.uniform(0, 1, (50, 2)) * [camera.width, camera.height]
            flat = camera.unproject(pixels)
            world = camera.position + np.column_stack([flat, np.ones(50)]) @ camera.axes
            np.testing.assert_allclose(camera.project(world), pixels, atol=1e-3)

    def test_field_covers_the_picture(self):
        rng = np.random.default_rng(6)
        for _ in range(20):
            camera = random_camera(rng, 2.8, 1.5)
            width, height, _ = camera.pinhole()
            x, y = camera.pinhole_map()
            self.assertGreaterEqual(min(x.min(), y.min()), 0)
            self.assertLessEqual(x.max(), width - 1)
            self.assertLessEqual(y.max(), height - 1)

    def test_orientation(self):
        """Seen from above at roll 0, +x is right and +y is up."""
        middle, right, up = overhead().project([[0, 0, 0], [0.5, 0, 0], [0, 0.5, 0]])
        np.testing.assert_allclose(middle, [480, 270])
        np.testing.assert_allclose(right, [630, 270])
        np.testing.assert_allclose(up, [480, 120])


@unittest.skipUnless(HAVE, "needs models/render/requirements.txt")
class Boxes(unittest.TestCase):
    def test_centre_within_box(self):
        rng = np.random.default_rng(7)
        for number in range(4):
            scene = random_scene(np.random.default_rng([7, number]), tempfile.gettempdir()) if number else None
            camera = scene.camera if scene else overhead()
            for _ in range(30):
                label = ball_label(camera, ball([*rng.uniform(-0.4, 0.4, 2), 0.0286]), far_away)
                self.assertLess(abs(label["cx"] - label["x"]), label["w"] / 2)
                self.assertLess(abs(label["cy"] - label["y"]), label["h"] / 2)

    def test_size_below_the_camera(self):
        label = ball_label(overhead(), ball([0, 0, 0.0286]), far_away)
        distance = 2 - 0.0286
        expected = 2 * 600 * 0.0286 / np.sqrt(distance ** 2 - 0.0286 ** 2)
        self.assertAlmostEqual(label["w"], expected, delta=0.01)
        self.assertAlmostEqual(label["x"], 480, delta=0.01)

    def test_smear_grows_the_box(self):
        still = ball_label(overhead(), ball([0, 0, 0.0286]), far_away)
        moving = ball_label(overhead(), ball([0, 0, 0.0286], (0.03, 0, 0)), far_away)
        self.assertAlmostEqual(moving["w"] - still["w"], moving["smear_px"], delta=0.05)
        self.assertAlmostEqual(moving["h"], still["h"], delta=0.01)


@unittest.skipUnless(HAVE, "needs models/render/requirements.txt")
class Occlusion(unittest.TestCase):
    def test_shares(self):
        camera, radius = overhead(), 0.0286
        below = Sphere(np.array([0, 0, radius]), radius, np.eye(3), plain((0, 0, 0)), np.zeros(3))
        itself = [(below.centre, radius)]
        self.assertEqual(hidden_share(camera, below, hit_spheres(camera, itself)), 0)
        over = itself + [([0, 0, 0.2], 0.05)]
        self.assertEqual(hidden_share(camera, below, hit_spheres(camera, over)), 1)
        beside = itself + [([1.0, 0, 0.2], 0.97 + 0.0286)]
        self.assertAlmostEqual(hidden_share(camera, below, hit_spheres(camera, beside)), 0.5, delta=0.25)

    def test_frame_cuts(self):
        camera = overhead()
        edge = Sphere(np.array([480 / 600 * (2 - 0.0286), 0, 0.0286]), 0.0286, np.eye(3), plain((0, 0, 0)), np.zeros(3))
        self.assertAlmostEqual(hidden_share(camera, edge, far_away), 0.5, delta=0.03)


@unittest.skipUnless(HAVE, "needs models/render/requirements.txt")
class CueLabels(unittest.TestCase):
    def label(self, tip, heading, lens=None):
        camera = overhead(lens)
        cue = stick(np.random.default_rng(1), np.array(tip), np.array(heading))
        return camera, cue, cue_label(camera, cue, far_away)

    def test_a_cue_that_leaves_the_picture_is_labelled_along_what_shows_of_it(self):
        # Barrel distortion bends the image of a stick whose butt is 2 m beside the camera's axis.
        camera, cue, label = self.label([0.7, 0.3, 0.03], [-0.9, -0.3, 0], Lens("brown", -0.1, 0.0, 1.2))
        shown = camera.project(cue.axis(np.linspace(0, 1, 5001))[0])
        shown = shown[camera.inside(shown)]
        for end in ("tip", "butt"):
            self.assertLess(np.hypot(*(shown - label[end]).T).min(), 1.0, end)
        self.assertLess(np.hypot(*(shown[-1] - label["butt"])), 1.5)
        self.assertFalse(label["butt_visible"])

    def test_the_ends_of_a_cue_within_the_picture_are_its_own(self):
        camera, cue, label = self.label([0.4, 0.1, 0.03], [1.0, 0.1, 0])
        np.testing.assert_allclose([label["tip"], label["butt"]], camera.project(np.stack([cue.tip, cue.butt])), atol=1e-3)
        self.assertTrue(label["tip_visible"] and label["butt_visible"])

    def test_a_cue_that_goes_by_behind_the_camera_is_labelled_where_it_is_before_it(self):
        camera, cue, label = self.label([0.0, 0.0, 1.0], [-0.3, 0.0, -1.0])
        np.testing.assert_allclose(label["tip"], camera.project(cue.tip), atol=1e-3)
        before = cue.axis(np.linspace(0, 1, 5001))[0]
        before = before[(before - camera.position) @ camera.axes[2] > 0.05]
        shown = camera.project(before)
        shown = shown[camera.inside(shown)]
        self.assertLess(np.hypot(*(shown[-1] - label["butt"])), 8.0)


@unittest.skipUnless(HAVE, "needs models/render/requirements.txt")
class Seeds(unittest.TestCase):
    def test_same_seed_same_labels(self):
        with tempfile.TemporaryDirectory() as cache:
            for number in (3, 4):
                a, b = (annotation(random_scene(np.random.default_rng([1, number]), cache), far_away, [1, number])
                        for _ in range(2))
                self.assertEqual(a, b)
                c = annotation(random_scene(np.random.default_rng([2, number]), cache), far_away, [1, number])
                self.assertNotEqual(a, c)


@unittest.skipUnless(HAVE and importlib.util.find_spec("mitsuba"), "needs mitsuba")
class Pictures(unittest.TestCase):
    def test_box_hugs_the_rendered_ball(self):
        """Red balls under a lamp through a bent lens: pixels and boxes agree."""
        import engine
        from lights import Lamp
        from scene import Scene
        from table import Table

        table = Table("carom", 2.0, 1.0, 0.0572, np.zeros((0, 3)), 0.04, (1.1, 0.6), 0.05)
        camera = overhead(Lens.growing("brown", -0.12, 0.01, 0.95))
        facing_down = np.array([[1, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 5], [0, 0, 0, 1.0]])
        lamp = Lamp(facing_down, np.full(3, 20.0), 1.0)
        balls = [ball([x, y, 0.0286]) for x, y in ((0, 0), (0.9, 0.5), (-1.1, 0.4), (0.8, -0.6))]
        scene = Scene("carom", table, camera, balls, [], [], [lamp],
                      np.full((32, 64, 3), 1e-3, np.float32), [], False, {})
        renderer = engine.Renderer(scene)
        red = renderer.light(32, 1)[..., 0] > 0.02
        for each in balls:
            label = ball_label(camera, each, renderer.reached)
            left, top = int(label["x"] - label["w"]), int(label["y"] - label["h"])
            rows, columns = np.nonzero(red[max(top, 0):int(label["y"] + label["h"]) + 1,
                                       max(left, 0):int(label["x"] + label["w"]) + 1])
            for low, high, middle, size in ((columns.min() + left, columns.max() + left + 1, label["x"], label["w"]),
                                            (rows.min() + top, rows.max() + top + 1, label["y"], label["h"])):
                self.assertAlmostEqual(low, middle - size / 2, delta=1.3)
                self.assertAlmostEqual(high, middle + size / 2, delta=1.3)
            self.assertEqual(label["occluded"], 0)


if __name__ == "__main__":
    unittest.main()
