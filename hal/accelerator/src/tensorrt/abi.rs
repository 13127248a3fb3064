//! How TensorRT's C++ objects lie in memory, and the calls through their tables of virtual functions.
//!
//! What TensorRT gives out is an object of two pointers: its own table, of which only the destructor matters, and the
//! implementation, whose table holds the methods (Itanium C++ ABI, the same on x86-64 and aarch64). The slots are those
//! of the headers of TensorRT 10.3 to 10.16; `board/jetson-orin-nano-devkit/slots.txt` lists them for the check against
//! the headers that a board has.

use std::ffi::{c_char, c_void};
use std::mem::transmute;
use std::ptr::NonNull;

/// Slot of the destructor that frees, in an object's own table.
const DELETING_DESTRUCTOR: usize = 1;

/// Pointers below are no objects: where TensorRT fails to start it returned 0x228 or 0x230.
const LOWEST_OBJECT: usize = 0x10000;

/// The most axes that a shape can have.
pub const MAX_AXES: usize = 8;

/// `nvinfer1::ExecutionContextAllocationStrategy::kUSER_MANAGED`.
pub const USER_MANAGED: i32 = 2;
/// `nvinfer1::TensorIOMode::kINPUT`.
pub const INPUT: i32 = 1;
/// `nvinfer1::TensorIOMode::kOUTPUT`.
pub const OUTPUT: i32 = 2;
/// `nvinfer1::TensorFormat::kLINEAR`.
pub const LINEAR: i32 = 0;

type Table = *const *const c_void;

/// A public object of TensorRT.
#[repr(C)]
pub struct Object {
    table: Table,
    implementation: *mut Implementation,
}

#[repr(C)]
struct Implementation {
    table: Table,
}

/// `nvinfer1::Dims`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Dims {
    pub axes: i32,
    pub sizes: [i64; MAX_AXES],
}

/// An object that is destroyed with this handle.
#[derive(Debug)]
pub struct Owned(NonNull<Object>);

// SAFETY: TensorRT's objects belong to no thread.
unsafe impl Send for Owned {}
// SAFETY: through a shared handle only methods are called that TensorRT documents as safe from several threads at once;
// `ExecutionContext` calls the others through an exclusive one.
unsafe impl Sync for Owned {}

impl Owned {
    /// Takes an object over that a function of TensorRT returned; `None` where that was no object.
    ///
    /// # Safety
    /// The pointer comes from TensorRT and nobody else destroys the object.
    pub unsafe fn new(returned: *mut Object) -> Option<Self> {
        if returned.addr() < LOWEST_OBJECT {
            return None;
        }
        NonNull::new(returned).map(Self)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        type Destructor = unsafe extern "C" fn(*mut Object);
        // SAFETY: the object lives until here.
        let table = unsafe { self.0.as_ref() }.table;
        // SAFETY: each table begins with the two destructors.
        let slot = unsafe { read(table, DELETING_DESTRUCTOR) };
        // SAFETY: that is what lies in this slot.
        let destructor = unsafe { transmute::<*const c_void, Destructor>(slot) };
        // SAFETY: nobody uses the object any more.
        unsafe { destructor(self.0.as_ptr()) }
    }
}

/// The function in a slot.
///
/// # Safety
/// The table has this slot.
unsafe fn read(table: Table, slot: usize) -> *const c_void {
    // SAFETY: the caller's promise.
    let place = unsafe { table.add(slot) };
    // SAFETY: as above.
    unsafe { *place }
}

/// A function for each method: it looks the method up in the implementation's table and calls it.
macro_rules! methods {
    ($($interface:ident::$method:ident = $slot:literal as $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        $(
            /// # Safety
            /// The object is of this interface. Pointers are what TensorRT's documentation asks for.
            pub unsafe fn $name(object: &Owned $(, $argument: $type)*) $(-> $result)? {
                type Method = unsafe extern "C" fn(*mut Implementation $(, $type)*) $(-> $result)?;
                // SAFETY: the object lives as long as its handle.
                let implementation = unsafe { object.0.as_ref() }.implementation;
                // SAFETY: the implementation lives as long as the object.
                let table = unsafe { (*implementation).table };
                // SAFETY: the interface's table has this slot in all versions that `Library` admits.
                let slot = unsafe { read(table, $slot) };
                // SAFETY: this method lies in it.
                let method = unsafe { transmute::<*const c_void, Method>(slot) };
                // SAFETY: the caller's promise.
                unsafe { method(implementation $(, $argument)*) }
            }
        )*

        /// What is called, and where it lies.
        #[cfg(test)]
        const SLOTS: &[(&str, usize)] =
            &[$((concat!(stringify!($interface), "::", stringify!($method)), $slot)),*];
    };
}

methods! {
    IRuntime::deserializeCudaEngine = 3 as deserialize(plan: *const c_void, bytes: usize) -> *mut Object;
    ICudaEngine::createExecutionContext = 5 as create_context(strategy: i32) -> *mut Object;
    ICudaEngine::getTensorShape = 19 as tensor_shape(name: *const c_char) -> Dims;
    ICudaEngine::getTensorDataType = 20 as tensor_type(name: *const c_char) -> i32;
    ICudaEngine::getTensorIOMode = 23 as tensor_direction(name: *const c_char) -> i32;
    ICudaEngine::getTensorFormat = 26 as tensor_format(name: *const c_char) -> i32;
    ICudaEngine::getNbIOTensors = 30 as tensor_count() -> i32;
    ICudaEngine::getIOTensorName = 31 as tensor_name(index: i32) -> *const c_char;
    ICudaEngine::getDeviceMemorySizeV2 = 52 as scratch_bytes() -> i64;
    IExecutionContext::setTensorAddress = 24 as set_tensor_address(name: *const c_char, address: *mut c_void) -> u8;
    IExecutionContext::inferShapes = 28 as infer_shapes(names_max: i32, names: *mut *const c_char) -> i32;
    IExecutionContext::enqueueV3 = 37 as enqueue(stream: *mut c_void) -> u8;
    IExecutionContext::setDeviceMemoryV2 = 49 as set_scratch(address: *mut c_void, bytes: i64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_that_a_board_checks_against_its_headers_is_what_is_called() {
        let listed = include_str!("../../../../board/jetson-orin-nano-devkit/slots.txt");
        let called: String = SLOTS
            .iter()
            .map(|(method, slot)| format!("{method} {slot}\n"))
            .collect();
        assert_eq!(listed, called);
    }

    #[test]
    fn pointers_that_tensorrt_returned_on_failure_are_no_objects() {
        for returned in [0, 0x228, 0x230] {
            // SAFETY: nothing is dereferenced, as these are no objects.
            let object = unsafe { Owned::new(std::ptr::without_provenance_mut(returned)) };
            assert!(object.is_none(), "{returned:#x}");
        }
    }
}
