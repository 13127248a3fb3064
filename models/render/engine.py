"""Mitsuba 3: turns a scene into linear pixels and answers what rays hit.

Every scene uses the same kinds of plug-in (rough plastic, diffuse, rough conductor, meshes, spheres, area lights, an
environment map, two projectors), so that Dr.Jit compiles its kernels once and finds them again in its cache. Why not
Blender: a picture of 640 x 384 with 16 balls took Mitsuba 1.1 s for 32 samples on one core, Blender 12 s for 24.
"""
import gc
import glob
import os
import warnings

import cv2
import numpy as np

from shapes import plain

# Dr.Jit's code needs LLVM 19; an older one ends the process in the middle of a picture.
if "DRJIT_LIBLLVM_PATH" not in os.environ:
    found = [path for version in (19, 20, 21, 22) for path in glob.glob(f"/usr/lib/*/libLLVM-{version}.so*")]
    if found:
        os.environ["DRJIT_LIBLLVM_PATH"] = found[0]

import drjit as dr  # noqa: E402
import mitsuba as mi  # noqa: E402

COMPILED = "DRJIT_LIBLLVM_PATH" in os.environ
if not COMPILED:
    warnings.warn("no LLVM 19 to 22 (Debian: apt-get install libllvm19), rendering slowly")
mi.set_variant("llvm_ad_rgb" if COMPILED else "scalar_rgb")
dr.set_thread_count(1)

BLACK = plain((10, 10, 10))
STEPS = 6  # sub-frames of a picture with moving things


def bitmap(picture, raw=False):
    """Texture from [h, w, 3]: uint8 sRGB, or float32 linear when raw."""
    return {"type": "bitmap", "bitmap": mi.Bitmap(np.ascontiguousarray(picture)), "raw": raw, "filter_type": "bilinear"}


def surface(material):
    texture = bitmap(material.texture)
    if material.finish == "matt":
        inner = {"type": "diffuse", "reflectance": texture}
    elif material.finish == "metal":
        inner = {
    "type": "roughconductor",
    "alpha": material.roughness,
    "distribution": "ggx",
     "specular_reflectance": texture}
    else:
        inner = {"type": "roughplastic", "alpha": max(material.roughness, 0.02), "distribution": "ggx",
                 "diffuse_reflectance": texture}
    return {"type": "twosided", "bsdf": inner}


def transform(rotation, translation, scale=1.0):
    matrix = np.eye(4)
    matrix[:3, :3] = scale * rotation
    matrix[:3, 3] = translation
    return mi.ScalarTransform4f(matrix)


def mesh_object(mesh, name, bsdf):
    properties = mi.Properties()
    properties["mesh_bsdf"] = bsdf
    made = mi.Mesh(name, len(mesh.vertices), len(mesh.faces), has_vertex_normals=True, has_vertex_texcoords=True,
                   props=properties)
    params = mi.traverse(made)
    params["vertex_positions"] = np.ascontiguousarray(mesh.vertices, np.float32).ravel()
    params["vertex_normals"] = np.ascontiguousarray(mesh.normals, np.float32).ravel()
    params["vertex_texcoords"] = np.ascontiguousarray(mesh.uv, np.float32).ravel()
    params["faces"] = np.ascontiguousarray(mesh.faces, np.uint32).ravel()
    params.update()
    return made


def looking(position, target):
    up = [0, 1, 0] if abs(target[2] - position[2]) > 0.3 else [0, 0, 1]
    return mi.ScalarTransform4f().look_at(origin=list(position), target=list(target), up=up)


