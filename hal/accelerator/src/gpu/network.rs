use std::ffi::c_void;

/// The numbers of a network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// 32 bits.
    Single,
    /// 16 bits.
    Half,
}

/// A network whose engine takes its work from a CUDA stream: TensorRT, or a stand-in.
pub trait StreamNetwork: Send {
    /// The engine's name.
    fn backend(&self) -> &'static str;

    /// What the input has to be made of.
    fn precision(&self) -> Precision;

    /// The tensor of that name lies at that address of the GPU, from now on.
    ///
    /// # Errors
    /// The engine's words.
    fn bind(&mut self, tensor: &str, device_address: u64) -> Result<(), String>;

    /// Puts one run into a stream, a `CUstream`, which may be one that is being captured. Called once for each graph, not
    /// for each picture.
    ///
    /// # Errors
    /// The engine's words.
    fn enqueue(&mut self, stream: *mut c_void) -> Result<(), String>;
}
