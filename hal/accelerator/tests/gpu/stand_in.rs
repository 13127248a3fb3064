//! The network `spots` of the fixtures as kernels: what an engine does with a stream, without an engine.

use std::ffi::c_void;
use std::sync::Arc;

use baize_accelerator::gpu::{Device, Kernel, Precision, StreamNetwork};

const PTX: &str = include_str!("../kernels/spots.ptx");
const THREADS: u32 = 64;

pub struct Spots {
    kernels: [Kernel; 2],
    input_px: [u32; 2],
    input: u64,
    outputs: [u64; 2],
}

impl Spots {
    pub fn new(device: &Arc<Device>, input_px: [u32; 2]) -> Self {
        Self {
            kernels: Kernel::load(device, PTX, [c"balls", c"cues"]).expect("the driver takes the PTX"),
            input_px,
            input: 0,
            outputs: [0; 2],
        }
    }
}

impl StreamNetwork for Spots {
    fn backend(&self) -> &'static str {
        "stand-in"
    }

    fn precision(&self) -> Precision {
        Precision::Single
    }

    fn bind(&mut self, tensor: &str, device_address: u64) -> Result<(), String> {
        let place = match tensor {
            "image" => &mut self.input,
            "balls" => &mut self.outputs[0],
            "cues" => &mut self.outputs[1],
            other => return Err(format!("there is no tensor `{other}`")),
        };
        *place = device_address;
        Ok(())
    }

    fn enqueue(&mut self, stream: *mut c_void) -> Result<(), String> {
        let [width, height] = self.input_px;
        let size_px = u64::from(width) | u64::from(height) << 32;
        for ((kernel, output), stride) in self.kernels.iter().zip(self.outputs).zip([8, 16]) {
            let cells = (width / stride) * (height / stride);
            let grid = [cells.div_ceil(THREADS), 1];
            // SAFETY: input and output are as large as the network's interface says, for as long as it is bound to them.
            unsafe { kernel.enqueue_raw(stream, grid, THREADS, [self.input, output, size_px]) }
                .map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}
