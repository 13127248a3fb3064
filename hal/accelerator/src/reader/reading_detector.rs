use std::fmt;
use std::time::Instant;

use baize_frame::{Detections, FrameFormat, ImageView, Region, SlotMemory};

use super::FaceReader;
use crate::cpu::micros;
use crate::{DetectError, DetectTimings, Detector, DetectorInfo};

/// A detector that also reads the balls that it finds.
pub fn reading(detector: Box<dyn Detector>, reader: FaceReader) -> Box<dyn Detector> {
    let info = DetectorInfo {
        reader: Some(reader.backend()),
        ..detector.info().clone()
    };
    Box::new(ReadingDetector {
        info,
        detector,
        reader,
    })
}

struct ReadingDetector {
    info: DetectorInfo,
    detector: Box<dyn Detector>,
    reader: FaceReader,
}

impl ReadingDetector {
    /// Returns the microseconds that the reader's network took.
    fn read(&mut self, image: &ImageView<'_>, out: &mut Detections) -> Result<u32, DetectError> {
        self.reader.read(image, &mut out.balls, &mut out.doubtful)
    }
}

impl Detector for ReadingDetector {
    fn info(&self) -> &DetectorInfo {
        &self.info
    }

    fn settle(&mut self) {
        self.detector.settle();
        self.reader.settle();
    }

    fn expect_slots(&mut self, slots: &[SlotMemory], picture_bytes: usize) {
        self.detector.expect_slots(slots, picture_bytes);
    }

    fn prepare(&mut self, format: FrameFormat) {
        self.detector.prepare(format);
    }

    fn detect(
        &mut self,
        image: &ImageView<'_>,
        region: Region,
        out: &mut Detections,
    ) -> Result<DetectTimings, DetectError> {
        let timings = self.detector.detect(image, region, out)?;
        let started = Instant::now();
        let read_us = self.read(image, out).inspect_err(|_| out.clear())?;
        Ok(DetectTimings {
            cut_us: micros(started, Instant::now()).saturating_sub(read_us),
            read_us,
            ..timings
        })
    }

    fn trouble(&self) -> Option<&dyn fmt::Display> {
        self.detector.trouble()
    }
}
