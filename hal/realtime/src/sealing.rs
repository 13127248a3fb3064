//! A global allocator that knows when a thread was promised to allocate no more.
//!
//! A pipeline thread builds what it needs, then seals itself. From then on every allocation and free of that thread is
//! counted under its [`Role`], or ends the process under [`Policy::Abort`], which tests use. What a library that cannot
//! keep the promise allocates inside a [`library_scope`] is allowed, and counted apart.
//!
//! Limits: it sees what goes through Rust's allocator. What C code takes from `malloc` it does not see.
//!
//! ```
//! use baize_realtime::sealing::{Role, SealingAllocator, allocations_after_sealing, seal_this_thread};
//!
//! #[global_allocator]
//! static ALLOCATOR: SealingAllocator = SealingAllocator;
//!
//! let sealed = seal_this_thread(Role::Table);
//! let promise_broken = std::hint::black_box(Box::new(1));
//! drop(sealed);
//! assert_eq!(allocations_after_sealing(Role::Table).allocations, 1);
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Write;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU8, Ordering};

use self::counters::{Counters, Operation};
use crate::park;

mod counters;

pub use self::counters::Counts;

/// What a pipeline thread does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Gets frames from the camera.
    Capture,
    /// Finds balls and cues in frames.
    Detect,
    /// Turns detections into the state of the table.
    Table,
    /// Writes states into their wire form.
    Encode,
}

impl Role {
    /// All roles, in the order of the pipeline.
    pub const ALL: [Role; 4] = [Role::Capture, Role::Detect, Role::Table, Role::Encode];

    /// The role's name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Detect => "detect",
            Self::Table => "table",
            Self::Encode => "encode",
        }
    }
}

/// What happens when a sealed thread allocates or frees outside a [`library_scope`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Policy {
    /// It is counted.
    Count,
    /// One line on standard error names the role, then the process aborts. With `RUST_BACKTRACE=1` a backtrace follows
    /// the line.
    Abort,
}

/// Chooses what breaking the promise leads to, for all threads. [`Policy::Count`] is where a process starts.
pub fn set_policy(policy: Policy) {
    POLICY.store(policy as u8, Ordering::Relaxed);
}

/// Seals the calling thread until the guard is dropped, which is right before the thread ends: tearing a thread down
/// frees memory. Also makes ready what [`park::block_on`] needs.
pub fn seal_this_thread(role: Role) -> Seal {
    park::prepare_this_thread();
    THREAD.set(Thread {
        role: Some(role),
        ..THREAD.get()
    });
    Seal {
        stays_on_its_thread: PhantomData,
    }
}

/// Lets the calling thread allocate for a library until the guard is dropped. On a sealed thread this is counted in
/// [`library_counts`].
pub fn library_scope() -> LibraryScope {
    let outer = THREAD.get();
    THREAD.set(Thread {
        in_library: true,
        ..outer
    });
    LibraryScope {
        was_in_library: outer.in_library,
        stays_on_its_thread: PhantomData,
    }
}

/// The role that the calling thread is sealed for. A library's own thread takes it over, with
/// [`seal_this_thread`] and [`library_scope`], while it works for a sealed one; its allocations would go unseen.
pub fn sealed_role() -> Option<Role> {
    THREAD.get().role
}

/// What all threads of this role allocated and freed while sealed, outside library scopes.
pub fn allocations_after_sealing(role: Role) -> Counts {
    ROLE_COUNTERS[role as usize].read()
}

/// What all sealed threads allocated and freed inside library scopes.
pub fn library_counts() -> Counts {
    LIBRARY_COUNTERS.read()
}

/// Whether this process allocates through [`SealingAllocator`]. If not, every count is zero and means nothing.
pub fn is_installed() -> bool {
    let outer = THREAD.get();
    THREAD.set(Thread {
        is_probing: true,
        ..outer
    });
    drop(std::hint::black_box(Box::new(0u8)));
    let noticed = !THREAD.get().is_probing;
    THREAD.set(outer);
    noticed
}

/// The calling thread is sealed while this lives.
#[must_use = "the thread is sealed only while this lives: keep it until the thread ends"]
#[derive(Debug)]
pub struct Seal {
    stays_on_its_thread: PhantomData<*const ()>,
}

