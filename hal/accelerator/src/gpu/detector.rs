use std::fmt;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::time::{Duration, Instant};

use baize_frame::{Detections, FrameFormat, ImageView, Region, SlotMemory};
use baize_realtime::sealing::library_scope;

use super::waiter::Waiter;
use super::{
    Device, DeviceInfo, DeviceMemory, Event, GpuError, GpuPreprocessor, Graph, PinnedMemory,
    RegisteredMemory, Stream, StreamNetwork,
};
use crate::cpu::micros;
use crate::decode::Decoder;
use crate::preprocess::Letterbox;
use crate::{DetectError, DetectTimings, Detector, DetectorInfo, Manifest};

/// A picture takes a few milliseconds; a GPU that is throttled to its slowest, tens. One that says nothing for this
/// long has hung.
const PATIENCE: Duration = Duration::from_secs(1);

/// How pictures and results cross between host and GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The GPU reads pictures and writes results in the host's memory.
    InPlace,
    /// They are copied to and from the GPU's own memory, as part of the graph.
    Copied,
}

impl Access {
    /// What suits a GPU: on one with a memory of its own, every byte read in place would come over the bus at the
    /// moment it is needed.
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
}

/// Finds balls and cues with a network on a GPU.
///
/// Pictures in the memory that it was told of ([`Detector::expect_slots`]) go to the GPU as they are. Others, and those
/// in memory that the driver cannot pin, are first copied by the CPU.
pub struct GpuDetector {
    info: DetectorInfo,
    decoder: Decoder,
    expected: Vec<SlotMemory>,
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
        };
        Ok(Self {
            info,
            decoder: Decoder::new(manifest),
            expected: Vec::new(),
            trouble: None,
            is_lost: false,
            work: ManuallyDrop::new(Work::new(device, manifest, network, access)?),
        })
    }

    /// How long the GPU worked on the newest picture.
    ///
    /// # Errors
    /// [`GpuError::Call`], also where there was no picture yet.
    pub fn gpu_times(&self) -> Result<GpuTimes, GpuError> {
        self.work.times()
    }

    /// Slots whose pictures go to the GPU as they are.
    pub fn slots_in_use(&self) -> usize {
        self.work.slots.len()
    }

    /// Notes what went wrong, and whether the GPU outlived it.
    fn failed(&mut self, error: GpuError) -> DetectError {
        let is_stuck = matches!(error, GpuError::Stuck { .. });
        self.is_lost = is_stuck || self.work.stream.is_in_order().is_err();
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

    fn expect_slots(&mut self, slots: &[SlotMemory]) {
        self.expected = slots.to_vec();
    }

    fn prepare(&mut self, format: FrameFormat) {
        if let Err(error) = self.work.prepare(format, &self.expected) {
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
        if self.work.format != Some(image.format()) {
            let _scope = library_scope();
            if let Err(error) = self.work.prepare(image.format(), &self.expected) {
                return Err(self.failed(error));
            }
        }
        let letterbox = self.work.preprocessor.aim(image.format(), region)?;
        if let Err(error) = self.work.run(image) {
            return Err(self.failed(error));
        }
        let done = Instant::now();
        let times = match self.work.times() {
            Ok(times) => times,
            Err(error) => return Err(self.failed(error)),
        };
        self.decode(&letterbox, out);
        let preprocess_us = times.preprocess_us as u32;
        Ok(DetectTimings {
            preprocess_us,
            // With the launch and the wait, so that the stages are together what the picture took.
            inference_us: micros(started, done).saturating_sub(preprocess_us),
            decode_us: micros(done, Instant::now()),
            read_us: 0,
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

/// A place where pictures lie, and the graph that begins there.
struct Slot {
    graph: Graph,
    memory: RegisteredMemory,
}

/// Our own place for pictures that lie elsewhere.
struct Staging {
    graph: Graph,
    memory: PinnedMemory,
}

/// An output of the network, where the network writes it and where the decoder reads it.
struct Output {
    on_gpu: Option<DeviceMemory>,
    on_host: PinnedMemory,
}

/// Everything on the GPU. Its fields are dropped in this order.
struct Work {
    waiter: Waiter,
    slots: Vec<Slot>,
    staging: Option<Staging>,
    /// The copy of a picture, where pictures are copied.
    picture: Option<DeviceMemory>,
    network: Box<dyn StreamNetwork>,
    outputs: [Output; 2],
    preprocessor: GpuPreprocessor,
    begun: Event,
    preprocessed: Event,
    done: Arc<Event>,
    stream: Stream,
    access: Access,
    /// The shape of the pictures that the graphs were made for.
    format: Option<FrameFormat>,
    device: Arc<Device>,
}

impl Work {
    fn new(
        device: &Arc<Device>,
        manifest: &Manifest,
        mut network: Box<dyn StreamNetwork>,
        access: Access,
    ) -> Result<Self, GpuError> {
        let signature = manifest.signature();
        let preprocessor = GpuPreprocessor::new(device, manifest.input_px(), network.precision())?;
        let mut bind = |tensor: &str, address| network.bind(tensor, address).map_err(GpuError::Network);
        bind(&signature.input.name, preprocessor.input().address())?;
        let mut output = |index: usize| {
            let port = &signature.outputs[index];
            let output = Output::new(
                device,
                port.shape.iter().product::<usize>() * size_of::<f32>(),
                access,
            )?;
            bind(&port.name, output.address())?;
            Ok(output)
        };
        let outputs = [output(0)?, output(1)?];
        let stream = Stream::new(device)?;
        // Engines take memory and choose programs on their first run, which must not be captured.
        network.enqueue(stream.handle()).map_err(GpuError::Network)?;
        stream.synchronize()?;
        let done = Arc::new(Event::new(device)?);
        Ok(Self {
            waiter: Waiter::start(Arc::clone(&done))?,
            slots: Vec::new(),
            staging: None,
            picture: None,
            network,
            outputs,
            preprocessor,
            begun: Event::new(device)?,
            preprocessed: Event::new(device)?,
            done,
            stream,
            access,
            format: None,
            device: Arc::clone(device),
        })
    }

    /// Makes a graph for each of these places and for our own, for pictures of this shape, and runs each once.
    fn prepare(&mut self, format: FrameFormat, expected: &[SlotMemory]) -> Result<(), GpuError> {
        self.format = None;
        self.slots.clear();
        self.staging = None;
        self.picture = None;
        self.device.enter()?;
        let size_bytes = format.size_bytes();
        let whole = Region {
            x: 0,
            y: 0,
            width: format.width,
            height: format.height,
        };
        self.preprocessor
            .aim(format, whole)
            .map_err(|error| GpuError::Network(error.to_string()))?;
        if self.access == Access::Copied {
            self.picture = Some(DeviceMemory::new(&self.device, size_bytes)?);
        }
        let memory = PinnedMemory::new(&self.device, size_bytes)?;
        let graph = self.graph(memory.as_ptr(), memory.address(), size_bytes)?;
        self.staging = Some(Staging { graph, memory });
        let can_register = self.device.info().registers_host_memory;
        for slot in expected
            .iter()
            .filter(|slot| can_register && slot.bytes >= size_bytes)
        {
            // A driver's own buffers cannot always be pinned; pictures there go through our place.
            let Ok(memory) = RegisteredMemory::new(&self.device, slot.address, size_bytes) else {
                continue;
            };
            let graph = self.graph(memory.as_ptr(), memory.address(), size_bytes)?;
            self.slots.push(Slot { graph, memory });
        }
        self.format = Some(format);
        Ok(())
    }

    /// The work of one picture as a graph that has run once.
    fn graph(
        &mut self,
        on_host: *const std::ffi::c_void,
        for_gpu: u64,
        size_bytes: usize,
    ) -> Result<Graph, GpuError> {
        let Self {
            preprocessor,
            network,
            outputs,
            picture,
            begun,
            preprocessed,
            stream,
            ..
        } = self;
        let graph = Graph::capture(stream, |stream| {
            begun.record_in_graph(stream)?;
            let source = match picture {
                Some(picture) => {
                    // SAFETY: the place and the copy are as large, and live as long as the graph.
                    unsafe { stream.copy_to_device(picture.address(), on_host, size_bytes) }?;
                    picture.address()
                }
                None => for_gpu,
            };
            // SAFETY: a picture of the shape aimed at fits there, and the memory lives as long as the graph.
            unsafe { preprocessor.enqueue(stream, source) }?;
            preprocessed.record_in_graph(stream)?;
            network.enqueue(stream.handle()).map_err(GpuError::Network)?;
            outputs.iter().try_for_each(|output| output.fetch(stream))
        })?;
        graph.launch(stream)?;
        self.done.record(stream)?;
        self.waiter.wait(PATIENCE)?;
        Ok(graph)
    }

    /// Searches a picture, and sleeps until its results are there.
    fn run(&mut self, image: &ImageView<'_>) -> Result<(), GpuError> {
        self.device.enter()?;
        let address = image.bytes().as_ptr().addr();
        let slot = self
            .slots
            .iter()
            .find(|slot| slot.memory.as_ptr().addr() == address);
        let graph = match (slot, &mut self.staging) {
            (Some(slot), _) => &slot.graph,
            (None, Some(staging)) => {
                let size_bytes = staging.memory.bytes();
                // SAFETY: no work is going on that would read it.
                let room = unsafe { staging.memory.values_mut::<u8>() };
                room.copy_from_slice(&image.bytes()[..size_bytes]);
                &staging.graph
            }
            (None, None) => return Err(GpuError::Network("no graph was made".to_owned())),
        };
        graph.launch(&self.stream)?;
        self.done.record(&self.stream)?;
        self.waiter.wait(PATIENCE)
    }

    fn times(&self) -> Result<GpuTimes, GpuError> {
        Ok(GpuTimes {
            preprocess_us: self.preprocessed.micros_since(&self.begun)?,
            network_us: self.done.micros_since(&self.preprocessed)?,
        })
    }
}

impl Output {
    fn new(device: &Arc<Device>, bytes: usize, access: Access) -> Result<Self, GpuError> {
        let on_gpu = match access {
            Access::InPlace => None,
            Access::Copied => Some(DeviceMemory::new(device, bytes)?),
        };
        Ok(Self {
            on_gpu,
            on_host: PinnedMemory::new(device, bytes)?,
        })
    }

    /// Where the network writes it.
    fn address(&self) -> u64 {
        self.on_gpu
            .as_ref()
            .map_or(self.on_host.address(), DeviceMemory::address)
    }

    /// Brings it to the host, where the network did not write it there.
    fn fetch(&self, stream: &Stream) -> Result<(), GpuError> {
        let Some(on_gpu) = &self.on_gpu else { return Ok(()) };
        // SAFETY: both are as large, and live as long as the graph.
        unsafe { stream.copy_to_host(self.on_host.as_ptr(), on_gpu.address(), on_gpu.bytes()) }
    }
}
