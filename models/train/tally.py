"""What was seen of one group of pictures, and the lines of the report that tell it."""

import numpy as np

from measures import average_precision, cue_errors, judged, match, match_centres, match_cues

BALL_HEAD = ["split", "group", "pictures", "balls", "AP50", "recall", "precision", "neither", "by centre: recall",
             "precision", "centre px, median",
             "centre d, median", "centre d, 99 %", "false, on empty pictures", "kinds known", "kind right",
             "kind right where claimed", "claimed"]
CUE_HEAD = ["split", "group", "cues", "recall", "precision", "angle deg, median", "angle deg, 90 %", "tips",
            "tip d, median", "tip d, 90 %"]
BALL = 4  # the kind that is none, or that nobody can tell


class Tally:
    """Counts and errors. `wide`: found with thresholds near zero; `shipped`: with the manifest's. `neither` counts boxes on
    what nobody judged, neither right nor false. Centre and tip errors are those of what is found as shipped; d is a ball's
    diameter."""

    def __init__(self):
        self.pictures = self.empty = self.balls = self.cues = 0
        self.scores, self.right = [], []
        self.centre_scores, self.centre_right = [], []
        self.claims, self.hits, self.neither, self.false_on_empty = 0, 0, 0, 0
        self.centre_claims, self.centre_hits = 0, 0
        self.centre_px, self.centre_d, self.from_middle = [], [], []
        self.kind_right, self.claimed, self.claimed_right = [], [], []
        self.cue_scores, self.cue_right = [], []
        self.cue_claims, self.cue_hits = 0, 0
        self.angle, self.tip_d = [], []
        self.worst = []

    def add(self, sample, wide, shipped, input_scale):
        """Counts a picture; `input_scale` brings its pixels to those of the network's input."""
        self.pictures += 1
        if sample.balls_complete:
            self.add_balls(sample, wide, shipped, input_scale)
        if sample.cues_complete:
            self.add_cues(sample, wide, shipped)

    def add_balls(self, sample, wide, shipped, input_scale):
        self.balls += len(sample.balls)
        self.empty += not len(sample.balls)
        owners = match(wide.balls, sample.balls)
        counts = judged(wide.balls, owners, sample.unjudged)
        self.scores += list(wide.scores[counts])
        self.right += list(owners[counts] >= 0)
        owners = match_centres(wide.balls, sample.balls)
        counts = judged(wide.balls, owners, sample.unjudged)
        self.centre_scores += list(wide.scores[counts])
        self.centre_right += list(owners[counts] >= 0)

        owners = match(shipped.balls, sample.balls)
        counts = judged(shipped.balls, owners, sample.unjudged)
        hits = int((owners >= 0).sum())
        self.hits += hits
        self.claims += int(counts.sum())
        self.neither += int((~counts).sum())
        self.false_on_empty += int(counts.sum()) if not len(sample.balls) else 0
        by_centre = match_centres(shipped.balls, sample.balls)
        self.centre_hits += int((by_centre >= 0).sum())
        self.centre_claims += int(judged(shipped.balls, by_centre, sample.unjudged).sum())
        self.add_kinds(sample, shipped.likeliest, owners, self.kind_right)
        known = self.add_kinds(sample, shipped.kinds, owners, self.claimed_right)
        self.claimed += [shipped.kinds[i] != BALL for i in known]
        for index in np.flatnonzero(owners >= 0):
            truth = sample.balls[owners[index]]
            away = float(np.hypot(*(shipped.balls[index, :2] - truth[:2])))
            self.centre_d.append(away / np.sqrt(truth[2] * truth[3]))
            self.centre_px.append(away * input_scale)
            middle = np.array(sample.image.shape[1::-1]) / 2
            self.from_middle.append(float(np.hypot(*(truth[:2] - middle)) / np.hypot(*middle)))
        self.worst.append((len(sample.balls) - hits + int(counts.sum()) - hits, sample, shipped))

    @staticmethod
    def add_kinds(sample, kinds, owners, right):
        """Whether kinds are right, where one kind is labelled; returns the boxes it was asked of."""
        known = [i for i, o in enumerate(owners) if o >= 0 and sample.kinds[o].sum() == 1]
        right += [bool(sample.kinds[owners[i]][kinds[i]]) for i in known]
        return known

    def add_cues(self, sample, wide, shipped):
        self.cues += len(sample.cues)
        self.cue_scores += list(wide.cue_scores)
        self.cue_right += list(match_cues(wide.cues, sample.cues) >= 0)
        owners = match_cues(shipped.cues, sample.cues)
        self.cue_claims += len(owners)
        self.cue_hits += int((owners >= 0).sum())
        diameter = float(np.median(sample.balls[:, 2:])) if len(sample.balls) else np.nan
        for cue, owner in zip(shipped.cues, owners):
            if owner >= 0:
                angle, _, tip = cue_errors(cue, sample.cues[owner])
                self.angle.append(float(angle))
                if sample.ends[owner, 0] and np.isfinite(diameter):
                    self.tip_d.append(tip / diameter)

    def ball_row(self):
        """The line of the table on balls."""
        known = np.array(self.claimed_right, bool)
        claimed = np.array(self.claimed, bool)
        return [self.pictures, self.balls,
                number(average_precision(self.scores, self.right, self.balls) if self.balls else None),
                share(self.hits, self.balls), share(self.hits, self.claims), self.neither,
                share(self.centre_hits, self.balls),
                share(self.centre_hits, self.centre_claims), at(self.centre_px, 50, 2),
                at(self.centre_d, 50), at(self.centre_d, 99), f"{self.false_on_empty} on {self.empty}",
                len(self.kind_right), share(sum(self.kind_right), len(self.kind_right)),
                share(known[claimed].sum(), claimed.sum()), share(claimed.sum(), len(claimed))]

    def cue_row(self):
        """The line of the table on cues."""
        return [self.cues, share(self.cue_hits, self.cues), share(self.cue_hits, self.cue_claims),
                at(self.angle, 50, 2), at(self.angle, 90, 2), len(self.tip_d), at(self.tip_d, 50, 2),
                at(self.tip_d, 90, 2)]


def number(value, digits=3):
    """A number, or a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def share(part, whole):
    """A share, or a dash of nothing."""
    return number(part / whole if whole else None)


def at(values, percent, digits=3):
    """A percentile, or a dash of nothing."""
    return number(np.percentile(values, percent) if len(values) else None, digits)