impl Drop for Seal {
    fn drop(&mut self) {
        THREAD.set(Thread {
            role: None,
            ..THREAD.get()
        });
    }
}

/// The calling thread may allocate for a library while this lives.
#[must_use = "the scope ends when this is dropped"]
#[derive(Debug)]
pub struct LibraryScope {
    was_in_library: bool,
    stays_on_its_thread: PhantomData<*const ()>,
}

impl Drop for LibraryScope {
    fn drop(&mut self) {
        THREAD.set(Thread {
            in_library: self.was_in_library,
            ..THREAD.get()
        });
    }
}

/// The system's allocator, watched. Install it with `#[global_allocator]`.
#[derive(Debug, Clone, Copy, Default)]
pub struct SealingAllocator;

// SAFETY: every call goes to `System` unchanged; what is added neither unwinds nor allocates, except on the way to
// an abort.
unsafe impl GlobalAlloc for SealingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(Operation::Allocate { bytes: layout.size() });
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(Operation::Allocate { bytes: layout.size() });
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        note(Operation::Free);
        // SAFETY: the caller keeps the contract of `dealloc`, and `memory` came from `System`.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        note(Operation::Reallocate { bytes });
        // SAFETY: the caller keeps the contract of `realloc`, and `memory` came from `System`.
        unsafe { System.realloc(memory, layout, bytes) }
    }
}

#[derive(Clone, Copy)]
struct Thread {
    role: Option<Role>,
    in_library: bool,
    is_probing: bool,
}

const UNSEALED: Thread = Thread {
    role: None,
    in_library: false,
    is_probing: false,
};

thread_local! {
    // Constant and without a destructor: reading it never allocates, and works while a thread starts and ends.
    static THREAD: Cell<Thread> = const { Cell::new(UNSEALED) };
}

static POLICY: AtomicU8 = AtomicU8::new(Policy::Count as u8);
static ROLE_COUNTERS: [Counters; Role::ALL.len()] = [const { Counters::new() }; Role::ALL.len()];
static LIBRARY_COUNTERS: Counters = Counters::new();

#[inline]
fn note(operation: Operation) {
    let thread = THREAD.try_with(Cell::get).unwrap_or(UNSEALED);
    if thread.role.is_some() || thread.is_probing {
        note_sealed(thread, operation);
    }
}

#[cold]
fn note_sealed(thread: Thread, operation: Operation) {
    if thread.is_probing {
        THREAD.set(Thread {
            is_probing: false,
            ..thread
        });
        return;
    }
    let Some(role) = thread.role else { return };
    if thread.in_library {
        LIBRARY_COUNTERS.add(operation);
        return;
    }
    ROLE_COUNTERS[role as usize].add(operation);
    // A thread that panics has broken more than this promise, and its message must come through.
    if POLICY.load(Ordering::Relaxed) == Policy::Abort as u8 && !std::thread::panicking() {
        abort(role, operation);
    }
}

fn abort(role: Role, operation: Operation) -> ! {
    let action = match operation {
        Operation::Allocate { .. } => "allocation",
        Operation::Reallocate { .. } => "reallocation",
        Operation::Free => "free",
    };
    let mut line = [0u8; 128];
    let mut rest = &mut line[..];
    // The longest action and role fit; a text cut short would still be written.
    let _ = writeln!(
        rest,
        "baize: {action} on the sealed thread '{}': allocate before sealing",
        role.name()
    );
    let unused = rest.len();
    write_to_standard_error(&line[..line.len() - unused]);
    THREAD.set(UNSEALED);
    let backtrace = std::backtrace::Backtrace::capture();
    if backtrace.status() == std::backtrace::BacktraceStatus::Captured {
        write_to_standard_error(backtrace.to_string().as_bytes());
    }
    std::process::abort()
}

fn write_to_standard_error(text: &[u8]) {
    // Not through `std::io`: the thread may be in the middle of writing there.
    // SAFETY: the pointer and length are those of `text`. A message that cannot be written is lost, nothing more.
    unsafe { libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len()) };
}
