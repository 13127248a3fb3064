"""The faces that the reader tells apart: numbers of American pool sets, and colours of all other sets.

One output for both: they are probabilities of one choice. Who knows the game divides by the sum of what the game has.
"""
import numpy as np

NUMBERS = tuple(str(number) for number in range(16))
COLOURS = ("white", "yellow", "red", "green", "brown", "blue", "pink", "black")
FACES = NUMBERS + COLOURS
# The kinds in the detector's order, and which of them a face makes a ball.
KINDS = ("cue_ball", "eight_ball", "solid", "stripe", "ball")
KIND_OF_FACE = np.array([0] + [2] * 7 + [1] + [3] * 7 + [0] + [4] * 7)


def face_of(number, colour):
    """Index of a ball's face; colour may be one that no set without numbers has when there is a number."""
    return number if number is not None else len(NUMBERS) + COLOURS.index(colour)
