//! A table of balls that is watched by a camera and a detector without pictures: detections are computed.

use baize_frame::{BallDetection, BallKind, Detections, KindShares, Reading};
use baize_table_state::{Ball, BallId, EventKind, TableEvent, TableState};
use baize_table_vision::geometry::Calibration;
use baize_table_vision::{FrameStamp, StageOutput, TableStage};

/// Numbers that look random and are the same on every machine.
pub struct Random(pub u64);

impl Random {
    /// Even over 0..1.
    pub fn even(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / (1_u64 << 31) as f64
    }

    /// Normal, by the sum of twelve.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.even()).sum::<f64>() - 6.0
    }
}

/// What a detector would say of a ball of this kind that lies here.
pub fn detection(calibration: &Calibration, place_mm: [f64; 2], kind: BallKind) -> BallDetection {
    let outline = calibration
        .ball_outline(place_mm)
        .expect("in front of the camera");
    BallDetection {
        centre_px: outline.centre_px.map(|v| v as f32),
        size_px: outline.box_size_px().map(|v| v as f32),
        kind,
        kind_shares: KindShares::of(kind, 0.9),
        score: 0.95,
        reading: Reading::NOTHING,
    }
}

/// A stage and its output, fed exposure after exposure.
pub struct Watch {
    pub stage: TableStage,
    pub out: StageOutput,
    pub calibration: Calibration,
    pub frame_us: u64,
    pub stamp: FrameStamp,
    pub events: Vec<TableEvent>,
}

impl Watch {
    pub fn new(calibration: Calibration, frames_per_second: u64) -> Self {
        let mut stage = TableStage::new();
        stage.set_calibration(Some(calibration));
        Self {
            stage,
            out: StageOutput::new(),
            calibration,
            frame_us: 1_000_000 / frames_per_second,
            stamp: FrameStamp {
                frame_id: 0,
                exposure_us: 5_000_000,
            },
            events: Vec::new(),
        }
    }

    /// One exposure that shows these balls.
    pub fn see(&mut self, balls: &[([f64; 2], BallKind)]) -> &TableState {
        let balls: Vec<_> = balls
            .iter()
            .map(|(place, kind)| detection(&self.calibration, *place, *kind))
            .collect();
        self.detect(&balls)
    }

    /// One exposure with these detections.
    pub fn detect(&mut self, balls: &[BallDetection]) -> &TableState {
        let mut detections = Detections::new();
        detections
            .balls
            .extend_from_slice(balls)
            .expect("few enough balls");
        self.step(&detections)
    }

    pub fn step(&mut self, detections: &Detections) -> &TableState {
        self.stamp.frame_id += 1;
        self.stamp.exposure_us += self.frame_us;
        self.stage.step(self.stamp, detections, None, &mut self.out);
        self.events.extend_from_slice(&self.out.events);
        &self.out.state
    }

    pub fn count(&self, kind: EventKind) -> usize {
        self.events.iter().filter(|event| event.kind == kind).count()
    }

    /// The published ball nearest to a place.
    pub fn ball_at(&self, place_mm: [f64; 2]) -> Ball {
        let distance = |ball: &Ball| distance_mm(ball, place_mm);
        *self
            .out
            .state
            .balls
            .iter()
            .min_by(|a, b| distance(a).total_cmp(&distance(b)))
            .expect("a ball is published")
    }

    pub fn id_at(&self, place_mm: [f64; 2]) -> BallId {
        self.ball_at(place_mm).id
    }
}

pub fn distance_mm(ball: &Ball, [x, y]: [f64; 2]) -> f64 {
    (f64::from(ball.position.x_mm()) - x).hypot(f64::from(ball.position.y_mm()) - y)
}

/// Sixteen balls spread over a nine-foot table: a cue ball, an eight, seven solids, seven stripes.
pub fn sixteen_balls() -> Vec<([f64; 2], BallKind)> {
    (0..16_u32)
        .map(|i| {
            let place = [
                250.0 + f64::from(i % 4) * 620.0,
                180.0 + f64::from(i / 4) * 290.0 + f64::from(i % 3) * 11.0,
            ];
            let kind = match i {
                0 => BallKind::Cue,
                1 => BallKind::Eight,
                2..=8 => BallKind::Solid,
                _ => BallKind::Stripe,
            };
            (place, kind)
        })
        .collect()
}