class Renderer:
    """A scene loaded into Mitsuba at mid-exposure."""

    def __init__(self, scene):
        self.scene = scene
        camera = scene.camera
        self.width, self.height, focal = camera.pinhole()
        right, down, forward = camera.axes
        entries = {"type": "scene", "integrator": {"type": "path", "max_depth": 3, "rr_depth": 10},
                   "sensor": {"type": "perspective", "fov_axis": "x", "near_clip": 0.01, "far_clip": 100.0,
                              "fov": float(np.degrees(2 * np.arctan(self.width / 2 / focal))),
                              "to_world": transform(np.column_stack([-right, -down, forward]), camera.position),
                              "film": {"type": "hdrfilm", "width": self.width, "height": self.height,
                                       "pixel_format": "rgb", "component_format": "float32",
                                       "rfilter": {"type": "box"}},
                              "sampler": {"type": "independent", "sample_count": 16}},
                   "environment": {"type": "envmap", "bitmap": mi.Bitmap(scene.surroundings), "sampling_weight": 0.35,
                                   "to_world": mi.ScalarTransform4f().rotate([1, 0, 0], 90)}}
        surfaces = {}
        for k, mesh in enumerate(scene.meshes):
            key = id(mesh.material)
            if key not in surfaces:
                surfaces[key] = mi.load_dict(surface(mesh.material))
            entries[f"mesh{k}"] = mesh_object(mesh, f"mesh{k}", surfaces[key])
        for k, stick in enumerate(scene.cues):
            entries[f"cue{k}"] = mesh_object(stick.mesh, f"cue{k}", mi.load_dict(surface(stick.mesh.material)))
        for k, ball in enumerate(scene.balls):
            s = ball.sphere
            entries[f"ball{k}"] = {"type": "sphere", "to_world": transform(s.rotation, s.centre, s.radius),
                                   "bsdf": surface(s.material)}
        total = sum(lamp.weight for lamp in scene.lamps) + 1e-9
        for k, lamp in enumerate(scene.lamps):
            entries[f"lamp{k}"] = {"type": "rectangle", "to_world": mi.ScalarTransform4f(lamp.to_world),
                                   "bsdf": surface(BLACK),
                                   "emitter": {"type": "area", "sampling_weight": 0.1 + lamp.weight / total,
                                               "radiance": {"type": "rgb", "value": [float(c) for c in lamp.radiance]}}}
        for k, thrown in enumerate(scene.projectors):
            lit = thrown.strength > 0
            entries[f"projector{k}"] = {
                "type": "projector", "irradiance": bitmap(thrown.picture.astype(np.float32), True),
                "fov": float(thrown.field),
                "scale": float(thrown.strength if lit else 1e-6), "sampling_weight": 0.3 if lit else 1e-4,
                "to_world": looking(thrown.position, thrown.target)}
        self.loaded = mi.load_dict(entries)

    def light(self, samples, seed):
        """Linear RGB [h, w, 3] float32 of the picture, lens applied."""
        if self.scene.moving:
            params = mi.traverse(self.loaded)
            frames = []
            for step in range(STEPS):
                self._move(params, (step + 0.5) / STEPS - 0.5)
                frames.append(self._render(max(samples // STEPS, 3), seed * STEPS + step))
            self._move(params, 0.0)
            field = np.mean(frames, axis=0)
        else:
            field = self._render(samples, seed)
        x, y = self.scene.camera.pinhole_map()
        return np.maximum(cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), 0)

    def _render(self, samples, seed):
        field = np.array(mi.render(self.loaded, spp=samples, seed=seed))[..., :3]
        return np.nan_to_num(field, posinf=0.0)

    def _move(self, params, when):
        for k, ball in enumerate(self.scene.balls):
            s = ball.sphere
            if np.any(s.velocity):
                key = f"ball{k}.to_world"
                params[key] = type(params[key])(transform(s.rotation, s.centre + when * s.velocity, s.radius).matrix)
        for k, stick in enumerate(self.scene.cues):
            if np.any(stick.velocity):
                params[f"cue{k}.vertex_positions"] = (
    stick.mesh.vertices +
    when *
    stick.velocity).astype(
        np.float32).ravel()
        params.update()

    def reached(self, targets):
        """Distances [n] from the camera to the first surface on the way to each target [n, 3] and past it."""
        origin = self.scene.camera.position
        ways = targets - origin
        ways = (ways / np.linalg.norm(ways, axis=1, keepdims=True)).astype(np.float32)
        if COMPILED:
            ray = mi.Ray3f(mi.Point3f(*map(float, origin)), mi.Vector3f(* \
                           (mi.Float(ways[:, k].copy()) for k in range(3))))
            return np.array(self.loaded.ray_intersect_preliminary(ray, coherent=True).t)
        rays = (mi.Ray3f(list(map(float, origin)), list(map(float, way))) for way in ways)
        return np.array([self.loaded.ray_intersect_preliminary(ray).t for ray in rays])


def forget():
    """Gives memory of past scenes back."""
    gc.collect()
    if COMPILED:
        dr.sync_thread()
        dr.flush_malloc_cache()
