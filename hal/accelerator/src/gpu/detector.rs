use std::fmt;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::time::Instant;

use baize_frame::{Detections, FrameFormat, ImageView, Region, SlotMemory};
use baize_realtime::sealing::library_scope;

use super::waiter::Waiter;
use super::work::Work;
use super::{Device, DeviceInfo, GpuError, StreamNetwork};
use crate::cpu::micros;
use crate::decode::Decoder;
use crate::preprocess::Letterbox;
use crate::{DetectError, DetectTimings, Detector, DetectorInfo, GpuTimings, Manifest, ReaderManifest};

/// How pictures and results cross between host and GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The GPU reads pictures and writes results in the host's memory.
    InPlace,
    /// They are copied to and from the GPU's own memory.
    Copied,
}

impl Access {
    /// What suits a GPU: one with a memory of its own would read in place over the bus, lines that make several lines of
    /// the input several times. For a whole 1080p picture that is no slower (ARCHITECTURE.md has figures); for small
    /// regions nobody has measured it.
    pub const fn best(info: &DeviceInfo) -> Self {
        if info.is_integrated && info.maps_host_memory {
            Self::InPlace
        } else {
            Self::Copied
        }
    }
}

/// How long the GPU worked on the newest picture.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GpuTimes {
    /// To the network's input, a copy of the picture included.
    pub preprocess_us: f32,
    /// The network, a copy of its results included.
    pub network_us: f32,
    /// Cutting out the balls found.
    pub cut_us: f32,
    /// The reader's network, all batches, a copy of its results included.
    pub read_us: f32,
    /// What starting, queueing and waking up took beside the work, by the CPU's clock.
    pub queue_us: f32,
}

impl GpuTimes {
    /// Something that took so long altogether kept the GPU at work for so long.
    pub(super) fn note_queue(&mut self, passed_us: f32, work_us: f32) {
        self.queue_us += (passed_us - work_us).max(0.0);
    }
}

impl From<GpuTimes> for GpuTimings {
    fn from(times: GpuTimes) -> Self {
        Self {
            work_us: (times.preprocess_us + times.network_us + times.cut_us + times.read_us) as u32,
            queue_us: times.queue_us as u32,
        }
    }
}

/// Finds balls and cues with a network on a GPU.
///
/// Pictures in the memory that it was told of ([`Detector::expect_slots`]) go to the GPU as they are. Others, and those
/// in memory that the driver cannot pin, are first copied by the CPU.
pub struct GpuDetector {
    info: DetectorInfo,
    decoder: Decoder,
    trouble: Option<GpuError>,
    /// The GPU is out of order; it may still be writing to our memory.
    is_lost: bool,
    /// Given up and never freed once lost: freeing would wait for the GPU.
    work: ManuallyDrop<Work>,
}

impl GpuDetector {
    /// Binds the network to its tensors and runs it once.
    ///
    /// # Errors
    /// [`GpuError`]; with the network's words where it does not fit the manifest.
    pub fn open(
        device: &Arc<Device>,
        manifest: &Manifest,
        network: Box<dyn StreamNetwork>,
        access: Access,
    ) -> Result<Self, GpuError> {
        let info = DetectorInfo {
            backend: network.backend(),
            model: manifest.name.clone(),
            input_px: manifest.input_px(),
            box_margin: manifest.box_margin,
            reader: None,
        };
        Ok(Self {
            info,
            decoder: Decoder::new(manifest),
            trouble: None,
            is_lost: false,
            work: ManuallyDrop::new(Work::new(device, manifest, network, access)?),
        })
    }

    /// Reads numbers and colours of the balls found, too: binds that network to its tensors and runs it once.
    ///
    /// # Errors
    /// [`GpuError`]; with the network's words where it does not fit the manifest.
    pub fn with_reader(
        mut self,
        manifest: &ReaderManifest,
        network: Box<dyn StreamNetwork>,
    ) -> Result<Self, GpuError> {
        self.info.reader = Some(network.backend());
        self.work.add_reader(manifest, network)?;
        Ok(self)
    }

    /// How long the GPU worked on the newest picture; nothing before the first.
    pub fn gpu_times(&self) -> GpuTimes {
        self.work.times
    }

    /// Slots whose pictures go to the GPU as they are.
    pub fn slots_in_use(&self) -> usize {
        self.work.slots.len()
    }

    /// Notes what went wrong, and whether the GPU outlived it.
    fn failed(&mut self, error: GpuError) -> DetectError {
        let is_stuck = matches!(error, GpuError::Stuck { .. });
        self.is_lost = is_stuck || self.work.come_to_rest().is_err();
        self.trouble = Some(error);
        if self.is_lost {
            DetectError::DeviceLost
        } else {
            DetectError::Inference
        }
    }
}

impl Detector for GpuDetector {
    fn info(&self) -> &DetectorInfo {
        &self.info
    }

    fn settle(&mut self) {
        // Where no thread can be started the one there is goes on, from where it was started.
        if let Ok(waiter) = Waiter::start(Arc::clone(&self.work.done)) {
            self.work.waiter = waiter;
        }
    }

    fn expect_slots(&mut self, slots: &[SlotMemory], picture_bytes: usize) {
        if let Err(error) = self.work.expect(slots, picture_bytes) {
            self.failed(error);
        }
    }

    fn prepare(&mut self, format: FrameFormat) {
        if let Err(error) = self.work.make_room(format.size_bytes()) {
            self.failed(error);
        }
    }

    fn detect(
        &mut self,
        image: &ImageView<'_>,
        region: Region,
        out: &mut Detections,
    ) -> Result<DetectTimings, DetectError> {
        out.clear();
        if self.is_lost {
            return Err(DetectError::DeviceLost);
        }
        let started = Instant::now();
        if !self.work.is_ready_for(image) {
            let _scope = library_scope();
            if let Err(error) = self.work.make_ready_for(image) {
                return Err(self.failed(error));
            }
        }
        let letterbox = self.work.preprocessor.aim(image.format(), region)?;
        let place = match self.work.search(image) {
            Ok(place) => place,
            Err(error) => return Err(self.failed(error)),
        };
        let searched = Instant::now();
        self.decode(&letterbox, out);
        let decoded = Instant::now();
        let read_us = match self.work.read(place, image.format(), out) {
            Ok(read_us) => read_us as u32,
            Err(error) => {
                out.clear();
                return Err(self.failed(error));
            }
        };
        let preprocess_us = self.work.times.preprocess_us as u32;
        Ok(DetectTimings {
            preprocess_us,
            // With the launch and the wait, so that the stages are together what the picture took.
            inference_us: micros(started, searched).saturating_sub(preprocess_us),
            decode_us: micros(searched, decoded),
            cut_us: micros(decoded, Instant::now()).saturating_sub(read_us),
            read_us,
            gpu: Some(self.work.times.into()),
        })
    }

    fn trouble(&self) -> Option<&dyn fmt::Display> {
        self.trouble.as_ref().map(|error| error as _)
    }
}

impl GpuDetector {
    fn decode(&mut self, letterbox: &Letterbox, out: &mut Detections) {
        let [balls, cues] = &self.work.outputs;
        // SAFETY: the work of the picture has ended, and the next was not started.
        let balls = unsafe { balls.on_host.values() };
        // SAFETY: the same.
        let cues = unsafe { cues.on_host.values() };
        self.decoder.decode(balls, cues, letterbox, out);
    }
}

impl Drop for GpuDetector {
    fn drop(&mut self) {
        if !self.is_lost {
            // SAFETY: it is dropped here and nowhere else.
            unsafe { ManuallyDrop::drop(&mut self.work) };
        }
    }
}
