"""From linear light to the numbers a cheap camera writes."""
import cv2
import numpy as np


def tone(linear):
    """sRGB transfer of linear values."""
    x = np.clip(linear, 0, 1)
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.power(x, 1 / 2.4) - 0.055)


def calmed(light, strength):
    """Less of the renderer's grain: a bilateral filter on logarithms, edges kept; `strength` in units of the grain."""
    dim = 0.02 * float(np.median(light)) + 1e-6
    logs = np.log(light.astype(np.float32) + dim)
    middle = cv2.medianBlur(logs, 3)
    grain = 1.48 * float(np.median(np.abs(logs - middle)))
    logs = np.where(logs > middle + 6 * grain + 0.7, middle, logs)
    return np.maximum(np.exp(cv2.bilateralFilter(logs, 7, strength * np.clip(grain, 0.03, 0.3), 1.5)) - dim, 0)


def photograph(light, rng):
    """Linear [h, w, 3] to uint8 RGB: exposure, white balance, vignette, shoulder, contrast, bloom, blur, noise."""
    height, width = light.shape[:2]
    if rng.random() < 0.85:
        light = calmed(light, rng.uniform(1.5, 4.0))
    grey = light.mean(2)
    level = np.percentile(grey, rng.uniform(50, 75))
    light = light * (rng.uniform(0.10, 0.30) / max(level, 1e-4))
    balance = light.reshape(-1, 3).mean(0)
    balance = (balance.mean() / np.maximum(balance, 1e-4)) ** rng.uniform(0, 0.35)
    light = light * balance * np.exp(rng.normal(0, 0.05, 3))
    y, x = np.mgrid[0:height, 0:width]
    r2 = ((x - width / 2) ** 2 + (y - height / 2) ** 2) / (width ** 2 / 4)
    light = light * (1 - rng.uniform(0, 0.35) * rng.random() * np.minimum(r2, 1.6) / 1.6)[..., None]
    if rng.random() < 0.5:
        light = light + rng.uniform(0.01, 0.06) * cv2.GaussianBlur(np.minimum(light, 4.0), (0, 0), width / 60)
    shoulder = rng.uniform(1.2, 6.0)
    light = light * (1 + light / shoulder ** 2) / (1 + light)
    picture = tone(light * rng.uniform(1.0, 1.25))
    curve = rng.uniform(-0.05, 0.25)
    picture = np.clip(picture + curve * (picture - 0.5) * 4 * picture * (1 - picture), 0, 1)
    saturation = rng.uniform(0.7, 1.12)
    picture = picture.mean(2, keepdims=True) * (1 - saturation) + picture * saturation
    picture = picture.astype(np.float32)
    if rng.random() < 0.6:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 0.9))
    if rng.random() < 0.3:
        soft = cv2.GaussianBlur(picture, (0, 0), 1.2)
        picture = picture + rng.uniform(0.2, 0.8) * (picture - soft)
    picture = picture + rng.normal(0, rng.uniform(0.0, 0.014), picture.shape)
    return np.clip(np.round(picture * 255), 0, 255).astype(np.uint8)
