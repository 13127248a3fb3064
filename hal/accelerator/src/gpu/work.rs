//! What a detector has on the GPU, and the way of one picture through it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use baize_frame::{Detections, FrameFormat, ImageView, PixelFormat, Region, SlotMemory};
use heapless::Vec as ArrayVec;

use super::output::Output;
use super::reading::Reading;
use super::waiter::Waiter;
use super::{
    Access, Device, DeviceMemory, Event, GpuError, GpuPreprocessor, GpuTimes, Graph, PinnedMemory,
    RegisteredMemory, Stream, StreamNetwork,
};
use crate::reader::BATCH;
use crate::{Manifest, ReaderManifest};

/// A picture takes a few milliseconds; a GPU that is throttled to its slowest, tens. One that says nothing for this
/// long has hung.
const PATIENCE: Duration = Duration::from_secs(1);

/// The work on a picture in one place.
struct Graphs {
    search: Graph,
    /// Of one batch of the balls found.
    read: Option<Graph>,
}

/// Everything on the GPU. Its fields are dropped in this order.
pub(super) struct Work {
    pub waiter: Waiter,
    /// Where pictures are read in place: those of each slot, in their order, then those of our own place. Where they are
    /// copied: one.
    graphs: Vec<Graphs>,
    pub slots: Vec<RegisteredMemory>,
    /// Our own place for pictures that lie elsewhere.
    staging: PinnedMemory,
    /// The copy of a picture, where pictures are copied.
    picture: Option<DeviceMemory>,
    network: Box<dyn StreamNetwork>,
    reading: Option<Reading>,
    pub outputs: [Output; 2],
    pub preprocessor: GpuPreprocessor,
    begun: Event,
    preprocessed: Event,
    pub done: Arc<Event>,
    stream: Stream,
    /// The slots that there are, and how much of each is pinned.
    expected: Vec<SlotMemory>,
    pinned_bytes: usize,
    /// Those of the newest picture.
    pub times: GpuTimes,
    access: Access,
    device: Arc<Device>,
}

impl Work {
    pub fn new(
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
            let output = Output::new(device, port, access)?;
            bind(&port.name, output.address())?;
            Ok(output)
        };
        let outputs = [output(0)?, output(1)?];
        let stream = Stream::new(device)?;
        // Engines take memory and choose programs on their first run, which must not be captured.
        network.enqueue(stream.handle()).map_err(GpuError::Network)?;
        stream.synchronize()?;
        let done = Arc::new(Event::new(device)?);
        let picture = match access {
            Access::InPlace => None,
            Access::Copied => Some(DeviceMemory::new(device, 0)?),
        };
        Ok(Self {
            waiter: Waiter::start(Arc::clone(&done))?,
            graphs: Vec::new(),
            slots: Vec::new(),
            staging: PinnedMemory::new(device, 0)?,
            picture,
            network,
            reading: None,
            outputs,
            preprocessor,
            begun: Event::new(device)?,
            preprocessed: Event::new(device)?,
            done,
            stream,
            expected: Vec::new(),
            pinned_bytes: 0,
            times: GpuTimes::default(),
            access,
            device: Arc::clone(device),
        })
    }

    /// Reads the balls found, too.
    pub fn add_reader(
        &mut self,
        manifest: &ReaderManifest,
        network: Box<dyn StreamNetwork>,
    ) -> Result<(), GpuError> {
        self.graphs.clear();
        let reading = Reading::new(&self.device, manifest, network, self.access, &self.stream)?;
        self.reading = Some(reading);
        Ok(())
    }

    /// Whether a picture needs no more room, and can be read where it lies if it lies in a slot.
    pub fn is_ready_for(&self, image: &ImageView<'_>) -> bool {
        let size_bytes = image.format().size_bytes();
        let is_pinned = size_bytes <= self.pinned_bytes || !self.is_in_a_slot(image);
        size_bytes <= self.staging.bytes() && is_pinned && !self.graphs.is_empty()
    }

    pub fn make_ready_for(&mut self, image: &ImageView<'_>) -> Result<(), GpuError> {
        let size_bytes = image.format().size_bytes();
        self.make_room(size_bytes)?;
        if self.is_in_a_slot(image) {
            self.pin(size_bytes)?;
        }
        Ok(())
    }

    fn is_in_a_slot(&self, image: &ImageView<'_>) -> bool {
        let address = image.bytes().as_ptr().addr();
        self.expected.iter().any(|slot| slot.address == address)
    }

    /// Makes room for pictures of this many bytes.
    pub fn make_room(&mut self, size_bytes: usize) -> Result<(), GpuError> {
        if size_bytes > self.staging.bytes() {
            self.graphs.clear();
            self.staging = PinnedMemory::new(&self.device, size_bytes)?;
            if let Some(picture) = &mut self.picture {
                *picture = DeviceMemory::new(&self.device, size_bytes)?;
            }
        }
        if self.graphs.is_empty() {
            self.make_graphs()
        } else {
            Ok(())
        }
    }

    /// Pictures of so many bytes will lie in these slots.
    pub fn expect(&mut self, slots: &[SlotMemory], picture_bytes: usize) -> Result<(), GpuError> {
        self.graphs.clear();
        self.slots.clear();
        self.pinned_bytes = 0;
        self.expected = slots.to_vec();
        self.pin(picture_bytes)
    }

    /// Pins so much of every slot.
    fn pin(&mut self, size_bytes: usize) -> Result<(), GpuError> {
        if size_bytes <= self.pinned_bytes {
            return Ok(());
        }
        self.graphs.clear();
        self.slots.clear();
        self.pinned_bytes = size_bytes;
        if self.device.info().registers_host_memory {
            let large_enough = self.expected.iter().filter(|slot| slot.bytes >= size_bytes);
            // A driver's own buffers cannot always be pinned; pictures there go through our place.
            let pinned = large_enough
                .map_while(|slot| RegisteredMemory::new(&self.device, slot.address, size_bytes).ok());
            self.slots.extend(pinned);
        }
        self.make_graphs()
    }

    /// Makes the graphs anew, and runs each once: a graph's first run takes memory.
    fn make_graphs(&mut self) -> Result<(), GpuError> {
        self.device.enter()?;
        let sources: Vec<u64> = match &self.picture {
            Some(picture) => vec![picture.address()],
            None => self
                .slots
                .iter()
                .map(RegisteredMemory::address)
                .chain([self.staging.address()])
                .collect(),
        };
        let mut graphs = Vec::with_capacity(sources.len());
        for source in sources {
            graphs.push(Graphs {
                search: self.search_graph(source)?,
                read: self.read_graph(source)?,
            });
        }
        // What the first runs shall read: a dot, which is there whatever the picture's shape will be.
        let dot = Region {
            x: 0,
            y: 0,
            width: 1,
            height: 1,
        };
        let shape = FrameFormat::packed(1, 1, PixelFormat::Grey);
        self.preprocessor
            .aim(shape, dot)
            .map_err(|error| GpuError::Network(error.to_string()))?;
        if let Some(reading) = &mut self.reading {
            reading.aim(shape, std::iter::empty());
        }
        for place in &graphs {
            for graph in std::iter::once(&place.search).chain(&place.read) {
                launch(graph, &self.stream, &self.done, &self.waiter)?;
            }
        }
        self.graphs = graphs;
        Ok(())
    }

    /// The search of one picture at that address of the GPU.
    fn search_graph(&mut self, source: u64) -> Result<Graph, GpuError> {
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
        Graph::capture(stream, |stream| {
            if picture.is_none() {
                begun.record_in_graph(stream)?;
            }
            // SAFETY: before each run, the preprocessor is aimed at a picture that fits into this place, which lives as
            // long as the graph.
            unsafe { preprocessor.enqueue(stream, source) }?;
            preprocessed.record_in_graph(stream)?;
            network.enqueue(stream.handle()).map_err(GpuError::Network)?;
            outputs.iter().try_for_each(|output| output.fetch(stream))
        })
    }

    /// The reading of one batch of balls in a picture there.
    fn read_graph(&mut self, source: u64) -> Result<Option<Graph>, GpuError> {
        let Self { reading, stream, .. } = self;
        let graph = reading.as_mut().map(|reading| {
            // SAFETY: before each run, the reader is aimed at a picture in this place, which lives as long as the graph.
            Graph::capture(stream, |stream| unsafe { reading.enqueue(stream, source) })
        });
        graph.transpose()
    }

    /// Searches a picture, and sleeps until its results are there. Returns its place.
    pub fn search(&mut self, image: &ImageView<'_>) -> Result<usize, GpuError> {
        self.device.enter()?;
        let size_bytes = image.format().size_bytes();
        let address = image.bytes().as_ptr().addr();
        let slot = self.slots.iter().position(|slot| slot.as_ptr().addr() == address);
        if slot.is_none() {
            // SAFETY: no work is going on that would read it.
            let room = unsafe { self.staging.values_mut::<u8>() };
            room[..size_bytes].copy_from_slice(&image.bytes()[..size_bytes]);
        }
        let started = Instant::now();
        let place = match &self.picture {
            None => slot.unwrap_or(self.slots.len()),
            Some(picture) => {
                let on_host = slot.map_or(self.staging.as_ptr().cast_const(), |slot| {
                    self.slots[slot].as_ptr()
                });
                self.begun.record(&self.stream)?;
                // SAFETY: both have room for such a picture, and stay until the work has ended.
                unsafe { self.stream.copy_to_device(picture.address(), on_host, size_bytes) }?;
                0
            }
        };
        launch(&self.graphs[place].search, &self.stream, &self.done, &self.waiter)?;
        let passed_us = micros_since(started);
        self.times = GpuTimes {
            preprocess_us: self.preprocessed.micros_since(&self.begun)?,
            network_us: self.done.micros_since(&self.preprocessed)?,
            ..GpuTimes::default()
        };
        let work_us = self.times.preprocess_us + self.times.network_us;
        self.times.note_queue(passed_us, work_us);
        Ok(place)
    }

    /// Looks at the balls found in the picture in this place, which was searched last, and sleeps until all are read. Returns
    /// the microseconds that the network took of that, launch and wait included; 0 without a reader.
    pub fn read(
        &mut self,
        place: usize,
        format: FrameFormat,
        found: &mut Detections,
    ) -> Result<f32, GpuError> {
        let (Some(reading), Some(graph)) = (&mut self.reading, &self.graphs[place].read) else {
            return Ok(0.0);
        };
        let mut network_us = 0.0;
        reading.begin();
        let mut balls = found.balls.iter().chain(&found.doubtful).peekable();
        while balls.peek().is_some() {
            let batch: ArrayVec<_, BATCH> = balls.by_ref().take(BATCH).collect();
            reading.aim(format, batch.iter().copied());
            let started = Instant::now();
            launch(graph, &self.stream, &self.done, &self.waiter)?;
            let passed_us = micros_since(started);
            let cut_us = reading.cut.micros_since(&reading.begun)?;
            let read_us = self.done.micros_since(&reading.cut)?;
            reading.note(batch.iter().copied());
            self.times.cut_us += cut_us;
            self.times.read_us += read_us;
            self.times.note_queue(passed_us, cut_us + read_us);
            network_us += passed_us - cut_us;
        }
        reading.tell(found);
        Ok(network_us)
    }

    /// Waits for whatever was started before something else went wrong. An error means that the GPU is out of order.
    pub fn come_to_rest(&self) -> Result<(), GpuError> {
        self.device.enter()?;
        self.done.record(&self.stream)?;
        self.waiter.wait(PATIENCE)
    }
}

/// Runs a graph, and sleeps until it is done.
fn launch(graph: &Graph, stream: &Stream, done: &Event, waiter: &Waiter) -> Result<(), GpuError> {
    graph.launch(stream)?;
    done.record(stream)?;
    waiter.wait(PATIENCE)
}

fn micros_since(started: Instant) -> f32 {
    started.elapsed().as_secs_f32() * 1e6
}
